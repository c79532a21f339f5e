import pytest

from tensorrank import Bipartition, SelfAttention, TensorRankError
from tensorrank.attention import bounds
from tensorrank.experiments.comparison import compare, contenders


@pytest.mark.parametrize("budget", [16, 64, 100, 500])
@pytest.mark.parametrize(("sites", "channels"), [(4, 2), (8, 8), (5, 3)])
def test_every_contender_is_within_the_budget_and_one_wider_is_not(budget, sites, channels):
    for one in contenders(budget, sites=sites, channels=channels):
        assert 0 < one.parameters == one.model.parameters <= budget
        assert one.model.sites == sites
        if one.family == "attention":
            assert 4 * one.model.depth * (one.model.width + 1) ** 2 > budget
            assert 4 * (one.model.depth + 1) * one.model.width**2 > budget
        elif one.family == "recurrent":
            wider = type(one.model)(one.model.depth, one.model.hidden + 1, channels, sites)
            assert wider.parameters > budget
        else:
            widths = tuple(width + 1 for width in one.model.widths)
            wider = type(one.model)(sites, channels, widths, pooling=one.model.pooling, shared=True)
            assert wider.parameters > budget


def test_families_are_chosen_by_name():
    assert {one.family for one in contenders(100, families=["recurrent"])} == {"recurrent"}
    assert [one.family for one in contenders(100)] == sorted(
        (one.family for one in contenders(100)), key=["attention", "recurrent", "convolutional"].index
    )
    assert {one.model.pooling for one in contenders(100, families=["convolutional"])} == {"neighbours", "mirror"}


def test_ranks_at_equal_size_are_those_of_the_theory():
    found = {(one.contender.family, one.contender.shape): one for one in compare(contenders(64))}
    # SOURCES.md: width 2 depth 4, and width 1; a recurrent circuit of depth 1 and a shallow convolutional one.
    assert found["attention", "depth 4, width 2"].result.value == 4538
    assert found["attention", "depth 16, width 1"].result.value == (3**16 + 1) // 2
    assert found["recurrent", "depth 1, 4 units"].result.value == 4
    assert found["convolutional", "1 level of 7"].result.value == 7
    assert found["convolutional", "2 levels of 4, mirror"].result.value == 4**4
    one = found["attention", "depth 4, width 2"]
    assert one.log3_value == pytest.approx(bounds.log3(4538))
    assert one.log3_per_parameter == pytest.approx(bounds.log3(4538) / 64)


def test_the_partition_decides_between_the_poolings():
    circuits = contenders(52, families=["convolutional"])
    two_levels = [one for one in circuits if "2 levels" in one.shape]
    halves, interleaved = ([one.result.value for one in compare(two_levels, cut)] for cut in (None, Bipartition.interleaved(8)))
    assert halves == [4, 4**4]
    assert interleaved == [4**4, 4**4]


def test_progress_names_the_contender_and_limits_are_kept():
    seen = []
    chosen = contenders(100, families=["attention"])
    done = list(compare(iter(chosen), work=1e6, progress=lambda *step: seen.append(step)))
    assert {what for *_, what in seen} == {f"attention, {one.shape}" for one in chosen}
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)
    assert seen[0][1] == len(chosen)
    assert {one.result.standing for one in done} >= {"exact", "lower bound"}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"parameters": 0}, "parameters is 0; expected"),
        ({"parameters": 3, "families": ["attention"]}, "no architecture has as few as 3 parameters; give more"),
        ({"parameters": 64, "sites": 1}, "sites is 1; expected"),
        ({"parameters": 64, "channels": 0}, "channels is 0; expected"),
        (
            {"parameters": 64, "families": ["transformer"]},
            "families have 'transformer'; expected names among 'attention', 'recurrent', 'convolutional'$",
        ),
    ],
    ids=str,
)
def test_impossible_comparisons_are_refused(wrong, complaint):
    with pytest.raises(TensorRankError, match=complaint):
        contenders(**wrong)


def test_attention_of_one_head_has_four_d_squared_parameters_a_layer():
    assert SelfAttention(3, 5).parameters == 4 * 3 * 25

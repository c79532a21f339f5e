from dataclasses import replace

import pytest

import tensorrank as tr
from tensorrank import Bipartition, SelfAttention
from tensorrank.experiments.comparison import Contender, compare
from tensorrank.separation.architecture import Architecture
from tensorrank.separation.containment import Ranked, all_raised, raised


class Named(Architecture):
    """A model that contains those with some numbers."""

    sites, weight_degree, input_degree = 2, 0, 0
    draw = value_work = None

    def __init__(self, number, inner):
        self.number, self.inner = number, inner

    def contains(self, partition, other, other_partition):
        return other.number in self.inner

    def __str__(self):
        return f"model {self.number}"


def made(value, standing="lower bound", upper=None):
    """A rank as it would have been computed."""
    upper = value if standing == "exact" else upper
    evidence = {"by_degree": None, "primes": (), "seeds": (0,), "samples": None, "failure_probability": None, "seconds": 0.5}
    return tr.SeparationRank(value=value, lower=value, upper=upper, standing=standing, method="grid", **evidence)


def ranked(model, **options):
    return Ranked(model, Bipartition.halves(model.sites), tr.separation_rank(model, **options))


def test_a_wide_network_that_does_not_fit_has_the_rank_of_a_narrow_one():
    # Bounds in closed form are 104 for two heads of width 4.
    wide, narrow = ranked(SelfAttention(2, 8, heads=2), work=1), ranked(SelfAttention(2, 4))
    assert (wide.rank.standing, narrow.rank.value, narrow.rank.standing) == ("lower bound", 110, "exact")
    found = raised(wide, [narrow, wide])
    assert (found.value, found.lower, found.upper, found.standing) == (110, 110, wide.rank.upper, "lower bound")
    assert found.by_degree is None
    assert found.reason == f"contains {narrow.model}, whose rank is 110 (exact)"
    assert raised(narrow, [wide]) == narrow.rank
    narrow_heads = ranked(SelfAttention(2, 4, heads=4), work=1)
    wider = ranked(SelfAttention(2, 9, heads=2, head_dim=4), work=1)
    assert raised(narrow_heads, [wide]) == narrow_heads.rank
    larger = Ranked(wider.model, wider.partition, replace(wider.rank, value=1, lower=1))
    assert raised(larger, [wide]).reason == f"contains {wide.model}, whose rank is at least {wide.rank.lower}"


def test_a_bound_comes_from_the_largest_that_is_contained_also_by_way_of_another_model():
    chain = [Named(number, {number - 1}) for number in range(4)]
    ranks = [made(9, "exact"), made(1), made(2), made(3)]
    halves = Bipartition.halves(2)
    found = all_raised([Ranked(model, halves, rank) for model, rank in zip(chain, ranks, strict=True)])
    assert [rank.value for rank in found] == [9, 9, 9, 9]
    assert [rank.reason for rank in found[1:3]] == [
        "contains model 0, whose rank is 9 (exact)",
        "contains model 1, whose rank is at least 9",
    ]


def test_a_bound_beyond_what_is_proved_of_the_larger_model_is_told():
    halves = Bipartition.halves(2)
    small, large = Ranked(Named(0, set()), halves, made(9)), Ranked(Named(1, {0}), halves, made(1, upper=8))
    with pytest.raises(tr.TensorRankError, match="lower bound 9 exceeds the proven upper bound 8: one of them is wrong"):
        all_raised([small, large])


def test_a_bound_that_meets_the_upper_one_is_exact():
    known = ranked(SelfAttention(2, 2))
    least = ranked(SelfAttention(2, 2, heads=2), work=1.0)
    assert (known.rank.value, least.rank.standing, least.rank.upper) == (18, "lower bound", 17)
    found = raised(least, [known])
    # Heads of width 2 are not contained in heads of width 1.
    assert found == least.rank
    found = raised(ranked(SelfAttention(2, 2, heads=2, head_dim=2), work=1.0), [known])
    assert (found.value, found.standing, found.failure_probability) == (18, "exact", 0.0)
    assert found.reason == f"contains {known.model}, whose rank is 18 (exact)"


def test_a_numerical_rank_is_left_as_it_is():
    model = tr.SoftmaxAttention(1, 2, tokens=2)
    numerical = Ranked(SelfAttention(1, 2, tokens=2), Bipartition.halves(2), tr.numerical_separation_rank(model))
    assert raised(numerical, [ranked(SelfAttention(1, 1, tokens=2))]) is numerical.rank


@pytest.mark.parametrize("reverse", [False, True])
def test_a_comparison_never_prints_less_for_a_model_than_for_one_inside_it(reverse):
    # Bounds in closed form are 104 for one and two heads of width 4.
    models = [SelfAttention(2, width, heads=1 + (width > 4), head_dim=min(width, 4)) for width in (24, 2, 4, 8)]
    listed = [Contender("attention", f"width {model.width}", model) for model in (models[::-1] if reverse else models)]
    told = []
    found = list(compare(listed, work=1e8, progress=lambda *step: told.append(step)))
    assert [one.contender for one in found] == listed
    values = {one.contender.model.width: one.result.value for one in found}
    assert values[2] <= values[4] <= values[8] <= values[24]
    alone = {model.width: tr.separation_rank(model, work=1e8).value for model in models}
    assert alone[24] < alone[4] == values[4] <= values[24]
    done = [step[0] for step in told]
    assert done == sorted(done)


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        (tr.RecurrentCircuit(2, hidden=3, channels=3, steps=6), tr.RecurrentCircuit(2, hidden=2, channels=3, steps=6)),
        (tr.RecurrentCircuit(2, hidden=2, channels=3, steps=6), tr.RecurrentCircuit(2, hidden=2, channels=2, steps=6)),
        (tr.GatedRecurrence(2, 2, 2, 4, head_dim=1), tr.GatedRecurrence(2, 2, 1, 4, head_dim=1)),
        (tr.GraphNetwork("cycle:4", 2, 2), tr.GraphNetwork("cycle:4", 2, 2, features=1)),
        (tr.ConvolutionalCircuit(4, 3, (3, 2)), tr.ConvolutionalCircuit(4, 2, (3, 1))),
        (tr.ConvolutionalCircuit(4, 3, (3, 2)), tr.ConvolutionalCircuit(4, 3, (3, 2), shared=True)),
    ],
)
def test_circuits_contain_narrower_ones(larger, smaller):
    for partition in (Bipartition.halves(larger.sites), Bipartition.interleaved(larger.sites)):
        swapped = Bipartition(partition.b, partition.a)
        assert larger.contains(partition, smaller, partition)
        assert larger.contains(partition, smaller, swapped)
        assert not smaller.contains(partition, larger, partition)
        assert not larger.contains(partition, smaller, Bipartition.of(larger.sites, [0]))
        assert tr.separation_rank(larger, partition).value >= tr.separation_rank(smaller, partition).value


def test_networks_and_mixtures_contain_nothing_that_is_proved():
    model = tr.LatentClass.random((2, 2), 2, seed=0)
    halves = Bipartition.halves(2)
    assert not model.architecture().contains(halves, model, halves)

import pytest

import tensorrank as tr
from tensorrank.studies.events import Advanced, BlockFinished
from tensorrank.studies.store import Store
from tensorrank.studies.study import Study

# Published and measured ranks, MATH.md section 2: one full head.
KNOWN = {(1, 1): 2, (1, 2): 5, (2, 1): 3, (2, 2): 18, (2, 3): 232, (3, 2): 49}


class Seen(list):
    """An observer that keeps every event."""

    def __call__(self, event):
        self.append(event)

    def computed(self):
        """The architectures of which blocks were computed, in order."""
        return list(dict.fromkeys(event.model for event in self if isinstance(event, BlockFinished) and event.fresh))


def test_ranks_are_the_known_ones():
    with Store(":memory:") as store:
        for finding in Study((1, 2, 3), (1, 2, 3), work=1e9).run(store):
            key = (finding.model.width, finding.model.depth)
            if key in KNOWN:
                assert (finding.result.value, finding.result.standing) == (KNOWN[key], "exact")


def test_the_plan_is_the_product_without_heads_that_do_not_divide():
    study = Study((2, 3), (1, 2), heads=(1, 2), tokens=(2, None))
    plan = study.plan()
    assert len(plan) == 2 * 2 * 2 + 2 * 1 * 2
    assert all(model.heads * model.head_dim == model.width for model in plan)
    assert study.left_out() == ["width 3 with 2 heads: 2 does not divide 3"]


def test_head_dims_make_every_number_of_heads_possible():
    study = Study((3,), (1,), heads=(2,), head_dims=(1, 2))
    assert [(model.heads, model.head_dim) for model in study.plan()] == [(2, 1), (2, 2)]
    assert study.left_out() == []


def test_a_rerun_computes_nothing(tmp_path):
    study, seen = Study((1, 2), (1, 2)), Seen()
    with Store(tmp_path / "s.sqlite") as store:
        first = list(study.run(store, seen))
    assert len(seen.computed()) == 4
    again_seen = Seen()
    with Store(tmp_path / "s.sqlite") as store:
        again = list(study.run(store, again_seen))
    assert not any(isinstance(event, BlockFinished) for event in again_seen)
    assert [f.fresh for f in first] == [True] * 4
    assert [f.fresh for f in again] == [False] * 4
    assert [f.result for f in again] == [f.result for f in first]


def test_a_larger_study_computes_what_is_missing():
    seen = Seen()
    with Store(":memory:") as store:
        list(Study((2,), (1, 2)).run(store, seen))
        list(Study((1, 2), (1, 2, 3)).run(store, seen))
    assert [(m.width, m.depth) for m in seen.computed()] == [(2, 1), (2, 2), (1, 1), (1, 2), (1, 3), (2, 3)]


def test_lower_bounds_are_computed_again_under_larger_memory():
    small, again = Study((2,), (4,), memory="300kB", work=None), Seen()
    with Store(":memory:") as store:
        (cut,) = small.run(store)
        assert cut.result.standing == "lower bound"
        assert cut.result.value < 4538
        list(small.run(store, again))
        assert again.computed() == []
        (whole,) = Study((2,), (4,), memory="1GiB", work=None).run(store)
    assert (whole.result.value, whole.result.standing) == (4538, "exact")


def test_an_error_of_an_observer_keeps_what_is_finished(tmp_path):
    study = Study((1, 2), (1, 2))

    def interrupt(event):
        if isinstance(event, BlockFinished) and event.model.width == 2:
            raise KeyboardInterrupt

    with Store(tmp_path / "s.sqlite") as store, pytest.raises(KeyboardInterrupt):
        list(study.run(store, interrupt))
    with Store(tmp_path / "s.sqlite") as store:
        assert [f.fresh for f in study.run(store)] == [False, False, True, True]


def test_progress_names_the_architecture_and_stays_within_the_whole():
    seen = Seen()
    with Store(":memory:") as store:
        list(Study((2,), (2,)).run(store, seen))
    told = [event for event in seen if isinstance(event, Advanced)]
    assert {event.model for event in told} == {tr.SelfAttention(2, 2)}
    assert all(event.done <= event.total for event in told)
    assert [event.done for event in told] == sorted(event.done for event in told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": ()}, "no widths were given"),
        ({"widths": (3,), "heads": (2,)}, "no architecture remains: none of the heads"),
        ({"depths": (0,)}, "an entry of depths is 0; expected a whole number of at least 1"),
        ({"widths": 2}, "widths is 2; expected a list of whole numbers"),
        ({"widths": (2.5,)}, "an entry of widths is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"memory": "lots"}, "memory limit is 'lots'"),
        ({"work": 0}, "work limit is 0"),
    ],
)
def test_impossible_studies_are_refused_at_once(arguments, message):
    with pytest.raises(tr.TensorRankError, match=message):
        Study(**arguments)

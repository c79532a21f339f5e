import pytest

import tensorrank as tr
from tensorrank.studies.events import Advanced, BlockFinished
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.store import Store
from tensorrank.studies.study import Study

# Published and measured ranks, SOURCES.md section 2: one full head.
KNOWN = {(1, 1): 2, (1, 2): 5, (2, 1): 3, (2, 2): 18, (2, 3): 232, (3, 2): 49}


class Seen(list):
    """An observer that keeps every event."""

    def __call__(self, event):
        self.append(event)

    def computed(self):
        """The models of which blocks were computed, in order."""
        return list(dict.fromkeys(event.model for event in self if isinstance(event, BlockFinished) and event.fresh))


def test_ranks_are_the_known_ones():
    with Store(":memory:") as store:
        for finding in Study.over(tr.SelfAttention, width=(1, 2, 3), depth=(1, 2, 3), work=1e9).run(store):
            key = (finding.model.width, finding.model.depth)
            if key in KNOWN:
                assert (finding.result.value, finding.result.standing) == (KNOWN[key], "exact")


def test_the_models_are_the_product_without_heads_that_do_not_divide():
    study = Study.over(tr.SelfAttention, width=(2, 3), heads=(1, 2), tokens=(2, None), depth=(1, 2))
    assert len(study.models) == 2 * 2 * 2 + 2 * 1 * 2
    assert all(model.heads * model.head_dim == model.width for model in study.models)
    assert study.left_out == ["2 heads do not divide the width 3; expected a divisor, or give head_dim"]


def test_head_dims_make_every_number_of_heads_possible():
    study = Study.over(tr.SelfAttention, width=3, heads=2, head_dim=(1, 2), depth=1)
    assert [(model.heads, model.head_dim) for model in study.models] == [(2, 1), (2, 2)]
    assert study.left_out == []


def test_a_rerun_computes_nothing(tmp_path):
    study, seen = Study.over(tr.SelfAttention, width=(2, 3), depth=(2, 3)), Seen()
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
        list(Study.over(tr.SelfAttention, width=3, depth=2).run(store, seen))
        list(Study.over(tr.SelfAttention, width=(2, 3), depth=(2, 3)).run(store, seen))
    computed = [(key.values["width"], key.values["depth"]) for key in seen.computed()]
    assert computed == [(3, 2), (2, 2), (2, 3), (3, 3)]


def test_lower_bounds_are_computed_again_under_larger_memory():
    small, again = Study.over(tr.SelfAttention, width=2, depth=4, memory="300kB", work=None), Seen()
    with Store(":memory:") as store:
        (cut,) = small.run(store)
        assert cut.result.standing == "lower bound"
        assert cut.result.value < 4538
        list(small.run(store, again))
        assert again.computed() == []
        (whole,) = Study.over(tr.SelfAttention, width=2, depth=4, memory="1GiB", work=None).run(store)
    assert (whole.result.value, whole.result.standing) == (4538, "exact")


def test_an_error_of_an_observer_keeps_what_is_finished(tmp_path):
    study = Study.over(tr.SelfAttention, width=(2, 3), depth=(2, 3))

    def interrupt(event):
        if isinstance(event, BlockFinished) and event.model.values["width"] == 3:
            raise KeyboardInterrupt

    with Store(tmp_path / "s.sqlite") as store, pytest.raises(KeyboardInterrupt):
        list(study.run(store, interrupt))
    with Store(tmp_path / "s.sqlite") as store:
        assert [f.fresh for f in study.run(store)] == [False, False, True, True]


def test_progress_names_the_architecture_and_stays_within_the_whole():
    seen = Seen()
    with Store(":memory:") as store:
        list(Study.over(tr.SelfAttention, width=2, depth=2).run(store, seen))
    told = [event for event in seen if isinstance(event, Advanced)]
    assert {event.model for event in told} == {ModelKey.of(tr.SelfAttention(2, 2))}
    assert all(event.done <= event.total for event in told)
    assert [event.done for event in told] == sorted(event.done for event in told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": ()}, "no width is given; expected at least one"),
        ({"width": 3, "heads": 2}, "no combination of the sizes makes a model: 2 heads do not divide the width 3"),
        ({"depth": (0, 1)}, "depth is 0; expected a whole number of at least 1"),
        ({"width": "2"}, "width is '2'; expected a whole number"),
        ({"width": (2.5,)}, "width is 2.5"),
        ({"widht": 2}, "SelfAttention has no size 'widht'; expected one of .*; did you mean 'width'?"),
        ({"models": ()}, "SelfAttention has no size 'models'"),
        ({"left_out": ()}, "SelfAttention has no size 'left_out'"),
        ({"seed": -1}, "seed is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"memory": "lots"}, "memory limit is 'lots'"),
        ({"work": 0}, "work limit is 0"),
    ],
)
def test_impossible_studies_are_refused_at_once(arguments, message):
    with pytest.raises(tr.TensorRankError, match=message):
        Study.over(tr.SelfAttention, **{"width": 2, "depth": 1, **arguments})


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], "no models are given; expected at least one"),
        (tr.SelfAttention(1, 2), r"models is SelfAttention\(.*; expected a list of architectures or mixtures"),
        ([3], "the model is 3; expected an architecture such as SelfAttention"),
        ([tr.Tensor("t", ("a", "b"), [[1]])], "expected an architecture"),
        ([tr.TensorNetwork((tr.Tensor("t", ("a", "b"), [[1]]),), ("a", "b"))], "has no kind to be known by"),
    ],
)
def test_what_no_study_can_be_of_is_refused_at_once(models, message):
    with pytest.raises(tr.TensorRankError, match=message):
        Study(models)


@pytest.mark.parametrize("kind", ["attention", tr.SelfAttention(1, 2)])
def test_a_sweep_of_what_is_no_class_is_refused(kind):
    with pytest.raises(tr.TensorRankError, match=r"the kind is .*; expected a class of models, such as SelfAttention"):
        Study.over(kind, width=2)


def test_the_path_of_a_store_is_no_store():
    with pytest.raises(tr.TensorRankError, match=r"the store is 's.sqlite'; expected an open tensorrank.Store"):
        next(Study([tr.SelfAttention(1, 2)]).run("s.sqlite"))

"""What public functions give: short to print, equal when it is the same, also after it was copied or pickled."""

import copy
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from fuzz.good_calls import CALLS, namespace

import tensorrank as tr
from tensorrank.equal_values import key_of
from tensorrank.errors import TensorRankError
from tensorrank.short_reprs import LONGEST

# A file that is open, a picture, what holds functions of its users or of the registry of tasks, and a tuple of arrays.
LEFT_ALONE = {"Store", "Picture", "NumericalModel", "NamedTask", "Head"}


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """What each of the good calls gives, of the library's own types."""
    found, folder = [], tmp_path_factory.mktemp("values")
    names = dict(namespace())
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(folder)
        warnings.simplefilter("ignore")
        for call in CALLS:
            if "tr.figures" in call:
                continue
            try:
                value = eval(call, dict(names))
            except TensorRankError:
                continue  # a file that is not here
            if type(value).__module__.startswith("tensorrank."):
                found.append((call, value))
    return found


def test_reprs_have_at_most_500_characters(values):
    assert len({type(value) for _, value in values}) > 50
    long = {call: len(repr(value)) for call, value in values if len(repr(value)) > LONGEST}
    assert not long


def test_notebooks_show_small_tables_without_colours(values):
    for call, value in values:
        if type(value).__name__ in {"Picture", "Head"}:
            continue
        text = value._repr_html_()
        assert text.count("<tr>") <= 40, call
        assert len(text) < 12_000, call
        assert "color" not in text, call


def test_results_stack_in_a_data_frame(values):
    results = [value for _, value in values if hasattr(value, "to_pandas")]
    assert len({type(result) for result in results}) > 40
    for result in results:
        rows = result.to_rows()
        frame = result.to_pandas()
        assert len(frame) == len(rows) > 0
        assert set(frame.columns) == {name for row in rows for name in row}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(pd.concat([result.to_pandas() for result in results])) >= len(results)


def test_copies_are_equal_and_have_the_same_hash(values):
    for call, value in values:
        if type(value).__name__ in LEFT_ALONE:
            continue
        for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
            assert other == value, call
            assert hash(other) == hash(value), call


def test_mixtures_with_equal_tables_are_equal_and_others_are_not():
    one, same = (tr.HiddenMarkov.random(states=2, symbols=2, length=4, seed=0) for _ in range(2))
    other = tr.HiddenMarkov.random(states=2, symbols=2, length=4, seed=1)
    assert one == same
    assert len({one, same, other}) == 2
    assert one != other
    assert one != tr.reduce(one, "latent_tree")


def test_results_are_equal_whatever_the_seconds():
    model = tr.SelfAttention(depth=2, width=2)
    one, other = (tr.separation_rank(model) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != tr.separation_rank(model, seed=5)


MODELS = [
    tr.SelfAttention(depth=2, width=2),
    tr.SelfAttention(depth=2, width=4, heads=2, residual=True),
    tr.RecurrentCircuit(depth=2, hidden=3, channels=3, steps=6),
    tr.ConvolutionalCircuit(sites=4, channels=2, widths=(2, 2)),
    tr.HiddenMarkov.random(states=2, symbols=2, length=6, seed=0),
]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_results_are_equal_whatever_multiplied_them(model):
    one = tr.separation_rank(model, threads=1)
    for options in ({"threads": 2}, {"engine": "float32"}, {"engine": "float64"}, {"engine": "bytes"}):
        other = tr.separation_rank(model, **options)
        assert other == one
        assert hash(other) == hash(one)


def test_findings_are_equal_wherever_they_are_kept(tmp_path):
    kept = [tr.study(widths=2, depths=(1, 2), store=tmp_path / name) for name in ("a.sqlite", "b.sqlite", "a.sqlite")]
    assert [one[0].fresh for one in kept] == [True, True, False]
    assert len(set(kept)) == 1
    assert kept[0] == tr.study(widths=2, depths=(1, 2))
    assert kept[0] != tr.study(widths=2, depths=(1, 3))


RANDOM_MODELS = {
    "hidden_markov": lambda **given: tr.HiddenMarkov.random(2, 3, 4, **given),
    "latent_class": lambda **given: tr.LatentClass.random([2, 3, 2], 2, **given),
    "latent_tree": lambda **given: tr.LatentTree.random([0, 0, 1, 1], 2, 2, **given),
    "tensorial_mixture": lambda **given: tr.TensorialMixture.random(2, 2, 2, **given),
    "hierarchical": lambda **given: tr.Hierarchical.random([2, 2, 2], 2, **given),
    "sum_product": lambda **given: tr.SumProduct.random(3, 2, **given),
    "squared": lambda **given: tr.SquaredMixture.random([0, 0, 1, 1], 2, 2, summed=["z1"], **given),
}


@pytest.mark.parametrize("fractions", [False, True])
@pytest.mark.parametrize("kind", RANDOM_MODELS)
def test_models_saved_and_loaded_are_equal_and_so_is_all_that_is_made_of_them(kind, fractions, tmp_path):
    model, other = (RANDOM_MODELS[kind](seed=seed, fractions=fractions) for seed in (3, 4))
    assert model.kind == kind
    model.log_density([[0] * model.sites])  # what is kept for later calls makes no difference
    tr.save(model, tmp_path / "model.json")
    loaded = tr.load(tmp_path / "model.json")
    assert loaded == model
    assert len({loaded, model, other}) == 2
    reduced = [tr.reduce(one, "sum_product") for one in (model, loaded)]
    pairs = [
        (model.to_network(), loaded.to_network()),
        (tr.separation_rank(model), tr.separation_rank(loaded)),
        (tr.plan(model, memory="64MiB"), tr.plan(loaded, memory="64MiB")),
        tuple(reduced),
        (tr.check_reduction(model, reduced[0]), tr.check_reduction(loaded, reduced[1])),
    ]
    for one, same in pairs:
        assert one == same
        assert hash(one) == hash(same)
    rank = tr.separation_rank(model)
    assert tr.SeparationRank.from_dict(rank.to_dict()) == rank


def test_zeros_of_either_sign_are_equal():
    one, same = (tr.HiddenMarkov([zero, 1.0], np.eye(2) * 1.0, np.eye(2) * 1.0, length=3) for zero in (0.0, -0.0))
    assert one == same
    assert hash(one) == hash(same)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_results_are_equal_however_the_partition_is_given(model):
    sites = range(0, model.sites, 2)
    forms = ["interleaved", sites, set(sites), np.array(sites), tr.Bipartition.interleaved(model.sites)]
    for found in (tr.separation_rank, tr.plan):
        assert len({found(model, form) for form in forms}) == 1
        assert found(model) == found(model, "halves") == found(model, range(model.sites // 2))
    # A plan's costs, but no rank, may depend on the order of the sites.
    assert tr.separation_rank(model, list(sites)[::-1]) == tr.separation_rank(model, "interleaved")


def test_ranks_of_a_matrix_are_equal_however_it_is_written():
    assert tr.rational_rank(np.array([[1, 2], [2, 4]])) == tr.rational_rank([[Fraction(1), 2], [2, 4]])


@pytest.mark.parametrize("entries", [np.ones((2, 2)), [[1, 1], [1, 1]], np.ones((2, 2), dtype=int)])
def test_tensors_are_equal_if_their_entries_are(entries):
    tensor = tr.Tensor("t", ("a", "b"), entries)
    assert tensor == tr.Tensor("t", ("a", "b"), np.ones((2, 2)))
    assert tensor != tr.Tensor("t", ("a", "c"), np.ones((2, 2)))
    assert tensor != "t"


def test_arrays_of_other_shapes_are_different():
    assert key_of(np.ones((2, 3))) != key_of(np.ones((3, 2)))
    assert key_of({1, 2}) == key_of({2, 1})

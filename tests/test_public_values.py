"""What public functions give: short to print, equal when it is the same, also after it was copied or pickled."""

import copy
import pickle
import warnings

import numpy as np
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


@pytest.mark.parametrize("entries", [np.ones((2, 2)), [[1, 1], [1, 1]], np.ones((2, 2), dtype=int)])
def test_tensors_are_equal_if_their_entries_are(entries):
    tensor = tr.Tensor("t", ("a", "b"), entries)
    assert tensor == tr.Tensor("t", ("a", "b"), np.ones((2, 2)))
    assert tensor != tr.Tensor("t", ("a", "c"), np.ones((2, 2)))
    assert tensor != "t"


def test_arrays_of_other_shapes_are_different():
    assert key_of(np.ones((2, 3))) != key_of(np.ones((3, 2)))
    assert key_of({1, 2}) == key_of({2, 1})

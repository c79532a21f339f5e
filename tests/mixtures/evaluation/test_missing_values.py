"""A value is missing if it is -1, NaN, None, pandas' NA or masked, in every function that takes data."""

import re
from decimal import Decimal

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.data import numbers_of
from tensorrank.mixtures.fitting.chow_liu import chow_liu_tree
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.fitting.observations import observations
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass

CODES = np.array([[0, 1, 2], [1, 0, 2], [2, 2, 1], [0, 1, 0], [1, 1, 1], [2, 0, 2]])
HIDDEN = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], dtype=bool)
REAL = CODES * 0.75 - 0.5


def with_missing(values, how):
    """The values with those of HIDDEN missing, as users write that."""
    objects = values.astype(object)
    match how:
        case "masked":
            return np.ma.array(values, mask=HIDDEN)
        case "masked rows":
            return list(np.ma.array(values, mask=HIDDEN))
        case "NaN":
            return np.where(HIDDEN, np.nan, values)
        case "None":
            return np.where(HIDDEN, None, objects).tolist()
        case "Decimal NaN":
            return np.where(HIDDEN, Decimal("NaN"), objects)
    pandas = pytest.importorskip("pandas")
    if how == "DataFrame":
        return pandas.DataFrame(np.where(HIDDEN, np.nan, values))
    nullable = "Int64" if values.dtype.kind == "i" else "Float64"
    return pandas.DataFrame(values).astype(nullable).mask(HIDDEN)


WAYS = ["masked", "masked rows", "None", "Decimal NaN", "DataFrame", "nullable DataFrame"]


@pytest.mark.parametrize("how", WAYS)
def test_categorical_data(how):
    data, known = with_missing(CODES, how), np.where(HIDDEN, -1, CODES)
    model = LatentClass.random([3, 3, 3], 2, 0)
    np.testing.assert_array_equal(model.log_density(data), model.log_density(known))
    assert model.score(data) == model.score(known)
    np.testing.assert_array_equal(model.score_samples(data), model.score_samples(known))
    np.testing.assert_array_equal(model.probability(data), model.probability(known))
    for one, other in zip(model.posteriors(data), model.posteriors(known), strict=True):
        np.testing.assert_array_equal(one, other)
    found = LatentClass.fit(data, 2, iterations=5, tolerance=0, densities="categorical")
    np.testing.assert_array_equal(found.weights, LatentClass.fit(known, 2, iterations=5, tolerance=0).weights)
    again = fitted(model, data, iterations=2, tolerance=0).model
    np.testing.assert_array_equal(again.weights, fitted(model, known, iterations=2, tolerance=0).model.weights)
    tree = chow_liu_tree(data, densities="categorical")
    assert sorted(tree.edges) == sorted(chow_liu_tree(known).edges)


@pytest.mark.parametrize("how", WAYS)
def test_real_data(how):
    data, known = with_missing(REAL, how), with_missing(REAL, "NaN")
    model = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]], np.eye(2), 3, densities=Gaussians([-1, 1], [1, 2]))
    np.testing.assert_array_equal(model.log_density(data), model.log_density(known))
    found = HiddenMarkov.fit(data, 2, iterations=3, tolerance=0)
    np.testing.assert_array_equal(found.initial, HiddenMarkov.fit(known, 2, iterations=3, tolerance=0).initial)
    shared = Gaussians([[0, 1, 2]], [[1, 2, 3]])
    np.testing.assert_array_equal(shared.log_densities(0, data), shared.log_densities(0, known))


def test_whole_numbers_stay_whole_numbers_where_some_are_missing():
    """Floats that are all whole numbers leave open what they are; masked whole numbers and None beside them do not."""
    for how in ("masked", "masked rows", "None", "nullable DataFrame"):
        assert observations(with_missing(CODES, how)).shape == (3, 3, 3)
    with pytest.raises(TensorRankError, match="floats that are all whole numbers"):
        observations(with_missing(CODES, "NaN"))


def test_a_masked_whole_number_of_a_real_variable_is_missing_not_minus_one():
    data = np.ma.array([[0, 1], [2, 3]], mask=[[True, False], [False, False]])
    values = observations(data, densities="gaussian").values
    np.testing.assert_array_equal(values[..., 0], [[np.nan, 1], [2, 3]])


def test_what_is_masked_may_be_anything():
    data = np.ma.array([[0, 7], [1, 1]], mask=[[False, True], [False, False]])
    assert LatentClass.random([2, 2], 2, 0).log_density(data).shape == (2,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[0, "1"]], "entries of type <U21 were given as the data; expected numbers"),
        ([[None, "1"]], "an entry of the data is '1' at (0, 1); expected numbers that a float64 holds, or NaN, None or"),
        ([[None, 1j]], "an entry of the data is 1j at (0, 1)"),
        ([[None, 10**400]], "an entry of the data is a whole number of some 400 digits at (0, 1)"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "entries of type datetime64[D] were given as the data"),
        ([[b"1"]], "entries of type |S1 were given as the data; expected numbers"),
        ([[1j]], "entries of type complex128 were given as the data; expected numbers"),
        (({"a": 1}), "an object of the type dict was given as the data"),
        ([[0, [1]]], "lists of unequal lengths were given as the data; expected rows of equal length"),
    ],
)
def test_entries_that_are_no_numbers(data, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        numbers_of(data)


def test_weights_of_rows_and_tables_have_nothing_missing():
    with pytest.raises(TensorRankError, match="an array with 1 masked entry was given as the weights; expected every"):
        LatentClass.fit([[0, 1], [1, 0]], weights=np.ma.array([1, 1], mask=[0, 1]))
    with pytest.raises(TensorRankError, match="masked entry was given as the array of weights; expected every entry"):
        LatentClass(np.ma.array([0.5, 0.5], mask=[0, 1]), [[[1], [1]]])
    with pytest.raises(TensorRankError, match="masked entry was given as the means; expected every entry"):
        Gaussians(np.ma.array([0.5, 0.5], mask=[0, 1]), [1, 1])

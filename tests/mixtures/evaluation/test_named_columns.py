"""Columns of a DataFrame are told by the names of the variables, in every function that takes data."""

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.mixtures.fitting.fit import fitted

pandas = pytest.importorskip("pandas")

LIKELY, RARE = [[0.9, 0.1], [0.3, 0.7]], [[0.6, 0.4], [0.2, 0.8]]
TREE = tr.LatentTree("z", [0.5, 0.5], [("z", "x", LIKELY), ("z", "y", RARE)], ["x", "y"])
VALUES = np.array([[1, 0], [0, 0], [1, 1], [0, -1]])
AS_IS = pandas.DataFrame(VALUES, columns=["x", "y"])
SWAPPED = AS_IS[["y", "x"]]

ASKED = {
    "log_density": lambda model, data: model.log_density(data),
    "score": lambda model, data: model.score(data),
    "probability": lambda model, data: model.probability(data),
    "posteriors": lambda model, data: np.concatenate(model.posteriors(data), axis=1),
    "hidden_posteriors": lambda model, data: model.hidden_posteriors(data)["z"],
    "viterbi": lambda model, data: model.viterbi(data).log_probabilities,
    "most_probable_explanation": lambda model, data: model.most_probable_explanation(data).rows,
    "fitted": lambda model, data: fitted(model, data, iterations=3, tolerance=0).log_likelihoods,
}


@pytest.mark.parametrize("asked", ASKED)
def test_columns_stand_in_any_order(asked):
    expected = ASKED[asked](TREE, VALUES)
    np.testing.assert_array_equal(ASKED[asked](TREE, AS_IS), expected)
    np.testing.assert_array_equal(ASKED[asked](TREE, SWAPPED), expected)


@pytest.mark.parametrize("columns", [["x", "z"], ["x"], ["x", "y", "id"], ["x", "x"]])
@pytest.mark.parametrize("asked", ASKED)
def test_columns_that_are_no_variables_are_named(asked, columns):
    odd = pandas.DataFrame(np.zeros((2, len(columns)), dtype=int), columns=columns)
    with pytest.raises(tr.TensorRankError, match=r"expected one for each of 'x', 'y', in any order: data\.reindex"):
        ASKED[asked](TREE, odd)


def test_the_error_says_which_column_is_unknown_and_which_is_missing():
    with pytest.raises(tr.TensorRankError, match=r"has columns \['w'\], which name no variable and none for \['y'\]"):
        TREE.score(pandas.DataFrame({"x": [0], "w": [1]}))


def test_columns_with_the_default_numbers_are_the_variables_of_these_numbers():
    plain = pandas.DataFrame(VALUES)
    for model in (TREE, tr.LatentClass([0.5, 0.5], (LIKELY, RARE))):
        expected = model.log_density(VALUES)
        np.testing.assert_array_equal(model.log_density(plain), expected)
        np.testing.assert_array_equal(model.log_density(plain[[1, 0]]), expected)


def test_leaves_named_by_numbers_are_columns_of_these_numbers():
    tree = tr.LatentTree(0, [0.5, 0.5], [(0, 5, LIKELY), (0, 7, RARE)])
    expected = tree.log_density(VALUES)
    np.testing.assert_array_equal(tree.log_density(pandas.DataFrame(VALUES, columns=[5, 7])[[7, 5]]), expected)


def test_a_model_without_names_takes_columns_as_they_stand():
    model = tr.LatentClass([0.5, 0.5], (LIKELY, RARE))
    np.testing.assert_array_equal(model.log_density(AS_IS), model.log_density(VALUES))


def test_real_variables_are_told_by_their_names_too():
    tree = tr.LatentTree(
        "z",
        [0.5, 0.5],
        [("z", "x", np.eye(2)), ("z", "y", np.eye(2))],
        densities=tr.Gaussians([[[0.0], [3.0]], [[10.0], [20.0]]], [[[1.0], [1.0]]] * 2),
    )
    values = np.array([[0.5, 11.0], [2.5, 19.0]])
    frame = pandas.DataFrame(values, columns=["x", "y"])
    np.testing.assert_array_equal(tree.log_density(frame[["y", "x"]]), tree.log_density(values))

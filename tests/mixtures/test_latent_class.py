import numpy as np
import pytest
from mixtures.brute_force import all_states, latent_class_table

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.latent_class import LatentClass

HALF = [0.5, 0.5]
COIN = [[0.5, 0.5], [0.25, 0.75]]


@pytest.mark.parametrize(("r", "k", "n"), [(2, 3, 4), (5, 2, 1), (1, 4, 3)])
def test_sizes(r, k, n):
    model = LatentClass.random([k] * n, r, 0)
    assert model.table_entries == r * (1 + n * k) == model.size
    assert model.parameters == (r - 1) + n * r * (k - 1)
    assert (model.classes, model.shape) == (r, (k,) * n)


def test_a_table_that_variables_share_counts_once():
    table = np.array(COIN)
    table.setflags(write=False)
    model = LatentClass(HALF, [table, table, COIN])
    assert model.table_entries == 2 + 3 * 4
    assert model.parameters == 1 + 2 * 2
    assert repr(model) == "LatentClass(3 variables, 2 classes, 2 values)"


def test_many_variables():
    model = LatentClass.random([2] * 1500, 3, 0)
    rows = model.sample(3, 0)
    tables = [np.log(np.array([t[:, x] for t, x in zip(model.components, row, strict=True)])).sum(0) for row in rows]
    expected = [np.logaddexp.reduce(np.log(model.weights) + terms) for terms in tables]
    np.testing.assert_allclose(model.log_density(rows), expected, rtol=1e-12)


def test_variables_of_different_sizes():
    model = LatentClass.random([1, 4, 2], 3, 1)
    np.testing.assert_allclose(model.probability(all_states(model.shape)), latent_class_table(model).ravel(), rtol=1e-13)


@pytest.mark.parametrize(
    ("weights", "components", "message"),
    [
        ([0.5, 0.6], [COIN], "the array of weights sums to 1.1"),
        ([1.5, -0.5], [COIN], "the array of weights is -0.5 at class 1"),
        (HALF, [COIN, [[0.5, 0.6], [0, 1]]], "the table of variable 1 sums to 1.1 at class 0 over value"),
        (HALF, [[[0.5, 0.5]]], "the table of variable 0 has 1 rows; expected one for each of the 2 classes"),
        (HALF, [HALF], r"the table of variable 0 has the shape \(2,\); expected \(class, value\)"),
        (HALF, [], r"components are \[\]; expected a table for each variable"),
        (HALF, 3, "components are 3; expected a table for each variable"),
        (["1/2", "1/3"], [COIN], "the array of weights sums to 5/6 over class; expected 1$"),
    ],
)
def test_what_is_no_latent_class_model(weights, components, message):
    with pytest.raises(TensorRankError, match=message):
        LatentClass(weights, components)


def test_random_models_of_bad_numbers():
    with pytest.raises(TensorRankError, match="classes is 0"):
        LatentClass.random([2], 0, 0)
    with pytest.raises(TensorRankError, match="the number of values is 0"):
        LatentClass.random([0], 2, 0)

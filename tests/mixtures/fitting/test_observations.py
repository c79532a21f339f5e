import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.fitting.observations import observations
from tensorrank.mixtures.fitting.warned import UnusedValue
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

PAIR = [[0, 1], [1, 0]]


def test_equal_rows_are_merged_in_the_order_of_the_data():
    found = observations([[1, 1], [0, 2], [1, 1], [0, -1], [0, 0]], weights=[1, 2, 3, 4, 0], symbols=[2, 4])
    assert found.codes.tolist() == [[1, 1], [0, 2], [0, -1]]
    assert found.weights.tolist() == [4, 2, 4]
    assert found.numbers.tolist() == [0, 1, 3]
    assert (found.shape, found.total, found.features) == ((2, 4), 10, 0)


def test_what_the_type_of_the_numbers_says():
    assert observations(np.array(PAIR, dtype=np.uint8)).features == 0
    assert observations(np.array(PAIR, dtype=bool)).shape == (2, 2)
    assert observations([[0.5, 1.0]]).features == 1
    assert observations(np.zeros((3, 2, 4))).features == 4
    assert observations([[0.0, np.nan]], densities="categorical").codes.tolist() == [[0, -1]]
    assert observations(PAIR, densities="gaussian").values.tolist() == [[[0.0], [1.0]], [[1.0], [0.0]]]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ([], {}, r"the shape \(0,\); expected \(rows, sites\)"),
        (np.zeros((0, 3)), {}, r"the shape \(0, 3\)"),
        (np.zeros((3, 0), dtype=int), {}, r"the shape \(3, 0\)"),
        ([0, 1], {}, r"the shape \(2,\)"),
        ([[0, 1], [0]], {}, "rows of equal length"),
        ([["a", "b"]], {}, "entries of type <U1 were given as the data; expected numbers"),
        ([[0.5, np.inf]], {}, "row 0 of the data is infinite for variable 1; expected finite numbers, or NaN"),
        ([[0.0, 1.0]], {}, "floats that are all whole numbers.*expected densities='categorical' or"),
        ([[np.nan, np.nan]], {}, "all values of the data are missing"),
        ([[np.nan, 1.0]], {}, "floats that are all whole numbers"),
        (PAIR, {"densities": "normal"}, "densities is 'normal'; expected one of categorical, gaussian"),
        ([[0.5, 1.0]], {"densities": "categorical"}, "row 0 of the data has 0.5 for variable 0; expected a whole"),
        ([[0, -2]], {}, "row 0 of the data has -2 for variable 1"),
        (PAIR, {"symbols": 1}, "row 0 of the data has 1 for variable 1; expected a whole number from 0 to 0"),
        (PAIR, {"symbols": [2, 2, 2]}, "symbols has 3 numbers for 2 variables; expected one each"),
        (PAIR, {"symbols": 0}, "symbols is 0"),
        (PAIR, {"symbols": "2"}, "symbols is '2'"),
        ([[0.5, 1.0]], {"symbols": 2}, "symbols are 2 for real data; expected None"),
        (np.zeros((2, 2, 2), dtype=int), {"densities": "categorical"}, r"\(2, 2, 2\); expected \(rows, sites\)"),
        (PAIR, {"weights": [1]}, r"the weights have the shape \(1,\)"),
        (PAIR, {"weights": [1, -1]}, "the weight of row 1 is -1.0; expected a finite number of at least 0"),
        (PAIR, {"weights": [0, 0]}, "all weights are 0"),
    ],
)
def test_data_that_cannot_be_used(data, options, message):
    with pytest.raises(TensorRankError, match=message):
        observations(data, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 0}, "classes is 0; expected a whole number of at least 1"),
        ({"classes": 3}, "2 rows of 2 variables were given for 3 states; expected at least as many rows: try fewer"),
        ({"restarts": 0}, "restarts is 0"),
        ({"iterations": -1}, "iterations is -1"),
        ({"tolerance": -1}, "tolerance is -1; expected a finite number of at least 0"),
        ({"tolerance": "x"}, "tolerance is 'x'; expected a finite number"),
        ({"pseudocount": float("nan")}, "pseudocount is nan"),
        ({"variance_floor": 0}, "variance_floor is 0; expected a positive number, such as 1e-6"),
        ({"threads": 0}, "threads is 0"),
        ({"components": 2}, "components is given for categorical data; expected real data"),
        ({"covariance": "full"}, "covariance is given for categorical data"),
        ({"densities": "gaussian", "covariance": "diag"}, "covariance is 'diag'; .*did you mean 'diagonal'"),
        ({"densities": "gaussian", "components": 0}, "components is 0"),
        ({"restart": 3}, "there is no option 'restart'; .*did you mean 'restarts'"),
        ({"random_state": -1}, "the seed is -1"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    with pytest.raises(TensorRankError, match=message):
        LatentClass.fit(PAIR, **options)


def test_data_that_is_none_of_the_model():
    model = LatentClass.random([2, 2], 2, 0)
    with pytest.raises(TensorRankError, match=r"the data has the shape \(2, 3\); expected \(rows, 2\)"):
        fitted(model, np.zeros((2, 3), dtype=int))
    with pytest.raises(TensorRankError, match="row 1 of the data has 2 for variable 0; expected a whole number from 0"):
        fitted(model, [[0, 0], [2, 0]])
    real = LatentClass([1.0], [[[1.0]]] * 2, densities=Gaussians([[0.0, 0.0]], [[1.0, 1.0]]))
    with pytest.raises(TensorRankError, match=r"expected \(rows, 2, 2\)"):
        fitted(real, np.zeros((3, 2)))
    with pytest.raises(TensorRankError, match="there is no option 'restarts'; expected one of iterations"):
        fitted(model, PAIR, restarts=2)
    with pytest.raises(TensorRankError, match="the data has 3 variables; expected 2, 4, 8"):
        TensorialMixture.fit([[0, 1, 0]] * 5)
    with pytest.raises(TensorRankError, match=r"1 row of 2 variables were given for 3 states; .* values"):
        HiddenMarkov.fit([[0, 1]], 3)


def test_scores():
    model = LatentClass.random([2, 3], 2, 0)
    rows = model.sample(n=5, random_state=1)
    np.testing.assert_array_equal(model.score_samples(rows), model.log_density(rows))
    assert model.score(rows) == pytest.approx(model.log_density(rows).mean())
    with pytest.raises(TensorRankError, match="the data has no rows"):
        model.score(np.empty((0, 2), dtype=int))
    with pytest.raises(TensorRankError, match="n is 0"):
        model.sample(0)


@pytest.mark.parametrize(
    "data", [[[1, 2], [3, 1]], [[1, -1.0], [2, np.nan]], np.ma.array([[1, 0], [2, 2]], mask=[[0, 1], [0, 0]])]
)
def test_values_that_count_from_one_are_told_of(data):
    with pytest.warns(UnusedValue, match=r"the smallest value of the data is 1, and values count from 0.* try data - 1"):
        observations(data, densities="categorical")


def test_nothing_is_told_where_zero_occurs_or_the_number_of_values_is_given():
    assert observations([[0, 2], [2, 2]]).shape == (3, 3)
    assert observations([[1, 2], [2, 2]], symbols=4).shape == (4, 4)


def test_the_warning_names_the_line_that_asked_for_the_fit():
    with pytest.warns(UnusedValue) as told:
        LatentClass.fit([[1, 2], [2, 1], [1, 1]], iterations=1, tolerance=0)
    assert told[0].filename == __file__

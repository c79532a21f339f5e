"""Functions and arguments that have no numerical rank."""

import numpy as np
import pytest
from oracles import inner_product

from tensorrank import Bipartition
from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.numerical import numerical_separation_rank
from tensorrank.separation.numerical_model import NumericalModel


@pytest.mark.parametrize(
    ("form", "function", "message"),
    [
        ("inputs", lambda x: x, r"shape \(4096, 3\) for inputs of shape \(4096, 3\); expected \(4096,\), one for each in"),
        ("inputs", lambda x: 1.0, r"values of shape \(\) for inputs of shape \(4096, 3\); expected \(4096,\)"),
        ("inputs", lambda x: x[1:, 0], r"values of shape \(4095,\).*the other calling form is form='pairs'"),
        ("pairs", lambda a, b: a[:, 0], r"shape \(64,\) for inputs of shape \(64, 1\) and \(64, 2\); expected \(64, 64\)"),
        ("pairs", lambda a, b: b @ np.ones((2, 3)), r"shape \(64, 3\).*the other calling form is form='inputs'"),
        ("inputs", lambda x: x[:, 0].astype(np.float16), r"values of type float16; expected .*half precision"),
        ("inputs", lambda x: x[:, 0].astype(str), "values of type <U.*; expected real or complex numbers"),
        ("inputs", lambda x: None, "gave a NoneType that makes no array .*; expected values of shape"),
        ("inputs", lambda x: [[1], [1, 2]], "gave a list that makes no array .*; expected values of shape"),
    ],
)
def test_values_of_the_wrong_shape_or_type_are_refused(form, function, message):
    with pytest.raises(TensorRankError, match=message):
        numerical_separation_rank(NumericalModel(function, 3, form=form))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), complex(0, float("nan"))])
@pytest.mark.parametrize("place", [(0, 0), (3, 60), (70, 2)])
def test_values_that_are_not_finite_are_refused_with_their_place(bad, place):
    def function(a, b):
        values = (a[:, 0] @ b[:, 0].T).astype(type(bad))
        seen.append(values.shape)
        # The third call, below the corner's, brings the rows from 64 on; before, the first holds the corner.
        if place[0] < 64 and len(seen) == 1:
            values[place] = bad
        if place[0] >= 64 and values.shape == (64, 128):
            values[place[0] - 64, place[1]] = bad
        return values

    seen = []
    model = NumericalModel(function, 2, site_shape=40, form="pairs")
    message = rf"at row {place[0]}, column {place[1]} of the sample, and 1 of \d+ values are not finite"
    with pytest.raises(TensorRankError, match=message):
        numerical_separation_rank(model)


def test_a_function_that_answers_at_random_is_refused():
    rng = np.random.default_rng(0)
    model = NumericalModel(lambda x: rng.standard_normal(len(x)), 2)
    with pytest.raises(TensorRankError, match=r"for the same input \(row 0, column 0 .*Turn off dropout"):
        numerical_separation_rank(model)


@pytest.mark.parametrize("form", ["inputs", "pairs"])
def test_a_function_whose_inputs_see_each_other_is_refused(form):
    def normalised(values):
        return values - values.mean()

    function = (lambda a, b: normalised(a * b.T)) if form == "pairs" else (lambda x: normalised(x[:, 0] * x[:, 1]))
    with pytest.raises(TensorRankError, match="then, in a smaller batch"):
        numerical_separation_rank(NumericalModel(function, 2, form=form))


def test_batches_of_another_size_may_be_rounded_otherwise():
    # The corner is zero but for rounding, which is to be judged by the size of the other values.
    def first_inputs_zero(rng, shape):
        drawn = rng.standard_normal(shape)
        drawn[:4] = 0
        return drawn

    model = NumericalModel(lambda a, b: a * b.T + 1e-18 * len(a), 2, form="pairs", sampler=first_inputs_zero)
    assert numerical_separation_rank(model).value == 1


def test_an_error_of_the_function_is_passed_on_with_the_shapes():
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        numerical_separation_rank(NumericalModel(lambda x: 1 / 0, 3, site_shape=(2, 5)))
    assert caught.value.__notes__ == [
        (
            "raised by the function given to NumericalModel, for float64 inputs of shape (4096, 3, 2, 5) "
            "(form='inputs': f(inputs) -> values)"
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"function": 3}, "the function is 3; expected something that can be called"),
        ({"sampler": "normal"}, "the sampler is 'normal'; expected something that can be called"),
        ({"sites": 1}, "sites is 1; expected a whole number of at least 2"),
        ({"sites": 2.0}, "sites is 2.0; expected a whole number"),
        ({"site_shape": 0}, "a length in site_shape is 0; expected a whole number of at least 1"),
        ({"site_shape": (2, -1)}, "a length in site_shape is -1"),
        ({"site_shape": "ab"}, "site_shape is 'ab'; expected a whole number or a tuple of them"),
        ({"form": "matrix"}, "the form is 'matrix'; expected 'inputs'.*or 'pairs'"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(TensorRankError, match=message):
        NumericalModel(**{"function": inner_product, "sites": 2, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": inner_product}, TensorRankError, r"expected a NumericalModel\(function, sites\)"),
        ({"partition": 4}, PartitionError, "the partition is 4; expected 'halves'"),
        ({"partition": (0, 1)}, PartitionError, "side B of the partition has no sites"),
        ({"partition": Bipartition.halves(3)}, PartitionError, "covers 3 sites; the model has 2"),
        ({"samples": 0}, TensorRankError, "samples is 0; expected a whole number of at least 1"),
        ({"memory": "lots"}, TensorRankError, "the memory limit is 'lots'"),
        ({"seed": -1}, TensorRankError, "the seed is -1; expected a whole number of at least 0 or a numpy Generator"),
        ({"seed": None}, TensorRankError, "the seed is None"),
        ({"rtol": -1.0}, TensorRankError, "rtol is -1.0; expected a number of at least 0"),
        ({"atol": float("nan")}, TensorRankError, "atol is nan"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        numerical_separation_rank(**{"model": NumericalModel(lambda x: x[:, 0], 2), **arguments})


def test_a_sampler_of_the_wrong_shape_is_refused():
    with pytest.raises(TensorRankError, match=r"gave float64 values of shape \(64,\); expected .* \(64, 1, 3\)"):
        numerical_separation_rank(
            NumericalModel(inner_product, 2, site_shape=3, sampler=lambda rng, shape: rng.random(shape[0]))
        )
    with pytest.raises(TensorRankError, match="gave <U1 values"):
        numerical_separation_rank(NumericalModel(inner_product, 2, sampler=lambda rng, shape: np.full(shape, "a")))


def test_an_object_with_many_things_in_it_is_told_how_to_choose():
    model = NumericalModel(lambda x: {"logits": np.ones((len(x), 2, 5)), "loss": None}, 2)
    with pytest.raises(TensorRankError, match=r"it holds 'logits': choose of it, as lambda x: .*\['logits'\]\[:, -1, 0\]"):
        model.grid(Bipartition.halves(2), np.ones((3, 1)), np.ones((3, 1)))

"""Numerical ranks as plain values: written, read again, compared, and refused where they are something else."""

import json

import numpy as np
import pytest

from tensorrank import numerical_rank
from tensorrank.arithmetic.spectrum import NumericalRank
from tensorrank.errors import TensorRankError

FOUND = [
    numerical_rank(np.diag([1.0, 0.3, 1e-9])),
    numerical_rank(np.diag([1.0, 0.0])),
    numerical_rank(np.zeros((3, 2))),
    numerical_rank(np.zeros((0, 2))),
    numerical_rank(np.eye(2), atol=float("inf")),
    numerical_rank(np.diag([1 / 3, 0.1]).astype(np.float32)),
]


@pytest.mark.parametrize("found", FOUND)
def test_a_numerical_rank_survives_strict_json(found):
    text = json.dumps(found.to_dict(), allow_nan=False)
    again = NumericalRank.from_dict(json.loads(text))
    assert again == found
    assert hash(again) == hash(found)
    assert again.spectrum.dtype == np.float64


def test_a_rank_without_its_noise_is_read_as_older_results_are():
    found = numerical_rank(np.diag([1.0, 0.3]))
    older = {name: value for name, value in found.to_dict().items() if name != "noise"}
    assert (NumericalRank.from_dict(older).value, NumericalRank.from_dict(older).noise) == (2, 0.0)


def test_equality_is_by_value():
    one = numerical_rank(np.diag([1.0, 0.3]))
    assert one == numerical_rank(np.diag([0.3, 1.0]))
    assert one != numerical_rank(np.diag([1.0, 0.25]), atol=one.threshold)
    assert one != numerical_rank(np.diag([1.0, 0.3]), rtol=1e-9)
    assert one != "rank 2"


@pytest.mark.parametrize("values", [{"value": 1}, {**FOUND[0].to_dict(), "colour": 1}, 3, None])
def test_a_dictionary_of_something_else_is_refused(values):
    with pytest.raises(TensorRankError, match="expected to_dict's ambiguous, gap, noise, spectrum, threshold, value"):
        NumericalRank.from_dict(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gap", None),
        ("threshold", "large"),
        ("noise", True),
        ("spectrum", [[1], [1, 2]]),
        ("spectrum", ["inf"]),
        ("spectrum", 3),
        ("value", 2.5),
        ("ambiguous", 1),
    ],
)
def test_values_that_are_no_numbers_are_refused(name, value):
    with pytest.raises(TensorRankError, match=rf"a spectrum was given whose {name} is .*; expected"):
        NumericalRank.from_dict({**FOUND[0].to_dict(), name: value})

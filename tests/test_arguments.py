"""Checks of what users give."""

import numpy as np
import pytest

from tensorrank.arguments import true_or_false
from tensorrank.circuits.convolutional import ConvolutionalCircuit
from tensorrank.errors import TensorRankError
from tensorrank.tasks.disjointness import Disjointness
from tensorrank.tasks.match import Match2


@pytest.mark.parametrize("given", [True, False, np.True_, np.bool_(False)])
def test_truth_values_are_those_of_python_and_of_numpy(given):
    assert true_or_false("causal", given) is bool(given)


@pytest.mark.parametrize("given", [0, 1, "True", None, np.array([True]), 1.0])
def test_nothing_else_is_a_truth_value(given):
    with pytest.raises(TensorRankError, match=r"causal is .*; expected True or False"):
        true_or_false("causal", given)


def test_truth_values_of_numpy_become_those_of_python():
    assert Match2(4, 5, itself=np.False_).itself is False
    assert Disjointness(3, intersecting=np.True_).intersecting is True
    assert ConvolutionalCircuit(4, 2, [2], shared=np.True_).shared is True

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree


def test_values_whose_squares_are_no_floats_are_refused():
    data = np.array([[1e200, 0.5], [0.25, -3.5], [0.5, 0.25]])
    with pytest.raises(TensorRankError, match=r"values up to 1e\+200, whose squares are no floats.*other units"):
        LatentClass.fit(data, 2)


def test_codes_that_make_tables_beyond_memory_are_refused():
    with pytest.raises(TensorRankError, match=r"2 states and 1000000000001 values would take .* without gaps"):
        LatentClass.fit([[0, 10**12], [1, 3]], 2)


def test_a_tree_that_is_none_is_refused():
    with pytest.raises(TensorRankError, match=r"the tree is None; expected .*'chow_liu'.* or a list of parents"):
        LatentTree.fit([[0, 1], [1, 0], [1, 1]], tree=None)


def test_no_iterations_give_the_start_without_a_warning():
    report = HiddenMarkov.fit_report([[0, 1], [1, 0]] * 3, iterations=0)
    assert report.iterations == 0
    assert not report.converged

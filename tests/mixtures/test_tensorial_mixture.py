import numpy as np
import pytest
from mixtures.brute_force import tensorial_mixture_table

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank

HALF = [0.5, 0.5]
COIN = [[0.5, 0.5], [0.25, 0.75]]


@pytest.mark.parametrize(("depth", "r", "k"), [(1, 2, 3), (2, 3, 2), (3, 2, 4)])
def test_sizes(depth, r, k):
    """Edges of level l: 2**(l + 1); the last level has r rows of k."""
    hidden, leaves = sum(2 ** (level + 1) for level in range(depth - 1)), 2**depth
    for shared in (False, True):
        model = TensorialMixture.random(depth, r, k, 0, shared=shared)
        assert model.table_entries == r + hidden * r * r + leaves * r * k
        used = (depth - 1, 1) if shared else (hidden, leaves)
        assert model.parameters == (r - 1) + used[0] * r * (r - 1) + used[1] * r * (k - 1)
        assert (model.depth, model.sites, model.shape) == (depth, leaves, (k,) * leaves)


def test_levels_may_differ():
    model = TensorialMixture(HALF, [[COIN, [[1, 0], [0, 1]]], np.array(COIN)])
    assert repr(model).endswith("some tables shared)")
    assert len(model.tables(1)) == 4
    np.testing.assert_allclose(model.to_network().contract(), tensorial_mixture_table(model), rtol=1e-13)
    stacked = TensorialMixture(HALF, [np.array([COIN, COIN])])
    assert isinstance(stacked.levels[0], tuple)


def test_prefix_cuts_are_those_of_the_balanced_tree():
    """MATH: 2 2 4 2 4 2 2."""
    model = TensorialMixture.random(3, 2, 2, 1)
    for sites, expected in zip(range(1, 8), (2, 2, 4, 2, 4, 2, 2), strict=True):
        found = separation_rank(model, Bipartition(tuple(range(sites)), tuple(range(sites, 8))))
        assert (found.value, found.standing) == (expected, "exact")


@pytest.mark.parametrize(("depth", "expected"), [(2, 4), (3, 16)])
def test_interleaved_cuts_are_exponential(depth, expected):
    """k**(N/2) of modes k = r = 2 (Sharir et al. 2016)."""
    found = separation_rank(TensorialMixture.random(depth, 2, 2, 0), Bipartition.interleaved(2**depth))
    assert (found.value, found.standing) == (expected, "exact")


@pytest.mark.parametrize(
    ("prior", "levels", "message"),
    [
        ([0.5, 0.6], [COIN], "the prior of the root sums to 1.1"),
        (HALF, [], r"levels are \[\]; expected tables for at least one level"),
        (HALF, 2, "levels are 2; expected tables"),
        (HALF, [COIN, [COIN] * 3], "level 1 has 3 tables; expected one that its edges share, or 4"),
        (HALF, [np.eye(3)], "table 0 of level 0 has 3 rows; expected one for each of the 2 states above"),
        (HALF, [[COIN, np.eye(3)]], "table 1 of level 0 has 3 rows"),
        (HALF, [COIN, [[0.5, 0.6], [0, 1]]], "the table of level 1 sums to 1.1 at state above 0 over state"),
        (HALF, [[COIN, [[1.5, -0.5], [0, 1]]]], "table 1 of level 0 is -0.5 at state above 0, state 1"),
    ],
)
def test_what_is_no_tensorial_mixture(prior, levels, message):
    with pytest.raises(TensorRankError, match=message):
        TensorialMixture(prior, levels)


@pytest.mark.parametrize(("numbers", "name"), [((0, 2, 2), "depth"), ((2, 0, 2), "states"), ((2, 2, 0), "symbols")])
def test_random_models_of_bad_numbers(numbers, name):
    with pytest.raises(TensorRankError, match=f"{name} is 0"):
        TensorialMixture.random(*numbers, 0)

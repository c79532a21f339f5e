"""Growing, turning, saturated: the growth factor of the moment bound, held against whole numbers."""

from itertools import pairwise
from math import comb, log

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank import bounds
from tensorrank.errors import TensorRankError


def many_tokens(depth, width):
    """The moment bound for many tokens as a sum of binomials."""
    degree, entries = (3**depth - 1) // 2, width * (width + 1) // 2
    counts = [comb(entries + k - 1, k) for k in range(degree + 1)]
    return sum(min(width * few, many) for few, many in zip(counts, counts[::-1], strict=True))


def one_token(depth, width):
    """The moment bound for one token a side: the monomials of degree up to C in d variables."""
    return comb(width + (3**depth - 1) // 2, width)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8, 13, 64])
@pytest.mark.parametrize(("bound", "side"), [(many_tokens, None), (one_token, 1)])
def test_the_regime_compares_powers_of_whole_numbers(width, bound, side):
    values = [bound(depth, width) for depth in range(1, 9 if side else 8)]
    for depth, (here, deeper) in enumerate(pairwise(values), 1):
        # The logarithm at least doubles: the bound is at least squared; it adds at most half: deeper^2 <= here^3.
        expected = "growing" if deeper >= here**2 else "saturated" if deeper**2 <= here**3 else "turning"
        assert bounds.regime(depth, width, side) == expected
        assert bounds.growth_factor(depth, width, side) == pytest.approx(log(deeper) / log(here))


def test_the_regimes_of_width_64():
    found = [bounds.regime(depth, 64) for depth in range(1, 12)]
    assert found == ["growing"] * 6 + ["turning"] * 2 + ["saturated"] * 3


@settings(deadline=None)
@given(width=st.integers(1, 10**6), one=st.booleans())
def test_a_layer_multiplies_the_logarithm_by_less_and_less_and_no_more_than_the_degree(width, one):
    factors = [bounds.growth_factor(depth, width, 1 if one else None) for depth in range(1, 40)]
    assert factors == sorted(factors, reverse=True)
    assert all(factor <= (3 ** (depth + 1) - 1) / (3**depth - 1) for depth, factor in enumerate(factors, 1))


@settings(deadline=None)
@given(width=st.integers(2, 9), side=st.integers(1, 8))
def test_few_tokens_turn_once_too(width, side):
    found = [bounds.regime(depth, width, side) for depth in range(1, 12)]
    assert found == sorted(found, key=["growing", "turning", "saturated"].index)
    assert found[-1] == "saturated"


@pytest.mark.parametrize("width", [10**4, 10**7, 10**10])
@pytest.mark.parametrize("side", [None, 1])
def test_wide_networks_turn_where_the_curve_says(width, side):
    def curve(t):
        # (1 + t) log(1 + t) - t log(t), without the cancellation.
        return np.log1p(t) + t * np.log1p(1 / t)

    knee = bounds.knee(width, side)
    for depth in range(1, 60):
        t = 3.0 ** (depth - knee)
        factor = curve(3 * t) / curve(t)
        # The mirror image of t is 1 / (3 t).
        assert factor * curve(1 / t) / curve(1 / (3 * t)) == pytest.approx(3)
        assert bounds.growth_factor(depth, width, side) == pytest.approx(factor, rel=0.01) or depth < knee - 4
    assert bounds.growth_factor(200, width, side) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("factor", [-1, float("nan"), "2", None])
def test_a_factor_is_a_number(factor):
    with pytest.raises(TensorRankError, match=r"factor is .*; expected a finite number of at least 0"):
        bounds.regime_of_factor(factor)


@pytest.mark.parametrize("width", [64, 10**100])
@pytest.mark.parametrize("depth", [599, 600, 601, 700])
def test_the_factor_is_that_of_the_bound_however_deep_the_network(depth, width):
    def exact(layers):
        with flint.ctx.workprec(4000):
            degree, size = flint.arb((3**layers - 1) // 2), flint.arb(width)
            return float((degree + size + 1).lgamma() - (degree + 1).lgamma() - (size + 1).lgamma())

    assert bounds.growth_factor(depth, width, 1) == pytest.approx(exact(depth + 1) / exact(depth), rel=1e-9)

import tracemalloc
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.tasks.sparse_averaging import SparseInputs
from tensorrank.tasks.token_sets import all_sets, random_sets
from tensorrank.units.selection import least_bits
from tensorrank.units.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension

UNITS = [RestrictedIsometryUnit(6, 2, 8), MomentCurveUnit(6, 2)]


@given(st.integers(1, 30), st.data())
def test_random_sets(tokens, data):
    q = data.draw(st.integers(1, tokens))
    sets = random_sets(tokens, q, 20, data.draw(st.integers(0, 2**32)))
    assert sets.shape == (20, q)
    assert (np.diff(sets, axis=1) > 0).all()
    assert sets.min() >= 0
    assert sets.max() < tokens


def test_random_sets_are_uniform():
    """Each of 10 sets about 1000 times, give or take 5 standard deviations."""
    _, counts = np.unique(random_sets(5, 2, 10_000, 0), axis=0, return_counts=True)
    assert len(counts) == 10
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(900)
    np.testing.assert_array_equal(random_sets(9, 3, 5, 7), random_sets(9, 3, 5, 7))


def test_all_sets():
    for tokens in range(1, 7):
        for q in range(1, tokens + 1):
            assert all_sets(tokens, q).tolist() == [list(chosen) for chosen in combinations(range(tokens), q)]


def test_no_sets():
    for unit in (*UNITS, MomentCurveUnit(6, 2, 6)):
        none = np.zeros((0, 2), dtype=int)
        assert unit.attention(none).shape == (0, 6)
        assert unit.deviation(none).shape == unit.margin(none).shape == (0,)


def test_seeds_of_keys():
    one, same = (RestrictedIsometryUnit(9, 2, 7, seed=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.keys, same.keys)
    np.testing.assert_array_equal(one.keys, one.at(5).keys)
    assert (RestrictedIsometryUnit(9, 2, 7, seed=1).keys != RestrictedIsometryUnit(9, 2, 7, seed=2).keys).any()


def test_the_range_of_queries_with_the_isometry_property():
    unit = RestrictedIsometryUnit(40, 3, 24, seed=1)
    sets = all_sets(40, 3)
    spectra = np.array([np.linalg.eigvalsh(unit.keys[chosen] @ unit.keys[chosen].T) for chosen in sets[::20]])
    isometric = (np.abs(spectra - 1) <= 1 / 2).all(axis=1)
    assert 10 < isometric.sum() < len(isometric)
    assert np.abs(unit.queries(sets[::20][isometric])).max() <= unit.query_range
    assert np.abs(unit.keys).max() == pytest.approx(unit.key_range, rel=1e-12)


def test_the_unit_itself():
    for unit in UNITS:
        attention = unit.at(9).unit(3)
        assert (attention.order, attention.dimension, attention.output_dimension) == (2, unit.dimension, 3)
        assert attention.token_dimension == 3 + 2 * unit.dimension
        assert attention.size == unit.dimension * 9
        expected = [1] * 3 + [unit.key_range] * unit.dimension + [unit.at(9).query_range] * unit.dimension
        np.testing.assert_allclose(attention.token_range, expected, rtol=1e-12)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([[0, 6]], r"sets hold 6 at \(0, 1\)"),
        ([[0, -1]], "sets hold -1"),
        ([[0, 1, 2]], r"sets have the shape \(1, 3\); expected \(count, 2\), 2 tokens in each"),
        ([[0, 0]], "a set names a token twice"),
        ([[0.0, 1.0]], "sets are of type float64"),
    ],
)
def test_what_are_no_sets(unit, sets, message):
    for ask in (unit.margin, unit.queries, unit.attention, unit.deviation, lambda given: least_bits(unit, given)):
        with pytest.raises(TensorRankError, match=message):
            ask(sets)


@pytest.mark.parametrize("unit", UNITS)
def test_what_are_no_inputs(unit):
    with pytest.raises(TensorRankError, match=r"inputs is \[\[1.0\]\]; expected a SparseInputs"):
        unit.average([[1.0]])
    with pytest.raises(TensorRankError, match=r"sparsity\) \(3, 1, 2\); expected \(6, 1, 2\)"):
        unit.average(SparseInputs(np.zeros((1, 3, 1)), np.array([[[0, 1]] * 3])))
    with pytest.raises(TensorRankError, match="the dimension of values is 0"):
        unit.unit(0)
    with pytest.raises(TensorRankError, match=r"15 rows over 6 tokens, .* limit is 500 bytes. Try fewer sets"):
        unit.attention(all_sets(6, 2), memory=500)
    inputs = SparseInputs(np.zeros((1, 6, 1)), np.array([[[0, 1]] * 6]))
    with pytest.raises(TensorRankError, match="the memory limit is 500 bytes"):
        unit.average(inputs, memory=500)


@pytest.mark.parametrize(
    ("make", "arguments", "options", "message"),
    [
        (RestrictedIsometryUnit, (4, 5, 8), {}, "sparsity 5 exceeds the 4 tokens"),
        (RestrictedIsometryUnit, (4, 0, 8), {}, "sparsity is 0"),
        (RestrictedIsometryUnit, (0, 1, 8), {}, "tokens is 0"),
        (RestrictedIsometryUnit, (4, 2, 0), {}, "dimension is 0"),
        (RestrictedIsometryUnit, (4, 2, 8), {"seed": -1}, "the seed is -1"),
        (RestrictedIsometryUnit, (4, 2, 8), {"scale": 0}, "the scale is 0; expected a positive number"),
        (RestrictedIsometryUnit, (4, 2, 8), {"precision": 99}, "the precision is 99 bits"),
        (MomentCurveUnit, (4, 5), {}, "sparsity 5 exceeds the 4 tokens"),
        (MomentCurveUnit, (9, 3, 4), {}, r"dimension is 4; expected at least 2 q = 6: no keys of fewer .* \(Radon\)"),
        (MomentCurveUnit, (9, 3, 7), {}, "dimension is 7; expected an even one"),
        (MomentCurveUnit, (9, 3, 2.5), {}, "dimension is 2.5"),
        (MomentCurveUnit, (9, 3), {"largest_margin": 1}, "largest_margin is 1; expected True or False"),
        (MomentCurveUnit, (9, 3), {"scale": float("nan")}, "the scale is nan"),
        (MomentCurveUnit, (9, 3), {"scale": True}, "the scale is True"),
        (MomentCurveUnit, (9, 3), {"precision": "exact"}, "the precision is 'exact'"),
    ],
)
def test_what_is_no_unit(make, arguments, options, message):
    with pytest.raises(TensorRankError, match=message):
        make(*arguments, **options)


def test_fixed_point_of_largest_margins_needs_a_scale():
    unit = MomentCurveUnit(9, 3, 8, precision=10)
    with pytest.raises(TensorRankError, match=r"how large queries of the largest margin may be; give scale.*scale_for"):
        unit.attention([[0, 1, 2]])
    sets = all_sets(9, 3)
    fitted = MomentCurveUnit(9, 3, 8, precision=10, scale=unit.scale_for(sets))
    assert fitted.deviation(sets).max() < 0.2


def test_sets_beyond_floating_point():
    """Eight tokens around one: the margin is the product of squared sines of small angles, below 10^-29."""
    around = [[1, 511, 2, 510, 3, 509, 4, 508]]
    unit = MomentCurveUnit(512, 8)
    assert unit.margin(around) < 1e-29
    for ask in (unit.deviation, unit.queries, unit.attention, unit.scale_for, unit.at(9).deviation):
        with pytest.raises(TensorRankError, match=r"set \[.*\] has no query in floating point: its margin .* is .*e-30"):
            ask(around)
    with pytest.raises(TensorRankError, match=r"set \[1, 511, .*\] .*in floating point.* a larger dimension"):
        MomentCurveUnit(512, 8, 18).queries(around)


@pytest.mark.parametrize(("sparsity", "tokens"), [(4, 257), (5, 131), (6, 83), (8, 51), (10, 41)])
def test_how_far_float64_carries_the_moment_curve(sparsity, tokens):
    """The two hardest sets keep the deviation promised up to these N, and are refused beyond."""
    around = [[(1 + place // 2) * (-1) ** place % n for place in range(sparsity)] for n in (tokens, tokens + 1)]
    row = list(range(sparsity))
    worst = MomentCurveUnit(tokens, sparsity).deviation([row, around[0]]).max()
    assert worst <= 2 / (8 * sparsity + 1)
    with pytest.raises(TensorRankError, match="has no query in floating point"):
        MomentCurveUnit(tokens + 1, sparsity).deviation([row, around[1]])


def test_tokens_next_to_each_other_among_512():
    with pytest.raises(TensorRankError, match=r"the set \[0, 1, 2, 3\] has no query in floating point"):
        MomentCurveUnit(512, 4).deviation([[0, 1, 2, 3]])
    apart = MomentCurveUnit(512, 4, precision=40)
    assert apart.at("float64").deviation([[0, 100, 200, 300]]) < 0.01
    with pytest.raises(TensorRankError, match="has no query in floating point"):
        apart.deviation([[0, 100, 200, 300]])
    fitted = MomentCurveUnit(512, 4, precision=40, scale=apart.scale_for([[0, 100, 200, 300]]))
    assert fitted.deviation([[0, 100, 200, 300]]) < 0.01
    assert MomentCurveUnit(512, 3).deviation([[0, 1, 2]]) < 0.08


def test_keys_are_not_made_beyond_the_memory():
    """10^6 keys of 10^6 coordinates are 7.3 TiB."""
    huge = RestrictedIsometryUnit(10**6, 2, 10**6)
    for memory in ("1MiB", None):
        for ask in (huge.deviation, huge.attention):
            with pytest.raises(TensorRankError, match=r"keys of dimension 1000000, would take about 14.6 TiB; the memory"):
                ask([[0, 1]], memory=memory)
    for make in (lambda: huge.keys, lambda: huge.queries([[0, 1]]), lambda: huge.margin([[0, 1]]), huge.unit):
        with pytest.raises(TensorRankError, match="TiB; the memory limit is"):
            make()


def test_random_sets_take_no_more_than_the_sets_and_a_block():
    tracemalloc.start()
    try:
        sets = random_sets(20_000, 2, 2000, 1)
        # Ranks of all tokens for all sets would be 320 MB.
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert len(np.unique(sets)) > 3500
    # Tokens of a tenth each, in all blocks: 400 of 4000, give or take 5 standard deviations.
    assert np.abs(np.bincount(sets.ravel() // 2000, minlength=10) - 400).max() < 5 * np.sqrt(360)
    with pytest.raises(TensorRankError, match=r"1000000000000 sets of 2 out of 4 tokens would take about 14.6 TiB"):
        random_sets(4, 2, 10**12)


def test_least_bits_are_those_from_which_on_all_suffice():
    for unit, sets in ((RestrictedIsometryUnit(16, 2, 24), all_sets(16, 2)), (MomentCurveUnit(9, 2), all_sets(9, 2))):
        for tolerance in (0.05, 0.1, 0.3, 1):
            within = [unit.at(bits).deviation(sets).max() <= tolerance for bits in range(1, 53)]
            good = [bits for bits in range(1, 53) if all(within[bits - 1 :])]
            assert least_bits(unit, sets, tolerance) == (min(good) if good else None)


def test_refusals_of_functions():
    with pytest.raises(TensorRankError, match="the 137846528820 sets of 20 out of 40 tokens would take about"):
        all_sets(40, 20)
    assert comb(40, 20) == 137846528820
    with pytest.raises(TensorRankError, match="sparsity 3 exceeds the 2 tokens"):
        random_sets(2, 3, 1)
    with pytest.raises(TensorRankError, match="count is 0"):
        random_sets(4, 3, 0)
    with pytest.raises(TensorRankError, match="no sets were given; expected at least one"):
        least_bits(UNITS[0], np.zeros((0, 2), dtype=int))
    with pytest.raises(TensorRankError, match="the tolerance is 0"):
        least_bits(UNITS[0], [[0, 1]], 0)
    with pytest.raises(TensorRankError, match="tolerance is a whole number of some 400 digits; expected a number"):
        least_bits(UNITS[0], [[0, 1]], 10**400)
    with pytest.raises(TensorRankError, match="tolerance is 'small'"):
        least_dimension(6, 2, tolerance="small")
    with pytest.raises(TensorRankError, match="repeats is 0"):
        least_dimension(6, 2, repeats=0)
    with pytest.raises(TensorRankError, match="no dimension up to 32768 keeps the deviation within 1e-09 for 1 out of 2"):
        least_dimension(2, 1, tolerance=1e-9, sets=2, repeats=1)

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tensorrank.tasks.sparse_averaging import SparseAveraging
from tensorrank.tasks.token_sets import all_sets, random_sets
from tensorrank.units.selection import least_bits
from tensorrank.units.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension


def loops(inputs):
    """Sparse averaging by its definition."""
    return [
        [np.mean([z[j] for j in chosen], axis=0) for chosen in y] for z, y in zip(inputs.values, inputs.chosen, strict=True)
    ]


def softmax_row(scores):
    weights = [math.exp(score - max(scores)) for score in scores]
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize(("dimension", "known"), [(64, 1.0), (128, 1e-2), (256, 5e-4)])
def test_deviations_of_random_keys(dimension, known):
    """MATH 5: N = 512, q = 4, worst of 60 sets; the median over draws of the keys, within a decade."""
    sets = random_sets(512, 4, 60, 1)
    worst = [RestrictedIsometryUnit(512, 4, dimension, seed=seed).deviation(sets).max() for seed in range(7)]
    assert known / 10**0.5 < np.median(worst) < known * 10**0.5


def test_queries_are_the_shortest_solutions():
    unit = RestrictedIsometryUnit(30, 3, 20, seed=2)
    np.testing.assert_allclose(np.abs(unit.keys), 20**-0.5)
    sets = random_sets(30, 3, 10)
    for chosen, query in zip(sets, unit.queries(sets), strict=True):
        shortest = np.linalg.lstsq(unit.keys[chosen], np.ones(3), rcond=None)[0]
        np.testing.assert_allclose(query, 2 * math.log(8 * 30) * shortest, rtol=1e-9)
    halved = RestrictedIsometryUnit(30, 3, 20, seed=2, scale=math.log(8 * 30))
    np.testing.assert_allclose(2 * halved.queries(sets), unit.queries(sets), rtol=1e-12)


def test_keys_that_depend_on_each_other():
    """Of 8 keys of dimension 2 some are equal or opposite; the query solves what can be solved."""
    unit = RestrictedIsometryUnit(8, 3, 2)
    for chosen in all_sets(8, 3):
        expected = np.linalg.lstsq(unit.keys[chosen], np.ones(3), rcond=None)[0]
        np.testing.assert_allclose(unit.queries([chosen])[0], unit.beta * expected, rtol=1e-9, atol=1e-9)
    assert unit.deviation(all_sets(8, 3)).max() > 0.5


@pytest.mark.parametrize(
    ("tokens", "sparsity", "dimension"),
    [(8, 2, None), (9, 3, None), (12, 2, None), (12, 4, None), (12, 2, 6), (9, 3, 8), (7, 1, None), (5, 5, None), (3, 2, 8)],
)
def test_the_moment_curve_selects_all_sets(tokens, sparsity, dimension):
    """Other tokens weigh at most 1/(8N) of a chosen one each, so the deviation is at most 2 / (8 q + 1)."""
    unit = MomentCurveUnit(tokens, sparsity, dimension)
    sets = all_sets(tokens, sparsity)
    assert (unit.margin(sets) > 0).all()
    scores = unit.queries(sets) @ unit.keys.T
    for chosen, row in zip(sets, scores, strict=True):
        others = np.delete(row, chosen)
        assert np.ptp(row[chosen]) < 1e-6
        assert not others.size or row[chosen].min() - others.max() > math.log(8 * tokens) - 1e-6
    assert unit.deviation(sets).max() <= 2 / (8 * sparsity + 1) + 1e-6


@pytest.mark.parametrize(("tokens", "sparsity"), [(8, 2), (9, 3), (11, 1), (12, 4)])
def test_scores_on_the_moment_curve_are_the_polynomial(tokens, sparsity):
    unit = MomentCurveUnit(tokens, sparsity, scale=1e9)
    for chosen, query, margin in zip(sets := all_sets(tokens, sparsity), unit.queries(sets), unit.margin(sets), strict=True):
        direction = query / np.hypot(query[::2], query[1::2]).max()
        score = direction @ unit.keys.T
        polynomial = [math.prod(1 - math.cos(2 * math.pi * (j - i) / tokens) for i in chosen.tolist()) for j in range(tokens)]
        factor = (score[chosen[0]] - score).sum() / sum(polynomial)
        np.testing.assert_allclose(score[chosen[0]] - score, factor * np.array(polynomial), atol=1e-12)
        least = min(polynomial[j] for j in range(tokens) if j not in chosen)
        assert margin == pytest.approx(factor * least, rel=1e-9)


@pytest.mark.parametrize(("tokens", "sparsity"), [(4, 2), (7, 5), (8, 2), (9, 3), (12, 3), (14, 4), (16, 1)])
def test_fixed_point_covers_the_hardest_set(tokens, sparsity):
    unit = MomentCurveUnit(tokens, sparsity, precision=8)
    sets = all_sets(tokens, sparsity)
    assert unit.query_range == pytest.approx(math.log(8 * tokens) / unit.margin(sets).min(), rel=1e-9)
    assert unit.query_range == pytest.approx(unit.scale_for(sets), rel=1e-9)
    assert np.abs(unit.queries(sets)).max() <= unit.query_range * (1 + 1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 12), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2**32))
def test_the_largest_margin_is_larger_than_the_polynomial_s(tokens, sparsity, more, seed):
    q = min(sparsity, tokens - 1)
    sets = random_sets(tokens, q, 3, seed)
    best = MomentCurveUnit(tokens, q, 2 * (q + more), largest_margin=True)
    wider = MomentCurveUnit(tokens, q, 2 * (q + more + 1))
    polynomial = MomentCurveUnit(tokens, q, 2 * (q + more), largest_margin=False)
    assert (best.margin(sets) >= polynomial.margin(sets) * (1 - 1e-6)).all()
    assert (wider.margin(sets) >= best.margin(sets) * (1 - 1e-6)).all()
    np.testing.assert_allclose(polynomial.margin(sets), MomentCurveUnit(tokens, q).margin(sets), rtol=1e-9)
    assert np.abs(best.queries(sets)).max() <= best.scale_for(sets) * (1 + 1e-9)


@pytest.mark.parametrize(("sparsity", "tokens"), [(1, 3), (1, 5), (1, 8), (2, 6), (2, 7), (2, 8)])
@pytest.mark.parametrize("seed", range(5))
def test_fewer_dimensions_cannot_select_all_sets(sparsity, tokens, seed):
    """Radon: for N >= 3q and m = 2q - 1, whatever the keys, no query scores some set strictly above the others."""
    keys = np.random.default_rng(seed).standard_normal((tokens, 2 * sparsity - 1))

    def selected(chosen):
        others = np.delete(np.arange(tokens), chosen)
        differences = np.array([keys[j] - keys[i] for i in chosen for j in others])
        found = linprog(np.zeros(keys.shape[1]), A_ub=differences, b_ub=-np.ones(len(differences)), bounds=(None, None))
        return found.status == 0

    assert not all(selected(list(chosen)) for chosen in combinations(range(tokens), sparsity))


@pytest.mark.parametrize(
    "unit", [RestrictedIsometryUnit(6, 2, 16), MomentCurveUnit(6, 2), MomentCurveUnit(6, 2, 6), RestrictedIsometryUnit(4, 4, 3)]
)
@pytest.mark.parametrize("precision", ["float64", "float32", 20])
def test_the_whole_task_by_one_unit(unit, precision):
    if isinstance(unit, MomentCurveUnit):
        unit = replace(unit, scale=unit.scale_for(all_sets(6, 2)))
    unit = unit.at(precision)
    inputs = SparseAveraging(unit.tokens, unit.sparsity, dimension=3).random_inputs(5, seed=1)
    averages = unit.average(inputs)
    rows = unit.attention(inputs.chosen.reshape(-1, unit.sparsity)).reshape(5, unit.tokens, unit.tokens)
    np.testing.assert_allclose(averages, rows @ inputs.values, atol=1e-12 if precision == "float64" else 1e-5)
    errors = np.linalg.norm(averages - np.array(loops(inputs)), axis=2)
    bounds = unit.deviation(inputs.chosen.reshape(-1, unit.sparsity)).reshape(5, unit.tokens)
    assert (errors <= bounds + 1e-5).all()


def test_rows_are_the_softmax_of_scores():
    for unit in (RestrictedIsometryUnit(7, 2, 5), MomentCurveUnit(7, 2)):
        # More sets than tokens: they ask in several inputs.
        sets = all_sets(7, 2)
        expected = np.array([softmax_row((unit.keys @ query).tolist()) for query in unit.queries(sets)])
        np.testing.assert_allclose(unit.attention(sets), expected, rtol=1e-9)
        np.testing.assert_allclose(unit.attention(sets[:3]), expected[:3], rtol=1e-9)
        deviations = [
            sum(abs(weight - (1 / 2 if j in chosen else 0)) for j, weight in enumerate(row))
            for chosen, row in zip(sets.tolist(), expected.tolist(), strict=True)
        ]
        np.testing.assert_allclose(unit.deviation(sets), deviations, rtol=1e-9)
        margins = [
            min((unit.keys @ query)[chosen]) - max(np.delete(unit.keys @ query, chosen))
            for chosen, query in zip(sets, unit.queries(sets), strict=True)
        ]
        scales = unit.beta if isinstance(unit, RestrictedIsometryUnit) else math.log(56) / unit.margin(sets)
        np.testing.assert_allclose(scales * unit.margin(sets), margins, rtol=1e-7)


def test_512_tokens_at_all_precisions():
    unit = RestrictedIsometryUnit(512, 4, 256)
    sets = random_sets(512, 4, 60, 3)
    double = unit.deviation(sets).max()
    assert double < 0.01
    assert unit.at("float32").deviation(sets).max() == pytest.approx(double, rel=1e-2)
    bits = least_bits(unit, sets)
    assert 5 < bits < 16
    assert unit.at(bits).deviation(sets).max() <= 0.1 < unit.at(bits - 1).deviation(sets).max()
    task = SparseAveraging(512, 4, dimension=2)
    inputs = task.random_inputs(1, seed=5)
    assert np.linalg.norm(unit.average(inputs) - task.solve(inputs), axis=2).max() < 0.02


def test_more_dimensions_need_fewer_bits_on_the_moment_curve():
    sets = all_sets(12, 2)
    needed = []
    for dimension in (4, 6, 8):
        unit = MomentCurveUnit(12, 2, dimension, largest_margin=True)
        fitted = MomentCurveUnit(12, 2, dimension, largest_margin=True, scale=unit.scale_for(sets))
        needed.append(least_bits(fitted, sets))
        assert fitted.at(needed[-1]).deviation(sets).max() <= 0.1 < fitted.at(needed[-1] - 1).deviation(sets).max()
    assert needed == sorted(needed, reverse=True)
    assert needed[0] < least_bits(MomentCurveUnit(12, 2), sets) + 1
    assert least_bits(RestrictedIsometryUnit(64, 4, 4), random_sets(64, 4, 9)) is None


def test_the_least_dimension():
    least = least_dimension(128, 2, seed=3)
    sets = random_sets(128, 2, 200, 9)

    def median(dimension):
        worst = [RestrictedIsometryUnit(128, 2, dimension, seed=seed).deviation(sets).max() for seed in range(20, 27)]
        return np.median(worst)

    assert median(least // 2) > 0.1 > median(2 * least)
    assert least == least_dimension(128, 2, seed=3)
    assert least_dimension(128, 2, seed=3, tolerance=0.01) > least
    # Linear in q: more so than the logarithm.
    assert least_dimension(128, 8, sets=20) > 2 * least

"""Passes by square roots: of any length and any size of numbers, against exact fractions."""

from fractions import Fraction
from math import log

import numpy as np
import pytest

from tensorrank.mixtures.squared.messages import LogTable, Message, product, through
from tensorrank.mixtures.squared.model import SquaredMixture


def dense(message):
    """The matrices themselves, (rows, states, states)."""
    vectors = np.exp(message.logs)[:, :, None] * message.factors
    return vectors @ vectors.transpose(0, 2, 1)


@pytest.fixture
def random_messages():
    rng = np.random.default_rng(0)

    def made(states, columns):
        vectors = rng.standard_normal((4, states, columns))
        lengths = np.linalg.norm(vectors, axis=2)
        return Message(np.log(lengths), vectors / lengths[:, :, None])

    return made


def test_products_are_entrywise_and_have_no_more_columns_than_states(random_messages):
    one, two, three = random_messages(3, 2), random_messages(3, 3), random_messages(3, 1)
    found = product([one, two, three])
    np.testing.assert_allclose(dense(found), dense(one) * dense(two) * dense(three), rtol=1e-9, atol=1e-12)
    assert found.factors.shape == (4, 3, 3)


def test_a_table_is_multiplied_from_both_sides(random_messages):
    table, below = np.random.default_rng(1).standard_normal((2, 3)), random_messages(3, 3)
    found = through(LogTable.of(table, weights=False), below, summed=False)
    np.testing.assert_allclose(dense(found), table @ dense(below) @ table.T, rtol=1e-9)
    diagonal = Message(below.logs, np.ones((4, 3, 1)))
    apart = np.einsum("sj,rjj,tj->rst", table, dense(below), table)
    np.testing.assert_allclose(dense(through(LogTable.of(table, weights=False), diagonal, summed=True)), apart, rtol=1e-9)
    only = through(LogTable.of(table, weights=False), below, summed=False, diagonal=True)
    np.testing.assert_allclose(np.exp(2 * only.logs), np.einsum("rss->rs", dense(found)), rtol=1e-9)
    assert only.factors.shape == (4, 2, 1)


def test_thousands_of_variables_neither_overflow_nor_underflow():
    count = 1_500
    model = SquaredMixture.random([*range(count - 1), *range(count)], 2, 2, 0)
    rows = model.sample(2)
    logs = model.log_density(rows)
    assert np.isfinite(logs).all()
    missing = rows.copy()
    missing[:, 1234] = -1
    flipped = rows.copy()
    flipped[:, 1234] = 1 - flipped[:, 1234]
    np.testing.assert_allclose(model.log_density(missing), np.logaddexp(logs, model.log_density(flipped)), rtol=1e-9)
    np.testing.assert_allclose(model.log_density(np.full((1, count), -1)), [0], atol=1e-9)
    found = model.posteriors(missing)[1234]
    np.testing.assert_allclose(found[[0, 1], rows[:, 1234]], np.exp(logs - model.log_density(missing)), rtol=1e-6)


def test_what_is_far_smaller_than_all_else_is_not_lost():
    """The large state of the hidden variable has the amplitude 0 at one value of variable 0."""
    tiny = Fraction(1, 2**40)
    edges = [("z", 0, [[0, 1], [1, 1]]), *(("z", site, [[1, 1], [tiny, tiny]]) for site in range(1, 60))]
    model = SquaredMixture("z", [1, 1], edges)
    row = [[0] * 60]
    exact = model.probability(row)[0]
    assert exact < Fraction(1, 2**4000)
    assert model.log_density(row)[0] == pytest.approx(log(exact.numerator) - log(exact.denominator), rel=1e-12)
    assert model.log_density([[0, *[-1] * 59]])[0] == pytest.approx(
        float(np.log(2.0)) * (-2 * 40 * 59) + _log(1) - _log(model_total(tiny)) + 59 * _log(2), rel=1e-9
    )


def model_total(tiny):
    """The sum of squares: over variable 0 of the sum over states s, t of products of inner products."""
    inner = {(0, 0): Fraction(2), (0, 1): 2 * tiny, (1, 1): 2 * tiny**2}
    at = {0: (0, 1), 1: (1, 1)}
    return sum(
        at[value][s] * at[value][t] * inner[min(s, t), max(s, t)] ** 59 for value in (0, 1) for s in (0, 1) for t in (0, 1)
    )


def _log(number):
    number = Fraction(number)
    return log(number.numerator) - log(number.denominator)


def test_signs_that_cancel_leave_nothing_over_whole_numbers():
    model = SquaredMixture.unique_disjointness(30)
    row = np.zeros((1, 60), dtype=int)
    row[0, :2] = 1
    assert model.log_density(row)[0] == -np.inf
    row[0, 2:4] = 1
    assert np.isfinite(model.log_density(row)[0])


def test_no_rows_are_no_rows():
    model = SquaredMixture.unique_disjointness(2)
    nothing = np.empty((0, 4), dtype=int)
    assert model.log_density(nothing).shape == (0,)
    assert [found.shape for found in model.posteriors(nothing)] == [(0, 2)] * 4

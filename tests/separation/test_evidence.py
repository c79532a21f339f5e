from math import factorial, log2

import numpy as np
import pytest

from tensorrank import Bipartition, separation_rank
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Architecture, Instance


class Scripted(Architecture):
    """A function of two sites whose rank differs from draw to draw; without the moment form."""

    sites = 2
    weight_degree = 3
    input_degree = 5

    def __init__(self, ranks, upper=None, lower=1):
        self.ranks, self.upper, self.lower = iter(ranks), upper, lower

    def value_work(self, partition):
        return 1.0

    def value_bits(self, weights=None):
        return 10.0

    def draw(self, field, rng, weights=None):
        return Diagonal(next(self.ranks), field)

    def rank_bound(self, partition):
        return self.upper

    def generic_lower_bound(self, partition):
        return self.lower


class Diagonal(Instance):
    """1 where both sites hold the same number below the rank, else 0; samples count up from 0."""

    def __init__(self, rank, field):
        self.rank, self.field = rank, field
        self.sampled = {0: 0, 1: 0}

    def sample(self, sites, count, rng):
        start = self.sampled[sites[0]]
        self.sampled[sites[0]] += count
        return np.arange(start, start + count)[:, None]

    def grid(self, partition, rows, columns, memory=None):
        return ((rows == columns.T) & (rows < self.rank)).astype(np.int64)


def test_draws_that_agree_are_probable():
    found = separation_rank(Scripted([7, 7]))
    assert (found.value, found.upper, found.standing, len(found.primes)) == (7, None, "probable", 2)
    assert found.samples == (64, 64)
    # For each of the two draws: (r + 1) * degree / p, and the share of primes that can divide a minor, which is at most
    # 8! * 2^(8 * 10), below 2^96: it has at most 4 divisors above 2^22, where 268216 primes are drawn from.
    expected = (8 * (3 + 5) / 2**22 + log2(factorial(8) * 2**80) / 22 / 268216) ** 2
    assert found.failure_probability == pytest.approx(expected)


def test_a_draw_that_gives_less_counts_as_no_more():
    found = separation_rank(Scripted([7, 3]))
    assert (found.value, found.standing) == (7, "probable")


def test_a_draw_that_gives_more_is_repeated_until_one_does_not():
    found = separation_rank(Scripted([3, 5, 7, 7]))
    assert (found.value, found.standing, len(found.primes)) == (7, "probable", 4)


def test_draws_that_never_agree_are_a_lower_bound():
    found = separation_rank(Scripted(range(1, 60)))
    assert (found.standing, found.failure_probability) == ("lower bound", None)
    assert "draws still disagreed" in found.reason
    assert found.value == len(found.primes)


def test_a_draw_that_meets_the_upper_bound_ends_the_search():
    found = separation_rank(Scripted([7], upper=7))
    assert (found.value, found.standing, len(found.primes)) == (7, "exact", 1)
    found = separation_rank(Scripted([3, 7], upper=7))
    assert (found.value, found.standing, len(found.primes)) == (7, "exact", 2)


def test_a_known_lower_bound_above_what_was_found_is_no_confirmation():
    found = separation_rank(Scripted([7, 7], upper=20, lower=9))
    assert (found.value, found.lower, found.standing) == (9, 9, "lower bound")


def test_known_bounds_that_meet_are_exact():
    found = separation_rank(Scripted([7, 7], upper=9, lower=9))
    assert (found.value, found.standing) == (9, "exact")


def test_a_computed_rank_above_the_upper_bound_is_an_error_to_report():
    with pytest.raises(TensorRankError, match="exceeds the proven upper bound 5: one of them is wrong; please report"):
        separation_rank(Scripted([7, 7], upper=5))


def test_a_sample_of_full_rank_is_a_lower_bound():
    found = separation_rank(Scripted([50, 50]), Bipartition((0,), (1,)), memory=48 * 20**2)
    assert found.standing == "lower bound"
    assert found.value == min(found.samples) <= 20
    assert "had full rank (memory limit" in found.reason

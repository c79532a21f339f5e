from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.units.cut_ranks import CutRank, CutSamples


def rational_ranks(samples):
    """Ranks of numerator, denominator and quotient over the rationals, one token after the other."""
    rows, columns = len(samples.keys_a), len(samples.keys_b)
    queries = np.broadcast_to(samples.queries, (rows, samples.keys_a.shape[2]))
    matrices = [[], [], []]
    for i in range(rows):
        for j in range(columns):
            numerator = denominator = Fraction(0)
            for keys, values in ((samples.keys_a[i], samples.values_a[i]), (samples.keys_b[j], samples.values_b[j])):
                for key, value in zip(keys, values, strict=True):
                    weight = Fraction(2) ** sum(int(q) * int(k) for q, k in zip(queries[i], key, strict=True))
                    numerator += weight * int(value)
                    denominator += weight
            for entries, entry in zip(matrices, (numerator, denominator, numerator / denominator), strict=True):
                entries.append(flint.fmpq(entry.numerator, entry.denominator))
    return [flint.fmpq_mat(rows, columns, entries).rank() for entries in matrices]


def values(ranks):
    return [ranks.numerator.value, ranks.denominator.value, ranks.quotient.value]


@pytest.mark.parametrize("asking", ["public", "a"])
@pytest.mark.parametrize(("tokens_a", "tokens_b", "dimension"), [(1, 1, 1), (2, 2, 2), (3, 1, 2), (1, 4, 3)])
def test_random_samples_over_the_rationals(asking, tokens_a, tokens_b, dimension):
    samples = CutSamples.random(7, tokens_a=tokens_a, tokens_b=tokens_b, dimension=dimension, asking=asking, seed=dimension)
    assert values(samples.ranks()) == rational_ranks(samples)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_samples_over_the_rationals(data):
    rows, columns, dimension = (data.draw(st.integers(1, n)) for n in (5, 5, 2))
    tokens_a, tokens_b = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    queries = rng.integers(-1, 2, (dimension,) if data.draw(st.booleans()) else (rows, dimension))
    samples = CutSamples(
        queries,
        rng.integers(-2, 3, (rows, tokens_a, dimension)),
        rng.integers(-1, 2, (rows, tokens_a)),
        rng.integers(-2, 3, (columns, tokens_b, dimension)),
        rng.integers(-1, 2, (columns, tokens_b)),
    )
    found, true = samples.ranks(), rational_ranks(samples)
    assert values(found) == true
    for rank, expected in zip((found.numerator, found.denominator, found.quotient), true, strict=True):
        assert rank.upper >= expected
    assert found.numerator.upper <= 1 + len(np.unique(np.atleast_2d(queries), axis=0))


@pytest.mark.parametrize("samples", [4, 8, 16, 32, 64, 128])
def test_the_quotient_has_the_rank_of_the_sample(samples):
    found = CutSamples.random(samples).ranks()
    assert found.numerator == found.denominator == CutRank(2, 2)
    assert found.quotient == CutRank(samples, samples)
    assert found.quotient.standing == "exact"


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_a_query_on_side_a_adds_a_rank_for_each_query(dimension):
    found = CutSamples.random(80, dimension=dimension, asking="a").ranks()
    assert found.queries == 2**dimension
    assert found.numerator == found.denominator == CutRank(1 + 2**dimension, 1 + 2**dimension)
    assert found.quotient == CutRank(80, 80)


def test_cauchy():
    # 2^i / (2^i + 2^j) is nonsingular; modulo 2^31 - 1 there would be only 31 different powers of 2.
    keys, ones = np.arange(100).reshape(100, 1, 1), np.ones((100, 1), dtype=int)
    found = CutSamples([1], keys, ones, keys, 0 * ones).ranks()
    assert found.quotient == CutRank(100, 100)
    assert found.numerator == CutRank(1, 2)
    assert found.numerator.standing == "lower bound"
    assert 2**31 - 1 not in found.primes
    assert len(set(found.primes)) == 2
    assert all(2**30 < prime < 2**31 for prime in found.primes)


def test_the_primes_depend_on_the_samples_too():
    # Who knows the seed cannot choose samples for the primes that they will meet.
    keys, ones = np.arange(3).reshape(3, 1, 1), np.ones((3, 1), dtype=int)
    found = [CutSamples([1], keys + shift, ones, keys, ones).ranks(seed=0).primes for shift in range(5)]
    assert len(set(found)) == 5


def test_a_query_of_zero_averages():
    # All weights are 1: (a + b) / 2, and the denominator is constant.
    rng = np.random.default_rng(0)
    keys, numbers = rng.integers(0, 9, (6, 1, 2)), rng.integers(-9, 10, (6, 1))
    assert values(CutSamples([0, 0], keys, numbers, keys + 1, numbers * 2).ranks()) == [2, 1, 2]


def test_the_rank_counts_different_samples():
    drawn = CutSamples.random(6, seed=1)
    twice = CutSamples(
        drawn.queries, *(np.concatenate([part, part]) for part in (drawn.keys_a, drawn.values_a, drawn.keys_b, drawn.values_b))
    )
    assert twice.ranks().quotient == CutRank(6, 6)


def test_the_same_seed_gives_the_same_answer():
    first, again = (CutSamples.random(9, asking="a", seed=5).ranks(seed=6, threads=threads) for threads in (None, 1))
    assert first == again
    assert CutSamples.random(9, seed=np.random.default_rng(2)).ranks().quotient.value == 9
    assert str(CutSamples.random(3).ranks()) == (
        "numerator 2 (exact), denominator 2 (exact), quotient 3 (exact), on 3 x 3 samples with 1 query"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"queries": [1]}, r"queries have the shape \(1,\); expected \(2,\), or \(3, 2\)"),
        ({"queries": [[1, 1]]}, r"queries have the shape \(1, 2\)"),
        ({"keys_a": np.ones((3, 2), dtype=int)}, r"keys_a have the shape \(3, 2\) and values_a \(3, 1\); expected"),
        ({"values_b": np.ones((3, 2), dtype=int)}, r"keys_b have the shape \(4, 1, 2\) and values_b \(3, 2\)"),
        ({"keys_b": np.ones((4, 1, 3), dtype=int)}, "keys_a have dimension 2 and keys_b 3; expected the same"),
        ({"queries": [0.5, 1]}, "queries have the shape .* and the type object; expected .* whole numbers"),
        ({"queries": [True, False]}, "queries have the shape .* and the type bool; expected"),
        ({"queries": [np.nan, 1.0]}, "queries have .*; expected at least one of them, whole numbers"),
        ({"values_a": [[2**24]] * 3}, r"values_a have .*; expected .* between -2\^24 and 2\^24"),
        ({"keys_a": np.zeros((0, 1, 2), dtype=int)}, r"keys_a have the shape \(0, 1, 2\) .*; expected at least one"),
    ],
)
def test_what_are_no_samples(changed, message):
    good = {
        "queries": [1, 1],
        "keys_a": np.ones((3, 1, 2), dtype=int),
        "values_a": np.ones((3, 1), dtype=int),
        "keys_b": np.ones((4, 1, 2), dtype=int),
        "values_b": np.ones((4, 1), dtype=int),
    }
    CutSamples(**good)
    with pytest.raises(TensorRankError, match=message):
        CutSamples(**good | changed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples is 0; expected a whole number of at least 1"),
        ({"samples": 4096}, "4096 samples were asked for; expected at most 4095"),
        ({"tokens_b": 0}, "tokens_b is 0; expected"),
        ({"dimension": True}, "dimension is True; expected"),
        ({"asking": "b"}, "asking is 'b'; expected one of 'public', 'a'"),
        ({"seed": -1}, "the seed is -1; expected"),
    ],
)
def test_samples_that_cannot_be_had(options, message):
    with pytest.raises(TensorRankError, match=message):
        CutSamples.random(**{"samples": 4} | options)


def test_more_samples_than_the_memory_holds():
    with pytest.raises(TensorRankError, match=r"2000 x 2000 samples would take about 244 MiB; .* limit is 1 MiB"):
        CutSamples.random(2000).ranks(memory="1MiB")

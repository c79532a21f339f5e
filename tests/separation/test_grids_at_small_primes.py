"""Sampled matrices are tried at the smallest primes above the degree first, where a bound on the rank can be met there.

Only matrices of much work are, so most tests ask for an engine of small primes, which tries all of them there.
"""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import tensorrank.separation.plan as planning
from tensorrank import HiddenMarkov, RecurrentCircuit, SelfAttention, plan, separation_rank
from tensorrank.arithmetic.primes import SMALL_PRIMES, PrimeRange
from tensorrank.separation import draws, grid
from tensorrank.separation.grid import GridSampling

# Published ranks that meet their bounds: MATH.md, sections 2 and 4.
AT_THE_BOUND = [
    (SelfAttention(2, 2), "halves", 18),
    (HiddenMarkov.random(2, 2, 8, 0), "interleaved", 16),
    (HiddenMarkov.random(2, 3, 6, 0), "interleaved", 8),
    (RecurrentCircuit(depth=1, hidden=3, channels=2, steps=6), "halves", 3),
    (RecurrentCircuit(depth=1, hidden=9, channels=2, steps=6), "halves", 8),
    (RecurrentCircuit(depth=2, hidden=2, channels=2, steps=6), "halves", 8),
]
# Ranks below their bounds, by the definition of attention: tests/attention/test_head_bounds.py.
SHORT = [(SelfAttention(2, 5, head_dim=3), 144, 150), (SelfAttention(2, 4, heads=4, kv_heads=2), 40, 42)]


def is_small(prime):
    return prime < SMALL_PRIMES.least


@pytest.mark.parametrize(("model", "partition", "value"), AT_THE_BOUND, ids=str)
def test_a_rank_at_its_bound_needs_small_primes_alone(model, partition, value):
    found = separation_rank(model, partition, method="grid", engine="float32")
    assert (found.value, found.standing) == (value, "exact")
    assert len(found.primes) <= 2
    assert all(map(is_small, found.primes))
    assert found.engines == ("float32",)
    large = separation_rank(model, partition, method="grid", primes=[8388593])
    assert (large.value, large.standing, large.primes) == (value, "exact", (8388593,))


@pytest.mark.parametrize(("model", "value", "upper"), SHORT, ids=str)
def test_a_short_rank_is_finished_at_telling_primes(model, value, upper):
    found = separation_rank(model, method="grid", engine="float32")
    assert (found.value, found.upper, found.standing) == (value, upper, "probable")
    assert [is_small(prime) for prime in found.primes] == [True, True, False, False]
    assert 0 < found.failure_probability < 0.1
    assert found.engines == ("float32", "float64")


def test_a_matrix_short_at_one_small_prime_is_full_at_the_next(monkeypatch):
    # Over GF(241) all values vanish; over the rationals and GF(251) the factor 241 changes no rank.
    monkeypatch.setattr(draws, "CERTIFYING_PRIMES", (PrimeRange(240, 252, 2),))
    model, rng = SelfAttention(2, 2), np.random.default_rng(3)
    weights = {name: rng.integers(1, 10**6, shape) for name, (_, shape) in model.shapes.items()}
    weights["output"] = 241 * weights["output"]
    found = [separation_rank(model, weights=weights, method="grid", engine="float32", seed=seed) for seed in range(6)]
    assert {(one.value, one.standing) for one in found} == {(18, "exact")}
    assert {one.primes for one in found} == {(251,), (241, 251)}


def test_a_matrix_whose_rank_does_not_fit_at_telling_primes_leaves_a_lower_bound(monkeypatch):
    model = SelfAttention(2, 5, head_dim=3)
    original = planning._grid
    monkeypatch.setattr(planning, "_grid", lambda *given, **options: cut_to(100, original(*given, **options)))
    found = separation_rank(model, method="grid", engine="float32", memory="1GiB")
    assert (found.value, found.standing, found.failure_probability) == (144, "lower bound", None)
    assert found.reason == (
        "a sample of 158 rows and 158 columns came out short at small primes, "
        "and larger primes give less or pass the memory limit 1 GiB"
    )
    assert all(map(is_small, found.primes))


def cut_to(samples, whole):
    return replace(whole, telling=replace(whole.telling, grid_samples=samples))


def test_telling_primes_that_give_less_leave_a_lower_bound(monkeypatch):
    # Telling draws of a rank that is too small by one.
    original = GridSampling.__call__

    def unlucky(self, *given):
        found = original(self, *given)
        return found if is_small(self.field.prime) else replace(found, rank=found.rank - 1)

    monkeypatch.setattr(GridSampling, "__call__", unlucky)
    found = separation_rank(SelfAttention(2, 5, head_dim=3), method="grid", engine="float32", memory="1GiB")
    assert (found.value, found.standing, found.failure_probability) == (144, "lower bound", None)
    assert "larger primes give less or pass the" in found.reason


def test_matrices_of_little_work_and_those_without_a_bound_are_not_tried_at_small_primes():
    assert plan(SelfAttention(2, 2), method="grid").telling is None
    # No bound is known under a causal mask beyond depth 1.
    assert plan(SelfAttention(2, 2, causal=True, tokens=6), engine="float32").telling is None
    # Values cost more than their elimination.
    assert plan(SelfAttention(3, 3), method="grid", memory="8GiB").telling is None
    large = plan(HiddenMarkov.random(4, 4, 12, 0), "interleaved", memory="4GiB")
    assert large.telling is not None
    assert (large.upper, large.grid_samples, large.telling.grid_samples) == (4096, 4104, 4104)
    assert large.work < large.telling.work


def test_given_primes_are_used_alone():
    found = separation_rank(SelfAttention(2, 5, head_dim=3), method="grid", primes=[8388593, 8388587])
    assert found.primes == (8388593, 8388587)
    assert plan(SelfAttention(2, 2), method="grid", engine="float32").telling is not None


@pytest.mark.parametrize(("prime", "entry"), [(251, 1), (16253, 2), (8388593, 4)])
def test_values_are_held_in_the_bytes_of_their_residues_and_within_the_plan(monkeypatch, prime, entry):
    # A chain of 4 states and symbols over 8 steps has 256 x 256 values of even against odd steps.
    model = HiddenMarkov.random(4, 4, 8, 0, homogeneous=False)
    options = {"method": "grid", "threads": 1, "engine": "float64", "memory": "2GiB", "primes": [prime]}
    held, original = [], grid.rank_in_place
    monkeypatch.setattr(grid, "rank_in_place", lambda values, *by: held.append(values.nbytes) or original(values, *by))
    separation_rank(model, "interleaved", **options)  # what is compiled and loaded stays
    tracemalloc.start()
    separation_rank(model, "interleaved", **options)
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(held) == entry * 256**2
    assert allocated <= plan(model, "interleaved", method="grid", memory="2GiB").memory

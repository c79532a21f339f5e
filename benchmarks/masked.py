"""Values of causally masked attention over GF(p), beside the same forward pass by numpy in float64."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.machine import seconds, table
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.attention.architecture import SelfAttention
from tensorrank.attention.evaluate import forward_tokens
from tensorrank.attention.weights import AttentionWeights
from tensorrank.separation.partition import Bipartition

_PRIMES = (8388593, 2147483629)


def masked(count: int = 128) -> None:
    """Interleaved cuts, where nothing of a row can be computed before its columns are known; one thread each."""
    rows = []
    for depth, width, heads, tokens in ((3, 2, 1, 6), (2, 4, 1, 8), (2, 8, 4, 16), (2, 16, 1, 8)):
        model = SelfAttention(depth, width, heads=heads, tokens=tokens, causal=True)
        partition = Bipartition.interleaved(tokens)
        with worker_threads(1):
            times = []
            for prime in _PRIMES:
                rng = np.random.default_rng(0)
                instance = model.draw(PrimeField(prime), rng)
                sides = [instance.sample(side, count, rng) for side in (partition.a, partition.b)]
                times.append(seconds(partial(instance.grid, partition, *sides)))
            joined = np.empty((count, count, tokens, width))
            joined[:, :, partition.a], joined[:, :, partition.b] = sides[0][:, None], sides[1][None]
            floats = (joined / _PRIMES[-1]).reshape(-1, tokens, width)
            inner, outer = (depth, heads, width // heads, width), (depth, heads, width, width // heads)
            weights = AttentionWeights(*(rng.standard_normal(shape) for shape in (inner, inner, inner, outer)))
            base = seconds(partial(forward_tokens, weights, floats, causal=True))
        each = [f"{1e6 * t / count**2:.2f} ({base / t:.2f})" for t in times]
        rows.append([f"{depth}", f"{width}", f"{heads}", f"{tokens}", f"{1e6 * base / count**2:.2f}", *each])
    table(
        "Values under a causal mask, interleaved cut: microseconds each on one thread (rate beside numpy in float64)",
        ["depth", "width", "heads", "tokens", "numpy", *(f"GF({prime})" for prime in _PRIMES)],
        rows,
    )

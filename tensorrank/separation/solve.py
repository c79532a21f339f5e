"""`separation_rank`: chooses a method, repeats with fresh weights and another prime, and gives the standing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import whole_number
from tensorrank.separation.draws import Draws
from tensorrank.separation.evidence import Progress, certified, from_blocks, from_bounds, from_grid, from_leading_form
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.plan import Method, checked_partition, plan
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.separable import Separable, Weights, moment_form


def separation_rank(
    model: Separable,
    partition: Bipartition | None = None,
    *,
    method: Method = "auto",
    weights: Weights | None = None,
    seed: int | np.random.Generator = 0,
    draws: int = 2,
    primes: Sequence[int] | None = None,
    memory: int | str | None = None,
    work: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> SeparationRank:
    """The separation rank of an architecture with respect to a bipartition of its sites, with its standing.

    Args:
        model: an architecture, such as `SelfAttention`.
        partition: the two sides; `Bipartition.halves` by default.
        method: "catalecticant" (Hankel blocks, for attention in moment form), "grid" (a sampled matrix), or "auto".
        weights: particular weights (whole numbers, fractions or floats, mapped exactly to GF(p)), not random ones;
            the rank is then theirs. `SelfAttention` takes a mapping (or what numpy.load gives) of query, key and value,
            of shape (depth, heads, head_dim, width), and output, of shape (depth, heads, width, head_dim).
        seed: a whole number or a numpy Generator. The same seed gives the same answer for every thread count.
        draws: how often a rank below its bound is computed, with fresh weights and another prime, before it is
            called probable.
        primes: the moduli of the first draws, above every degree in play; chosen by size if not given.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default. What does not fit is cut, and the
            answer becomes a lower bound with the reason.
        work: a limit on the floating point operations of a draw, with the same effect; none by default.
        threads: all processors by default.
        progress: called with the work done and the total expected so far, draw by draw.

    Returns:
        A `SeparationRank`. "exact" only if the certified lower bound meets a proven upper bound.

    Raises:
        TensorRankError: for a partition that does not fit, a modulus that is composite or not above the degree,
            weights of wrong shapes, or limits that make no sense.

    Sources: separation rank and grid matrix, Levine et al. (NeurIPS 2020, arXiv 2006.12467); the failure probability,
    Schwartz (1980) and Zippel (1979); the standings, docs/method.md.

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> rank = separation_rank(SelfAttention(depth=3, width=2))
    >>> rank.value, rank.standing
    (232, 'exact')
    """
    started = time.perf_counter()
    draws = whole_number("draws", draws, 1)
    partition = checked_partition(model, partition)
    chosen = plan(model, partition, method=method, memory=memory, work=work)
    stream = Draws(model, weights, seed, primes, chosen.degree)
    if stream.impossible:
        chosen = replace(chosen, method="bounds")
    form = moment_form(model)
    report = progress or (lambda done, total: None)
    with worker_threads(threads) as pool:
        if chosen.method == "bounds":
            evidence = from_bounds(chosen, stream)
        elif chosen.method == "catalecticant" and form is not None:
            by_blocks = from_blocks if form.homogeneous else from_leading_form
            evidence = by_blocks(form, partition, chosen, stream, draws, pool, report)
        else:
            evidence = from_grid(model, partition, chosen, stream, draws, pool, report)
    return certified(evidence, chosen, stream, time.perf_counter() - started)

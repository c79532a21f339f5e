"""`separation_rank`: chooses a method, repeats with fresh weights and another prime, and gives the standing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Architecture, Model, Weights, as_architecture
from tensorrank.separation.draws import Draws
from tensorrank.separation.evidence import Evidence, certified, from_blocks, from_bounds, from_grid, from_leading_form
from tensorrank.separation.jobs import Steps, finish_here
from tensorrank.separation.numerical import MadeNumerical, NumericalModel, numerical_separation_rank
from tensorrank.separation.partition import Bipartition, checked_partition
from tensorrank.separation.plan import Method, Plan, plan
from tensorrank.separation.result import SeparationRank
from tensorrank.whole_files import checked_folder


def separation_rank(
    model: Model | NumericalModel | MadeNumerical,
    partition: Bipartition | None = None,
    *,
    method: Method = "auto",
    weights: Weights | None = None,
    seed: int | np.random.Generator = 0,
    draws: int = 2,
    primes: Sequence[int] | None = None,
    memory: int | str | None = None,
    work: float | None = None,
    scratch: str | Path | None = None,
    threads: int | None = None,
    progress: Callable[[float, float], None] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    samples: int | None = None,
) -> SeparationRank:
    """The separation rank of an architecture with respect to a bipartition of its sites, with its standing.

    Args:
        model: an architecture, such as `SelfAttention`, a `TensorNetwork`, or, for a numerical rank, a
            `NumericalModel` of any function or `SoftmaxAttention`.
        partition: the two sides; `Bipartition.halves` by default.
        method: "catalecticant" (Hankel blocks, for attention in moment form), "grid" (a sampled matrix), or "auto".
        weights: particular weights (whole numbers, fractions or floats, mapped exactly to GF(p)), not random ones;
            the rank is then theirs. `SelfAttention` takes a mapping (or what numpy.load gives) of query, of shape
            (depth, heads, head_dim, width), key and value, of shape (depth, kv_heads, head_dim, width), and output, of
            shape (depth, heads, width, head_dim); with an embedding also `embedding`, (width, embedding_rank), and
            with positions `positions`, (tokens, width). The classes of circuits name theirs.
        seed: a whole number or a numpy Generator. The same seed gives the same answer for every thread count.
        draws: how often a rank below its bound is computed, with fresh weights and another prime, before it is
            called probable.
        primes: the moduli of the first draws, above every degree in play; chosen by size if not given.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default. What does not fit is cut, and the
            answer becomes a lower bound with the reason.
        work: a limit on the floating point operations of a draw, with the same effect; none by default.
        scratch: a folder on a disk: Hankel blocks larger than the memory are eliminated over files there, not cut. None
            by default.
        threads: all processors by default.
        progress: called with the work done and the total expected so far, draw by draw.
        rtol: of numerical ranks only, the tolerance relative to the largest singular value.
        atol: of numerical ranks only, the absolute tolerance.
        samples: of numerical ranks only, the most inputs a side, 512 by default.

    Returns:
        A `SeparationRank`. "exact" only if the certified lower bound meets a proven upper bound; "numerical", with the
        singular values, for what can only be evaluated in floating point.

    Raises:
        TensorRankError: for a partition that does not fit, a modulus that is composite or not above the degree,
            weights of wrong shapes, limits that make no sense, or options that do not apply to the model.

    Sources: separation rank and grid matrix, Levine et al. (NeurIPS 2020, arXiv 2006.12467); the failure probability,
    Schwartz (1980) and Zippel (1979); the standings, docs/method.md.

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> rank = separation_rank(SelfAttention(depth=3, width=2))
    >>> rank.value, rank.standing
    (232, 'exact')
    """
    started = time.perf_counter()
    draws = whole_number("draws", draws, 1)
    tolerances: dict[str, Any] = {"rtol": rtol, "atol": atol, "samples": samples}
    if isinstance(model, NumericalModel | MadeNumerical):
        _refuse(
            model,
            {
                "weights": weights if isinstance(model, NumericalModel) else None,
                "primes": primes,
                "work": work,
                "scratch": scratch,
            },
            "floating point has none of it; give rtol, atol or samples",
        )
        if method not in ("auto", "grid"):
            raise TensorRankError(f"the method is {method!r}; expected 'grid' or 'auto' for {model}")
        if draws != 2:
            raise TensorRankError(f"draws is {draws!r}; floating point has no second draw, so leave it out for {model}")
        if isinstance(model, MadeNumerical):
            model = model.numerical_model(seed, weights=weights)
        with worker_threads(threads):
            return numerical_separation_rank(
                model, partition, seed=seed, memory=memory, progress=progress, **tolerances
            )
    architecture = as_architecture(model)
    _refuse(
        architecture, tolerances, "its rank is computed over finite fields, without tolerance; limit memory or work"
    )
    exact = computation(
        architecture,
        partition,
        method=method,
        weights=weights,
        seed=seed,
        draws=draws,
        primes=primes,
        memory=memory,
        work=work,
        scratch=scratch,
    )
    checked_folder("scratch", scratch)
    with worker_threads(threads) as pool:
        evidence = finish_here(exact.steps, pool, exact.plan.work, progress or (lambda done, total: None))
    return exact.result(evidence, time.perf_counter() - started)


@dataclass(frozen=True)
class Computation:
    """A separation rank to be computed: its jobs can run here or anywhere.

    Attributes:
        plan: what it takes.
        draws: weights, inputs and primes.
        steps: the computation, as a generator of jobs (`jobs`).
    """

    plan: Plan
    draws: Draws
    steps: Steps[Evidence]

    def result(self, evidence: Evidence, seconds: float) -> SeparationRank:
        """The rank with its standing."""
        return certified(evidence, self.plan, self.draws, seconds)


def computation(
    model: Architecture,
    partition: Bipartition | None = None,
    *,
    method: Method = "auto",
    weights: Weights | None = None,
    seed: int | np.random.Generator = 0,
    draws: int = 2,
    primes: Sequence[int] | None = None,
    memory: int | str | None = None,
    work: float | None = None,
    scratch: str | Path | None = None,
) -> Computation:
    """What `separation_rank` does with the same arguments, before anything is computed."""
    partition = checked_partition(model.sites, partition)
    chosen = plan(model, partition, method=method, memory=memory, work=work, scratch=scratch)
    stream = Draws(model, weights, seed, primes, chosen.degree)
    if stream.impossible:
        chosen = replace(chosen, method="bounds")
    form = model.moment_form()
    if chosen.method == "bounds":
        steps = from_bounds(chosen, stream)
    elif chosen.method == "catalecticant" and form is not None:
        by_blocks = from_blocks if form.leading is None else from_leading_form
        steps = by_blocks(form, partition, chosen, stream, draws)
    else:
        steps = from_grid(partition, chosen, stream, draws)
    return Computation(chosen, stream, steps)


def _refuse(model: object, options: Mapping[str, object], why: str) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise TensorRankError(f"{' and '.join(given)} cannot be given for {model}: {why}")

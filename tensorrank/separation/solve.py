"""`separation_rank`: chooses a method, repeats with fresh weights and another random prime, and gives the standing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Unpack

from tensorrank.arguments import things, whole_number
from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import refuse_obstacle
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import reporting
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.separation.architecture import Model, as_architecture
from tensorrank.separation.draws import Draws
from tensorrank.separation.evidence import Evidence, from_blocks, from_bounds, from_grid, from_leading_form
from tensorrank.separation.jobs import Rounds, finish_here
from tensorrank.separation.options import ComputationOptions, RankOptions, checked_options, takes
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.separation.plan import Plan, planned
from tensorrank.separation.result import SeparationRank, Standing
from tensorrank.separation.rounding import RoundedRank, allowance, rounded_rank
from tensorrank.whole_files import checked_folder

# As many draws make a failure less likely than any computer's.
_MOST_DRAWS = 100


@takes(RankOptions)
def separation_rank(model: Model, partition: PartitionLike | None = None, **options: Unpack[RankOptions]) -> SeparationRank:
    """The separation rank of an architecture with respect to a bipartition of its sites, with its standing.

    Args:
        model: an architecture, such as `SelfAttention` or `RecurrentCircuit`, a `TensorNetwork`, or a mixture.
        partition: the two sides: a `Bipartition`, "halves" (the default), "interleaved", or the sites of side A, by
            number or name.
        method: "catalecticant" (Hankel blocks, for attention in moment form), "grid" (a sampled matrix), or "auto", the
            default, which chooses. By default a rank that is proved for almost all weights is given at once, and a
            method that is named computes it.
        weights: particular weights (whole numbers, fractions or floats, mapped exactly to GF(p)); the rank is then
            theirs. Random weights by default. `SelfAttention` takes a mapping (or what numpy.load gives) of query, of
            shape (depth, heads, head_dim, width), key and value, of shape (depth, kv_heads, head_dim, width), and
            output, of shape (depth, heads, width, head_dim); with an embedding also `embedding`, of shape (width,
            embedding_rank), and with positions `positions`, of shape (tokens, width). The classes of circuits name
            their own.
        seed: a whole number, 0 by default, or a numpy Generator. The same seed gives the same answer for every number
            of threads.
        draws: how often a rank below its bound is computed, with fresh weights and another prime, before it is called
            probable; 2 by default, at most 100.
        primes: the moduli of the first draws, above every degree in play. By default, and in further draws, primes are
            random, and depend on the seed and on all numbers given, so that no numbers can be chosen to deceive them.
            Primes of your choice prove lower bounds, but no probability.
        memory: bytes, or a text such as "4GiB"; by default 60 % of what is available. What does not fit is cut, and the
            answer becomes a lower bound with the reason.
        work: a limit on the operations of a draw, in those of float64, with the same effect; none by default. An
            operation on residues of one byte counts a quarter, on those of two bytes three quarters.
        scratch: a folder on a disk. Hankel blocks larger than the memory are eliminated over files there. By default
            there is none, and they are cut.
        engine: what multiplies matrices: "bytes" (8-bit integer units, small primes only), "float32" (small primes
            only), "float64", or "auto", the default, which takes the fastest that serves each prime. The rank is the
            same.
        device: where large matrices are eliminated: "cpu", the default, or "cuda", or one of several such as "cuda:1",
            for which PyTorch has to be installed (`pip install 'tensorrank[torch]'`). The rank is the same.
        threads: how many threads share the work; by default as many as there are processors.
        progress: True shows a line in a terminal or a notebook; a function is called with the operations done, the
            total expected so far, and what is under way in words, draw by draw. Nothing is told by default.

    Returns:
        A `SeparationRank`. Its standing is "exact" only if the certified lower bound meets a proven upper bound.

    Raises:
        TensorRankError: for a partition that does not fit, a modulus that is composite or not above the degree, weights
            of wrong shapes, limits that make no sense, a device that is not there or too small, unknown options, or
            what is known by its values in floating point only, which has a `numerical_separation_rank`.

    Sources: separation rank and grid matrix, Levine et al. (NeurIPS 2020, arXiv 2006.12467); the failure probability,
    Schwartz (1980) and Zippel (1979).

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> rank = separation_rank(SelfAttention(depth=3, width=2))
    >>> rank.value, rank.standing
    (232, 'exact')
    """
    seconds = stopwatch()
    chosen = checked_options("separation_rank", options, RankOptions)
    exact = _begun(model, partition, chosen)
    checked_folder("scratch", chosen["scratch"])
    with worker_threads(chosen["threads"]) as pool, reporting(chosen["progress"]) as tell:
        evidence = finish_here(exact.rounds, pool, exact.plan.work, tell)
    return exact.result(evidence, seconds())


@dataclass(frozen=True)
class Computation:
    """A separation rank that is about to be computed; its jobs can run in this process or anywhere.

    `rounds` is the computation itself: a generator of jobs, round by round, which is sent their ranks.
    """

    model: Model
    partition: Bipartition
    plan: Plan
    draws: Draws
    rounds: Rounds[Evidence]

    def result(self, evidence: Evidence, seconds: float) -> SeparationRank:
        """The rank with its standing, from the evidence that the computation has returned.

        The standing is exact if the bounds meet, probable if the evidence is confirmed, otherwise a lower bound.
        """
        standing: Standing = "probable" if evidence.confirmed else "lower bound"
        failure, reason = evidence.failure if evidence.confirmed else None, evidence.reason
        if evidence.lower == self.plan.upper:
            theorem = self.plan.theorem
            standing, failure, reason = "exact", 0.0, None if theorem is None else f"known by {theorem}"
        return SeparationRank(
            value=evidence.lower,
            lower=evidence.lower,
            upper=self.plan.upper,
            standing=standing,
            by_degree=evidence.by_degree,
            method=evidence.method or self.plan.method,
            primes=tuple(self.draws.used),
            seeds=self.draws.seeds,
            samples=evidence.samples,
            failure_probability=failure,
            seconds=seconds,
            reason=reason,
            model=str(self.model),
            partition=tuple(sorted(self.partition.a)),
            numerical=self._rounded(evidence.lower),
            engines=evidence.engines,
        )

    def _rounded(self, rank: int) -> RoundedRank | None:
        """What rounding leaves of this rank, where floats were given."""
        if rank < 2:
            return None
        draws = self.draws
        return rounded_rank(draws.model.in_floats(self.partition, draws.weights, allowance(self.plan.work), rank), rank)


def computation(
    model: Model, partition: PartitionLike | None = None, *, elsewhere: bool = False, **options: Unpack[ComputationOptions]
) -> Computation:
    """Begin what `separation_rank` does with the same arguments, and leave the jobs to the caller.

    If they are to run elsewhere, the engine and the device are those of other machines, and not looked for on this one.
    """
    return _begun(model, partition, checked_options("separation_rank", options, ComputationOptions), elsewhere=elsewhere)


def _begun(
    model: Model, partition: PartitionLike | None, options: ComputationOptions, *, elsewhere: bool = False
) -> Computation:
    architecture = as_architecture(model)
    split = checked_partition(architecture.sites, partition, model.site_names)
    count = whole_number("draws", options["draws"], 1, most=_MOST_DRAWS)
    given = things(options["primes"])
    if given is not None:
        # An iterator gives its primes once, and the plan looks at them too.
        options = {**options, "primes": given}
    # A device elsewhere cannot be asked what is free there.
    near: ComputationOptions = {**options, "device": HOST} if elsewhere else options
    chosen = _on(options["device"], planned(architecture, split, near))
    if not elsewhere and chosen.device == HOST and chosen.engine != "auto":
        for prime in given or (2,):
            refuse_obstacle(chosen.engine, PrimeField(prime))
    draws = Draws(architecture, options["weights"], options["seed"], options["primes"], chosen.degree)
    if draws.impossible:
        chosen = chosen.only_bounds()
    form = architecture.moment_form()
    if chosen.method in ("bounds", "theorem"):
        rounds = from_bounds(chosen, draws)
    elif chosen.method == "catalecticant" and form is not None:
        by_blocks = from_blocks if form.leading is None else from_leading_form
        rounds = by_blocks(form, split, chosen, draws, count)
    else:
        rounds = from_grid(split, chosen, draws, count)
    return Computation(model, split, chosen, draws, rounds)


def _on(device: str, chosen: Plan) -> Plan:
    """A plan with its eliminations on this device."""
    fallback = None if chosen.fallback is None else _on(device, chosen.fallback)
    return replace(chosen, device=device, fallback=fallback)

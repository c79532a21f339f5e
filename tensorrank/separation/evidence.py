"""What the draws of one method prove together: the evidence that a separation rank rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.separation.architecture import Instance, MomentForm
from tensorrank.separation.catalecticant import Catalecticant, CatalecticantPlan, catalecticant_plan
from tensorrank.separation.derivatives import derivatives_job
from tensorrank.separation.draws import Draws
from tensorrank.separation.grid import GridSampling
from tensorrank.separation.jobs import Job, JobKey, JobRank, Rounds
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.plan import Plan
from tensorrank.whole_numbers import abbreviated, as_ranges

_UNLUCKY = "a proved lower bound passes the ranks computed: these draws were unlucky"
# How a reason says that a rank is not the one for almost all weights.
OF_GIVEN_NUMBERS = "for the numbers as they are given"
# A repeated draw that gives more than all before it is repeated again, at most so often.
_MOST_DRAWS = 16


@dataclass(frozen=True)
class Evidence:
    """What a rank rests on: all that was computed, before the rank is given a standing.

    Attributes:
        lower: a certified lower bound.
        confirmed: true if everything below its bound was complete and a further draw gave no more.
        failure: a bound on the probability that a confirmed value is too small, or None.
        reason: why the value may be too small.
        by_degree: lower bounds for each degree, if they add up to `lower`.
        samples: the largest matrix.
        method: if another than the plan's.
        engines: what multiplied, by name.
    """

    lower: int
    confirmed: bool = False
    failure: float | None = None
    reason: str | None = None
    by_degree: tuple[int, ...] | None = None
    samples: tuple[int, int] | None = None
    method: str | None = None
    engines: tuple[str, ...] = ()


def from_bounds(chosen: Plan, draws: Draws) -> Rounds[Evidence]:
    """Give the bounds in closed form, where nothing has to be computed or nothing can be."""
    yield from ()  # no jobs
    if chosen.theorem is not None:
        return Evidence(lower=chosen.lower)
    if draws.impossible:
        why = f"no supported prime exceeds the degree {abbreviated(draws.degree)}"
    else:
        why = f"a computation within the {chosen.limits} would show no larger rank"
    return Evidence(lower=chosen.lower, reason=f"bounds in closed form only: {why}")


def from_blocks(form: MomentForm, partition: Bipartition, chosen: Plan, draws: Draws, count: int) -> Rounds[Evidence]:
    """Compute every block once, then the ones below their bounds again until a further draw gives no more."""
    blocks = chosen.blocks
    assert blocks is not None
    quick = draws.certifying() if blocks.certifies else None
    if quick is None and blocks.certifies:
        # Every small prime divides a denominator of the weights.
        blocks = catalecticant_plan(
            blocks.width, blocks.spaces.degree, blocks.tokens, chosen.limits, primes=(), pair_work=blocks.pair_work
        )
        if not blocks.feasible:
            return (yield from from_bounds(chosen, draws))
    blocks = replace(blocks, proved=tuple(form.upper_bounds(partition) or ()))
    # The degree of an entry in what is drawn: in the weights, and with few tokens in the tokens too.
    drawn_weights = draws.model.weight_degree if draws.weights is None else 0
    entry_degree = drawn_weights + (0 if blocks.full else draws.model.input_degree)

    def over(field: PrimeField, instance: Instance) -> Catalecticant:
        return Catalecticant(
            instance, field, blocks, chosen.limits, draws.rng, draws.number, chosen.scratch, chosen.engine, chosen.device
        )

    if quick is None:
        first = over(*draws.next(0, entry_degree))
        ranks = _BlockRanks.of(blocks, (yield from first.all_blocks()), draws.used)
    else:
        first = over(*quick)
        ranks = _BlockRanks.of(blocks, (yield from _at_small_primes(first, draws, over)), ())
    whole, fits = blocks.whole and not ranks.incomplete, first.fit(ranks.short)
    while whole and fits and ranks.wanting(count):
        most = max(ranks.found[k].rank for k in ranks.short)
        again = yield from over(*draws.next(most, entry_degree)).some_blocks(ranks.short)
        ranks.join(again, draws.used[-1])
        whole = not ranks.incomplete
    by_degree = [ranks.found[k].rank for k in ranks.bounds]
    if draws.weights is None:
        known = form.lower_bounds(partition)
        by_degree = [max(rank, bound) for rank, bound in zip(by_degree, known, strict=True)]
    lower = max(sum(by_degree), chosen.lower)
    passed = lower > sum(rank.rank for rank in ranks.found.values())
    failure = draws.failure({k: ranks.found[k].rank for k in ranks.short}, entry_degree, ranks.primes)
    confirmed = whole and fits and ranks.made > 1 and failure is not None and not ranks.raised and not passed
    if confirmed:
        where = f"degree{'s' if len(ranks.short) > 1 else ''} {as_ranges(ranks.short)}"
        reason = f"below the upper bound in {where}, the same in {_draws_in_words(ranks.made, draws)}"
    elif not whole:
        reason = f"{_what_was_cut(blocks, ranks.incomplete)} ({chosen.limits})"
    elif not fits:
        reason = f"{_blocks_of(ranks.short)} came out short at small primes, and larger primes pass the {chosen.limits}"
    elif passed:
        reason = _UNLUCKY
    else:
        reason = _why_unconfirmed(ranks.made, ranks.raised, draws)
    return Evidence(
        lower=lower,
        confirmed=confirmed,
        failure=failure,
        reason=reason,
        by_degree=tuple(by_degree if form.output_site in partition.a else by_degree[::-1]) if sum(by_degree) == lower else None,
        samples=max((block.samples for block in ranks.found.values()), key=prod),
        engines=_engines(ranks.used),
    )


@dataclass
class _BlockRanks:
    """The largest ranks of the blocks of one function in the draws so far, and what these draws tell together.

    Attributes:
        bounds: for each degree the bound on the block's rank.
        found: for each degree the largest rank.
        primes: for each degree the primes of the draws that tell something about its failure.
        used: the ranks of all draws, for the engines that multiplied.
        incomplete: the degrees of the blocks that the last draw could not finish.
        made: how many draws at telling primes were made.
        raised: whether the last of them gave more than those before.
    """

    bounds: Mapping[int, int]
    found: dict[int, JobRank]
    primes: dict[int, list[int]]
    used: list[JobRank]
    incomplete: list[int]
    made: int
    raised: bool = False

    @classmethod
    def of(cls, plan: CatalecticantPlan, found: dict[int, JobRank], telling: Sequence[int]) -> _BlockRanks:
        """The ranks of a first draw at a telling prime, or of those at small primes before any telling one."""
        degrees = range(plan.spaces.degree + 1)
        bounds = {k: plan.bound(k) for k in degrees}
        incomplete = [k for k in degrees if not found[k].complete]
        return cls(bounds, found, {k: [*telling] for k in degrees}, [*found.values()], incomplete, len(telling))

    @property
    def short(self) -> list[int]:
        """The degrees of the blocks below their bounds."""
        return [k for k, bound in self.bounds.items() if self.found[k].rank < bound]

    def wanting(self, count: int) -> bool:
        """True if blocks are short, and fewer than so many draws were made or the last one gave more than before."""
        return bool(self.short) and (self.made < count or (self.raised and self.made < _MOST_DRAWS))

    def join(self, again: Mapping[int, JobRank], prime: int) -> None:
        """Join the ranks of the short blocks in a further draw, at a telling prime."""
        self.made += 1
        self.raised = self.made > 1 and any(rank.rank > self.found[k].rank for k, rank in again.items())
        self.incomplete = [k for k, rank in again.items() if not rank.complete]
        for k in again:
            self.primes[k].append(prime)
        self.used += again.values()
        self.found = _better(self.found, again)


def _at_small_primes(
    first: Catalecticant, draws: Draws, over: Callable[[PrimeField, Instance], Catalecticant]
) -> Rounds[dict[int, JobRank]]:
    """Compute every block at a small prime, and those that come out short once more at another.

    Blocks that decide others are tried again before the others are computed.
    """
    found = yield from first.crossing()
    short = first.short(found)
    other = draws.certifying() if short else None
    if other is None:
        return (yield from first.outward(found))
    second = over(*other)
    found = _better(found, (yield from second.some_blocks(short)))
    # Further blocks are computed at the prime whose coefficients are at hand.
    found = yield from second.outward(found)
    fresh = [k for k in second.short(found) if k not in short]
    if not fresh:
        return found
    found = _better(found, (yield from first.some_blocks(fresh)))
    return (yield from first.outward(found))


def _better(found: dict[int, JobRank], again: Mapping[int, JobRank]) -> dict[int, JobRank]:
    """For each block the larger of two ranks, and of equal ones that of the complete block."""
    chosen = {k: max(found[k], rank, key=lambda block: (block.rank, block.complete)) for k, rank in again.items()}
    return found | chosen


def from_grid(partition: Bipartition, chosen: Plan, draws: Draws, count: int) -> Rounds[Evidence]:
    """Compute sampled matrices of fresh instances until a further one gives no more."""
    room = chosen.limits.memory // 2

    def measured(grid: Plan, field: PrimeField, instance: Instance, number: int) -> Job:
        seed, most, entries = int(draws.rng.integers(2**63)), grid.grid_samples, grid.grid_entries
        sampling = GridSampling(instance, partition, field, seed, grid.upper, most, entries, room, chosen.engine, chosen.device)
        key = JobKey(number, field.prime, -1, f"grid of up to {most} samples a side")
        return Job(key, sampling, memory=grid.memory, work=grid.work, room=room)

    small, known = None, chosen.lower
    if chosen.telling is not None:
        small = yield from _matrix_at_small_primes(chosen, draws, partial(measured, chosen))
        if small is not None and max(small.rank, known) == chosen.upper:
            return Evidence(max(small.rank, known), samples=small.samples, engines=_engines([small]))
    telling = chosen.telling or chosen
    if small is not None and small.rank >= telling.grid_samples:
        # What fits of a grid at telling primes cannot have a larger rank.
        return _by_small_primes(small, chosen, known)
    found = yield from _from_matrices(telling, draws, count, partial(measured, telling), known=known)
    if small is None:
        return found
    if small.rank > found.lower:
        found = _by_small_primes(small, chosen, known)
    return replace(found, engines=tuple(dict.fromkeys(_engines([small]) + found.engines)))


def _matrix_at_small_primes(
    chosen: Plan, draws: Draws, measured: Callable[[PrimeField, Instance, int], Job]
) -> Rounds[JobRank | None]:
    """The larger rank of a matrix at two small primes, or that at one if it is at its bound.

    The rank is None if every small prime divides a denominator of what was given.
    """
    best: JobRank | None = None
    for _ in range(2):
        drawn = draws.certifying()
        if drawn is None:
            break
        (matrix,) = yield [measured(*drawn, draws.number)]
        best = matrix if best is None else max(best, matrix, key=lambda one: one.rank)
        if best.rank == chosen.upper:
            break
    return best


def _by_small_primes(small: JobRank, chosen: Plan, known: int) -> Evidence:
    """The evidence of a matrix that is short at small primes, where telling ones give no more or do not fit."""
    shape = f"{small.rows} rows and {small.columns} columns"
    reason = f"a sample of {shape} came out short at small primes, and larger primes give less or pass the {chosen.limits}"
    return Evidence(max(small.rank, known), reason=reason, samples=small.samples, engines=_engines([small]))


def from_leading_form(form: MomentForm, partition: Bipartition, chosen: Plan, draws: Draws, count: int) -> Rounds[Evidence]:
    """Compute the blocks of the leading form, and if they do not decide, all derivatives at once or a grid.

    The architecture is not homogeneous. The plan has a grid to fall back on where the derivatives do not fit.
    """
    model, leading, blocks = draws.model, form.leading, chosen.blocks
    assert leading is not None
    assert blocks is not None
    # The plan's degree is also that of its grid.
    stream = draws.about(leading, form.degree if blocks.full else model.input_degree)
    found = yield from from_blocks(form, partition, chosen, stream, count)
    draws.used.extend(stream.used)
    derivatives = chosen.derivatives
    if found.lower == chosen.upper or (derivatives is None and chosen.fallback is None):
        reason = "only the terms of highest degree were computed, which may have less; method 'grid' may tell more"
        return replace(found, confirmed=False, by_degree=None, reason=reason)
    further = draws.about(model, form.degree if derivatives is not None else model.input_degree)
    if derivatives is not None:
        measured = partial(derivatives_job, derivatives, chosen.engine, chosen.device)
        whole = yield from _from_matrices(chosen, further, count, measured, known=found.lower)
    else:
        assert chosen.fallback is not None
        sampled = yield from from_grid(partition, chosen.fallback, further, count)
        whole = replace(sampled, method="grid")
        if found.lower > whole.lower:
            whole = replace(found, confirmed=False, by_degree=None, reason=f"{_UNLUCKY} of the grid")
    draws.used.extend(further.used)
    return replace(whole, engines=tuple(dict.fromkeys(found.engines + whole.engines)))


def _from_matrices(
    chosen: Plan, draws: Draws, count: int, measured: Callable[[PrimeField, Instance, int], Job], *, known: int
) -> Rounds[Evidence]:
    """Compute one matrix for each of several fresh instances, until a further one gives no more."""
    degree = draws.model.input_degree + (draws.model.weight_degree if draws.weights is None else 0)
    best, samples, used, primes = 0, (0, 0), list[JobRank](), list[int]()
    saturated = complete = True
    raised = arbitrary = False
    while saturated and best != chosen.upper and (len(used) < count or (raised and len(used) < _MOST_DRAWS)):
        field, instance = draws.next(best, degree)
        (matrix,) = yield [measured(field, instance, draws.number)]
        used.append(matrix)
        primes.append(field.prime)
        raised = len(used) > 1 and matrix.rank > best
        best, samples = max(best, matrix.rank), max(samples, matrix.samples)
        saturated, complete = matrix.saturated, matrix.complete
        arbitrary = matrix.finite and not complete
    lower = max(best, known)
    # No probability is known for inputs left out that are categories, not sampled from the field.
    failure = None if arbitrary else draws.failure({0: best}, degree, {0: primes})
    made = len(used)
    confirmed = saturated and made > 1 and failure is not None and not raised and lower == best
    shape = f"{samples[0]} rows and {samples[1]} columns"
    if confirmed:
        what = f"all {shape} gave" if complete else "the sampling saturated at"
        reason = f"{what} the same rank in {_draws_in_words(made, draws)}"
    elif lower > best and saturated:
        reason = _UNLUCKY
    elif lower > best:
        reason = f"the bound in closed form passes a sample of {shape} ({chosen.limits})"
    elif not saturated:
        reason = f"a sample of {shape} had full rank ({chosen.limits})"
    elif arbitrary:
        reason = f"{shape} were tried of finitely many inputs, of which others may give more"
    else:
        reason = _why_unconfirmed(made, raised, draws)
    return Evidence(lower=lower, confirmed=confirmed, failure=failure, reason=reason, samples=samples, engines=_engines(used))


def _why_unconfirmed(made: int, raised: bool, draws: Draws) -> str:
    if made == 1:
        return "only one draw was made"
    if raised:
        return f"draws still disagreed after {made}"
    why = "the primes were given, not drawn" if not draws.random else "the matrix is too large for these primes"
    return f"the same in {made} draws, but no probability of a failure can be stated: {why}"


def _engines(ranks: Iterable[JobRank]) -> tuple[str, ...]:
    """What multiplied for these ranks, in the order of first use."""
    return tuple(dict.fromkeys(rank.engine for rank in ranks if rank.engine is not None))


def _draws_in_words(made: int, draws: Draws) -> str:
    """What was drawn, and what was given and stayed: all that a probable rank rests on."""
    if draws.weights is None and draws.model.weight_degree:
        return f"{made} draws of weights and a random prime"
    return f"{made} draws of a random prime, {OF_GIVEN_NUMBERS}"


def _what_was_cut(blocks: CatalecticantPlan, incomplete: list[int]) -> str:
    entries = blocks.width * (blocks.width + 1) // 2
    reasons = []
    if blocks.variables < entries:
        reasons.append(f"{blocks.variables} of the {entries} moment entries kept")
    if incomplete and blocks.side is not None:
        reasons.append(f"{_blocks_of(incomplete)} cut to {blocks.side} rows and columns")
    elif incomplete:
        reasons.append(f"{_blocks_of(incomplete)} came out short and were not finished")
    return " and ".join(reasons)


def _blocks_of(degrees: Sequence[int]) -> str:
    """How many blocks, or which one, in words."""
    return f"the block of degree {degrees[0]}" if len(degrees) == 1 else f"blocks of {len(degrees)} degrees"

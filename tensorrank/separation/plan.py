"""The plan of a separation rank, made before anything is computed: method, blocks, memory and work."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Unpack, get_args

from tensorrank.arguments import one_of, things
from tensorrank.arithmetic.elimination.costs import elimination_bytes, elimination_work, operation_cost
from tensorrank.arithmetic.elimination.devices import HOST, memory_on
from tensorrank.arithmetic.elimination.engine_choice import EngineName, checked_choice
from tensorrank.arithmetic.elimination.engines import storage
from tensorrank.arithmetic.elimination.rank import refuse_scratch
from tensorrank.arithmetic.primes import LARGEST_PRIME, primes_below
from tensorrank.errors import TensorRankError
from tensorrank.notebook_tables import Table, cell
from tensorrank.records import Record
from tensorrank.separation.architecture import Architecture, Model, as_architecture
from tensorrank.separation.catalecticant import WORTH_CERTIFYING, CatalecticantPlan, catalecticant_plan
from tensorrank.separation.derivatives import DerivativePlan, derivative_plan
from tensorrank.separation.draws import certifying_primes
from tensorrank.separation.grid import PARTS
from tensorrank.separation.limits import MOST_ENTRIES, SPARE, TYPICAL_RATE, Limits
from tensorrank.separation.options import Method, PlanOptions, checked_options, takes
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.whole_numbers import abbreviated

# For each value a grid holds a balanced residue, and of those under evaluation a residue of 8 bytes, twice at worst.
_VALUE_BYTES = 16 / PARTS
# The bytes of the widest residues.
_WIDEST = storage(LARGEST_PRIME).itemsize


@dataclass(frozen=True)
class Plan(Record):
    """What `separation_rank` would do, and what it would take.

    Attributes:
        method: "catalecticant", "grid", "theorem" if the rank is proved and nothing is computed, or "bounds" if nothing
            can be computed within the limits.
        upper: the proven upper bound, or None.
        lower: the proven lower bound in closed form, for almost all weights; 0 for weights that are given.
        blocks: the plan of the Hankel blocks, or None without the moment form. For an architecture that is not
            homogeneous these are the blocks of its leading form.
        grid_entries: the most values of a matrix of all inputs, where they are finitely many.
        derivatives: the plan of all derivatives at once, computed if the leading form does not decide; or None.
        fallback: the grid that is computed instead of the derivatives where it fits and costs less; or None.
        telling: the grid at primes large enough for a failure probability, if small ones are tried first; or None.
        scratch: the folder for blocks larger than memory, or None.
        engine: what multiplies; "auto" is decided for each matrix.
        device: where.
        grid_samples: the most rows and columns that a sampled matrix may have.
        memory: bytes at the peak.
        work: operations for one draw, in those of float64. Residues of one byte count a quarter, of two bytes three
            quarters.
        limits: what it was planned for; plans that come out the same are equal, whatever memory is free.
        degree: the largest degree in play, which every prime must exceed.
        theorem: what the rank is known by, in words, if nothing has to be computed.
        model: the model in words.
        partition: the sites of side A in ascending order.
    """

    left_out = (
        "blocks", "grid_samples", "limits", "grid_entries", "derivatives", "fallback", "telling", "scratch", "engine", "device"
    )  # fmt: skip

    method: Literal["catalecticant", "grid", "theorem", "bounds"]
    upper: int | None
    lower: int
    blocks: CatalecticantPlan | None
    grid_samples: int
    memory: float
    work: float
    limits: Limits = field(compare=False)
    degree: int
    grid_entries: float = 0
    derivatives: DerivativePlan | None = None
    fallback: Plan | None = None
    telling: Plan | None = None
    scratch: Path | None = None
    engine: EngineName = "auto"
    device: str = HOST
    theorem: str | None = None
    model: str | None = None
    partition: tuple[int, ...] | None = None

    def only_bounds(self) -> Plan:
        """The plan to give the bounds in closed form, and to compute nothing."""
        return replace(self, method="bounds", memory=0, work=0)

    def _shown_tables(self) -> Iterator[Table]:
        lines = {"plan": str(self), "model": self.model, "side A": None if self.partition is None else cell(self.partition)}
        yield Table([(name, text) for name, text in lines.items() if text is not None])

    def __str__(self) -> str:
        if self.theorem is not None:
            return f"rank {abbreviated(self.lower)} (exact), known by {self.theorem}; nothing to compute"
        if self.method == "bounds":
            return f"bounds only: no blocks that pass them fit within the {self.limits}"
        size = f"{self.memory / 2**20:.3g} MiB and {self.work:.2g} operations a draw, "
        certifies = self.telling is not None or (self.blocks is not None and self.blocks.certifies)
        more = "and several times that at larger primes" if certifies else "and twice that"
        if self.device == HOST:
            size += f"about {self.work / TYPICAL_RATE:.2g} s on two cores, {more} if the rank stays below its bound"
        else:
            size += f"large matrices on {self.device}"
        if self.method == "grid" or self.blocks is None:
            return f"grid of up to {self.grid_samples} samples a side; {'' if self.upper else 'at most '}{size}"
        further = ""
        if self.derivatives is not None:
            further = f"; if these fall short, {self.derivatives}"
        elif self.fallback is not None:
            further = f"; if these fall short, a grid of up to {self.fallback.grid_samples} samples a side"
        return f"catalecticant, {self.blocks}{further}; {size}"


@takes(PlanOptions)
def plan(model: Model, partition: PartitionLike | None = None, **options: Unpack[PlanOptions]) -> Plan:
    """Say what `separation_rank` would do with the same arguments, before anything is computed.

    Args:
        model: an architecture, a `TensorNetwork`, or a mixture.
        partition: the two sides: a `Bipartition`, "halves" (the default), "interleaved", or the sites of side A, by
            number or name.
        method: "auto" (the default), "catalecticant" or "grid".
        weights: as in `separation_rank`; random ones by default. A rank that is proved for almost all weights has to be
            computed for given ones.
        primes: as in `separation_rank`; random ones by default. With given ones a rank is computed, too.
        memory: bytes, or a text such as "4GiB"; by default 60 % of what is available.
        work: a limit on the operations of a draw, in those of float64; none by default. Operations on residues of one
            byte count a quarter, on those of two bytes three quarters.
        scratch: a folder for Hankel blocks larger than the memory; by default there is none, and such blocks are cut.
        engine: what multiplies: "bytes", "float32", "float64" or "auto", the default, which takes the fastest.
        device: where: "cpu", the default, "cuda", or one of several such as "cuda:1". A device's free memory limits the
            default of `memory`.

    Returns:
        A `Plan`: the method, the Hankel blocks or the size of the grid, the memory, the work, and the proven bounds. It
        prints as one line.

    Raises:
        TensorRankError: as `separation_rank` does for the same arguments.

    Source: Hankel blocks and grid, Levine et al. (NeurIPS 2020, arXiv 2006.12467).

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> found = plan(SelfAttention(depth=3, width=2))
    >>> found.method, found.lower, found.upper
    ('catalecticant', 196, 232)
    """
    chosen = checked_options("plan", options, PlanOptions)
    architecture = as_architecture(model)
    split = checked_partition(architecture.sites, partition, model.site_names)
    return replace(planned(architecture, split, chosen), model=str(model), partition=tuple(sorted(split.a)))


def planned(architecture: Architecture, partition: Bipartition, options: PlanOptions) -> Plan:
    """The plan of an architecture, for all options of `plan`."""
    method, scratch = options["method"], options["scratch"]
    refuse_scratch(options["device"], scratch)
    checked_choice(options["engine"], options["device"])
    memory = memory_on(options["device"], options["memory"])
    limits = Limits.of(memory, options["work"], files=scratch is not None)
    one_of("the method", method, get_args(Method))
    primes, eager = things(options["primes"]), options["engine"] not in ("auto", "float64")
    unforced = method == "auto" and options["weights"] is None and options["primes"] is None
    proved = architecture.proved_rank(partition) if unforced else None
    if proved is not None:
        return Plan("theorem", proved.value, proved.value, None, 0, 0, 0, limits, degree=0, theorem=proved.theorem)
    form = architecture.moment_form()
    if method == "catalecticant" and form is None:
        raise TensorRankError(f"{architecture} has no moment form; expected method 'grid' or 'auto' for it")
    lower = architecture.generic_lower_bound(partition) if options["weights"] is None else 0
    grid = _grid(architecture, partition, limits, lower, primes=primes, eager=eager)
    grid = replace(grid, engine=options["engine"], device=options["device"])
    if form is None and method == "auto" and grid.lower >= grid.grid_samples:
        # No grid that fits passes what is known without computing.
        return grid.only_bounds()
    if form is None or method == "grid":
        return grid
    near, far = partition.a, partition.b
    if form.output_site in far:
        near, far = far, near
    tokens = len(near), len(far)
    # Of few tokens inputs are sampled.
    degree = form.degree if min(tokens) >= form.width else architecture.input_degree
    work = form.pair_work(tokens)
    blocks = catalecticant_plan(
        form.width, form.degree, tokens, limits, primes=primes, eager=eager, above=degree, pair_work=work
    )
    useful = blocks.whole or blocks.potential() > grid.lower
    grid_is_whole = grid.upper is not None and grid.upper < grid.grid_samples
    derivatives, fallback = None, None
    if form.leading is not None:
        if blocks.full:
            derivatives = derivative_plan(form.width, form.degree, blocks.spaces.bound(), limits)
        if method == "auto" and grid_is_whole and (derivatives is None or grid.work < derivatives.work):
            derivatives, fallback = None, grid
    further = derivatives or fallback
    by_blocks = replace(
        grid,
        method="catalecticant",
        blocks=blocks,
        memory=max(blocks.memory, 0 if further is None else further.memory),
        work=blocks.work + (0 if further is None else further.work),
        degree=max(degree, 0 if fallback is None else grid.degree),
        telling=None,
        derivatives=derivatives,
        fallback=fallback,
        scratch=None if scratch is None else Path(scratch),
    )
    if not (blocks.feasible and useful):
        by_blocks = by_blocks.only_bounds()
    # The leading form often decides the rank of an inhomogeneous one, so its own work is what counts at first.
    cheaper = grid_is_whole and (not blocks.whole or grid.work < blocks.work)
    # Where no blocks fit at all, a grid helps only if it can pass what is known without computing.
    if method == "auto" and (cheaper or (by_blocks.method == "bounds" and grid.lower < grid.grid_samples)):
        return grid
    return by_blocks


def _grid(
    model: Architecture, partition: Bipartition, limits: Limits, lower: int, *, primes: Sequence[object] | None, eager: bool
) -> Plan:
    """The grid of a model: at a small prime first, where a bound can be met there and elimination is most of the work.

    If `eager`, small primes are tried for grids of any work.
    """
    # A function of categories is a polynomial in its weights alone.
    degree = model.input_degree or model.weight_degree
    upper, small = model.rank_bound(partition), certifying_primes(degree)
    telling = _grid_of(model, partition, limits, (lower, upper), degree, _WIDEST)
    if primes is not None or upper is None or small is None:
        return telling
    quick = _grid_of(model, partition, limits, (lower, upper), degree, storage(next(primes_below(small.most))).itemsize)
    operations = elimination_work(quick.grid_samples, quick.grid_samples)
    evaluation = model.value_work(partition) * quick.grid_samples**2
    worth = eager or operations > max(WORTH_CERTIFYING, evaluation)
    return replace(quick, telling=telling) if worth and upper <= quick.grid_samples else telling


def _grid_of(
    model: Architecture, partition: Bipartition, limits: Limits, bounds: tuple[int, int | None], degree: int, entry: int
) -> Plan:
    """The grid of a model whose residues take so many bytes."""
    lower, upper = bounds
    value_work = model.value_work(partition)

    def work(samples: int) -> float:
        # Doubling the sample evaluates a third of the last matrix again.
        return operation_cost(entry) * elimination_work(samples, samples) + 4 / 3 * value_work * samples**2

    def memory(samples: int) -> float:
        return elimination_bytes(samples, samples, entry) + _VALUE_BYTES * samples**2

    room = limits.memory * model.values_share
    samples = max(1, bisect_left(range(int(room**0.5)), True, key=lambda count: memory(count + 1) > room))
    if upper is not None:
        samples = min(samples, upper + SPARE)
    if work(samples) > limits.work:
        samples = bisect_left(range(samples), True, lo=1, key=lambda count: work(count + 1) > limits.work)
    entries = min(MOST_ENTRIES, samples**2 * room / memory(samples), limits.work / (value_work + samples))
    needed = memory(samples) / model.values_share
    return Plan("grid", upper, lower, None, samples, needed, work(samples), limits, degree, entries)

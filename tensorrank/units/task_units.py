"""The explicit attention units of a task, held against the right answers: one call for every task that has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Literal

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.progress import Progress, ProgressLike, reporter, with_progress
from tensorrank.arithmetic.resources import refuse_long, work_limit
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record
from tensorrank.tasks.match import Match2, Match3
from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local
from tensorrank.tasks.sparse_averaging import SparseAveraging
from tensorrank.tasks.task import Task
from tensorrank.tasks.token_sets import all_sets, random_sets
from tensorrank.units.checks import UnitCheck, check_unit
from tensorrank.units.construction import Construction
from tensorrank.units.match_units import match2_unit, match3_unit
from tensorrank.units.pointer_stacks import STACKED, stack_for
from tensorrank.units.precision import FLOAT64, PrecisionLike, precision_of
from tensorrank.units.selection import SelectionUnit
from tensorrank.units.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension
from tensorrank.units.stack_checks import StackCheck, check_stack
from tensorrank.units.variant_units import bigram_units, local_unit

# By default all inputs are gone through where they are so few, and so many random ones where they are more.
_FEW = 100_000
_RANDOM_INPUTS, _RANDOM_SETS = 200, 60
# Random keys for sets of q out of N tokens have about so many times q ln(8N) dimensions, which so many tries find: keys
# are made, which takes as long as eight products of matrices with them, and scores are exponentiated.
_USUAL_DIMENSION, _TRIES = 4, 36
# Mean errors up to this count as sparse averaging.
_TOLERANCE = 0.1
# A new unit for a task of residues is a line here.
_UNITS: dict[type, Callable[..., Construction]] = {
    Match2: lambda task, precision: match2_unit(task.tokens, task.modulus, precision=precision),
    Match3: lambda task, precision: match3_unit(task.tokens, task.modulus, precision=precision),
    Match3Bigram: lambda task, precision: bigram_units(task.tokens, task.modulus, precision=precision),
    Match3Local: lambda task, precision: local_unit(task.tokens, task.modulus, task.window, precision=precision),
}


@checked
@dataclass(frozen=True)
class SelectionCheck(Record):
    """The result of a check of an attention unit for sparse averaging.

    Attributes:
        unit: in words.
        task: in words.
        dimension: of queries and keys, m.
        precision: in words.
        inputs: how many sets of tokens were chosen.
        exhaustive: whether they were all there are.
        worst_deviation: the largest sum over tokens of |attention - average over the chosen|; None where the unit has
            no query for one of the sets.
        tolerance: the largest deviation that counts as averaging.
        error: why there is no such query, or empty.
    """

    heading: ClassVar[Mapping[str, int]] = MappingProxyType({"order": 2, "heads": 1})
    derived = ("passed",)

    unit: str
    task: str
    dimension: int
    precision: str
    inputs: int
    exhaustive: bool
    worst_deviation: float | None
    tolerance: float
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether no average is off by more than the tolerance."""
        return self.worst_deviation is not None and self.worst_deviation <= self.tolerance

    def __str__(self) -> str:
        found = self.error or (
            f"rows of attention differ from the average over the chosen by up to {self.worst_deviation:.2g} (sum of "
            f"absolute values; {self.tolerance} is allowed), "
            f"on {'all ' if self.exhaustive else ''}{self.inputs} choices"
        )
        return f"{self.task}, {self.precision}: {found}"


@checked
@with_progress
def check_units(
    task: Task,
    inputs: Literal["auto", "all"] | int = "auto",
    *,
    precision: PrecisionLike = FLOAT64,
    dimension: int | None = None,
    seed: int = 0,
    memory: int | str | None = None,
    work: float | None = None,
    progress: ProgressLike = None,
) -> tuple[UnitCheck | SelectionCheck | StackCheck, ...]:
    """Hold the explicit attention units that solve a task against the right answers.

    Args:
        task: `Match2`, `Match3`, a variant of it, `SparseAveraging`, or a task that a stack of units solves:
            `InductionHeads`, `FunctionComposition` or `OneOrTwoCycles`.
        inputs: "all" of them, or how many random ones; "auto" is all where they are at most 100,000. For sparse
            averaging the inputs are the choices of a token.
        precision: of the units: a `Precision`, "float64", "float32" or a number of bits.
        dimension: of the unit with random keys for sparse averaging. By default the first one tried, from an estimate
            of the least upwards, whose deviations in float64 are within 0.1.
        seed: of random inputs and keys.
        memory: bytes, or a text such as "4GiB", for each batch of inputs; 60 % of what is available by default.
        work: a limit on the operations of each unit, of which a processor makes about 10^9 a second; none by default.
        progress: True shows a line in a terminal or a notebook; a function is called with what is done, how much there
            is, and what is under way.

    Returns:
        A check for each unit.

    Raises:
        TensorRankError: if no unit is known for the task, a number is out of its range, or the limit on work is passed.

    >>> (found,) = check_units(Match3(tokens=3, modulus=5))
    >>> found.unit, found.inputs, found.wrong
    ('Match3 mod 5: AttentionUnit(order 3, dimension 5, 1 head, output dimension 1, float64)', 125, 0)
    """
    if isinstance(task, SparseAveraging):
        return _check_averaging(task, inputs, precision, dimension, seed, memory, work, reporter(progress))
    if isinstance(task, STACKED):
        return (check_stack(stack_for(task, precision=precision), inputs, seed=seed, memory=memory, work=work),)
    if type(task) not in _UNITS:
        known = ", ".join(kind.__name__ for kind in (*_UNITS, *STACKED))
        raise TensorRankError(f"no attention unit is known here for {shown(task)}; expected SparseAveraging, {known}")
    construction = _UNITS[type(task)](task, precision)
    chosen = _chosen(inputs, construction.task.tokens * math.log(construction.task.modulus), _RANDOM_INPUTS)
    return (check_unit(construction, chosen, seed=seed, memory=memory, work=work, progress=progress),)


def _chosen(inputs: Literal["auto", "all"] | int, log_all: float, some: int) -> Literal["all"] | int:
    """Which inputs are meant: all, or how many; "auto" is all where they are few, and so many where they are more."""
    if inputs == "auto":
        return "all" if log_all <= math.log(_FEW) else some
    return "all" if inputs == "all" else whole_number("inputs", inputs, 1)


def _check_averaging(
    task: SparseAveraging,
    inputs: Literal["auto", "all"] | int,
    precision: PrecisionLike,
    dimension: int | None,
    seed: int,
    memory: int | str | None,
    work: float | None,
    progress: Progress,
) -> tuple[SelectionCheck, ...]:
    n, q = task.tokens, task.sparsity
    log_all = math.lgamma(n + 1) - math.lgamma(q + 1) - math.lgamma(n - q + 1)
    chosen = _chosen(inputs, log_all, _RANDOM_SETS)
    exhaustive = chosen == "all"
    sets = all_sets(n, q, memory=memory) if chosen == "all" else random_sets(n, q, chosen, seed)
    usual = _USUAL_DIMENSION * q * math.log(8 * n) if dimension is None else whole_number("dimension", dimension, 1)
    tries = 1 if dimension is not None else _TRIES
    each = usual * (1 + len(sets) / 8) + 16 * len(sets)
    what = f"the check of {task} with {shown(n)} tokens on {len(sets)} choices"
    refuse_long(work_limit(work), tries * n * each, what, "fewer inputs or tokens, or allow more work")
    progress(0, 3, "least dimension")
    m = least_dimension(n, q, seed=seed) if dimension is None else dimension
    random_keys = RestrictedIsometryUnit(n, q, m, seed=seed)
    while dimension is None and random_keys.deviation(sets, memory=memory).max() > _TOLERANCE:
        # The least dimension is a median over keys and some sets: these keys and sets may take more.
        random_keys = RestrictedIsometryUnit(n, q, (m := m + max(1, m // 8)), seed=seed)

    def held(unit: SelectionUnit, error: str = "") -> SelectionCheck:
        return SelectionCheck(
            unit=f"{type(unit).__name__}(dimension {unit.dimension})",
            task=str(task),
            dimension=unit.dimension,
            precision=str(unit.precision),
            inputs=len(sets),
            exhaustive=exhaustive,
            worst_deviation=None if error else float(unit.deviation(sets, memory=memory).max()),
            tolerance=_TOLERANCE,
            error=error,
        )

    progress(1, 3, "restricted isometry")
    found = [held(random_keys.at(precision))]
    progress(2, 3, "moment curve")
    # As large as the queries of these very sets: in float64 that is no restriction.
    curve = MomentCurveUnit(n, q, precision=precision_of(precision))
    try:
        found.append(held(replace(curve, scale=curve.scale_for(sets)) if q < n else curve))
    except TensorRankError as error:
        # Queries that need more digits than float64 has are a finding, and no reason to hide the other unit's.
        found.append(held(curve, str(error)))
    return tuple(found)

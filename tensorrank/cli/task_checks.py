"""What `tensorrank task NAME --check` does: the explicit attention unit of a task, held against the right answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import lgamma, log
from typing import TYPE_CHECKING, Any, Literal

from tensorrank.arguments import nearest
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tensorrank.units.construction import Construction
    from tensorrank.units.selection import SelectionUnit

# Called with what is done, how much is done, and how much there is.
Show = Callable[[str, float, float], None]

# By default so many inputs are gone through, all of them if there are no more.
_FEW = 100_000
_RANDOM_INPUTS, _RANDOM_SETS = 200, 60
# Mean errors up to this count as sparse averaging.
_TOLERANCE = 0.1


@dataclass(frozen=True)
class Checked:
    """One unit and how it did.

    Attributes:
        words: for people.
        values: for JSON.
        passed: whether nothing was wrong, or no average by more than 0.1.
    """

    words: str
    values: dict[str, Any]
    passed: bool


@dataclass(frozen=True)
class Wanted:
    """What is to be checked.

    Attributes:
        sizes: the numbers of the task.
        precision: of the units: float64, float32, or a number of bits.
        inputs: "all", "auto", or how many random ones, as text.
        dimension: of the restricted-isometry unit for sparse averaging; None seeks the least.
        seed: of random inputs and keys.
        memory: limit for each block of inputs.
        show: told what is done.
    """

    sizes: Mapping[str, int]
    precision: str
    inputs: str
    dimension: int | None
    seed: int
    memory: str | None
    show: Show

    def count(self, log_all: float, random_inputs: int) -> int | None:
        """How many random inputs; None for all of them, of whose number the natural logarithm is given.

        Raises:
            TensorRankError: if --inputs is none of all, auto and a number.
        """
        if self.inputs in ("all", "auto"):
            return None if self.inputs == "all" or log_all <= log(_FEW) else random_inputs
        if not self.inputs.isdecimal() or int(self.inputs) < 1:
            raise TensorRankError(
                f"--inputs is {self.inputs!r}; expected all, auto, or how many random ones, such as 1000"
            )
        return int(self.inputs)


def checked_units(name: str, wanted: Wanted) -> list[Checked]:
    """Check the units that are known for a task.

    Args:
        name: of the task.
        wanted: what is to be checked.

    Raises:
        TensorRankError: if no unit is known for the task, or an option is no such thing.
    """
    if name not in _CHECKS:
        raise TensorRankError(
            f"no attention unit is known here for {name}, so there is nothing to --check; {nearest(name, _CHECKS)}"
        )
    if wanted.dimension is not None and name != "sparse-averaging":
        raise TensorRankError(f"--dimension is no option of {name}: its unit has one dimension; leave it out")
    return _CHECKS[name](wanted)


def _match2(wanted: Wanted) -> list[Checked]:
    from tensorrank.units.match_units import match2_unit

    tokens, modulus = wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(match2_unit(tokens, modulus, precision=wanted.precision), wanted)]


def _match3(wanted: Wanted) -> list[Checked]:
    from tensorrank.units.match_units import match3_unit

    tokens, modulus = 2 * wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(match3_unit(tokens, modulus, precision=wanted.precision), wanted)]


def _bigram(wanted: Wanted) -> list[Checked]:
    from tensorrank.units.variant_units import bigram_units

    tokens, modulus = 2 * wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(bigram_units(tokens, modulus, precision=wanted.precision), wanted)]


def _local(wanted: Wanted) -> list[Checked]:
    from tensorrank.units.variant_units import local_unit

    tokens, modulus = 2 * wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(local_unit(tokens, modulus, wanted.sizes["window"], precision=wanted.precision), wanted)]


def _matching(construction: Construction, wanted: Wanted) -> Checked:
    from tensorrank.units.checks import MOST_INPUTS, check_matching

    log_all = construction.tokens * log(construction.modulus)
    count = wanted.count(log_all, _RANDOM_INPUTS)
    inputs: Literal["all"] | int = "all" if count is None else count
    found = check_matching(construction, inputs=inputs, seed=wanted.seed, memory=wanted.memory, progress=wanted.show)
    unit = construction.unit
    described = {"unit": str(construction), "order": unit.order, "dimension": unit.dimension, "heads": unit.heads}
    more = ""
    if inputs != "all" and log_all <= log(MOST_INPUTS):
        more = f" (--inputs all for all {construction.modulus**construction.tokens})"
    return Checked(
        f"{construction}\n  {found}{more}",
        {**described, **found.to_dict(), "passed": found.wrong == 0},
        found.wrong == 0,
    )


def _sparse_averaging(wanted: Wanted) -> list[Checked]:
    from tensorrank.tasks.token_sets import all_sets, checked_sizes, random_sets
    from tensorrank.units.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension

    tokens, sparsity = checked_sizes(wanted.sizes["tokens"], wanted.sizes["sparsity"])
    seed = wanted.seed
    count = wanted.count(lgamma(tokens + 1) - lgamma(sparsity + 1) - lgamma(tokens - sparsity + 1), _RANDOM_SETS)
    if count is None:
        sets = all_sets(tokens, sparsity, memory=wanted.memory)
    else:
        sets = random_sets(tokens, sparsity, count, seed)
    wanted.show("least dimension", 0, 3)
    m = least_dimension(tokens, sparsity, seed=seed) if wanted.dimension is None else wanted.dimension
    random_keys = RestrictedIsometryUnit(tokens, sparsity, m, seed=seed)
    while wanted.dimension is None and random_keys.deviation(sets, memory=wanted.memory).max() > _TOLERANCE:
        # The least dimension is a median over keys and some sets: these keys and sets may take more.
        random_keys = RestrictedIsometryUnit(tokens, sparsity, (m := m + max(1, m // 8)), seed=seed)
    wanted.show("restricted isometry", 1, 3)
    found = [_selection("restricted isometry", random_keys.at(wanted.precision), sets, count is None, wanted)]
    wanted.show("moment curve", 2, 3)
    curve = MomentCurveUnit(tokens, sparsity)
    try:
        if sparsity < tokens:
            # As large as the queries of these very sets: in float64 that is no restriction.
            curve = replace(curve, scale=curve.scale_for(sets))
        found.append(_selection("moment curve", curve.at(wanted.precision), sets, count is None, wanted))
    except TensorRankError as error:
        # Its construction needs more digits than float64 has: that is a finding, and no reason to hide the other.
        values = {"unit": "moment curve", "order": 2, "dimension": curve.dimension, "heads": 1, "passed": False}
        found.append(
            Checked(f"moment curve unit, m = {curve.dimension}: {error}", {**values, "error": str(error)}, False)
        )
    return found


def _selection(kind: str, unit: SelectionUnit, sets: NDArray[np.int64], exhaustive: bool, wanted: Wanted) -> Checked:
    """How far rows of attention are from the averages over these sets."""
    worst = float(unit.deviation(sets, memory=wanted.memory).max())
    words = (
        f"{kind} unit, m = {unit.dimension}, {unit.precision}: rows of attention differ from the average over the "
        f"chosen by up to {worst:.2g} (sum of absolute values; {_TOLERANCE} is allowed), on "
        f"{'all ' if exhaustive else ''}{len(sets)} choices"
    )
    if kind == "restricted isometry" and wanted.dimension is None:
        words += "; m is the first one tried at which they pass in float64"
    values = {
        "unit": kind,
        "order": 2,
        "dimension": unit.dimension,
        "heads": 1,
        "precision": str(unit.precision),
        "inputs": len(sets),
        "exhaustive": exhaustive,
        "worst_deviation": worst,
        "tolerance": _TOLERANCE,
        "passed": worst <= _TOLERANCE,
    }
    return Checked(words, values, worst <= _TOLERANCE)


_CHECKS: dict[str, Callable[[Wanted], list[Checked]]] = {
    "sparse-averaging": _sparse_averaging,
    "match2": _match2,
    "match3": _match3,
    "match3-bigram": _bigram,
    "match3-local": _local,
}

"""What `tensorrank task NAME --check` does: the explicit attention unit of a task, held against the right answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, Literal

from tensorrank.errors import TensorRankError, nearest

if TYPE_CHECKING:
    from tensorrank.tasks.construction import Construction

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

    def count(self, all_inputs: int, random_inputs: int) -> int | None:
        """How many random inputs; None for all of them.

        Raises:
            TensorRankError: if --inputs is none of all, auto and a number.
        """
        if self.inputs in ("all", "auto"):
            return None if self.inputs == "all" or all_inputs <= _FEW else random_inputs
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
    from tensorrank.tasks.matching_units import match2_unit

    tokens, modulus = wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(match2_unit(tokens, modulus, precision=wanted.precision), wanted)]


def _match3(wanted: Wanted) -> list[Checked]:
    from tensorrank.tasks.matching_units import match3_unit

    tokens, modulus = 2 * wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(match3_unit(tokens, modulus, precision=wanted.precision), wanted)]


def _bigram(wanted: Wanted) -> list[Checked]:
    from tensorrank.tasks.variant_units import bigram_units

    tokens, modulus = 2 * wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(bigram_units(tokens, modulus, precision=wanted.precision), wanted)]


def _local(wanted: Wanted) -> list[Checked]:
    from tensorrank.tasks.variant_units import local_unit

    tokens, modulus = 2 * wanted.sizes["tokens"] + 1, wanted.sizes["modulus"]
    return [_matching(local_unit(tokens, modulus, wanted.sizes["window"], precision=wanted.precision), wanted)]


def _matching(construction: Construction, wanted: Wanted) -> Checked:
    from tensorrank.tasks.checks import MOST_INPUTS, check_matching

    count = wanted.count(construction.modulus**construction.tokens, _RANDOM_INPUTS)
    inputs: Literal["all"] | int = "all" if count is None else count
    everything = construction.modulus**construction.tokens
    found = check_matching(construction, inputs=inputs, seed=wanted.seed, memory=wanted.memory, progress=wanted.show)
    unit = construction.unit
    described = {"unit": str(construction), "order": unit.order, "dimension": unit.dimension, "heads": unit.heads}
    more = f" (--inputs all for all {everything})" if inputs != "all" and everything <= MOST_INPUTS else ""
    return Checked(f"{construction}\n  {found}{more}", {**described, **found.to_dict()}, found.wrong == 0)


def _sparse_averaging(wanted: Wanted) -> list[Checked]:
    from tensorrank.tasks.selection import all_sets, random_sets
    from tensorrank.tasks.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension

    tokens, sparsity, seed = wanted.sizes["tokens"], wanted.sizes["sparsity"], wanted.seed
    count = wanted.count(comb(tokens, sparsity), _RANDOM_SETS)
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
    found = []
    units = (("restricted isometry", random_keys), ("moment curve", MomentCurveUnit(tokens, sparsity)))
    for number, (kind, full) in enumerate(units, 1):
        wanted.show(kind, number, 3)
        unit = full.at(wanted.precision)
        worst = float(unit.deviation(sets, memory=wanted.memory).max())
        words = (
            f"{kind} unit, m = {unit.dimension}, {unit.precision}: rows of attention differ from the average over the "
            f"chosen by up to {worst:.2g} (sum of absolute values; {_TOLERANCE} is allowed), on "
            f"{'all ' if count is None else ''}{len(sets)} choices"
        )
        values = {
            "unit": kind,
            "order": 2,
            "dimension": unit.dimension,
            "heads": 1,
            "precision": str(unit.precision),
            "inputs": len(sets),
            "exhaustive": count is None,
            "worst_deviation": worst,
            "tolerance": _TOLERANCE,
        }
        found.append(Checked(words, values, worst <= _TOLERANCE))
    return found


_CHECKS: dict[str, Callable[[Wanted], list[Checked]]] = {
    "sparse-averaging": _sparse_averaging,
    "match2": _match2,
    "match3": _match3,
    "match3-bigram": _bigram,
    "match3-local": _local,
}

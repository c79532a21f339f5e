"""Does a stack of attention solve its task? Its answers against the reference solution, over all inputs or many."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import as_float, whole_number
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.resources import refuse_long, work_limit
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.tasks.one_or_two_cycles import OneOrTwoCycles
from tensorrank.units.checks import Check, how_many
from tensorrank.units.pointer_stacks import StackConstruction
from tensorrank.units.precision import least_precision
from tensorrank.whole_numbers import in_brief

# By default all inputs are gone through where they are so few, and so many random ones where they are more.
_FEW, _RANDOM_INPUTS = 100_000, 200
# An example of a task takes about as long to make as so many operations.
_EXAMPLE = 2 * 10**5


@checked
@dataclass(frozen=True)
class StackCheck(Check):
    """The result of a check of a stack of attention.

    Attributes:
        unit: the construction, in words.
        task: the task, in words.
        layers: how many there are, L.
        dimension: the largest of queries and keys, m.
        heads: the largest number in a layer, H.
        width: the coordinates of a token's stream.
        precision: in words.
        inputs: how many were checked.
        exhaustive: whether they were all there are.
        wrong: how many answers were wrong.
        seconds: how long it took.
    """

    unit: str
    task: str
    layers: int
    dimension: int
    heads: int
    width: int
    precision: str
    inputs: int
    exhaustive: bool
    wrong: int
    seconds: float = field(compare=False)

    def __str__(self) -> str:
        return f"{self.task}, {self.layers} layers, {self.precision}: {self._found()}, {self.seconds:.2g} s"


# "auto", all of them, how many random ones, or the inputs themselves.
StackInputs = Literal["auto", "all"] | int | ArrayLike


@checked
def check_stack(
    construction: StackConstruction,
    inputs: StackInputs = "auto",
    *,
    seed: int | np.random.Generator = 0,
    memory: int | str | None = None,
    work: float | None = None,
) -> StackCheck:
    """Compare the answers of a stack of attention with the right ones.

    Args:
        construction: as `induction_heads_stack`, `composition_stack` or `cycles_stack` gives it.
        inputs: "all" of them; how many examples of the task, of which half have one answer; an array as the task takes
            it; "auto" is all where they are at most 100,000, and 200 examples where they are more.
        seed: of the examples: a whole number or a numpy Generator.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.
        work: a limit on the operations, of which a processor makes about 10^9 a second; none by default.

    Raises:
        TensorRankError: if there are no inputs or they are none of the task, they take more operations than the limit,
            or for want of memory.

    >>> from tensorrank.units.pointer_stacks import induction_heads_stack
    >>> found = check_stack(induction_heads_stack(5, 3, hops=2))
    >>> found.inputs, found.exhaustive, found.layers, found.wrong
    (243, True, 3, 0)
    """
    began = time.perf_counter()
    given, exhaustive = _given(construction, inputs, seed, memory, work_limit(work))
    wrong = construction.answers(given, memory=memory) != construction.task.solve(given)
    return StackCheck(
        unit=str(construction),
        task=str(construction.task),
        layers=len(construction.stack.layers),
        dimension=construction.stack.dimension,
        heads=construction.stack.heads,
        width=construction.stack.width,
        precision=str(construction.stack.layers[0].unit.precision),
        inputs=len(given),
        exhaustive=exhaustive,
        wrong=int(wrong.sum()),
        seconds=time.perf_counter() - began,
    )


@checked
def least_bits_of_stack(
    construction: StackConstruction, inputs: StackInputs = "auto", *, seed: int = 0, memory: int | str | None = None
) -> int | None:
    """The least p from which on all p up to 52 bits of fixed point leave no answer wrong; None if 52 bits do not.

    Queries, keys and values of every layer are held in p bits; the maps between the layers are float64.

    Args:
        construction: as for `check_stack`, at any precision.
        inputs: as for `check_stack`; examples are the same for each p.
        seed: of the examples, a whole number.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

    Raises:
        TensorRankError: as `check_stack`.

    >>> from tensorrank.units.pointer_stacks import composition_stack
    >>> least_bits_of_stack(composition_stack(2)) <= 6
    True
    """
    given, _ = _given(construction, inputs, whole_number("the seed", seed, 0), memory, math.inf)
    right = construction.task.solve(given)
    return least_precision(lambda bits: bool((construction.at(bits).answers(given, memory=memory) == right).all()))


def _given(
    construction: StackConstruction,
    inputs: StackInputs,
    seed: int | np.random.Generator,
    memory: int | str | None,
    limit: float,
) -> tuple[NDArray[Any], bool]:
    """The inputs meant, and whether they are all; refused before they are made if the check takes too long."""
    task, each = construction.task, construction.work()
    few = _log_inputs(construction) <= math.log(_FEW)

    def refuse(count: int, each: float) -> None:
        what = f"the check of {task} with {in_brief(construction.tokens)} tokens on {in_brief(count)} inputs"
        refuse_long(limit, count * each, what, "fewer inputs or a smaller size, or allow more work")

    if isinstance(inputs, str) and (inputs == "all" or (inputs == "auto" and few)):
        most = 2**63
        refuse(round(math.exp(_log_inputs(construction))) if _log_inputs(construction) < math.log(most) else most, each)
        return task.all_inputs(memory=memory), True
    if isinstance(inputs, str) or not np.iterable(inputs):
        count = _RANDOM_INPUTS if inputs == "auto" else how_many(inputs, "'auto', 'all'")
        refuse(count, each + _EXAMPLE)
        return task.examples(count, seed).inputs, False
    given = as_array(inputs, "inputs")
    task.solve(given)
    if not len(given):
        raise TensorRankError("no answers were to be compared; expected at least one input")
    refuse(len(given), each)
    return given, False


def _log_inputs(construction: StackConstruction) -> float:
    """The logarithm of the number of inputs."""
    task = construction.task
    if isinstance(task, OneOrTwoCycles):
        # Nearly all graphs of the promise are one cycle.
        return math.lgamma(min(1e300, as_float(task.vertices))) - math.log(2)
    return as_float(task.sites) * math.log(task.alphabet)

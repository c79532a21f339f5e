"""Does a construction solve its task? Its answers against reference solutions, over all inputs or many."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import as_float, shown, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.resources import refuse_long, work_limit
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record
from tensorrank.tasks.task import words_between
from tensorrank.units.attention_unit import asked_tokens
from tensorrank.units.construction import THRESHOLD, Construction
from tensorrank.units.precision import least_precision
from tensorrank.whole_numbers import in_brief

# All inputs are gone through up to so many of them.
MOST_INPUTS = 2**24
# Residues that are checked at once, of one input or several.
_CHUNK = 2**16
# An example of a task takes about as long to make as so many operations.
_EXAMPLE = 2 * 10**5
_NOTHING = "no answers were to be compared; expected at least one input and one asking token"
# All M^N inputs, how many examples of the task, or the inputs themselves.
Inputs = Literal["all"] | int | ArrayLike
# From residues (count, N) to the right answers of all tokens, (count, N).
Solve = Callable[[Integers], NDArray[np.bool_]]


class Check(Record):
    """What the results of all checks of units and stacks have: whether they passed, and words for it."""

    derived = ("passed",)

    # Fields of the records that derive from it.
    inputs: int
    exhaustive: bool
    wrong: int

    @property
    def passed(self) -> bool:
        """Whether no answer was wrong."""
        return self.wrong == 0

    def _found(self) -> str:
        found = "no wrong answer" if self.passed else f"{self.wrong} wrong answers"
        return f"{found} to {'all ' if self.exhaustive else ''}{self.inputs} inputs"


@checked
@dataclass(frozen=True)
class UnitCheck(Check):
    """The result of a check of an attention unit for Match2, Match3 or a variant.

    Attributes:
        unit: the construction, in words.
        task: the task, in words.
        tokens: N.
        order: of the unit that decides.
        dimension: of the queries and keys of that unit.
        heads: of that unit.
        precision: of that unit, in words.
        inputs: how many were checked.
        exhaustive: whether they were all there are, with all tokens asking.
        answers: how many answers were compared.
        wrong: how many of them were wrong.
        least_margin: how far outputs stay on the right side of 1/2, at least; at most 1/2, and not positive
            if an answer is wrong.
        worst: the input with the least margin.
        seconds: how long it took.

    >>> from tensorrank.units.match_units import match2_unit
    >>> print(check_unit(match2_unit(2, 3)))  # doctest: +ELLIPSIS
    Match2 mod 3, 2 tokens, float64: no wrong answer to all 9 inputs (18 answers), least margin 0.39, ...
    """

    unit: str
    task: str
    tokens: int
    order: int
    dimension: int
    heads: int
    precision: str
    inputs: int
    exhaustive: bool
    answers: int
    wrong: int
    least_margin: float
    worst: tuple[int, ...]
    seconds: float = field(compare=False)

    def __str__(self) -> str:
        return (
            f"{self.task}, {self.tokens} tokens, {self.precision}: {self._found()} ({self.answers} answers), "
            f"least margin {self.least_margin:.2g}, {self.seconds:.2g} s"
        )


@checked
@with_progress
def check_unit(
    construction: Construction,
    inputs: Inputs = "all",
    *,
    solve: Solve | None = None,
    seed: int | np.random.Generator = 0,
    asking: Sequence[int] | None = None,
    memory: int | str | None = None,
    work: float | None = None,
    progress: ProgressLike = None,
) -> UnitCheck:
    """Compare the answers of an attention unit for Match2, Match3 or a variant with the right ones.

    Args:
        construction: as `match2_unit`, `match3_unit`, `bigram_units` or `local_unit` gives it.
        inputs: "all" M^N of them; or how many examples of the task, of which half have a match for the last token; or
            an array (count, N) of residues.
        solve: gives the right answers; by default the task itself, from the definition.
        seed: of the examples: a whole number or a numpy Generator.
        asking: the tokens whose answers are compared; all by default.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.
        work: a limit on the operations, of which a processor makes about 10^9 a second; none by default.
        progress: True shows a line in a terminal or a notebook; a function is called with the inputs done, their number
            and what is checked.

    Raises:
        TensorRankError: if all inputs are more than 2^24, the examples are impossible, there are no inputs or they are
            no residues, they take more operations than the limit, or for want of memory.

    >>> from tensorrank.units.match_units import match3_unit
    >>> found = check_unit(match3_unit(3, 5))
    >>> found.inputs, found.exhaustive, found.wrong, found.least_margin >= 4 / 7 - 1 / 2
    (125, True, 0, True)
    """
    began = time.perf_counter()
    task, unit = construction.task, construction.unit
    asked = task.tokens if asking is None else len(asked_tokens(asking, task.tokens))
    total, parts = _parts(construction, inputs, seed, asked, work_limit(work))
    done = answers = wrong = 0
    least, worst = np.inf, None
    for part in parts:
        correct, margins = _compared(construction, part, asking, memory, solve)
        if not margins.size:
            continue
        done, answers, wrong = done + len(part), answers + margins.size, wrong + int((~correct).sum())
        by_input = margins.min(axis=1)
        place = int(by_input.argmin())
        if by_input[place] < least:
            least, worst = float(by_input[place]), part[place]
        reporter(progress)(done, total, f"checking {task}")
    if worst is None:
        raise TensorRankError(_NOTHING)
    return UnitCheck(
        unit=str(construction),
        task=str(task),
        tokens=task.tokens,
        order=unit.order,
        dimension=unit.dimension,
        heads=unit.heads,
        precision=str(unit.precision),
        inputs=done,
        exhaustive=isinstance(inputs, str) and asking is None,
        answers=answers,
        wrong=wrong,
        least_margin=least,
        worst=tuple(worst.tolist()),
        seconds=time.perf_counter() - began,
    )


@checked
def least_bits_for(
    construction: Construction,
    inputs: Inputs = "all",
    *,
    seed: int = 0,
    asking: Sequence[int] | None = None,
    memory: int | str | None = None,
) -> int | None:
    """The least p from which on all p up to 52 bits of fixed point leave no answer wrong; None if 52 bits do not.

    A smaller p may leave none wrong by chance, where a larger one does.

    Args:
        construction: as for `check_unit`, at any precision.
        inputs: as for `check_unit`; examples are the same for each p.
        seed: of the examples, a whole number.
        asking: the tokens whose answers are compared; all by default.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

    Raises:
        TensorRankError: as `check_unit`, or if the seed is a Generator, which would give every p other examples.

    >>> from tensorrank.units.match_units import match2_unit
    >>> least_bits_for(match2_unit(2, 3)) <= 6
    True
    """
    fixed = whole_number("the seed", seed, 0)
    asked = len(asked_tokens(asking, construction.task.tokens))
    if not asked:
        raise TensorRankError(_NOTHING)

    def right(bits: int) -> bool:
        unit = construction.at(bits)
        _, parts = _parts(unit, inputs, fixed, asked)
        return all(_compared(unit, part, asking, memory)[0].all() for part in parts)

    return least_precision(right)


def _parts(
    construction: Construction, inputs: Inputs, seed: int | np.random.Generator, asked: int, limit: float = math.inf
) -> tuple[int, Iterator[Integers]]:
    """The number of inputs, and the inputs in arrays of which each is checked at once.

    They are refused, before they are made, if the check takes more operations than the limit.
    """
    task = construction.task
    n, m = task.tokens, task.modulus
    step = max(1, _CHUNK // n)
    each = construction.work(asked)

    def refuse(count: int, each: float) -> None:
        what = f"the check of {task} with {shown(n)} tokens on {in_brief(count)} inputs"
        refuse_long(limit, count * each, what, "fewer inputs or tokens, or allow more work")

    if isinstance(inputs, str) and inputs == "all":
        # No number of inputs is computed that has more digits than one can wait for.
        total = m ** min(n, MOST_INPUTS.bit_length())
        if total > MOST_INPUTS:
            raise TensorRankError(
                f"{shown(n)} residues mod {m} are {m}^{shown(n)} inputs, about 10^{as_float(n) * math.log10(m):.1f}; all are "
                f"gone through up to {MOST_INPUTS}. Try random ones, by their number"
            )
        refuse(total, each)
        return total, (words_between(m, n, start, min(start + step, total)) for start in range(0, total, step))
    if isinstance(inputs, str) or not np.iterable(inputs):
        count = how_many(inputs, "'all'")
        refuse(count, each + _EXAMPLE)
        given = task.examples(count, seed).inputs
    else:
        given = task.checked_inputs(inputs)
        refuse(len(given), each)
    return len(given), (given[start : start + step] for start in range(0, len(given), step))


def _compared(
    construction: Construction,
    inputs: Integers,
    asking: Sequence[int] | None,
    memory: int | str | None,
    solve: Solve | None = None,
) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each answer is correct, and how far its output is on the right side of the threshold."""
    outputs = construction.outputs(inputs, asking=asking, memory=memory)
    right = (solve or construction.task.solve)(inputs)[:, asked_tokens(asking, construction.task.tokens)]
    return (outputs > THRESHOLD) == right, np.where(right, outputs - THRESHOLD, THRESHOLD - outputs)


def how_many(inputs: Any, named: str) -> int:
    """The number of inputs that are asked for, where none are given and no name that is known."""
    if isinstance(inputs, str):
        raise TensorRankError(f"inputs is {shown(inputs)}; expected {named}, how many, or an array of them")
    return whole_number("inputs", inputs, 1)

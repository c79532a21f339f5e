"""Does a construction solve its task? Its answers against reference solutions, over all inputs or many."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.errors import TensorRankError
from tensorrank.tasks.task import Integers, words_between
from tensorrank.units.attention_unit import asked_tokens
from tensorrank.units.construction import THRESHOLD, Construction
from tensorrank.units.precision import least_precision

# All inputs are gone through up to so many of them.
MOST_INPUTS = 2**24
# Residues that are checked at once.
_CHUNK = 2**16
_NOTHING = "no answers were to be compared; expected at least one input and one asking token"

# Called with what is done, inputs done and their number.
Progress = Callable[[str, float, float], None]


class Reference(Protocol):
    """Whatever knows the right answers of a matching task."""

    def solve(self, inputs: Any) -> NDArray[np.bool_]:
        """The right answers for all tokens: residues (count, N) to (count, N)."""


@dataclass(frozen=True)
class UnitCheck:
    """What a check of a construction found.

    Attributes:
        task: the task, in words.
        tokens: N.
        precision: of the unit, in words.
        inputs: how many were checked.
        exhaustive: whether they were all there are, with all tokens asking.
        answers: how many answers were compared.
        wrong: how many of them were wrong.
        least_margin: how far outputs stay on the right side of 1/2, at least; at most 1/2, and not positive
            if an answer is wrong.
        worst: the input with the least margin.
        seconds: how long it took.

    >>> from tensorrank.units.match_units import match2_unit
    >>> print(check_matching(match2_unit(2, 3)))  # doctest: +ELLIPSIS
    Match2 mod 3, 2 tokens, float64: no wrong answer to all 9 inputs (18 answers), least margin 0.39, ...
    """

    task: str
    tokens: int
    precision: str
    inputs: int
    exhaustive: bool
    answers: int
    wrong: int
    least_margin: float
    worst: tuple[int, ...]
    seconds: float

    def __str__(self) -> str:
        found = "no wrong answer" if self.wrong == 0 else f"{self.wrong} wrong answers"
        return (
            f"{self.task}, {self.tokens} tokens, {self.precision}: {found} to {'all ' if self.exhaustive else ''}"
            f"{self.inputs} inputs ({self.answers} answers), least margin {self.least_margin:.2g}, {self.seconds:.2g} s"
        )

    def to_dict(self) -> dict[str, Any]:
        """The attributes by name."""
        return asdict(self)


def check_construction(
    construction: Construction,
    reference: Reference,
    inputs: Iterable[ArrayLike],
    *,
    asking: Sequence[int] | None = None,
    exhaustive: bool = False,
    memory: int | str | None = None,
    progress: Callable[[int], None] | None = None,
) -> UnitCheck:
    """Compare the answers of a construction with those of a reference solution.

    Args:
        construction: the unit with its embedding.
        reference: anything with a method `solve`.
        inputs: arrays (count, N) of residues, one after another.
        asking: the tokens whose answers are compared; all by default.
        exhaustive: whether these inputs are all there are; the result says so if all tokens ask, too.
        memory: bytes for each array, or a text such as "4GiB"; 60 % of what is available by default.
        progress: called after each array with the number of inputs done.

    Raises:
        TensorRankError: if there are no inputs, they are not residues of this shape, or for want of memory.
    """
    began = time.perf_counter()
    done = answers = wrong = 0
    least, worst = np.inf, None
    for given in inputs:
        part, correct, margins = _compared(construction, reference, given, asking, memory)
        if not margins.size:
            continue
        done, answers, wrong = done + len(part), answers + margins.size, wrong + int((~correct).sum())
        by_input = margins.min(axis=1)
        place = int(by_input.argmin())
        if by_input[place] < least:
            least, worst = float(by_input[place]), part[place]
        if progress is not None:
            progress(done)
    if worst is None:
        raise TensorRankError(_NOTHING)
    return UnitCheck(
        task=str(construction.task),
        tokens=construction.tokens,
        precision=str(construction.unit.precision),
        inputs=done,
        exhaustive=exhaustive and asking is None,
        answers=answers,
        wrong=wrong,
        least_margin=least,
        worst=tuple(worst.tolist()),
        seconds=time.perf_counter() - began,
    )


def check_matching(
    construction: Construction,
    *,
    inputs: Literal["all"] | int = "all",
    seed: int | np.random.Generator = 0,
    asking: Sequence[int] | None = None,
    memory: int | str | None = None,
    progress: Progress | None = None,
) -> UnitCheck:
    """Check the unit for Match2, Match3 or a variant against the reference solution of its task.

    Args:
        construction: as `match2_unit`, `match3_unit`, `bigram_units` or `local_unit` gives it.
        inputs: "all" M^N of them, or how many examples of the task, of which half have a match for the last token.
        seed: of the examples: a whole number or a numpy Generator.
        asking: the tokens whose answers are compared; all by default.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.
        progress: called with what is checked, the inputs done and their number.

    Raises:
        TensorRankError: if all inputs are more than 2^24, the examples are impossible, or for want of memory.

    >>> from tensorrank.units.match_units import match3_unit
    >>> found = check_matching(match3_unit(3, 5))
    >>> found.inputs, found.exhaustive, found.wrong, found.least_margin >= 4 / 7 - 1 / 2
    (125, True, 0, True)
    """
    total = construction.modulus**construction.tokens if inputs == "all" else whole_number("inputs", inputs, 1)
    show = None
    if progress is not None:
        report = progress

        def show(done: int) -> None:
            report(f"checking {construction.task}", done, total)

    return check_construction(
        construction,
        construction.task,
        _inputs(construction, inputs, seed),
        asking=asking,
        exhaustive=inputs == "all",
        memory=memory,
        progress=show,
    )


def least_bits_for(
    construction: Construction,
    *,
    inputs: Literal["all"] | int = "all",
    seed: int = 0,
    asking: Sequence[int] | None = None,
    memory: int | str | None = None,
) -> int | None:
    """The least p from which on all p up to 52 bits of fixed point leave no answer wrong; None if 52 bits do not.

    A smaller p may leave none wrong by chance, where a larger one does.

    Args:
        construction: as for `check_matching`, at any precision.
        inputs: "all" M^N of them, or how many examples of the task, the same for each p.
        seed: of the examples, a whole number.
        asking: the tokens whose answers are compared; all by default.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

    Raises:
        TensorRankError: as `check_matching`, or if the seed is a Generator, which would give every p other examples.

    >>> from tensorrank.units.match_units import match2_unit
    >>> least_bits_for(match2_unit(2, 3)) <= 6
    True
    """
    fixed = whole_number("the seed", seed, 0)
    if not asked_tokens(asking, construction.tokens):
        raise TensorRankError(_NOTHING)

    def right(bits: int) -> bool:
        unit = construction.at(bits)
        parts = _inputs(construction, inputs, fixed)
        return all(_compared(unit, unit.task, part, asking, memory)[1].all() for part in parts)

    return least_precision(right)


def all_residues(tokens: int, modulus: int, chunk: int | None = None) -> Iterator[Integers]:
    """All M^N inputs in lexicographic order, in arrays (at most `chunk`, N).

    Args:
        tokens: N.
        modulus: M.
        chunk: how many at a time; by default so many that an array has about 2^16 entries.

    Raises:
        TensorRankError: if a number is no whole number of at least 1, or the inputs are more than 2^24, when asked for.

    >>> [part.tolist() for part in all_residues(2, 2, chunk=3)]
    [[[0, 0], [0, 1], [1, 0]], [[1, 1]]]
    """
    n, m = whole_number("tokens", tokens, 1), whole_number("modulus", modulus, 1)
    step = max(1, _CHUNK // n) if chunk is None else whole_number("chunk", chunk, 1)
    total = m**n
    if total > MOST_INPUTS:
        raise TensorRankError(
            f"{n} residues mod {m} are {m}^{n} inputs, about 10^{n * math.log10(m):.1f}; all are gone through up to "
            f"{MOST_INPUTS}. Try random ones, by their number"
        )
    return (words_between(m, n, start, min(start + step, total)) for start in range(0, total, step))


def _inputs(
    construction: Construction, inputs: Literal["all"] | int, seed: int | np.random.Generator
) -> Iterator[Integers]:
    if inputs == "all":
        return all_residues(construction.tokens, construction.modulus)
    drawn = construction.task.examples(inputs, seed).inputs
    step = max(1, _CHUNK // construction.tokens)
    return (drawn[start : start + step] for start in range(0, len(drawn), step))


def _compared(
    construction: Construction,
    reference: Reference,
    inputs: ArrayLike,
    asking: Sequence[int] | None,
    memory: int | str | None,
) -> tuple[Integers, NDArray[np.bool_], NDArray[np.float64]]:
    """The inputs, whether each answer is correct, and how far its output is on the right side of the threshold."""
    part = construction.task.checked_inputs(inputs)
    outputs = construction.outputs(part, asking=asking, memory=memory)
    right = reference.solve(part)[:, asked_tokens(asking, construction.tokens)]
    return part, (outputs > THRESHOLD) == right, np.where(right, outputs - THRESHOLD, THRESHOLD - outputs)

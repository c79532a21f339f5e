"""What is compared: a comparison makes a question from a random stream, and holds the answer against the truth."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tensorrank.separation.result import SeparationRank


class WrongError(AssertionError):
    """What the library says is false."""


@dataclass(frozen=True)
class Comparison:
    """A kind of question.

    Attributes:
        name: of the kind, for reports.
        run: asks one question made from the stream; returns in a word what was found, or None where there was none.
    """

    name: str
    run: Callable[[np.random.Generator], str | None]

    def case(self, seed: int, number: int) -> str | None:
        """Ask one question; the numbers repeat it."""
        return self.run(np.random.default_rng([seed, number, *self.name.encode()]))


def held(found: SeparationRank, truth: int, question: object) -> str:
    """The standing of a rank, after a check that all that it says is true.

    Raises:
        WrongError: if the bounds exclude the true rank, or the value is called exact or probable and is another.
    """
    told = f"{found}; the true rank is {truth}; {question!r}"
    if found.upper is not None and found.upper < truth:
        raise WrongError(f"the upper bound is too small: {told}")
    if found.lower > truth or found.value > truth:
        raise WrongError(f"the lower bound is too large: {told}")
    if found.standing in ("exact", "probable") and found.value != truth:
        raise WrongError(f"the value is wrong: {told}")
    return found.standing

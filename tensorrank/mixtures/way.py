"""The way of reductions from a model to a latent tree: how it begins, and the error where it leads too far."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tensorrank.arguments import as_real_number, shown
from tensorrank.errors import TensorRankError


class TooLargeError(TensorRankError):
    """A form of a model would be larger than allowed: its size, and of a chain the step with the most states."""

    def __init__(self, size: int, step: int | None = None) -> None:
        super().__init__(f"the form would have the size {shown(size)}, beyond the limit; expected a larger limit")
        self.size = size
        self.step = step


@dataclass(frozen=True)
class Way:
    """The way from a model to a latent tree.

    Attributes:
        words: how the way begins, such as "by way of its dimension tree: "; empty if the model is a latent tree.
        classes: the number of classes if the way leads through a latent class model, else None.
    """

    words: str = ""
    classes: int | None = None


def refuse_larger(size: int, limit: float) -> None:
    """Raise `TooLargeError` if a size is beyond a limit, which may be infinite."""
    if as_real_number(limit) is None or isinstance(limit, Decimal):
        raise TensorRankError(f"limit is {shown(limit)}; expected a number")
    if not size <= limit:
        raise TooLargeError(size)

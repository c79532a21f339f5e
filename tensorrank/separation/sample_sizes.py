"""How many random inputs a side a numerical rank may use: what memory and work allow, found before either is taken."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond, refuse_long, work_limit

_MOST_SAMPLES = 512
# A value is held three times, at 16 bytes at most: in the old matrix, in the grown one, and in a copy for its spectrum.
_BYTES_PER_VALUE = 48
# Inputs are held as often, and once more while a function works on them, at 8 bytes a number.
_BYTES_PER_NUMBER = 32
# The singular values of n x n values take about so many times n^3 operations.
_SPECTRUM = 10
# A rank of fewer values tells nothing.
_LEAST = 8


@dataclass(frozen=True)
class SampleSize:
    """The most inputs a side, and what limits them: that many are wanted, the memory, or the work.

    >>> SampleSize.allowed(None, numbers=4, value_work=100.0, memory="1GiB", work=1e7, what="a network")
    SampleSize(most=96, limit='work')
    """

    most: int
    limit: Literal["samples", "memory", "work"]

    @classmethod
    def allowed(
        cls, samples: int | None, *, numbers: int, value_work: float, memory: int | str | None, work: float | None, what: str
    ) -> SampleSize:
        """The size that limits allow, of inputs of so many numbers each and values of so many operations each.

        Raises:
            TensorRankError: if samples were given that do not fit the memory, or the work allows next to none.
        """
        bytes_allowed, operations_allowed = memory_limit(memory), work_limit(work)
        wanted = _MOST_SAMPLES if samples is None else whole_number("samples", samples, 1)

        def held(count: int) -> int:
            return count * (_BYTES_PER_VALUE * count + _BYTES_PER_NUMBER * numbers)

        def operations(count: int) -> float:
            return float(count) ** 2 * (value_work + _SPECTRUM * count)

        if samples is not None:
            given = f"a sample of {shown(samples)} inputs a side"
            refuse_beyond(bytes_allowed, held(wanted), given, "fewer samples, or give more memory")
        least = min(wanted, _LEAST)
        refuse_long(
            operations_allowed, operations(least), f"{least} inputs a side of {what}", "a smaller one, or allow more work"
        )
        fitting = bisect_left(range(wanted), True, lo=0, key=lambda count: held(count + 1) > bytes_allowed)
        affordable = bisect_left(range(wanted), True, lo=0, key=lambda count: operations(count + 1) > operations_allowed)
        most = max(1, min(fitting, affordable))
        return cls(most, "samples" if most == wanted else "memory" if fitting <= affordable else "work")

"""How exactly an attention unit holds its numbers: float64, float32, or fixed point of p bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tensorrank.arguments import finite_number, shown, whole_number
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.short_reprs import ShortRepr

_FLOATS = {"float64": (64, np.float64), "float32": (32, np.float32)}
# Everything behind fixed point is computed in float64, whose numbers have 53 bits.
MOST_BITS = 52


@dataclass(frozen=True)
class Precision(ShortRepr):
    """How exactly an attention unit holds its queries, keys and values.

    At "float64" and "float32" the queries, keys and values, the scores, their exponentials and their sums are all
    floats of that kind. At p bits, fixed point, every coordinate of an array in the range [-B, B] becomes the nearest
    of at most 2^p - 1 numbers: the multiples k step with |k| < 2^(p - 1). The step is the smallest power of two with
    (2^(p - 1) - 1/2) step >= B, so that nothing in the range moves by more than half a step. What lies outside the
    range becomes the outermost multiple. Scores and softmax are then computed in float64. One bit leaves only zero.

    Attributes:
        held: "float64", "float32" or a number of bits from 1 to 52.

    Raises:
        TensorRankError: if it is anything else.

    Source: the p-bit model of S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), in which p bits write any number of a unit.

    >>> Precision(3).rounded([-1, -0.3, 0.2, 0.8], 1.0)
    array([-1. , -0.5,  0. ,  1. ])
    >>> print(Precision(3), Precision("float32"))
    3 bits float32
    """

    held: str | int = "float64"

    def __post_init__(self) -> None:
        if isinstance(self.held, str):
            if self.held not in _FLOATS:
                raise TensorRankError(f"the precision is {shown(self.held)}; {_EXPECTED}")
        elif whole_number("the number of bits", self.held, 1) > MOST_BITS:
            raise TensorRankError(f"the precision is {self.held} bits; {_EXPECTED}")
        else:
            object.__setattr__(self, "held", int(self.held))

    def __str__(self) -> str:
        return self.held if isinstance(self.held, str) else f"{self.held} bit{'s' if self.held > 1 else ''}"

    @property
    def bits(self) -> int:
        """The bits that write a number: 64, 32, or p."""
        return _FLOATS[self.held][0] if isinstance(self.held, str) else self.held

    @property
    def fixed_point(self) -> bool:
        """Whether the precision is a number of bits."""
        return not isinstance(self.held, str)

    @property
    def dtype(self) -> DTypeLike:
        """The type that scores and softmax are computed in: float32 for "float32", float64 otherwise."""
        return _FLOATS[self.held][1] if isinstance(self.held, str) else np.float64

    def step(self, bound: float) -> float:
        """The distance between neighbouring numbers of fixed point on [-bound, bound]; 0 if the bound is 0.

        Raises:
            TensorRankError: if the precision is not fixed point, or the bound is negative or not finite.

        >>> Precision(8).step(1.0)
        0.015625
        """
        if isinstance(self.held, str):
            raise TensorRankError(f"a step of {self} was asked for; only fixed point has one, such as Precision(8)")
        bound = finite_number("the bound of the range", bound, least=0)
        mantissa, exponent = math.frexp(bound / (2.0 ** (self.held - 1) - 0.5))
        return 0.0 if bound == 0 else math.ldexp(1.0, exponent - (mantissa == 0.5))

    def rounded(self, numbers: ArrayLike, bound: float) -> NDArray[Any]:
        """The nearest numbers of this precision, of the same shape and of `dtype`; ties go to an even multiple.

        Args:
            numbers: finite numbers of any shape.
            bound: the B of fixed point; floats do not use it.

        Raises:
            TensorRankError: if the bound is negative or not finite.
        """
        # Units round their own float64 arrays often, and need no check.
        plain = isinstance(numbers, np.ndarray) and numbers.dtype == np.float64 and type(numbers) is np.ndarray
        array: NDArray[Any] = np.asarray(numbers) if plain else as_floats(numbers, "the numbers", finite=True)
        if isinstance(self.held, str):
            return array.astype(self.dtype, copy=False)
        step = self.step(bound)
        if step == 0:
            return np.zeros_like(array)
        most = 2.0 ** (self.held - 1) - 1
        return np.asarray(np.clip(np.rint(array / step), -most, most) * step)


FLOAT64 = Precision()
_EXPECTED = f"expected 'float64', 'float32' or a number of bits from 1 to {MOST_BITS}"


PrecisionLike = Annotated[Precision | Literal["float64", "float32"] | int, CHECKED_WHERE_USED]


def precision_of(given: PrecisionLike) -> Precision:
    """The precision meant: one already made, "float64", "float32", or a number of bits (as a text too).

    >>> precision_of("12") == precision_of(12) == Precision(12)
    True
    """
    if isinstance(given, Precision):
        return given
    return Precision(int(given) if isinstance(given, str) and given.isdecimal() else given)


def least_precision(right: Callable[[int], bool]) -> int | None:
    """The least p from which on every number of bits up to 52 is right; None if 52 are not.

    The search goes from 52 bits downwards: fewer bits can be right by chance where more are not, and do not count.

    >>> least_precision(lambda bits: bits == 4 or bits > 5)
    6
    """
    wrong = next((bits for bits in range(MOST_BITS, 0, -1) if not right(bits)), 0)
    return wrong + 1 if wrong < MOST_BITS else None

"""The width up to which a depth pays: ln d = a + b L, from trained networks, with what its errors leave open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from scipy.optimize import brentq
from scipy.special import wrightomega

from tensorrank.errors import TensorRankError, finite_number

Matrix = tuple[tuple[float, float], tuple[float, float]]
# No network is as deep; a range that reaches so far has no end.
_DEEPEST = 1e6


@dataclass(frozen=True)
class TransitionFit:
    """ln d(L) = a + b L: the width d(L) from which on a network of depth L gains more from depth than from width.

    A network of depth L, wider than d(L), had better be deeper; one that is narrower had better be shallower and wider.
    Networks whose layers have `rule` d^2 parameters stand on the curve at N(L) = rule L d(L)^2.

    Args:
        intercept: a.
        slope: b, at least 0 for there to be an optimal depth of each size.
        covariance: of a and b, a symmetric 2 x 2 matrix.
        depths: the least and the greatest depth of the networks behind the fit; advice beyond them is extrapolated.
        rule: parameters of a layer over d^2, 12 with a feed-forward network of width 4 d.
        chi_square: the sum of squared residuals in units of their errors; None where no errors were known.
        degrees_of_freedom: the points of the fit less 2; None where it is not known.

    Raises:
        TensorRankError: if a number is not finite, the covariance is none, or the rule is not above 0.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3), section 5.

    >>> round(PUBLISHED.width(96)), f"{PUBLISHED.size(96):.2e}"
    (31793, '1.16e+12')
    """

    intercept: float
    slope: float
    covariance: Matrix = ((0.0, 0.0), (0.0, 0.0))
    depths: tuple[float, float] | None = None
    rule: float = 12.0
    chi_square: float | None = None
    degrees_of_freedom: int | None = None

    def __post_init__(self) -> None:
        for name in ("intercept", "slope", "rule"):
            object.__setattr__(self, name, finite_number(name, getattr(self, name)))
        if self.rule <= 0:
            raise TensorRankError(f"rule is {self.rule}; expected a number above 0, the parameters of a layer over d^2")
        try:
            (aa, ab), (ba, bb) = ([finite_number("a covariance", entry) for entry in row] for row in self.covariance)
        except (TypeError, ValueError) as error:
            raise TensorRankError(f"the covariance is {self.covariance!r}; expected a 2 x 2 matrix") from error
        if ab != ba or aa < 0 or bb < 0 or ab * ab > aa * bb * (1 + 1e-9):
            raise TensorRankError(
                f"the covariance is {self.covariance!r}; expected a symmetric matrix without negative eigenvalues"
            )
        object.__setattr__(self, "covariance", ((aa, ab), (ba, bb)))

    @classmethod
    def of_errors(
        cls, intercept: float, slope: float, intercept_error: float, slope_error: float, correlation: float = 0.0,
        **others: Any,
    ) -> TransitionFit:  # fmt: skip
        """The fit of standard errors and a correlation of a and b.

        >>> TransitionFit.of_errors(5.0, 0.05, 0.03, 0.001).covariance
        ((0.0009, 0.0), (0.0, 1e-06))
        """
        between = correlation * intercept_error * slope_error
        return cls(intercept, slope, ((intercept_error**2, between), (between, slope_error**2)), **others)

    @property
    def errors(self) -> tuple[float, float]:
        """The standard errors of a and b."""
        (aa, _), (_, bb) = self.covariance
        return math.sqrt(aa), math.sqrt(bb)

    @property
    def correlation(self) -> float:
        """The correlation of a and b; 0 where an error is 0."""
        a, b = self.errors
        return self.covariance[0][1] / (a * b) if a and b else 0.0

    @property
    def scatter(self) -> float:
        """How much wider bands are than the errors say: the root of chi_square by its degrees of freedom, if above 1.

        Points that scatter more than their errors allow say that the errors, or the straight line, are wrong.
        """
        if not self.chi_square or not self.degrees_of_freedom:
            return 1.0
        return max(1.0, math.sqrt(self.chi_square / self.degrees_of_freedom))

    def log_width_error(self, depth: float) -> float:
        """The standard error of ln d(L), with the scatter.

        >>> round(PUBLISHED.log_width_error(80), 3)
        0.108
        """
        (aa, ab), (_, bb) = self.covariance
        return self.scatter * math.sqrt(max(0.0, aa + 2 * depth * ab + depth * depth * bb))

    def width(self, depth: float, sigmas: float = 0.0) -> float:
        """d(L), or the edge of its band so many standard errors above it, below it if negative.

        >>> round(PUBLISHED.width(48)), [round(PUBLISHED.width(48, sigmas)) for sigmas in (-2, 2)]
        (2215, [1929, 2544])
        """
        return math.exp(self.intercept + self.slope * depth + sigmas * self.log_width_error(depth))

    def size(self, depth: float) -> float:
        """N(L), the parameters without embeddings of the network on the curve.

        >>> f"{PUBLISHED.size(48):.3e}"
        '2.826e+09'
        """
        return self.rule * depth * self.width(depth) ** 2

    def depth(self, parameters: float) -> float:
        """The depth L at which N(L) is so many parameters, a real number: the inverse of `size`.

        Raises:
            TensorRankError: if the slope is negative, where sizes have no single depth, or there are no parameters.

        >>> round(PUBLISHED.depth(1e12), 1), round(PUBLISHED.width(PUBLISHED.depth(1e12)))
        (94.7, 29657)
        """
        if self.slope < 0:
            raise TensorRankError(
                f"the slope is {self.slope:.4g}; expected at least 0: where the width of the transition falls with "
                "depth, a size has no single optimal depth"
            )
        target = math.log(_positive(parameters) / self.rule) - 2 * self.intercept
        if self.slope == 0:
            return math.exp(target)
        # With w = 2 b L: w + ln w = target + ln 2 b.
        return float(wrightomega(target + math.log(2 * self.slope))) / (2 * self.slope)

    def depth_range(self, parameters: float, sigmas: float = 2.0) -> tuple[float, float | None]:
        """The depths at which a network of so many parameters lies in the band so many standard errors to each side.

        The second is None where the band has no end: where the errors allow a slope of 0 or less.

        Raises:
            TensorRankError: as `depth`.

        >>> [round(depth, 1) for depth in PUBLISHED.depth_range(12 * 96 * 12288**2)]
        [77.1, 84.1]
        """
        best = self.depth(parameters)
        level = math.log(parameters / self.rule)

        def beyond(depth: float, side: int) -> float:
            """Above 0 where the network of this depth is narrower (side 1) or wider (side -1) than the band."""
            excess = self.intercept + self.slope * depth - (level - math.log(depth)) / 2
            return side * excess - sigmas * self.log_width_error(depth)

        if beyond(best, 1) >= -1e-15 * abs(level):
            return best, best
        low = best
        while beyond(low, -1) < 0:
            low /= 2
        high = best
        while beyond(high, 1) < 0:
            high *= 2
            if high > _DEEPEST:
                return float(brentq(beyond, low, best, args=(-1,))), None
        return float(brentq(beyond, low, best, args=(-1,))), float(brentq(beyond, best, high, args=(1,)))

    def is_extrapolated(self, depth: float) -> bool:
        """Whether the depth lies beyond those of the fit.

        >>> PUBLISHED.is_extrapolated(47), PUBLISHED.is_extrapolated(80)
        (False, True)
        """
        return self.depths is not None and not self.depths[0] <= depth <= self.depths[1]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "intercept": self.intercept,
            "slope": self.slope,
            "intercept_error": self.errors[0],
            "slope_error": self.errors[1],
            "correlation": self.correlation,
            "covariance": [list(row) for row in self.covariance],
            "depths": None if self.depths is None else list(self.depths),
            "rule": self.rule,
            "chi_square": self.chi_square,
            "degrees_of_freedom": self.degrees_of_freedom,
            "scatter": self.scatter,
        }


def _positive(parameters: float) -> float:
    given = finite_number("the number of parameters", parameters)
    if given <= 0:
        raise TensorRankError(f"the number of parameters is {parameters!r}; expected a number above 0")
    return given


# Networks of depths 6 to 48. The correlation of a and b is not published; it is negative in fits like this one, and
# without it bands are wider than they need be.
PUBLISHED = TransitionFit.of_errors(5.039, 5.55e-2, 0.030, 1.3e-3, depths=(6, 48))

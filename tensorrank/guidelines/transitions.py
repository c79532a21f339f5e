"""The width up to which a depth pays: ln d = a + b L, from trained networks, with what its errors leave open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from scipy.optimize import brentq
from scipy.special import ndtr, stdtrit, wrightomega

from tensorrank.arguments import finite_number, shown, things, whole_number
from tensorrank.checked import CHECKED_WHERE_USED, checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

Matrix = tuple[tuple[float, float], tuple[float, float]]
# At this depth the band is a straight strip, for any errors that let a range end.
_DEEPEST = 1e9
# How far ranges are sought, in logarithms.
_FARTHEST = 30
_MOST_SIGMAS = 10
_LARGEST_LOG = 700
# Beyond these numbers no fit of networks comes, and squares would leave the range of floats.
_LARGEST = 1e100
_MOST_FREEDOM = 10**9


@checked
@dataclass(frozen=True)
class TransitionFit(Record):
    """ln d(L) = a + b L: the width d(L) from which on a network of depth L gains more from depth than from width.

    A network of depth L that is wider than d(L) had better be deeper; a narrower one had better be shallower and wider.
    Networks whose layers have `rule` d^2 parameters stand on the curve at the size N(L) = rule L d(L)^2.

    Args:
        intercept: the intercept a.
        slope: the slope b; there is an optimal depth of each size only if it is at least 0.
        covariance: the covariance of a and b, a symmetric 2 x 2 matrix.
        depths: the least and the greatest depth of the networks behind the fit; advice beyond them is extrapolated.
        rule: the parameters of a layer divided by d^2; 12 with a feed-forward network of width 4 d.
        chi_square: the sum of squared residuals in units of their errors; None where no errors were known.
        degrees_of_freedom: the points of the fit less 2; None where their number is not known.

    Raises:
        TensorRankError: if a number is not finite or out of range, or the covariance is no covariance.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3), section 5.

    >>> round(PUBLISHED.width(96)), f"{PUBLISHED.size(96):.2e}"
    (31793, '1.16e+12')
    """

    derived = ("errors", "correlation", "scatter")
    intercept: float
    slope: float
    covariance: Matrix = ((0.0, 0.0), (0.0, 0.0))
    depths: tuple[float, float] | None = None
    rule: float = 12.0
    chi_square: float | None = None
    degrees_of_freedom: int | None = None

    def __post_init__(self) -> None:
        for name, check in (("intercept", finite_number), ("slope", finite_number), ("rule", positive)):
            object.__setattr__(self, name, check(name, getattr(self, name)))
        given = things(self.covariance) or ()
        rows = [things(row) for row in given[:3]]
        if [None if row is None else len(row) for row in rows] != [2, 2]:
            raise TensorRankError(f"the covariance is {shown(self.covariance)}; expected a 2 x 2 matrix")
        (aa, ab), (ba, bb) = ([finite_number("a covariance", entry) for entry in row or ()] for row in rows)
        if ab != ba or aa < 0 or bb < 0 or ab * ab > aa * bb * (1 + 1e-9):
            raise TensorRankError(
                f"the covariance is {shown(self.covariance)}; expected a symmetric matrix without negative eigenvalues"
            )
        object.__setattr__(self, "covariance", ((aa, ab), (ba, bb)))
        if self.depths is not None:
            ends = [finite_number("a depth of the fit", depth) for depth in things(self.depths) or ()]
            if len(ends) != 2:
                raise TensorRankError(f"depths is {shown(self.depths)}; expected the least and the greatest")
            first, last = ends
            if first > last:
                raise TensorRankError(f"depths is {shown(self.depths)}; expected the least and the greatest")
            object.__setattr__(self, "depths", (first, last))
        if self.chi_square is not None:
            object.__setattr__(self, "chi_square", finite_number("chi_square", self.chi_square))
            if self.chi_square < 0:
                raise TensorRankError(f"chi_square is {self.chi_square}; expected None or a number of at least 0")
        if self.degrees_of_freedom is not None:
            freedom = whole_number("degrees_of_freedom", self.degrees_of_freedom, 0)
            if freedom > _MOST_FREEDOM:
                raise TensorRankError(f"degrees_of_freedom is {shown(freedom)}; expected at most {_MOST_FREEDOM}")
        for name, numbers in (
            ("intercept", [self.intercept]),
            ("slope", [self.slope]),
            ("rule", [self.rule, 1 / self.rule]),
            ("covariance", [aa, bb]),
            ("depths", self.depths or ()),
            ("chi_square", [self.chi_square or 0.0]),
        ):
            if max(map(abs, numbers), default=0.0) > _LARGEST:
                raise TensorRankError(f"{name} is {shown(getattr(self, name))}; expected numbers of at most {_LARGEST:g}")

    @classmethod
    def of_errors(
        cls, intercept: float, slope: float, intercept_error: float, slope_error: float, correlation: float = 0.0, **others: Any
    ) -> TransitionFit:
        """Make a fit from the standard errors of a and b and their correlation.

        >>> TransitionFit.of_errors(5.0, 0.05, 0.03, 0.001).covariance
        ((0.0009, 0.0), (0.0, 1e-06))
        """
        between = correlation * intercept_error * slope_error
        return cls(
            intercept, slope, ((intercept_error * intercept_error, between), (between, slope_error * slope_error)), **others
        )

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
        """The factor that widens bands: the root of chi_square over its degrees of freedom, or 1 if that is less.

        Points that scatter more than their errors allow show that the errors, or the straight line, are wrong.
        """
        if not self.chi_square or not self.degrees_of_freedom:
            return 1.0
        return max(1.0, math.sqrt(self.chi_square / self.degrees_of_freedom))

    @property
    def is_students(self) -> bool:
        """Whether the errors come from the scatter of the points alone, so that bands follow Student's distribution."""
        return self.chi_square is None and bool(self.degrees_of_freedom)

    def band(self, sigmas: float) -> str:
        """A band of so many standard errors in words.

        >>> PUBLISHED.band(2)
        '± 2 standard errors'
        >>> TransitionFit(5.0, 0.05, ((0.01, 0.0), (0.0, 0.0)), degrees_of_freedom=1).band(2)
        "95.4 % (Student's, 1 degree of freedom)"
        """
        if not self.is_students:
            widened = f", times {self.scatter:.2g} for the scatter" if self.scatter > 1 else ""
            return f"± {sigmas:g} standard errors{widened}"
        many = "s" if self.degrees_of_freedom != 1 else ""
        share = 100 * float(ndtr(sigmas) - ndtr(-sigmas))
        return f"{share:.3g} % (Student's, {self.degrees_of_freedom} degree{many} of freedom)"

    def log_width_error(self, depth: float) -> float:
        """The standard error of ln d(L), widened by the scatter.

        >>> round(PUBLISHED.log_width_error(80), 3)
        0.108
        """
        (aa, ab), (_, bb) = self.covariance
        return self.scatter * math.sqrt(max(0.0, aa + 2 * depth * ab + depth * depth * bb))

    def log_width(self, depth: float, sigmas: float = 0.0) -> float:
        """Ln d(L), or an edge of its band: so many standard errors above the curve, or below it if negative.

        If the errors come from the scatter of the points alone (no chi_square), the edge is that of Student's
        distribution with the probability that the normal one has: 2 stands for 95.4 % in both.
        """
        if sigmas and self.is_students:
            sigmas = float(stdtrit(self.degrees_of_freedom, ndtr(sigmas)))
        return self.intercept + self.slope * depth + sigmas * self.log_width_error(depth)

    def width(self, depth: float, sigmas: float = 0.0) -> float:
        """The width d(L), or an edge of its band as in `log_width`.

        Raises:
            TensorRankError: if no float holds the width, for depths of thousands.

        >>> round(PUBLISHED.width(48)), [round(PUBLISHED.width(48, sigmas)) for sigmas in (-2, 2)]
        (2215, [1929, 2544])
        """
        return _exponential(self.log_width(depth, sigmas), f"the width at depth {depth:g}")

    def size(self, depth: float) -> float:
        """The size N(L) of the network on the curve: its parameters without embeddings.

        Raises:
            TensorRankError: if no float holds the size, or the depth is not above 0.

        >>> f"{PUBLISHED.size(48):.3e}"
        '2.826e+09'
        """
        log = math.log(self.rule * positive("the depth", depth)) + 2 * self.log_width(depth)
        return _exponential(log, f"the size at depth {depth:g}")

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
        target = self._log_area(parameters) - 2 * self.intercept
        # With w = 2 b L: w + ln w = target + ln 2 b, and L = exp(target - w), which is good for b = 0, too.
        growth = float(wrightomega(target + math.log(2 * self.slope))) if self.slope else 0.0
        return _exponential(target - growth, "the best depth")

    def depth_range(self, parameters: float, sigmas: float = 2.0) -> tuple[float, float | None]:
        """The least and the greatest depth at which a network of so many parameters lies in the band.

        The greatest depth is None where the errors allow a slope below 0, so that the band may have no end.

        Args:
            parameters: the size N, without embeddings.
            sigmas: half the breadth of the band in standard errors, from 0 to 10.

        Raises:
            TensorRankError: as `depth`, or if sigmas is out of range.

        >>> [round(depth, 1) for depth in PUBLISHED.depth_range(12 * 96 * 12288**2)]
        [77.1, 84.1]
        """
        sigmas = checked_sigmas(sigmas)
        best, area = self.depth(parameters), self._log_area(parameters)

        def beyond(log_depth: float, side: int) -> float:
            """Positive where the network of this depth is below the band (side 1) or above it (side -1)."""
            return side * (self.log_width(math.exp(log_depth), -side * sigmas) - (area - log_depth) / 2)

        start = math.log(best)
        if beyond(start, 1) >= -1e-13 * (1 + abs(area)):
            return best, best
        low = start
        while beyond(low, -1) < 0 and low > start - _FARTHEST:
            low -= 1
        if beyond(low, -1) < 0:
            raise TensorRankError(
                f"the errors of the fit leave the depth open to e^{_FARTHEST} times less; give a fit of smaller "
                "errors, or a smaller number of standard errors"
            )
        # Of a fit with huge numbers the best depth is only known to rounding, and may lie outside its own band.
        first = best if low == start else math.exp(brentq(beyond, low, start, args=(-1,)))
        # If the lower edge falls far out, the line of equal size stays in the band; otherwise the two meet once.
        if self.log_width(_DEEPEST, -sigmas) < self.log_width(_DEEPEST / 2, -sigmas):
            return first, None
        high = start + 1
        while beyond(high, 1) < 0:
            high += 1
        return first, math.exp(brentq(beyond, start, high, args=(1,)))

    def supported_depth(self, width: float, sigmas: float = 0.0) -> float:
        """The depth at which the curve, or an edge of its band, reaches a width; 0 where it is wider at every depth.

        >>> round(PUBLISHED.supported_depth(12288), 1)
        78.9
        """
        log = math.log(positive("the width", width))

        def missing(depth: float) -> float:
            return log - self.log_width(depth, sigmas)

        if missing(0.0) <= 0:
            return 0.0
        high = 1.0
        while missing(high) > 0 and high < _DEEPEST:
            high *= 2
        return float(brentq(missing, 0.0, high)) if missing(high) <= 0 else math.inf

    def _log_area(self, parameters: float) -> float:
        """Ln (L d^2) of a network of this size."""
        return math.log(positive("the number of parameters", parameters)) - math.log(self.rule)

    def is_extrapolated(self, depth: float) -> bool:
        """Whether the depth lies beyond the depths of the networks behind the fit.

        >>> PUBLISHED.is_extrapolated(47), PUBLISHED.is_extrapolated(80)
        (False, True)
        """
        return self.depths is not None and not self.depths[0] <= depth <= self.depths[1]

    @classmethod
    def from_dict(cls, values: Annotated[Mapping[str, Any], CHECKED_WHERE_USED]) -> TransitionFit:
        """The fit that `to_dict` wrote.

        Raises:
            TensorRankError: if the values are not those of a fit.

        >>> TransitionFit.from_dict(PUBLISHED.to_dict()) == PUBLISHED
        True
        """
        names = [field.name for field in fields(cls)]
        wanted = f"what `tensorrank ablation --save` writes: an object with {', '.join(names)}"
        if not isinstance(values, Mapping):
            raise TensorRankError(f"{shown(values)} was given; expected {wanted}")
        missing = [name for name in names if name not in values]
        if missing:
            raise TensorRankError(f"{', '.join(missing)} missing; expected {wanted}")
        return cls(**{name: values[name] for name in names})


def checked_sigmas(given: float) -> float:
    """The number of standard errors that was given, if it is from 0 to 10."""
    sigmas = finite_number("sigmas", given)
    if not 0 <= sigmas <= _MOST_SIGMAS:
        raise TensorRankError(f"sigmas is {sigmas:g}; expected a number of standard errors from 0 to {_MOST_SIGMAS}")
    return sigmas


def positive(name: str, given: float) -> float:
    """The finite number that was given, if it is above 0.

    >>> positive("rule", 12)
    12.0
    """
    number = finite_number(name, given)
    if number <= 0:
        raise TensorRankError(f"{name} is {number:g}; expected a number above 0")
    return number


def _exponential(log: float, what: str) -> float:
    if abs(log) > _LARGEST_LOG:
        raise TensorRankError(f"{what} is e^{log:.0f} by this fit; expected e^-{_LARGEST_LOG} to e^{_LARGEST_LOG}")
    return math.exp(log)


# The fit to networks of depths 6 to 48. The correlation of a and b is not published; it is negative in fits like this
# one, so bands without it are wider than they need be.
PUBLISHED = TransitionFit.of_errors(5.039, 5.55e-2, 0.030, 1.3e-3, depths=(6, 48))

"""Two curves of loss against size, and the size from which on the deeper network is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.optimize import brentq

from tensorrank.arguments import finite_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.checked import check_fields, checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

# Sizes looked at between two that were trained.
_BETWEEN = 16
# A difference of fewer standard errors does not say which network is better.
_CLEAR = 2.0


@checked
@dataclass(frozen=True)
class Curve(Record):
    """The losses of one depth against size, interpolated by a cubic spline in the logarithm of the size.

    Attributes:
        depth: the depth L.
        sizes: the parameters without embeddings, ascending; at least 2.
        losses: the mean loss at each size.
        errors: the standard error of each loss; None where errors are not known.
        runs: the number of networks trained at each size.

    >>> Curve(1, (1.0, 10.0, 100.0), (3.0, 2.0, 1.0), None, (1, 1, 1)).at(np.log([5.0, 50.0])).round(3)
    array([2.301, 1.301])
    """

    depth: int
    sizes: tuple[float, ...]
    losses: tuple[float, ...]
    errors: tuple[float, ...] | None
    runs: tuple[int, ...]

    @property
    def log_sizes(self) -> Floats:
        """Natural logarithms of the sizes."""
        return np.log(self.sizes)

    def __post_init__(self) -> None:
        check_fields(self)
        lengths = {len(self.sizes), len(self.losses), len(self.runs), len(self.errors or self.sizes)}
        if len(lengths) != 1 or len(self.sizes) < 2:
            raise TensorRankError(
                f"depth {self.depth} has {len(self.sizes)} sizes and {len(self.losses)} losses; expected equally many, "
                "at least 2, and as many errors and runs"
            )
        numbers = [*self.sizes, *self.losses, *(self.errors or ())]
        if not np.isfinite(numbers).all() or min(self.sizes) <= 0 or not (np.diff(self.sizes) > 0).all():
            raise TensorRankError(f"the sizes of depth {self.depth} do not ascend, or a number is not finite")

    @cached_property
    def spline(self) -> CubicSpline:
        """The interpolating cubic spline."""
        return CubicSpline(self.log_sizes, self.losses)

    @cached_property
    def _unit_splines(self) -> CubicSpline:
        return CubicSpline(self.log_sizes, np.eye(len(self.sizes)))

    def weights(self, log_sizes: Floats) -> Floats:
        """The weights of the losses in the interpolation, which is linear in them, of shape (log sizes, sizes)."""
        return np.asarray(self._unit_splines(as_floats(log_sizes, "log_sizes", finite=True)))

    def at(self, log_sizes: Floats) -> Floats:
        """The interpolated losses."""
        return np.asarray(self.spline(as_floats(log_sizes, "log_sizes", finite=True)))

    def variance(self, log_sizes: Floats) -> Floats:
        """The variances of the interpolated losses; 0 where no errors are known."""
        return self.weights(log_sizes) ** 2 @ np.square(self.errors or (0.0,) * len(self.sizes))


@checked
@dataclass(frozen=True)
class Crossing(Record):
    """The size from which on the deeper of two networks has the smaller loss.

    Attributes:
        shallow: the smaller depth.
        deep: the greater depth.
        size: the parameters from which on the deeper has the smaller loss; None where no single such size was found.
        why: what was found instead of a size, in words; None where a size was found.
        effects: the derivatives of the logarithm of the size by the losses of the shallow and of the deep curve.
        own_error: the part of `error` that the way of interpolating leaves open; None where there is no size.
        error: the standard error of the logarithm of the size, from the errors of the losses and `own_error`; None
            where there is no size.

    >>> Crossing(shallow=6, deep=12, size=1e6).depth
    9.0
    """

    derived = ("depth",)
    left_out = ("effects",)
    shallow: int
    deep: int
    size: float | None = None
    why: str | None = None
    effects: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    own_error: float | None = None
    error: float | None = None

    @property
    def depth(self) -> float:
        """The depth half-way between the two, to which the crossing belongs."""
        return (self.shallow + self.deep) / 2

    def width(self, rule: float) -> float | None:
        """The width of a network of this size and the depth half-way, if layers have rule d^2 parameters."""
        rule = finite_number("rule", rule, above=0)
        return None if self.size is None else math.sqrt(self.size / (rule * self.depth))

    @property
    def width_error(self) -> float | None:
        """The standard error of the logarithm of the width; None where there is no size."""
        return None if self.error is None else self.error / 2


def find_crossing(shallow: Curve, deep: Curve) -> Crossing:
    """Find the size from which on the deeper network has the smaller loss, among the sizes that both curves cover.

    A difference is clear if it is more than two standard errors. There is a crossing if all clear differences below
    some size favour the shallower network, and all above it the deeper one. If the curves touch several times in
    between, the crossing is half-way from the first to the last touch, and half that distance is part of its error.

    >>> sizes, runs = (1e3, 1e4, 1e5), (1, 1, 1)
    >>> flat, steep = Curve(1, sizes, (3.0, 2.5, 2.0), None, runs), Curve(2, sizes, (3.5, 2.5, 1.5), None, runs)
    >>> round(find_crossing(flat, steep).size), find_crossing(steep, flat).why
    (10000, 'the deeper is better only below 10,000 parameters')
    """
    none = partial(Crossing, shallow.depth, deep.depth, None)
    low = max(shallow.log_sizes[0], deep.log_sizes[0])
    high = min(shallow.log_sizes[-1], deep.log_sizes[-1])
    if low >= high:
        return none("they were trained at no sizes in common")
    trained = np.unique(np.concatenate([[low, high], shallow.log_sizes, deep.log_sizes]))
    trained = trained[(trained >= low) & (trained <= high)]
    # Equal steps between neighbours overlook no change of sign between two trained sizes.
    grid = np.unique(np.concatenate([np.linspace(a, b, _BETWEEN) for a, b in pairwise(trained)]))
    gains = shallow.at(grid) - deep.at(grid)
    clear = np.sign(gains) * (np.abs(gains) > _CLEAR * np.sqrt(shallow.variance(grid) + deep.variance(grid)))
    places = np.flatnonzero(clear)
    signs = clear[places]
    changes = np.flatnonzero(np.diff(signs))
    if len(changes) != 1:
        known = shallow.errors is not None or deep.errors is not None
        return none(_in_words(signs, len(changes), known))
    before, after = grid[places[changes[0]]], grid[places[changes[0] + 1]]
    low, high = max(trained[trained < before], default=before), min(trained[trained > after], default=after)
    crossing = _located(shallow, deep, grid[(grid >= before) & (grid <= after)], grid[(grid >= low) & (grid <= high)])
    if signs[0] > 0 and crossing.size is not None:
        return none(f"the deeper is better only below {crossing.size:,.0f} parameters")
    return crossing


def _in_words(signs: Floats, changes: int, known: bool) -> str:
    if len(signs) == 0:
        return f"their losses {'differ by less than their errors' if known else 'are the same'} at every size"
    if changes == 0:
        better = "deeper" if signs[0] > 0 else "shallower"
        return f"the {better} is better wherever they differ{' by two standard errors' if known else ''}"
    return f"which is better changes {changes} times"


def _located(shallow: Curve, deep: Curve, grid: Floats, wide: Floats) -> Crossing:
    """The crossing on a grid from where the shallower is clearly better to where the deeper is."""
    gains = shallow.at(grid[[0, -1]]) - deep.at(grid[[0, -1]])
    roots = _roots(shallow.spline, deep.spline, grid)
    place, spread = (roots[0] + roots[-1]) / 2, (roots[-1] - roots[0]) / 2
    # The slope over the whole stretch: at a point, noise would have a larger part in it.
    slope = float(np.polyfit(wide, shallow.at(wide) - deep.at(wide), 1)[0])
    if slope * (gains[-1] - gains[0]) <= 0:
        return Crossing(shallow.depth, deep.depth, why="where they cross is lost in their errors")
    at = np.array([place])
    of_shallow, of_deep = (tuple((curve.weights(at)[0] / slope).tolist()) for curve in (shallow, deep))
    monotone = [PchipInterpolator(curve.log_sizes, curve.losses) for curve in (shallow, deep)]
    others = _roots(monotone[0], monotone[1], wide)
    nearest = min(others or [wide[0], wide[-1]], key=lambda other: abs(other - place))
    own = math.hypot(spread, place - nearest)
    variance = float(shallow.variance(at)[0] + deep.variance(at)[0]) / slope**2
    return Crossing(
        shallow.depth,
        deep.depth,
        math.exp(place),
        effects=(tuple(-effect for effect in of_shallow), of_deep),
        own_error=own,
        error=math.sqrt(own**2 + variance),
    )


def _roots(shallow: Callable[[Any], Any], deep: Callable[[Any], Any], grid: Floats) -> list[float]:
    """Where two interpolations of losses cross."""

    def gain(log_size: float) -> float:
        return float(shallow(log_size) - deep(log_size))

    gains = shallow(grid) - deep(grid)
    steps = np.flatnonzero(gains[:-1] * gains[1:] < 0)
    return sorted([*grid[gains == 0].tolist(), *(float(brentq(gain, grid[i], grid[i + 1])) for i in steps)])

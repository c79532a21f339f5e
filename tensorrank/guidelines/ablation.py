"""Losses of trained networks of several depths and sizes, where the deeper overtake, and the fit through these points.

At each depth the loss is interpolated in the logarithm of the size. For each pair of depths the size is sought from
which on the deeper network has the smaller loss. If the loss rises alike to both sides of the best depth, two depths
are equally good just where the best depth is half-way between them. So each crossing gives a point: the depth half-way,
and the width of a network of that depth and of the size at the crossing. Then ln d = a + b L is fitted to these points
with their errors and correlations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np

from tensorrank.arguments import one_of
from tensorrank.arithmetic.arrays import Floats
from tensorrank.checked import CHECKED_WHERE_USED, check_fields, checked
from tensorrank.data_frames import Tabular
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.crossings import Crossing, Curve, find_crossing
from tensorrank.guidelines.transitions import TransitionFit, positive
from tensorrank.short_reprs import ShortRepr

Pairs = Annotated[Literal["neighbours", "all"], CHECKED_WHERE_USED]


@checked
@dataclass(frozen=True)
class Ablation(ShortRepr, Tabular):
    """Losses against size for several depths.

    Attributes:
        curves: one curve for each depth, ascending; at least two.
        rule: the parameters of a layer divided by d^2.
        single_error: the standard error of a single loss, where networks trained more than once tell it; otherwise
            None.
        repeats: the networks that were trained again, which are the degrees of freedom of `single_error`.

    >>> curves = [Curve(depth, (1e3, 1e4, 1e5), losses, None, (1, 1, 1))
    ...           for depth, losses in ((1, (3.0, 2.5, 2.0)), (2, (3.5, 2.5, 1.5)))]
    >>> [round(crossing.size) for crossing in Ablation(tuple(curves)).crossings]
    [10000]
    """

    curves: tuple[Curve, ...]
    rule: float = 12.0
    single_error: float | None = None
    repeats: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
        if len(self.curves) < 2 or any(deep.depth <= shallow.depth for shallow, deep in pairwise(self.curves)):
            raise TensorRankError(f"the depths are {self.depths}; expected two or more, ascending")
        positive("rule", self.rule)

    @property
    def depths(self) -> tuple[int, ...]:
        """The depths, ascending."""
        return tuple(curve.depth for curve in self.curves)

    @property
    def has_errors(self) -> bool:
        """Whether errors of the losses are known: given, or told by networks trained more than once."""
        return all(curve.errors is not None for curve in self.curves)

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """The crossings of all pairs of depths, with a reason where two curves do not cross."""
        return tuple(find_crossing(shallow, deep) for i, shallow in enumerate(self.curves) for deep in self.curves[i + 1 :])

    def chosen(self, pairs: Pairs = "neighbours") -> tuple[Crossing, ...]:
        """The crossings of each depth with the next one, or of all pairs, found or not.

        Raises:
            TensorRankError: if pairs is neither "neighbours" nor "all".
        """
        one_of("pairs", pairs, ("neighbours", "all"))
        following = dict(zip(self.depths, self.depths[1:], strict=False))
        return tuple(one for one in self.crossings if pairs == "all" or following[one.shallow] == one.deep)

    def fit(self, pairs: Pairs = "neighbours") -> TransitionFit:
        """Fit ln d = a + b L through the crossings, by generalised least squares.

        The errors of the losses pass through the interpolation to the crossings; crossings that share a curve are
        correlated. The distance to the crossing of a monotone interpolation is added to the error of each crossing. If
        no errors of losses are known, all points count alike, and the errors of a and b follow from their scatter.

        Args:
            pairs: "neighbours" takes each depth with the next one; "all" takes all pairs. Distant pairs rest more on
                the assumption that the loss rises alike to both sides of the best depth.

        Raises:
            TensorRankError: if fewer than two pairs of depths cross, or, without errors, fewer than three.

        Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3), section 5.

        >>> sizes, runs = (1e3, 1e4, 1e5, 1e6), (1, 1, 1, 1)
        >>> def curve(depth, best):  # least at this size
        ...     return Curve(depth, sizes, tuple((math.log(n / best)) ** 2 for n in sizes), None, runs)
        >>> fit = Ablation((curve(1, 1e3), curve(2, 1e4), curve(3, 1e5), curve(4, 1e6))).fit()
        >>> round(fit.slope, 2), fit.chi_square is None  # each crossing at 10 times the size of the one before
        (0.94, True)
        """
        found = [crossing for crossing in self.chosen(pairs) if crossing.size is not None]
        needed = 2 if self.has_errors else 3
        if len(found) < needed:
            raise TensorRankError(self._too_few(len(found), needed, pairs))
        depths = np.array([crossing.depth for crossing in found])
        if np.ptp(depths) == 0:
            raise TensorRankError(f"all crossings belong to depth {depths[0]:g}; expected two depths or more")
        logs = np.array([math.log(crossing.width(self.rule) or math.nan) for crossing in found])
        try:
            root = np.linalg.cholesky(self._covariance(found) if self.has_errors else np.eye(len(found)))
        except np.linalg.LinAlgError as error:
            raise TensorRankError(
                "the crossings determine one another, so that no errors follow; give more sizes, or pairs='neighbours'"
            ) from error
        design = np.linalg.solve(root, np.column_stack([np.ones(len(depths)), depths]))
        values = np.linalg.solve(root, logs)
        coefficients, _, rank, _ = np.linalg.lstsq(design, values)
        if rank < 2:
            raise TensorRankError(
                "the errors of the crossings differ too much to determine a line; leave out losses without meaning, or "
                "errors that are too small"
            )
        squares = float(np.sum((values - design @ coefficients) ** 2))
        freedom = len(found) - 2
        # The inverse of design.T @ design, by way of its root, which is farther from singular.
        inverse = np.linalg.inv(np.linalg.qr(design, mode="r"))
        spread = inverse @ inverse.T * (1.0 if self.has_errors else squares / freedom)
        (aa, ab), (_, bb) = spread.tolist()
        return TransitionFit(
            float(coefficients[0]),
            float(coefficients[1]),
            ((aa, ab), (ab, bb)),
            depths=(self.depths[0], self.depths[-1]),
            rule=self.rule,
            chi_square=squares if self.has_errors else None,
            degrees_of_freedom=freedom,
        )

    def _covariance(self, found: Sequence[Crossing]) -> Floats:
        """The covariance of ln d at the crossings, where ln d is half of ln N less a constant."""
        places = {curve.depth: i for i, curve in enumerate(self.curves)}
        starts = np.cumsum([0, *(len(curve.sizes) for curve in self.curves)])
        effects = np.zeros((len(found), starts[-1]))
        for row, crossing in zip(effects, found, strict=True):
            for depth, effect in zip((crossing.shallow, crossing.deep), crossing.effects, strict=True):
                row[starts[places[depth]] :][: len(effect)] = effect
        errors = np.concatenate([curve.errors or () for curve in self.curves])
        own = np.diag([(crossing.own_error or 0.0) ** 2 for crossing in found])
        covariance: Floats = ((effects * errors**2) @ effects.T + own) / 4
        return covariance

    def _too_few(self, count: int, needed: int, pairs: Pairs) -> str:
        chosen = self.chosen(pairs)
        reasons = [f"depths {one.shallow} and {one.deep}: {one.why}" for one in chosen if one.size is None]
        others = sum(one.size is not None for one in self.crossings)
        return (
            f"{count} of the {len(chosen)} pairs of depths cross; expected at least {needed}"
            f"{'' if needed == 2 else ', as no errors of the losses are known,'} to fit ln d = a + b L"
            + (f" ({'; '.join(reasons)})" if reasons else "")
            + (f"; of all pairs {others} cross: give pairs=all" if pairs != "all" and others >= needed else "")
        )

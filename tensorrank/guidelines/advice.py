"""How deep and how wide: the published fit of trained networks, its uncertainty, and what it says of an architecture.

Sizes are parameters without embeddings. A network of depth L and width d is compared with other networks of equal
L d^2. These have equally many parameters if their layers are made alike, whatever a layer has for each d^2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from tensorrank.arguments import as_whole_number, finite_number, shown, whole_number
from tensorrank.checked import CHECKED_WHERE_USED, checked
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.config_files import read_config
from tensorrank.guidelines.model_config import ModelConfig
from tensorrank.guidelines.transitions import PUBLISHED, TransitionFit
from tensorrank.records import Record

Verdict = Literal["deeper", "wider", "near the optimum"]
# What stands beside every verdict.
NOT_SAID = (
    "The verdict is the fit's alone: the theory of ranks is of attention without softmax, mask and norms, of what it can "
    "represent, and says nothing of what a network with softmax learns in training, be it causal or not."
)


@checked
@dataclass(frozen=True)
class Optimum(Record):
    """The depth and width that a fit says are best for a size.

    Attributes:
        parameters: the size N, without embeddings.
        depth: the depth L with N = N(L), a real number; 1 where by the curve the size pays for less than one layer, and
            then the width is that of one layer of this size, beyond the curve.
        width: the width of a network of this size and depth.
        depth_range: the least and the greatest depth within the band of the fit, at least 1; the second is None where
            the band has no end.
        width_range: the widths of networks of these depths and this size, the narrower first; None where the depth has
            no end.
        sigmas: half the breadth of the band in standard errors.
        extrapolated: whether the depth by the curve lies beyond the depths of the networks behind the fit.

    >>> optimum(3e9).shape
    (48, 2282)
    """

    parameters: float
    depth: float
    width: float
    depth_range: tuple[float, float | None]
    width_range: tuple[float | None, float]
    sigmas: float
    extrapolated: bool

    @property
    def shape(self) -> tuple[int, int]:
        """The nearest whole depth, and the whole width that keeps the size."""
        return self.shape_in_steps(1)

    def shape_in_steps(self, step: int) -> tuple[int, int]:
        """The shape whose width is a multiple of a step, such as 64 or the dimension of a head.

        >>> optimum(3e9).shape_in_steps(128)
        (48, 2304)
        """
        depth = round(self.depth)
        width = self.width * math.sqrt(self.depth / depth)
        unit = whole_number("step", step, 1)
        # Of a step beyond every float the width is one.
        return depth, unit * max(1, round(width / min(unit, 2**1000)))


@checked
def optimum(parameters: float, fit: TransitionFit = PUBLISHED, *, sigmas: float = 2.0) -> Optimum:
    """The depth and width that make the most of so many parameters, by a fit.

    Args:
        parameters: the size N, without embeddings.
        fit: the fit to use; the published one by default.
        sigmas: the standard errors to each side that the ranges span, from 0 to 10.

    Raises:
        TensorRankError: if there are no parameters, or the fit's slope is negative.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3), section 5: N = 12 L exp(2a + 2bL).

    >>> best = optimum(1e12)
    >>> round(best.depth, 1), round(best.width), best.shape, best.extrapolated
    (94.7, 29657, (95, 29617), True)
    >>> optimum(1536).shape  # one layer of 12 * 11.3^2 parameters
    (1, 11)
    """
    on_curve = fit.depth(parameters)
    low, high = fit.depth_range(parameters, sigmas)
    # Less than one layer is no network.
    depth, low, high = max(1.0, on_curve), max(1.0, low), None if high is None else max(1.0, high)

    def width(at: float) -> float:
        return math.sqrt(parameters / (fit.rule * at))

    narrow = None if high is None else width(high)
    return Optimum(
        float(parameters), depth, width(depth), (low, high), (narrow, width(low)), sigmas, fit.is_extrapolated(on_curve)
    )


@checked
@dataclass(frozen=True)
class Advice(Record):
    """What a fit says of an architecture.

    Attributes:
        depth: the depth L, as given.
        width: the width d, as given.
        optimum: the best depth and width for rule L d^2 parameters.
        verdict: "deeper" (and narrower) or "wider" (and shallower) at the same size; "near the optimum" within the
            band, or at the best depth in whole numbers.
        best_at: N(L), the size for which so many layers are best; None where no float holds the size.
        core: depth and width of the largest network on the curve that is no deeper and no wider; of depth 1 where the
            width is too small for any network on the curve.
        beyond_core: the share of the parameters beyond the core, a measure of this library. These parameters are not
            lost: by the fit they would be of more use in another shape. The share is large for shallow networks since
            the curve is steep.
        beyond_core_range: that share with the curve at either edge of the band, the smaller first; it begins at 0
            within the band.

    >>> advise(depth=96, width=12288).verdict
    'wider'
    """

    derived = ("layers_to_add", "width_to_add")
    depth: int
    width: int
    optimum: Optimum
    verdict: Verdict
    best_at: float | None
    core: tuple[float, float]
    beyond_core: float
    beyond_core_range: tuple[float, float]

    @property
    def is_inside(self) -> bool:
        """Whether the depth lies within the range of the best."""
        low, high = self.optimum.depth_range
        return low <= self.depth and (high is None or self.depth <= high)

    @property
    def layers_to_add(self) -> float:
        """The layers from the given depth to the best; negative for layers to take away."""
        return self.optimum.depth - self.depth

    @property
    def width_to_add(self) -> float:
        """The width from the given one to the best; negative for width to take away."""
        return self.optimum.width - self.width


@checked
def advise(
    depth: Annotated[int | str | Path | Mapping[str, Any] | ModelConfig, CHECKED_WHERE_USED],
    width: Annotated[int | None, CHECKED_WHERE_USED] = None,
    fit: TransitionFit = PUBLISHED,
    *,
    sigmas: float = 2.0,
) -> Advice:
    """Whether an architecture had better be deeper or wider, by how much, and what a better shape would use more of.

    Args:
        depth: the number of layers, L. In the place of depth and width a configuration may stand: a ModelConfig, or
            what `read_config` takes, such as the path of a config.json. Its decoder is judged, or its encoder if it has
            no decoder; the other stacks of a model are in `ModelConfig.stacks`.
        width: the dimension of a token, d; left out beside a configuration.
        fit: the fit to use; the published one by default.
        sigmas: standard errors to each side within which a depth counts as near the optimum, from 0 to 10.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, the fit's slope is negative, or of a
            configuration as `read_config`, and if no layer of it attends.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3), section 5.

    >>> gpt3 = advise(depth=96, width=12288)
    >>> gpt3.verdict, gpt3.optimum.shape, round(gpt3.beyond_core, 2)
    ('wider', (80, 13461), 0.18)
    >>> advise(depth=24, width=2048).verdict
    'deeper'
    """
    depth, width = _shape(depth, width)
    best = optimum(fit.rule * finite_number("L d^2", depth * width**2), fit, sigmas=sigmas)
    low, high = best.depth_range
    verdict: Verdict = "near the optimum"
    if depth != best.shape[0]:
        verdict = "deeper" if depth < low else "wider" if high is not None and depth > high else verdict
    try:
        best_at = fit.size(depth)
    except TensorRankError:
        best_at = None
    cores = [_core(depth, width, fit, edge) for edge in (-sigmas, 0.0, sigmas)]
    below, beyond, above = (max(0.0, 1 - (part[0] / depth) * (part[1] / width) ** 2) for part in cores)
    edges = (min(below, above), max(below, above))
    advice = Advice(depth, width, best, verdict, best_at, cores[1], beyond, edges)
    return replace(advice, beyond_core_range=(0.0, edges[1])) if advice.is_inside else advice


def _shape(depth: Any, width: Any) -> tuple[int, int]:
    """The depth and width that were given, or those of the main stack of a configuration."""
    if width is not None:
        if isinstance(depth, ModelConfig | Mapping | Path):
            raise TensorRankError(f"width is {shown(width)} beside a configuration, which says it; leave it out")
        return whole_number("depth", depth, 1), whole_number("width", width, 1)
    if as_whole_number(depth) is not None:
        raise TensorRankError(f"depth is {shown(depth)} without a width; expected both, or a configuration in their place")
    model = depth if isinstance(depth, ModelConfig) else read_config(depth)
    stack = model.main_stack
    if not stack.attends:
        raise TensorRankError(
            f"{model.counted_as} has no layer that attends, and the fit is of attention; expected another model, or its "
            f"depth and width, {stack.depth} and {stack.width}, for what the fit says of attention of that shape"
        )
    return stack.depth, stack.width


def _core(depth: int, width: int, fit: TransitionFit, edge: float) -> tuple[float, float]:
    """The largest network on an edge of the band within depth and width; one layer counts where none is on it."""
    if fit.log_width(depth, edge) <= math.log(width):
        return float(depth), math.exp(fit.log_width(depth, edge))
    return min(float(depth), max(1.0, fit.supported_depth(width, edge))), float(width)

"""Several attention units, one after the other: what they share is the residual stream, a vector for each token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.checked import check_fields, checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.short_reprs import ShortRepr
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.precision import PrecisionLike

# From the stream (count, N, width) and the outputs of a unit (count, N, output dimension) to the next stream.
Update = Callable[[Floats, Floats], Floats]


@checked
@dataclass(frozen=True, eq=False)
class StackLayer(EqualByValue, ShortRepr):
    """One layer of a stack: attention, then a map of each token by itself.

    Attributes:
        unit: of order 2; its queries, keys and values read the stream.
        update: the map behind it, a function of the stream (count, N, width) and the unit's outputs, which treats each
            token by itself and returns the next stream. Layers are equal if these are.
        earlier: whether a token looks at earlier tokens only, a strict causal mask. The first looks at itself.
    """

    unit: AttentionUnit
    update: Update
    earlier: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        if self.unit.order != 2:
            raise TensorRankError(f"the unit is of order {self.unit.order}; a layer of a stack takes units of order 2")


@checked
@dataclass(frozen=True, eq=False)
class AttentionStack(EqualByValue, ShortRepr):
    """Layers of attention over one residual stream.

    Attributes:
        layers: one at least, which all read streams of the same width.

    Raises:
        TensorRankError: if there are no layers, their widths differ, or one is not of order 2.

    >>> first = np.eye(2)[None, :1]
    >>> look_back = AttentionUnit(first, (first,), (np.eye(2)[None, 1:],))
    >>> def keep_first(stream, found):
    ...     return np.concatenate([stream[..., :1], found], axis=-1)
    >>> mean = StackLayer(look_back, keep_first, earlier=True)
    >>> AttentionStack((mean, mean)).run(np.array([[[0.0, 1.0], [0.0, 3.0], [0.0, 8.0]]]))[0, :, 1]
    array([1., 1., 1.])
    """

    layers: tuple[StackLayer, ...]

    def __post_init__(self) -> None:
        check_fields(self)
        widths = sorted({layer.unit.token_dimension for layer in self.layers})
        if len(widths) != 1:
            raise TensorRankError(f"layers read streams of the widths {widths}; expected one layer at least, all of one width")

    def __str__(self) -> str:
        heads = f"{self.heads} head{'s' if self.heads > 1 else ''}"
        return (
            f"{len(self.layers)} layers of attention (dimension {self.dimension}, {heads}, stream of {self.width}, "
            f"{self.layers[0].unit.precision})"
        )

    @property
    def heads(self) -> int:
        """The largest number of heads of a layer, H."""
        return max(layer.unit.heads for layer in self.layers)

    @property
    def dimension(self) -> int:
        """The largest dimension of queries and keys, m."""
        return max(layer.unit.dimension for layer in self.layers)

    @property
    def width(self) -> int:
        """The coordinates of a token's stream."""
        return self.layers[0].unit.token_dimension

    def at(self, precision: PrecisionLike) -> AttentionStack:
        """A copy of the stack with all units at another precision.

        Raises:
            TensorRankError: if there is no such precision.
        """
        return AttentionStack(tuple(replace(layer, unit=layer.unit.at(precision)) for layer in self.layers))

    def work(self, tokens: int) -> float:
        """The operations that one input of so many tokens takes."""
        return sum(layer.unit.work(tokens) for layer in self.layers)

    def run(self, stream: ArrayLike) -> Floats:
        """The stream behind the last layer.

        Args:
            stream: (count, N, width), N at least 1.

        Returns:
            (count, N, width), float64.

        Raises:
            TensorRankError: if the stream has another shape, or is or becomes no finite numbers.
        """
        x = as_floats(stream, "the stream", finite=True)
        if x.ndim != 3 or not x.shape[1]:
            raise TensorRankError(f"the stream has the shape {x.shape}; expected (count, N, {self.width}), N at least 1")
        earlier = np.tri(x.shape[1], k=-1, dtype=bool)
        earlier[0, 0] = True
        for layer in self.layers:
            x = layer.update(x, layer.unit.masked(x, earlier if layer.earlier else None))
        return x

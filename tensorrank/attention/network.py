"""Self-attention without softmax as an explicit tensor network: a string of weights and copies of the moment matrix.

The layer matrix G_l = sum_h W_O^h W_V^h M^(l-1) W_K^hT W_Q^h is a string of four weights around M^(l-1). The heads are
one leg that all four weights share. The next moment matrix M^(l) = G_l M^(l-1) G_l^T is again a string. Put into each
other from the top, the layers give

    y = e_p^T G_L(M^(L-1)) ... G_1(M) x,

one string with C = (3^L - 1) / 2 copies of M, as in the figures of Levine et al.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.attention.architecture import SelfAttention
from tensorrank.attention.weights import AttentionWeights
from tensorrank.errors import TensorRankError
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.architecture import Weights

Point = tuple[float, float]

_SPACING = 1.25


def attention_network(
    model: SelfAttention, weights: Weights, moment: ArrayLike | None = None, token: ArrayLike | None = None
) -> TensorNetwork:
    """The tensor network of self-attention, whose contraction is coordinate 0 of the output token.

    Args:
        model: attention without residual connections, mask, positions or feedforward layers; an embedding stands at
            every copy of M.
        weights: by name, as `separation_rank` takes them.
        moment: M, the sum of x_j x_j^T over all inputs, of shape (d, d). None leaves the two legs of each copy open:
            "M0 left", "M0 right", "M1 left", ..., as sites in this order.
        token: the input at the output token, of shape (d,). None leaves its leg "x" open, the last site.

    Returns:
        The network. Its tensors are named by weight and layer, then by copy: "V2.0" is the first W_V of layer 2, "M3"
        the fourth moment matrix from the left. Heads are a leg of dimension H that the four weights of a copy share; a
        single head has no such leg.

    Raises:
        TensorRankError: for a variant that is no single network, or arrays of other shapes.
        WeightsError: if weights have other names or shapes, or are not finite.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), section 4 and appendix.

    >>> model = SelfAttention(depth=2, width=2)
    >>> ones = {name: np.ones((2, 1, 2, 2), dtype=int) for name in ("query", "key", "value", "output")}
    >>> network = attention_network(model, ones, moment=[[1, 0], [0, 1]], token=[1, 0])
    >>> sum(tensor.name.startswith("M") for tensor in network.tensors)
    4
    """
    return _String(model, weights, moment, token).network()


def attention_positions(network: TensorNetwork) -> dict[str, Point]:
    """The place of each tensor in a picture of an attention network: from left to right, weights of high layers above.

    >>> model = SelfAttention(depth=1, width=2)
    >>> ones = {name: np.ones((1, 1, 2, 2), dtype=int) for name in ("query", "key", "value", "output")}
    >>> attention_positions(attention_network(model, ones, np.eye(2), np.ones(2)))["M0"]
    (3.75, 0.0)
    """
    return {tensor.name: (_SPACING * place, _height(tensor.name)) for place, tensor in enumerate(network.tensors)}


def _height(name: str) -> float:
    """The height of a tensor: weights above moments, outer weights a little higher so that their common leg shows."""
    kind, layer = name[0], name[1:].split(".")[0]
    if kind in "OVKQ":
        return 1.7 * int(layer) + (0.7 if kind in "OQ" else 0.0)
    return 0.0 if kind == "M" else 0.9


class _String:
    """A string under construction, from left to right; `end` is the leg to which the next matrix is tied."""

    def __init__(self, model: SelfAttention, weights: Weights, moment: Any, token: Any) -> None:
        if model.residual or model.causal or model.positional or model.feedforward:
            raise TensorRankError(
                f"{model} is no single tensor network of its moment matrix; expected one without residual connections, "
                "causal mask, positions and feedforward layers"
            )
        self.model = model
        self.weights = AttentionWeights.of(weights, model.shapes).by_head()
        width = model.input_width
        self.moment = None if moment is None else _shaped(moment, (width, width), "moment")
        self.token = None if token is None else _shaped(token, (width,), "token")
        self.tensors: list[Tensor] = []
        self.open: list[str] = []
        self.moments = self.groups = 0
        self.copies: dict[str, int] = {}
        self.end = "output"

    def network(self) -> TensorNetwork:
        first = np.zeros(self.model.width, dtype=np.int64)
        first[0] = 1
        self.tensors.append(Tensor("e", (self.end,), first))
        for layer in range(self.model.depth, 0, -1):
            self._layer(layer, turned=False)
        if self.weights.embedding is not None:
            self._matrix("E", self.weights.embedding)
        if self.token is None:
            self._rename_end("x")
            self.open.append("x")
        else:
            self.tensors.append(Tensor("x", (self.end,), self.token))
        return TensorNetwork(tuple(self.tensors), tuple(self.open))

    def _layer(self, layer: int, *, turned: bool) -> None:
        """Add G_l, or its transpose, to the string."""
        at = layer - 1
        head = f"head {self.groups}"
        self.groups += 1
        inner = [
            (f"O{layer}", self.weights.output[at]),
            (f"V{layer}", self.weights.value[at]),
            (f"K{layer}", np.swapaxes(self.weights.key[at], -1, -2)),
            (f"Q{layer}", self.weights.query[at]),
        ]
        if turned:
            inner = [(name, np.swapaxes(array, -1, -2)) for name, array in reversed(inner)]
        for place, (name, array) in enumerate(inner):
            if place == 2:
                self._moment(at)
            self._matrix(name, array if self.model.heads > 1 else array[0], head)

    def _moment(self, layers: int) -> None:
        """Add the moment matrix after so many layers: G M G^T, down to the moment matrix of the inputs."""
        if layers:
            self._layer(layers, turned=False)
            self._moment(layers - 1)
            self._layer(layers, turned=True)
            return
        embedding = self.weights.embedding
        if embedding is not None:
            self._matrix("E", embedding)
        name = f"M{self.moments}"
        self.moments += 1
        if self.moment is None:
            self._rename_end(f"{name} left")
            self.end = f"{name} right"
            self.open += [f"{name} left", f"{name} right"]
        else:
            following = f"{name} right"
            self.tensors.append(Tensor(name, (self.end, following), self.moment))
            self.end = following
        if embedding is not None:
            self._matrix("E", embedding.T)

    def _matrix(self, name: str, array: Array, head: str = "") -> None:
        copy = self.copies.get(name, 0)
        self.copies[name] = copy + 1
        following = f"{name}.{copy} right"
        legs = (head, self.end, following) if array.ndim == 3 else (self.end, following)
        self.tensors.append(Tensor(f"{name}.{copy}", legs, array))
        self.end = following

    def _rename_end(self, leg: str) -> None:
        """Leave the end of the string open under this name."""
        last = self.tensors[-1]
        self.tensors[-1] = Tensor(last.name, tuple(leg if one == self.end else one for one in last.legs), last.array)
        self.end = leg


def _shaped(given: ArrayLike, shape: tuple[int, ...], name: str) -> Array:
    array = as_given(given)
    if array.shape != shape:
        raise TensorRankError(f"the {name} has shape {array.shape}; expected {shape}, for tokens as they are given")
    return array

"""The values of recurrences with gates at all pairs of two sides' tokens, in any arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Layer:
    """The weights of one layer, with those of its heads side by side.

    Attributes:
        key, query: of shape (d, H n).
        value: of shape (d, H p).
        output: of shape (H p, outputs).
        gate: gates that the inputs make, of shape (d, H n), or None.
        decay: gates that are weights, of shape (H, n, 1), or None.
        heads: H.
    """

    key: Numbers
    query: Numbers
    value: Numbers
    output: Numbers
    gate: Numbers | None
    decay: Numbers | None
    heads: int


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are multiplied: by `product` as matrices, and by `reduce` what numpy made of entries."""

    product: Callable[[Numbers, Numbers], Numbers]
    reduce: Callable[[Numbers], Numbers]


def layers_of(weights: Mapping[str, Numbers], gates: Sequence[str], arithmetic: Arithmetic) -> list[Layer]:
    """The layers of a stack, from weights by name; the top one gives the value alone.

    Of the top layer's output coordinate 0 is the value, so that W_V and W_O of a head make one row: its head_dim is 1.
    """

    def side_by_side(array: Numbers) -> Numbers:
        return np.ascontiguousarray(array.reshape(-1, array.shape[-1]).T)

    found = []
    of_inputs, constant = 0, 0
    for number, gate in enumerate(gates):
        heads = weights["key"].shape[1]
        value, output = side_by_side(weights["value"][number]), weights["output"][number]
        outward = np.ascontiguousarray(np.moveaxis(output, 1, 2).reshape(-1, output.shape[1]))
        if number == len(gates) - 1:
            pairs = zip(output, weights["value"][number], strict=True)
            rows = [arithmetic.product(onward[:1], inward)[0] for onward, inward in pairs]
            value, outward = np.stack(rows, axis=1), np.ones((heads, 1), dtype=value.dtype)
        found.append(
            Layer(
                side_by_side(weights["key"][number]),
                side_by_side(weights["query"][number]),
                value,
                outward,
                side_by_side(weights["gate"][of_inputs]) if gate == "inputs" else None,
                weights["decay"][constant][..., None] if gate == "constant" else None,
                heads,
            )
        )
        of_inputs, constant = of_inputs + (gate == "inputs"), constant + (gate == "constant")
    return found


def values(layers: Sequence[Layer], tokens: Sequence[Numbers], arithmetic: Arithmetic) -> Numbers:
    """The value at every pair of a row and a column.

    Args:
        layers: from the first to the top one.
        tokens: for every step the tokens of all rows, of shape (rows, 1, d), or of all columns, (1, columns, d).
        arithmetic: how numbers are multiplied.

    Returns:
        An array of shape (rows, columns), or with 1 for either if no token of that side was seen.
    """
    states: list[Numbers | None] = [None] * len(layers)
    read = tokens[0]
    for step, token in enumerate(tokens):
        read = token
        for number, layer in enumerate(layers):
            states[number] = _next_state(layer, states[number], read, arithmetic)
            if number + 1 == len(layers) and step + 1 < len(tokens):
                break  # outputs of the top layer before the last do not matter
            read = _read(layer, states[number], read, arithmetic)
    return read[..., 0]


def _by_head(layer: Layer, numbers: Numbers) -> Numbers:
    return numbers.reshape(*numbers.shape[:-1], layer.heads, -1)


def _next_state(layer: Layer, state: Numbers | None, given: Numbers, arithmetic: Arithmetic) -> Numbers:
    """diag(gates) state + key value^T, of shape (rows, columns, H, n, p)."""
    key, value = (_by_head(layer, arithmetic.product(given, weights)) for weights in (layer.key, layer.value))
    seen = arithmetic.reduce(key[..., None] * value[..., None, :])
    if state is None:
        return seen
    if layer.gate is not None:
        gates = _by_head(layer, arithmetic.product(given, layer.gate))
        state = arithmetic.reduce(gates[..., None] * state)
    elif layer.decay is not None:
        state = arithmetic.reduce(layer.decay * state)
    return arithmetic.reduce(state + seen)


def _read(layer: Layer, state: Numbers | None, given: Numbers, arithmetic: Arithmetic) -> Numbers:
    """W_O state^T query, the heads' outputs together, of shape (rows, columns, outputs)."""
    query = _by_head(layer, arithmetic.product(given, layer.query))
    answers = arithmetic.reduce(arithmetic.reduce(query[..., None] * state).sum(axis=-2))
    return arithmetic.product(answers.reshape(*answers.shape[:-2], -1), layer.output)

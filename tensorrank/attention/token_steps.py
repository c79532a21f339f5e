"""The layers of a network as steps on small matrices of tokens, many inputs at a time, compiled by `lanes`.

The tokens of an input are the columns of one matrix, the token whose output is wanted first. Of the last layer only its
column is computed, and of that the first coordinate.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.lanes import ADD, APPLY, MASK, MULTIPLY, MULTIPLY_TURNED, TIMES, Step
from tensorrank.attention.weights import AttentionWeights

# Matrices that the steps use: the tokens before and after a layer, and five within it.
MATRICES = 8
# Numbers of the matrices under way in all lanes, so that they stay in a core's fast memory.
_NUMBERS_AT_ONCE = 2**14
_FEWEST_LANES, _MOST_LANES = 32, 256


def lanes_of(numbers: int) -> int:
    """How many lanes suit matrices of so many numbers in all."""
    return max(_FEWEST_LANES, min(_MOST_LANES, _NUMBERS_AT_ONCE // numbers))


class TokenSteps:
    """The steps of a network with one W_K and W_V for every head, and the weights that they apply.

    Args:
        weights: residues, without embedding and positions.
        field: GF(p).
        residual: whether each layer adds its input to its output.
        causal: whether the token of a column sees only the columns from its own on.
        scaled: whether what the first tokens give to others is multiplied by a scale, as `lanes.run_steps` takes it.

    Attributes:
        constants: balanced residues of shape (count, side, side), with zeros around each matrix.
        side: the most rows or columns of a weight.
    """

    def __init__(
        self,
        weights: AttentionWeights,
        field: PrimeField,
        *,
        residual: bool = False,
        causal: bool = False,
        scaled: bool = False,
    ) -> None:
        self._depth, self._heads, self._height, self._width = weights.query.shape
        self._hidden = 0 if weights.up is None else weights.up.shape[1]
        self._residual, self._causal, self._scaled = residual, causal, scaled
        self.side = max(self._height, self._width, self._hidden)
        # Of each layer W_Q, W_K, W_V and W_O of each head, then those of the feedforward layer.
        listed = [array[layer, head] for layer in range(self._depth) for head in range(self._heads) for array in (
            weights.query, weights.key, weights.value, weights.output)]  # fmt: skip
        self._forward = len(listed)
        if weights.up is not None and weights.gate is not None and weights.down is not None:
            listed += [array[layer] for layer in range(self._depth) for array in (weights.up, weights.gate, weights.down)]
        self.constants: Floats = np.zeros((len(listed), self.side, self.side))
        for place, matrix in enumerate(listed):
            self.constants[place, : matrix.shape[0], : matrix.shape[1]] = field.balanced(matrix)

    def lanes(self, tokens: int) -> int:
        """How many inputs of so many tokens are best taken at a time."""
        return lanes_of(MATRICES * max(self.side, tokens) * tokens)

    def steps(self, n: int) -> tuple[Integers, int]:
        """The steps for n tokens, and the number of the matrix whose first entry is the value; tokens are matrix 0."""
        state, result = 0, 1
        steps: list[Step] = []
        for layer in range(self._depth):
            # Of the last layer the output token is needed, and its first coordinate.
            columns, rows = (1, 1) if layer == self._depth - 1 else (n, self._width)
            steps += self._attention(layer, n, columns, self._width if self._hidden else rows, state, result)
            # The tokens as they are given stay in matrix 0.
            state, result = (1, 2) if layer == 0 else (result, state)
            if self._hidden:
                steps += self._feedforward(layer, columns, rows, state, result)
                state, result = result, state
        return np.array(steps, dtype=np.int64), state

    def _attention(self, layer: int, n: int, columns: int, rows: int, state: int, result: int) -> list[Step]:
        a, d = self._height, self._width
        queries, keys, values, scores, mixed = range(3, MATRICES)
        steps = []
        for head in range(self._heads):
            first = 4 * (layer * self._heads + head)
            steps += [
                Step(APPLY, first, state, queries, a, d, columns),
                Step(APPLY, first + 1, state, keys, a, d, n),
                Step(APPLY, first + 2, state, values, a, d, n),
                Step(MULTIPLY_TURNED, keys, queries, scores, n, a, columns, scaled=self._scaled),
                *([Step(MASK, 0, 0, scores, n, 0, columns)] if self._causal else []),
                Step(MULTIPLY, values, scores, mixed, a, n, columns),
                Step(APPLY, first + 3, mixed, result, rows, a, columns, more=head > 0),
            ]
        return [*steps, *self._added(state, result, rows, columns)]

    def _feedforward(self, layer: int, columns: int, rows: int, state: int, result: int) -> list[Step]:
        h, d, first = self._hidden, self._width, self._forward + 3 * layer
        up, gate, inner = range(3, 6)
        return [
            Step(APPLY, first, state, up, h, d, columns),
            Step(APPLY, first + 1, state, gate, h, d, columns),
            Step(TIMES, up, gate, inner, h, 0, columns),
            Step(APPLY, first + 2, inner, result, rows, h, columns),
            *self._added(state, result, rows, columns),
        ]

    def _added(self, state: int, result: int, rows: int, columns: int) -> list[Step]:
        return [Step(ADD, state, 0, result, rows, 0, columns)] if self._residual else []

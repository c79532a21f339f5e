"""The parts of a network's values at few tokens, one for each degree in the moments of the output token's side.

With M = s M_A + M_B a value sum_q x_q P_q(M) is a polynomial of degree C in the scale s, and the coefficient of s^k is
its part of degree k in M_A. So C + 1 scales give all parts of a value. Let X be the matrix whose N columns are the
tokens of both sides, and S the diagonal matrix with the scale at tokens of side A and 1 at those of side B, so that
M = X S X^T.

**One head a layer.** With P_l = W_O W_V and R_l = W_K^T W_Q, layer l maps X to P_l X S (X^T R_l X). By induction the
tokens after layer l are

    X_l = Q_l X T_l,    T_l = T_(l-1) S T_(l-1)^T K_l T_(l-1),    K_l = X^T Q_(l-1)^T R_l Q_(l-1) X,

with Q_l = P_l ... P_1 and T_0 = 1. The matrices T_l and K_l have N rows and columns, and the K_l do not depend on the
scale: beyond them a value costs some L N^3 operations, whatever the width.

**Several heads.** The tokens themselves pass through the layers, each head by its W_Q, W_K, W_V and W_O.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention.lanes import COPY, MULTIPLY, MULTIPLY_TURNED, Step, apply_lanes, run_steps
from tensorrank.attention.token_steps import MATRICES, TokenSteps, lanes_of
from tensorrank.attention.weights import AttentionWeights
from tensorrank.separation.interpolation import interpolation_matrix


def parts_of(weights: AttentionWeights, field: PrimeField, degree: int, far: Residues) -> OneHead | SeveralHeads:
    """What gives the parts of a network without residual connections and mask, for inputs of side B.

    Args:
        weights: one W_K and W_V for every head, without embedding.
        field: GF(p), p above the degree.
        degree: C.
        far: the inputs of side B, of shape (columns, tokens, d).
    """
    return (OneHead if weights.query.shape[1] == 1 else SeveralHeads)(weights, field, degree, far)


class _Parts:
    """What both kinds of networks share: scales, interpolation, and inputs of side B in lanes."""

    def __init__(self, field: PrimeField, degree: int, far: Residues) -> None:
        self.field = field
        self.scales = field.balanced(np.arange(degree + 1) % field.prime)
        # Row k has the factors by which the values at the scales make the coefficient of s^k.
        self._combined = field.balanced(interpolation_matrix(degree, field))
        self.far = self.in_lanes(far.transpose(2, 1, 0))

    def in_lanes(self, residues: Residues) -> Floats:
        """Residues as the compiled code takes them."""
        return np.ascontiguousarray(self.field.balanced(residues))

    def factors(self, degrees: Integers) -> Floats:
        """The factors of the parts of these degrees."""
        return np.ascontiguousarray(self._combined[degrees])


class OneHead(_Parts):
    """The parts of a network with one head a layer."""

    def __init__(self, weights: AttentionWeights, field: PrimeField, degree: int, far: Residues) -> None:
        super().__init__(field, degree, far)
        passed = field.matmul(weights.output[:, 0], weights.value[:, 0])
        scores = field.matmul(weights.key[:, 0].swapaxes(-1, -2), weights.query[:, 0])
        before = np.eye(far.shape[2], dtype=np.int64)
        kernels = []
        for layer in range(len(passed)):
            kernels.append(field.matmul(field.matmul(before.T, scores[layer]), before))
            before = field.matmul(passed[layer], before)
        self._kernels, self._output = np.array(kernels), before[0]
        own = np.array([field.matmul(far, field.matmul(kernel, far.swapaxes(1, 2))) for kernel in kernels])
        self._far_own = self.in_lanes(own.transpose(0, 2, 3, 1))
        self._far_output = self.in_lanes(field.matmul(far, self._output).T)

    def __call__(self, near: Residues, degrees: Integers, columns: int) -> NDArray[np.int32]:
        """The parts of these degrees at inputs of side A, output token first, and the first columns of side B.

        Args:
            near: residues of shape (rows, tokens, d).
            degrees: k for each part.
            columns: their number.

        Returns:
            Balanced residues of shape (degrees, rows, columns).
        """
        field, depth = self.field, len(self._kernels)
        left = np.array([field.matmul(near, kernel) for kernel in self._kernels])
        right = np.array([field.matmul(near, kernel.T) for kernel in self._kernels])
        own = np.array([field.matmul(part, near.swapaxes(1, 2)) for part in left])
        side = [self.in_lanes(part) for part in (left, right, own, field.matmul(near, self._output))]
        tokens = near.shape[1] + self.far.shape[1]
        parts = np.empty((len(degrees), len(near), columns), dtype=np.int32)
        lanes = lanes_of((depth + 4) * tokens**2)
        steps, result = self._steps(tokens)
        given = *side, self.far, self._far_own, self._far_output, steps, result, self.scales, self.factors(degrees)
        _one_head(*given, self.field.constants, lanes, parts)
        return parts

    def _steps(self, n: int) -> tuple[Integers, int]:
        """The steps for each scale, and the number of the matrix with the value: the K_l are first, then u^T Q_L X."""
        depth = len(self._kernels)
        state, other, third = depth + 1, depth + 2, depth + 3
        steps = [Step(COPY, 0, 0, state, n, n, n if depth > 1 else 1, scaled=True)]
        for layer in range(1, depth):
            # Of the last layer the output token's column is needed.
            columns = n if layer < depth - 1 else 1
            steps += [
                Step(MULTIPLY, layer, state, other, n, n, columns),
                Step(MULTIPLY_TURNED, state, other, third, n, n, columns, scaled=True),
                Step(MULTIPLY, state, third, other, n, n, columns),
            ]
            state, other = other, state
        steps.append(Step(MULTIPLY, depth, state, other, 1, n, 1))
        return np.array(steps, dtype=np.int64), other


class SeveralHeads(_Parts):
    """The parts of a network with several heads a layer."""

    def __init__(self, weights: AttentionWeights, field: PrimeField, degree: int, far: Residues) -> None:
        super().__init__(field, degree, far)
        self._layers = TokenSteps(weights, field, scaled=True)

    def __call__(self, near: Residues, degrees: Integers, columns: int) -> NDArray[np.int32]:
        """The parts of these degrees, for the same arguments as those of one head."""
        tokens = near.shape[1] + self.far.shape[1]
        parts = np.empty((len(degrees), len(near), columns), dtype=np.int32)
        steps, result = self._layers.steps(tokens)
        given = self.in_lanes(near), self.far, self._layers.constants, steps, result, self.scales, self.factors(degrees)
        _several_heads(*given, self.field.constants, self._layers.lanes(tokens), parts)
        return parts


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _one_head(  # type: ignore[no-untyped-def]
    left, right, own, output, far, far_own, far_output, steps, result, scales, factors, field, lanes, parts
):
    depth, rows, near, _ = left.shape
    columns, tokens = parts.shape[2], near + far.shape[1]
    constants = np.zeros((0, 0, 0))
    for start in range(0, columns, lanes):
        count = min(lanes, columns - start)
        side = far[:, :, start : start + count].copy()
        matrices = np.zeros((depth + 4, tokens, tokens, count))
        matrices[:depth, near:, near:] = far_own[:, :, :, start : start + count]
        matrices[depth, 0, near:] = far_output[:, start : start + count]
        upper, values, part = np.zeros(count), np.zeros((len(scales), 1, count)), np.zeros(count)
        for row in range(rows):
            for layer in range(depth):
                for i in range(near):
                    for j in range(near):
                        matrices[layer, i, j] = own[layer, row, i, j]
                    for j in range(side.shape[1]):
                        apply_lanes(left[layer, row, i], side, j, matrices[layer, i, near + j], False, upper, field)
                        apply_lanes(right[layer, row, i], side, j, matrices[layer, near + j, i], False, upper, field)
            for i in range(near):
                matrices[depth, 0, i] = output[row, i]
            for number in range(len(scales)):
                run_steps(steps, matrices, constants, near, scales[number], upper, field)
                values[number, 0] = matrices[result, 0, 0]
            _combine(values, factors, part, upper, field, parts, row, start)


@compiled()
def _several_heads(near, far, constants, steps, result, scales, factors, field, lanes, parts):  # type: ignore[no-untyped-def]
    rows, count_near, width = near.shape
    columns, tokens = parts.shape[2], count_near + far.shape[1]
    side = max(constants.shape[1], tokens)
    for start in range(0, columns, lanes):
        count = min(lanes, columns - start)
        matrices = np.zeros((MATRICES, side, tokens, count))
        matrices[0, :width, count_near:] = far[:, :, start : start + count]
        upper, values, part = np.zeros(count), np.zeros((len(scales), 1, count)), np.zeros(count)
        for row in range(rows):
            for j in range(count_near):
                for i in range(width):
                    matrices[0, i, j] = near[row, j, i]
            for number in range(len(scales)):
                run_steps(steps, matrices, constants, count_near, scales[number], upper, field)
                values[number, 0] = matrices[result, 0, 0]
            _combine(values, factors, part, upper, field, parts, row, start)


@compiled()
def _combine(values, factors, part, upper, field, parts, row, start):  # type: ignore[no-untyped-def]
    """Write the parts that these factors make of the values at all scales."""
    for degree in range(len(factors)):
        apply_lanes(factors[degree], values, 0, part, False, upper, field)
        target = parts[degree, row, start : start + len(part)]
        for w in range(len(part)):
            target[w] = np.int32(part[w])

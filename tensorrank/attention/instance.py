"""Instances of self-attention: one network over GF(p) with its weights fixed, evaluated on grids and at moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention.evaluate import RowsInField
from tensorrank.attention.parts import parts_of
from tensorrank.attention.streaming import streaming_grid
from tensorrank.attention.token_grid import token_grid
from tensorrank.attention.weights import AttentionWeights
from tensorrank.separation.architecture import Instance, Parts
from tensorrank.separation.partition import Bipartition


@dataclass(frozen=True, eq=False)
class AttentionInstance(Instance):
    """A self-attention network over GF(p) with its weights fixed; a value is coordinate 0 of one token's output.

    Attributes:
        field: GF(p).
        weights: residues, with a W_K and W_V for every head.
        output: the site of the output token.
        residual: whether layers add their input.
        causal: whether a token sees only itself and those before it.
    """

    field: PrimeField
    weights: AttentionWeights
    output: int = 0
    residual: bool = False
    causal: bool = False

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random inputs of shape (count, len(sites), d), with d the width or, if there is one, the embedding's rank."""
        embedding = self.weights.embedding
        width = self.weights.query.shape[-1] if embedding is None else embedding.shape[1]
        return self.field.random((count, len(sites), width), rng)

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The values at all pairs of a row's tokens (side A) and a column's tokens (side B), in small batches."""
        near, far = self._embedded(partition.a, rows), self._embedded(partition.b, columns)
        sides = partition.a, partition.b
        if self.weights.up is not None:
            variant = {"residual": self.residual, "causal": self.causal}
            return token_grid(self.weights, self.field, sides, near, far, output=self.output, **variant)
        if self.causal:
            return streaming_grid(self.weights, self.field, sides, near, far, output=self.output, residual=self.residual)
        if self.output in partition.a:
            return self._by_moments(near[:, partition.a.index(self.output)], near, far)
        return np.ascontiguousarray(self._by_moments(far[:, partition.b.index(self.output)], far, near).T)

    def moment_values(self, moments: Residues) -> Residues:
        """The rows P(M) of the moment form at a batch of symmetric matrices, which stand for moments of the inputs.

        Positions are left out: without an embedding, a token plus a fixed vector is as free as the token.
        """
        embedding = self.weights.embedding
        if embedding is None:
            return self._rows(moments)
        inside = self.field.matmul(self.field.matmul(embedding, moments), embedding.T)
        return self.field.matmul(self._rows(inside), embedding)

    def parts(self, far: Residues, degree: int) -> Parts:
        """What gives the parts of the values, by degree in the moments of the output token's side.

        As for `moment_values`, positions are left out. There are neither residual connections nor a mask.
        """
        parts, embedding = parts_of(self.weights, self.field, degree, self._embed(far)), self.weights.embedding

        def embedded(near: Residues, degrees: Integers, columns: int) -> NDArray[np.int32]:
            return parts(self._embed(near), degrees, columns)

        return parts if embedding is None else embedded

    @cached_property
    def _rows(self) -> RowsInField:
        return RowsInField(self.weights, self.field, residual=self.residual)

    def _by_moments(self, tokens: Residues, near: Residues, far: Residues) -> Residues:
        """The values at all pairs of the output token's side, with its output tokens, and the other side."""
        moments, others = (self.field.matmul(side.swapaxes(1, 2), side) for side in (near, far))
        values: Residues = np.empty((len(near), len(far)), dtype=np.int64)
        for i, (token, moment) in enumerate(zip(tokens, moments, strict=True)):
            rows = self._rows((moment + others) % self.field.prime)
            values[i] = self.field.matmul(rows, token)
        return values

    def _embedded(self, sites: Sequence[int], tokens: Residues) -> Residues:
        """The tokens that the first layer sees: inputs after the embedding, plus positions."""
        tokens = self._embed(tokens)
        if self.weights.positions is not None:
            tokens = (tokens + self.weights.positions[list(sites)]) % self.field.prime
        return tokens

    def _embed(self, tokens: Residues) -> Residues:
        embedding = self.weights.embedding
        return tokens if embedding is None else self.field.matmul(tokens, embedding.T)

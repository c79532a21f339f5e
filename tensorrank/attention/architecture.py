"""Self-attention without softmax, as an architecture whose separation rank can be computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import numpy as np

from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention import bounds
from tensorrank.attention.evaluate import moment_grid, moment_rows
from tensorrank.attention.monomial import Monomial, monomial
from tensorrank.attention.weights import AttentionWeights
from tensorrank.errors import TensorRankError, whole_number
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.separable import Weights


@dataclass(frozen=True)
class SelfAttention:
    """A stack of self-attention layers without softmax, its output one coordinate of the first token.

    Args:
        depth: L, the number of layers.
        width: d, the dimension of a token.
        heads: H, the attention heads of a layer.
        head_dim: a, the width of a head; width // heads by default, an error if heads does not divide the width.
        tokens: N, the number of tokens; 2 * width by default, as many as can matter for balanced halves.

    The separation rank does not depend on the output coordinate, nor on the partition beyond the number of tokens on
    each side and the side of the output token (for almost all weights).

    Raises:
        TensorRankError: if a number is not a whole number of at least 1 (2 for tokens), or heads does not divide the
            width.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), section 2, with H a = d; other head
    widths are a natural extension.

    >>> SelfAttention(depth=3, width=4, heads=2)
    SelfAttention(depth=3, width=4, heads=2, head_dim=2, tokens=8)
    """

    depth: int
    width: int
    _: KW_ONLY
    heads: int = 1
    # None stands for a default that depends on the width; after construction these are whole numbers.
    head_dim: int = None  # type: ignore[assignment]
    tokens: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, least in (("depth", 1), ("width", 1), ("heads", 1), ("head_dim", 1), ("tokens", 2)):
            given: Any = getattr(self, name)
            if given is None and name == "head_dim":
                if self.width % self.heads:
                    raise TensorRankError(
                        f"{self.heads} heads do not divide the width {self.width}; expected a divisor, or give head_dim"
                    )
                given = self.width // self.heads
            elif given is None and name == "tokens":
                given = 2 * self.width
            object.__setattr__(self, name, whole_number(name, given, least))

    @property
    def sites(self) -> int:
        """The tokens."""
        return self.tokens

    @property
    def moment_degree(self) -> int:
        """C = (3^L - 1) / 2, the degree in the entries of the moment matrix."""
        return bounds.moment_degree(self.depth)

    @property
    def input_degree(self) -> int:
        """3^L, the degree in the tokens."""
        return int(3**self.depth)

    @property
    def weight_degree(self) -> int:
        """4 C: every layer matrix G is of degree 4 in its weights, and C of them are multiplied."""
        return 4 * self.moment_degree

    @property
    def value_work(self) -> float:
        """What the layers of one value cost: the d^3, a d^2 and a^2 d products, in slow integer arithmetic."""
        d, a = self.width, self.head_dim
        return 10.0 * (20 + self.depth * (2 * d**3 + self.heads * (2 * a * d**2 + 2 * a**2 * d)))

    @property
    def output_site(self) -> int:
        """The token whose output is studied."""
        return 0

    def sides(self, partition: Bipartition) -> tuple[int, int]:
        """The number of tokens on the output token's side, and on the other.

        Raises:
            PartitionError: if the partition does not cover the tokens.
        """
        partition.check(self.sites)
        sizes = len(partition.a), len(partition.b)
        return sizes if self.output_site in partition.a else sizes[::-1]

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> AttentionInstance:
        """This network over GF(p) with random weights, or with the exact image of those given.

        Raises:
            WeightsError: if given weights have other names or shapes, or are not finite.
        """
        shape = (self.depth, self.width, self.heads, self.head_dim)
        if weights is None:
            return AttentionInstance(self, field, AttentionWeights.random(*shape, field, rng))
        return AttentionInstance(self, field, AttentionWeights.of(weights, *shape).image(field))

    def rank_bound(self, partition: Bipartition) -> int:
        """The moment bound."""
        return bounds.moment_bound(self.depth, self.width, *self.sides(partition))

    def generic_lower_bound(self, partition: Bipartition) -> int:
        """The monomial bound."""
        return self._monomial(partition).bound

    def generic_lower_bounds_by_degree(self, partition: Bipartition) -> Sequence[int]:
        """The monomial bound, degree by degree."""
        return self._monomial(partition).by_degree()

    def _monomial(self, partition: Bipartition) -> Monomial:
        return monomial(self.depth, self.width, self.heads, self.head_dim, *self.sides(partition))

    def to_dict(self) -> dict[str, int]:
        """The five numbers by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class AttentionInstance:
    """A network over GF(p) with its weights fixed; its value is coordinate 0 of the output of token 0."""

    architecture: SelfAttention
    field: PrimeField
    weights: AttentionWeights

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random tokens: shape (count, len(sites), width)."""
        return self.field.random((count, len(sites), self.architecture.width), rng)

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues) -> Residues:
        """The values at all pairs of a row's tokens (side A) and a column's tokens (side B)."""
        output = self.architecture.output_site
        if output not in partition.a:
            swapped = Bipartition(partition.b, partition.a)
            return np.ascontiguousarray(self.grid(swapped, columns, rows).T)
        tokens = rows[:, partition.a.index(output)]
        return moment_grid(self.weights, self.field, tokens, self._moments(rows), self._moments(columns))

    def moment_values(self, moments: Residues) -> Residues:
        """The row P(M) of the moment form at a batch of symmetric matrices."""
        return moment_rows(self.weights, moments, self.field)

    def _moments(self, tokens: Residues) -> Residues:
        return self.field.matmul(tokens.swapaxes(1, 2), tokens)

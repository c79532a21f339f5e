"""`HigherOrderAttention`: attention whose heads weigh pairs, triples, ... of tokens, without softmax.

A head of order n = 2 is the usual one: it compares the token with one other. One of order n compares it with n - 1
others at once, and multiplies their values entry by entry:

    y_i = sum over heads W_O sum over j_1 .. j_(n-1) of <W_Q x_i, prod_s W_K^s x_(j_s)> prod_s W_V^s x_(j_s),

with products of vectors entry by entry. Order 3 is third-order attention, or attention over triplets.

**The moment form.** The sum over several tokens falls apart into one for each of them. With the moment matrix
M = sum_j x_j x_j^T, and A_s = W_V^s M (W_K^s)^T of a rows and columns,

    y_i = T(M) x_i,    T(M) = sum over heads W_O (A_1 * ... * A_(n-1)) W_Q,

where * multiplies entry by entry. T is of degree n - 1 in M. The layer turns M into T M T^T, of degree 2 n - 1. So L
layers are of degree

    C = (n - 1) (1 + (2n - 1) + ... + (2n - 1)^(L-1)) = ((2n - 1)^L - 1) / 2

in the moments, and of degree (2n - 1)^L in the tokens. For n = 2 these are (3^L - 1) / 2 and 3^L.

**The bound.** The output is sum_q x_q P_q(M), with P_q of degree C. So the moment bound holds as it does for order 2,
for all weights, heads and head widths: in its proof the order appears in C alone.

**What an order buys.** A layer of order n has 2 n d^2 weights if its heads are as wide as the network together. Up to
the knee the logarithm of the bound rises like C. At equal numbers of weights, C rises with each 2 d^2 of them by the
factor (2n - 1)^(1/n): by 1 for n = 1, by 1.732 for n = 2, by 1.710 for n = 3, by 1.627 for n = 4, and by ever less. The
usual order is the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from math import log2
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.heights import Height
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.checked import checked
from tensorrank.errors import CombinationError, TooLargeError
from tensorrank.separation.architecture import Instance, Model, MomentForm, Parts, Weights
from tensorrank.separation.head_widths import head_width
from tensorrank.separation.hilbert import moment_spaces
from tensorrank.separation.interpolation import interpolation_matrix
from tensorrank.separation.named_weights import Shapes, WeightedArchitecture, drawn_or_given, heights_of
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition

# Degrees of more digits belong to no network.
_MOST_DIGITS = 10_000
# Bytes of moment matrices under evaluation at once.
_BATCH_BYTES = 2**25
_NOTHING = Height(0.0, 0.0, 0.0)


@checked
@dataclass(frozen=True)
class HigherOrderAttention(WeightedArchitecture):
    """A stack of attention layers of any order without softmax, whose output is one coordinate of one token.

    Args:
        depth: L, the number of layers.
        width: d, the dimension of a token.
        order: n, the tokens that a head looks at, the one that it writes to included: 2 for usual attention, 3 for
            third-order attention, and so on.
        heads: H, the attention heads of a layer.
        head_dim: a, the width of a head; width // heads by default, an error if heads does not divide the width.
        tokens: N, the number of tokens; 2 * width by default, as many as can matter for balanced halves.
        output_token: the site whose output is studied; the first by default.

    Weights are `query` of shape (depth, heads, head_dim, width), `key` and `value` of shape (depth, order - 1, heads,
    head_dim, width), one for each further token, and `output` of shape (depth, heads, width, head_dim).

    Raises:
        TensorRankError: if a number is not a whole number of at least 1 (2 for order and tokens), heads does not divide
            the width, the output token is none of the tokens, or the degree has more than 10,000 digits.

    Sources: third-order attention, Sanford, Hsu, Telgarsky (NeurIPS 2023, arXiv 2306.02896), section 4, here without
    softmax; moment form and bound, the statement at the head of this file, which follows Levine et al. (NeurIPS 2020,
    arXiv 2006.12467).

    >>> from tensorrank.separation.solve import separation_rank
    >>> [separation_rank(HigherOrderAttention(depth, width=2)).value for depth in (1, 2)]
    [6, 190]
    """

    kind: ClassVar = "higher-order"
    # A grid is evaluated in small batches, which take next to nothing beside the values.
    values_share = 1.0

    depth: int
    width: int
    _: KW_ONLY
    order: int = 3
    heads: int = 1
    # None stands for a default that depends on the others; after construction these are whole numbers.
    head_dim: int = None  # type: ignore[assignment]
    tokens: int = None  # type: ignore[assignment]
    output_token: int = 0

    def __post_init__(self) -> None:
        for name, least in (("depth", 1), ("width", 1), ("order", 2), ("heads", 1), ("output_token", 0)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least))
        object.__setattr__(self, "head_dim", head_width(self.width, self.heads, self.head_dim))
        tokens: int | None = self.tokens
        object.__setattr__(self, "tokens", whole_number("tokens", 2 * self.width if tokens is None else tokens, 2))
        if self.output_token >= self.tokens:
            raise CombinationError(f"output_token is {self.output_token}; expected one of the tokens 0 to {self.tokens - 1}")
        if self.depth * log2(2 * self.order - 1) > _MOST_DIGITS * log2(10):
            raise TooLargeError(
                f"the degree of {self.depth} layers of order {self.order} has more than {_MOST_DIGITS} digits; expected fewer "
                "layers"
            )

    @property
    def sites(self) -> int:
        """The number of sites: each token is one."""
        return self.tokens

    @property
    def moment_degree(self) -> int:
        """The degree C = ((2n - 1)^L - 1) / 2 in the entries of the moment matrix.

        >>> [HigherOrderAttention(2, 1, order=order).moment_degree for order in (2, 3, 4)]
        [4, 12, 24]
        """
        return int(((2 * self.order - 1) ** self.depth - 1) // 2)

    @property
    def input_degree(self) -> int:
        """The degree (2n - 1)^L of the output in the coordinates of the tokens."""
        return 2 * self.moment_degree + 1

    @property
    def weight_degree(self) -> int:
        """The degree of the output in the weights: 2 n for each of the C / (n - 1) matrices T whose product it is."""
        return 2 * self.order * (self.moment_degree // (self.order - 1))

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        layers, further, heads, inner, width = self.depth, self.order - 1, self.heads, self.head_dim, self.width
        each = "depth, order - 1, heads, head_dim, width", (layers, further, heads, inner, width)
        return {
            "query": ("depth, heads, head_dim, width", (layers, heads, inner, width)),
            "key": each,
            "value": each,
            "output": ("depth, heads, width, head_dim", (layers, heads, width, inner)),
        }

    def value_work(self, partition: Bipartition) -> float:
        """The operations that one value costs: products of matrices for each layer, ten times for exact arithmetic."""
        d, a = self.width, self.head_dim
        each = self.heads * ((self.order - 1) * (2 * a * d * d + 2 * a * a * d) + 2 * a * a * d + 2 * a * d * d)
        return 10.0 * (20 + self.depth * (4 * d**3 + each))

    def sides(self, partition: PartitionLike) -> tuple[int, int]:
        """The number of tokens on the output token's side, and on the other."""
        split = checked_partition(self.sites, partition)
        sizes = len(split.a), len(split.b)
        return sizes if self.output_token in split.a else sizes[::-1]

    def rank_bound(self, partition: PartitionLike) -> int:
        """The moment bound, of degree C."""
        return moment_spaces(self.width, self.moment_degree, *self.sides(partition)).bound()

    def generic_lower_bound(self, partition: PartitionLike) -> int:
        """The bound 1: none in closed form is known beyond it."""
        return 1

    def moment_form(self) -> MomentForm:
        """The moment form, with polynomials of degree C."""
        return MomentForm(
            self.width, self.moment_degree, self.output_token, lambda partition: [0] * (self.moment_degree + 1),
            pair_work=lambda tokens: (self.moment_degree + 1) * self.value_work(Bipartition.halves(self.tokens)),
        )  # fmt: skip

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> HigherOrderInstance:
        """The network over GF(p) with random weights, or with the exact image of those given."""
        return HigherOrderInstance(field, self.output_token, **drawn_or_given(weights, self.shapes, field, rng))

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the sum of the absolute values of the coefficients, cleared of denominators.

        The coefficients are whole numbers that are not negative, so that their sum is the output for tokens and weights
        of ones. Given weights are at most as large as the largest of their array.
        """
        found = heights_of(weights, self.shapes)
        largest = {name: found.get(name, _NOTHING).largest for name in self.shapes}
        d, a, token = self.width, self.head_dim, 0.0
        for _ in range(self.depth):
            entry = log2(self.tokens) + 2 * token + 2 * log2(d) + largest["key"] + largest["value"]
            matrix = log2(self.heads) + 2 * log2(a) + largest["query"] + largest["output"] + (self.order - 1) * entry
            token += log2(d) + matrix
        return token + sum(one.denominator for one in found.values())

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True for a network of the same depth and order whose other sizes are the same or smaller.

        Weights of the smaller network are padded with zeros, and tokens that it has not are set to zero; both raise no
        rank. Tokens of a side beyond the width add nothing.
        """
        if not isinstance(other, HigherOrderAttention) or (self.depth, self.order) != (other.depth, other.order):
            return False
        own, others = self.sides(partition), other.sides(other_partition)
        smaller = all(mine >= min(theirs, other.width) for mine, theirs in zip(own, others, strict=True))
        return smaller and self.width >= other.width and self.heads >= other.heads and self.head_dim >= other.head_dim

    def float_grid(self, weights: dict[str, Floats], partition: Bipartition, count: int, rng: np.random.Generator) -> Floats:
        """The values in floats at all pairs of so many standard normal inputs of each side."""
        rows, columns = (rng.standard_normal((count, len(side), self.width)) for side in (partition.a, partition.b))
        near, far, place = _by_side(partition, self.output_token, rows, columns)
        matrices = near.swapaxes(1, 2) @ near, far.swapaxes(1, 2) @ far
        values = np.empty((count, count))
        for i in range(count):
            moments, row = matrices[0][i] + matrices[1], np.eye(self.width)[:1]
            products = []
            for layer in range(self.depth):
                one = _layer(weights, layer, moments, np.matmul, lambda left, right: left * right)
                moments = one @ moments @ one.swapaxes(1, 2)
                # Scales of rows and columns change no rank.
                products.append(one / (np.abs(one).max() or 1.0))
                moments /= np.abs(moments).max() or 1.0
            for one in reversed(products):
                row = row @ one
            values[i] = (row @ near[i, place])[:, 0]
        return values if self.output_token in partition.a else values.T


def _by_side(partition: Bipartition, output: int, rows: Any, columns: Any) -> tuple[Any, Any, int]:
    """The inputs of the output token's side, those of the other, and the output token's place on its side."""
    if output in partition.a:
        return rows, columns, partition.a.index(output)
    return columns, rows, partition.b.index(output)


def _layer(weights: Any, layer: int, moments: Any, matmul: Any, multiply: Any) -> Any:
    """The matrices T(M) of a layer at moment matrices of shape (batch, d, d)."""
    query, key, value, output = (weights[name][layer] for name in ("query", "key", "value", "output"))
    moments = moments[:, None]
    inner = None
    for keys, values in zip(key, value, strict=True):
        one = matmul(matmul(values, moments), keys.swapaxes(1, 2))
        inner = one if inner is None else multiply(inner, one)
    return matmul(matmul(output, inner), query).sum(axis=1)


@dataclass(frozen=True, eq=False)
class HigherOrderInstance(Instance):
    """A network of higher order over GF(p) with its weights fixed; a value is coordinate 0 of one token's output."""

    field: PrimeField
    output_token: int
    query: Residues
    key: Residues
    value: Residues
    output: Residues

    @cached_property
    def _weights(self) -> dict[str, Residues]:
        return {"query": self.query, "key": self.key, "value": self.value, "output": self.output}

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random inputs of shape (count, len(sites), d)."""
        return self.field.random((count, len(sites), self.query.shape[-1]), rng)

    def moment_values(self, moments: Residues) -> Residues:
        """The rows P(M) at a batch of symmetric matrices: (batch, d, d) to (batch, d)."""
        width = moments.shape[-1]
        step = max(1, _BATCH_BYTES // (8 * width * width * (self.query.shape[1] + 4)))
        parts = [self._rows(moments[i : i + step]) for i in range(0, len(moments), step)]
        return np.concatenate(parts) if parts else np.zeros((0, width), dtype=np.int64)

    def _rows(self, moments: Residues) -> Residues:
        prime, matmul = self.field.prime, self.field.matmul
        layers = []
        for layer in range(len(self.query)):
            layers.append(_layer(self._weights, layer, moments, matmul, lambda left, right: left * right % prime) % prime)
            if layer < len(self.query) - 1:
                moments = matmul(matmul(layers[-1], moments), layers[-1].swapaxes(1, 2))
        rows = layers[-1][:, :1]
        for one in reversed(layers[:-1]):
            rows = matmul(rows, one)
        return np.ascontiguousarray(rows[:, 0])

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The values at all pairs of a row's tokens (side A) and a column's tokens (side B)."""
        near, far, place = _by_side(partition, self.output_token, rows, columns)
        moments, others = self._moments(near), self._moments(far)
        values = np.empty((len(near), len(far)), dtype=np.int64)
        for i, (token, moment) in enumerate(zip(near[:, place], moments, strict=True)):
            values[i] = self.field.matmul(self.moment_values((moment + others) % self.field.prime), token)
        return values if self.output_token in partition.a else np.ascontiguousarray(values.T)

    def parts(self, far: Residues, degree: int) -> Parts:
        """What gives the parts of the values, by degree in the moments of the output token's side.

        At s M_A + M_B a value is a polynomial of degree C in s, and C + 1 scales s give its coefficients.
        """
        prime, others = self.field.prime, self._moments(far)
        combined = interpolation_matrix(degree, self.field)

        def parts(near: Residues, degrees: Integers, columns: int) -> NDArray[np.int32]:
            moments, tokens = self._moments(near), near[:, 0]
            values = np.empty((degree + 1, len(near), columns), dtype=np.int64)
            for scale in range(degree + 1):
                for i, (moment, token) in enumerate(zip(moments, tokens, strict=True)):
                    rows = self.moment_values((scale * moment + others[:columns]) % prime)
                    values[scale, i] = self.field.matmul(rows, token)
            found = self.field.matmul(combined[degrees], values.reshape(degree + 1, -1))
            return self.field.balanced(found).astype(np.int32).reshape(len(degrees), len(near), columns)

        return parts

    def _moments(self, tokens: Residues) -> Residues:
        return self.field.matmul(tokens.swapaxes(1, 2), tokens)

"""`SelfAttention`: self-attention without softmax, an architecture whose separation rank can be computed exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention import bounds
from tensorrank.attention.containment import Network
from tensorrank.attention.feedforward import DEEPEST_BOUND, feedforward_bound
from tensorrank.attention.float_values import float_grid
from tensorrank.attention.head_bounds import block_bounds
from tensorrank.attention.heights import value_bits
from tensorrank.attention.identity_weights import identity_ranks
from tensorrank.attention.instance import AttentionInstance
from tensorrank.attention.lower_bounds import masked_lower_bound
from tensorrank.attention.monomial import Monomial, monomial
from tensorrank.attention.same_rank import rank_key
from tensorrank.attention.stack import AttentionStack
from tensorrank.attention.two_tokens import two_token_theorem
from tensorrank.attention.weights import AttentionWeights
from tensorrank.checked import checked
from tensorrank.errors import CombinationError, TensorRankError, TooLargeError
from tensorrank.separation.architecture import Model, MomentForm, ProvedRank, Weights
from tensorrank.separation.named_weights import Shapes, WeightedArchitecture, drawn_or_given, heights_of
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition


@checked
@dataclass(frozen=True, repr=False)
class SelfAttention(AttentionStack, WeightedArchitecture):
    """A stack of self-attention layers without softmax, whose output is one coordinate of one token.

    Args:
        depth: L, the number of layers.
        width: d, the dimension of a token inside the network.
        heads: H, the attention heads of a layer.
        head_dim: a, the width of a head; width // heads by default, an error if heads does not divide the width.
        kv_heads: the number of W_K and W_V in a layer, as many as heads by default. Fewer of them are shared: each by
            heads / kv_heads heads with a W_Q and W_O of their own (grouped-query attention; multi-query with 1).
        tokens: N, the number of tokens; 2 * width by default, as many as can matter for balanced halves. Must be given
            under a causal mask and with feedforward layers, where further tokens matter.
        residual: whether each layer adds its input to its output.
        causal: whether a token sees only itself and the tokens before it.
        embedding_rank: r, for a vocabulary bottleneck: the inputs are vectors w of dimension r, and tokens are x = E w
            with one matrix E of shape (width, r) for all. By default the inputs are the tokens x themselves.
        positional: whether each token gets a vector of its own added, which is fixed like a weight.
        feedforward: "bilinear" for a feedforward layer after each attention layer: a gated linear unit without the
            nonlinearity, W_D ((W_U z) * (W_G z)) for every token z, entry by entry. None, the default, for none.
        hidden: the inner width of the feedforward layers, which must be given with them.
        output_token: the site whose output is studied; the first by default, the last under a causal mask.

    A network has 4 L d^2 weights (`parameters`) if H a = d and none is shared, and those of embedding, positions and
    feedforward layers, 3 L d hidden.

    For almost all weights the separation rank does not depend on the output coordinate. Without a mask it depends on
    the partition only through the number of tokens on each side and the side of the output token.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1 (2 for tokens), heads does not divide the
            width, kv_heads does not divide heads, the embedding is wider than the network, the output token is none
            of the tokens, tokens are not given where they must be, or one of feedforward and hidden without the other.

    Sources: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), section 2, with H a = d; embeddings,
    Wies, Levine, Jannai, Shashua (ICML 2021, arXiv 2105.03928); narrow heads, Bhojanapalli et al. (ICML 2020,
    arXiv 2002.07028); shared keys and values, Shazeer (2019, arXiv 1911.02150) and Ainslie et al. (EMNLP 2023,
    arXiv 2305.13245); bilinear feedforward layers, Shazeer (2020, arXiv 2002.05202).

    >>> model = SelfAttention(depth=3, width=4, heads=2)
    >>> model.head_dim, model.tokens
    (2, 8)
    >>> SelfAttention(depth=2, width=2, tokens=6, causal=True).output_token
    5
    """

    kind: ClassVar = "attention"
    _: KW_ONLY
    kv_heads: int = None  # type: ignore[assignment]
    embedding_rank: int | None = None
    positional: bool = False
    feedforward: Literal["bilinear"] | None = None
    hidden: int | None = None

    # A grid is evaluated in small batches, which take next to nothing beside the values.
    values_share = 1.0

    def __post_init__(self) -> None:
        if self.feedforward not in (None, "bilinear"):
            raise TensorRankError(
                f"feedforward is {shown(self.feedforward)}; expected 'bilinear', with which ranks are exact. Networks with "
                "other feedforward layers have numerical ranks, as a NumericalModel"
            )
        if self.feedforward is not None and self.tokens is None:
            raise TensorRankError(
                "tokens are not given; with feedforward layers more than the width a side matter, so give a number such as "
                "tokens=8"
            )
        super().__post_init__()
        self._check_flags("positional")
        self._set_whole_number("kv_heads", 1, self.heads)
        if self.heads % self.kv_heads:
            raise CombinationError(f"kv_heads is {self.kv_heads}; expected a divisor of heads, {self.heads}")
        if self.embedding_rank is not None:
            self._set_whole_number("embedding_rank", 1)
            if self.embedding_rank > self.width:
                raise CombinationError(f"embedding_rank is {self.embedding_rank}; expected at most the width {self.width}")
        if self.feedforward is not None:
            self._set_whole_number("hidden", 1)
        elif self.hidden is not None:
            raise CombinationError(f"hidden is {shown(self.hidden)} without feedforward layers; add feedforward='bilinear'")

    @property
    def input_width(self) -> int:
        """The dimension of a token as it is given: r with an embedding, d without."""
        return self.width if self.embedding_rank is None else self.embedding_rank

    @property
    def _affine(self) -> bool:
        """Whether tokens are E w + p, with an embedding and positions both."""
        return self.positional and self.embedding_rank is not None

    @property
    def moment_degree(self) -> int:
        """The degree C = (3^L - 1) / 2 of attention without feedforward layers in the entries of the moment matrix."""
        return bounds.moment_degree(self.depth)

    @property
    def input_degree(self) -> int:
        """The degree of the output in the coordinates of the tokens: 3^L, and 6^L with feedforward layers."""
        return 6**self.depth if self.feedforward else 2 * self.moment_degree + 1

    @property
    def weight_degree(self) -> int:
        """The degree of the output in the weights: 4 C, and 3^L more with an embedding or positions.

        The output is a product of C layer matrices, each of degree 4 in its weights, and of 3^L tokens, each of degree
        1 in the embedding and the positions. With feedforward layers, of degree 3 in their weights, the degree w of a
        token becomes 2 (3 w + 4) + 3 in each layer, from 0 on.
        """
        outside = self.embedding_rank is not None or self.positional
        own = 11 * (6**self.depth - 1) // 5 if self.feedforward else 4 * self.moment_degree
        return own + (self.input_degree if outside else 0)

    def value_work(self, partition: Bipartition) -> float:
        """The operations that one value costs in a grid, at the rate of a matrix product.

        By moments these are products of d^3, a d^2 and a^2 d terms, whatever the number of tokens. Under a causal mask
        the value is computed token by token, and with feedforward layers from all tokens at once. A factor of 10 stands
        for the slowness of exact arithmetic.
        """
        d, a = self.width, self.head_dim
        if self.hidden is not None:
            seen = self.output_token + 1 if self.causal else self.tokens
            return 10.0 * (20 + self.depth * seen * (self.heads * (4 * a * d + 2 * a * seen) + 3 * d * self.hidden))
        if self.causal:
            return 10.0 * self.depth * (self.output_token + 1) * self.heads * (40 + 4 * a * d + 3 * a**2)
        return 10.0 * (20 + self.depth * (2 * d**3 + self.heads * (2 * a * d**2 + 2 * a**2 * d)))

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        shapes = dict(super().shapes)
        if self.kv_heads < self.heads:
            shared = ("depth, kv_heads, head_dim, width", (self.depth, self.kv_heads, self.head_dim, self.width))
            shapes |= {"key": shared, "value": shared}
        if self.embedding_rank is not None:
            shapes["embedding"] = ("width, embedding_rank", (self.width, self.embedding_rank))
        if self.positional:
            shapes["positions"] = ("tokens, width", (self.tokens, self.width))
        if self.hidden is not None:
            inward = ("depth, hidden, width", (self.depth, self.hidden, self.width))
            shapes |= {"up": inward, "gate": inward, "down": ("depth, width, hidden", (self.depth, self.width, self.hidden))}
        return shapes

    def sides(self, partition: PartitionLike) -> tuple[int, int]:
        """The number of tokens that the output sees on its own side, and on the other.

        Raises:
            PartitionError: if the partition does not cover the tokens.
        """
        split = checked_partition(self.sites, partition)
        seen = range(self.output_token + 1 if self.causal else self.tokens)
        sizes = sum(site in seen for site in split.a), sum(site in seen for site in split.b)
        return sizes if self.output_token in split.a else sizes[::-1]

    def moment_form(self) -> MomentForm | None:
        """The moment form of this network; None where it has none.

        There is none under a causal mask, for positions together with an embedding, and with feedforward layers, which
        take moments of higher order.
        Positions alone are no obstacle: the token x + p is as free as x. With residual connections the leading form is
        the network without them. Its separation rank is at most this one's for each choice of weights: ordered by
        degree, this network's functions of the two sides meet in a block triangular matrix, whose diagonal blocks are
        those of the leading form.
        """
        if self.causal or self._affine or self.feedforward:
            return None
        leading = replace(self, residual=False) if self.residual else None
        return MomentForm(
            self.input_width,
            self.moment_degree,
            self.output_token,
            self._lower_bounds,
            leading,
            self._upper_bounds,
            self._pair_work,
        )

    def _pair_work(self, tokens: tuple[int, int]) -> float:
        """The operations for the parts at one pair of inputs, of so many tokens on both sides: one value a degree."""
        near, far = tokens
        n, scales = near + far, self.moment_degree + 1
        d, a = self.width, self.head_dim
        if self.heads == 1:
            fixed, each = 4 * self.depth * near * far * d, 3 * self.depth * n**2 * (n + 2)
        else:
            fixed, each = 0, self.depth * self.heads * n * (4 * a * d + 2 * a * n)
        return 2 * (fixed + scales * (each + scales))

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> AttentionInstance:
        """The network over GF(p) with random weights, or with the exact image of those given."""
        drawn = AttentionWeights(**drawn_or_given(weights, self.shapes, field, rng))
        return AttentionInstance(field, drawn.by_head(), self.output_token, residual=self.residual, causal=self.causal)

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the coefficients of the output, a polynomial in tokens and in weights not given."""
        found = heights_of(weights, self.shapes)
        variant = self.embedding_rank, self.positional, self.hidden
        return value_bits(self, found, *variant)

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True if this network has at least the other's separation rank, by what `containment` proves."""
        # What most others fail for costs next to nothing to see, before tokens are counted.
        if not isinstance(other, SelfAttention) or self.width < other.width or self.depth < other.depth:
            return False
        return self.network(partition).contains(other.network(other_partition))

    def rank_key(self, partition: PartitionLike) -> dict[str, Any]:
        """The plain values that the separation rank for almost all weights depends on, by what `same_rank` proves."""
        return rank_key(self.network(partition))

    def network(self, partition: PartitionLike) -> Network:
        """The network and a bipartition of its tokens, to be asked what it contains."""
        split = checked_partition(self.sites, partition)
        own = self.kv_heads, self.input_width, self.positional, self.hidden or 0
        return Network(self, *own, self.sides(split), split)

    def float_grid(self, weights: dict[str, Floats], partition: Bipartition, count: int, rng: np.random.Generator) -> Floats:
        """The values in floats at all pairs of so many standard normal inputs of each side."""
        return float_grid(self, AttentionWeights(**weights).by_head(), partition, count, rng)

    def rank_bound(self, partition: PartitionLike) -> int | None:
        """The moment bound for tokens of the dimension of the inputs; None for several tokens under a deep causal mask.

        Where heads let fewer functions through, it is the bound with heads in it, without residual connections.

        With both an embedding and positions it is the smaller of the affine bound and the moment bound for the full
        width. Where the output sees no token of the other side, the bound is 1. Between two tokens it holds under a
        mask of any depth, for the degrees in either token are odd and even as they are without one.

        With feedforward layers it is the bound of `feedforward`, to depth 3 and without residual connections, under a
        mask as above; None otherwise.
        """
        sides = self.sides(partition)
        if sides[1] == 0:
            return 1
        if self.feedforward:
            masked = self.causal and self.depth > 1 and sides != (1, 1)
            if self.residual or self.depth > DEEPEST_BOUND or masked:
                return None
            inputs = self.width if self._affine else self.input_width
            return feedforward_bound(self.depth, inputs, *sides, fills=inputs == self.width)
        masked = self.causal and self.depth > 1
        if not (self._affine or self.residual or masked) and (blocks := self._upper_bounds(partition)) is not None:
            return sum(blocks)
        if sides == (1, 1) and not self._affine:
            return bounds.two_token_rank(self.depth, self.input_width)
        if masked:
            return None
        if not self._affine:
            return bounds.moment_bound(self.depth, self.input_width, *sides)
        whole = bounds.moment_bound(self.depth, self.width, *sides)
        return min(whole, bounds.affine_bound(self.depth, self.width, self.input_width))

    def generic_lower_bound(self, partition: PartitionLike) -> int:
        """The largest of the monomial, identity, two-token and product bounds.

        Under a causal mask beyond depth 1 it is the largest of three: the bound between two tokens under a mask, the
        products of such bounds, and the monomial bound of the widest network of depth 1 which this one contains. With
        feedforward layers and residual connections it is the bound of the network without these layers, whose weights
        may be zero; without residual connections none is known beyond 1.
        """
        if self.sides(partition)[1] == 0:
            return 1
        if self.feedforward:
            return replace(self, feedforward=None, hidden=None).generic_lower_bound(partition) if self.residual else 1
        # One head of each group that shares keys and values, and the coordinates that the embedding reaches.
        heads = self.kv_heads, self.head_dim
        if not self.causal or self.depth == 1:
            return bounds.lower_bound(self.depth, self.input_width, *heads, *self.sides(partition))
        width = self.network(partition).shallower_width
        shallow = monomial(1, width, *heads, *self.sides(partition)).bound if width else 1
        return max(shallow, masked_lower_bound(self.depth, self.input_width, *heads))

    def proved_rank(self, partition: PartitionLike) -> ProvedRank | None:
        """The rank between two tokens, by the theorem on them, and any rank at which the two bounds meet.

        The theorem takes a head as wide as the inputs, and no mask beyond depth 1; positions or an embedding, not both;
        and no feedforward layers.
        """
        masked = (self.causal and self.depth > 1) or self.feedforward is not None
        if self.sides(partition) == (1, 1) and self.head_dim >= self.input_width and not masked and not self._affine:
            return two_token_theorem(self.depth, self.input_width)
        return super().proved_rank(checked_partition(self.sites, partition))

    def _upper_bounds(self, partition: PartitionLike) -> Sequence[int] | None:
        """For each degree's part of the network without residual connections a bound with heads in it."""
        return block_bounds(self.depth, self.input_width, self.heads, self.head_dim, self.kv_heads, *self.sides(partition))

    def _lower_bounds(self, partition: PartitionLike) -> Sequence[int]:
        """For each degree's part the larger rank at the weights of the monomial bound and at identity weights."""
        monomials = self._monomial(partition).by_degree()
        try:
            identity = identity_ranks(self.moment_degree, min(self.input_width, self.head_dim, *self.sides(partition)))
        except TooLargeError:
            return monomials
        return [max(pair) for pair in zip(monomials, identity, strict=True)]

    def _monomial(self, partition: PartitionLike) -> Monomial:
        # One head of each group that shares keys and values, and the coordinates that the embedding reaches.
        return monomial(self.depth, self.input_width, self.kv_heads, self.head_dim, *self.sides(partition))

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this network: its five sizes, and the variants that are not as usual."""
        usual = {
            "kv_heads": self.heads,
            "residual": False,
            "causal": False,
            "embedding_rank": None,
            "positional": False,
            "feedforward": None,
            "hidden": None,
            "output_token": self.tokens - 1 if self.causal else 0,
        }
        return {name: value for name, value in super().to_dict().items() if usual.get(name, ...) != value}

    def __repr__(self) -> str:
        return f"SelfAttention({', '.join(f'{name}={value!r}' for name, value in self.to_dict().items())})"

"""When one self-attention network contains another: a lower bound on the smaller's rank is one on the larger's.

The separation rank for almost all weights is the largest that any weights give, and restricting the inputs of a
function raises no rank. So if some weights and some inputs of the larger network give the function of the smaller one
at generic weights, then the larger network has at least its rank. Sizes of the smaller network have a prime.

- **Width, heads, head width.** Weights of the smaller network are padded with zeros, and so are tokens: the
  coordinates beyond d' stay zero in every layer, heads beyond H' add nothing, and neither do coordinates of a head
  beyond a'.
- **Shared keys and values.** A group of s' = H'/K' heads that share W_K and W_V takes ceil(s'/s) groups of s = H/K
  heads with the same W_K and W_V, so K' ceil(s'/s) <= K suffices.
- **Embedding.** With E padded by zeros, r >= r' suffices. A network without embedding has r = d, and takes the tokens
  x = E' w of one that has it.
- **Positions.** Position vectors of zero are no positions.
- **Tokens.** A token of zero, its position included, stays zero in every layer and adds nothing to others. So more
  tokens on a side contain fewer. Under a mask tokens are seen in order, and the sides of the smaller network's tokens,
  up to the output token, must be met in this order among the larger one's.
- **Residual connections.** Let f be the function of a network with residual connections, and g that of the network
  without them, for the same weights. Let k be the degree of g, 3^L, or 6^L with feedforward layers. With all tokens x
  multiplied by t (the embedding and the positions, or else the inputs), f(t x) / t^k tends to g(x) as t grows. A minor
  of a matrix of values that is not zero for g is not zero for large t either. So f has, at some weights, at least the
  rank of g.
- **Feedforward layers.** Their weights are padded with zeros as well. With residual connections W_D = 0 takes one away.
- **Depth, with residual connections.** A layer with W_O = 0 and W_D = 0 passes everything on.
- **Depth, without them and without feedforward layers.** Coordinate d', beyond those of the smaller network, is given
  up for a constant: it is 1 in every token that is not zero. The sum c of its squares over all tokens seen is their
  number, and not zero. A head with W_K = W_V = e_d'^T, W_Q = e_k^T and W_O = e_k maps a token x to c x_k e_k. So a
  layer with such a head for every k < d' multiplies these coordinates by c, and the layers above it are those of the
  smaller network. (Under a mask c depends on the site, which multiplies each token by a constant and changes no rank.)
  One more head keeps coordinate d', for a further layer of this kind. Hence d > d' and H >= d' suffice for one further
  layer, and H > d' for any number. All these heads have the same W_K and W_V, so they may share them. Inputs must reach
  coordinate d': with an embedding r > r' suffices.
"""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.attention.stack import AttentionStack
from tensorrank.separation.partition import Bipartition


@dataclass(frozen=True)
class Network:
    """What has to be known of a self-attention network and a bipartition of its tokens.

    Attributes:
        sizes: depth, width, heads, head width, and whether there are residual connections and a mask.
        kv_heads: K, the number of W_K and W_V in a layer.
        input_width: r, the dimension of a token as it is given.
        positional: whether there are position vectors.
        hidden: the inner width of feedforward layers; 0 without them.
        sides: the number of tokens that the output sees on its own side, and on the other.
        partition: the two sides.
    """

    sizes: AttentionStack
    kv_heads: int
    input_width: int
    positional: bool
    hidden: int
    sides: tuple[int, int]
    partition: Bipartition

    def contains(self, smaller: Network) -> bool:
        """True if this network has at least the other's separation rank, for almost all weights of both.

        >>> from tensorrank.attention.architecture import SelfAttention
        >>> halves = Bipartition.halves(2)
        >>> wide, narrow = (SelfAttention(2, width, tokens=2).network(halves) for width in (16, 7))
        >>> wide.contains(narrow), narrow.contains(wide)
        (True, False)
        """
        own, other = self.sizes, smaller.sizes
        return (
            own.causal == other.causal
            and own.residual >= other.residual
            and self.positional >= smaller.positional
            and own.width >= other.width
            and self.input_width >= smaller.input_width
            and own.head_dim >= other.head_dim
            and self._has_the_heads_of(smaller)
            and self._has_the_feedforward_of(smaller)
            and self._has_the_depth_of(smaller)
            and self._has_the_tokens_of(smaller)
        )

    @property
    def shallower_width(self) -> int:
        """The largest width of inputs of a network of depth 1 that this one contains with all its heads; 0 if none.

        >>> from tensorrank.attention.architecture import SelfAttention
        >>> halves = Bipartition.halves(8)
        >>> [SelfAttention(depth, 4, heads=2).network(halves).shallower_width for depth in (1, 2, 3)]
        [4, 2, 1]
        """
        if self.sizes.residual or self.sizes.depth == 1:
            return self.input_width
        if self.hidden:
            return 0
        # The layers that are passed on take a coordinate, and a head for each that they keep.
        return min(self.input_width - 1, self.sizes.heads - (self.sizes.depth > 2))

    def _has_the_heads_of(self, smaller: Network) -> bool:
        """True if every group of heads that share keys and values has groups of its own in this network."""
        sharing, wanted = self.sizes.heads // self.kv_heads, smaller.sizes.heads // smaller.kv_heads
        return smaller.kv_heads * -(-wanted // sharing) <= self.kv_heads

    def _has_the_feedforward_of(self, smaller: Network) -> bool:
        if self.sizes.residual and not smaller.hidden:
            return True
        return self.hidden >= smaller.hidden and bool(self.hidden) == bool(smaller.hidden)

    def _has_the_depth_of(self, smaller: Network) -> bool:
        further = self.sizes.depth - smaller.sizes.depth
        if further <= 0 or self.sizes.residual:
            return further >= 0
        if self.hidden:
            return False
        room = self.sizes.width > smaller.sizes.width and self.input_width > smaller.input_width
        return room and self.sizes.heads >= smaller.sizes.width + (further > 1)

    def _has_the_tokens_of(self, smaller: Network) -> bool:
        if not self.sizes.causal:
            return all(own >= wanted for own, wanted in zip(self.sides, smaller.sides, strict=True))
        # The output token is the last that is seen, and on its own side in both.
        rest = iter(self._in_order()[:-1])
        return all(side in rest for side in smaller._in_order()[:-1])

    def _in_order(self) -> list[bool]:
        """For each token that the output sees under a mask, whether it is on the output token's side."""
        output, split = self.sizes.output_token, self.partition
        own = set(split.a if output in split.a else split.b)
        return [site in own for site in range(output + 1)]

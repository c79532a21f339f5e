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
  without them, for the same weights. With all tokens x multiplied by t (the embedding and the positions, or else the
  inputs), f(t x) / t^(3^L) tends to g(x) as t grows. A minor of a matrix of values that is not zero for g is not zero
  for large t either. So f has, at some weights, at least the rank of g.
- **Depth, with residual connections.** A layer with W_O = 0 passes everything on.
- **Depth, without them.** Coordinate d', beyond those of the smaller network, is given up for a constant: it is 1 in
  every token that is not zero. The sum c of its squares over all tokens seen is their number, and not zero. A head
  with W_K = W_V = e_d'^T, W_Q = e_k^T and W_O = e_k maps a token x to c x_k e_k. So a layer with such a head for every
  k < d' multiplies these coordinates by c, and the layers above it are those of the smaller network. (Under a mask c
  depends on the site, which multiplies each token by a constant and changes no rank.) One more head keeps coordinate
  d', for a further layer of this kind. Hence d > d' and H >= d' suffice for one further layer, and H > d' for any
  number. All these heads have the same W_K and W_V, so they may share them. Inputs must reach coordinate d': with an
  embedding r > r' suffices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorrank.separation.partition import Bipartition

if TYPE_CHECKING:
    from tensorrank.attention.architecture import SelfAttention


def contains(larger: SelfAttention, partition: Bipartition, smaller: SelfAttention, other: Bipartition) -> bool:
    """True if the first network has at least the second one's separation rank, for almost all weights of both.

    Args:
        larger: the first network.
        partition: the bipartition of its tokens.
        smaller: the second network.
        other: the bipartition of the second network's tokens.

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> halves = Bipartition.halves
    >>> wide, narrow = SelfAttention(2, 16, tokens=2), SelfAttention(2, 7, tokens=2)
    >>> contains(wide, halves(2), narrow, halves(2)), contains(narrow, halves(2), wide, halves(2))
    (True, False)
    """
    return (
        larger.causal == smaller.causal
        and larger.residual >= smaller.residual
        and larger.positional >= smaller.positional
        and larger.width >= smaller.width
        and larger.input_width >= smaller.input_width
        and larger.head_dim >= smaller.head_dim
        and _has_the_heads(larger, smaller)
        and _has_the_depth(larger, smaller)
        and _has_the_tokens(larger, partition, smaller, other)
    )


def shallower_width(model: SelfAttention) -> int:
    """The largest width of inputs of a network of depth 1 that this one contains with all its heads; 0 if none.

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> shallower_width(SelfAttention(2, 4, heads=2)), shallower_width(SelfAttention(3, 4, heads=2))
    (2, 1)
    """
    if model.residual or model.depth == 1:
        return model.input_width
    # The layers that are passed on take a coordinate, and a head for each that they keep.
    return min(model.input_width - 1, model.heads - (model.depth > 2))


def _has_the_heads(larger: SelfAttention, smaller: SelfAttention) -> bool:
    """True if every group of heads that share keys and values has groups of its own in the larger network."""
    sharing, wanted = larger.heads // larger.kv_heads, smaller.heads // smaller.kv_heads
    return smaller.kv_heads * -(-wanted // sharing) <= larger.kv_heads


def _has_the_depth(larger: SelfAttention, smaller: SelfAttention) -> bool:
    further = larger.depth - smaller.depth
    if further <= 0 or larger.residual:
        return further >= 0
    kept = smaller.width + (further > 1)
    room = larger.width > smaller.width and larger.input_width > smaller.input_width
    return room and larger.heads >= kept


def _has_the_tokens(larger: SelfAttention, partition: Bipartition, smaller: SelfAttention, other: Bipartition) -> bool:
    if not larger.causal:
        return all(own >= wanted for own, wanted in zip(larger.sides(partition), smaller.sides(other), strict=True))
    seen, wanted = _in_order(larger, partition), _in_order(smaller, other)
    # The output token is the last that is seen, and on its own side in both.
    rest = iter(seen[:-1])
    return all(side in rest for side in wanted[:-1])


def _in_order(model: SelfAttention, partition: Bipartition) -> list[bool]:
    """For each token that the output sees under a mask, whether it is on the output token's side."""
    own = set(partition.a if model.output_token in partition.a else partition.b)
    return [site in own for site in range(model.output_token + 1)]

"""How large the coefficients of self-attention are: a bound on their absolute values, in bits.

The output is a polynomial in weights and tokens whose coefficients are whole numbers and not negative. Their sum is the
output for weights and tokens of which all entries are 1. Given weights are multiplied by a common denominator D of
each array; then the bound on the sum is the output for tokens of ones and weights that all are as large as the
largest. With residual connections D of a layer stands beside the token that is added, so that all terms have a common
denominator again.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

from tensorrank.arithmetic.heights import Height, bits_of_sum
from tensorrank.attention.stack import AttentionStack

_NOTHING = Height(0.0, 0.0, 0.0)


def value_bits(
    stack: AttentionStack,
    heights: Mapping[str, Height],
    embedding_rank: int | None = None,
    positional: bool = False,
    hidden: int | None = None,
) -> float:
    """log2 of a bound on the sum of the absolute values of a network's coefficients, cleared of denominators.

    The denominators of given weights are added once more, for the primes that divide them and are passed over.

    Args:
        stack: the sizes of the network.
        heights: of given weights, by name. Without them the coefficients are those of a polynomial in the weights too.
        embedding_rank: the rank of an embedding, if there is one.
        positional: whether each token has a position vector added.
        hidden: the inner width of bilinear feedforward layers, if there are any.
    """
    d, a = stack.width, stack.head_dim
    layer = [heights.get(name, _NOTHING) for name in ("query", "key", "value", "output")]
    weights, denominator = sum(one.largest for one in layer), sum(one.denominator for one in layer)
    # A token before the first layer, and the denominator that it was multiplied by.
    token, scale = _first_token(heights, embedding_rank, positional=positional)
    for _ in range(stack.depth):
        moment = log2(stack.tokens) + 2 * token
        matrix = log2(stack.heads) + 2 * log2(a) + 2 * log2(d) + weights + moment
        added = [denominator + 2 * scale + token] if stack.residual else []
        token = bits_of_sum([log2(d) + matrix + token, *added])
        scale = denominator + 3 * scale
        if hidden is not None:
            gates = [heights.get(name, _NOTHING) for name in ("up", "gate", "down")]
            inner, below = sum(one.largest for one in gates), sum(one.denominator for one in gates)
            added = [below + scale + token] if stack.residual else []
            token = bits_of_sum([log2(hidden) + 2 * log2(d) + inner + 2 * token, *added])
            scale = below + 2 * scale
    return token + sum(one.denominator for one in heights.values())


def _first_token(heights: Mapping[str, Height], rank: int | None, *, positional: bool) -> tuple[float, float]:
    """The size of a token that the first layer sees, in bits, and of the denominator it was multiplied by."""
    embedding, positions = heights.get("embedding", _NOTHING), heights.get("positions", _NOTHING)
    inputs = (log2(rank) + embedding.largest if rank is not None else 0.0) + positions.denominator
    if not positional:
        return inputs, embedding.denominator
    return bits_of_sum([inputs, positions.largest + embedding.denominator]), embedding.denominator + positions.denominator

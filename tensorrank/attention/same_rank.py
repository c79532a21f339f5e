"""What the separation rank of self-attention depends on, so that networks of equal rank are known by one key.

The rank is the one for almost all weights. It is not changed where the inputs of a site are mapped one to one, nor by
the name of a site. Each line below leaves something out of the key, with the reason. What is not proved stays in it.

- **Which site is which, without a mask.** A layer treats all tokens alike. So only the numbers of tokens on the two
  sides count, and on which side the output token is. With position vectors the sites are exchanged together with
  their vectors, which are drawn alike.
- **Positions, where the inputs fill the width.** A token x + p is as free as x. Where an embedding is a square matrix,
  it is one to one for almost all weights, so there is none, and a token E w + p is as free as w.
- **Tokens that the output does not see.** Under a mask these are all behind the output token.
- **A mask at depth 1.** The output token sees the tokens up to it as it would without a mask.
- **More than r tokens a side**, for tokens of dimension r that fill the width or come from an embedding without
  positions. Then y = sum_q x_q P_q(M_A + M_B) with M = sum_j x_j x_j^T over a side. From r tokens on M takes all
  positive definite values, so the monomials in the entries of M_B are independent, and further tokens add no function.
  On the output token's side the functions are x_q times monomials in the entries of M_A. They are independent, too: for
  r tokens and a positive definite M_A, the token x takes all values of the ellipsoid x^T M_A^-1 x = 1, on which a
  linear function that vanishes is zero. With feedforward layers there are moments of higher order, and the number of
  tokens stays in the key.
"""

from __future__ import annotations

from typing import Any

from tensorrank.attention.containment import Network


def rank_key(network: Network) -> dict[str, Any]:
    """The plain values that the separation rank depends on: two networks of equal values have equal ranks.

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> few, many = (SelfAttention(2, 3, tokens=tokens).network("halves") for tokens in (6, 20))
    >>> rank_key(few) == rank_key(many), rank_key(few)["tokens"]
    (True, [3, 3])
    """
    sizes, split = network.sizes, network.partition
    fills = network.input_width == sizes.width
    masked = sizes.causal and sizes.depth > 1
    positional = network.positional and not fills
    if masked:
        own = set(split.a if sizes.output_token in split.a else split.b)
        tokens: Any = "".join("a" if site in own else "b" for site in range(sizes.output_token + 1))
    elif positional or network.hidden:
        tokens = list(network.sides)
    else:
        tokens = [min(side, network.input_width) for side in network.sides]
    return {
        "width": sizes.width,
        "depth": sizes.depth,
        "heads": sizes.heads,
        "head_dim": sizes.head_dim,
        "kv_heads": network.kv_heads,
        "input_width": network.input_width,
        "residual": sizes.residual,
        "causal": masked,
        "positional": positional,
        "hidden": network.hidden,
        "tokens": tokens,
    }

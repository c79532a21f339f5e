"""Bilinear feedforward layers: how they raise the degree of a self-attention network, and a bound on its rank.

A feedforward layer follows each attention layer and maps every token z by itself, to

    W_D ((W_U z) * (W_G z)),

where * is the product entry by entry. It is a gated linear unit without the nonlinearity (Shazeer, 2020, arXiv
2002.05202, "bilinear"), so that a network stays a polynomial. Each layer of such a network multiplies the degree in the
tokens by 6: attention by 3, the feedforward layer by 2.

**Moment form.** Let S_m be the sum over all tokens of the m-th tensor power of x_j, a symmetric tensor with
D_m = ((d, m)) different entries. Without residual connections, after layer l a token is a form of degree 2^l in its
own x, and of degree c_i = 2 * 6^(l-i) in the entries of S_m for each m = 2^i, i = 1..l. Proof: let it be so after layer
l - 1 for all tokens z_j, with own degree 2^(l-1). Then the sum of z_j z_j^T is linear in S_m, m = 2^l, and has twice
the other degrees. Attention multiplies it by the asking token, which makes the other degrees threefold, and the
feedforward layer doubles all degrees.

**Bound.** Each S_m is the sum of those of the two sides. So the output is a sum of parts, one for each choice of the
degrees k_i <= c_i in the moments of the output token's side. The rank of a part is at most the number of monomials in x
and these moments, and at most the number of monomials in the moments of the other side.

**Few tokens.** On the other side all functions are symmetric in the tokens, and of even degree in each. On the output
token's side they are sums of products of a form of degree 2^L in x and of such a function of all tokens. They are even
in x, too, and symmetric in the other tokens. The parts of one total degree have together no larger rank than there are
functions of that degree on either side. Between two tokens nothing but this matters, and it holds under a causal mask,
too: in each token the output is even, of degree 2^L at least in the second.

**Width 2, depth 2.** Two parts have less rank, if inputs and network both have width 2 (`SHORT_PARTS`). The matrices
G(S_2) of the first layer have three dimensions among the four of all matrices, so they fulfil tr(C G) = 0 for some C,
invertible for almost all weights. With J = (0, 1; -1, 0) then J C G is symmetric, and may be taken for S_2 itself, by a
linear change of its entries. The first feedforward layer gives two quadratic forms of S_2 x, which are combinations of
the squares of two linear forms over the complex numbers. With these as coordinates, they are combinations of
(S_2 x)_1^2 and (S_2 x)_2^2, and S_2 is still symmetric. So the sign of the second coordinate does not matter: in every
term of the output the index 2 stands an even number of times at x, S_2 and S_4 together. (Weights that are not generic
have no larger rank than these.)

- *Degree 8 in S_2 and 0 in S_4.* Of the 225 rows 115 have an even number of indices 2 and 110 an odd number, of the 225
  columns 117 and 108. Even rows meet even columns only, so the rank is at most 115 + 108 = 223.
- *Degree 0 in S_2 and 2 in S_4.* The 75 rows are the functions f(rho(S) t) of S = (a, b; b, c), the S_2 of the other
  side. Here t is fixed and has only terms with an even number of indices 2, f is any linear form, and rho is the action
  on the forms in x and S_4: with V_n for the binary forms of degree n times a power of the determinant, V_4 (x) S^2 V_4
  = V_12 + V_10 + 2 V_8 + 2 V_6 + 3 V_4 + V_2 + V_0. The 33 functions from V_0 to V_6 are det(S)^3 times forms of degree
  6, of which there are 28. At b = 0 they have even powers of a and c only, so four coefficients of the form are zero:
  they have at most 24 dimensions. Of the 42 others, in 2 V_8 let t be (u, v). As rho(S) is symmetric, v^T rho(S) u =
  u^T rho(S) v, a relation of two functions. So the rank is at most 24 + 41 = 65.

Attention alone has the one moment S_2 of fixed size, and saturates. Here every layer brings a moment of higher order,
so that more than d tokens a side matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from math import prod

from tensorrank.separation.monomials import monomial_count

# Deeper networks have millions of parts.
DEEPEST_BOUND = 3
# At width 2 and depth 2, the most rank of two parts, by their degrees in S_2 and S_4.
SHORT_PARTS: dict[tuple[int, ...], int] = {(8, 0): 223, (0, 2): 65}


def feedforward_bound(depth: int, width: int, output_tokens: int, other_tokens: int, *, fills: bool = True) -> int:
    """A proven upper bound on the separation rank with bilinear feedforward layers and no residual connections.

    Args:
        depth: L, at most 3.
        width: d, the dimension of a token as it is given.
        output_tokens: the number of tokens on the output token's side.
        other_tokens: their number on the other side, at least 1.
        fills: whether the network itself is no wider than a token as it is given.

    Source: the moment form and the counts at the head of `tensorrank.attention.feedforward`.

    >>> [feedforward_bound(1, width, 4, 4) for width in (1, 2, 3, 4)], feedforward_bound(2, 1, 2, 2)
    ([3, 7, 13, 21], 39)
    """
    own, degree = 2**depth, 6**depth
    parts: Counter[int] = Counter()
    short = SHORT_PARTS if fills and (depth, width) == (2, 2) else {}
    for degrees, weight, rank in _parts(depth, width):
        parts[weight] += short.get(degrees, rank)
    others, near, far = (_even_forms(width, tokens, degree) for tokens in (output_tokens - 1, output_tokens, other_tokens))
    total = 0
    for weight, rank in parts.items():
        products = monomial_count(width, own) * near[weight - own]
        even = sum(monomial_count(width, e) * others[weight - e] for e in range(own, weight + 1, 2))
        total += min(rank, products, even, far[degree - weight])
    return total


def _parts(depth: int, width: int) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """For each part its degrees k_i, its degree in all tokens of the output's side, and a bound on its rank."""
    orders = [2**i for i in range(1, depth + 1)]
    most = [2 * 6 ** (depth - i) for i in range(1, depth + 1)]
    sizes = [monomial_count(width, order) for order in orders]
    own = monomial_count(width, orders[-1])
    for degrees in product(*(range(c + 1) for c in most)):
        rows = own * prod(map(monomial_count, sizes, degrees))
        columns = prod(monomial_count(size, c - k) for size, c, k in zip(sizes, most, degrees, strict=True))
        weight = orders[-1] + sum(order * k for order, k in zip(orders, degrees, strict=True))
        yield degrees, weight, min(rows, columns)


@cache
def _even_forms(width: int, tokens: int, degree: int) -> list[int]:
    """For each degree up to this one, how many forms are symmetric in the tokens and of even degree in each of them.

    Such forms have a basis of the sums over all orders of the tokens of products of monomials, one monomial a token:
    so they are counted as choices of so many monomials of even degree, with repetition.
    """
    # More tokens than half the degree have all their further monomials of degree 0.
    tokens = min(tokens, degree // 2)
    counts = [[0] * (degree + 1) for _ in range(tokens + 1)]
    counts[0][0] = 1
    for even in range(2, degree + 1, 2):
        kinds = monomial_count(width, even)
        choices = [monomial_count(kinds, several) for several in range(min(tokens, degree // even) + 1)]
        following = [list(row) for row in counts]
        for several in range(1, len(choices)):
            for used in range(tokens - several + 1):
                row, target = counts[used], following[used + several]
                for weight in range(0, degree - several * even + 1, 2):
                    if row[weight]:
                        target[weight + several * even] += row[weight] * choices[several]
        counts = following
    return [sum(row[weight] for row in counts) for weight in range(degree + 1)]

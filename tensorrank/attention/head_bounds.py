"""Upper bounds with heads in them: what the first layer lets through, and where a single full head sees nothing.

The moment bound counts all polynomials in the moments M = sum_j x_j x_j^T. Narrow heads do not let all of them through,
and functions of a single head as wide as the network vanish at certain moments. Both give bounds on each block, which
hold for all weights. L layers have width d, with H heads of width a and G different pairs of keys and values (G = H
unless heads share them). C_L = (3^L - 1) / 2, D = d (d+1) / 2, and ((n, k)) is the number of monomials of degree k in n
variables.

**The first layer.** Let m be the entries of the matrices W_V M W_K^T of the first layer, mu independent linear forms in
M. Let the rows of Q be the queries of all its heads, r of them independent, S = Q M Q^T and xi = Q x. The layer turns x
into O A xi and M into O A S A^T O^T, where A holds the forms m and O the matrices W_O. The layers above are a network
of depth L - 1, whose value is linear in its token, and of degree T = C_(L-1) in its moments. Therefore the value is
linear in xi, of degree 3^(L-1) in m, and of degree T in S.

**The bound by forms.** Let n be nu entries of S, or combinations of them, of which with m all entries of S are
combinations. Then the value has at most degree T in n. Put M = M_A + M_B, and look at terms of degree k in M_A and
j = C_L - k in M_B. Each has some degree i in n_A, and at most T - i in n_B. For any s, terms with i < s are sums over
the functions xi m^(k-i) n^i of side A, and all others are sums over the functions m^(j-i) n^i of side B with
i <= T - s. So the block of degree k has at most the rank

    min over s of   r sum over i < s of ((nu, i)) ((mu, k-i))   +   sum over i <= T - s of ((nu, i)) ((mu, j-i)).

Counted separately by the degrees in m and in S, with all r (r+1) / 2 entries of S, it also has at most

    sum over i of min( r ((mu, k-i)) ((r (r+1)/2, i)),  ((mu, 3^(L-1) - k + i)) ((r (r+1)/2, T - i)) ).

**How many forms.** The entries of one matrix W_V M W_K^T are the products of two spaces of linear forms, the row spaces
of W_V and W_K. They are a^2 - s (s-1) / 2 independent ones, where the two meet in dimension s = max(0, 2a - d). For mu
the numbers of all G pairs are added, up to D. If r < d, both spaces meet the row space of Q in dimension
x = max(0, a + r - d), and all three meet in dimension y = max(0, 2a + r - 2d). Then x^2 - y (y-1) / 2 of the forms are
entries of S already. This is so for almost all weights; ranks at other weights are no larger, so that the bounds hold
for all. Larger numbers do no harm to a bound.

**Shared keys and values.** The value reads its token through G a^2 rows at the top, and each layer below multiplies
their number by G a^2. So r in front of the sums may be replaced by (G a^2)^L where this is less. If all heads share one
key and one value of width 1, the first layer multiplies every token by the one form m and a fixed matrix. By induction
the value is a linear form of the token times powers 1, 3, .., 3^(L-1) of L linear forms of M. Its rank is at most the
product of 3^l + 1 over l < L, and that of a block the coefficient of z^k in the product of 1 + z + .. + z^(3^l).

**One token on a side.** Its moments are b b^T, and the forms m are quadratic in b. With heads of width 1 they are
products of two linear forms. For almost all weights mu <= d of them are a regular sequence. A function of degree at
most t in n lies in the power j - t of the ideal I of these forms in the ring R of all polynomials in b. Since the
graded ring of I is a polynomial ring in mu variables over R/I, the ring R/I^p has in degree e the dimension

    sum over i < p of ((mu, i)) times the coefficient of z^(e-2i) in (1+z)^mu / (1-z)^(d-mu).

What this leaves of the forms of degree 2j bounds the functions of side B, and of those of degree 2k + 1 the functions
of side A.

**One head as wide as the tokens** lets all moments through, but its functions vanish at certain tokens. The file
`vanishing.py` counts how many dimensions they lack.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.attention.large_counts import checked_size
from tensorrank.attention.monomial import token_counts
from tensorrank.attention.vanishing import coefficient, lacking
from tensorrank.errors import CombinationError, TooLargeError
from tensorrank.separation.head_widths import head_width
from tensorrank.separation.hilbert import MomentSpaces, moment_spaces
from tensorrank.separation.monomials import monomial_count

# The degrees of networks for which the bounds are counted, block by block: those of depth 6 at most.
_MOST_DEGREES = 400


@dataclass(frozen=True)
class FirstLayer:
    """What the first layer lets through of the tokens and their moments, in the letters at the head of this file.

    Attributes:
        width: d, the dimension of a token.
        inputs: r, or (G a^2)^L if this is less: the linear forms through which the value depends on the token.
        queries: r, the independent queries.
        forms: mu, the forms m.
        further: nu, the entries of S that are independent of each other and of m.
        products: whether the forms are products of two linear forms of a single token, and at most d of them.

    >>> FirstLayer.of(depth=2, width=4, heads=4, head_dim=1, own=4)
    FirstLayer(width=4, inputs=4, queries=4, forms=4, further=6, products=True)
    >>> FirstLayer.of(depth=2, width=4, heads=1, head_dim=4, own=1)
    FirstLayer(width=4, inputs=4, queries=4, forms=10, further=0, products=False)
    """

    width: int
    inputs: int
    queries: int
    forms: int
    further: int
    products: bool

    @classmethod
    def of(cls, depth: int, width: int, heads: int, head_dim: int, own: int) -> FirstLayer:
        """The first layer of heads so many and so wide, of which `own` have keys and values of their own."""
        entries, dim = width * (width + 1) // 2, min(head_dim, width)
        queries = min(width, heads * dim)
        each = _products(dim, max(0, 2 * dim - width))
        common = max(0, dim + queries - width)
        within = each if queries == width else _products(common, max(0, 2 * dim + queries - 2 * width))
        forms = min(entries, own * each)
        whole = min(entries, queries * (queries + 1) // 2 + own * (each - within))
        inputs = min(queries, (own * dim**2) ** depth)
        return cls(width, inputs, queries, forms, max(0, whole - forms), dim == 1 and own <= width)

    def functions(self, degree: int, most: int) -> list[int]:
        """How many monomials of a degree in m and n have at most 0, 1, .., `most` factors n."""
        further, forms = _counts(self.further), _counts(self.forms)
        found = list(accumulate(further[i] * forms[degree - i] for i in range(min(most, degree) + 1)))
        return found + found[-1:] * (most + 1 - len(found))

    def of_one_token(self, degree: int, power: int) -> int:
        """The forms of a degree in one token in the power of the ideal of the forms m, or all where little is known."""
        every = monomial_count(self.width, degree)
        if not self.products or power <= 0:
            return every
        quotient = (monomial_count(self.forms, i) * self._quotient(degree - 2 * i) for i in range(min(power, degree // 2 + 1)))
        return every - sum(quotient)

    def _quotient(self, degree: int) -> int:
        return coefficient(self.forms, self.width - self.forms, degree)


@lru_cache(maxsize=64)
def _counts(variables: int) -> tuple[int, ...]:
    """The monomials of degree 0, 1, .. in so many variables, one made of the other."""
    found = [1]
    for degree in range(_MOST_DEGREES):
        found.append(found[-1] * (variables + degree) // (degree + 1))
    return tuple(found)


def _products(dimension: int, common: int) -> int:
    """The dimension of the products of two spaces of linear forms, of one dimension, that have so much in common."""
    return dimension**2 - common * (common - 1) // 2


def head_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    kv_heads: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> int:
    """An upper bound on the separation rank for all weights that knows the heads: never above the moment bound.

    A narrow head lets few functions of the moments through, and functions of a single head of full width vanish at some
    moments. The bound counts what is left, block by block.

    Args:
        depth: L.
        width: d.
        heads: H, the heads of a layer.
        head_dim: the width of a head; width // heads by default.
        kv_heads: heads with keys and values of their own, a divisor of heads; as many as heads by default.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, heads does not divide the width and head_dim
            is not given, kv_heads does not divide heads, or the depth is more than 6.

    Source: stated and proved at the head of `tensorrank/attention/head_bounds.py`.

    >>> [head_bound(2, 4, heads) for heads in (1, 2, 4)], [head_bound(3, width) for width in (2, 3, 4)]
    ([110, 107, 85], [232, 3102, 31456])
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    heads = whole_number("heads", heads, 1)
    dim = head_width(width, heads, head_dim)
    own = heads if kv_heads is None else whole_number("kv_heads", kv_heads, 1)
    if heads % own:
        raise CombinationError(f"kv_heads is {own}; expected a divisor of heads, {heads}")
    near, far = token_counts(width, output_tokens, other_tokens)
    blocks = block_bounds(depth, width, heads, dim, own, near, far)
    if blocks is None:
        raise TooLargeError(f"depth is {depth}; expected at most 6, for blocks are counted one by one. Try moment_bound")
    return sum(blocks)


@lru_cache(maxsize=256)
def block_bounds(
    depth: int, width: int, heads: int, head_dim: int, own: int, output_tokens: int, other_tokens: int
) -> tuple[int, ...] | None:
    """Bounds on the ranks of the blocks, by the degree k = 0..C in the moments of the output token's side.

    None stands for networks so deep that blocks are not counted one by one.

    Args:
        depth: L.
        width: the dimension of a token as it is given: d, or the rank of an embedding.
        heads: H.
        head_dim: a.
        own: the heads with keys and values of their own.
        output_tokens: tokens on the output token's side.
        other_tokens: tokens on the other side.

    >>> block_bounds(2, 4, 4, 1, 4, 4, 4)
    (4, 36, 34, 10, 1)
    >>> block_bounds(3, 4, 1, 4, 1, 4, 4)[6]
    11436
    """
    degree = (3**depth - 1) // 2 if depth <= _MOST_DEGREES else _MOST_DEGREES + 1
    if degree > _MOST_DEGREES:
        return None
    spaces = moment_spaces(width, degree, output_tokens, other_tokens)
    layer = FirstLayer.of(depth, width, heads, head_dim, own)
    vanishing = depth if heads == 1 and head_dim >= width else None
    found = [_block_bound(layer, spaces, k, vanishing, output_tokens == 1, other_tokens == 1) for k in range(degree + 1)]
    if own * head_dim == 1:
        product = [1]
        for layers in range(depth):
            product = np.convolve(product, np.ones(3**layers + 1, dtype=object)).tolist()
        found = [min(pair) for pair in zip(found, product, strict=True)]
    return tuple(found)


def _block_bound(layer: FirstLayer, spaces: MomentSpaces, k: int, vanishing: int | None, one_near: bool, one_far: bool) -> int:
    """The bound on the block of degree k, of a network whose single head vanishes somewhere if its depth is given."""
    j, above, every = spaces.degree - k, (spaces.degree - 1) // 3, (spaces.rows(k), spaces.columns(k))
    if vanishing is not None:
        lacks = lacking(vanishing, layer.width, k, output_side=True), lacking(vanishing, layer.width, j, output_side=False)
        return min(count - missing for count, missing in zip(every, lacks, strict=True))
    # By the number of factors n: those of a row below s, those of a column at most `above` - s.
    rows = [0, *(layer.inputs * count for count in layer.functions(k, above))]
    columns = [*layer.functions(j, above)[::-1], 0]
    if one_near:
        rows = [min(count, layer.of_one_token(2 * k + 1, k - s + 1)) if s else 0 for s, count in enumerate(rows)]
    if one_far:
        powers = range(j - above, j + 1)
        columns = [min(count, layer.of_one_token(2 * j, power)) for count, power in zip(columns, powers, strict=False)] + [0]
    by_forms = min(min(row, every[0]) + min(column, every[1]) for row, column in zip(rows, columns, strict=True))
    return min(by_forms, *every, _by_both_degrees(layer, k, spaces.degree))


def _by_both_degrees(layer: FirstLayer, k: int, degree: int) -> int:
    """The bound by the degrees in m and in all entries of S, whether or not they are independent."""
    entries, above = layer.queries * (layer.queries + 1) // 2, (degree - 1) // 3
    below = degree - above

    forms, products = _counts(layer.forms), _counts(entries)
    return sum(
        min(layer.inputs * forms[k - i] * products[i], forms[below - k + i] * products[above - i])
        for i in range(max(0, k - below), min(k, above) + 1)
    )

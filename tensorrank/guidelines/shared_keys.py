"""What it costs in separation rank that heads share keys and values.

Without softmax a layer sees the tokens through their moment matrix M alone, and M through the numbers in V M K^T, one
a x a matrix for each head with keys K and values V of its own. Heads that share both share that matrix, and differ only
in what they make of it. So a layer with g such heads of width a reads g a^2 linear forms of M, of D = d (d+1) / 2.

**One layer, exactly.** The output of a token x is y = sum_q x_q P_q(M), linear in x and in M. Its two parts are of
degree 0 and 1 in the moments of x's own side: the first has as many independent functions as there are independent
forms P_q, the second is a single function of each side. With output row u, head h of group g has w = u O_h V_g, and
contributes sum_i (w M k_i) (q_i x), where k_i and q_i are the rows of K_g and Q_h. The vectors w of a group span
min(H / g, a) dimensions, so there are at most g a min(H / g, a) independent forms, and never more than the d values of
q or the H a rows of queries. For almost all weights there are as many. So between two sides of many tokens the rank is

    1 + min(d, H a, g a min(H / g, a)),

and keys that are shared cost nothing in one layer if a g min(H / g, a) >= min(d, H a).

**Deeper networks** have the moment bound of their width whatever heads share. Small ones are computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record
from tensorrank.separation.plan import plan
from tensorrank.separation.solve import separation_rank

# The operations of a rank that is computed at once.
_AT_ONCE = 10**10
_SMALL = 8  # log3 of the largest bound on such a rank


@checked
@dataclass(frozen=True)
class SharedKeys(Record):
    """What a network without softmax and without a mask loses if its heads share keys and values.

    Attributes:
        depth: the number of layers, L.
        width: the dimension of a token, d.
        heads: the attention heads of a layer, H.
        kv_heads: the heads with keys and values of their own, g.
        head_dim: the width of a head, a.
        log3_bound: log3 of the moment bound, which holds whatever heads share.
        rank: the separation rank between two sides of many tokens, where keys are shared and it is known, or is
            computed in a moment.
        rank_unshared: the same rank if every head had keys and values of its own.
        standing: how far both ranks are proved; None where they are not known.

    >>> shared_keys(depth=2, width=4, heads=4, kv_heads=1).rank_unshared
    85
    """

    derived = ("numbers_read", "numbers_unshared", "numbers_of_moments")
    depth: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    log3_bound: float
    rank: int | None = None
    rank_unshared: int | None = None
    standing: Literal["exact", "probable"] | None = None

    @property
    def numbers_of_moments(self) -> int:
        """The numbers D = d (d+1) / 2 of the moment matrix."""
        return self.width * (self.width + 1) // 2

    @property
    def numbers_read(self) -> int:
        """How many linear forms of the moment matrix the first layer reads: g a^2, and no more than D."""
        return min(self.numbers_of_moments, self.kv_heads * self.head_dim**2)

    @property
    def numbers_unshared(self) -> int:
        """How many it would read if every head had keys and values of its own."""
        return min(self.numbers_of_moments, self.heads * self.head_dim**2)

    @property
    def one_layer(self) -> tuple[int, int]:
        """The ranks of one layer, with keys and values shared and without, which are exact."""
        shared, unshared = (_one_layer(self.width, self.heads, own, self.head_dim) for own in (self.kv_heads, self.heads))
        return shared, unshared


@checked
def shared_keys(depth: int, width: int, heads: int = 1, kv_heads: int | None = None, head_dim: int | None = None) -> SharedKeys:
    """What a shape of attention loses in separation rank by keys and values that heads share.

    Args:
        depth: the number of layers, L.
        width: the dimension of a token, d.
        heads: the attention heads of a layer, H.
        kv_heads: the heads with keys and values of their own, g; as many as heads by default.
        head_dim: the width of a head, a; width // heads by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, heads do not divide the width and their width
            is not given, or kv_heads does not divide heads.

    Source: the forms that a layer reads and the rank of one layer, the head of this file; shared keys and values,
    Shazeer (2019, arXiv 1911.02150) and Ainslie et al. (EMNLP 2023, arXiv 2305.13245).

    >>> llama = shared_keys(depth=32, width=4096, heads=32, kv_heads=8)
    >>> llama.numbers_read, llama.numbers_unshared, llama.numbers_of_moments, llama.one_layer
    (131072, 524288, 8390656, (4097, 4097))
    """
    depth, width, heads = (whole_number(*one, 1) for one in (("depth", depth), ("width", width), ("heads", heads)))
    own = heads if kv_heads is None else whole_number("kv_heads", kv_heads, 1)
    if heads % own:
        raise TensorRankError(f"kv_heads is {own}; expected a divisor of the {heads} heads")
    if head_dim is None and width % heads:
        raise TensorRankError(f"{heads} heads do not divide the width {width}; expected a divisor, or head_dim")
    dim = width // heads if head_dim is None else whole_number("head_dim", head_dim, 1)
    found = SharedKeys(depth, width, heads, own, dim, bounds.log3_moment_bound(depth, width))
    if own == heads:
        return found
    ranks = [_rank(depth, width, heads, kv, dim, found.log3_bound) for kv in (own, heads)]
    known = [one for one in ranks if one is not None]
    if len(known) < len(ranks):
        return found
    exact = all(standing == "exact" for _, standing in known)
    return replace(found, rank=known[0][0], rank_unshared=known[1][0], standing="exact" if exact else "probable")


def _one_layer(width: int, heads: int, kv_heads: int, head_dim: int) -> int:
    return 1 + min(width, heads * head_dim, kv_heads * head_dim * min(heads // kv_heads, head_dim))


def _rank(depth: int, width: int, heads: int, kv_heads: int, head_dim: int, log3_bound: float) -> tuple[int, str] | None:
    """The rank of a network with its standing, if it is proved or computed in a moment."""
    if depth == 1:
        return _one_layer(width, heads, kv_heads, head_dim), "exact"
    if log3_bound > _SMALL:
        return None
    model = SelfAttention(depth, width, heads=heads, kv_heads=kv_heads, head_dim=head_dim)
    if plan(model).work > _AT_ONCE:
        return None
    rank = separation_rank(model)
    return (rank.value, rank.standing) if rank.standing in ("exact", "probable") else None

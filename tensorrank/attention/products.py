"""The product bound: blocks of coordinates that evolve apart, and then layers that multiply three of them at a time.

Many heads that are narrower than the network have no theorem, and the largest block that one head covers says little.
But blocks of coordinates, each with heads of its own, compute independent functions, whose ranks multiply.

**Statement.** Give each of m blocks, m odd, its own coordinates and heads, and hang the blocks as leaves on a tree in
which every inner node has three children. A block at level k of the tree is a network of depth L - k. Let r be the rank
of a block's function of the output token, for the two sides as given, and let r' be the smaller of r and of the rank
with the sides exchanged. A network of depth L with the coordinates and heads of all blocks has, for almost all weights,
at least the rank prod r; without a mask also at least the rank 2^((m - 1) / 2) prod r'.

**The weights.** In its L - k layers a block uses its own coordinates and heads, in all matrices. In the layer above its
children an inner node has one head: W_V is the unit row vector of a coordinate of the first child, W_K that of the
second, W_Q that of the third, and W_O the unit column vector of one of the node's own coordinates. If f_1, f_2 and f_3
are the children's functions of a token, that of the node is

    f(o) = f_3(o) sum_j f_1(j) f_2(j),

where j runs over the tokens that o sees. A node takes no more heads than its children took, and coordinates that no
matrix reads are left alone.

**The proof.** Every layer commutes with a change of sign of one token. So a block's function f(j) changes its sign with
the block's coordinates of token j, and with no others'. By the formula above so does that of an inner node, for the
coordinates of all blocks below it. Look at the coordinates of the first child. The term of token j is odd in those of
token j, and even in those of all other tokens. So terms of different tokens have different parities.

1. The term j = o alone has the parity of the output token. Its factors f_1(o), f_2(o) and f_3(o) have no variable in
   common: the term is a Kronecker product, and its rank is the product of theirs. Functions of one parity among all
   rows and columns are a submatrix of the whole matrix, in a suitable basis. So the rank of f is at least that product,
   and by induction at least that of all blocks.
2. Without a mask let i be a token of the other side. Its term has the parity of o's side all even, and that of its own
   side odd at i; the term of o has them the other way round. No term has both or neither. So the two parities of rows
   and the two of columns form a matrix of two blocks on the diagonal, one for each term, and ranks add. The term of i
   has the factors f_1(i), f_2(i) and f_3(o), whose ranks are those with the sides exchanged, twice, and as given. Hence
   the least rank of a node's function, over both sides, is at least twice the product of those of its children. There
   are (m - 1) / 2 inner nodes.

Between two tokens and with a head of full width the rank itself is known, so that no bound is larger. For narrower
heads the product bound is often the largest of all that are known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Block:
    """Equal blocks: networks of a depth, width and number of heads, and how many of them there are."""

    depth: int
    width: int
    heads: int
    count: int


def layouts(depth: int, width: int, heads: int) -> Iterator[tuple[Block, ...]]:
    """The trees of 3, 5, 7, ... blocks that fit, each with leaves at two levels at most and nearly equal shares.

    >>> for blocks in layouts(3, 10, 5):
    ...     print(*((block.depth, block.width, block.heads, block.count) for block in blocks))
    (2, 4, 2, 1) (2, 3, 2, 1) (2, 3, 1, 1)
    (2, 2, 1, 2) (1, 2, 1, 3)
    """
    level, full = 1, 3
    for number in range(3, min(width, heads) + 1, 2):
        if number == 3 * full:
            level, full = level + 1, number
        # Each leaf of the full level that has children of its own makes the tree two leaves larger.
        deeper = 3 * ((number - full) // 2)
        if level + bool(deeper) >= depth:
            return
        yield _shared_out(depth - level, number - deeper, deeper, width, heads)


def _shared_out(depth: int, shallow: int, deeper: int, width: int, heads: int) -> tuple[Block, ...]:
    """Blocks at two levels, the shallow ones first, with nearly equal widths and numbers of heads."""
    number = shallow + deeper
    wider, busier = width % number, heads % number
    ends = sorted({0, shallow, wider, busier, number})
    return tuple(
        Block(depth - (start >= shallow), width // number + (start < wider), heads // number + (start < busier), end - start)
        for start, end in pairwise(ends)
    )

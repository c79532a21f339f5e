"""The two parts of width 2 and depth 2 that fall short of their counts: listed, and by brute force over moments."""

from itertools import combinations_with_replacement as choices
from itertools import product

import flint
import numpy as np
import pytest

from tensorrank import Bipartition, SelfAttention
from tensorrank.attention.feedforward import SHORT_PARTS, feedforward_bound

PRIME = 8388593


def random(rng, *shape):
    return rng.integers(0, PRIME, shape)


def summed(text, *arrays):
    """einsum modulo the prime, two arrays at a time."""
    return np.einsum(text, *arrays) % PRIME


def symmetric(entries, order):
    """Symmetric tensors of width 2 from their entries, by the number of indices 2."""
    return entries[:, np.indices((2,) * order).sum(axis=0)]


class AtMoments:
    """A network of width 2 and depth 2 at any x, S_2 and S_4, as if they were those of tokens."""

    def __init__(self, heads, rng):
        self.left, self.right = random(rng, 2, heads, 2, 2), random(rng, 2, heads, 2, 2)
        self.up, self.gate, self.down = random(rng, 2, 2, 2), random(rng, 2, 2, 2), random(rng, 2, 2, 2)

    def attention(self, layer, moments):
        inner = summed("hij,njk->nhik", self.left[layer], moments)
        return summed("nhik,hkl->nil", inner, self.right[layer])

    def forward(self, layer, up, gate):
        return summed("ch,nh...->nc...", self.down[layer], up * gate % PRIME)

    def values(self, x, second, fourth):
        first = self.attention(0, second)
        up, gate = (summed("hi,nij->nhj", w, first) for w in (self.up[0], self.gate[0]))
        forms = self.forward(0, up[..., :, None], gate[..., None, :])
        tokens = summed("nci,ni->nc", summed("ncij,nj->nci", forms, x), x)
        moments = summed("nckl,nekl->nce", summed("ncij,nijkl->nckl", forms, fourth), forms)
        tokens = summed("nij,nj->ni", self.attention(1, moments), tokens)
        return self.forward(1, *(summed("hi,ni->nh", w, tokens) for w in (self.up[1], self.gate[1])))[:, 0]


def part_rank(heads, degrees, size, seed=0):
    """The rank of the part of so many degrees in S_2 and S_4, with S_4 of one side only, at random moments."""
    rng = np.random.default_rng(seed)
    network, scales = AtMoments(heads, rng), np.arange(13)
    x, near, far = random(rng, size, 2), symmetric(random(rng, size, 3), 2), symmetric(random(rng, size, 3), 2)
    fourth = symmetric(random(rng, size, 5), 4)
    vandermonde = flint.nmod_mat([[pow(int(s), k, PRIME) for k in range(13)] for s in scales], PRIME)
    factors = np.array([int(vandermonde.inv()[degrees[0], s]) for s in scales])
    rows = []
    for i in range(size):
        second = (scales[:, None, None, None] * near[i] + far).reshape(-1, 2, 2) % PRIME
        own = np.broadcast_to(fourth[i], fourth.shape) if degrees[1] else fourth
        values = network.values(np.broadcast_to(x[i], (13 * size, 2)), second, np.tile(own, (13, 1, 1, 1, 1)))
        rows.append(summed("s,sn->n", factors, values.reshape(13, size)).tolist())
    return flint.nmod_mat(rows, PRIME).rank()


def odd_and_even(x_degree, second_degree, fourth_degree):
    """How many monomials have an even number of indices 2, and how many an odd number: listed."""
    counts = [0, 0]
    for parts in product(choices(range(2), x_degree), choices(range(3), second_degree), choices(range(5), fourth_degree)):
        counts[sum(map(sum, parts)) % 2] += 1
    return counts


def test_rows_and_columns_of_the_part_of_degree_eight_are_counted_as_listed():
    rows, columns = odd_and_even(4, 8, 0), odd_and_even(0, 4, 2)
    assert (rows, columns) == ([115, 110], [117, 108])
    assert sum(map(min, zip(rows, columns, strict=True))) == SHORT_PARTS[8, 0]


@pytest.mark.parametrize("heads", [1, 2])
def test_the_part_without_one_moment_has_its_rank_and_no_more(heads):
    assert part_rank(heads, (0, 2), 80) == SHORT_PARTS[0, 2] == 65


@pytest.mark.parametrize(("heads", "rank"), [(1, 221), (2, 223)])
def test_the_part_of_degree_eight_has_its_rank_and_no_more(heads, rank):
    assert part_rank(heads, (8, 0), 227) == rank <= SHORT_PARTS[8, 0]


def test_wider_networks_keep_the_count_of_all_monomials():
    assert feedforward_bound(2, 2, 4, 4) == 2889 - 2 - 10
    assert feedforward_bound(2, 2, 4, 4, fills=False) == 2889
    bounds = [
        SelfAttention(2, width, tokens=8, feedforward="bilinear", hidden=2, **variant).rank_bound(Bipartition.halves(8))
        for width, variant in ((2, {}), (2, {"embedding_rank": 2}), (3, {"embedding_rank": 2}))
    ]
    assert bounds == [2877, 2877, 2889]
    with_positions = SelfAttention(
        2, 2, tokens=8, feedforward="bilinear", hidden=2, embedding_rank=1, positional=True
    ).rank_bound(Bipartition.halves(8))
    assert with_positions == 2877

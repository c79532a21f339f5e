"""What tasks are compared with: their definitions in plain loops, at all raw inputs of two sides."""

import itertools

import numpy as np
from oracles import flint_rank

# Two of them stand for the rationals: a rank modulo either is at most that over Q, and is it unless both divide minors.
PRIMES = (2, 3, 2**31 - 1, 2**61 - 1)


def match2(x, i, modulus, itself=True):
    return any((x[i] + x[j]) % modulus == 0 for j in range(len(x)) if itself or j != i)


def match3(x, i, modulus):
    n = range(len(x))
    return any((x[i] + x[j] + x[k]) % modulus == 0 for j in n for k in n)


def bigram(x, i, modulus):
    return any((x[i] + x[j] + x[j + 1]) % modulus == 0 for j in range(len(x) - 1))


def local(x, i, modulus, window):
    near = [j for j in range(len(x)) if abs(i - j) <= window]
    return any((x[i] + x[j] + x[k]) % modulus == 0 for j in near for k in near)


def hops(x, times):
    """The token after the last earlier one that equals the present one, so many times: 0 for none, else 1 plus it."""
    place = len(x) - 1
    for _ in range(times):
        earlier = [j for j in range(place) if x[j] == x[place]]
        if not earlier:
            return 0
        place = earlier[-1] + 1
    return x[place] + 1


def composed(x, points):
    g, f = x[:points], x[points : 2 * points]
    return f[g[x[-1]]]


def answers(decide, inputs, *options):
    return np.array([[decide(x, i, *options) for i in range(len(x))] for x in inputs.tolist()], dtype=bool)


def raw_matrix(value, symbols, a, b, public=None):
    """The value at all words over 0..symbols-1 of the sites a, a row each, and b; others have their public symbol."""
    word = dict(public or {})

    def at(row, column):
        word.update(zip((*a, *b), (*row, *column), strict=True))
        return int(value([word[site] for site in sorted(word)]))

    rows, columns = (list(itertools.product(range(symbols), repeat=len(side))) for side in (a, b))
    return np.array([[at(row, column) for column in columns] for row in rows])


def fingerprint(matrix):
    """What stays however rows and columns are repeated or permuted: of the different ones sizes, sums and ranks."""
    different = np.unique(np.unique(matrix, axis=0), axis=1)
    ranks = [flint_rank(different, prime) for prime in PRIMES]
    return different.shape, sorted(different.sum(axis=0).tolist()), sorted(different.sum(axis=1).tolist()), ranks


def random_side(rng, sites):
    """Some of the sites, not all, in random order."""
    return tuple(int(site) for site in rng.permutation(sites)[: rng.integers(1, sites)])

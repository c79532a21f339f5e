"""Attention without softmax by its definition, token by token, over a prime field: what ranks are compared with."""

import flint
import numpy as np

PRIME = 2**31 - 1


def times(left, right):
    """Products of residues, entry by entry."""
    return (left >> 16) * right % PRIME * 2**16 % PRIME + (left & 0xFFFF) * right % PRIME


def layer(tokens, heads, seen):
    """A layer without softmax, by its definition, of tokens (token, coordinate, batch); heads are V, K, Q, O."""
    result = np.zeros_like(tokens)
    for value, key, query, output in heads:
        v, k, q = ([applied(matrix, token) for token in tokens] for matrix in (value, key, query))
        for at in range(len(tokens)):
            for j in range(len(tokens)):
                if seen(j, at):
                    score = sum(times(a, b) for a, b in zip(k[j], q[at], strict=True)) % PRIME
                    result[at] = (result[at] + applied(output, times(v[j], score))) % PRIME
    return result


def applied(matrix, token):
    """A matrix times vectors of residues."""
    rows = [sum(times(np.int64(entry), part) for entry, part in zip(row, token, strict=True)) % PRIME for row in matrix]
    return np.array(rows)


def grid_rank(layers, width, sides, samples, masked=False):
    """The rank modulo the prime of the last token's first coordinate, for random tokens of two sides in a row."""
    rng = np.random.default_rng(5)
    near, far = (rng.integers(0, PRIME, (count, width, samples)) for count in sides)
    rows, columns = np.divmod(np.arange(samples**2), samples)
    # The output token comes last.
    tokens = np.concatenate([far[:, :, columns], near[:, :, rows]])
    for heads in layers:
        tokens = layer(tokens, heads, lambda j, at: j <= at or not masked)
    values = tokens[-1, 0].reshape(samples, samples)
    return flint.nmod_mat(samples, samples, [int(value) for value in values.flat], PRIME).rank()


def random_layers(rng, depth, width, heads, dim, own):
    """Heads as value, key, query and output, of which groups share keys and values."""
    layers = []
    for _ in range(depth):
        pairs = [rng.integers(0, PRIME, (2, dim, width)) for _ in range(own)]
        queries = rng.integers(0, PRIME, (heads, dim, width))
        outputs = rng.integers(0, PRIME, (heads, width, dim))
        layers.append([(*pairs[h * own // heads], queries[h], outputs[h]) for h in range(heads)])
    return layers

"""Attention without softmax as it is written, with biases, over fractions: slow, and without any trick."""

from fractions import Fraction


def exact(array):
    """Floats as nested lists of fractions."""
    return [exact(row) for row in array] if array.ndim else Fraction(float(array))


def affine(matrix, bias, vector):
    return [b + sum(m * x for m, x in zip(row, vector, strict=True)) for row, b in zip(matrix, bias, strict=True)]


def value(blocks, tokens, output_token, *, residual, causal, with_output_bias=True):
    """Coordinate 0 of the output token, for tokens of whole numbers."""
    x = [[Fraction(int(entry)) for entry in token] for token in tokens]
    for block in blocks:
        query, key, val, out, query_bias, key_bias, value_bias, output_bias = (exact(array) for array in vars(block).values())
        sharing = len(query) // len(key)
        following = []
        for i, own in enumerate(x):
            total = list(own) if residual else [Fraction(0)] * len(own)
            if with_output_bias:
                total = [t + b for t, b in zip(total, output_bias, strict=True)]
            for head in range(len(query)):
                shared = head // sharing
                asks = affine(query[head], query_bias[head], own)
                for other in x[: i + 1] if causal else x:
                    keys, values = affine(key[shared], key_bias[shared], other), affine(val[shared], value_bias[shared], other)
                    score = sum(a * b for a, b in zip(asks, keys, strict=True))
                    carried = affine(out[head], [0] * len(own), values)
                    total = [t + score * c for t, c in zip(total, carried, strict=True)]
            following.append(total)
        x = following
    return x[output_token][0]

"""What ranks are compared with: FLINT, and products of known rank."""

import flint

from tensorrank.arithmetic.prime_field import PrimeField


def flint_rank(matrix, prime):
    rows, columns = matrix.shape
    if not matrix.size:
        return 0
    return flint.nmod_mat(rows, columns, [int(x) % prime for x in matrix.flat], prime).rank()


def planted(rng, rows, columns, rank, prime):
    left = rng.integers(0, prime, (rows, rank))
    right = rng.integers(0, prime, (rank, columns))
    return PrimeField(prime).matmul(left, right)


def inner_product(x):
    """Of two sites that hold r numbers each: separation rank r."""
    return (x[:, 0] * x[:, 1]).sum(axis=1)

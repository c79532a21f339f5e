"""Monomials of one degree, listed, numbered and evaluated.

The monomials of degree C in n variables are numbered by descending exponents, the first variable first:
x0^C, x0^(C-1) x1, ... The number of a monomial is a sum over its suffix sums s_e = g_(e+1) + ... + g_(n-1),

    number(g) = sum over e of ((n-e, s_e - 1)),    ((n, k)) = C(n+k-1, k),

because ((n-e, s_e - 1)) monomials share the first e exponents and have a larger exponent e. Suffix sums add when
monomials are multiplied, so the number of a product needs no search.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tensorrank.arithmetic.prime_field import PrimeField, Residues

Exponents = NDArray[np.int32]


def monomial_count(variables: int, degree: int) -> int:
    """((n, k)) = C(n+k-1, k): the number of monomials of degree k in n variables.

    >>> monomial_count(3, 2)
    6
    """
    if degree < 0:
        return 0
    return comb(variables + degree - 1, degree) if variables else int(degree == 0)


def monomials(variables: int, degree: int) -> Exponents:
    """The exponents of all monomials of a degree, in order: shape (monomial_count, variables).

    >>> monomials(2, 2).tolist()
    [[2, 0], [1, 1], [0, 2]]
    """
    listed: Exponents = np.empty((monomial_count(variables, degree), variables), dtype=np.int32)
    _list_monomials(listed, degree)
    return listed


def suffix_sums(exponents: Exponents) -> Exponents:
    """s_e = sum of the exponents after variable e, for e = 0..variables-2."""
    return np.ascontiguousarray(np.cumsum(exponents[:, :0:-1], axis=1, dtype=np.int32)[:, ::-1])


@cache
def numbering_table(variables: int, degree: int) -> NDArray[np.int64]:
    """table[e, s] = ((variables - e, s - 1)), so that number(g) = sum over e of table[e, s_e]."""
    table = np.zeros((max(variables - 1, 0), degree + 1), dtype=np.int64)
    for e in range(variables - 1):
        for s in range(1, degree + 1):
            table[e, s] = monomial_count(variables - e, s - 1)
    table.flags.writeable = False
    return table


def divided_powers(points: Residues, exponents: Exponents, field: PrimeField) -> Residues:
    """x^a / a! at each point for each exponent vector: shapes (points, n) and (monomials, n) to (points, monomials)."""
    count, variables = points.shape
    highest = int(exponents.max(initial=0))
    powers = np.ones((highest + 1, count, variables), dtype=np.int64)
    for exponent in range(1, highest + 1):
        powers[exponent] = powers[exponent - 1] * points % field.prime * field.inverse(exponent) % field.prime
    values = np.ones((count, len(exponents)), dtype=np.int64)
    for variable in range(variables):
        values = values * powers[exponents[:, variable], :, variable].T % field.prime
    return values


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@njit(cache=True, nogil=True)
def _list_monomials(listed, degree):  # type: ignore[no-untyped-def]
    count, variables = listed.shape
    if count == 0 or variables == 0:
        return
    current = np.zeros(variables, dtype=np.int32)
    current[0] = degree
    for number in range(count):
        listed[number] = current
        # Move one unit from the last nonzero exponent before the end to its right, together with all of the end.
        tail = current[variables - 1]
        current[variables - 1] = 0
        e = variables - 2
        while e >= 0 and current[e] == 0:
            e -= 1
        if e >= 0:
            current[e] -= 1
            current[e + 1] = tail + 1

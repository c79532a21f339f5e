"""Monomials of one degree: listed, numbered and evaluated.

The monomials of degree C in n variables are numbered by descending exponents, the first variable first:
x0^C, x0^(C-1) x1, ... The number of a monomial is a sum over its suffix sums s_e = g_(e+1) + ... + g_(n-1),

    number(g) = sum over e of ((n-e, s_e - 1)),    ((n, k)) = binom(n+k-1, k),

because ((n-e, s_e - 1)) monomials share the first e exponents and have a larger exponent e. Suffix sums add when
monomials are multiplied, so the number of a product needs no search. Suffix sums change only at variables that occur.
With the sums of a table's columns, monomials of low degree in many variables therefore take no more room than in few.
"""

from __future__ import annotations

from functools import cache
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.compiled import compiled

Exponents = NDArray[np.int32]


def monomial_count(variables: int, degree: int) -> int:
    """((n, k)) = binom(n+k-1, k): the number of monomials of degree k in n variables.

    >>> monomial_count(3, 2)
    6
    """
    if degree < 0:
        return 0
    return comb(variables + degree - 1, degree) if variables else int(degree == 0)


def monomials(variables: int, degree: int, numbers: NDArray[np.int64] | None = None) -> Exponents:
    """The exponents of all monomials of a degree, in order, or of those with these numbers: shape (count, variables).

    >>> monomials(2, 2).tolist()
    [[2, 0], [1, 1], [0, 2]]
    """
    count = monomial_count(variables, degree) if numbers is None else len(numbers)
    listed: Exponents = np.empty((count, variables), dtype=np.int32)
    if variables:
        table = numbering_table(variables, degree)
        _list_monomials(listed, degree, table, np.arange(0) if numbers is None else numbers)
    return listed


class SparseMonomials(NamedTuple):
    """Monomials by the variables that occur, ascending, and their exponents: two arrays of shape (count, most).

    Places beyond the last variable that occurs hold exponent 0.
    """

    variables: Exponents
    exponents: Exponents


def sparse_monomials(variables: int, degree: int, start: int = 0, stop: int | None = None) -> SparseMonomials:
    """The monomials with numbers start..stop.

    >>> sparse_monomials(5, 2, 4, 6)
    SparseMonomials(variables=array([[0, 4], [1, 0]], dtype=int32), exponents=array([[1, 1], [2, 0]], dtype=int32))
    """
    stop = monomial_count(variables, degree) if stop is None else stop
    shape = (stop - start, min(variables, degree))
    listed = SparseMonomials(np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32))
    if shape[0] and shape[1]:
        first = monomials(variables, degree, np.array([start]))[0]
        _list_sparse_monomials(listed.variables, listed.exponents, first)
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


@cache
def numbering_sums(variables: int, degree: int) -> NDArray[np.int64]:
    """sums[v, s] = table[0, s] + ... + table[v - 1, s] of the numbering table.

    A monomial's number is the sum, over the variables v that occur, of sums[v, s] - sums[v, s'], where s and s' are
    the exponents from v on and after v.
    """
    table = numbering_table(variables, degree)
    sums = np.zeros((max(variables, 1), degree + 1), dtype=np.int64)
    np.cumsum(table, axis=0, out=sums[1:])
    sums.flags.writeable = False
    return sums


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _list_monomials(listed, degree, table, numbers):  # type: ignore[no-untyped-def]
    """List all monomials in order, or the ones whose numbers are given."""
    count, variables = listed.shape
    if count == 0:
        return
    current = np.zeros(variables, dtype=np.int32)
    current[0] = degree
    for place in range(count):
        if len(numbers):
            _set_to(current, degree, table, numbers[place])
            listed[place] = current
            continue
        listed[place] = current
        # Move one unit from the last nonzero exponent before the end to its right, together with all of the end.
        tail = current[variables - 1]
        current[variables - 1] = 0
        e = variables - 2
        while e >= 0 and current[e] == 0:
            e -= 1
        if e >= 0:
            current[e] -= 1
            current[e + 1] = tail + 1


@compiled()
def _set_to(current, degree, table, number):  # type: ignore[no-untyped-def]
    """Set `current` to the monomial with this number: each suffix sum in turn is as large as the number allows."""
    rest = degree
    for e in range(len(current) - 1):
        after = rest
        while after > 0 and table[e, after] > number:
            after -= 1
        number -= table[e, after]
        current[e] = rest - after
        rest = after
    current[-1] = rest


@compiled()
def _list_sparse_monomials(listed, exponents, first):  # type: ignore[no-untyped-def]
    """List monomials in order, from the first one on."""
    last = len(first) - 1
    occurring, powers, known = np.zeros(len(first), dtype=np.int32), np.zeros(len(first), dtype=np.int32), 0
    for variable in range(len(first)):
        if first[variable]:
            occurring[known], powers[known] = variable, first[variable]
            known += 1
    for place in range(len(listed)):
        for i in range(known):
            listed[place, i], exponents[place, i] = occurring[i], powers[i]
        # Step to the next monomial as in _list_monomials.
        tail = 0
        if known and occurring[known - 1] == last:
            known -= 1
            tail = powers[known]
        if known:
            variable = occurring[known - 1]
            powers[known - 1] -= 1
            if powers[known - 1] == 0:
                known -= 1
            occurring[known], powers[known] = variable + 1, tail + 1
            known += 1

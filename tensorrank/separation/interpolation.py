"""A homogeneous polynomial over GF(p) from its values on the simplex lattice.

A polynomial of degree C in n variables is set to 1 in the last of them; its values at the points of the remaining
n-1 variables with whole coordinates 0..C of sum at most C determine it. Newton's divided differences along every
axis, then Newton basis to monomials along every axis; each step works on whole lines of the simplex. (All axes must
be differenced first: on the shorter lines the values alone do not determine the polynomial.)
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import Workers
from tensorrank.errors import PrimeError
from tensorrank.separation.monomials import Exponents, numbering_table, suffix_sums

# Fewer points than this are transformed before threads have started.
_WORTH_SHARING = 2**14


def lattice_points(exponents: Exponents) -> NDArray[np.int64]:
    """The interpolation point of each monomial: its exponents, with the last variable set to 1."""
    points = exponents.astype(np.int64)
    points[:, -1] = 1
    return points


def scaled_coefficients(
    values: Residues, exponents: Exponents, field: PrimeField, pool: Workers | None = None
) -> Residues:
    """h_g = g! c_g for homogeneous polynomials sum_g c_g x^g, from their values at `lattice_points`.

    Args:
        values: shape (monomials, polynomials), numbered as `monomials` does.
        exponents: all monomials of the degree, as `monomials` lists them.
        field: GF(p) with p larger than the degree, so that the lattice points differ and factorials are invertible.
        pool: threads; the lines along one axis are independent.

    Raises:
        PrimeError: if p is not larger than the degree.
    """
    variables = exponents.shape[1]
    degree = int(exponents[0].sum())
    if field.prime <= degree:
        raise PrimeError(f"the prime {field.prime} does not exceed the degree {degree}; expected a larger prime")
    coefficients = np.array(values, dtype=np.int64, order="C")
    sums = suffix_sums(exponents)
    table = numbering_table(variables, degree)
    inverses = np.ones(degree + 1, dtype=np.int64)
    inverses[1:] = field.inverse(np.arange(1, degree + 1))
    shares = 1 if pool is None or len(exponents) < _WORTH_SHARING else 4 * pool.count
    ends = np.linspace(0, len(exponents), shares + 1).astype(np.int64)
    for differences in (True, False):
        for axis in range(variables - 1):

            def transform(start: int, stop: int, axis: int = axis, differences: bool = differences) -> None:
                _along_axis(
                    coefficients, exponents, sums, table, axis, field.prime, inverses, differences, start, stop
                )  # fmt: skip

            if pool is None or shares == 1:
                transform(0, len(exponents))
            else:
                list(pool.map(transform, ends[:-1], ends[1:]))
    factorials = np.ones(degree + 1, dtype=np.int64)
    for n in range(1, degree + 1):
        factorials[n] = factorials[n - 1] * n % field.prime
    for variable in range(variables):
        coefficients = coefficients * factorials[exponents[:, variable], None] % field.prime
    return coefficients


def line_coefficients(values: Residues, field: PrimeField) -> Residues:
    """The coefficients, lowest first, of the polynomial in one variable with these values at 0, 1, 2, ..."""
    inverses = np.ones(len(values), dtype=np.int64)
    inverses[1:] = field.inverse(np.arange(1, len(values)))
    line = np.array(values, dtype=np.int64)
    _divided_differences(line, len(line), field.prime, inverses)
    _newton_to_monomial(line, len(line), field.prime)
    return line


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@njit(cache=True, nogil=True)
def _divided_differences(line, length, prime, inverses):  # type: ignore[no-untyped-def]
    for order in range(1, length):
        for i in range(length - 1, order - 1, -1):
            line[i] = (line[i] - line[i - 1]) * inverses[order] % prime


@njit(cache=True, nogil=True)
def _newton_to_monomial(line, length, prime):  # type: ignore[no-untyped-def]
    for node in range(length - 2, 0, -1):
        for i in range(node, length - 1):
            line[i] = (line[i] - node * line[i + 1]) % prime


@njit(cache=True, nogil=True)
def _along_axis(coefficients, exponents, sums, table, axis, prime, inverses, differences, start, stop):  # type: ignore[no-untyped-def]
    """Transform every line along an axis: from exponent 0 up, the last variable giving way."""
    variables = exponents.shape[1]
    components = coefficients.shape[1]
    longest = table.shape[1]
    line = np.empty(longest, dtype=np.int64)
    numbers = np.empty(longest, dtype=np.int64)
    for head in range(start, stop):
        if exponents[head, axis] != 0:
            continue
        length = exponents[head, variables - 1] + 1
        if length == 1:
            continue
        fixed = np.int64(0)
        for e in range(axis):
            fixed += table[e, sums[head, e]]
        for step in range(length):
            number = fixed
            for e in range(axis, variables - 1):
                number += table[e, sums[head, e] - step]
            numbers[step] = number
        for component in range(components):
            for step in range(length):
                line[step] = coefficients[numbers[step], component]
            if differences:
                _divided_differences(line, length, prime, inverses)
            else:
                _newton_to_monomial(line, length, prime)
            for step in range(length):
                coefficients[numbers[step], component] = line[step]

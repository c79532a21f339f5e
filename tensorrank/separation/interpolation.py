"""Interpolation of a homogeneous polynomial over GF(p) from its values on the simplex lattice.

The last of the n variables of a polynomial of degree C is set to 1. The lattice has the points of the other n - 1
variables with whole coordinates from 0 to C whose sum is at most C. The values there determine the polynomial. First
Newton's divided differences are taken along every axis. Then the Newton basis is turned into monomials along every
axis. Both work on whole lines of the simplex. All axes have to be differenced before any is turned: on the shorter
lines the values alone do not determine the polynomial.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.prime_field import PrimeField, Residues, factorials
from tensorrank.arithmetic.resources import Workers
from tensorrank.errors import PrimeError
from tensorrank.separation.monomials import numbering_sums, sparse_monomials

# Lines or monomials that a thread takes at a time.
_BATCH = 2**14


def to_scaled_coefficients(values: NDArray[np.int32], variables: int, degree: int, field: PrimeField, pool: Workers) -> None:
    """Turn values at the lattice points into h_g = g! c_g of homogeneous polynomials sum_g c_g x^g, in place.

    The lattice point of a monomial is its exponents, with the last variable set to 1. The values are residues, shape
    (monomials, polynomials), numbered as `monomials` does, and become balanced residues. The prime has to be larger
    than the degree, so that the lattice points differ and factorials are invertible.
    """
    if field.prime <= degree:
        raise PrimeError(f"the prime {field.prime} does not exceed the degree {degree}; expected a larger prime")
    inverses = np.ones(degree + 1, dtype=np.int64)
    inverses[1:] = field.inverse(np.arange(1, degree + 1))
    if variables > 1 and degree:
        # Every line along an axis begins at one of these, times the last variable, without the axis.
        heads = sparse_monomials(variables - 1, degree - 1)
        sums = numbering_sums(variables, degree)
        for differences in (True, False):
            for axis in range(variables - 1):

                def transform(batch: slice, axis: int = axis, differences: bool = differences) -> None:
                    lines = heads.variables[batch], heads.exponents[batch]
                    _along_axis(values, *lines, sums, axis, field.prime, inverses, differences)

                pool.map(transform, _batches(len(heads.variables)))
    factors = factorials(degree, field)

    def scale(batch: slice) -> None:
        exponents = sparse_monomials(variables, degree, batch.start, batch.stop).exponents
        _scale(values[batch], exponents, factors, field.prime)

    pool.map(scale, _batches(len(values)))


def _batches(count: int) -> list[slice]:
    return [slice(start, min(count, start + _BATCH)) for start in range(0, count, _BATCH)]


def line_coefficients(values: Residues, field: PrimeField) -> Residues:
    """The coefficients, lowest first, of the polynomial in one variable with these values at 0, 1, 2, ..."""
    inverses = np.ones(len(values), dtype=np.int64)
    inverses[1:] = field.inverse(np.arange(1, len(values)))
    line = np.array(values, dtype=np.int64)
    _divided_differences(line, len(line), field.prime, inverses)
    _newton_to_monomial(line, len(line), field.prime)
    return line


def interpolation_matrix(degree: int, field: PrimeField) -> Residues:
    """The matrix that makes coefficients, lowest first, of a polynomial's values at 0, 1, ..., degree.

    Column j has the coefficients of the product of all (s - m) / (j - m) with m from 0 to the degree, without m = j.
    """
    prime, count = field.prime, degree + 1
    product = np.zeros(count + 1, dtype=np.int64)
    product[0] = 1
    for node in range(count):
        # Multiply by s - node.
        product[1:] = (product[:-1] - node * product[1:]) % prime
        product[0] = -node * product[0] % prime
    nodes = np.arange(count)
    matrix = np.empty((count, count), dtype=np.int64)
    # Divide by every s - j at once, from the highest coefficient down.
    carried = np.zeros(count, dtype=np.int64)
    for power in range(degree, -1, -1):
        carried = matrix[power] = (product[power + 1] + nodes * carried) % prime
    powers = factorials(degree, field)
    denominators = powers * powers[::-1] % prime * np.where((degree - nodes) % 2, -1, 1) % prime
    return matrix * field.inverse(denominators) % prime


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _divided_differences(line, length, prime, inverses):  # type: ignore[no-untyped-def]
    for order in range(1, length):
        for i in range(length - 1, order - 1, -1):
            difference = line[i] - line[i - 1]
            if order == 1:
                line[i] = difference + prime if difference < 0 else difference
            else:
                line[i] = difference * inverses[order] % prime


@compiled()
def _newton_to_monomial(line, length, prime):  # type: ignore[no-untyped-def]
    for node in range(length - 2, 0, -1):
        for i in range(node, length - 1):
            line[i] = (line[i] - node * line[i + 1]) % prime


@compiled()
def _along_axis(values, occurring, powers, sums, axis, prime, inverses, differences):  # type: ignore[no-untyped-def]
    """Transform every line along an axis: its exponent goes up from 0 while that of the last variable goes down.

    A line begins at its head times the last variable. The variables of the head are numbered without the axis.
    """
    last = len(sums) - 1
    longest = sums.shape[1]
    components = values.shape[1]
    line = np.empty((components, longest), dtype=np.int64)
    numbers = np.empty(longest, dtype=np.int64)
    later = np.empty(occurring.shape[1], dtype=np.int64)
    before, after = np.empty_like(later), np.empty_like(later)
    for head in range(len(occurring)):
        # Exponents of the variables from the last one down, and what is fixed of the number: variables before the axis.
        end = np.int64(1)
        known = 0
        while known < occurring.shape[1] and powers[head, known]:
            known += 1
        if known and occurring[head, known - 1] == last - 1:
            known -= 1
            end += powers[head, known]
        total, moving = end, 0
        fixed = np.int64(0)
        for i in range(known - 1, -1, -1):
            variable = occurring[head, i]
            previous = total
            if variable >= axis:
                later[moving], after[moving] = variable + 1, total
                total += powers[head, i]
                before[moving] = total
                moving += 1
            else:
                total += powers[head, i]
                fixed += sums[variable, total] - sums[variable, previous]
        reach = before[moving - 1] if moving else end
        length = end + 1
        if length == 2 and not differences:
            continue  # two Newton coefficients at 0 and 1 are those of monomials
        for step in range(length):
            number = fixed + sums[last, end - step] + sums[axis, reach] - sums[axis, reach - step]
            for i in range(moving):
                number += sums[later[i], before[i] - step] - sums[later[i], after[i] - step]
            numbers[step] = number
            for component in range(components):
                line[component, step] = values[number, component]
        for component in range(components):
            if differences:
                _divided_differences(line[component], length, prime, inverses)
            else:
                _newton_to_monomial(line[component], length, prime)
        for step in range(length):
            for component in range(components):
                values[numbers[step], component] = line[component, step]


@compiled()
def _scale(values, powers, factors, prime):  # type: ignore[no-untyped-def]
    """Multiply by the factorials of the exponents, and balance."""
    half = prime // 2
    for i in range(len(values)):
        factor = np.int64(1)
        for j in range(powers.shape[1]):
            if powers[i, j] > 1:
                factor = factor * factors[powers[i, j]] % prime
        for component in range(values.shape[1]):
            value = values[i, component] * factor % prime
            values[i, component] = value - prime if value > half else value

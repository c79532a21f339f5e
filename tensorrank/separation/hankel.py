"""The Hankel (catalecticant) form of d homogeneous polynomials P_1, ..., P_d: their coefficients and blocks.

Let c_g be the coefficients of a polynomial and h_g = g! c_g. The part of degree k in M_A of sum_q x_q P_q(M_A + M_B) is
the matrix

    Cat_k[(q, a), b] = h^(q)_(a+b),    |a| = k,  |b| = C - k.

Row (q, a) holds the derivative of P_q by a. Two facts follow, which spare most blocks:

- If the rows of Cat_k are independent, so are the rows of Cat_j for all j <= k: a relation among derivatives,
  differentiated, is a relation of higher order.
- If the columns of Cat_k are independent, so are the columns of Cat_j for all j >= k: derivatives that span all
  polynomials of their degree have derivatives that span all polynomials of the next lower degree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.elimination.engines import Balanced, storage
from tensorrank.arithmetic.prime_field import PrimeField, factorials
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.architecture import Instance
from tensorrank.separation.interpolation import to_scaled_coefficients
from tensorrank.separation.limits import BATCH_ENTRIES
from tensorrank.separation.monomials import Exponents, monomial_count, monomials, numbering_table, sparse_monomials, suffix_sums

# Entries of a slab of rows or columns that is made, used and dropped.
SLAB_ENTRIES = 2**20


def symmetric_entries(width: int) -> list[tuple[int, int]]:
    """The entries (i, j), i <= j, of a symmetric matrix: the diagonal first, then by distance from it."""
    return [(i, i + distance) for distance in range(width) for i in range(width - distance)]


@dataclass(frozen=True, eq=False)
class HankelForm:
    """The scaled coefficients of P_1, ..., P_d in some of the entries of M, the others set to zero.

    Polynomials that are not homogeneous are made so by one more variable, the first. Its exponent in a term is what the
    term lacks in degree. No derivative is taken by it.

    Attributes:
        field: GF(p), p above the degree.
        degree: C.
        variables: D, the number of entries kept, and one more for polynomials that are not homogeneous.
        coefficients: h^(q)_g as balanced residues, shape (((D, C)), d), numbered as `monomials` does.
    """

    field: PrimeField
    degree: int
    variables: int
    coefficients: Balanced

    @classmethod
    def of(cls, instance: Instance, field: PrimeField, width: int, degree: int, variables: int, pool: Workers) -> HankelForm:
        """Evaluate the instance on the simplex lattice of the first so many symmetric entries, and interpolate."""
        values = _lattice_values(instance, width, degree, variables, variables, pool)
        to_scaled_coefficients(values, variables, degree, field, pool)
        return cls(field, degree, variables, values.astype(storage(field.prime), copy=False))

    @classmethod
    def inhomogeneous(cls, instance: Instance, field: PrimeField, width: int, degree: int, pool: Workers) -> HankelForm:
        """Evaluate and interpolate an instance whose polynomials have degree up to C, in all entries of M."""
        entries = width * (width + 1) // 2
        values = _lattice_values(instance, width, degree, entries + 1, entries, pool)
        to_scaled_coefficients(values, entries + 1, degree, field, pool)
        # On the lattice the variable that makes them homogeneous is the last one, 1 at every point.
        exponents = monomials(entries + 1, degree)
        turned = suffix_sums(np.roll(exponents, -1, axis=1))
        table = numbering_table(entries + 1, degree)
        numbers = sum(table[e, turned[:, e]] for e in range(entries))
        scale = field.inverse(factorials(degree, field))[exponents[:, 0]]
        residues = values[numbers] * scale[:, None] % field.prime
        return cls(field, degree, entries + 1, field.balanced(residues).astype(storage(field.prime)))

    def derivatives(self, pool: Workers) -> Balanced:
        """The matrix of all derivatives of an inhomogeneous form; its rank is that of sum_q x_q P_q(M_A + M_B).

        Entry (b, (a, q)) is h^(q)_(a+b) where |a| + |b| <= C, and 0 elsewhere.
        """
        sums = suffix_sums(monomials(self.variables, self.degree))
        components = np.tile(np.arange(self.width), len(sums))
        pairs = np.repeat(sums, self.width, axis=0), components
        return self._filled((sums, np.zeros(len(sums), dtype=np.int64)), pairs, pool)

    @property
    def width(self) -> int:
        """d, the number of polynomials."""
        return int(self.coefficients.shape[1])

    def rows(self, k: int) -> int:
        """The rows of Cat_k: d ((D, k))."""
        return self.width * monomial_count(self.variables, k)

    def columns(self, k: int) -> int:
        """The columns of Cat_k: ((D, C - k))."""
        return monomial_count(self.variables, self.degree - k)

    def block(
        self, k: int, pool: Workers, rows: Integers | None = None, columns: Integers | None = None, *, transposed: bool = False
    ) -> Balanced:
        """Fill Cat_k, or the given rows and columns of it (sorted indices), or the transpose; C-contiguous."""
        sides = self._side(k, self.width, rows), self._side(self.degree - k, 1, columns)
        return self._filled(*(sides[::-1] if transposed else sides), pool)

    def _side(self, degree: int, components: int, chosen: Integers | None) -> tuple[Exponents, Integers]:
        """Suffix sums and components of the chosen (component, monomial) pairs."""
        count = monomial_count(self.variables, degree)
        pairs = np.arange(components * count) if chosen is None else chosen
        if chosen is None or len(chosen) > count:
            return suffix_sums(monomials(self.variables, degree))[pairs % count], pairs // count
        return suffix_sums(monomials(self.variables, degree, pairs % count)), pairs // count

    def _filled(self, row_side: tuple[Exponents, Integers], column_side: tuple[Exponents, Integers], pool: Workers) -> Balanced:
        row_sums, column_sums = row_side[0], column_side[0]
        changed = np.zeros(len(column_sums), dtype=np.int64)
        differs = column_sums[1:] != column_sums[:-1]
        active = np.count_nonzero(column_sums, axis=1)
        if differs.shape[1]:
            changed[1:] = np.where(differs.any(axis=1), differs.argmax(axis=1), active[1:])
        table = numbering_table(self.variables, self.degree)
        matrix = np.empty((len(row_sums), len(column_sums)), dtype=self.coefficients.dtype)

        def fill(share: slice) -> None:
            sides = (*row_side, *column_side, changed, active)
            _fill_rows(matrix, self.coefficients, table, *sides, share.start, share.stop)

        pool.map(fill, pool.shares(len(matrix), 4))
        return matrix


def _lattice_values(
    instance: Instance, width: int, degree: int, variables: int, entries: int, pool: Workers
) -> NDArray[np.int32]:
    """P_1..P_d on the simplex lattice in so many variables: the first symmetric entries, the last variable set to 1."""
    count = monomial_count(variables, degree)
    values = np.empty((count, width), dtype=np.int32)
    rows, columns = np.array(symmetric_entries(width)[:entries]).T
    step = max(1, BATCH_ENTRIES // width**2)

    def evaluate(start: int) -> None:
        stop = min(count, start + step)
        moments = np.zeros((stop - start, width, width), dtype=np.int64)
        _set_moments(moments, *sparse_monomials(variables, degree, start, stop), rows, columns, variables - 1)
        values[start:stop] = instance.moment_values(moments)

    pool.map(evaluate, range(0, count, step))
    return values


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _set_moments(moments, occurring, powers, rows, columns, last):  # type: ignore[no-untyped-def]
    """Write the lattice points of monomials as symmetric matrices: exponents as entries, 1 for the last variable."""
    for i in range(len(moments)):
        for j in range(occurring.shape[1]):
            if powers[i, j] and occurring[i, j] < len(rows):
                row, column = rows[occurring[i, j]], columns[occurring[i, j]]
                moments[i, row, column] = moments[i, column, row] = powers[i, j]
        if last < len(rows):
            moments[i, rows[last], columns[last]] = moments[i, columns[last], rows[last]] = 1


@compiled()
def _fill_rows(  # type: ignore[no-untyped-def]
    matrix, coefficients, table, row_sums, row_components, column_sums, column_components, changed, active, start, stop
):
    """Set matrix[i, j] to the coefficient of the product of the monomials of row i and column j.

    Columns are sorted, so consecutive ones differ in few suffix sums: partial sums over the variables before the first
    change stay valid. Beyond the last active suffix sum of a column only the sums of the row contribute. Products of
    too high a degree, which only inhomogeneous forms have, come last and are zero.
    """
    axes, degree = table.shape[0], table.shape[1] - 1
    tail = np.zeros(axes + 1, dtype=np.int64)
    partial = np.zeros(axes + 1, dtype=np.int64)
    for i in range(start, stop):
        for e in range(axes - 1, -1, -1):
            tail[e] = tail[e + 1] + table[e, row_sums[i, e]]
        stop_column = matrix.shape[1]
        while stop_column and axes and row_sums[i, 0] + column_sums[stop_column - 1, 0] > degree:
            stop_column -= 1
            matrix[i, stop_column] = 0
        for j in range(stop_column):
            for e in range(changed[j], active[j]):
                partial[e + 1] = partial[e] + table[e, row_sums[i, e] + column_sums[j, e]]
            number = partial[active[j]] + tail[active[j]]
            matrix[i, j] = coefficients[number, row_components[i] + column_components[j]]

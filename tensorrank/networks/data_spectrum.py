"""The singular values of a sum of products of vectors across a cut, in floats, without the dense unfolding.

Across a cut A | B a sum over samples is the sum over m of y_m a_m b_m^T, where a_m and b_m are products of the vectors
of A and of B. Samples that agree on a side have one *pattern* there. So the unfolding is A^T Y B: the rows of A and B
are the different patterns, and Y holds the sums of the labels of the samples with a pattern of A and one of B.

Products of a few vectors are written out. Those of many have only inner products, which are products of numbers: the
Gram matrix of the patterns of a side. Vectors are divided by their lengths first, which are kept as logarithms, so that
nothing overflows, and what underflows is negligible beside the ones on the diagonal of a Gram matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod

import numpy as np

from tensorrank.arithmetic.arrays import Array, Floats, Integers
from tensorrank.arithmetic.resources import refuse_beyond
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.arithmetic.spectrum import NumericalRank, rank_of_spectrum, singular_values
from tensorrank.separation.partition import Bipartition

_EPSILON = float(np.finfo(np.float64).eps)
# Matrices of all patterns of a side that are held at once, Gram matrix and eigenvectors among them.
_HELD = 5
# Dense matrices that are held at once: one, its copy, and what the singular values take.
_DENSE = 3


def patterns(codes: Integers, sites: Sequence[int]) -> tuple[Integers, Integers]:
    """A sample of each different pattern on some sites, and the number of the pattern of every sample.

    >>> patterns(np.array([[0, 1], [0, 2], [1, 1]]), [0])
    (array([0, 2]), array([0, 0, 1]))
    """
    rows = np.ascontiguousarray(codes[:, list(sites)])
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    _, first, numbers = np.unique(whole, return_index=True, return_inverse=True)
    # Patterns in the order of their first samples, whatever the bytes of codes are.
    order = np.argsort(first)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return first[order], places[numbers]


def counts(codes: Integers, labels: Array, partition: Bipartition) -> SparseMatrix:
    """The sums of the labels of the samples with each pattern of A, a row, and of B, a column.

    >>> counts(np.array([[0, 1], [0, 1], [1, 0]]), np.array([1, 1, -1]), Bipartition((0,), (1,))).toarray()
    array([[ 2,  0],
           [ 0, -1]])
    """
    # Imported where it is needed, since it takes longer to import than most tables to count.
    from scipy.sparse import coo_array

    (rows, row), (columns, column) = (patterns(codes, side) for side in (partition.a, partition.b))
    kept = labels != 0
    if labels.dtype == object:
        sums: dict[tuple[int, int], object] = {}
        for place in zip(row[kept].tolist(), column[kept].tolist(), labels[kept].tolist(), strict=True):
            sums[place[:2]] = sums.get(place[:2], 0) + place[2]
        found = np.array(list(sums), dtype=np.int64).reshape(-1, 2)
        order = np.lexsort((found[:, 1], found[:, 0]))
        entries = np.array(list(sums.values()), dtype=object)[order]
        return SparseMatrix((len(rows), len(columns)), found[order, 0], found[order, 1], entries).mapped(lambda same: same)
    return SparseMatrix.of(coo_array((labels[kept], (row[kept], column[kept])), (len(rows), len(columns))))


def scaled(labels: Array) -> Floats:
    """Labels in floats, divided by a power of two so that their sums neither overflow nor vanish.

    >>> scaled(np.array([1e308, -5e307]))
    array([ 0.55626846, -0.27813423])
    """
    floats = labels.astype(np.float64)
    exponent = int(np.frexp(np.abs(floats).max(initial=0))[1])
    return np.asarray(np.ldexp(floats, -exponent), dtype=np.float64)


def spectrum_of_counts(matrix: SparseMatrix, memory: int) -> NumericalRank:
    """The singular values of a sparse matrix, divided by the root of the sum of their squares, block by block.

    Raises:
        TensorRankError: if a block, dense, would take more memory.

    >>> from scipy.sparse import coo_array
    >>> spectrum_of_counts(SparseMatrix.of(coo_array([[3, 0], [0, 4]])), memory=2**20).spectrum
    array([0.8, 0.6])
    """
    blocks = matrix.blocks()
    rows, columns = max((block.shape for block in blocks), key=prod, default=(0, 0))
    what = f"the spectrum of {rows} patterns on side A with {columns} on side B, which samples connect,"
    refuse_beyond(memory, 8 * _DENSE * rows * columns, what, "fewer samples, or more memory")
    parts = [singular_values(block.toarray()) for block in blocks]
    return _normalised(np.concatenate([*parts, np.zeros(0)]), min(matrix.shape), 0.0, max(matrix.shape))


@dataclass(frozen=True, eq=False)
class _Side:
    """The patterns of a side: unit vectors of each site, an array (patterns, dimension), and logarithms of lengths."""

    units: Sequence[Floats]
    logarithms: Floats

    @classmethod
    def of(cls, vectors: Sequence[Array], sites: Sequence[int], first: Integers) -> _Side:
        units, logarithms = [], np.zeros(len(first))
        for site in sites:
            chosen = np.asarray(vectors[site][first], dtype=np.float64)
            largest = np.abs(chosen).max(axis=1)
            scaled = chosen / np.where(largest > 0, largest, 1)[:, None]
            lengths = np.sqrt((scaled**2).sum(axis=1))
            units.append(scaled / np.where(lengths > 0, lengths, 1)[:, None])
            with np.errstate(divide="ignore"):
                logarithms = logarithms + np.log(lengths) + np.log(largest)
        return cls(units, logarithms)

    @property
    def count(self) -> int:
        return len(self.logarithms)

    @cached_property
    def dimension(self) -> int:
        """The dimension of the products of vectors."""
        return prod(unit.shape[1] for unit in self.units)

    @property
    def written_out(self) -> bool:
        """Whether products of vectors have no more entries than there are patterns."""
        return self.dimension <= self.count

    def products(self) -> Floats:
        """The products of vectors, (patterns, dimension)."""
        return reduce(lambda left, right: (left[:, :, None] * right[:, None, :]).reshape(len(left), -1), self.units)

    def gram(self) -> Floats:
        """The inner products of the patterns."""
        found = np.ones((self.count, self.count))
        for unit in self.units:
            found *= unit @ unit.T
        return found

    def half(self) -> tuple[Floats, float]:
        """A matrix with a row for each pattern that has its inner products, and the error of its singular values."""
        if self.written_out:
            return self.products(), 0.0
        squares, vectors = np.linalg.eigh(self.gram())
        error = self.count * _EPSILON * max(float(squares[-1]), 0.0)
        kept = squares > error
        return vectors[:, kept] * np.sqrt(squares[kept]), error**0.5


def spectrum_of_products(
    codes: Integers, vectors: Sequence[Array], labels: Array, partition: Bipartition, memory: int
) -> NumericalRank:
    """The singular values of a sum of products across a cut, divided by the root of the sum of their squares.

    Args:
        codes: for each sample the number of its vector among the different ones of each site, (samples, sites).
        vectors: for each site an array (samples, dimension).
        labels: the factor of each sample.
        partition: the two sides.
        memory: the bytes that may be taken.

    Raises:
        TensorRankError: before anything is computed, if it would take more memory.
    """
    near, far = (_Side.of(vectors, side, patterns(codes, side)[0]) for side in (partition.a, partition.b))
    largest = max(min(side.count, side.dimension) for side in (near, far)) * max(near.count, far.count)
    held = sum(0 if side.written_out else side.count**2 for side in (near, far))
    what = f"the spectrum of {near.count} different patterns on side A and {far.count} on side B"
    refuse_beyond(memory, 8 * _HELD * max(largest, held), what, "fewer samples, or more memory")
    middle = counts(codes, scaled(labels), partition)
    sums, rows, columns = middle.entries, middle.rows, middle.columns
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.abs(sums)) + near.logarithms[rows] + far.logarithms[columns]
    most = logarithms.max(initial=-np.inf)
    if most == -np.inf:
        return _normalised(np.zeros(0), min(middle.shape), 0.0, max(middle.shape))
    weights = np.sign(sums) * np.exp(logarithms - most)
    if min(near.count, near.dimension) > min(far.count, far.dimension):
        near, far, rows, columns = far, near, columns, rows
    return _small_first(near, far, rows, columns, weights)


def _small_first(near: _Side, far: _Side, rows: Integers, columns: Integers, weights: Floats) -> NumericalRank:
    """The spectrum of near^T Y far, where near has the fewer dimensions or patterns."""
    from scipy.sparse import coo_array

    middle = coo_array((weights, (rows, columns)), (near.count, far.count))
    half, error = near.half()
    carried = np.asarray(middle.T @ half)
    size = min(near.count, near.dimension, far.count, far.dimension)
    terms = max(near.count, far.count)
    if far.written_out:
        values = singular_values(carried.T @ far.products())
        missed = error * float(np.sqrt((weights**2).sum())) * far.count**0.5
        return _normalised(values, size, missed, terms)
    gram = far.gram()
    squares = np.linalg.eigvalsh(carried.T @ gram @ carried)[::-1]
    largest = max(float(squares[0]), 0.0) if len(squares) else 0.0
    # Squares are known up to so much, so that values are known to half of the digits.
    length = float((carried**2).sum())
    missed = (far.count * _EPSILON * max(far.count * length, largest)) ** 0.5
    return _normalised(np.sqrt(np.clip(squares, 0, None)), size, missed + error * largest**0.5, terms)


def _normalised(values: Floats, size: int, missed: float, terms: int) -> NumericalRank:
    """A numerical rank of `size` singular values with the sum of squares 1, each known up to an error."""
    values = np.sort(values[values > 0])[::-1][:size]
    spectrum, relative = np.zeros(size), 0.0
    if len(values):
        scaled = values / values[0]
        spectrum[: len(values)] = scaled / np.sqrt((scaled**2).sum())
        relative = missed / float(values[0]) / terms
    return rank_of_spectrum(spectrum, max(_EPSILON, relative), terms)

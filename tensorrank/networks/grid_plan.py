"""The grid of a network: its values at many inputs of side A and many of side B, without the dense tensor.

The inputs of the rows share one batch leg, those of the columns another. Whatever carries only one of the two legs is
contracted once. What carries both is contracted for one tile of the matrix of values after the other, so that its
intermediates stay in cache and within the memory limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.networks.contraction import Operand
from tensorrank.networks.expression import SMALLER, Expression, Legs

# The batch legs; no tensor has legs of these names.
ROW, COLUMN = "\0row", "\0column"

# Entries of the largest intermediate of a tile: large enough that calls cost little, small enough for the caches.
_TILE_ENTRIES = 2**18
# The shortest and longest side of a tile: shorter ones spend their time in calls, longer ones gain nothing.
_SHORTEST, _LONGEST = 32, 512
# Bytes of a value, in the matrix and in the tile that it comes from.
_VALUE_BYTES = 16
# The rows and columns for which paths are sought.
_TYPICAL = 2**10

Inputs = ArrayLike | Sequence[Array]


@dataclass(frozen=True)
class GridPlan:
    """A plan for contracting a grid of values, made for one network, one bipartition and one number of inputs.

    Attributes:
        parts: the contractions that carry at most one batch leg, each with the numbers of its operands: the network's
            tensors come first, then the inputs of each site.
        tile: the contraction of all parts for one tile of the matrix.
        shape: the rows and columns of the matrix.
        tile_shape: the rows and columns of a tile; those at the edges may have fewer.

    Sources: the grid matrix, Levine et al. (NeurIPS 2020, arXiv 2006.12467).

    >>> plan = GridPlan.of((("a", "z"), ("z", "b")), ("a",), ("b",), {"a": 2, "b": 2, "z": 3}, (500, 500))
    >>> [operands for _, operands in plan.parts]  # inputs of B; both tensors with the inputs of A
    [(3,), (0, 1, 2)]
    """

    parts: tuple[tuple[Expression, tuple[int, ...]], ...]
    tile: Expression
    shape: tuple[int, int]
    tile_shape: tuple[int, int]

    @classmethod
    def of(cls, tensors: Sequence[Legs], a: Legs, b: Legs, sizes: Mapping[str, int], shape: tuple[int, int]) -> GridPlan:
        """The plan for tensors with the legs given; legs in a and b take the inputs of side A and of side B."""
        return _sized_plan(tuple(tensors), a, b, tuple(sizes.items()), shape)

    def within(self, limit: int, what: str) -> GridPlan:
        """The plan, with tiles small enough for a limit in bytes; refused if even tiles of one value do not fit."""
        found, side = self, max(self.tile_shape)
        while found.peak_bytes > limit and side > 1:
            side //= 2
            found = self._with_tiles(side)
        refuse_beyond(limit, found.peak_bytes, what, SMALLER)
        return found

    @property
    def operations(self) -> int:
        """Multiplications and additions for the whole matrix."""
        # Whole numbers: those of a cut through hundreds of sites may be more than a float holds.
        tile = self.tile_shape[0] * self.tile_shape[1]
        tiles = (self.shape[0] * self.shape[1] * self.tile.operations + tile // 2) // tile
        return sum(part.operations for part, _ in self.parts) + tiles

    @cached_property
    def peak_bytes(self) -> int:
        """An estimate of the bytes in use at the worst moment."""
        kept = sum(part.result_bytes for part, _ in self.parts)
        worst = max(self.tile.peak_bytes, *(part.peak_bytes for part, _ in self.parts))
        return kept + worst + _VALUE_BYTES * self.shape[0] * self.shape[1]

    @property
    def least_bytes(self) -> int:
        """The estimate of bytes for tiles of a single value, the least that this plan can do with."""
        return self._with_tiles(1).peak_bytes

    def evaluate(self, operands: Sequence[Operand]) -> Floats | Residues:
        """The matrix of values: floats, complex if any operand is, or residues 0..p-1.

        The operands are the tensors of the network, then the inputs (count, dimension) of each site of A, then of B.
        """
        # Batch legs are the last in memory, where numpy runs along them.
        results = (part.evaluate([operands[number] for number in numbers]) for part, numbers in self.parts)
        parts = [np.asarray(result.values, order="C") for result in results]
        field = operands[0].field
        kind = np.dtype(np.int64) if field is not None else np.result_type(*parts)
        values: Floats | Residues = np.empty(self.shape, dtype=kind)
        (rows, columns), (height, width) = self.shape, self.tile_shape
        for top in range(0, rows, height):
            for left in range(0, columns, width):
                place = {ROW: slice(top, top + height), COLUMN: slice(left, left + width)}
                pieces = [
                    Operand(array[..., place[legs[-1]]] if legs and legs[-1] in place else array, field)
                    for array, legs in zip(parts, self.tile.operands, strict=True)
                ]
                values[place[ROW], place[COLUMN]] = self.tile.evaluate(pieces).result()
        return values

    def _with_tiles(self, side: int) -> GridPlan:
        height, width = _tile_shape(self.shape, side)
        tile = self.tile.resized({ROW: height, COLUMN: width})
        return replace(self, tile=tile, tile_shape=(height, width))


@lru_cache(maxsize=64)
def _sized_plan(
    tensors: tuple[Legs, ...], a: Legs, b: Legs, sizes: tuple[tuple[str, int], ...], shape: tuple[int, int]
) -> GridPlan:
    plan = _plan(tensors, a, b, sizes)
    dimensions = {ROW: shape[0], COLUMN: shape[1]}
    parts = tuple((part.resized(dimensions), numbers) for part, numbers in plan.parts)
    plan = replace(plan, parts=parts, shape=shape)
    both = {ROW, COLUMN}
    thickness = max(-(-step.entries // _TYPICAL**2) for step in plan.tile.steps if both <= set(step.legs))
    return plan._with_tiles(min(_LONGEST, max(_SHORTEST, isqrt(_TILE_ENTRIES // thickness))))


def inputs_by_site(
    rows: Inputs, columns: Inputs, sides: Sequence[Sequence[int]], shape: Sequence[int], field: PrimeField | None
) -> tuple[list[Operand], list[Operand]]:
    """The inputs of the rows' side and of the columns' side, each as an operand (count, dimension) for every site.

    A side's inputs are an array (count, sites, k) with k at least every dimension, or a list with a numpy array (count,
    dimension) for each site. The shape has the dimension of every site.
    """
    near, far = ([shape[site] for site in side] for side in sides)
    return _side_inputs(rows, "rows", near, field), _side_inputs(columns, "columns", far, field)


def _side_inputs(given: Inputs, name: str, dimensions: Sequence[int], field: PrimeField | None) -> list[Operand]:
    if isinstance(given, list | tuple) and given and all(isinstance(one, np.ndarray) for one in given):
        by_site = list(given)
        if len(by_site) != len(dimensions):
            raise TensorRankError(f"the {name} are {len(by_site)} arrays; expected one for each of {len(dimensions)} sites")
        for site, (array, size) in enumerate(zip(by_site, dimensions, strict=True)):
            if array.ndim != 2 or array.shape[1] != size or len(array) != len(by_site[0]):
                raise TensorRankError(
                    f"array {site} of the {name} has the shape {array.shape}; expected ({len(by_site[0])}, {size}): "
                    "as many inputs as the first array has, of its leg's dimension"
                )
    else:
        array = as_given(given)
        if array.ndim != 3 or array.shape[1] != len(dimensions) or array.shape[2] < max(dimensions):
            raise TensorRankError(
                f"the {name} have the shape {array.shape}; expected (count, {len(dimensions)}, {max(dimensions)}): "
                "inputs, sites of this side, and the largest dimension of their legs"
            )
        by_site = [array[:, site, :size] for site, size in enumerate(dimensions)]
    return [Operand.of(array, field) for array in by_site]


@lru_cache(maxsize=128)
def _plan(tensors: tuple[Legs, ...], a: Legs, b: Legs, sizes: tuple[tuple[str, int], ...]) -> GridPlan:
    """The plan for a grid of typical size; plans for other sizes differ in the dimensions of the batch legs only."""
    everything = [*tensors, *((ROW, leg) for leg in a), *((COLUMN, leg) for leg in b)]
    dimensions = dict(sizes) | {ROW: _TYPICAL, COLUMN: _TYPICAL}
    whole = Expression.of(everything, (ROW, COLUMN), dimensions)
    legs = [*everything, *(step.legs for step in whole.steps)]
    batch = {ROW, COLUMN}
    taken = chain(*(step.operands for step in whole.steps if batch <= set(step.legs)))
    contracted = whole.parts(
        {number: tuple(sorted(legs[number], key=batch.__contains__)) for number in taken if not batch <= set(legs[number])}
    )
    tile = Expression.of([part.output for part, _ in contracted], (ROW, COLUMN), dimensions)
    return GridPlan(tuple(contracted), tile, (_TYPICAL, _TYPICAL), (_TYPICAL, _TYPICAL))


def _tile_shape(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """The shape of equal tiles of about side x side entries, wide for few rows and high for few columns."""
    height = min(shape[0], max(side, side * side // max(1, shape[1])))
    width = min(shape[1], max(side, side * side // max(1, height)))
    return _even(shape[0], height), _even(shape[1], width)


def _even(length: int, most: int) -> int:
    """The length of the fewest equal pieces that are at most so long."""
    return -(-length // -(-length // most)) if length else 1

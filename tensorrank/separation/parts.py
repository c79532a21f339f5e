"""Blocks for few tokens: the parts of the values at sampled inputs, a matrix for each degree in side A's moments.

With fewer than d tokens on a side the moments that occur have low rank, and a Hankel block would hold far more than can
matter. The part of degree k is a function of the two sides, of a rank that is at most the smaller dimension of their
spaces of functions. Its values at little more than so many random inputs of each side have the same rank, with high
probability, and never a larger one. One evaluation tells the parts of all degrees, so that all use the same inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tensorrank.arithmetic.elimination.costs import MOST_THREADS
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName, preferred_engine
from tensorrank.arithmetic.elimination.engines import Balanced, storage
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.progress import Progress, silent
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.architecture import Instance
from tensorrank.separation.blocks import HankelBlock
from tensorrank.separation.jobs import JobRank

# Values of four bytes that a thread computes at a time.
_TILE = 2**18
# Tiles of each thread between two reports.
_TILES_AT_ONCE = 16
# Bytes for each pair of degrees, while parts are told from values by interpolation.
_INTERPOLATION_BYTES = 24


@dataclass(frozen=True, eq=False)
class SampledParts:
    """The blocks of some degrees of one function over GF(p) at few tokens, before they are computed.

    Attributes:
        instance: the function.
        field: GF(p).
        width: d, the dimension of a token as it is given.
        degree: C, the degree in the moments of all tokens.
        tokens: how many on the output token's side, and on the other.
        blocks: the degrees, and how many inputs of each side are used.
        seed: of the inputs.
        pair_work: operations for the parts at one pair of inputs.
    """

    instance: Instance
    field: PrimeField
    width: int
    degree: int
    tokens: tuple[int, int]
    blocks: tuple[HankelBlock, ...]
    seed: int
    pair_work: float

    @property
    def memory(self) -> float:
        """Bytes of all blocks, and of what is computed at a time."""
        return parts_bytes(self.blocks, self.degree, storage(self.field.prime).itemsize)

    @property
    def work(self) -> float:
        """Operations of computing the parts at all pairs of inputs."""
        return self.pair_work * prod(inputs_of(self.blocks))

    def make(self, pool: Workers, report: Progress = silent) -> Mapping[int, Balanced]:
        """Compute the blocks, by degree: inputs of the output token's side are rows."""
        near, far = (self._inputs(side, count) for side, count in enumerate(inputs_of(self.blocks)))
        parts = self.instance.parts(far, self.degree)
        made = {block.degree: np.empty(block.used, dtype=storage(self.field.prime)) for block in self.blocks}

        def fill(tile: tuple[range, Sequence[HankelBlock]]) -> None:
            rows, blocks = tile
            degrees, columns = np.array([block.degree for block in blocks]), max(block.used[1] for block in blocks)
            values = parts(near[rows.start : rows.stop], degrees, columns)
            for block, part in zip(blocks, values, strict=True):
                target = made[block.degree][rows.start : rows.stop]
                target[:] = part[: len(target), : target.shape[1]]

        tiles = self._tiles(len(near))
        step = _TILES_AT_ONCE * pool.count
        for start in range(0, len(tiles), step):
            pool.map(fill, tiles[start : start + step])
            report(min(len(tiles), start + step), len(tiles), "parts of the values")
        return made

    def _inputs(self, side: int, count: int) -> Residues:
        """So many random inputs of a side, of different directions as far as there are.

        A multiple of an input has multiples of its parts, and modulo a small prime some would be drawn twice.
        """
        # More than d tokens of a side have no other moments. Each side has a stream of its own.
        shape = min(self.tokens[side], self.width), self.width
        drawn = self.field.random((2 * count + 16, *shape), np.random.default_rng([self.seed, side]))
        flat = drawn.reshape(len(drawn), -1)
        leading = flat[np.arange(len(flat)), (flat != 0).argmax(axis=1)]
        directions = flat * self.field.inverse(np.maximum(leading, 1))[:, None] % self.field.prime
        new = np.zeros(len(flat), dtype=bool)
        new[np.unique(directions, axis=0, return_index=True)[1]] = True
        return drawn[np.argsort(~new, kind="stable")[:count]]

    def _tiles(self, rows: int) -> list[tuple[range, Sequence[HankelBlock]]]:
        """Ranges of rows with the blocks that reach them, some for each thread and more."""
        tiles: list[tuple[range, Sequence[HankelBlock]]] = []
        start = 0
        while start < rows:
            blocks = [block for block in self.blocks if block.used[0] > start]
            step = max(1, _TILE // (len(blocks) * max(block.used[1] for block in blocks)))
            tiles.append((range(start, min(rows, start + step)), blocks))
            start += step
        return tiles


@dataclass(frozen=True, eq=False)
class SampledBlock:
    """Finds a certified rank of one block of a function at few tokens.

    Attributes:
        block: the degree, and how many inputs of each side are used.
        operations: expected; where they are few, no fast engine is looked for.
        field: GF(p).
        engine: what multiplies.
        device: where.
    """

    block: HankelBlock
    operations: float
    field: PrimeField
    engine: EngineName = "auto"
    device: str = HOST

    def __call__(self, made: Mapping[int, Balanced], pool: Workers, report: Progress) -> JobRank:
        """Eliminate a copy of the block."""
        engine = preferred_engine(self.field, self.engine, self.operations, self.device)
        block = made[self.block.degree]
        matrix = np.array(block if block.shape[0] <= block.shape[1] else block.T, order="C")
        rank = rank_in_place(matrix, engine, pool, report)
        return JobRank(rank, *self.block.used, complete=not self.block.cut, engine=engine.name)


def inputs_of(blocks: Sequence[HankelBlock]) -> tuple[int, int]:
    """The inputs of the two sides at which the parts are computed."""
    return max(block.used[0] for block in blocks), max(block.used[1] for block in blocks)


def parts_bytes(blocks: Sequence[HankelBlock], degree: int, entry: int) -> float:
    """Bytes of the parts at sampled inputs, of so many bytes an entry, and of what is computed at a time."""
    held = sum(prod(block.used) for block in blocks)
    row = len(blocks) * inputs_of(blocks)[1]
    return (
        entry * held
        + 4.0 * min(len(blocks) * prod(inputs_of(blocks)), MOST_THREADS * max(_TILE, row))
        + (_INTERPOLATION_BYTES * (degree + 1.0) ** 2)
    )

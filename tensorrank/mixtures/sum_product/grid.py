"""A sum-product network at many inputs of side A and many of side B: the matrix of values over GF(p).

A node that depends on one side is evaluated at the inputs of that side only. The terms of a node become one matrix
product. Every other node is a plane, a value for each row and column, kept only as long as some node needs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import refuse_beyond
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products
from tensorrank.mixtures.sum_product.circuit import compiled
from tensorrank.mixtures.sum_product.cut_terms import (
    ONE,
    Combination,
    CutTerms,
    NodeValue,
    Numbers,
    Outer,
    Plane,
    ProductPlane,
    Side,
    SumPlane,
    Terms,
    cut_terms,
)
from tensorrank.mixtures.sum_product.graph import Graph
from tensorrank.networks.contraction import Operand, einsum
from tensorrank.networks.expression import SMALLER
from tensorrank.networks.grid_plan import inputs_by_site
from tensorrank.separation.partition import Bipartition

# Up to so many terms a matrix product costs less than the planes it saves.
_MOST_TERMS = 64
# The cost of an operation on the entries of planes, reductions modulo p included, in operations of a matrix product.
_PLANE_COST = 20
# Entries of a plane: large enough that calls cost little, small enough for the caches.
_PLANE_ENTRIES = 2**17
_FEWEST_ROWS = 32
# The planes that are summed at once, and those that an operation takes beside its operands.
_SUMMED, _SPARE = 8, 6
_ENTRY_BYTES = 8

# The kept vectors of side A and of side B by their numbers.
_Vectors: TypeAlias = tuple[Mapping[int, Floats], Mapping[int, Floats]]


@dataclass(frozen=True, eq=False)
class OneSide:
    """The functions of one side, of the variables `sites`, and how they are evaluated."""

    sites: tuple[int, ...]
    # The nodes with all variables on this side, and the slot of each.
    circuit: Circuit
    slots: Mapping[Name, int]
    side: Side
    # The vectors that planes are made of.
    kept: frozenset[int]

    @property
    def peak(self) -> int:
        """The most entries held at once for an input."""
        return self.circuit.slots + 3 * sum(self.side.lengths)

    def one(self, terms: Terms) -> bool:
        """Whether some terms are a single product of two functions."""
        return len(terms) == 1 and self.side.lengths[terms[0][0]] == 1

    def values(self, inputs: Sequence[Operand], field: PrimeField) -> dict[int, Floats]:
        """The kept vectors, (length, inputs), in balanced residues."""
        by_site = dict(zip(self.sites, inputs, strict=True))
        slots = np.empty((self.circuit.slots, inputs[0].shape[0]))
        tables = [np.empty(0) if isinstance(block, Products) else block.table for block in self.circuit.blocks]
        for out, block, table, parts in self.circuit.steps(tables):
            if isinstance(block, Products):
                slots[out] = slots[parts[0]]
                for part in parts[1:]:
                    slots[out] = _product("sr,sr->sr", slots[out], slots[part], field)
            else:
                of = by_site[block.site].values.T if isinstance(block, Leaves) else slots[parts[0]]
                slots[out] = _product("st,tr->sr", table, of, field)
        found: list[Floats] = []
        for definition in self.side.definitions:
            match definition:
                case NodeValue(name=name):
                    found.append(slots[self.slots[name]][None])
                case Outer(factors=factors):
                    vectors = [_joined(found, numbers) for numbers in factors] or [np.ones((1, slots.shape[1]))]
                    vector = vectors[0]
                    for factor in vectors[1:]:
                        vector = _product("ar,br->abr", vector, factor, field).reshape(-1, slots.shape[1])
                    found.append(vector)
                case Combination(weights=weights, vectors=numbers):
                    stack = np.stack([found[number] for number in numbers])
                    found.append(_product("t,tsr->sr", np.array(weights), stack, field))
                case _:
                    raise NotImplementedError(f"{definition} has no values")
        return {number: found[number] for number in self.kept}


@dataclass(frozen=True, eq=False)
class SumProductGrid:
    """The plan of a grid: the functions of each side first, then one plane after the other, the root last."""

    sides: tuple[OneSide, OneSide]
    planes: tuple[Plane, ...]
    # For each plane but the root the number of the last one that needs it.
    last: Mapping[Name, int]

    @classmethod
    def of(cls, graph: Graph, partition: Bipartition) -> SumProductGrid:
        """The plan for a partition of the variables; tables are balanced residues where it is to be evaluated."""
        plans = [
            cls._of(graph, partition, cut_terms(graph, partition, most=_MOST_TERMS, keep_left=keep_left))
            for keep_left in (False, True)
        ]
        return min(plans, key=cls.value_work)

    @classmethod
    def _of(cls, graph: Graph, partition: Bipartition, found: CutTerms) -> SumProductGrid:
        root = graph.root
        if root in found.terms:
            found.planes.append(SumPlane(root, found.terms[root], (), ()))
        last = {child: number for number, plane in enumerate(found.planes) for child in plane.planes}
        needed = [terms for plane in found.planes for terms in _terms_of(plane)]
        sides = tuple(
            cls._side(graph, sites, side, frozenset(term[place] for terms in needed for term in terms))
            for place, (sites, side) in enumerate(((partition.a, found.left), (partition.b, found.right)))
        )
        return cls((sides[0], sides[1]), tuple(found.planes), last)

    @staticmethod
    def _side(graph: Graph, sites: tuple[int, ...], side: Side, kept: frozenset[int]) -> OneSide:
        bits = sum(1 << site for site in sites)
        circuit, slots = compiled(graph.nodes, [name for name in graph.order if not graph.scopes[name] & ~bits])
        return OneSide(sites, circuit, slots, side, kept)

    def value_work(self) -> float:
        """Operations that a value costs, at the rate of a matrix product."""
        work = 0
        for plane in self.planes:
            for terms in _terms_of(plane):
                work += 2 * self.sides[0].side.length(left for left, _ in terms) + _PLANE_COST
            work += _PLANE_COST * len(plane.planes)
        return float(work)

    @property
    def most_planes(self) -> int:
        """The most planes held at once, with those that an operation takes."""
        live, most = 0, 0
        expiring = Counter(self.last.values())
        for number in range(len(self.planes)):
            most = max(most, live + 1)
            live += 1 - expiring[number]
        return most + _SUMMED + _SPARE

    def evaluate(self, rows: Residues, columns: Residues, shape: Sequence[int], field: PrimeField, memory: int) -> Residues:
        """The residues of the values at all pairs of a row and a column, taken in slices of rows that fit in memory.

        Rows and columns are inputs of shape (count, sites of the side, largest number of values of all variables), and
        `shape` has the number of values of each variable. The memory in bytes is what may be taken beside the values.
        """
        inputs = inputs_by_site(rows, columns, (self.sides[0].sites, self.sides[1].sites), shape, field)
        values = np.empty((len(rows), len(columns)), dtype=np.int64)
        if not values.size:
            return values
        fixed = self.sides[1].peak * len(columns) * _ENTRY_BYTES
        each = (self.sides[0].peak + self.most_planes * len(columns)) * _ENTRY_BYTES
        refuse_beyond(memory, fixed + each, f"a grid of {len(rows)} x {len(columns)} values", SMALLER)
        step = min(max(_FEWEST_ROWS, _PLANE_ENTRIES // len(columns)), (memory - fixed) // each)
        right = self.sides[1].values(inputs[1], field)
        for start in range(0, len(rows), step):
            part = [Operand(one.values[start : start + step], field) for one in inputs[0]]
            vectors = self.sides[0].values(part, field), right
            values[start : start + step] = Operand(self._last_plane(vectors, field), field).result()
        return values

    def _last_plane(self, vectors: _Vectors, field: PrimeField) -> Floats:
        planes: dict[Name, Floats] = {}
        for number, plane in enumerate(self.planes):
            others = [planes[child] for child in plane.planes]
            for child in plane.planes:
                if self.last[child] == number:
                    del planes[child]
            found = self._plane(plane, others, vectors, field)
            del others
            planes[plane.name] = found
        return planes[self.planes[-1].name]

    def _plane(self, plane: Plane, others: list[Floats], vectors: _Vectors, field: PrimeField) -> Floats:
        """The values of a node on the grid, from the planes that it is made of."""
        if isinstance(plane, SumPlane):
            parts = [_from_terms(plane.terms, vectors, field)] if plane.terms else []
            return _weighted_sum([*parts, *others], [*(1.0 for _ in parts), *plane.weights], field)
        single = [terms[0] for terms in plane.groups if others and self.sides[0].one(terms)]
        sums = [terms for terms in plane.groups if not (others and self.sides[0].one(terms))]
        factors = [_from_terms(terms, vectors, field) for terms in sums] + others
        found = factors[0]
        for factor in factors[1:]:
            found = _product("rc,rc->rc", found, factor, field)
        for first, second in single:
            found = _product("rc,r->rc", found, vectors[0][first][0], field) if first != ONE else found
            found = _product("rc,c->rc", found, vectors[1][second][0], field) if second != ONE else found
        return found


def _terms_of(plane: Plane) -> Sequence[Terms]:
    if isinstance(plane, ProductPlane):
        return plane.groups
    return [plane.terms] if plane.terms else []


def _from_terms(terms: Terms, vectors: _Vectors, field: PrimeField) -> Floats:
    left, right = (_joined(side, numbers) for side, numbers in zip(vectors, zip(*terms, strict=True), strict=True))
    return _product("tr,tc->rc", left, right, field)


def _weighted_sum(planes: list[Floats], weights: Sequence[float], field: PrimeField) -> Floats:
    """The weighted sum of planes, taken in stacks of a few, of which the sum so far is one."""
    if len(planes) == 1 and weights[0] == 1.0:
        return planes[0]
    total: Floats | None = None
    for start in range(0, len(planes), _SUMMED - 1):
        stack = planes[start : start + _SUMMED - 1]
        factors = list(weights[start : start + _SUMMED - 1])
        if total is not None:
            stack, factors = [total, *stack], [1.0, *factors]
        total = _product("t,trc->rc", np.array(factors), np.stack(stack), field)
    assert total is not None
    return total


def _joined(vectors: Mapping[int, Floats] | Sequence[Floats], numbers: Numbers) -> Floats:
    return vectors[numbers[0]] if len(numbers) == 1 else np.concatenate([vectors[number] for number in numbers])


def _product(subscripts: str, left: Floats, right: Floats, field: PrimeField) -> Floats:
    return einsum(subscripts, Operand(left, field), Operand(right, field)).values

"""The nodes of a sum-product network across a cut: each a sum of terms, functions of side A times functions of side B.

The number of terms of the root bounds the separation rank, and a node of few terms is one matrix product on a grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any, TypeAlias

from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.sum_product.graph import Graph, variables_of
from tensorrank.mixtures.sum_product.nodes import ProductNode, SumNode
from tensorrank.separation.partition import Bipartition

# A vector is a list of functions of one side's variables, and is known by its number on that side.
Numbers: TypeAlias = tuple[int, ...]
# Pairs of a vector of side A and one of side B, of one length: the sum over i of the products of their i-th functions.
Terms: TypeAlias = tuple[tuple[int, int], ...]

# The number of the vector that holds the constant 1 alone.
ONE = 0


@dataclass(frozen=True)
class NodeValue:
    """The vector of one function, that of a node with all variables on one side."""

    name: Name


@dataclass(frozen=True)
class Outer:
    """The vector of all products that take one function from each factor, the last factor running fastest.

    A factor is several vectors, one after the other.
    """

    factors: tuple[Numbers, ...]


@dataclass(frozen=True)
class Combination:
    """The weighted sum of vectors of one length."""

    weights: tuple[Any, ...]
    vectors: Numbers


@dataclass(frozen=True)
class Basis:
    """A basis of all functions of some variables; with a node, the functions that its terms have beside this basis."""

    scope: int
    node: Name | None = None


Definition: TypeAlias = "NodeValue | Outer | Combination | Basis"


@dataclass(eq=False)
class Side:
    """The vectors of one side, each defined by earlier ones. Two vectors never have equal definitions."""

    definitions: list[Definition] = field(default_factory=lambda: [Outer(())])
    # How many functions each vector holds.
    lengths: list[int] = field(default_factory=lambda: [1])
    _numbers: dict[Definition, int] = field(default_factory=dict)

    def define(self, definition: Definition, length: int) -> int:
        """The number of the vector with this definition."""
        number = self._numbers.setdefault(definition, len(self.definitions))
        if number == len(self.definitions):
            self.definitions.append(definition)
            self.lengths.append(length)
        return number

    def outer(self, factors: Iterable[Numbers]) -> int:
        """The vector of all products of the factors' functions."""
        kept = tuple(factor for factor in factors if factor != (ONE,))
        if len(kept) == 1 and len(kept[0]) == 1:
            return kept[0][0]
        return self.define(Outer(kept), prod(map(self.length, kept))) if kept else ONE

    def combination(self, weights: Iterable[Any], vectors: Iterable[int]) -> int:
        """The weighted sum of vectors of one length."""
        definition = Combination(tuple(weights), tuple(vectors))
        return self.define(definition, self.lengths[definition.vectors[0]])

    def length(self, numbers: Iterable[int]) -> int:
        """The number of functions of several vectors together."""
        return sum(self.lengths[number] for number in numbers)


@dataclass(frozen=True)
class ProductPlane:
    """The values of a node on a grid: a product of groups of terms and of other nodes' values."""

    name: Name
    groups: tuple[Terms, ...]
    planes: tuple[Name, ...]


@dataclass(frozen=True)
class SumPlane:
    """The values of a node on a grid: terms and a weighted sum of other nodes' values."""

    name: Name
    terms: Terms
    weights: tuple[Any, ...]
    planes: tuple[Name, ...]


Plane: TypeAlias = "ProductPlane | SumPlane"


@dataclass(eq=False)
class CutTerms:
    """Nodes as sums of terms, or, where these would be too many, as planes: their values on a grid.

    Attributes:
        most: the most terms that a node may have, or None for any number.
        keep_left: which side's functions a sum keeps when it has as many of either: those of A if True. The functions
            of the other side are then combined with the sum's weights.
        counting: whether terms are only counted, for a bound. Products of two functions may then have any coefficient.
        left: the vectors of side A.
        right: the vectors of side B.
        terms: the terms of each node that has few.
        planes: the other nodes, children first.
    """

    most: int | None = None
    keep_left: bool = False
    counting: bool = False
    left: Side = field(default_factory=Side)
    right: Side = field(default_factory=Side)
    terms: dict[Name, Terms] = field(default_factory=dict)
    planes: list[Plane] = field(default_factory=list)

    def count(self, terms: Terms) -> int:
        """How many products of two functions some terms are."""
        return self.left.length(left for left, _ in terms)

    def add_product(self, name: Name, children: Sequence[Name]) -> None:
        """Write a product as terms or as a plane; equal sets of children have to come in one order."""
        pure = [self.terms[child][0] for child in children if child in self.terms and ONE in self.terms[child][0]]
        mixed = [self.terms[child] for child in children if child in self.terms and ONE not in self.terms[child][0]]
        planes = tuple(child for child in children if child not in self.terms)
        groups: list[list[Terms]] = []
        size = 0
        for terms in sorted(mixed, key=self.count):
            count = self.count(terms)
            if groups and (self.most is None or size * count <= self.most):
                groups[-1].append(terms)
                size *= count
            else:
                groups.append([terms])
                size = count
        joined = [self._product(group, pure if number == 0 else []) for number, group in enumerate(groups)]
        if pure and not groups:
            joined = [self._product([], pure)]
        if len(joined) == 1 and not planes:
            self.terms[name] = joined[0]
        else:
            self.planes.append(ProductPlane(name, tuple(joined), planes))

    def _product(self, group: Sequence[Terms], pure: Sequence[tuple[int, int]]) -> Terms:
        """The product of some sums of terms and of functions of one side; of a single sum it is taken term by term."""
        if len(group) == 1:
            return tuple(
                (
                    self.left.outer([(left,), *((one,) for one, _ in pure)]),
                    self.right.outer([(right,), *((one,) for _, one in pure)]),
                )
                for left, right in group[0]
            )
        lefts = [*(tuple(left for left, _ in terms) for terms in group), *((one,) for one, _ in pure)]
        rights = [*(tuple(right for _, right in terms) for terms in group), *((one,) for _, one in pure)]
        return ((self.left.outer(lefts), self.right.outer(rights)),)

    def add_sum(self, name: Name, weights: Sequence[Any], children: Sequence[Name]) -> None:
        """Write a sum as terms or as a plane."""
        weighted = [
            (weight, *term) for weight, child in zip(weights, children, strict=True) for term in self.terms.get(child, ())
        ]
        terms = self._collected(name, weighted)
        planes = [(weight, child) for weight, child in zip(weights, children, strict=True) if child not in self.terms]
        if not planes and (self.most is None or self.count(terms) <= self.most):
            self.terms[name] = terms
        else:
            self.planes.append(
                SumPlane(name, terms, tuple(weight for weight, _ in planes), tuple(child for _, child in planes))
            )

    def _collected(self, name: Name, weighted: Sequence[tuple[Any, int, int]]) -> Terms:
        """The sum of weighted terms, as a term for each different vector of the side that has fewer functions."""
        lefts, rights = (dict.fromkeys(term[side] for term in weighted) for side in (1, 2))
        pairs = dict.fromkeys((left, right) for _, left, right in weighted)
        if self.counting and len(pairs) == len(lefts) == len(rights):
            return tuple(pairs)
        fewer = self.right.length(rights) - self.left.length(lefts)
        by_right = fewer < 0 or (fewer == 0 and not self.keep_left)
        others = self.left if by_right else self.right
        same: dict[int, list[tuple[Any, int]]] = {}
        for weight, left, right in weighted:
            kept, other = (right, left) if by_right else (left, right)
            same.setdefault(kept, []).append((weight, other))
        if self.counting:
            # Coefficients are not known, so no other node has this combination.
            same = {kept: [((name, kept), other) for _, other in found] for kept, found in same.items()}
        joined = ((kept, others.combination(*zip(*found, strict=True))) for kept, found in same.items())
        return tuple((other, kept) if by_right else (kept, other) for kept, other in joined)

    def cap(self, name: Name, scopes: tuple[int, int], dimensions: tuple[int, int]) -> None:
        """Write a node in a basis of all functions of its variables on one side, if such a basis has fewer functions.

        The node's variables on side A and on side B are its scopes, and have so many linearly independent functions.
        All nodes of these variables share the basis.
        """
        least = min(dimensions)
        if self.count(self.terms[name]) > least:
            smaller = dimensions.index(least)
            bases = Basis(scopes[smaller]), Basis(scopes[smaller], name)
            left, right = bases if smaller == 0 else bases[::-1]
            self.terms[name] = ((self.left.define(left, least), self.right.define(right, least)),)


def cut_terms(
    graph: Graph, partition: Bipartition, *, most: int | None = None, counting: bool = False, keep_left: bool = False
) -> CutTerms:
    """Each node of a graph as terms or as a plane, with the options that `CutTerms` explains.

    Values on a grid need a limit on terms. A bound only counts them, and may write nodes in bases of all functions.
    Neither choice of `keep_left` is the better one everywhere.
    """
    found = CutTerms(most, keep_left, counting)
    on_a, on_b = (sum(1 << site for site in side) for side in (partition.a, partition.b))

    @cache
    def dimension(scope: int) -> int:
        return prod(graph.shape[site] for site in variables_of(scope))

    for name in graph.order:
        scope, node = graph.scopes[name], graph.nodes[name]
        if not scope & on_b:
            found.terms[name] = ((found.left.define(NodeValue(name), 1), ONE),)
            continue
        if not scope & on_a:
            found.terms[name] = ((ONE, found.right.define(NodeValue(name), 1)),)
            continue
        if isinstance(node, ProductNode):
            found.add_product(name, sorted(node.children, key=graph.scopes.__getitem__))
        elif isinstance(node, SumNode):
            found.add_sum(name, tuple(node.weights), node.children)
        if counting:
            scopes = scope & on_a, scope & on_b
            found.cap(name, scopes, (dimension(scopes[0]), dimension(scopes[1])))
    return found

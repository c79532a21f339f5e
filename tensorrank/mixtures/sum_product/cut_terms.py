"""Every node of a sum-product network as a sum of terms, each a function of side A times a function of side B.

That number of terms bounds the separation rank, and few terms are one matrix product on a grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

from tensorrank.mixtures.latent_tree import Name
from tensorrank.mixtures.sum_product.nodes import Nodes, ProductNode, SumNode, variables_of
from tensorrank.separation.partition import Bipartition

Numbers: TypeAlias = tuple[int, ...]
# Vectors of one length on side A and on side B, by number: the sum over i of the products of their i-th functions.
Terms: TypeAlias = tuple[tuple[int, int], ...]

# The number of the vector (1).
ONE = 0


@dataclass(frozen=True)
class NodeValue:
    """The function of a node with all variables on one side."""

    name: Name


@dataclass(frozen=True)
class Outer:
    """All products of a function of each factor, the last running fastest; a factor is several vectors in a row."""

    factors: tuple[Numbers, ...]


@dataclass(frozen=True)
class Combination:
    """A weighted sum of vectors."""

    weights: tuple[Any, ...]
    vectors: Numbers


@dataclass(frozen=True)
class Basis:
    """A basis of all functions of some variables, or with a name what a node's terms have beside one."""

    scope: int
    node: Name | None = None


Definition: TypeAlias = "NodeValue | Outer | Combination | Basis"


@dataclass(eq=False)
class Side:
    """Vectors of functions of one side's variables, each defined by earlier ones; equal definitions are one vector."""

    definitions: list[Definition] = field(default_factory=lambda: [Outer(())])
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
        """That of several vectors together."""
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
class Separation:
    """Nodes as terms, or, where these would be too many, as planes: their values on a grid.

    Attributes:
        left: the functions of side A.
        right: the functions of side B.
        terms: of the nodes that have few.
        planes: of the others, children first.
        most: the most terms that a node may have, or None.
        keep_left: whether sums of as many functions of A as of B keep those of A, and mix those of B.
        counting: whether terms are counted only: products of two functions may then have any coefficient.
    """

    most: int | None = None
    keep_left: bool = False
    counting: bool = False
    left: Side = field(default_factory=Side)
    right: Side = field(default_factory=Side)
    terms: dict[Name, Terms] = field(default_factory=dict)
    planes: list[Plane] = field(default_factory=list)

    def count(self, terms: Terms) -> int:
        """How many products of two functions these are."""
        return self.left.length(left for left, _ in terms)

    def fits(self, terms: Terms) -> bool:
        """Whether they are no more than allowed."""
        return self.most is None or self.count(terms) <= self.most

    def add_product(self, name: Name, children: Sequence[Name]) -> None:
        """Terms or a plane for a product; children come in an order that does not depend on it."""
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
        """The product of sums of terms, and of functions of one side: of one sum, term by term."""
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
        """Terms or a plane for a sum."""
        weighted = [
            (weight, *term)
            for weight, child in zip(weights, children, strict=True)
            for term in self.terms.get(child, ())
        ]
        terms = self._collected(name, weighted)
        planes = [(weight, child) for weight, child in zip(weights, children, strict=True) if child not in self.terms]
        if not planes and self.fits(terms):
            self.terms[name] = terms
        else:
            self.planes.append(
                SumPlane(name, terms, tuple(weight for weight, _ in planes), tuple(child for _, child in planes))
            )

    def _collected(self, name: Name, weighted: Sequence[tuple[Any, int, int]]) -> Terms:
        """The sum of terms as one for each different vector of that side which has fewer of them."""
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
            # Coefficients are not known, so that no other node has this combination.
            same = {kept: [((name, kept), other) for _, other in found] for kept, found in same.items()}
        joined = ((kept, others.combination(*zip(*found, strict=True))) for kept, found in same.items())
        return tuple((other, kept) if by_right else (kept, other) for kept, other in joined)

    def cap(self, name: Name, scopes: tuple[int, int], dimensions: tuple[int, int]) -> None:
        """Write a node in a basis of all functions of its variables on one side, if these are fewer than its terms.

        Args:
            name: the node.
            scopes: its variables on side A and on side B.
            dimensions: how many linearly independent functions these have.
        """
        if self.count(self.terms[name]) > min(dimensions):
            smaller = int(dimensions[1] < dimensions[0])
            bases = Basis(scopes[smaller]), Basis(scopes[smaller], name)
            left, right = bases if smaller == 0 else bases[::-1]
            least = dimensions[smaller]
            self.terms[name] = ((self.left.define(left, least), self.right.define(right, least)),)


def separate(
    nodes: Nodes,
    order: Sequence[Name],
    scopes: Mapping[Name, int],
    partition: Bipartition,
    *,
    most: int | None = None,
    shape: Sequence[int] | None = None,
    keep_left: bool = False,
) -> Separation:
    """Each node as terms or as a plane.

    Args:
        nodes: by name.
        order: their names, children first.
        scopes: their variables, bit v for variable v.
        partition: of the variables.
        most: the most terms that a node may have, for values on a grid; None for any number.
        shape: the number of values of each variable, if nodes may be written in bases of all functions, for bounds.
        keep_left: which functions sums keep if they could keep either; neither choice is the better one everywhere.
    """
    found = Separation(most, keep_left, shape is not None)
    on_a, on_b = (sum(1 << site for site in side) for side in (partition.a, partition.b))
    spaces: dict[int, int] = {}

    def dimension(scope: int, values: Sequence[int]) -> int:
        if scope not in spaces:
            spaces[scope] = prod(values[site] for site in variables_of(scope))
        return spaces[scope]

    for name in order:
        scope, node = scopes[name], nodes[name]
        if not scope & on_b:
            found.terms[name] = ((found.left.define(NodeValue(name), 1), ONE),)
            continue
        if not scope & on_a:
            found.terms[name] = ((ONE, found.right.define(NodeValue(name), 1)),)
            continue
        if isinstance(node, ProductNode):
            found.add_product(name, sorted(node.children, key=scopes.__getitem__))
        elif isinstance(node, SumNode):
            found.add_sum(name, tuple(node.weights), node.children)
        if shape is not None:
            own = scope & on_a, scope & on_b
            found.cap(name, own, (dimension(own[0], shape), dimension(own[1], shape)))
    return found

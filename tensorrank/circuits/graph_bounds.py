"""Bounds on the separation ranks of graph networks, by what two sides tell each other of the exponents of monomials.

Write N(i) for vertex i and its neighbours, c(l, i) for the number of walks of length L - l from i to an output vertex,
and z(l, k) = W^(l) h^(l-1, k), so that h^(l, i) is the product of the z(l, k) over k in N(i), entry by entry. A vector
to the power of a vector of exponents is a monomial in its entries.

The value is y = sum over a of w_a prod over k of z(L, k)_a^c(L-1, k). Now expand layer by layer, from the top. A
monomial z(l, k)^M is a sum over exponents m, of the same degree, of a number C times h^(l-1, k)^m. And the product of
the h^(l, i)^m(l, i) over all i is that of the z(l, k)^M(l, k) over all k, where M(l, k) is the sum of m(l, i) over i in
N(k). So y is a sum over a and over all m(l, i), which have degrees c(l, i), of products of factors

    C(l, k) = C(M(l, k), m(l-1, k)) for l = 2..L, and z(1, k)^M(1, k), a function of the input x_k alone.

Upper bound. Both sides take part in the sums. Say that each C(L, k) is given to one side, which then sums over m(L-1,
k). In every M(l, k) below, side A knows a part, the sum of the m(l, i) over which it sums itself, and side B knows the
rest. The power z(l, k)^M(l, k) is the product of two powers with these exponents. Each of the two may be given to
either side: to the one that knows the exponent, or to the other, which then has to be told. The functions of x_k belong
to the side of k. For fixed values of all that is told, the sum is a function of x_A times one of x_B. So the rank is at
most the number of values that all that is told can have, whoever is given what. Exponents of degree c have ((D, c)) =
binom(D + c - 1, c) values, where D is the width.

- To tell what it has of layer l, a side chooses vertices i and k, so that of every i and every k in N(i) which it has
  to tell one is among them: it tells m(l, i), or the sum for k. Vertices i that have to tell the same k count together,
  by the sum of their degrees.
- In layer 1 a sum of degree c told to k stands for the function z(1, k)^m, a combination of ((D_x, c)) monomials in
  x_k, which may be fewer.
- The index a is told, D values, if both sides are given some C(L, k). Or instead one side tells the sum over its i of
  m(L-1, i): the C(L, k) are numbers times powers of W^(L)_ab, whose product over all k depends on the sum alone.

If everything is given to the side of its vertex, only boundary vertices tell anything, and the bound is at most D to
the power of 1 + sum over l < L and boundary vertices i of c(l, i). A walk from a boundary vertex can be made one step
longer at its start in two ways at least, staying there or coming across the boundary. So the sum over l is at most
twice the walk index, its term with l = 1.

One layer. The rank is the least of D, ((D_x, c(A))) and ((D_x, c(B))), where c(A) is the sum of c(0, k) over k in A.
For y is the sum over a of w_a f_a(x_A) g_a(x_B), where f_a is the product over k in A of the (v . x_k)^c(0, k), and v
is row a of W^(1). As a function of v it is a homogeneous polynomial of degree c(A). So all f_a lie in a space of ((D_x,
c(A))) dimensions. Those of all v span it: with all x_k equal they are the powers (v . x)^c(A), which span all
polynomials of this degree. So for almost all rows as many are independent as there can be, and likewise of the g_a.
With as many w_a other than 0 as the least number says, the f_a that are left are independent, and so are the g_a;
almost all w have at least this rank.

Lower bound for more layers. Let W^(1) keep n = min(D, D_x) coordinates, and let all other weights add up all of these.
Then y is the product over i of s_i^c(1, i), where s_i adds up the n entries of the product of the x_k over k in N(i).
Choose a vertex p of one side and some vertices Q of the other, set the inputs of Q to one vector z and all others to
ones. Then y is the product of the (sum over b of x_b z_b^r(i))^c(1, i) over all i in N(p), where x is the input of p
and r(i) counts the vertices of Q in N(i), times a function of z. Let C be the sum of c(1, i) over all i with r(i) > 0.
As functions of z the coefficients of the ((n, C)) monomials in x, beside the powers of sums of x where r(i) = 0, are
independent: the least power of z_1 grows with the exponent of x_1, then that of z_2 with the exponent of x_2, and so
on. So the rank is at least ((n, C)). With several such p and Q it is at least the product, if no N(i) has a vertex of A
and one of B from different ones. And almost all weights have at least the rank of these.

One vertex. If side A is a vertex with neighbours, and Q the other side, C is the walk index, and y has degree C in the
input of the vertex: its rank is ((n, C)).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import log2, prod

from tensorrank.circuits.gated_degrees import BEYOND, polynomials
from tensorrank.circuits.walks import Neighbours, walks_to
from tensorrank.networks.maximum_flow import UNLIMITED, FlowGraph

# Logarithms of capacities in these units: whole numbers, with which a flow is exact.
_UNITS = 2**40
# With more powers to give, no single changes are tried.
_MOST_IMPROVED = 60
# All sets of so many vertices are tried for the last layer, and so many ways improved.
_MOST_TRIED, _MOST_CHOSEN = 7, 6
# The receiver that stands for the sum over all vertices, where there is one.
_SUM, _NONE = frozenset([-1]), frozenset[int]()

# For the layers 1..L, what side A is given: of the powers whose exponents A knows, and of those that B knows, which k.
Given = tuple[tuple[frozenset[int], frozenset[int]], ...]
# For every vertex the degree of the exponents over which a side sums.
Degrees = tuple[int, ...]


def exponent_count(dimension: int, degree: int) -> int:
    """((n, c)), the exponents of this degree in so many variables, or `BEYOND` if there are more.

    >>> exponent_count(2, 5), exponent_count(3, 2)
    (6, 6)
    """
    return polynomials(dimension - 1, degree)


@dataclass(frozen=True)
class GraphCounts:
    """The counts of one graph network and one bipartition.

    Attributes:
        neighbours: N(i) of every vertex.
        outputs: the output vertices.
        depth: L.
        width: D.
        features: D_x.
        side: the vertices of side A.
    """

    neighbours: Neighbours
    outputs: tuple[int, ...]
    depth: int
    width: int
    features: int
    side: frozenset[int]
    _told: dict[tuple[object, ...], int] = field(default_factory=dict, repr=False, compare=False)

    def upper(self) -> int:
        """The least bound that was found over all ways to give powers to the sides."""
        if self.depth == 1:
            return self._one_layer()
        best = sorted(set(self._choices()), key=lambda one: (self.bound(one), _in_order(one)))[:_MOST_CHOSEN]
        return min(map(self._improved, best))

    def lower(self) -> int:
        """A bound that almost all weights reach."""
        return self._one_layer() if self.depth == 1 else self._apart()

    @cached_property
    def degrees(self) -> tuple[tuple[int, ...], ...]:
        """For l = 0..L the degrees c(l, i) of the value in h^(l, i), for every vertex i."""
        return walks_to(self.neighbours, self.outputs, self.depth)[::-1]

    def _one_layer(self) -> int:
        """The rank for one layer."""
        degrees = [sum(self.degrees[0][k] for k in one) for one in (self.side, self._others(self.side))]
        return min(self.width, *(exponent_count(self.features, degree) for degree in degrees))

    def _others(self, vertices: Collection[int]) -> frozenset[int]:
        return frozenset(range(len(self.neighbours))) - frozenset(vertices)

    def _choices(self) -> Iterator[Given]:
        """Ways to begin with, for many tops: all layers like the top, like the vertices, or as each side knows."""
        below, own = self.depth - 1, (self.side, self.side)
        pure = [self._pure(self.side), [self._others(one) for one in self._pure(self._others(self.side))]]
        for way in pure:
            yield tuple((one, one) for one in way)
        for top in self._tops():
            last = (top, top)
            for middle in (last, own, (self._others(()), frozenset[int]())):
                yield (own, *(middle,) * (below - 1), last)

    def _tops(self) -> Iterator[frozenset[int]]:
        """Sets of vertices whose powers of layer L side A may be given: all of them, or some where there are many."""
        every = self._others(())
        if len(every) <= _MOST_TRIED:
            for count in range(len(every) + 1):
                yield from map(frozenset, combinations(sorted(every), count))
        else:
            yield from (frozenset(), every, self.side, self._others(self.side))

    def _pure(self, side: frozenset[int]) -> list[frozenset[int]]:
        """For the layers 1..L the vertices k whose z(l, k) depends on one side alone."""
        found = [side]
        for _ in range(self.depth - 1):
            found.append(frozenset(i for i, near in enumerate(self.neighbours) if found[-1].issuperset(near)))
        return found

    def _improved(self, given: Given) -> int:
        """The bound of one way, which is changed while a single change makes it less."""
        best = self.bound(given)
        while len(self.neighbours) * (self.depth - 1) <= _MOST_IMPROVED:
            bound, given = min(((self.bound(one), one) for one in self._changed(given)), key=lambda pair: pair[0])
            if bound >= best:
                break
            best = bound
        return best

    def _changed(self, given: Given) -> Iterator[Given]:
        """All ways that differ in the powers of one vertex, of one layer or of all layers from one on."""
        for vertex in range(len(self.neighbours)):
            one, top = frozenset([vertex]), self.depth - 1
            for layer in range(1, self.depth):
                known, told = given[layer]
                both = [(known ^ one, told ^ one)]
                # The powers of layer L have no part that a side does not know.
                for pair in both if layer == top else [*both, (known ^ one, told), (known, told ^ one)]:
                    yield (*given[:layer], pair, *given[layer + 1 :])
                if layer < top:
                    held = vertex in known
                    yield (*given[:layer], *((a - one, b - one) if held else (a | one, b | one) for a, b in given[layer:]))

    def bound(self, given: Given) -> int:
        """The number of values of all that is told, if powers are given in this way."""
        top, own = self.depth - 1, given[-1][0]
        ours: Degrees = tuple(degree * (k in own) for k, degree in enumerate(self.degrees[top]))
        theirs = tuple(degree - known for degree, known in zip(self.degrees[top], ours, strict=True))
        found = 1
        for layer in range(top, 0, -1):
            ours_given, theirs_given = given[layer - 1]
            to_tell = self._others(ours_given)
            if layer == top:
                found = self._top(ours, theirs, to_tell, theirs_given)
            else:
                found *= self._tells(layer, ours, to_tell) * self._tells(layer, theirs, theirs_given)
            found = min(found, BEYOND)
            ours, theirs = self._next(ours, theirs, ours_given, theirs_given)
        return found

    def _top(self, ours: Degrees, theirs: Degrees, to_them: frozenset[int], to_us: frozenset[int]) -> int:
        """The values of what is told of layer L - 1, and of the index a or of a sum over all vertices."""
        layer = self.depth - 1
        with_index = self._tells(layer, ours, to_them) * self._tells(layer, theirs, to_us)
        with_sum = [
            self._tells(layer, ours, to_them | one) * self._tells(layer, theirs, to_us | other)
            for one, other in ((_SUM, _NONE), (_NONE, _SUM))
        ]
        return min(with_index * (self.width if any(ours) and any(theirs) else 1), *with_sum)

    def _next(
        self, ours: Degrees, theirs: Degrees, ours_given: frozenset[int], theirs_given: frozenset[int]
    ) -> tuple[Degrees, Degrees]:
        """The degrees of the exponents of the layer below, over which A sums, and over which B does."""
        found = []
        for k, near in enumerate(self.neighbours):
            known, rest = sum(ours[i] for i in near), sum(theirs[i] for i in near)
            found.append((known * (k in ours_given) + rest * (k in theirs_given), known + rest))
        return tuple(held for held, _ in found), tuple(whole - held for held, whole in found)

    def _tells(self, layer: int, degrees: Degrees, receivers: frozenset[int]) -> int:
        """The values of what a side tells of layer l.

        Args:
            layer: l.
            degrees: of the exponents m(l, i) that the side has, for every i.
            receivers: the vertices k for which it has to tell what it knows of M(l, k).
        """
        key = (layer, degrees, receivers)
        if key not in self._told:
            self._told[key] = self._counted(layer, degrees, receivers)
        return self._told[key]

    def _counted(self, layer: int, degrees: Degrees, receivers: frozenset[int]) -> int:
        kinds: dict[frozenset[int], int] = {}
        sums: dict[int, int] = {}
        for i, degree in enumerate(degrees):
            told = receivers.intersection((*self.neighbours[i], *_SUM))
            if degree and told:
                kinds[told] = kinds.get(told, 0) + degree
                for k in told:
                    sums[k] = sums.get(k, 0) + degree
        inner = min(self.width, self.features) if layer == 1 else self.width
        sent = {told: exponent_count(self.width, degree) for told, degree in kinds.items()}
        received = {k: exponent_count(self.width if k in _SUM else inner, degree) for k, degree in sums.items()}
        return _least_cover(sent, received)

    def _apart(self) -> int:
        """The product over pairs of vertices, or over vertices with all others near, chosen one after the other."""
        near = {p: {k for i in self._seeing(p) for k in self.neighbours[i]} for p in range(len(self.neighbours))}
        pairs, stars = list[Across](), list[Across]()
        for p, others in near.items():
            across = frozenset(others) - self.side if p in self.side else self.side.intersection(others)
            if across:
                stars.append(self._across(p, across))
            pairs += [self._across(p, frozenset([q])) for q in sorted(across)]
        dimension = min(self.width, self.features)
        return max(_product(exponent_count(dimension, one.degree) for one in _chosen(some)) for some in (pairs, stars + pairs))

    def _seeing(self, p: int) -> list[int]:
        """The vertices i of which N(i) has p, and the value depends on h^(1, i)."""
        return [i for i in self.neighbours[p] if self.degrees[1][i]]

    def _across(self, p: int, others: frozenset[int]) -> Across:
        seeing = self._seeing(p)
        degree = sum(self.degrees[1][i] for i in seeing if not others.isdisjoint(self.neighbours[i]))
        by_others = frozenset(i for q in others for i in self._seeing(q))
        a, b = (frozenset(seeing), by_others) if p in self.side else (by_others, frozenset(seeing))
        return Across(degree, a, b)


@dataclass(frozen=True)
class Across:
    """A vertex of one side and some vertices of the other.

    Attributes:
        degree: C.
        a: the vertices i of which N(i) has a vertex of these that is on side A.
        b: the same for side B.
    """

    degree: int
    a: frozenset[int]
    b: frozenset[int]


def _chosen(given: Sequence[Across]) -> list[Across]:
    """Some that are apart from each other, of highest degree first."""
    found: list[Across] = []
    for one in sorted(given, key=lambda one: -one.degree):
        if all(one.a.isdisjoint(other.b) and one.b.isdisjoint(other.a) for other in found):
            found.append(one)
    return found


def _least_cover(sent: Mapping[frozenset[int], int], sums: Mapping[int, int]) -> int:
    """The least product over some senders and receivers, such that of every two that belong together one is among them.

    Args:
        sent: by the receivers of senders, the number of values of what they send.
        sums: by receiver, the number of values of what it is told.
    """
    receivers = list(sums)
    number = {k: len(sent) + place for place, k in enumerate(receivers)}
    source, sink = len(sent) + len(sums), len(sent) + len(sums) + 1
    graph = FlowGraph(sink + 1)
    for sender, (told, values) in enumerate(sent.items()):
        graph.add(source, sender, round(_UNITS * log2(values)))
        for k in told:
            graph.add(sender, number[k], UNLIMITED)
    for k, values in sums.items():
        graph.add(number[k], sink, round(_UNITS * log2(values)))
    far = graph.far_side(source, sink)
    by_sender = _product(values for sender, values in enumerate(sent.values()) if far[sender])
    return min(BEYOND, by_sender * _product(values for k, values in sums.items() if not far[number[k]]))


def _in_order(given: Given) -> list[list[int]]:
    """What tells ways apart, in an order that does not change from run to run."""
    return [sorted(part) for pair in given for part in pair]


def _product(counts: Iterable[int]) -> int:
    return min(BEYOND, prod(counts))

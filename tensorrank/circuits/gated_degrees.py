"""Degrees of recurrences with gates, and the bounds on their ranks that follow.

A layer turns its inputs f_1, f_2, ... into outputs. The output y_t is a sum over j <= t of products: f_j twice (key and
value), then the gates of the steps j+1 to t, then f_t once (query). Its degree, in whatever the inputs have degrees in,
is therefore at most

    max over j <= t of 2 deg f_j + [sum over i = j+1..t of deg f_i] + deg f_t,

where the sum in brackets is there if the inputs make the gates. One recursion so gives the degree in all inputs of the
network (first degrees of 1), in the inputs of one side (1 at its sites and 0 elsewhere), and in a state that a layer
held some steps ago (its outputs since then are of degree 1 in it).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from math import comb

from tensorrank.separation.monomials import monomial_count

# No larger number is told from this one: no such rank can be computed, and such numbers take long.
BEYOND = 10**1000
# With more steps to come the functions of tokens are too many to bound anything.
_MOST_STEPS = 40


def outputs(degrees: Sequence[int], *, gated: bool) -> list[int]:
    """The degrees of a layer's outputs at all steps, of the degrees of its inputs.

    >>> outputs([1, 1, 1], gated=True), outputs([1, 1, 1], gated=False)
    ([3, 4, 5], [3, 3, 3])
    """
    found, held = [], 0
    for degree in degrees:
        held = max(held + degree * gated, 2 * degree)
        found.append(held + degree)
    return found


def readings(degrees: Sequence[int], *, gated: bool) -> list[int]:
    """The degrees of what multiplies an old state of a layer in its outputs: gates of all steps since, and a query.

    >>> readings([1, 1, 1], gated=True), readings([1, 1, 1], gated=False)
    ([2, 3, 4], [1, 1, 1])
    """
    found, gates = [], 0
    for degree in degrees:
        gates += degree * gated
        found.append(gates + degree)
    return found


def symmetric(dimension: int) -> int:
    """The dimension of the quadratic forms of so many coordinates.

    >>> symmetric(3)
    6
    """
    return dimension * (dimension + 1) // 2


def polynomials(variables: int, degree: int) -> int:
    """The number of monomials of at most this degree, or `BEYOND` if it is larger.

    >>> polynomials(2, 3)
    10
    """
    total, chosen = variables + degree, min(variables, degree)
    # With k chosen of n it is at least n / k to the power of k, which costs next to nothing to compare.
    large = chosen > 0 and chosen * ((total // chosen).bit_length() - 1) >= BEYOND.bit_length()
    return BEYOND if large else min(BEYOND, comb(total, chosen))


@dataclass(frozen=True)
class Counts:
    """Counts the functions that matter in a stack of recurrences: bounds on its separation rank, with their proofs.

    Attributes:
        tokens: N, the number of steps.
        width: d, the dimension of a token.
        heads: H.
        state: n, the rows of a head's state.
        head_dim: p, its columns.
        gates: of every layer, "inputs", "constant" or "none".
    """

    tokens: int
    width: int
    heads: int
    state: int
    head_dim: int
    gates: tuple[str, ...]

    @property
    def gated(self) -> list[bool]:
        """For every layer whether its inputs make its gates."""
        return [gate == "inputs" for gate in self.gates]

    @property
    def rows(self) -> int:
        """The rows of all states of a layer together, H n."""
        return self.heads * self.state

    def inner(self, layer: int) -> int:
        """The dimension in which the inputs of a layer lie: d for tokens, and what W_O lets through for all above."""
        return min(self.width, self.heads * self.head_dim) if layer else self.width

    def degree(self, sites: Collection[int]) -> int:
        """The degree of the value in the tokens of these sites."""
        inside = set(sites)
        degrees = [int(site in inside) for site in range(self.tokens)]
        for gated in self.gated:
            degrees = outputs(degrees, gated=gated)
        return degrees[-1]

    def of_sites(self, sites: Collection[int]) -> int:
        """The polynomials in the tokens of these sites of at most the degree of the value in them."""
        return polynomials(self.width * len(sites), self.degree(sites))

    def reading(self, steps: int, *, last: bool = True) -> int:
        """The dimension of what multiplies the state of the top layer in the value: an upper bound.

        Each row of the state meets its coordinate of the gates of so many steps and, in the last of them, of the query.
        These are products of linear forms of the inputs of the layer at these steps. Gates that inputs do not make
        leave the query alone.

        Args:
            steps: the steps whose inputs take part.
            last: whether the last of all steps is among them.
        """
        inner = self.inner(len(self.gates) - 1)
        if not self.gated[-1]:
            return min(self.rows, inner) if last else 1
        # The power of a width of 2 or more soon exceeds the rows.
        power: int = inner ** min(steps - last, self.rows.bit_length())
        return min(self.rows, power * (symmetric(inner) if last else 1))

    def forms(self, layer: int, columns: int) -> int:
        """The dimension of the products of key and value coordinates of one input, of so many columns a head.

        They are n products for each of the values of H columns, as many as the input has coordinates of them different.
        All lie among the quadratic forms that vanish where all values do.
        """
        inner = self.inner(layer)
        quadratic = symmetric(inner) - symmetric(max(0, inner - self.heads * columns))
        return min(quadratic, self.heads * min(self.state, inner) * columns)

    def numbers(self, layer: int) -> int:
        """The numbers on which the states of a layer below the top depend linearly: an upper bound.

        Values pass W_V and W_O, so that of the columns of a state min(p, d) matter. Without gates a state is the sum
        over the inputs of products of key and value coordinates, so that `forms` of these suffice.
        """
        columns = min(self.head_dim, self.inner(layer))
        return self.forms(layer, columns) if self.gates[layer] == "none" else self.rows * columns

    def of_states(self) -> list[int]:
        """For 1, 2, ... steps to come the functions of the present states on which the value depends linearly.

        The value is affine in the state of the top layer. Beside that state, and where it does not occur, stand
        polynomials in the states of the layers below, whose degrees the recursion gives. For two layers and a few steps
        the functions of what is to come are counted too, degree by degree.
        """
        alone, beside = [1] * self.tokens, [1] * self.tokens
        for layer in range(len(self.gates) - 1):
            degrees = [1] * self.tokens
            for gated in self.gated[layer + 1 : -1]:
                degrees = outputs(degrees, gated=gated)
            count, top = self.numbers(layer), self.gated[-1]
            alone = [min(BEYOND, n * polynomials(count, m)) for n, m in zip(alone, outputs(degrees, gated=top), strict=True)]
            beside = [min(BEYOND, n * polynomials(count, m)) for n, m in zip(beside, readings(degrees, gated=top), strict=True)]
        found = [n + self.reading(steps) * m for steps, (n, m) in enumerate(zip(alone, beside, strict=True), 1)]
        if len(self.gates) == 2:
            few = range(1, min(self.tokens, _MOST_STEPS) + 1)
            found[: len(few)] = [min(one, self.two_layers(steps)) for one, steps in zip(found, few, strict=False)]
        return found

    def two_layers(self, steps: int) -> int:
        """For two layers and so many steps to come, a bound that looks at both sides of the cut.

        Let S be the states of the first layer at the cut and u that of the second, as far as it matters. An input of
        the second layer at a later step t is y_t = g_t(S) + z_t. Here g_t is linear in S, and its coefficients are at
        most H n functions of later tokens: queries, times gates. And z_t, of d or H p coordinates, has no S in it. The
        value is a sum of products of y_t, some with u. So its part with i factors S, with u or without, is a sum over
        monomials of degree i in S, and also a sum over products of i coefficients of g_t and further ones of z_t. Both
        numbers bound the rank of the part.

        The products are these. With u: y_t once for each gate to come, and y_T for the query. Without u, where a step j
        is let in: y_j twice, the later gates, and the query. If inputs do not make the gates, the steps j add up: for
        one row of the state all products y_j y_j of coordinates count once; and gates of 1 are the same for all rows.
        If no layer has gates, the value is homogeneous. The part of degree 6 in the tokens before the cut is of degree
        3 in those behind it, and linear in x_T and in the sum of the x_j x_j^T.
        """
        below, above = self.gates
        inner, top, count = self.inner(1), self.reading(steps), self.numbers(0)

        def coefficients(step: int) -> int:
            """How many coefficients g_t has at the step of this number, from 1."""
            if below != "inputs":
                return min(self.rows, self.width)
            power: int = self.width ** min(step - 1, self.rows.bit_length())
            return min(self.rows, power * symmetric(self.width))

        def factor(held: int, times: int) -> list[int]:
            """By the number of factors S, the products of y_t taken so many times."""
            return [monomial_count(held, i) * monomial_count(inner, times - i) for i in range(times + 1)]

        def at(step: int, times: int) -> list[int]:
            return factor(coefficients(step), times)

        index = min(self.rows, self.width) if below == "none" else self.rows
        without = at(steps, 3)
        if above == "inputs":
            later = at(steps, 2)
            for step in range(steps - 1, 0, -1):
                without = _sum(without, _product(at(step, 2), later))
                later = _product(at(step, 1), later)
            with_top = later
        else:
            with_top = at(steps, 1)
            for step in range(1, steps):
                without = _sum(without, _product(at(step, 2), with_top))
            together = _product(factor(index, 2), with_top)
            copies = 1 if above == "none" else self.rows
            without = [min(one, copies * other) for one, other in zip(without, together, strict=True)]

        def of_row(i: int, others: int, gates: int) -> int:
            """The monomials of degree i in S that one row of the top layer can meet, by the forms of S in each y_t."""
            chosen = range(max(0, i - gates * (above == "inputs")), min(i, others) + 1)
            return sum(comb(others, s) * index**s * monomial_count(index, i - s) for s in chosen)

        parts = [min(n, monomial_count(count, i), self.rows * of_row(i, 3, steps - 1)) for i, n in enumerate(without)]
        tops = [min(n, top * monomial_count(count, i), self.rows * of_row(i, 1, steps)) for i, n in enumerate(with_top)]
        if below == above == "none":
            parts[3] = min(parts[3] + tops[0], self.width * symmetric(self.width)) - tops[0]
        return sum(parts) + sum(tops)

    def of_runs(self, side: Collection[int]) -> int:
        """For one layer, a bound by the runs: the most successive steps that are all of one side.

        The value is a sum over rows of states and over steps j of products: key and value of j, the gates of later
        steps, the query of the last. For all j of a run what the other side contributes is the same: it has the gates
        of its steps after the run, and perhaps the query. So every run but the last costs one product for each row, or
        fewer where few forms are possible, and the last run one product in all. Gates that inputs do not make are
        weights, so that all runs with the last step on the other side are like one, and so are the others.
        """
        inside = set(side)
        runs = [list(group) for _, group in groupby(range(self.tokens), key=inside.__contains__)]
        if not self.gated[-1]:
            return 1 + self.reading(1)
        total = 1
        for place, run in enumerate(runs[:-1]):
            own, other = (sum(map(len, runs[place + shift :: 2])) for shift in (2, 1))
            with_last = (len(runs) - place) % 2 == 0
            counts = [self.reading(other, last=with_last)]
            if len(run) == 1:
                forms = self.forms(0, 1)
                counts.append(forms * self.reading(own, last=not with_last) if own else forms)
            total += min(counts)
        return total

    def bound(self, side: Collection[int]) -> int | None:
        """An upper bound on the separation rank of these sites against all others; None if it is beyond all use.

        It is the least of three. The polynomials of a side. For one layer, the bound by runs. And the least product
        over all ways to give each step to one of the sides: where a step is given to the other side than its own, the
        functions of its token count, and where successive steps are given to different sides those of the states.
        """
        inside = set(side)
        outside = [site for site in range(self.tokens) if site not in inside]
        best = min(self.of_sites(side), self.of_sites(outside), self.of_runs(side) if len(self.gates) == 1 else BEYOND)
        states, costs = self.of_states(), [1, 1]
        for site in range(self.tokens):
            if site:
                # Ways that cost as much as is known already are of no use.
                crossing = min(states[self.tokens - site - 1], best)
                costs = [min(costs[0], costs[1] * crossing), min(costs[1], costs[0] * crossing)]
            if min(costs) >= best:
                break
            costs[site in inside] *= min(self.of_sites([site]), best)
        found = min(best, *costs)
        return None if found == BEYOND else found


def weight_degree(tokens: int, gates: Sequence[str]) -> int:
    """The degree of the value in the weights: each factor of a product is a weight times an input of the layer.

    >>> weight_degree(3, ["none"]), weight_degree(3, ["inputs"])
    (4, 6)
    """
    degrees = [0] * tokens
    for gate in gates:
        found, held = [], 0
        for degree in degrees:
            gating = {"inputs": degree + 1, "constant": 1, "none": 0}[gate]
            held = max(held + gating, 2 * (degree + 1))
            # The query and W_O.
            found.append(held + degree + 2)
        degrees = found
    return degrees[-1]


def _product(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """The coefficients of a product of two polynomials."""
    found = [0] * (len(one) + len(other) - 1)
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            found[i + j] += left * right
    return found


def _sum(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """The coefficients of a sum of two polynomials."""
    return [left + right for left, right in zip_longest(one, other, fillvalue=0)]

"""Recurrent arithmetic circuits: deep recurrent networks whose only nonlinearity is the product.

Layer l at step t holds h^l_t = (W_H^l h^l_(t-1)) * (W_I^l h^(l-1)_t), products taken entry by entry, where h^0_t is a
one-hot template of M channels. The function of T categorical sites is a tensor of order T, one output of h^L_T.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, log2
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.architecture import Instance, Model, Weights
from tensorrank.separation.monomials import monomial_count
from tensorrank.separation.named_weights import Shapes, WeightedArchitecture, checked_weights, drawn_or_given, heights_of
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition

# Bytes of states under evaluation at once.
_BATCH_BYTES = 2**26
# Every value, and every bound, goes through all states one after the other.
_MOST_STATES = 10**5


@checked
@dataclass(frozen=True)
class RecurrentCircuit(WeightedArchitecture):
    """A recurrent arithmetic circuit with categorical inputs.

    Args:
        depth: L, the number of layers.
        hidden: R, the hidden units of a layer.
        channels: M, the number of values that a site can take.
        steps: T, the number of steps; each is a site.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1 (2 for steps), or depth times steps, the number
            of states, is more than 100000.

    Weights are `input` of shape (R, M), `between` of shape (L - 1, R, R), from each layer to the next (none at depth
    1), `recurrent` of shape (L, R, R), `initial` of shape (L, R), the states before the first step, and `output` of
    shape (R,).

    Source: Levine, Sharir, Ziv, Shashua, On the long-term memory of deep recurrent networks (arXiv 1710.09431).

    >>> from tensorrank.separation.solve import separation_rank
    >>> [separation_rank(RecurrentCircuit(depth, hidden=2, channels=2, steps=8)).value for depth in (1, 2)]
    [2, 10]
    """

    kind: ClassVar = "recurrent"
    depth: int
    hidden: int
    channels: int
    steps: int

    def __post_init__(self) -> None:
        for name, least in (("depth", 1), ("hidden", 1), ("channels", 1), ("steps", 2)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least))
        if (states := self.depth * self.steps) > _MOST_STATES:
            raise TensorRankError(
                f"a recurrent circuit of depth {shown(self.depth)} and {shown(self.steps)} steps has {shown(states)} states; "
                f"expected at most {_MOST_STATES}, depth times steps"
            )

    @property
    def sites(self) -> int:
        """The number of sites: each step is one."""
        return self.steps

    @property
    def weight_degree(self) -> int:
        """The degree of the output in the weights, one more than that of h^L_T.

        The degree of h^l_t is that of h^l_(t-1) plus that of h^(l-1)_t plus 2; it is 1 for t = 0 and 0 for l = 0. With
        2 added to each, every degree is a sum over lattice paths from there, which binomial coefficients count.
        """
        paths = self.depth + self.steps - 1
        return 3 * comb(paths, self.steps) + 2 * comb(paths, self.depth) - 1

    @property
    def input_degree(self) -> int:
        """The degree 0: inputs are categories, not elements of the field."""
        return 0

    def value_work(self, partition: Bipartition) -> float:
        """The operations of one value: a matrix product for each step and layer, and as much again for residues."""
        return 20.0 * self.steps * self.depth * self.hidden * (self.hidden + 5)

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        layers, units = self.depth, self.hidden
        between = {"between": ("depth - 1, hidden, hidden", (layers - 1, units, units))} if layers > 1 else {}
        return {
            "input": ("hidden, channels", (units, self.channels)),
            **between,
            "recurrent": ("depth, hidden, hidden", (layers, units, units)),
            "initial": ("depth, hidden", (layers, units)),
            "output": ("hidden", (units,)),
        }

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> RecurrentInstance:
        """The circuit over GF(p) with random weights, or with the exact image of those given."""
        return RecurrentInstance(field, **drawn_or_given(weights, self.shapes, field, rng))

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the coefficients of the output, a polynomial in the weights, or a value if they are given.

        The coefficients are whole numbers that are not negative, and their sum is the output for weights of ones. Given
        weights are at most as large as the largest of their array, which is cleared of denominators before.
        """
        found = heights_of(weights, self.shapes)
        largest = {name: found[name].largest if found else 0.0 for name in self.shapes}
        states = [largest["initial"]] * self.depth
        for _ in range(self.steps):
            below = largest["input"]
            for layer, state in enumerate(states):
                if layer:
                    below = log2(self.hidden) + largest["between"] + states[layer - 1]
                states[layer] = log2(self.hidden) + largest["recurrent"] + state + below
        return log2(self.hidden) + largest["output"] + states[-1] + sum(one.denominator for one in found.values())

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True for a circuit of the same depth and steps, with as many hidden units and channels or fewer.

        Weights are padded with zeros, so that further units stay zero, and inputs are restricted to the first channels.
        For almost all weights the rank is the largest that any weights give, and restricting inputs raises no rank.
        """
        return (
            isinstance(other, RecurrentCircuit)
            and (self.depth, self.steps) == (other.depth, other.steps)
            and self.hidden >= other.hidden
            and self.channels >= other.channels
            and {frozenset(partition.a), frozenset(partition.b)}
            == {frozenset(s) for s in (other_partition.a, other_partition.b)}
        )

    def float_grid(self, weights: dict[str, Floats], partition: Bipartition, count: int, rng: np.random.Generator) -> Floats:
        """The values in floats at all pairs of so many categories of each side, or of all that there are."""
        inputs = []
        for side in (partition.a, partition.b):
            every = self.channels ** len(side)
            inputs.append(rng.integers(0, self.channels, (count, len(side))))
            if every <= count:
                inputs[-1] = np.arange(every)[:, None] // self.channels ** np.arange(len(side)) % self.channels
        rows, columns = inputs
        states = [initial[None, None] for initial in weights["initial"]]
        for place, in_a in _places(partition):
            given = weights["input"].T[(rows if in_a else columns)[:, place]]
            below = given[:, None] if in_a else given[None]
            for layer, state in enumerate(states):
                if layer:
                    below = states[layer - 1] @ weights["between"][layer - 1].T
                states[layer] = state @ weights["recurrent"][layer].T * below
                states[layer] /= np.abs(states[layer]).max() or 1.0
        return np.array(np.broadcast_to(states[-1] @ weights["output"], (len(rows), len(columns))))

    def state_functions(self, remaining: int) -> int:
        """The number of functions of the present states that the output can depend on, with so many steps to come.

        With n steps to come, the output is a polynomial in the states of all layers: of degree 1 in the state of the
        top layer, and of degree binom(n + j - 1, j) in the state of the layer j places below it. The monomials of these
        degrees are counted.

        >>> [RecurrentCircuit(depth, 2, 2, 8).state_functions(4) for depth in (1, 2)]
        [2, 10]
        """
        return self._state_functions(whole_number("remaining", remaining, 1))

    def _state_functions(self, remaining: int, enough: int | None = None) -> int:
        """The number of functions of the states, or a number below it that is as large as what is enough."""
        count, degree = 1, 1
        for below in range(self.depth if self.hidden > 1 else 0):
            count *= monomial_count(self.hidden, degree)
            if enough is not None and count >= enough:
                break
            # binom(n + j, j + 1) from binom(n + j - 1, j).
            degree = degree * (remaining + below) // (below + 1)
        return count

    def input_functions(self, remaining: int) -> int:
        """The number of functions of a step's input that the output can depend on: at most M.

        The step is the first of those that remain. The output is a polynomial in W_I times its template, of the degree
        in which the state of the first layer enters the output.
        """
        remaining = whole_number("remaining", remaining, 1)
        # binom(n, k) with 0 < k < n is at least n, and monomials of two units or more are more than their degree.
        if min(remaining, self.depth, self.hidden) > 1 and remaining + self.depth - 2 >= self.channels:
            return self.channels
        return min(self.channels, monomial_count(self.hidden, comb(remaining + self.depth - 2, self.depth - 1)))

    def rank_bound(self, partition: PartitionLike) -> int:
        """The least product of function counts over all ways to give each step to one of the sides.

        Where two successive steps are given to different sides, the functions of the states between them count. Where a
        step is given to the other side than its own, the functions of its input count. For the start of a sequence
        against its end the bound is the number of state functions, or the number of inputs of a side if that is less.
        """
        split = checked_partition(self.sites, partition)
        side_a = set(split.a)
        # Steps that are all given to one side cost no more than this, so no crossing that costs as much is of use.
        enough = self.channels ** min(len(split.a), len(split.b))
        costs = [1, 1]
        for step in range(self.steps):
            remaining = self.steps - step
            if step:
                crossing = self._state_functions(remaining, enough)
                costs = [min(costs[0], costs[1] * crossing), min(costs[1], costs[0] * crossing)]
            costs[step in side_a] *= self.input_functions(remaining)
        return min(costs)

    def generic_lower_bound(self, partition: PartitionLike) -> int:
        """The published bounds for the first half of an even number of steps against the second; otherwise 1.

        They are min(R, M^(T/2)) at depth 1 and binom(m + T/2 - 1, T/2) with m = min(R, M) at depth 2.

        Source: Levine, Sharir, Ziv, Shashua (arXiv 1710.09431).
        """
        side_a, half = sorted(checked_partition(self.sites, partition).a), self.steps // 2
        if self.steps % 2 or side_a not in ([*range(half)], [*range(half, self.steps)]):
            return 1
        if self.depth == 1:
            return int(min(self.hidden, self.channels**half))
        return monomial_count(min(self.hidden, self.channels), half) if self.depth == 2 else 1

    def to_network(self, weights: Weights) -> TensorNetwork:
        """The circuit as a tensor network with one open leg of size M for each step.

        A state that is used twice stands there twice, with all that it is made of: about T^L / L! copies in all.

        Args:
            weights: by name, as `separation_rank` takes them.

        Raises:
            WeightsError: if they have other names or shapes, or are not finite.
        """
        arrays = checked_weights(weights, self.shapes)
        tensors: list[Tensor] = []

        def add(name: str, legs: tuple[str, ...], array: NDArray[Any]) -> None:
            tensors.append(Tensor(f"{name} {len(tensors)}", legs, array))

        def state(layer: int, step: int) -> str:
            """Add what makes up a new copy of h^layer_step; returns its leg."""
            leg = f"h{layer + 1},{step} copy {len(tensors)}"
            if step == 0:
                add(f"initial {layer + 1}", (leg,), arrays["initial"][layer])
                return leg
            add(f"recurrent {layer + 1}", (leg, state(layer, step - 1)), arrays["recurrent"][layer])
            if layer == 0:
                add("input", (leg, f"x{step - 1}"), arrays["input"])
            else:
                add(f"between {layer} and {layer + 1}", (leg, state(layer - 1, step)), arrays["between"][layer - 1])
            return leg

        add("output", (state(self.depth - 1, self.steps),), arrays["output"])
        return TensorNetwork(tuple(tensors), tuple(f"x{step}" for step in range(self.steps)))


def _places(partition: Bipartition) -> list[tuple[int, bool]]:
    """For every step its place among the sites of its side, and whether that is side A."""
    places = {
        step: (place, in_a) for side, in_a in ((partition.a, True), (partition.b, False)) for place, step in enumerate(side)
    }
    return [places[step] for step in range(partition.sites)]


@dataclass(frozen=True, eq=False)
class RecurrentInstance(Instance):
    """A recurrent circuit over GF(p) with its weights fixed; inputs are categories, numbered from 0."""

    field: PrimeField
    input: Residues
    recurrent: Residues
    initial: Residues
    output: Residues
    between: Residues | None = None

    def input_count(self, sites: Sequence[int]) -> int:
        """The number of different inputs of these sites: M to the power of their number."""
        return int(self.input.shape[1] ** len(sites))

    def inputs(self, sites: Sequence[int], numbers: Residues) -> Residues:
        """The inputs with these numbers, shape (count, len(sites)): the digits of the numbers to base M."""
        channels = self.input.shape[1]
        digits: Residues = numbers[:, None] // channels ** np.arange(len(sites))[::-1] % channels
        return digits

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random categories, of shape (count, len(sites))."""
        return rng.integers(0, self.input.shape[1], (count, len(sites)))

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The values at all pairs of a row's categories (side A) and a column's (side B).

        Rows are taken in slices that keep to the memory, if a single row does.
        """
        # The states of all layers, and what lies between two of them: residues, floats and their product.
        each = 8 * len(self.output) * (len(self.initial) + 6)
        step = max(1, min(memory or _BATCH_BYTES, _BATCH_BYTES) // (each * max(1, len(columns))))
        parts = [self._grid(partition, rows[i : i + step], columns) for i in range(0, len(rows), step)]
        return np.concatenate(parts) if parts else np.zeros((0, len(columns)), dtype=np.int64)

    def _grid(self, partition: Bipartition, rows: Residues, columns: Residues) -> Residues:
        """The values of some rows; states have shape (rows or 1, columns or 1, R), as small as what they depend on."""
        prime, multiply = self.field.prime, self.field.matmul
        states = [initial[None, None] for initial in self.initial]
        templates = self.input.T
        for place, in_a in _places(partition):
            inputs = templates[(rows if in_a else columns)[:, place]]
            below = inputs[:, None] if in_a else inputs[None]
            for layer, state in enumerate(states):
                if layer and self.between is not None:
                    below = multiply(states[layer - 1], self.between[layer - 1].T)
                states[layer] = multiply(state, self.recurrent[layer].T) * below % prime
        values = multiply(states[-1], self.output)
        return np.ascontiguousarray(np.broadcast_to(values, (len(rows), len(columns))))

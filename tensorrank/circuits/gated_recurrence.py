"""Linear recurrences with gates: linear attention, selective state-space models, and stacks of both.

A head of a layer keeps a state S_t, a matrix of n rows and p columns, of which the token x_t is let in at step t:

    S_t = diag(a_t) S_(t-1) + (W_K x_t) (W_V x_t)^T,    y_t = sum over heads of W_O S_t^T W_Q x_t,    S_0 = 0.

The gates a_t are W_A x_t, or weights, or 1. With gates of 1 this is causal self-attention without softmax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from math import inf, isfinite, log2
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from tensorrank.arguments import one_of, several, shown, whole_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.heights import Height, bits_of_sum
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.checked import checked
from tensorrank.circuits.gated_degrees import Counts, weight_degree
from tensorrank.circuits.gated_values import Arithmetic, Layer, Numbers, layers_of, values
from tensorrank.errors import CombinationError, TensorRankError
from tensorrank.separation.architecture import Instance, Model, Weights
from tensorrank.separation.head_widths import head_width
from tensorrank.separation.named_weights import Shapes, WeightedArchitecture, drawn_or_given, heights_of
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition

Gates = Literal["inputs", "constant", "none"]

# Bytes of states under evaluation at once.
_BATCH_BYTES = 2**24
# Bounds go through the states of all layers for every step.
_MOST_STATES = 2000


@checked
@dataclass(frozen=True)
class GatedRecurrence(WeightedArchitecture):
    """A stack of linear recurrences with gates, whose output is one coordinate of the last token.

    Args:
        depth: L, the number of layers.
        width: d, the dimension of a token, before and after every layer.
        state: n, the rows of the state of a head, each with a gate.
        tokens: N, the number of steps; each token is a site.
        heads: H, the heads of a layer.
        head_dim: p, the columns of the state of a head; width // heads by default, an error if heads does not divide
            the width.
        gates: "inputs" for gates that are linear forms of the token, "constant" for gates that are weights, "none" for
            gates of 1; or a list of these, one for every layer.

    A layer without gates is causal self-attention without softmax; `SelfAttention(depth, width, heads=heads,
    head_dim=state, tokens=tokens, causal=True)` has the same values for the same weights if state and head_dim agree. A
    layer whose gates are made of the inputs is a selective state-space model of diagonal transitions, in discrete time.
    What such models have beyond products and sums is missing: no softplus and exponential of the gate, no convolution
    before, no nonlinearity and no norm behind.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1 (2 for tokens), heads does not divide the
            width, gates are unknown or not one for each layer, or depth times tokens is more than 2000.

    Weights are `query` and `key` of shape (L, H, n, d), `value` of shape (L, H, p, d) and `output` of shape (L, H, d,
    p); `gate` of shape (layers with gates of inputs, H, n, d), and `decay` of shape (layers with constant gates, H, n),
    where there are such layers.

    Sources: linear attention, Katharopoulos, Vyas, Pappas, Fleuret (ICML 2020, arXiv 2006.16236); selective state
    spaces, Gu, Dao (2023, arXiv 2312.00752).

    >>> from tensorrank.separation.solve import separation_rank
    >>> kinds = ("none", "constant", "inputs")
    >>> models = [GatedRecurrence(1, width=2, state=2, tokens=8, gates=gates) for gates in kinds]
    >>> [separation_rank(model, "interleaved").value for model in models]
    [3, 3, 15]
    """

    kind: ClassVar = "gated"
    depth: int
    width: int
    state: int
    tokens: int
    _: KW_ONLY
    heads: int = 1
    # None stands for width // heads; after construction this is a whole number.
    head_dim: int = None  # type: ignore[assignment]
    gates: Gates | Sequence[Gates] = "inputs"

    def __post_init__(self) -> None:
        for name in ("depth", "width", "state", "heads"):
            self._set(name, whole_number(name, getattr(self, name), 1))
        self._set("tokens", whole_number("tokens", self.tokens, 2))
        self._set("head_dim", head_width(self.width, self.heads, self.head_dim))
        if (states := self.depth * self.tokens) > _MOST_STATES:
            raise TensorRankError(
                f"a recurrence of depth {shown(self.depth)} and {shown(self.tokens)} tokens has {shown(states)} states; "
                f"expected at most {_MOST_STATES}, depth times tokens"
            )
        self._set("gates", self._checked_gates())

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _checked_gates(self) -> Gates | tuple[Gates, ...]:
        """The gates, as one text if all layers have the same."""
        known = get_args(Gates)
        if isinstance(self.gates, str):
            alike: Gates = one_of("gates", self.gates, known)
            return alike
        given = several("gates", self.gates, "'inputs', 'constant' or 'none', or one of these for each layer")
        if len(given) != self.depth:
            raise CombinationError(
                f"gates are given for {len(given)} layers; expected one for each of the {self.depth}, or a text"
            )
        chosen: tuple[Any, ...] = tuple(one_of("the gates of a layer", one, known) for one in given)
        return chosen[0] if len(set(chosen)) == 1 else chosen

    @property
    def sites(self) -> int:
        """The number of sites: each token is one."""
        return self.tokens

    @property
    def layer_gates(self) -> tuple[str, ...]:
        """The gates of every layer."""
        return (self.gates,) * self.depth if isinstance(self.gates, str) else tuple(self.gates)

    @property
    def _counts(self) -> Counts:
        return Counts(self.tokens, self.width, self.heads, self.state, self.head_dim, self.layer_gates)

    @property
    def input_degree(self) -> int:
        """The degree of the output in the coordinates of the tokens.

        It is 3^L without gates made of the inputs, and N + 2 for one layer with them.
        """
        return self._counts.degree(range(self.tokens))

    @property
    def weight_degree(self) -> int:
        """The degree of the output in the weights."""
        return weight_degree(self.tokens, self.layer_gates)

    def value_work(self, partition: Bipartition) -> float:
        """The operations of one value: those of all steps that see both sides, for exact arithmetic many times over."""
        inside = set(partition.a)
        shared = next(site for site in range(self.tokens) if (site in inside) != (0 in inside))
        below = (self.depth - 1) * self.heads * (3 * self.state + 2 * self.head_dim + 3) * (self.width + self.head_dim)
        top = self.heads * self.state * (self.width + 3)
        return 20.0 * (self.tokens - shared) * (below + top)

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        layers, heads, d = self.depth, self.heads, self.width
        rows = ("depth, heads, state, width", (layers, heads, self.state, d))
        shapes: dict[str, tuple[str, tuple[int, ...]]] = {
            "query": rows,
            "key": rows,
            "value": ("depth, heads, head_dim, width", (layers, heads, self.head_dim, d)),
            "output": ("depth, heads, width, head_dim", (layers, heads, d, self.head_dim)),
        }
        if count := self.layer_gates.count("inputs"):
            shapes["gate"] = ("layers with gates of inputs, heads, state, width", (count, heads, self.state, d))
        if count := self.layer_gates.count("constant"):
            shapes["decay"] = ("layers with constant gates, heads, state", (count, heads, self.state))
        return shapes

    @property
    def state_size(self) -> int:
        """The numbers that all states hold together, L H n p: what a stream of tokens is remembered by."""
        return self.depth * self.heads * self.state * self.head_dim

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> GatedInstance:
        """The recurrence over GF(p) with random weights, or with the exact image of those given."""
        arithmetic = Arithmetic(field.matmul, lambda numbers: numbers % field.prime)
        drawn = drawn_or_given(weights, self.shapes, field, rng)
        return GatedInstance(field, self.width, tuple(layers_of(drawn, self.layer_gates, arithmetic)), arithmetic)

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the coefficients of the output, a polynomial in tokens and in weights not given.

        The coefficients are whole numbers that are not negative; their sum is the output for tokens and weights of
        ones. Given weights are at most as large as the largest of their array. Denominators are cleared term by term:
        the terms of a state contain different numbers of gates, and so of the denominators of each array.
        """
        found = heights_of(weights, self.shapes)
        each = {name: found.get(name, Height(0.0, 0.0, 0.0)) for name in (*self.shapes, "gate", "decay")}
        names, denominators = list(each), np.array([one.denominator for one in each.values()])
        bits = {name: one.largest for name, one in each.items()}
        summands = log2(self.heads * self.state * self.head_dim * self.width)

        def once(*factors: str) -> Floats:
            return np.array([float(name in factors) for name in names])

        # For every token its size in bits, and how many denominators of each array it was multiplied by.
        tokens = [(0.0, once())] * self.tokens
        # Floats do not hold the sizes in the deepest stacks, of which nothing is said.
        with np.errstate(all="ignore"):
            for gate in self.layer_gates:
                below, tokens, state, power = tokens, [], -inf, once()
                for size, times in below:
                    gated = {"inputs": bits["gate"] + log2(self.width) + size, "constant": bits["decay"], "none": 0.0}[gate]
                    kept = power + {"inputs": once("gate") + times, "constant": once("decay"), "none": once()}[gate]
                    own = once("key", "value") + 2 * times
                    power = own if state == -inf else np.maximum(kept, own)
                    terms = [bits["key"] + bits["value"] + 2 * (log2(self.width) + size) + (power - own) @ denominators]
                    if state > -inf:
                        terms.append(gated + state + (power - kept) @ denominators)
                    state = bits_of_sum(terms)
                    read = summands + bits["query"] + bits["output"] + state + size
                    tokens.append((read, power + times + once("query", "output")))
            total = tokens[-1][0] + float(denominators.sum())
        return total if isfinite(total) else inf

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True for a recurrence of the same depth, no smaller in any size, whose last tokens are split alike.

        Further coordinates, rows, columns and heads get weights of zero, and further tokens before the others are zero,
        which leaves all states at zero. Constant gates may be 1, as where there are none. For almost all weights the
        rank is the largest that any weights give, and restricting inputs raises none.
        """
        if not isinstance(other, GatedRecurrence) or self.depth != other.depth or self.tokens < other.tokens:
            return False
        sizes = ("width", "state", "heads", "head_dim")
        more = self.tokens - other.tokens
        sides = {frozenset(site - more for site in side if site >= more) for side in (partition.a, partition.b)}
        gates = zip(self.layer_gates, other.layer_gates, strict=True)
        return (
            all(getattr(self, name) >= getattr(other, name) for name in sizes)
            and all(own == wanted or (own, wanted) == ("constant", "none") for own, wanted in gates)
            and sides == {frozenset(side) for side in (other_partition.a, other_partition.b)}
        )

    def float_grid(self, weights: dict[str, Floats], partition: Bipartition, count: int, rng: np.random.Generator) -> Floats:
        """The values in floats at all pairs of so many standard normal inputs of each side."""
        arithmetic = Arithmetic(np.matmul, lambda numbers: numbers)
        rows, columns = (rng.standard_normal((count, len(side), self.width)) for side in (partition.a, partition.b))
        found = values(layers_of(weights, self.layer_gates, arithmetic), _in_order(partition, rows, columns), arithmetic)
        return np.array(np.broadcast_to(found, (count, count)))

    def generic_lower_bound(self, partition: PartitionLike) -> int:
        """The bound 1: a value has positive coefficients only, and vanishes for almost no weights."""
        return 1

    def rank_bound(self, partition: PartitionLike) -> int | None:
        """The bound of `Counts`, which has the proofs: by degrees in tokens and in states, and at depth 1 by runs.

        For one layer and halves it is at most H n + 1: the value sees H n numbers of what the first half leaves.
        """
        return self._counts.bound(checked_partition(self.sites, partition).a)


def _in_order(partition: Bipartition, rows: Numbers, columns: Numbers) -> list[Numbers]:
    """The tokens of every step, those of a row with an axis for the columns and those of a column with one for rows."""
    places = {site: rows[:, None, place] for place, site in enumerate(partition.a)}
    places |= {site: columns[None, :, place] for place, site in enumerate(partition.b)}
    return [places[site] for site in range(partition.sites)]


@dataclass(frozen=True, eq=False)
class GatedInstance(Instance):
    """A recurrence with gates over GF(p), its weights fixed; a value is coordinate 0 of the last token's output."""

    field: PrimeField
    width: int
    layers: tuple[Layer, ...]
    arithmetic: Arithmetic

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random tokens, of shape (count, len(sites), d)."""
        return self.field.random((count, len(sites), self.width), rng)

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The values at all pairs of a row's tokens (side A) and a column's (side B).

        Rows and columns are taken in slices that keep to the memory, if a single pair does.
        """
        # States, what becomes of them, and their products; vectors of keys, values, gates and queries in floats too.
        entries = sum(3 * layer.key.shape[1] * layer.value.shape[1] // layer.heads for layer in self.layers)
        vectors = 6 * max(layer.key.shape[1] + layer.value.shape[1] + self.width for layer in self.layers)
        batch = max(1, min(memory or _BATCH_BYTES, _BATCH_BYTES) // (8 * (entries + vectors)))
        wide = max(1, min(len(columns), batch))
        high = max(1, batch // wide)
        found: Residues = np.empty((len(rows), len(columns)), dtype=np.int64)
        for top in range(0, len(rows), high):
            for left in range(0, len(columns), wide):
                part = found[top : top + high, left : left + wide]
                steps = _in_order(partition, rows[top : top + high], columns[left : left + wide])
                part[:] = values(self.layers, steps, self.arithmetic)
        return found

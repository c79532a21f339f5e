"""Units for sparse averaging: a key for each token, and a query for each set of tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import finite_number, shown, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.notebook_tables import NotebookTable
from tensorrank.tasks.sparse_averaging import SparseInputs, check_sparse_inputs
from tensorrank.tasks.task import checked_whole_numbers
from tensorrank.tasks.token_sets import checked_sizes
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.online_softmax import softmax_rows
from tensorrank.units.precision import FLOAT64, Precision, PrecisionLike, least_precision, precision_of


@checked
@dataclass(frozen=True, eq=False)
class SelectionUnit(EqualByValue, NotebookTable, ABC):
    """A softmax attention unit whose tokens look at the q tokens they choose, and so average what these hold.

    Every token has a key of its own, the same for all inputs, and a token that chooses the set y has a query that
    scores the keys of y alike and all others lower. A token of the unit is embedded as (value, key, query), so that the
    rest is one softmax attention unit of order 2.

    Attributes:
        tokens: N.
        sparsity: q, the tokens that a token chooses.
        dimension: m, of keys and queries.
        scale: of queries; None for the unit's own.
        precision: a `Precision`, or what `precision_of` makes one from.
    """

    tokens: int
    sparsity: int
    dimension: int
    _: KW_ONLY
    scale: float | None = None
    precision: Precision = FLOAT64

    def __post_init__(self) -> None:
        n, q = checked_sizes(self.tokens, self.sparsity)
        scale = None if self.scale is None else positive("the scale", self.scale)
        numbers = {"tokens": n, "sparsity": q, "dimension": whole_number("dimension", self.dimension, 1)}
        for name, value in {**numbers, "scale": scale, "precision": precision_of(self.precision)}.items():
            object.__setattr__(self, name, value)

    @property
    @abstractmethod
    def keys(self) -> Floats:
        """The keys of all tokens, of shape (N, m)."""

    @property
    @abstractmethod
    def key_range(self) -> float:
        """The largest magnitude of a coordinate of a key, which fixed point covers."""

    @property
    @abstractmethod
    def query_range(self) -> float:
        """The largest magnitude of a coordinate of a query that fixed point covers."""

    @abstractmethod
    def _directions(self, sets: Integers) -> Floats:
        """The queries of sets before they are scaled."""

    @abstractmethod
    def _scales(self, directions: Floats, sets: Integers) -> Floats:
        """The factors that make directions into queries."""

    def _queries(self, sets: Integers) -> Floats:
        directions = self._directions(sets)
        return self._scales(directions, sets)[:, None] * directions

    def _margins(self, directions: Floats, sets: Integers) -> Floats:
        scores = directions @ self.keys.T
        chosen = np.take_along_axis(scores, sets, axis=1).min(axis=1)
        np.put_along_axis(scores, sets, -np.inf, axis=1)
        return np.asarray(chosen - scores.max(axis=1))

    def at(self, precision: PrecisionLike) -> Self:
        """A copy of the unit at another precision.

        Raises:
            TensorRankError: if there is no such precision.
        """
        return replace(self, precision=precision_of(precision))

    def margin(self, sets: ArrayLike) -> Floats:
        """How much more the least of the chosen keys scores than any other before queries are scaled, for each set.

        It is infinite if all tokens are chosen, and negative if another token scores more.

        Args:
            sets: of shape (count, q), different token numbers in each.

        Raises:
            TensorRankError: if they are no such sets, or for want of memory.
        """
        given = self._given(sets, None)
        return self._margins(self._directions(given), given)

    def queries(self, sets: ArrayLike) -> Floats:
        """The queries of the sets, scaled: (count, q) to (count, m).

        Raises:
            TensorRankError: if they are no sets of q different token numbers, one has no query in floating point, or
                for want of memory.
        """
        return self._queries(self._given(sets, None))

    def unit(self, value_dimension: int = 1) -> AttentionUnit:
        """The attention unit itself, for values of so many coordinates.

        Its tokens are (value, key, query), of value_dimension + 2 m coordinates; values are between -1 and 1 for fixed
        point.

        Raises:
            TensorRankError: if the dimension is not a whole number of at least 1, or for want of memory.
        """
        width, m = whole_number("the dimension of values", value_dimension, 1), self.dimension
        needed = 8 * (width + 2 * m) ** 2
        what = f"the weights of a unit of dimension {m} for values of {width} coordinates"
        refuse_beyond(memory_limit(None), needed, what, "a smaller dimension")
        value = np.eye(width, width + 2 * m)
        key, query = (np.eye(m, width + 2 * m, k=first) for first in (width, width + m))
        reach = np.repeat([1.0, *self._ranges()], [width, m, m])
        return AttentionUnit(query[None], (key[None],), (value[None],), precision=self.precision, token_range=reach)

    def attention(self, sets: ArrayLike, *, memory: int | str | None = None) -> Floats:
        """How much a token that chooses each set looks at each token: (count, q) to (count, N).

        These are rows of `unit`, from its rounded queries and keys but without the embedding.

        Args:
            sets: different token numbers in each.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            TensorRankError: if they are no such sets, one has no query in floating point, or for want of memory.
        """
        return self._rows(self._queries(self._given(sets, memory)), memory)

    def deviation(self, sets: ArrayLike, *, memory: int | str | None = None) -> Floats:
        """The sum over tokens of |attention - 1/q on the set, 0 elsewhere|, for each set; 0 is exact, 2 all wrong.

        For values in the unit ball the average is off by at most so much.

        Raises:
            TensorRankError: as `attention`.
        """
        return _deviations(self.attention(sets, memory=memory), self._checked(sets))

    def average(self, inputs: SparseInputs, *, memory: int | str | None = None) -> Floats:
        """Sparse averaging by the unit, every token asking: of shape (count, N, d').

        Args:
            inputs: values (count, N, d'), in the unit ball where the precision is fixed point, and choices.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            TensorRankError: if the inputs are of another N or q, or for want of memory.
        """
        check_sparse_inputs(inputs, self.tokens, self.sparsity)
        count, n, width = inputs.values.shape
        self._reserve(n, memory)
        unit = self.unit(width)
        averages = np.empty((count, n, width))
        for number, (values, chosen) in enumerate(zip(inputs.values, inputs.chosen, strict=True)):
            tokens = np.concatenate([values, self.keys, self._queries(self._checked(chosen))], axis=1)
            averages[number] = unit(tokens[None], memory=memory)[0]
        return averages

    def _ranges(self) -> tuple[float, float]:
        """The ranges of keys and queries that fixed point covers; floats have none."""
        return (self.key_range, self.query_range) if self.precision.fixed_point else (1.0, 1.0)

    def _rows(self, queries: Floats, memory: int | str | None) -> Floats:
        """The rows of attention for these queries."""
        self._reserve(len(queries), memory)
        key_range, query_range = self._ranges()
        rounded = self.precision.rounded
        return softmax_rows(rounded(queries, query_range), rounded(self.keys, key_range)).astype(np.float64, copy=False)

    def _reserve(self, rows: int, memory: int | str | None) -> None:
        """Refuse so many rows over the memory limit, before keys are made."""
        # Rows, and once more queries and keys while they are made or rounded.
        needed = 16 * (rows * (self.tokens + self.dimension) + self.tokens * self.dimension)
        what = f"{rows} rows over {self.tokens} tokens, with keys of dimension {self.dimension},"
        refuse_beyond(memory_limit(memory), needed, what, "fewer sets, or give more memory")

    def _given(self, sets: ArrayLike, memory: int | str | None) -> Integers:
        """The sets given, if they are sets of q tokens and their rows fit the memory."""
        given = self._checked(sets)
        self._reserve(len(given), memory)
        return given

    def _checked(self, sets: ArrayLike) -> Integers:
        q = self.sparsity
        given = checked_whole_numbers("sets", sets, (None, q), self.tokens - 1, f"(count, {q}), {q} tokens in each")
        if (np.diff(np.sort(given, axis=1), axis=1) == 0).any():
            raise TensorRankError("a set names a token twice; expected different ones")
        return given


@checked
def least_bits(unit: SelectionUnit, sets: ArrayLike, tolerance: float = 0.1) -> int | None:
    """The least p from which on all p up to 52 bits of fixed point keep all deviations within the tolerance.

    None if 52 bits do not. A smaller p may keep them within by chance, where a larger one does not.

    Args:
        unit: at any precision.
        sets: of shape (count, q), at least one.
        tolerance: the largest deviation, above 0.

    Raises:
        TensorRankError: if these are no sets for the unit, or the tolerance is no positive number.
    """
    limit = positive("the tolerance", tolerance)
    checked = unit._checked(sets)
    if not len(checked):
        raise TensorRankError("no sets were given; expected at least one")
    queries = unit.at(1).queries(checked)
    return least_precision(lambda bits: bool((_deviations(unit.at(bits)._rows(queries, None), checked) <= limit).all()))


def positive(name: str, given: Any) -> float:
    """The number given, if it is positive and finite."""
    number = finite_number(name, given)
    if number <= 0:
        raise TensorRankError(f"{name} is {shown(given)}; expected a positive number")
    return number


def _deviations(rows: Floats, sets: Integers) -> Floats:
    uniform = np.zeros_like(rows)
    np.put_along_axis(uniform, sets, 1 / sets.shape[1], axis=1)
    return np.asarray(np.abs(rows - uniform).sum(axis=1))

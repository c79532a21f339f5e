"""Labelled tensors that share legs, and the function of their open legs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.networks.contraction import Floats, Operand
from tensorrank.networks.description import description
from tensorrank.networks.entries import Entries, real_entries
from tensorrank.networks.expression import Expression, Legs, refuse_beyond
from tensorrank.networks.function import NetworkFunction
from tensorrank.networks.grid_plan import GridPlan, Inputs, inputs_by_site
from tensorrank.separation.partition import Bipartition

if TYPE_CHECKING:
    from tensorrank.networks.picture import Drawing


@dataclass(frozen=True, eq=False, repr=False)
class Tensor:
    """An array with a name, and a name for each of its legs (dimensions).

    Attributes:
        name: what the tensor is called in messages and pictures.
        legs: one name for each dimension of the array, none of them twice.
        array: whole numbers, fractions or floats; copied, and read-only from then on.

    Raises:
        TensorRankError: if names repeat or are no texts, do not match the dimensions, a dimension is 0, or the entries
            are no real numbers.

    >>> import numpy as np
    >>> Tensor("core", ("left", "site", "right"), np.ones((2, 5, 3))).shape
    (2, 5, 3)
    """

    name: str
    legs: Legs
    array: Entries

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise TensorRankError(f"a tensor is named {self.name!r}; expected a text, such as 'core 0'")
        object.__setattr__(self, "legs", _names(self.legs, f"the legs of tensor {self.name!r}"))
        array = real_entries(self.array, f"tensor {self.name!r}")
        object.__setattr__(self, "array", array)
        if array.ndim != len(self.legs):
            raise TensorRankError(
                f"tensor {self.name!r} has {len(self.legs)} legs, {', '.join(self.legs)}, but an array of {array.ndim} "
                f"dimensions, {array.shape}; expected one leg for each dimension"
            )

    def __repr__(self) -> str:
        return f"Tensor({self.name!r}, legs {', '.join(self.legs)}, shape {self.shape})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions of the legs."""
        return self.array.shape


@dataclass(frozen=True, eq=False, repr=False)
class TensorNetwork:
    """A multilinear function of its open legs: the product of all tensors, summed over every other leg.

    Site i is the i-th open leg. Legs of the same name are one leg: two tensors may share it (a bond), or any number of
    them (a copy tensor), and it may be open at the same time. A leg that only one tensor has must be open, since that
    is what a misspelt bond looks like; to sum over one, attach a vector of ones.

    Attributes:
        tensors: at least one, with different names.
        open_legs: the sites, in order.

    Raises:
        TensorRankError: if names repeat, a leg has two different dimensions, no tensor has an open leg, or a leg of
            one tensor only is not open.

    >>> left = Tensor("left", ("x", "bond"), [[1, 2], [3, 4], [5, 6]])
    >>> right = Tensor("right", ("bond", "y"), [[1, 0], [1, 1]])
    >>> network = TensorNetwork((left, right), ("x", "y"))
    >>> network.contract(PrimeField(5))
    array([[3, 2],
           [2, 4],
           [1, 1]])
    """

    tensors: tuple[Tensor, ...]
    open_legs: Legs

    def __post_init__(self) -> None:
        if isinstance(self.tensors, Tensor):
            raise TensorRankError(f"a single {self.tensors} was given; expected a list of tensors")
        object.__setattr__(self, "tensors", tuple(self.tensors))
        object.__setattr__(self, "open_legs", _names(self.open_legs, "the open legs"))
        if not self.tensors:
            raise TensorRankError("a network without tensors was given; expected at least one")
        owners: dict[str, list[Tensor]] = {}
        for number, tensor in enumerate(self.tensors):
            if not isinstance(tensor, Tensor):
                raise TensorRankError(f"tensor {number} of the network is {tensor!r}; expected a Tensor")
            for leg in tensor.legs:
                owners.setdefault(leg, []).append(tensor)
        names = [tensor.name for tensor in self.tensors]
        repeated = sorted(name for name, count in Counter(names).items() if count > 1)
        if repeated:
            raise TensorRankError(
                f"several tensors are named {', '.join(map(repr, repeated))}; expected a name of its own for each"
            )
        for leg, holders in owners.items():
            first, *others = holders
            for other in others:
                sizes = [tensor.shape[tensor.legs.index(leg)] for tensor in (first, other)]
                if sizes[0] != sizes[1]:
                    raise TensorRankError(
                        f"leg {leg!r} has dimension {sizes[0]} in tensor {first.name!r} and {sizes[1]} in tensor "
                        f"{other.name!r}; expected the same in all tensors that share it"
                    )
            if not others and leg not in self.open_legs:
                raise TensorRankError(
                    f"leg {leg!r} is in tensor {first.name!r} only and not open; expected a second tensor with it, or "
                    "its name among the open legs. To sum over it, attach a vector of ones"
                )
        missing = [leg for leg in self.open_legs if leg not in owners]
        if missing:
            raise TensorRankError(
                f"no tensor has the open leg {missing[0]!r}; expected one of the legs {', '.join(sorted(owners))}"
            )

    def __repr__(self) -> str:
        return f"TensorNetwork({len(self.tensors)} tensors, open legs {', '.join(self.open_legs) or 'none'})"

    @property
    def sites(self) -> int:
        """The number of open legs."""
        return len(self.open_legs)

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions of the open legs, and so of the dense tensor."""
        return tuple(self.sizes[leg] for leg in self.open_legs)

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The dimension of every leg, open or not."""
        return {leg: size for tensor in self.tensors for leg, size in zip(tensor.legs, tensor.shape, strict=True)}

    def contract(self, field: PrimeField | None = None, *, memory: int | str | None = None) -> Floats | Residues:
        """The dense tensor over the sites, in their order (of no dimension if there are no sites).

        Args:
            field: GF(p) for exact residues of the exact images of all entries; float64 arithmetic if None.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            float64 or, over GF(p), int64 residues 0..p-1.

        Raises:
            TensorRankError: before it starts, if it would take more memory; and as `Operand.of` for its entries.
        """
        expression = self.dense_expression()
        # The result once more, as what is handed out.
        needed = expression.peak_bytes + expression.result_bytes
        refuse_beyond(
            memory_limit(memory), needed, f"contracting the network to a tensor of {prod(self.shape)} entries"
        )
        return expression.evaluate(self.operands(field)).result()

    def unfold(
        self, partition: Bipartition, field: PrimeField | None = None, *, memory: int | str | None = None
    ) -> Floats | Residues:
        """The dense tensor as a matrix: rows number the values of A's legs, columns those of B's.

        The legs of each side are taken in the partition's order, the last one running fastest.

        Args:
            partition: the sites, split in two sides.
            field: as for `contract`.
            memory: as for `contract`.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.
            TensorRankError: as `contract`.

        >>> import numpy as np
        >>> vector = Tensor("v", ("i", "j", "k"), np.arange(8).reshape(2, 2, 2))
        >>> TensorNetwork((vector,), ("i", "j", "k")).unfold(Bipartition((2,), (0, 1)))
        array([[0., 2., 4., 6.],
               [1., 3., 5., 7.]])
        """
        self.check(partition)
        rows = prod(self.shape[site] for site in partition.a)
        dense = self.contract(field, memory=memory)
        return dense.transpose(partition.a + partition.b).reshape(rows, -1)

    def grid(
        self,
        partition: Bipartition,
        rows: Inputs,
        columns: Inputs,
        field: PrimeField | None = None,
        *,
        memory: int | str | None = None,
    ) -> Floats | Residues:
        """The values at all pairs of a row input and a column input, without the dense tensor.

        An input gives every leg of its side a vector, and the value is the dense tensor contracted with all of them.

        Args:
            partition: the sites, split in two sides.
            rows: inputs of side A in the partition's order: an array (m, sites of A, k), of which a leg of dimension d
                takes the first d entries, or a list with a numpy array (m, d) for each site.
            columns: inputs of side B, likewise.
            field: as for `contract`; inputs are mapped to GF(p) exactly, too.
            memory: as for `contract`.

        Returns:
            The matrix of m x n values, float64 or residues.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.
            TensorRankError: if inputs have the wrong shape, or as `contract`.

        >>> import numpy as np
        >>> delta = TensorNetwork((Tensor("identity", ("i", "j"), np.eye(2)),), ("i", "j"))
        >>> delta.grid(Bipartition.halves(2), [[[1, 2]], [[3, 4]]], [[[1, 1]], [[0, 1]], [[1, 0]]])
        array([[3., 2., 1.],
               [7., 4., 3.]])
        """
        self.check(partition)
        sides = [
            inputs_by_site(given, name, [self.shape[site] for site in side], field)
            for given, name, side in ((rows, "rows", partition.a), (columns, "columns", partition.b))
        ]
        plan = self.grid_plan(partition, (sides[0][0].shape[0], sides[1][0].shape[0]))
        what = f"a grid of {plan.shape[0]} x {plan.shape[1]} values"
        return plan.within(memory_limit(memory), what).evaluate([*self.operands(field), *sides[0], *sides[1]])

    def grid_plan(self, partition: Bipartition, shape: tuple[int, int]) -> GridPlan:
        """How `grid` would contract so many rows and columns, and what it costs."""
        a, b = (tuple(self.open_legs[site] for site in side) for side in (partition.a, partition.b))
        return GridPlan.of([tensor.legs for tensor in self.tensors], a, b, self.sizes, shape)

    def describe(self, partition: Bipartition | None = None) -> str:
        """What the network is, how opt_einsum would contract it, and at what cost.

        Args:
            partition: if given, the minimum cut and the cost of a grid are told too.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.

        >>> import numpy as np
        >>> pair = (Tensor("a", ("i", "z"), np.ones((4, 2))), Tensor("b", ("z", "j"), np.ones((2, 4))))
        >>> print(TensorNetwork(pair, ("i", "j")).describe(Bipartition.halves(2)))
        2 tensors, 3 legs, 2 of them open: i (4), j (4)
        dense tensor: 16 entries by 64 operations; largest intermediate 16 entries, about 512 bytes at the peak
          [1] = a, b: legs (i, j), 16 entries, 64 operations
        cut 0 | 1: rank at most 2, through z (2)
        grid: about 4.01 operations a value
        """
        return description(self, partition)

    def draw(
        self, partition: Bipartition | None = None, *, positions: Mapping[str, tuple[float, float]] | None = None
    ) -> Drawing:
        """A picture of the network, with the minimum cut if a partition is given.

        Args:
            partition: the sites, split in two sides.
            positions: where each tensor is drawn, by name; a line, a tree or a spring layout if None.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.
            TensorRankError: if positions miss a tensor.
        """
        # matplotlib takes longer to import than most contractions.
        from tensorrank.networks.picture import draw

        return draw(self, partition, positions)

    def separable(self) -> NetworkFunction:
        """This network's function as an architecture without weights, for `separation_rank`."""
        return NetworkFunction(self)

    def check(self, partition: Bipartition) -> Bipartition:
        """The partition, if it is a bipartition of the open legs.

        Raises:
            PartitionError: if it is not.
        """
        if not isinstance(partition, Bipartition):
            raise PartitionError(
                f"the partition is {partition!r}; expected a Bipartition of the open legs, such as "
                f"Bipartition.halves({self.sites})"
            )
        return partition.check(self.sites)

    def operands(self, field: PrimeField | None) -> list[Operand]:
        """The tensors in float64 or, exactly, in GF(p).

        Raises:
            TensorRankError: naming the tensor, if an entry has no such image.
        """
        operands = []
        for tensor in self.tensors:
            try:
                operands.append(Operand.of(tensor.array, field))
            except TensorRankError as error:
                raise type(error)(f"tensor {tensor.name!r}: {error}") from error
        return operands

    def dense_expression(self) -> Expression:
        """How `contract` would go about it, and what it costs."""
        return Expression.of([tensor.legs for tensor in self.tensors], self.open_legs, self.sizes)


def _names(legs: object, what: str) -> Legs:
    if isinstance(legs, str) or not isinstance(legs, Iterable):
        raise TensorRankError(f"{what} are given as {legs!r}; expected a sequence of names, such as ('left', 'right')")
    names = tuple(legs)
    for leg in names:
        if not isinstance(leg, str) or not leg or leg.startswith("\0"):
            raise TensorRankError(f"{what} contain {leg!r}; expected texts, such as 'left'")
    repeated = sorted(leg for leg, count in Counter(names).items() if count > 1)
    if repeated:
        raise TensorRankError(f"{what} name {', '.join(map(repr, repeated))} more than once; expected each leg once")
    return names

"""Labelled tensors that share legs, and the plans for contracting them: the ground of every other file here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tensorrank.arguments import several, shown, things
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.networks.contraction import Operand
from tensorrank.networks.entries import Entries, given_entries
from tensorrank.networks.expression import Expression, Legs
from tensorrank.networks.grid_plan import GridPlan
from tensorrank.notebook_tables import NotebookTable
from tensorrank.separation.partition import Bipartition


@checked
@dataclass(frozen=True, eq=False, repr=False)
class Tensor(EqualByValue, NotebookTable):
    """A named array whose dimensions, called legs, have names too.

    Attributes:
        name: the name of the tensor in messages and pictures.
        legs: one name for each dimension of the array, none of them twice.
        array: whole numbers, fractions or floats, real or complex; copied when the tensor is made, and read-only from
            then on.

    Raises:
        TensorRankError: if a name repeats or is no text, if there are more or fewer names than dimensions, if a
            dimension is 0, or if entries are no numbers.

    >>> import numpy as np
    >>> Tensor("core", ("left", "site", "right"), np.ones((2, 5, 3))).shape
    (2, 5, 3)
    """

    name: str
    legs: Legs
    array: Entries

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise TensorRankError(f"a tensor is named {shown(self.name)}; expected a text, such as 'core 0'")
        object.__setattr__(self, "legs", _names(self.legs, f"the legs of tensor {shown(self.name)}"))
        array = given_entries(self.array, f"tensor {shown(self.name)}")
        object.__setattr__(self, "array", array)
        if array.ndim != len(self.legs):
            raise TensorRankError(
                f"tensor {shown(self.name)} has {len(self.legs)} legs, {', '.join(self.legs)}, but an array of {array.ndim} "
                f"dimensions, {array.shape}; expected one leg for each dimension"
            )

    def __repr__(self) -> str:
        return f"Tensor({shown(self.name)}, legs {', '.join(self.legs)}, shape {self.shape})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimension of each leg."""
        return self.array.shape


@checked
@dataclass(frozen=True, eq=False, repr=False)
class LabelledTensors(EqualByValue):
    """Tensors that share legs, some of the legs open: the checked base of `TensorNetwork`.

    The base knows the legs, their dimensions and the plans for contracting them. Cuts, pictures, descriptions and the
    function of the open legs are made from it; `TensorNetwork` offers them all as methods.

    Attributes:
        tensors: at least one, with different names.
        open_legs: the sites, in order.
    """

    tensors: tuple[Tensor, ...]
    open_legs: Legs

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", several("tensors", self.tensors, "a list of tensors, at least one"))
        object.__setattr__(self, "open_legs", _names(self.open_legs, "the open legs"))
        owners: dict[str, list[Tensor]] = {}
        for number, tensor in enumerate(self.tensors):
            if not isinstance(tensor, Tensor):
                raise TensorRankError(f"tensor {number} of the network is {shown(tensor)}; expected a Tensor")
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
                        f"leg {shown(leg)} has dimension {sizes[0]} in tensor {shown(first.name)} and {sizes[1]} in tensor "
                        f"{shown(other.name)}; expected the same in all tensors that share it"
                    )
            if not others and leg not in self.open_legs:
                raise TensorRankError(
                    f"leg {shown(leg)} is in tensor {shown(first.name)} only and not open; expected a second tensor with it, "
                    "or its name among the open legs. To sum over it, attach a vector of ones"
                )
        missing = [leg for leg in self.open_legs if leg not in owners]
        if missing:
            raise TensorRankError(
                f"no tensor has the open leg {shown(missing[0])}; expected one of the legs {', '.join(sorted(owners))}"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.tensors)} tensors, open legs {', '.join(self.open_legs) or 'none'})"

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

    def operands(self, field: PrimeField | None) -> list[Operand]:
        """The tensors ready for contraction: in float64 or, exactly, in GF(p)."""
        operands = []
        for tensor in self.tensors:
            try:
                operands.append(Operand.of(tensor.array, field))
            except TensorRankError as error:
                raise type(error)(f"tensor {shown(tensor.name)}: {error}") from error
        return operands

    def dense_expression(self) -> Expression:
        """The expression for the dense tensor: the path by which `contract` would go, and its cost."""
        return Expression.of([tensor.legs for tensor in self.tensors], self.open_legs, self.sizes)

    def grid_plan(self, partition: Bipartition, shape: tuple[int, int]) -> GridPlan:
        """The plan by which `grid` would contract so many rows and columns, and its cost."""
        a, b = (tuple(self.open_legs[site] for site in side) for side in (partition.a, partition.b))
        return GridPlan.of([tensor.legs for tensor in self.tensors], a, b, self.sizes, shape)


def _names(legs: object, what: str) -> Legs:
    names = things(legs)
    if names is None:
        raise TensorRankError(f"{what} are given as {shown(legs)}; expected a sequence of names, such as ('left', 'right')")
    for leg in names:
        if not isinstance(leg, str) or not leg or leg.startswith("\0"):
            raise TensorRankError(f"{what} contain {shown(leg)}; expected texts, such as 'left'")
    if len(set(names)) < len(names):
        repeated = sorted(leg for leg, count in Counter(names).items() if count > 1)
        raise TensorRankError(f"{what} name {', '.join(map(repr, repeated))} more than once; expected each leg once")
    return names

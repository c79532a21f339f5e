"""Circuits in layers of units, as other libraries have them: as a sum-product network, and as a tensor network.

A layer is a vector of units. A unit of an input layer is a function of one variable, given by its values. A unit of a
sum layer is a weighted sum of all units of the layers below; that of a Hadamard layer the product of the units of its
own number below; a Kronecker layer has a unit for each choice of one unit from every layer below, the last layer
running fastest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from tensorrank.arguments import listed
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.sum_product.graph import variables_of
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, ProductNode, SumNode, children_of
from tensorrank.mixtures.tables import check_objects
from tensorrank.networks.network import Tensor, TensorNetwork


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of units.

    Attributes:
        name: what messages call it.
        kind: what its units are.
        inputs: the numbers of the layers below.
        table: values of an input layer, (units, values), or weights of a sum layer, (units, units below), where the
            units of all layers below stand one after the other; None for products.
        units: the number of units.
        variable: the variable of an input layer; None for others.
    """

    name: str
    kind: Literal["input", "sum", "Hadamard", "Kronecker"]
    inputs: tuple[int, ...]
    table: Floats | None
    units: int
    variable: int | None = None

    @property
    def entries(self) -> Floats:
        """The table, of a layer that has one."""
        return np.zeros((0, 0)) if self.table is None else self.table


def sum_product_of(layers: Sequence[Layer]) -> SumProduct:
    """The sum-product network of layers, children before their parents, whose last layer has a single unit.

    Values are divided by their sums, those of each unit apart, which changes the function by a factor. Units that are
    zero are left out, and a sum of a single unit is that unit.

    Raises:
        TensorRankError: if values or weights are negative, all is zero, a sum is not smooth, or a product not
            decomposable.

    >>> leaves = [Layer("x", "input", (), np.array([[3.0, 1.0], [0.0, 2.0]]), 2, 0)]
    >>> sum_product_of([*leaves, Layer("top", "sum", (0,), np.array([[1.0, 1.0]]), 1)]).probability([[0], [1]])
    array([0.5, 0.5])
    """
    check_structure(layers)
    check_objects(sum(layer.units for layer in layers), "the nodes of the circuit")
    nodes: dict[Name, Node] = {}
    # For each unit of each layer its node and the logarithm of its sum over all values; None for a unit that is zero.
    units: list[list[tuple[Name, float] | None]] = []
    for layer in layers:
        if layer.table is not None and (layer.table < 0).any():
            raise TensorRankError(
                f"{layer.name} has the negative entry {layer.table.min():.4g}; expected none for a sum-product network: "
                'as a tensor network a circuit of any signs is taken, by to="network"'
            )
        below = [units[one] for one in layer.inputs]
        made = _nodes_of(layer, below)
        units.append([_added(nodes, f"{layer.name} unit {number}", one) for number, one in enumerate(made)])
    if units[-1][0] is None:
        raise TensorRankError("the circuit is zero everywhere; expected one with a positive value somewhere")
    root = units[-1][0][0]
    return SumProduct(_reached(nodes, root), root)


def _added(nodes: dict[Name, Node], name: Name, made: tuple[Node | Name, float] | None) -> tuple[Name, float] | None:
    """The name of a unit's node, which is added where it is a new one."""
    if made is None or isinstance(made[0], str | int):
        return made  # type: ignore[return-value] # a name stands for a node that is there
    nodes[name] = made[0]
    return name, made[1]


def _nodes_of(layer: Layer, below: Sequence[Sequence[tuple[Name, float] | None]]) -> Iterator[tuple[Node | Name, float] | None]:
    """The node of every unit, or the name of one that is there already, and the logarithm of its sum."""
    match layer.kind:
        case "input":
            for values in layer.entries:
                total = float(values.sum())
                yield (LeafNode(layer.variable or 0, values / total), float(np.log(total))) if total > 0 else None
        case "sum":
            terms = [unit for one in below for unit in one]
            for weights in layer.entries:
                yield _sum_of(terms, weights)
        case _:
            chosen = zip(*below, strict=True) if layer.kind == "Hadamard" else product(*below)
            for parts in chosen:
                kept = [part for part in parts if part is not None]
                if len(kept) < len(parts):
                    yield None
                else:
                    yield ProductNode(tuple(name for name, _ in kept)), sum(size for _, size in kept)


def _sum_of(terms: Sequence[tuple[Name, float] | None], weights: Floats) -> tuple[Node | Name, float] | None:
    """The sum of terms with these weights: its node, or the name of its only term; None for an empty sum."""
    sizes: dict[Name, float] = {}
    for term, weight in zip(terms, weights.tolist(), strict=True):
        if term is not None and weight > 0:
            size = term[1] + float(np.log(weight))
            sizes[term[0]] = float(np.logaddexp(sizes[term[0]], size)) if term[0] in sizes else size
    if not sizes:
        return None
    logarithms = np.array(list(sizes.values()))
    whole = float(np.logaddexp.reduce(logarithms))
    if len(sizes) == 1:
        return next(iter(sizes)), whole
    shares = np.exp(logarithms - whole)
    return SumNode(tuple(sizes), shares / shares.sum()), whole


def _reached(nodes: dict[Name, Node], root: Name) -> dict[Name, Node]:
    """The nodes below the root."""
    found, waiting = {root}, [root]
    while waiting:
        fresh = [child for child in children_of(nodes[waiting.pop()]) if child not in found]
        found.update(fresh)
        waiting += fresh
    return {name: node for name, node in nodes.items() if name in found}


def network_of(layers: Sequence[Layer]) -> TensorNetwork:
    """The tensor network of layers that form a tree, with entries of any sign; site v is the leg "x v".

    Raises:
        TensorRankError: if a layer is used twice, a sum is of several layers, or as `sum_product_of` where the
            structure is concerned.

    >>> leaves = [Layer(f"x{v}", "input", (), np.eye(2), 2, v) for v in (0, 1)]
    >>> signed = Layer("top", "sum", (2,), np.array([[1.0, -1.0]]), 1)
    >>> network_of([*leaves, Layer("pair", "Hadamard", (0, 1), None, 2), signed]).contract()
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    scopes = check_structure(layers)
    uses = Counter(below for layer in layers for below in layer.inputs)
    for number, layer in enumerate(layers):
        if uses[number] > 1 or (layer.kind == "sum" and len(layer.inputs) > 1):
            why = f"is used {uses[number]} times" if uses[number] > 1 else f"adds up {len(layer.inputs)} layers"
            raise TensorRankError(
                f"{layer.name} {why}; expected a tree of layers, for a tensor network: without negative numbers try "
                'to="sum-product"'
            )
    # The leg of each layer's units: those of a Hadamard layer are one with those of the layers below.
    legs = {len(layers) - 1: "value"}
    weighted = {below for layer in layers if layer.kind == "sum" for below in layer.inputs}
    tensors = []
    for number in reversed(range(len(layers))):
        layer, own = layers[number], legs[number]
        for below in layer.inputs:
            legs[below] = own if layer.kind == "Hadamard" else f"units of {layers[below].name}"
        if layer.kind == "input":
            tensors.append(Tensor(layer.name, (own, f"x{layer.variable}"), layer.entries))
        elif layer.kind == "sum":
            # Weights of products of all choices have a leg for each factor: no product is written out.
            (below,) = layer.inputs
            factors = layers[below].inputs if layers[below].kind == "Kronecker" else (below,)
            sizes = [layers[one].units for one in factors]
            lower = tuple(f"units of {layers[one].name}" for one in factors)
            tensors.append(Tensor(layer.name, (own, *lower), layer.entries.reshape(layer.units, *sizes)))
        elif layer.kind == "Kronecker" and number not in weighted:
            sizes = [layers[below].units for below in layer.inputs]
            refuse_beyond(memory_limit(None), 16 * layer.units**2, f"{layer.name} of {layer.units} units", "fewer units")
            split = np.eye(layer.units, dtype=np.int64).reshape(layer.units, *sizes)
            tensors.append(Tensor(layer.name, (own, *(legs[below] for below in layer.inputs)), split))
    # The single unit on top, whose leg may have several ends.
    tensors.append(Tensor("value", ("value",), np.ones(1, dtype=np.int64)))
    return TensorNetwork(tuple(tensors), tuple(f"x{site}" for site in variables_of(scopes[-1])))


def check_structure(layers: Sequence[Layer]) -> list[int]:
    """The variables of each layer, bit v for variable v; what is no smooth and decomposable circuit is refused."""
    scopes: list[int] = []
    for layer in layers:
        below = [scopes[one] for one in layer.inputs]
        if layer.kind == "input":
            scopes.append(1 << (layer.variable or 0))
            continue
        names = [layers[one].name for one in layer.inputs]
        if layer.kind == "sum":
            odd = next((place for place, one in enumerate(below) if one != below[0]), None)
            if odd is not None:
                raise TensorRankError(
                    f"{layer.name} is not smooth: {names[0]} has the variables {listed(variables_of(below[0]))} and "
                    f"{names[odd]} {listed(variables_of(below[odd]))}; expected the same"
                )
            scopes.append(below[0])
            continue
        union = 0
        for name, one in zip(names, below, strict=True):
            if union & one:
                raise TensorRankError(
                    f"{layer.name} is not decomposable: {name} shares the variables {listed(variables_of(union & one))} "
                    "with the layers before it; expected different variables"
                )
            union |= one
        scopes.append(union)
    if layers[-1].units != 1:
        raise TensorRankError(
            f"{layers[-1].name}, the output, has {layers[-1].units} units; expected one value: a circuit of one class"
        )
    if scopes[-1] & (scopes[-1] + 1):
        raise TensorRankError(f"the variables are {listed(variables_of(scopes[-1]))}; expected 0 to N - 1")
    return scopes

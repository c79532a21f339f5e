"""Tensors and tensor networks of quimb as ours, and ours as quimb's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tensorrank.arguments import shown, things
from tensorrank.arithmetic.arrays import Array
from tensorrank.errors import TensorRankError
from tensorrank.networks.contraction import Operand
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.tensors import LabelledTensors
from tensorrank.other_libraries import imported, of_another_type


def from_quimb(network: Any, open_legs: Iterable[str] | None = None) -> TensorNetwork:
    """The tensor network that a tensor or a tensor network of quimb is, with its indices as legs.

    Tensors are named by their tags, or numbered where these do not tell them apart. A factor that quimb keeps as the
    network's exponent becomes a tensor without legs. Entries are kept as they are.

    Args:
        network: a Tensor or a TensorNetwork of quimb, or what derives from them, such as a MatrixProductState.
        open_legs: the indices that stay open, in order; by default the sites in their order where the network has them,
            such as k0, k1, ..., and otherwise its outer indices. All others are summed over.

    Raises:
        TensorRankError: if quimb is not installed, the object is another, a tensor has an index twice, an index has two
            dimensions, or an open leg is no index.

    Source: Gray, quimb: A Python Package for Quantum Information and Many-Body Calculations (JOSS 3, 2018).

    >>> import quimb.tensor as qtn  # doctest: +SKIP
    >>> state = qtn.MPS_computational_state("0101") + qtn.MPS_computational_state("1010")  # doctest: +SKIP
    >>> from_quimb(state)  # doctest: +SKIP
    TensorNetwork(4 tensors, open legs k0, k1, k2, k3)
    """
    qtn = imported("quimb", "quimb.tensor")
    if not isinstance(network, qtn.Tensor | qtn.TensorNetwork):
        raise of_another_type(network, "a Tensor or a TensorNetwork of quimb")
    theirs = [network] if isinstance(network, qtn.Tensor) else list(network.tensors)
    for tensor in theirs:
        again = [index for index, count in Counter(tensor.inds).items() if count > 1]
        if again:
            raise TensorRankError(
                f"a tensor of the shape {tensor.shape} has the index {shown(again[0])} more than once; expected different "
                "ones: its method collapse_repeated takes the diagonal, and trace the sum over it"
            )
    tags = Counter(_tags(tensor) for tensor in theirs)
    ours = [
        Tensor(name if (name := _tags(tensor)) and tags[name] == 1 else f"tensor {number}", tensor.inds, _data(tensor))
        for number, tensor in enumerate(theirs)
    ]
    exponent = float(getattr(network, "exponent", 0.0))
    if exponent:
        ours.append(Tensor("10^exponent", (), _power(exponent)))
    return TensorNetwork(tuple(ours), _open(network) if open_legs is None else _given(open_legs))


def to_quimb(network: LabelledTensors) -> Any:
    """A tensor network of quimb with the same legs as indices, whose outer indices are the open legs.

    A leg that more than two tensors share, an open one counted as one more, becomes a chain of copy tensors, tagged
    COPY; quimb contracts such a network without further words. Other tensors are tagged by their names. Entries become
    floats.

    Args:
        network: a `TensorNetwork`; of formats and mixtures, what `to_network()` gives.

    Raises:
        TensorRankError: if quimb is not installed, or an entry is no finite float.

    >>> ours = TensorNetwork((Tensor("a", ("i", "k"), [[1, 2]]), Tensor("b", ("k", "j"), [[3], [4]])), ("i", "j"))
    >>> to_quimb(ours).contract().data  # doctest: +SKIP
    array([[11.]])
    """
    if not isinstance(network, LabelledTensors):
        raise of_another_type(network, "a TensorNetwork: formats and mixtures have to_network()")
    qtn = imported("quimb", "quimb.tensor")
    ends = {leg: [f"{leg} of {one.name}" for one in network.tensors if leg in one.legs] for leg in network.sizes}
    ends = {leg: held for leg, held in ends.items() if len(held) + (leg in network.open_legs) > 2}
    tensors = []
    for tensor in network.tensors:
        inds = [f"{leg} of {tensor.name}" if leg in ends else leg for leg in tensor.legs]
        tensors.append(qtn.Tensor(Operand.of(tensor.array, None).values, inds, tags=tensor.name))
    for leg, held in ends.items():
        chained = [*held, leg] if leg in network.open_legs else held
        tensors += _copies(qtn, network.sizes[leg], chained, leg)
    return qtn.TensorNetwork(tensors)


def _copies(qtn: Any, size: int, inds: list[str], leg: str) -> list[Any]:
    """Copy tensors of three legs in a chain, which together have these indices."""
    made, before = [], inds[0]
    for number, index in enumerate(inds[1:-2]):
        bond = f"{leg} copied {number}"
        made.append(qtn.COPY_tensor(size, (before, index, bond), tags="COPY"))
        before = bond
    return [*made, qtn.COPY_tensor(size, (before, *inds[-2:]), tags="COPY")]


def _tags(tensor: Any) -> str:
    return ", ".join(map(str, tensor.tags))


def _data(tensor: Any) -> Array:
    """The entries in an array of numpy, wherever they are kept."""
    data = tensor.data
    return data if isinstance(data, np.ndarray) else np.asarray(imported("autoray", "autoray").to_numpy(data))


def _power(exponent: float) -> Array:
    if not abs(exponent) < 300:
        raise TensorRankError(f"the network's exponent is {exponent}; expected one whose power of 10 is a float")
    return np.array(math.pow(10.0, exponent))


def _open(network: Any) -> tuple[str, ...]:
    """The outer indices, those of sites in the order of the sites."""
    outer = network.inds if not hasattr(network, "outer_inds") else network.outer_inds()
    sites = tuple(map(network.site_ind, network.sites)) if hasattr(network, "site_ind") else ()
    return sites if sorted(sites) == sorted(outer) else tuple(outer)


def _given(open_legs: Iterable[str]) -> tuple[str, ...]:
    legs = None if isinstance(open_legs, str) else things(open_legs)
    if legs is None:
        raise TensorRankError(f"open_legs are {shown(open_legs)}; expected a list of indices, such as ['k0', 'k1']")
    return legs

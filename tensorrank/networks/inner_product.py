"""Inner products of two networks over the same sites, by contracting one with the other, without dense tensors."""

from __future__ import annotations

from math import inf, log

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.networks.contraction import Operand, contracted
from tensorrank.networks.expression import Expression
from tensorrank.networks.network import TensorNetwork


def log_inner_product(first: TensorNetwork, second: TensorNetwork, *, memory: int | str | None = None) -> float:
    """The natural logarithm of the inner product of two nonnegative tensors given as networks; -inf for 0.

    The inner product is the sum over all entries of one tensor times the entries of the other. Every intermediate
    tensor is divided by its largest entry, so that networks of hundreds of sites do not underflow. Both networks have
    open legs of the same dimensions in the same order. The memory is that of `TensorNetwork.contract`.

    >>> from math import exp
    >>> from tensorrank.networks.network import Tensor
    >>> pair = TensorNetwork((Tensor("m", ("i", "j"), [[3, 0], [0, 4]]),), ("i", "j"))
    >>> round(exp(log_inner_product(pair, pair)), 9)
    25.0
    """
    if first.shape != second.shape:
        raise TensorRankError(
            f"networks of the shapes {first.shape} and {second.shape} were given; expected the same open legs"
        )
    operands = [*first.operands(None), *second.operands(None)]
    for tensor, operand in zip((*first.tensors, *second.tensors), operands, strict=True):
        odd = "complex" if np.iscomplexobj(operand.values) else "negative" if operand.values.min() < 0 else None
        if odd is not None:
            raise TensorRankError(f"tensor {shown(tensor.name)} has {odd} entries; expected none")
    legs: list[tuple[str, ...]] = []
    sizes: dict[str, int] = {}
    for mark, network in enumerate((first, second)):
        names = {leg: f"{mark} {leg}" for leg in network.sizes}
        names |= {leg: f"site {site}" for site, leg in enumerate(network.open_legs)}
        legs += [tuple(names[leg] for leg in tensor.legs) for tensor in network.tensors]
        sizes |= {names[leg]: size for leg, size in network.sizes.items()}
    expression = Expression.of(legs, (), sizes)
    what = "contracting two networks with each other"
    refuse_beyond(memory_limit(memory), expression.peak_bytes, what, "smaller bond dimensions, or more memory")
    return _log_value(expression, operands)


def _log_value(expression: Expression, operands: list[Operand]) -> float:
    """The logarithm of a scalar expression, computed with each operand and result scaled to a largest entry of 1."""
    waiting = dict(enumerate(zip(expression.operands, operands, strict=True)))
    total = 0.0
    for number, step in enumerate(expression.steps, len(operands)):
        taken = [waiting.pop(operand) for operand in step.operands]
        scaled = []
        for _, operand in taken:
            largest = float(operand.values.max())
            if largest == 0:
                return -inf
            total += log(largest)
            scaled.append(Operand(operand.values / largest, None))
        waiting[number] = (step.legs, contracted(scaled, [legs for legs, _ in taken], step.legs))
    ((_, result),) = waiting.values()
    return total + log(value) if (value := float(result.values)) > 0 else -inf

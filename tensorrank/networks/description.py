"""A network described in words: its legs, the path of its contraction with its cost, and the rank that a cut allows."""

from __future__ import annotations

from math import log10, prod

from tensorrank.arithmetic.resources import amount
from tensorrank.networks.cuts import minimum_cut
from tensorrank.networks.tensors import LabelledTensors
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.whole_numbers import abbreviated, counted

# The rows and columns of a typical grid: so many that work done for one side only hardly counts.
_TYPICAL_GRID = (2**12, 2**12)


def description(network: LabelledTensors, partition: PartitionLike | None) -> str:
    """The text of `TensorNetwork.describe`: the network, the path and cost of its contraction, and a cut if asked."""
    dense = network.dense_expression()

    def with_sizes(legs: tuple[str, ...]) -> str:
        return ", ".join(f"{leg} ({network.sizes[leg]})" for leg in legs)

    lines = [
        f"{len(network.tensors)} tensors, {len(network.sizes)} legs, {network.sites} of them open"
        + (f": {with_sizes(network.open_legs)}" if network.open_legs else ""),
        (
            f"dense tensor: {counted(prod(network.shape))} entries by {counted(dense.operations)} operations; "
            f"largest intermediate {counted(dense.largest)} entries, about {amount(dense.peak_bytes)} at the peak"
        ),
    ]
    names = [tensor.name for tensor in network.tensors]
    for number, step in enumerate(dense.steps, 1):
        taken = ", ".join(names[operand] for operand in step.operands)
        legs = ", ".join(step.legs)
        lines.append(
            f"  [{number}] = {taken}: legs ({legs}), {counted(step.entries)} entries, {counted(step.operations)} operations"
        )
        names.append(f"[{number}]")
    if partition is not None:
        split = checked_partition(network.sites, partition, network.open_legs)
        cut = minimum_cut(network, split)
        lines.append(f"cut {split}: rank at most {abbreviated(cut.bound)}, through {with_sizes(cut.legs) or 'no leg'}")
        plan = network.grid_plan(split, _TYPICAL_GRID)
        values = plan.shape[0] * plan.shape[1]
        # No float holds what a cut through hundreds of sites may take.
        each = f"{plan.operations / values:.3g}" if plan.operations < 1e300 else f"10^{log10(plan.operations // values):.1f}"
        lines.append(f"grid: about {each} operations a value")
    return "\n".join(lines)

"""The function of a network's open legs, an architecture without weights for the solver of separation ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np

from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.heights import height
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.networks.contraction import Operand
from tensorrank.networks.cut_spectrum import cut_matrix
from tensorrank.networks.cuts import minimum_cut
from tensorrank.networks.grid_plan import GridPlan, inputs_by_site
from tensorrank.networks.tensors import LabelledTensors
from tensorrank.networks.value_classes import Bounds, class_bounds
from tensorrank.separation.architecture import Architecture, Instance, ProvedRank, Weights
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.rounding import FloatMatrix, Shake, measured, rounding_in, sample_size, vectors

# The time of an operation on planes of entries, reducing them included, in operations inside a matrix product.
_PLANE_COST = 20
_TYPICAL_GRID = (256, 256)
# Grids of this rank take a tenth of a second, and their upper bounds may take some tenths.
_SOON_COMPUTED, _BRIEFLY = 1024, 0.1
# More operations than anyone does, and fewer than a float holds.
_ENDLESS = 10**200


@dataclass(frozen=True, eq=False, repr=False)
class NetworkFunction(Architecture):
    """The multilinear function of a network's open legs, an architecture without weights.

    >>> from tensorrank.networks.tensor_train import TensorTrain
    >>> function = TensorTrain.random((2,) * 6, 2, seed=0).to_network().architecture()
    >>> function.sites, function.rank_bound(Bipartition.interleaved(6))
    (6, 8)
    """

    network: LabelledTensors

    def __repr__(self) -> str:
        return f"NetworkFunction({self.network})"

    @property
    def sites(self) -> int:
        """The number of open legs."""
        return self.network.sites

    @property
    def site_names(self) -> tuple[str, ...]:
        """The names of the open legs, in their order."""
        return self.network.open_legs

    @property
    def weight_degree(self) -> int:
        """The degree 0: the entries of the tensors are given, and there are no weights."""
        return 0

    @property
    def input_degree(self) -> int:
        """The degree of a value in all inputs together: 1 for each site."""
        return self.sites

    def entries(self, weights: Weights | None = None) -> list[Array | str]:
        """The legs and the array of every tensor; weights are refused."""
        self._refuse(weights)
        return [part for tensor in self.network.tensors for part in (repr(tensor.legs), tensor.array)]

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the sum of the absolute values of all entries of the dense tensor.

        That sum is at most the product, over all tensors, of the sums of the absolute values of their entries.
        """
        return sum(height(tensor.array).cleared for tensor in self.network.tensors)

    def value_work(self, partition: Bipartition) -> float:
        """Operations that one value costs in a grid of 256 x 256, at the rate of a matrix product."""
        plan = self.network.grid_plan(partition, _TYPICAL_GRID)
        work = sum(step.operations * (_PLANE_COST if step.batched else 1) for step in plan.tile.steps)
        once = sum(part.operations for part, _ in plan.parts)
        work, once = min(work, _ENDLESS), min(once, _ENDLESS)
        return max(1.0, work / prod(plan.tile_shape) + once / prod(plan.shape))

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> NetworkInstance:
        """The function over GF(p): nothing is random but the inputs, and weights are refused."""
        self._refuse(weights)
        return NetworkInstance(self.network, field, tuple(self.network.operands(field)))

    def in_floats(self, partition: Bipartition, weights: Weights | None, work: float, rank: int) -> FloatMatrix | None:
        """The network compressed to the cut where that is cheap, as for trains and trees; otherwise a sample."""
        epsilon = rounding_in(tensor.array for tensor in self.network.tensors)
        if epsilon is None:
            return None
        try:
            operands = self.network.operands(None)
        except TensorRankError:
            return None  # an entry is beyond floats: whole numbers and fractions may be of any size

        def shaken(shake: Shake) -> list[Operand]:
            return [Operand(shake(one.values), None) for one in operands]

        def compressed(shake: Shake) -> Floats | None:
            return cut_matrix(self.network, shaken(shake), partition, work)

        values = cut_matrix(self.network, operands, partition, work)
        if values is not None:
            return measured(compressed, epsilon, rank, whole=True, tries=3, values=values)
        most, rng = sample_size(work, self.value_work(partition), rank), np.random.default_rng(0)
        rows, all_rows = vectors(self.network.shape, partition.a, most, rng)
        columns, all_columns = vectors(self.network.shape, partition.b, most, rng)
        plan = self.network.grid_plan(partition, (len(rows[0]), len(columns[0])))
        if plan.peak_bytes > memory_limit(None):
            return None
        inputs = [Operand(one, None) for one in (*rows, *columns)]
        whole = all_rows and all_columns
        return measured(lambda shake: cast(Floats, plan.evaluate([*shaken(shake), *inputs])), epsilon, rank, whole=whole)

    def rank_bound(self, partition: Bipartition) -> int:
        """The upper bound on the rank by the minimum cut of the network, or by classes of values if it is lower."""
        cut = minimum_cut(self.network, partition).bound
        found = class_bounds(self.network, partition, _share(cut))
        return cut if found is None else min(cut, found[1])

    def generic_lower_bound(self, partition: Bipartition) -> int:
        """The lower bound by classes of values, where the minimum cut is large and no leg is hidden; otherwise 0."""
        found = self._by_classes(partition, minimum_cut(self.network, partition).bound)
        return 0 if found is None else found[0]

    def proved_rank(self, partition: Bipartition) -> ProvedRank | None:
        """The rank, if both bounds by classes of values meet."""
        found = self._by_classes(partition, minimum_cut(self.network, partition).bound)
        if found is None or found[0] < found[1]:
            return None
        return ProvedRank(found[0], "classes of values, whose ranks add up and multiply")

    def _by_classes(self, partition: Bipartition, cut: int) -> Bounds | None:
        """The bounds by classes of values; None where a grid of the rank is soon computed, or they say nothing."""
        return class_bounds(self.network, partition, _share(cut)) if cut > _SOON_COMPUTED else None

    def _refuse(self, weights: Weights | None) -> None:
        if weights is not None:
            raise WeightsError(
                "weights were given for a tensor network, whose tensors hold all its numbers; expected None. Build the "
                "network with the arrays you mean"
            )


def _share(cut: int) -> float:
    """How much of its time the search for bounds by classes may take, where the minimum cut is this one."""
    return 1.0 if cut > _SOON_COMPUTED else _BRIEFLY


@dataclass(frozen=True, eq=False)
class NetworkInstance(Instance):
    """A network's function over GF(p), its tensors mapped there once."""

    network: LabelledTensors
    field: PrimeField
    operands: tuple[Operand, ...]

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random inputs, of shape (count, sites, largest dimension of all sites); 0 beyond a site's dimension."""
        return random_inputs(self.network.shape, sites, count, self.field, rng)

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The residues of the values at all pairs: in slices of rows and small tiles, where the memory asks for it."""
        memory = memory_limit(None) if memory is None else memory
        what = f"a grid of {len(rows)} x {len(columns)} values"
        plan = self._plan(partition, len(rows), len(columns))
        if plan.peak_bytes <= memory:
            return self._evaluated(plan, partition, rows, columns)
        step = max(1, len(rows))
        while step > 1 and self._plan(partition, step, len(columns)).least_bytes > memory:
            step = (step + 1) // 2
        slices = [rows[start : start + step] for start in range(0, len(rows), step)]
        plans = {len(part): self._plan(partition, len(part), len(columns)).within(memory, what) for part in slices}
        return np.concatenate([self._evaluated(plans[len(part)], partition, part, columns) for part in slices])

    def _evaluated(self, plan: GridPlan, partition: Bipartition, rows: Residues, columns: Residues) -> Residues:
        near, far = inputs_by_site(rows, columns, (partition.a, partition.b), self.network.shape, self.field)
        return cast(Residues, plan.evaluate([*self.operands, *near, *far]))

    def _plan(self, partition: Bipartition, rows: int, columns: int) -> GridPlan:
        return self.network.grid_plan(partition, (rows, columns))


def random_inputs(
    shape: Sequence[int], sites: Sequence[int], count: int, field: PrimeField, rng: np.random.Generator
) -> Residues:
    """Uniformly random vectors for some sites of a multilinear function of the given shape.

    Their shape is (count, sites, largest dimension of all sites); entries beyond a site's own dimension are 0.
    """
    dimensions = np.array([shape[site] for site in sites])
    values = field.random((count, len(sites), max(shape)), rng)
    values[:, np.arange(values.shape[2]) >= dimensions[:, None]] = 0
    return values

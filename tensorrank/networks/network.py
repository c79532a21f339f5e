"""Tensor networks: contracted, cut, described, pictured, and as the function of their open legs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from tensorrank.arguments import listed, no_attribute, shown, things, whole_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.font_folder import importing_matplotlib
from tensorrank.networks.description import description
from tensorrank.networks.expression import SMALLER
from tensorrank.networks.function import NetworkFunction
from tensorrank.networks.grid_plan import Inputs, inputs_by_site
from tensorrank.networks.tensors import LabelledTensors, Tensor
from tensorrank.separation.architecture import Model
from tensorrank.separation.partition import PartitionLike, checked_partition, numbered
from tensorrank.whole_numbers import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tensorrank.pictures.picture import Picture

__all__ = ["Tensor", "TensorNetwork"]

# Mixtures alone have these names, which whoever brings a Bayesian network looks for.
_MARGINAL = "marginal_network(sites).contract()"
_QUOTIENT = f"joint / joint.sum(axis=0), with joint = {_MARGINAL} of the variable asked for and those known"
_OF_MIXTURES = {
    "marginal": _MARGINAL,
    "posteriors": _QUOTIENT,
    "query": _QUOTIENT,
    "probability": f"an entry of contract(), or of {_MARGINAL}",
    "log_density": f"the logarithm of an entry of contract(), or of {_MARGINAL}",
}


@checked
class TensorNetwork(LabelledTensors, Model):
    """Tensors joined by legs: the product of all of them, summed over every leg that is not open.

    A network is a multilinear function of its open legs, which are its sites: site i is the i-th open leg. Legs of the
    same name are one leg. Two tensors may share it (a bond), or any number of them (a copy tensor), and it may be open
    at the same time. A leg that only one tensor has must be open, since a misspelt bond would look like that; to sum
    over such a leg, attach a vector of ones.

    Attributes:
        tensors: at least one, with different names.
        open_legs: the sites, in order.

    Raises:
        TensorRankError: if names repeat, a leg has two different dimensions, no tensor has an open leg, or a leg of
            one tensor only is not open.

    >>> left = Tensor("left", ("x", "bond"), [[1, 2], [3, 4], [5, 6]])
    >>> right = Tensor("right", ("bond", "y"), [[1, 0], [1, 1]])
    >>> network = TensorNetwork((left, right), ("x", "y"))
    >>> from tensorrank.arithmetic.prime_field import PrimeField
    >>> network.contract(PrimeField(5))
    array([[3, 2],
           [2, 4],
           [1, 1]])
    """

    def contract(self, field: PrimeField | None = None, *, memory: int | str | None = None) -> Floats | Residues:
        """The dense tensor over the sites, in their order; without sites, an array of no dimension.

        Args:
            field: GF(p) for exact residues of the exact images of all entries; float64 arithmetic if None.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            float64 or, over GF(p), int64 residues 0..p-1.

        Raises:
            TensorRankError: before the contraction starts, if it would take more memory; for an entry that is too large
                for a float64 or, over GF(p), is no rational number.
            PrimeError: if the prime divides a denominator of an entry.
        """
        expression = self.dense_expression()
        # The result once more, as what is handed out.
        needed = expression.peak_bytes + expression.result_bytes
        what = f"contracting the network to a tensor of {counted(prod(self.shape))} entries"
        refuse_beyond(memory_limit(memory), needed, what, SMALLER)
        return expression.evaluate(self.operands(field)).result()

    def unfold(
        self, partition: PartitionLike, field: PrimeField | None = None, *, memory: int | str | None = None
    ) -> Floats | Residues:
        """The dense tensor as a matrix: rows number the values of A's legs, columns those of B's.

        The legs of each side are taken in the partition's order, the last one running fastest.

        Args:
            partition: a Bipartition of the sites, "halves", "interleaved", or the sites of side A by number or name.
            field: as for `contract`.
            memory: as for `contract`.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.
            TensorRankError: as `contract`.

        >>> import numpy as np
        >>> vector = Tensor("v", ("i", "j", "k"), np.arange(8).reshape(2, 2, 2))
        >>> TensorNetwork((vector,), ("i", "j", "k")).unfold([2])
        array([[0., 2., 4., 6.],
               [1., 3., 5., 7.]])
        """
        split = checked_partition(self.sites, partition, self.open_legs)
        rows = prod(self.shape[site] for site in split.a)
        dense = self.contract(field, memory=memory)
        return dense.transpose(split.a + split.b).reshape(rows, -1)

    def grid(
        self,
        partition: PartitionLike,
        rows: Inputs,
        columns: Inputs,
        field: PrimeField | None = None,
        *,
        memory: int | str | None = None,
    ) -> Floats | Residues:
        """The matrix of values at all pairs of a row input and a column input, computed without the dense tensor.

        An input gives every leg of its side a vector. The value of a pair of inputs is the dense tensor contracted with
        all their vectors.

        Args:
            partition: a Bipartition of the sites, "halves", "interleaved", or the sites of side A by number or name.
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
        >>> delta.grid("halves", [[[1, 2]], [[3, 4]]], [[[1, 1]], [[0, 1]], [[1, 0]]])
        array([[3., 2., 1.],
               [7., 4., 3.]])
        """
        split = checked_partition(self.sites, partition, self.open_legs)
        near, far = inputs_by_site(rows, columns, (split.a, split.b), self.shape, field)
        plan = self.grid_plan(split, (near[0].shape[0], far[0].shape[0]))
        what = f"a grid of {plan.shape[0]} x {plan.shape[1]} values"
        return plan.within(memory_limit(memory), what).evaluate([*self.operands(field), *near, *far])

    @property
    def site_names(self) -> tuple[str, ...]:
        """The names of the sites: the open legs, in their order."""
        return self.open_legs

    def marginal_network(self, sites: Sequence[int | str]) -> TensorNetwork:
        """The network with only some of its sites open, the others summed over: of a distribution, a marginal.

        Args:
            sites: the sites that stay open, by their numbers or names, in the order that they are to have.

        Raises:
            TensorRankError: if they are no different sites of the network.

        >>> network = TensorNetwork((Tensor("table", ("x", "y"), [[0.1, 0.2], [0.3, 0.4]]),), ("x", "y"))
        >>> network.marginal_network(["y"]).contract()
        array([0.4, 0.6])
        """
        given = things(sites)
        if given is None:
            raise TensorRankError(f"the sites are {shown(sites)}; expected a list of them, such as [0, 1]")
        chosen = [whole_number("a site", numbered(site, self.open_legs), 0) for site in given]
        if len(set(chosen)) < len(chosen) or any(site >= self.sites for site in chosen):
            raise TensorRankError(f"the sites {listed(chosen)} were given; expected different ones of 0 to {self.sites - 1}")
        kept = tuple(self.open_legs[site] for site in chosen)
        holders = Counter(leg for tensor in self.tensors for leg in tensor.legs)
        # A leg of several tensors that is not open is summed over already.
        ones = [
            Tensor(f"sum over {leg}", (leg,), np.ones(self.sizes[leg], dtype=np.int64))
            for leg in self.open_legs
            if leg not in kept and holders[leg] == 1
        ]
        return TensorNetwork((*self.tensors, *ones), kept)

    def describe(self, partition: PartitionLike | None = None) -> str:
        """A description of the network in words: its legs, how it would be contracted, and at what cost.

        Args:
            partition: if given, its minimum cut and the cost of a grid are told too.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.

        >>> import numpy as np
        >>> pair = (Tensor("a", ("i", "z"), np.ones((4, 2))), Tensor("b", ("z", "j"), np.ones((2, 4))))
        >>> print(TensorNetwork(pair, ("i", "j")).describe("halves"))
        2 tensors, 3 legs, 2 of them open: i (4), j (4)
        dense tensor: 16 entries by 64 operations; largest intermediate 16 entries, about 512 bytes at the peak
          [1] = a, b: legs (i, j), 16 entries, 64 operations
        cut 0 | 1: rank at most 2, through z (2)
        grid: about 4.01 operations a value
        """
        return description(self, partition)

    def picture(
        self,
        partition: PartitionLike | None = None,
        *,
        positions: Mapping[str, tuple[float, float]] | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
    ) -> Picture[Axes]:
        """The network as a figure of matplotlib, with the minimum cut if a partition is given.

        Args:
            partition: a Bipartition of the sites, "halves", "interleaved", or the sites of side A by number or name.
            positions: where each tensor lies, by name; a line, a tree or a spring layout if None.
            ax: axes to fill; a new figure is made by default.
            figsize: width and height of the figure in inches; by default it fits the network.

        Raises:
            PartitionError: if the partition is no bipartition of the open legs.
            TensorRankError: if positions miss a tensor, or axes and a size are both given.
        """
        # matplotlib takes longer to import than most contractions.
        with importing_matplotlib():
            from tensorrank.networks.picture import picture

        return picture(self, partition, positions, ax=ax, figsize=figsize)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """What mixtures are asked is answered with the way round."""
            raise no_attribute(self, name, _OF_MIXTURES)

    def architecture(self) -> NetworkFunction:
        """The network's function as an architecture without weights, for `separation_rank`."""
        return NetworkFunction(self)

"""Models that are latent trees of a fixed shape, whose structure and sizes are those of the tree."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf

from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.circuit import Circuit, Slots
from tensorrank.mixtures.fitting.fittable import Fittable
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.tables import free_parameters
from tensorrank.networks.network import TensorNetwork


class TreeShaped(Fittable):
    """A mixture that is a latent tree with the same tables."""

    @cached_property
    @abstractmethod
    def _tree(self) -> LatentTree:
        """The latent tree, made of the arrays that this model holds."""

    def latent_tree(self) -> LatentTree:
        """The model as a latent tree with the same tables."""
        return self._tree

    def toward_tree(self, limit: float = inf) -> LatentTree:
        """The latent tree with the same tables, whatever the limit."""
        return self._tree

    def _marginal_network(self, sites: Sequence[int]) -> TensorNetwork:
        """The network of the restricted latent tree."""
        return self._tree.marginal_network(sites)

    @property
    def parameters(self) -> int:
        """The free parameters: one less than entries for each row of a table; tables that are shared count once."""
        tables = {id(edge.table): edge.table for edge in self._tree.edges}
        return free_parameters([self._tree.prior[None], *tables.values()])

    @property
    def table_entries(self) -> int:
        """The entries of all tables, those that are shared counted wherever they are used."""
        return self._tree.table_entries

    @property
    def circuit(self) -> Circuit:
        """The circuit of the latent tree."""
        return self._tree.circuit

    @property
    def hidden_slots(self) -> Mapping[Name, Slots]:
        """The hidden variables of the latent tree, parents before their children, each with a slot for each state."""
        return self._tree.hidden_slots

    def coefficients(self) -> TensorNetwork:
        """The network of the latent tree: legs "state NAME" that tables share, and "site 0", "site 1", ..."""
        return self._tree.coefficients()

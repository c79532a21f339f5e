"""The base of all homogeneous mixtures: what a kind of mixture gives, and what users get of every kind."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import inf
from typing import Any, ClassVar, Self

import numpy as np

from tensorrank.mixtures.density import Density
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.way import Way
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.notebook_tables import Table
from tensorrank.separation.architecture import Architecture, Model
from tensorrank.whole_numbers import span


class Mixture(Density, Model):
    """A density f(x) = sum over j_1, ..., j_N of W[j_1, ..., j_N] * f_(j_1)(x_1) * ... * f_(j_N)(x_N).

    W, the coefficient tensor, is nonnegative and sums to one; variables (sites) and components count from 0. Without
    `densities` the variables are categorical, f_j(x) is 1 if x = j and 0 otherwise, and W is the probability table.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018).
    """

    # The name of the model in files and on the command line.
    kind: ClassVar[str]
    # What `size` counts.
    unit: ClassVar[str] = "entries"
    # Whether `coefficients` is a network with loops, far costlier to contract than the density is to evaluate.
    has_loops: ClassVar[bool] = False

    # Whether the circuit is without signs, so that its slots have logarithms.
    monotone: ClassVar[bool] = True

    @property
    @abstractmethod
    def parameters(self) -> int:
        """The number of free parameters: entries of tables less one for each distribution.

        A table that is shared counts once. The parameters of Gaussian components are not counted.
        """

    @property
    @abstractmethod
    def table_entries(self) -> int:
        """The size of the tensor format: the entries of all tables, a table counted in each place where it is used."""

    @property
    def size(self) -> int:
        """The size by which reductions are measured: the table entries, of a sum-product network the edges."""
        return self.table_entries

    @abstractmethod
    def fields(self) -> dict[str, Any]:
        """The fields of a file that only this kind has, as plain values; `from_fields` makes the same model of them."""

    @classmethod
    @abstractmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields.

        Raises:
            TensorRankError: if a field is missing or unknown, or the values make no such model.
        """

    @abstractmethod
    def own_sizes(self) -> dict[str, Any]:
        """The sizes that only this kind has, by name, as plain values."""

    def own_lines(self) -> list[tuple[str, str]]:
        """The lines that `tensorrank show` prints of these sizes: a name of at most 14 letters, and a text."""
        return [(name, str(value)) for name, value in self.own_sizes().items()]

    def lines(self) -> list[tuple[str, str]]:
        """The lines that `tensorrank show` and notebooks have of the model: names of its sizes, and texts."""
        what = "Gaussian components" if self.densities else "values"
        return [
            ("kind", self.kind),
            ("variables", f"{self.sites}, of {span(self.shape)} {what}"),
            ("tables", "fractions" if self.over_fractions else "floats"),
            ("parameters", str(self.parameters)),
            ("table entries", str(self.table_entries)),
            *self.own_lines(),
        ]

    def _shown_tables(self) -> Iterator[Table]:
        yield Table(self.lines())

    def identity(self) -> dict[str, Any]:
        """The sizes of this model and a digest of its tables, which tells it from models of equal sizes."""
        digest = blake2b(self._tables.encode(), digest_size=8).hexdigest()
        return {"sites": self.sites, "parameters": self.parameters, "digest": digest}

    def __eq__(self, other: object) -> bool:
        """Whether both are of one kind and have equal tables."""
        if type(self) is not type(other):
            return NotImplemented
        return self is other or self._tables == other._tables

    def __hash__(self) -> int:
        return hash((self.kind, self._tables))

    @property
    def _tables(self) -> str:
        """All tables as text, which is that of no other model of the same kind."""
        tables = [self.fields(), None if self.densities is None else self.densities.to_dict()]
        return json.dumps(tables, sort_keys=True, allow_nan=False)

    @abstractmethod
    def toward_tree(self, limit: float = inf) -> Mixture:
        """A latent tree of the same density, or a model of a kind that is nearer to one; a tree returns itself.

        Raises:
            TooLargeError: if the form would be larger than the limit.
        """

    def way(self) -> Way:
        """What bounds on the sizes of other forms have to know of the way to a latent tree."""
        return Way()

    @abstractmethod
    def coefficients(self) -> TensorNetwork:
        """The coefficient tensor W as a tensor network, with the open legs "site 0", "site 1", ..."""

    @abstractmethod
    def __repr__(self) -> str:
        """The kind of the model and its sizes, in a line."""

    def to_network(self) -> TensorNetwork:
        """The coefficient tensor W as a tensor network whose separation rank is that of the density.

        Equal Gaussian components become one, so that the components of a variable are linearly independent.

        Source: Cohen, Shashua, Inductive bias of deep convolutional networks through pooling geometry (ICLR 2017).
        """
        network = self.coefficients()
        if self.densities is None:
            return network
        classes = [self.densities.distinct(site) for site in range(self.sites)]
        merged = [site for site, found in enumerate(classes) if found.max() + 1 < len(found)]
        if not merged:
            return network
        renamed = {f"site {site}": f"component {site}" for site in merged}
        tensors = [
            Tensor(tensor.name, tuple(renamed.get(leg, leg) for leg in tensor.legs), tensor.array) for tensor in network.tensors
        ]
        tensors += [
            Tensor(f"equal components {site}", (f"component {site}", f"site {site}"), np.eye(found.max() + 1)[found])
            for site, found in enumerate(classes)
            if site in merged
        ]
        return TensorNetwork(tuple(tensors), network.open_legs)

    def marginal_network(self, sites: Sequence[int | str]) -> TensorNetwork:
        """The marginal of W for some variables in ascending order, the others summed out, as a tensor network.

        Raises:
            TensorRankError: if the sites are no different variables of the model.
        """
        return self._marginal_network(sorted(self.variables_given(sites)))

    def _marginal_network(self, sites: Sequence[int]) -> TensorNetwork:
        """The marginal of W for different variables in ascending order."""
        return self.coefficients().marginal_network(sites)

    def neighbours_first(self) -> list[int]:
        """The variables in an order in which each is near the one before."""
        return list(range(self.sites))

    def architecture(self) -> Architecture:
        """The density as a function of its variables, for `separation_rank`."""
        return self.to_network().architecture()

    def _values(self, name: str) -> str:
        """The number of values of the variables in words, for `__repr__`."""
        return f"{max(self.shape)} {name if self.densities is None else 'Gaussian components'}"

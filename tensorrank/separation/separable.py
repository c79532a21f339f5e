"""What an architecture must offer to have its separation rank computed; the solver knows no more of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition

Weights = Mapping[str, ArrayLike]


class Instance(Protocol):
    """One function over GF(p): an architecture with its weights fixed."""

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """`count` random inputs of the given sites: an array of shape (count, len(sites), ...)."""

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues) -> Residues:
        """The matrix of values at (row input of side A, column input of side B)."""


@runtime_checkable
class FiniteInstance(Instance, Protocol):
    """An instance whose inputs are finitely many: all of them can be tried."""

    def input_count(self, sites: Sequence[int]) -> int:
        """The number of different inputs of these sites."""

    def inputs(self, sites: Sequence[int], numbers: Residues) -> Residues:
        """The inputs with these numbers, from 0 to input_count - 1: an array as `sample` gives."""


@runtime_checkable
class FrugalInstance(Instance, Protocol):
    """An instance whose grids take memory beside the values, as much as they are allowed."""

    def grid_within(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int) -> Residues:
        """The grid within so many bytes.

        Raises:
            TensorRankError: if it needs more.
        """


class MomentInstance(Instance, Protocol):
    """An instance whose value is sum_q x_q P_q(M): x the output site's token, M the sum of all x_j x_j^T."""

    def moment_values(self, moments: Residues) -> Residues:
        """P_1..P_d at a batch of symmetric matrices: shape (batch, d, d) to shape (batch, d)."""


@runtime_checkable
class Separable(Protocol):
    """An architecture: a family of functions, polynomial in weights and inputs."""

    @property
    def sites(self) -> int:
        """The number of sites."""

    @property
    def weight_degree(self) -> int:
        """The degree of a value in the weights."""

    @property
    def input_degree(self) -> int:
        """The degree of a value in all inputs together; primes must exceed it where inputs are sampled."""

    @property
    def value_work(self) -> float:
        """Operations that one value costs in a grid, at the rate of a matrix product."""

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> Instance:
        """Fix the weights: random ones, or the exact image of those given."""

    def rank_bound(self, partition: Bipartition) -> int | None:
        """A proven upper bound on the separation rank for all weights, or None."""

    def generic_lower_bound(self, partition: Bipartition) -> int:
        """A proven lower bound for almost all weights (1 if nothing better is known)."""


@runtime_checkable
class MomentSeparable(Separable, Protocol):
    """An architecture whose instances are `MomentInstance`s, if it has the moment form."""

    @property
    def has_moment_form(self) -> bool:
        """Whether it does: some variants do not."""

    @property
    def input_width(self) -> int:
        """d, the dimension of a token as it is given."""

    @property
    def moment_degree(self) -> int:
        """C, the degree of each P_q in the entries of M; primes must exceed it."""

    @property
    def homogeneous(self) -> bool:
        """Whether the P_q are homogeneous."""

    def leading(self) -> MomentSeparable:
        """The homogeneous architecture whose values are the terms of highest degree, for the same weights."""

    @property
    def output_site(self) -> int:
        """The site whose token multiplies P."""

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> MomentInstance:
        """Fix the weights: random ones, or the exact image of those given."""

    def generic_lower_bounds_by_degree(self, partition: Bipartition) -> Sequence[int]:
        """For k = 0..C, a proven lower bound for almost all weights on the rank of the part of degree k in M_A."""


@runtime_checkable
class MadeSeparable(Protocol):
    """What is no architecture itself but gives one, such as a tensor network."""

    def separable(self) -> Separable:
        """The architecture whose separation rank is meant."""


def as_separable(model: Separable | MadeSeparable) -> Separable:
    """The architecture itself, or the one that the model gives.

    Raises:
        TensorRankError: if it is neither.
    """
    if isinstance(model, type):
        raise TensorRankError(f"the class {model.__name__} was given; expected one of its instances, with sizes")
    if isinstance(model, MadeSeparable):
        return model.separable()
    if not isinstance(model, Separable):
        raise TensorRankError(
            f"the model is {model!r}; expected an architecture, such as SelfAttention(depth=3, width=2), or for a "
            "function of your own NumericalModel(function, sites)"
        )
    return model


def moment_form(model: Separable) -> MomentSeparable | None:
    """The architecture, if it has the moment form."""
    return model if isinstance(model, MomentSeparable) and model.has_moment_form else None

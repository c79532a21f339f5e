"""Base classes of all that has a separation rank: architectures, their instances, and models that give an architecture.

The solver knows no more of an architecture than this file says. A new one derives from `Architecture` and its instances
from `Instance`; both have defaults for all that an architecture need not offer.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.notebook_tables import NotebookTable
from tensorrank.separation.partition import Bipartition, SiteNames
from tensorrank.separation.rounding import FloatMatrix

Weights = Annotated[Mapping[str, ArrayLike], CHECKED_WHERE_USED]


class Parts(Protocol):
    """Gives the parts of the values of one function, for inputs of side A: the side of the token x."""

    def __call__(self, near: Residues, degrees: Integers, columns: int) -> NDArray[np.int32]:
        """The parts of these degrees in M_A, at inputs of side A and the first columns of side B.

        Args:
            near: inputs of side A, of shape (rows, tokens, d); the first token of each is x.
            degrees: degrees, of the parts.
            columns: the number of inputs of side B.

        Returns:
            Balanced residues of shape (degrees, rows, columns).
        """


class Instance(ABC):
    """One function over GF(p): an architecture with its weights fixed."""

    @abstractmethod
    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Sample `count` random inputs of the given sites: an array of shape (count, len(sites), ...)."""

    @abstractmethod
    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The matrix of values at all pairs of an input of side A (a row) and an input of side B (a column).

        Args:
            partition: the two sides.
            rows: inputs of side A, as `sample` gives them.
            columns: inputs of side B.
            memory: bytes that evaluation may take beside the values; by default what the instance takes by itself.

        Raises:
            TensorRankError: if not even a single row fits within the memory.
        """

    def input_count(self, sites: Sequence[int]) -> int | None:
        """The number of different inputs of these sites; None, the default, where they are not finitely many."""
        return None

    def inputs(self, sites: Sequence[int], numbers: Residues) -> Residues:
        """The inputs with these numbers, from 0 to `input_count` - 1, in an array such as `sample` gives."""
        raise NotImplementedError(f"the inputs of {shown(self)} are not numbered")

    def moment_values(self, moments: Residues) -> Residues:
        """The values P_1, ..., P_d of the moment form at symmetric matrices: (batch, d, d) to (batch, d)."""
        raise NotImplementedError(f"{shown(self)} has no moment form")

    def parts(self, far: Residues, degree: int) -> Parts:
        """What gives the parts of sum_q x_q P_q(M_A + M_B), by degree in M_A, for homogeneous P_q of a degree C.

        Args:
            far: inputs of side B, of shape (columns, tokens, d).
            degree: C.
        """
        raise NotImplementedError(f"{shown(self)} has no moment form")


@dataclass(frozen=True)
class MomentForm:
    """The moment form of an architecture: every value is sum_q x_q P_q(M).

    Here x is the token of one site, of dimension d, and M is the sum of x_j x_j^T over all sites j. The P_q are
    polynomials in the entries of M, which `Instance.moment_values` evaluates.

    Attributes:
        width: d, the dimension of a token as it is given.
        degree: C, the largest degree of the P_q in the entries of M; primes must exceed it.
        output_site: the site whose token is x.
        lower_bounds: gives, for a partition, C + 1 numbers: for k = 0..C a proven lower bound, for almost all weights,
            on the rank of the part of degree k in the moments of the output site's side.
        upper_bounds: gives, for a partition, proven upper bounds on the ranks of the same parts, for all weights; None
            where only the dimensions of the spaces of functions are known to bound them.
        leading: the architecture whose values are the terms of highest degree, for the same weights; None where the
            P_q are homogeneous, so that these terms are all.
        pair_work: gives, for the numbers of tokens on the output site's side and on the other, the operations that
            `Instance.parts` takes for one pair of inputs.
    """

    width: int
    degree: int
    output_site: int
    lower_bounds: Callable[[Bipartition], Sequence[int]]
    leading: Architecture | None = None
    upper_bounds: Callable[[Bipartition], Sequence[int] | None] = lambda partition: None
    pair_work: Callable[[tuple[int, int]], float] = lambda tokens: 0.0


@dataclass(frozen=True)
class ProvedRank:
    """A separation rank that is proved for almost all weights, without computing.

    Attributes:
        value: the rank.
        theorem: what it is known by, in words.
    """

    value: int
    theorem: str


class Model(NotebookTable, ABC):
    """What `separation_rank` takes: an architecture, or what gives one, such as a tensor network or a mixture.

    Attributes:
        kind: the name of the model's kind in stores and on the command line, where it has one.
    """

    kind: ClassVar[str]

    @property
    def site_names(self) -> SiteNames:
        """The names of the sites, in their order; none where sites are known by their numbers alone."""
        return ()

    @abstractmethod
    def architecture(self) -> Architecture:
        """The architecture whose separation rank is meant."""

    def identity(self) -> dict[str, Any]:
        """The plain values that tell this model from all others of its kind, for those who keep ranks of many models.

        Raises:
            TensorRankError: by default: not every model has a kind.
        """
        raise TensorRankError(f"{self} has no kind to be known by; expected SelfAttention, a circuit or a mixture")


class Architecture(Model):
    """A family of functions of several sites, polynomial in weights and inputs.

    Attributes:
        sites: the number of sites, a field or a property.
        values_share: the share of the memory that the values of a grid may take; the rest is for evaluating them.
    """

    values_share: ClassVar[float] = 0.5

    if TYPE_CHECKING:
        # No property where the class runs: it would stand before the field of that name in dataclasses.
        @property
        def sites(self) -> int:
            """The number of sites."""

    @property
    @abstractmethod
    def weight_degree(self) -> int:
        """The degree of a value in the weights; 0 where there are none to draw."""

    @property
    @abstractmethod
    def input_degree(self) -> int:
        """The degree of a value in all inputs together, which primes must exceed; 0 where inputs are categories."""

    @abstractmethod
    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> Instance:
        """Fix the weights: random ones, or the exact image in GF(p) of those given.

        Raises:
            WeightsError: if given weights have other names or shapes, or are not finite.
            PrimeError: if p divides a denominator.
        """

    def entries(self, weights: Weights | None = None) -> list[Array | str]:
        """All numbers given, in arrays and in a fixed order, and what else tells this architecture from others.

        Primes and inputs are drawn from a stream that depends on them (`hardened_stream`).
        """
        given = {} if weights is None else weights
        return [repr(self), *(part for name in sorted(given) for part in (name, np.asarray(given[name])))]

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the coefficients of a value, as a polynomial in all that is drawn; inf if none is known.

        A value is a polynomial in the inputs, and in the weights if none are given. After multiplication by a common
        denominator of all numbers given, its coefficients are whole numbers. The bound is one on the sum of their
        absolute values. A probability is stated for a rank only where it is known: it limits how many primes can divide
        all coefficients of a minor. Bits of denominators are added, for the primes that divide them are passed over.
        """
        return math.inf

    @abstractmethod
    def value_work(self, partition: Bipartition) -> float:
        """Operations that one value costs in a grid of this partition, at the rate of a matrix product."""

    def rank_bound(self, partition: Bipartition) -> int | None:
        """A proven upper bound on the separation rank for all weights; None, the default, where none is known."""
        return None

    def generic_lower_bound(self, partition: Bipartition) -> int:
        """A proven lower bound on the separation rank for almost all weights; 0 by default."""
        return 0

    def proved_rank(self, partition: Bipartition) -> ProvedRank | None:
        """The separation rank for almost all weights, if it is proved; None otherwise.

        By default it is proved where the two bounds in closed form meet. An architecture whose rank a theorem gives
        says so here, and `separation_rank` then computes nothing.
        """
        upper = self.rank_bound(partition)
        if upper is None or self.generic_lower_bound(partition) != upper:
            return None
        return ProvedRank(upper, "bounds in closed form that meet")

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True if it is proved that this architecture has at least the other's separation rank, for almost all weights.

        By default nothing is proved.
        """
        return False

    def rank_key(self, partition: Bipartition) -> dict[str, Any]:
        """The plain values that the separation rank for almost all weights depends on, by what is proved.

        Architectures of one kind with equal values have equal ranks. By default these are the identity, and the sites
        of the side with site 0: which of the two sides is called A does not matter.

        Raises:
            TensorRankError: if the architecture has no identity.
        """
        return {**self.identity(), "side": sorted(partition.a if 0 in partition.a else partition.b)}

    def in_floats(self, partition: Bipartition, weights: Weights | None, work: float, rank: int) -> FloatMatrix | None:
        """A matrix in floats that tells how much of an exact rank is rounding; None where no floats were given.

        Args:
            partition: the two sides.
            weights: the weights given, if any.
            work: the operations that it may take, about.
            rank: the exact rank.
        """
        return None

    def moment_form(self) -> MomentForm | None:
        """The moment form; None, the default, for an architecture without one."""
        return None

    def architecture(self) -> Architecture:
        """The architecture itself: it is its own."""
        return self


class KnownByValues(NotebookTable):
    """Base of what is known by its values in floating point only, and has a numerical separation rank alone."""


class StandsForModels(NotebookTable):
    """Base of what has a separation rank only by way of models that it gives.

    Attributes:
        way_round: what gives them, in words: what to try.
    """

    way_round: ClassVar[str]


def as_architecture(model: Model) -> Architecture:
    """The architecture itself, or the one that the model gives; anything else is refused."""
    if isinstance(model, Model):
        return model.architecture()
    if isinstance(model, StandsForModels):
        raise TensorRankError(f"the model is {shown(model)}; expected an architecture: {model.way_round}")
    if isinstance(model, type):
        raise TensorRankError(f"the class {model.__name__} was given; expected one of its instances, with sizes")
    if isinstance(model, str | PathLike):
        raise TensorRankError(
            f"the model is {shown(model)}; expected a model, not its file: try tensorrank.load({shown(model)})"
        )
    if isinstance(model, KnownByValues):
        raise TensorRankError(
            f"the model is {shown(model)}, which is known by floating-point values only; expected an architecture, such as "
            "SelfAttention(depth=3, width=2): try tensorrank.numerical_separation_rank(model)"
        )
    raise TensorRankError(
        f"the model is {shown(model)}; expected an architecture, such as SelfAttention(depth=3, width=2). For a function of "
        "your own, try tensorrank.numerical_separation_rank(tensorrank.NumericalModel(function, sites))"
    )

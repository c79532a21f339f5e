"""The tensor of a data set: the sum of its samples, each a product of the vectors of its variables."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.rational_rank import RationalRank, rational_rank
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.arithmetic.spectrum import NumericalRank
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.networks.data_spectrum import counts, patterns, scaled, spectrum_of_counts, spectrum_of_products
from tensorrank.networks.embeddings import Embedding, checked_labels, checked_samples, codes_of, vectors_of
from tensorrank.networks.formats import TensorFormat
from tensorrank.networks.function import NetworkFunction
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.architecture import ProvedRank
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition

# The operations that may be spent to prove the rank of counts.
_PROOF_WORK = 1e10


@checked
@dataclass(frozen=True, eq=False, repr=False)
class DataTensor(TensorFormat, EqualByValue):
    """The tensor of a data set: the sum over samples of label times the product of the vectors of the variables.

    D = sum over m of y_m x_(m,1) ⊗ ... ⊗ x_(m,N), where x_(m,n) is the vector of variable n in sample m. Each variable
    is a site. A network can only represent the data well if, at each cut, it represents as much correlation as D has.
    The source divides by the number of samples, which changes no rank and no entanglement.

    `separation_rank(data, partition)` is the rank of D across a cut, and `spectrum` has its singular values. The
    unfolding itself, of exponentially many entries, is never made.

    Args:
        samples: a table of numbers, (samples, variables), or for vectors (samples, variables, dimension).
        labels: a number for each sample, such as 1 and -1 for two classes; 1 for all by default.
        embedding: how a value becomes a vector. "one-hot" (the default) takes whole numbers, of which the different
            ones of a variable become unit vectors: D then counts samples. "angle" takes numbers x from 0 to 1 and makes
            (cos(π x / 2), sin(π x / 2)), "moments" takes any and makes (1, x), and "vectors" takes vectors as they are.

    Raises:
        TensorRankError: if the samples are no such table (lists of unequal lengths, texts, missing values), or if there
            are not as many labels as samples.

    Sources: the data tensor and its entanglement, Alexander, De La Vega, Razin, Cohen, What Makes Data Suitable for a
    Locally Connected Neural Network? (NeurIPS 2023, arXiv 2303.11249); angles, Stoudenmire, Schwab, Supervised Learning
    with Tensor Networks (NIPS 2016, arXiv 1605.05775).

    >>> import tensorrank as tr
    >>> copied = tr.DataTensor([[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    >>> tr.separation_rank(copied, "halves").value, tr.separation_rank(copied, "interleaved").value
    (4, 1)
    >>> copied.entanglement("halves"), float(np.log(4))  # doctest: +ELLIPSIS
    (1.386..., 1.386...)
    """

    samples: Array
    labels: ArrayLike | None = None
    _: KW_ONLY
    embedding: Embedding = "one-hot"

    def __post_init__(self) -> None:
        samples = checked_samples(self.samples, self.embedding)
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "labels", checked_labels(self.labels, len(samples)))

    def __repr__(self) -> str:
        return f"DataTensor({len(self.samples)} samples of {self.sites} variables, {self.embedding})"

    def __str__(self) -> str:
        return repr(self)

    @property
    def sites(self) -> int:
        """The number of variables."""
        return int(self.samples.shape[1])

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The dimension of the vectors of each variable."""
        if self.embedding == "one-hot":
            return tuple(int(count) + 1 for count in self._codes.max(axis=0))
        return (self.samples.shape[2] if self.embedding == "vectors" else 2,) * self.sites

    def permuted(self, order: ArrayLike) -> DataTensor:
        """The data with its variables in another order: variable n becomes what `order[n]` was.

        Raises:
            TensorRankError: if the order does not name each variable once.

        >>> DataTensor([[5, 6, 7]]).permuted([2, 0, 1]).samples
        array([[7, 5, 6]])
        """
        return replace(self, samples=self.samples[:, list(checked_order(order, self.sites))])

    def spectrum(self, partition: PartitionLike | None = None, *, memory: int | str | None = None) -> NumericalRank:
        """The singular values of D across a cut, divided by the root of the sum of their squares, largest first.

        Where both sides have more variables than their products can be written out, values are roots of eigenvalues.
        These are known to half of the digits of a float, and `noise` says how far.

        Args:
            partition: a Bipartition of the variables, "halves" (the default), "interleaved", or those of side A.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if the partition is no bipartition of the variables.
            TensorRankError: before anything is computed, if it would take more memory.

        >>> DataTensor([[0, 0], [0, 0], [0, 0], [1, 1], [1, 1], [1, 1], [1, 1]]).spectrum().spectrum
        array([0.8, 0.6])
        """
        split, limit = checked_partition(self.sites, partition), memory_limit(memory)
        if self.embedding == "one-hot":
            return spectrum_of_counts(counts(self._codes, scaled(self._labels), split), limit)
        return spectrum_of_products(self._codes, self._vectors(limit), self._labels, split, limit)

    def entanglement(self, partition: PartitionLike | None = None, *, memory: int | str | None = None) -> float:
        """The entanglement of D across a cut, in nats: the entropy of the squares of the singular values of sum 1.

        It is at most the logarithm of the rank; a network that represents D exactly has at least this rank. 0 where
        D is a product across the cut, or vanishes.

        Args:
            partition: as for `spectrum`.
            memory: as for `spectrum`.

        Raises:
            TensorRankError: as `spectrum`.

        >>> round(DataTensor([[0, 0], [0, 1], [1, 0], [1, 1]]).entanglement(), 12)
        0.0
        """
        shares = self.spectrum(partition, memory=memory).spectrum ** 2
        shares = shares[shares > 0]
        return max(0.0, -float(shares @ np.log(shares)))

    def to_network(self) -> TensorNetwork:
        """The data as tensors "labels" and "variable n" that share the leg "sample"; variable n is the leg "x n".

        Raises:
            TensorRankError: if the vectors would not fit in memory.
        """
        legs = tuple(f"x{site}" for site in range(self.sites))
        vectors = self._vectors(memory_limit(None))
        tensors = [Tensor(f"variable {n}", ("sample", leg), vectors[n]) for n, leg in enumerate(legs)]
        return TensorNetwork((Tensor("labels", ("sample",), self._labels), *tensors), legs)

    def architecture(self) -> DataFunction:
        """The function of the variables' vectors, for `separation_rank`."""
        return DataFunction(self.to_network(), self)

    @property
    def _labels(self) -> Array:
        return np.asarray(self.labels)

    @cached_property
    def _codes(self) -> Integers:
        return codes_of(self.samples)

    def _vectors(self, memory: int) -> list[Array]:
        bytes_needed = 8 * len(self.samples) * sum(self.shape)
        refuse_beyond(memory, bytes_needed, f"the vectors of {self}", "fewer samples or categories, or more memory")
        return vectors_of(self.samples, self.embedding)


def checked_order(order: Any, sites: int) -> tuple[int, ...]:
    """An order of so many variables that a user gave.

    Raises:
        TensorRankError: if it does not name each variable once.

    >>> checked_order(np.array([1, 0]), 2)
    (1, 0)
    """
    given = things(order)
    numbers = () if given is None else tuple(whole_number("a variable of the order", one, 0) for one in given)
    if sorted(numbers) != list(range(sites)):
        raise TensorRankError(f"the order is {shown(order)}; expected each variable from 0 to {sites - 1} once")
    return numbers


@dataclass(frozen=True, eq=False, repr=False)
class DataFunction(NetworkFunction):
    """The function of a data tensor, whose rank is at most that of a matrix of counts.

    >>> DataTensor([[0, 1], [1, 1]]).architecture().rank_bound(Bipartition.halves(2))
    1
    """

    data: DataTensor
    _known: dict[Bipartition, RationalRank] = field(default_factory=dict)

    def __repr__(self) -> str:
        return repr(self.data)

    def rank_bound(self, partition: Bipartition) -> int:
        """The least of the rank of the matrix of counts, of the patterns, and of the dimensions of the two sides.

        A variable has no more dimensions than different vectors.
        """
        values = (self.data._codes.max(axis=0) + 1).tolist()
        spans = [min(dimension, count) for dimension, count in zip(self.data.shape, values, strict=True)]
        sides = [prod(spans[site] for site in side) for side in (partition.a, partition.b)]
        found = self._counts(partition)
        different = [len(patterns(self.data._codes, side)[0]) for side in (partition.a, partition.b)]
        return int(min(*sides, *different, *([] if found is None else [found.upper])))

    def generic_lower_bound(self, partition: Bipartition) -> int:
        """The rank of the matrix of counts modulo primes if the embedding is one-hot; otherwise 0."""
        found = self._counts(partition) if self.data.embedding == "one-hot" else None
        return 0 if found is None else found.value

    def proved_rank(self, partition: Bipartition) -> ProvedRank | None:
        """The rank of the matrix of counts, if the embedding is one-hot and it is proved."""
        found = self._counts(partition) if self.data.embedding == "one-hot" else None
        if found is None or found.standing != "exact":
            return None
        return ProvedRank(found.value, f"elimination of the counts of samples: {found.reason}")

    def _counts(self, partition: Bipartition) -> RationalRank | None:
        """The rank of the matrix of counts, at least that of the data; None if labels are floats."""
        if self.data._labels.dtype.kind == "f":
            return None
        if partition not in self._known:
            found = counts(self.data._codes, self.data._labels, partition)
            self._known[partition] = rational_rank(found, work=_PROOF_WORK)
        return self._known[partition]

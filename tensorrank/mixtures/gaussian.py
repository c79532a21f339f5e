"""Normal densities as the components of continuous variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_floats, as_given
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.data import numbers_of
from tensorrank.notebook_tables import NotebookTable

_FIELDS = ("type", "means", "covariances")
_MEANS_SHAPES = "(components,), (components, features) or (sites, components, features)"
# Covariances may differ from their transpose by so much of the product of the two standard deviations.
_SYMMETRY_RTOL = 1e-10


@dataclass(frozen=True, eq=False)
class Gaussians(EqualByValue, NotebookTable):
    """Normal component densities f_j of continuous variables, shared by all variables or for each its own.

    What the arrays hold is said by their numbers of dimensions, never by their sizes. Means of three dimensions are one
    set of components for each site; means of fewer dimensions are shared by all sites. Covariances of as many
    dimensions as the means are variances; with one more dimension they are full matrices.

    Attributes:
        means: of shape (components,) for one feature, (components, features) or (sites, components, features).
        covariances: variances in the shape of means, which makes features independent; or full covariance matrices of
            shape (components, features, features) or (sites, components, features, features). The lower triangle of a
            matrix counts, so that rounding above it changes nothing.

    Both are kept as read-only float64 arrays in the shape given.

    Raises:
        TensorRankError: if shapes do not fit, an entry is not finite, a variance is not positive, or a covariance
            matrix is not symmetric (within 1e-10 of its scale) and positive definite beyond rounding.

    >>> shared = Gaussians(means=[0, 3], covariances=[1, 4])
    >>> shared.components, shared.features, shared.sites
    (2, 1, None)
    >>> shared.log_densities(0, [0.0, 3.0, np.nan]).round(3)
    array([[-0.919, -5.419,  0.   ],
           [-2.737, -1.612,  0.   ]])
    """

    means: Floats
    covariances: Floats

    def __post_init__(self) -> None:
        means, covariances = _finite("means", self.means), _finite("covariances", self.covariances)
        if means.ndim not in (1, 2, 3):
            raise TensorRankError(f"the means have the shape {means.shape}; expected {_MEANS_SHAPES}")
        allowed = [means.shape] if means.ndim == 1 else [means.shape, (*means.shape, means.shape[-1])]
        if covariances.shape not in allowed:
            raise TensorRankError(
                f"the covariances have the shape {covariances.shape} beside means of the shape {means.shape}; expected "
                + " or ".join(f"{shape} ({kind})" for shape, kind in zip(allowed, ("variances", "matrices"), strict=False))
            )
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "covariances", covariances)
        self._check_variances()
        if not self.diagonal:
            self._check_matrices()

    @property
    def components(self) -> int:
        """How many densities a variable has."""
        return int(self.means.shape[0] if self.means.ndim == 1 else self.means.shape[-2])

    @property
    def features(self) -> int:
        """How many real numbers a variable takes."""
        return 1 if self.means.ndim == 1 else int(self.means.shape[-1])

    @property
    def sites(self) -> int | None:
        """How many variables have densities of their own; None where all share them."""
        return int(self.means.shape[0]) if self.means.ndim == 3 else None

    @property
    def diagonal(self) -> bool:
        """Whether covariances holds variances and no matrices."""
        return self.covariances.ndim == self.means.ndim

    def log_densities(self, site: int, values: ArrayLike) -> Floats:
        """The logarithm of each component's density at a site, of shape (components, rows).

        Args:
            site: the variable; any number from 0 where all share their densities.
            values: of shape (rows, features), or (rows,) for one feature. NaN, None, pandas' NA and masked entries are
                missing: the density is then the marginal density of the features present, and 1 where there is none.

        Raises:
            TensorRankError: if there is no such site, or values have another shape or are infinite.

        >>> correlated = Gaussians([[0, 0]], [[[1, 0.5], [0.5, 1]]])
        >>> correlated.log_densities(0, [[0, 0], [0, np.nan]]).round(3)
        array([[-1.694, -0.919]])
        """
        means, covariances = self.of_site(site)
        rows = self._rows(values)
        # Squares beyond float64 are densities of 0.
        with np.errstate(over="ignore"):
            if self.diagonal:
                return _independent(rows, means, covariances)
            return _correlated(rows, means, covariances)

    def sample(self, site: int, components: ArrayLike, rng: int | np.random.Generator) -> Floats:
        """One sample from each of the components listed, of shape (rows, features).

        Args:
            site: the variable; any number from 0 where all share their densities.
            components: numbers of components, of shape (rows,).
            rng: a numpy Generator, or a whole number that makes one.

        Raises:
            TensorRankError: if there is no such site or component.

        >>> Gaussians([-1000, 1000], [1, 1]).sample(0, [1, 0, 1], np.random.default_rng(0)).round(-2)
        array([[ 1000.],
               [-1000.],
               [ 1000.]])
        """
        means, covariances = self.of_site(site)
        chosen = self._chosen(components)
        noise = random_stream(rng).standard_normal((len(chosen), self.features))
        if self.diagonal:
            return np.asarray(means[chosen] + np.sqrt(covariances)[chosen] * noise)
        found = np.empty_like(noise)
        for component in np.unique(chosen):
            rows = chosen == component
            factor = scipy.linalg.cholesky(covariances[component], lower=True)
            found[rows] = means[component] + noise[rows] @ factor.T
        return found

    def distinct(self, site: int) -> Integers:
        """The class of each component; components of equal mean and covariance are one class.

        Classes are numbered as they first occur, and parameters are equal only if every float is. Densities of
        different classes are linearly independent, which separation ranks need.

        Raises:
            TensorRankError: if there is no such site.

        Source: Yakowitz & Spragins, On the Identifiability of Finite Mixtures (Ann. Math. Statist. 39, 1968): finite
        mixtures of normal distributions are identifiable, so distinct ones are linearly independent.

        >>> Gaussians([0, 1, 0, 0], [1, 1, 2, 1]).distinct(0)
        array([0, 1, 2, 0])
        """
        classes: dict[tuple[float, ...], int] = {}
        return np.array([classes.setdefault(key, len(classes)) for key in self.keys(site)], dtype=np.int64)

    def keys(self, site: int) -> list[tuple[float, ...]]:
        """A key for each component, equal where densities are: the mean, and the lower triangle of the covariances.

        Raises:
            TensorRankError: if there is no such site.
        """
        means, covariances = self.of_site(site)
        full = [np.diag(one) for one in covariances] if self.diagonal else covariances
        return [(*mean.tolist(), *np.tril(covariance).ravel().tolist()) for mean, covariance in zip(means, full, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """The parameters as nested lists, for JSON; `from_dict` gives the same floats back."""
        return {"type": "gaussian", "means": self.means.tolist(), "covariances": self.covariances.tolist()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Gaussians:
        """The densities that `to_dict` described.

        Raises:
            TensorRankError: if a field is missing or unknown, or the type is another.

        >>> Gaussians.from_dict({"type": "gaussian", "means": [0.0], "covariances": [1.0]}).components
        1
        """
        if not isinstance(fields, Mapping):
            raise TensorRankError(f"densities are {shown(fields)}; expected an object with the fields {', '.join(_FIELDS)}")
        missing = [name for name in _FIELDS if name not in fields]
        unknown = [name for name in fields if name not in _FIELDS]
        for kind, names in (("without", missing), ("with the unknown", unknown)):
            if names:
                raise TensorRankError(
                    f"normal densities {kind} {', '.join(map(shown, names))} were given; expected {', '.join(_FIELDS)}"
                )
        if not isinstance(fields["type"], str) or fields["type"] != "gaussian":
            raise TensorRankError(f"densities of the type {shown(fields['type'])} were given; expected 'gaussian'")
        return cls(means=fields["means"], covariances=fields["covariances"])

    def _check_variances(self) -> None:
        variances = self.covariances if self.diagonal else np.diagonal(self.covariances, axis1=-2, axis2=-1)
        wrong = np.argwhere(variances <= 0)
        if len(wrong):
            place = tuple(wrong[0].tolist())
            raise TensorRankError(f"the variance of {self._where(place)} is {variances[place]}; expected a positive number")

    def _check_matrices(self) -> None:
        for place in np.ndindex(self.covariances.shape[:-2]):
            matrix = self.covariances[place]
            scale = np.sqrt(np.diagonal(matrix))
            with np.errstate(over="ignore"):
                skew = np.argwhere(np.abs(matrix - matrix.T) / scale / scale[:, None] > _SYMMETRY_RTOL)
                correlations = matrix / scale / scale[:, None]
            if len(skew):
                i, j = skew[0].tolist()
                raise TensorRankError(
                    f"the covariance matrix of {self._where(place)} has {matrix[i, j]} at ({i}, {j}) and "
                    f"{matrix[j, i]} at ({j}, {i}); expected a symmetric matrix"
                )
            # Correlations beyond 1 are none: clipped to 2 they stay so, and no overflow stops the eigenvalues.
            least = scipy.linalg.eigvalsh(np.clip(correlations, -2, 2), lower=True)[0]
            # Above this, the Cholesky factorisations of the matrix and of all its diagonal blocks succeed
            # (Demmel; Higham, Accuracy and Stability, theorem 10.7).
            if least <= 4 * self.features**2 * np.finfo(np.float64).eps:
                raise TensorRankError(
                    f"the covariance matrix of {self._where(place)} is not positive definite: the least eigenvalue of "
                    f"its correlations is {least:.3g}; try adding a small positive number to its diagonal"
                )

    def _where(self, place: tuple[int, ...]) -> str:
        """An index into the means in words; the feature's may be left out."""
        *sites, component = place[: max(self.means.ndim - 1, 1)]
        features = place[self.means.ndim - 1 :] if self.means.ndim > 1 else ()
        words = [f"component {component}", *(f"feature {one}" for one in features), *(f"site {one}" for one in sites)]
        return ", ".join(words)

    def of_site(self, site: int) -> tuple[Floats, Floats]:
        """The means of a site's components, (components, features), and their covariances.

        Raises:
            TensorRankError: if there is no such site.
        """
        number = whole_number("the site", site, least=0)
        if self.sites is not None and number >= self.sites:
            raise TensorRankError(f"the site is {number}; expected a number below {self.sites}, the sites there are")
        means, covariances = self.by_site()
        place = 0 if self.sites is None else number
        return means[place], covariances[place]

    def by_site(self) -> tuple[Floats, Floats]:
        """The means, (sites or 1, components, features), and the covariances, with one more axis for matrices."""
        shape = (self.sites or 1, self.components, self.features)
        return self.means.reshape(shape), self.covariances.reshape(shape if self.diagonal else (*shape, self.features))

    def _rows(self, values: ArrayLike) -> Floats:
        rows = np.asarray(numbers_of(values, "the values").array, dtype=np.float64)
        given = rows.shape
        if rows.ndim == 1 and self.features == 1:
            rows = rows[:, None]
        if rows.ndim != 2 or rows.shape[1] != self.features:
            expected = f"(rows, {self.features})" + (" or (rows,)" if self.features == 1 else "")
            raise TensorRankError(f"the values have the shape {given}; expected {expected}")
        check_finite(rows)
        return rows

    def _chosen(self, components: ArrayLike) -> Integers:
        chosen = as_given(components, "the components")
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise TensorRankError(
                f"components of shape {chosen.shape} and type {chosen.dtype} were given; expected a list of whole numbers"
            )
        outside = chosen[(chosen < 0) | (chosen >= self.components)]
        if len(outside):
            raise TensorRankError(f"component {outside[0]} was asked for; expected numbers from 0 to {self.components - 1}")
        return chosen.astype(np.int64)


def log_densities_of_rows(densities: Gaussians, values: Floats) -> Floats:
    """The logarithms of all components' densities at all variables, of shape (variables * components, rows).

    Args:
        densities: the components, of as many variables, or shared by all.
        values: of shape (rows, variables, features), NaN where missing, none of them infinite.

    >>> log_densities_of_rows(Gaussians([0, 3], [1, 1]), np.array([[[0.0], [3.0]]])).round(1).tolist()
    [[-0.9], [-5.4], [-5.4], [-0.9]]
    """
    rows, sites, features = values.shape
    if densities.sites is None:
        together = densities.log_densities(0, values.transpose(1, 0, 2).reshape(-1, features))
        return together.reshape(-1, sites, rows).transpose(1, 0, 2).reshape(-1, rows)
    return np.concatenate([densities.log_densities(site, values[:, site]) for site in range(sites)])


def check_finite(values: Floats) -> None:
    """Refuse infinite values of shape (rows, features) or (rows, variables, features)."""
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        place = tuple(infinite[0].tolist())
        variable = f", variable {place[1]}" if len(place) > 2 else ""
        raise TensorRankError(
            f"the value in row {place[0]}{variable}, feature {place[-1]} is {values[place]}; expected a finite number, "
            "or NaN for one that is missing"
        )


def patterns_of(values: Floats) -> Iterator[tuple[NDArray[np.bool_], Integers]]:
    """Which features are present together, at least one of them, and the numbers of the rows in which they are."""
    missing = np.isnan(values)
    # Without missing values all rows have one pattern; no rows have none.
    patterns, members = np.zeros((min(1, len(values)), values.shape[1]), dtype=bool), np.zeros(len(values), dtype=int)
    if missing.any():
        patterns, members = np.unique(missing, axis=0, return_inverse=True)
    for number, absent in enumerate(patterns):
        if not absent.all():
            yield ~absent, np.flatnonzero(members.ravel() == number)


def _finite(name: str, given: ArrayLike) -> Floats:
    """A read-only float64 copy of finite numbers, at least one."""
    array = as_floats(given, f"the {name}", finite=True).copy()
    if not array.size:
        raise TensorRankError(f"the {name} have the shape {array.shape}, without entries; expected at least one")
    array.setflags(write=False)
    return array


def _independent(rows: Floats, means: Floats, variances: Floats) -> Floats:
    """Log densities of normal distributions with independent features, of shape (components, rows)."""
    total = np.zeros((len(means), len(rows)))
    # One feature at a time, so that no array is larger than the result.
    for column, centres, spreads in zip(rows.T, means.T, variances.T, strict=True):
        distances = (column - centres[:, None]) / np.sqrt(spreads)[:, None]
        terms = -0.5 * (distances**2 + log(2 * pi) + np.log(spreads)[:, None])
        total += np.where(np.isnan(column), 0.0, terms)
    return total


def _correlated(rows: Floats, means: Floats, covariances: Floats) -> Floats:
    """Log densities of normal distributions with full covariance matrices, of shape (components, rows)."""
    result = np.zeros((len(means), len(rows)))
    for present, alike in patterns_of(rows):
        seen = rows[np.ix_(alike, present)]
        for component, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
            factor = scipy.linalg.cholesky(covariance[np.ix_(present, present)], lower=True)
            differences = (seen - mean[present]).T
            distances = scipy.linalg.solve_triangular(factor, differences, lower=True, check_finite=False)
            # Differences beyond float64 make NaN of infinity minus infinity.
            squares = np.nan_to_num((distances**2).sum(axis=0), nan=np.inf, posinf=np.inf)
            result[component, alike] = -0.5 * (squares + len(mean[present]) * log(2 * pi)) - np.log(np.diag(factor)).sum()
    return result

"""Skeletons: structures made for data that is to be fitted, whose tables only say which entries are 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.fit import M, fitted_from_random
from tensorrank.mixtures.fitting.observations import Observations, observations
from tensorrank.mixtures.fitting.options import FitOptions, FitSettings
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.gaussian import Gaussians


@dataclass(frozen=True, eq=False)
class Skeletons:
    """The tables and components of skeletons for some data of so many rows, and the fit of a skeleton."""

    observed: Observations
    settings: FitSettings
    given: int

    @classmethod
    def of(cls, data: ArrayLike, options: Mapping[str, Any]) -> Skeletons:
        """What skeletons need to know of some data and the options of a fit."""
        settings = FitSettings.of(options, FitOptions)
        observed = observations(data, densities=settings.densities, symbols=settings.symbols, weights=settings.weights)
        for name, odd in (("components", settings.components is not None), ("covariance", "covariance" in options)):
            if odd and observed.values is None:
                raise TensorRankError(f"{name} is given for categorical data; expected real data: try densities='gaussian'")
        return cls(observed, settings, len(np.asarray(data)))

    @property
    def sites(self) -> int:
        """The number of variables."""
        return self.observed.sites

    def emission(self, states: int, site: int | None) -> Floats:
        """A table from states to the values (components) of a variable, or of all variables if the site is None."""
        if self.observed.values is None:
            values = max(self.observed.shape) if site is None else self.observed.shape[site]
            # The table, its counts, and both for the values of the rows.
            refuse_beyond(
                memory_limit(None),
                4 * 8 * states * values,
                f"a table of {states} states and {values} values",
                "to number the values that occur 0, 1, 2, ... without gaps",
            )
            return uniform(states, values)
        return np.eye(states) if self.settings.components is None else uniform(states, self.settings.components)

    def components(self, states: int, *, shared: bool) -> Gaussians | None:
        """Gaussian components, for each variable its own or shared by all; None for categorical variables."""
        if self.observed.values is None:
            return None
        count = states if self.settings.components is None else self.settings.components
        shape = (count, self.observed.features) if shared else (self.sites, count, self.observed.features)
        ones = np.ones(shape)
        full = ones[..., None] * np.eye(self.observed.features)
        return Gaussians(np.zeros(shape), full if self.settings.covariance == "full" else ones)

    def fit(self, skeleton: M, states: int, random_state: int | np.random.Generator, *, shared: bool) -> FitReport[M]:
        """Fits a skeleton whose hidden variables have so many states from random starts.

        If all variables share their tables, each value of a row tells something of each state; else each row does.
        """
        told = self.given * self.sites if shared else self.given
        if told < states:
            raise TensorRankError(
                f"{self.given} row{'s' * (self.given > 1)} of {self.sites} variables were given for {states} states; "
                f"expected at least as many {'values' if shared else 'rows'}: try fewer states"
            )
        return fitted_from_random(skeleton, self.observed, random_state, self.settings)


def uniform(*shape: int) -> Floats:
    """Equal probabilities along the last axis."""
    return np.full(shape, 1.0 / shape[-1])

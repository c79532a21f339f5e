"""Skeletons: structures made for data that is to be fitted, whose tables only say which entries are 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.fit import M, fitted_from_random
from tensorrank.mixtures.fitting.observations import Observations, observations
from tensorrank.mixtures.fitting.options import FitOptions, FitSettings
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.tables import check_entries


@dataclass(frozen=True, eq=False)
class Skeletons:
    """The tables and components of skeletons for some data, and the fit of a skeleton."""

    observed: Observations
    settings: FitSettings

    @classmethod
    def of(cls, data: ArrayLike, options: Mapping[str, Any]) -> Skeletons:
        """What skeletons need to know of some data and the options of a fit."""
        settings = FitSettings.of(options, FitOptions)
        observed = observations(data, densities=settings.densities, symbols=settings.symbols, weights=settings.weights)
        for name, odd in (("components", settings.components is not None), ("covariance", "covariance" in options)):
            if odd and observed.values is None:
                raise TensorRankError(f"{name} is given for categorical data; expected real data: try densities='gaussian'")
        return cls(observed, settings)

    @property
    def sites(self) -> int:
        """The number of variables."""
        return self.observed.sites

    def states(self, name: str, given: int, *, shared: bool, joints: int) -> int:
        """The number of states that a user gave, if the data tells of as many and their tables fit in memory.

        Args:
            name: what the user calls it.
            given: what the user gave.
            shared: whether all variables share their tables; then each value of a row tells something of each state,
                else each row does.
            joints: how many tables lead from hidden variables to hidden variables.
        """
        observed = self.observed
        number = whole_number(name, given, 1)
        told = observed.given * self.sites if shared else observed.given
        if told < number:
            raise TensorRankError(
                f"{observed.given} row{'s' * (observed.given > 1)} of {self.sites} variables were given for "
                f"{shown(number)} states; expected at least as many {'values' if shared else 'rows'}: try fewer states"
            )
        if observed.values is None:
            columns, widest = (max if shared else sum)(observed.shape), max(observed.shape)
            # The table, its counts, and both for the values of the rows.
            refuse_beyond(
                memory_limit(None),
                4 * 8 * number * columns,
                f"a table of {number} states and {widest} values",
                "to number the values that occur 0, 1, 2, ... without gaps",
            )
        else:
            count = number if self.settings.components is None else self.settings.components
            if told < count:
                raise TensorRankError(
                    f"components is {shown(count)} for {told} {'values' if shared else 'rows'}; expected at most as many"
                )
            each = observed.features ** (2 if self.settings.covariance == "full" else 1)
            sites = 1 if shared else self.sites
            check_entries(sites * count * (number + each), f"{shown(count)} Gaussian components of {number} states")
        check_entries(joints * number**2, f"the tables of {number} states")
        return number

    def emission(self, states: int, site: int | None) -> Floats:
        """A table from states to the values (components) of a variable, or of all variables if the site is None."""
        if self.observed.values is None:
            return uniform(states, max(self.observed.shape) if site is None else self.observed.shape[site])
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

    def fit(self, skeleton: M, random_state: int | np.random.Generator) -> FitReport[M]:
        """Fits a skeleton from random starts."""
        return fitted_from_random(skeleton, self.observed, random_state, self.settings)


def uniform(*shape: int) -> Floats:
    """Equal probabilities along the last axis."""
    return np.full(shape, 1.0 / shape[-1])

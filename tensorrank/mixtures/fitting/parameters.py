"""The parameters that EM changes: tables, each once, and Gaussian components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.passes import Evidence
from tensorrank.mixtures.fitting.gaussian_moments import Moments, VarianceFloor
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.gaussian import Gaussians, log_densities_of_rows

# Probabilities below this are set to 0: they change no likelihood by more, and would be squared out of the floats.
_LEAST = 1e-80


@dataclass(frozen=True, eq=False)
class Parameters:
    """Tables with distributions as rows, by the numbers of a TiedCircuit's groups; components if values are real."""

    tables: tuple[Floats, ...]
    densities: Gaussians | None

    @property
    def components(self) -> Gaussians:
        """The Gaussian components of real values."""
        if self.densities is None:
            raise AssertionError("categorical variables have no components")
        return self.densities

    def evidence(self, observed: Observations, components: Integers) -> Evidence:
        """What the rows tell: of real values the densities of components, which begin at these places a variable."""
        if self.densities is None:
            return Evidence.of_codes(observed.codes)
        return Evidence.of_logs(log_densities_of_rows(self.densities, observed.real), components)

    def observe(self, observed: Observations, responsibilities: Floats, moments: Moments) -> None:
        """Adds to the moments the values that components are responsible for, by shares (sites * components, rows)."""
        values, densities = observed.real, self.components
        shares = responsibilities.reshape(observed.sites, densities.components, observed.rows)
        if densities.sites is None:
            together = values.transpose(1, 0, 2).reshape(-1, observed.features)
            moments.observe(densities, 0, together, shares.transpose(1, 0, 2).reshape(densities.components, -1))
            return
        for site in range(observed.sites):
            moments.observe(densities, site, values[:, site], shares[site])

    def log_prior(self, pseudocount: float) -> float:
        """The log-density of the Dirichlet prior up to a constant: pseudocount times the log of each positive entry."""
        if pseudocount == 0:
            return 0.0
        return pseudocount * sum(float(np.log(table[table > 0]).sum()) for table in self.tables)

    def improved(
        self, entries: list[Floats], moments: Moments | None, pseudocount: float, floor: VarianceFloor | None
    ) -> Parameters:
        """The M step: the parameters of the greatest expected log-likelihood, or posterior density, given the counts.

        Zeros of tables stay zeros, and rows of tables without counts stay as they are.
        """
        tables = []
        for table, counted in zip(self.tables, entries, strict=True):
            filled = counted + pseudocount * (table > 0) if pseudocount else counted
            sums = filled.sum(axis=1, keepdims=True)
            met = sums > 0
            new = np.where(met, filled / np.where(met, sums, 1.0), table)
            if not pseudocount and (new[new > 0] < _LEAST).any():
                new = np.where(new < _LEAST, 0.0, new)
            tables.append(new)
        densities = self.densities
        if densities is not None and moments is not None and floor is not None:
            densities = moments.densities(densities, floor)
        return Parameters(tuple(tables), densities)

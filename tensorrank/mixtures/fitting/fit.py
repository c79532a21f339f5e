"""Models fitted to data: from a model of one's own, or from random starts of which the best result is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown
from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.progress import reporting
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.expectation_maximisation import batches, maximise
from tensorrank.mixtures.fitting.fittable import Fittable
from tensorrank.mixtures.fitting.gaussian_moments import VarianceFloor
from tensorrank.mixtures.fitting.observations import Observations, observations_of
from tensorrank.mixtures.fitting.options import FitSettings, RunOptions
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.starts import random_parameters
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit, identity
from tensorrank.mixtures.fitting.warned import NotConverged, warn
from tensorrank.mixtures.tables import Table

M = TypeVar("M", bound=Fittable)


def fitted(start: M, data: ArrayLike, **options: Unpack[RunOptions]) -> FitReport[M]:
    """Fits a model to data by expectation-maximisation (EM) that starts from the model itself.

    The fitted model has the same structure, with tables and Gaussian components of a likelihood that is no lower.
    Tables that are the same array stay one, entries that are 0 stay 0, and fractions become floats.

    Args:
        start: a latent class, hidden Markov, latent tree, tensorial mixture or sum-product model.
        data: as for `log_density` of the model: (rows, sites), or (rows, sites, features). Missing values,
            which are -1 (categorical) or NaN, None, pandas' NA or masked, are summed out.
        **options: iterations=500, tolerance=1e-4, pseudocount=0.0, variance_floor=1e-6, weights=None, threads=None and
            progress=None, as of the model's `fit`, which explains them.

    Raises:
        TensorRankError: if the data does not fit the model, a row has density 0 under it, or an option is unknown or
            out of its range.

    Source: Dempster, Laird, Rubin, Maximum Likelihood from Incomplete Data via the EM Algorithm (JRSS B 39, 1977).
    """
    settings = FitSettings.of(options, RunOptions)
    if not isinstance(start, Fittable):
        raise TensorRankError(
            f"the start is {shown(start)}; expected a latent class, hidden Markov, latent tree, tensorial mixture or "
            "sum-product model"
        )
    features = None if start.densities is None else start.densities.features
    observed = observations_of(data, start.shape, features, settings.weights, start.site_names)
    tied = TiedCircuit(start.passes)
    return _best(start, tied, lambda restart: Parameters(tied.tables, start.densities), observed, settings)


def fitted_from_random(
    skeleton: M, observed: Observations, random_state: int | np.random.Generator, settings: FitSettings
) -> FitReport[M]:
    """Fits a model by EM from random tables and components in the place of its own.

    Entries of the skeleton that are 0 stay 0, and tables that are one array stay one. Each restart has its own stream
    of a random state that is a whole number; a numpy Generator goes on.
    """
    tied = TiedCircuit(skeleton.passes)
    random_stream(random_state)

    def start(restart: int) -> Parameters:
        return random_parameters(tied, skeleton.densities, observed, random_stream(random_state, restart))

    return _best(skeleton, tied, start, observed, settings)


def _best(
    model: M, tied: TiedCircuit, start: Callable[[int], Parameters], observed: Observations, settings: FitSettings
) -> FitReport[M]:
    """The best of the runs; each start is made by its number when its turn has come, since a Generator may make it."""
    clock = stopwatch()
    work = batches(tied, observed)
    finals: list[float] = []
    with worker_threads(settings.threads) as pool, reporting(settings.progress) as told:
        for number in range(settings.restarts):
            name = f"restart {number + 1} of {settings.restarts}"

            def report(done: int, objective: float, name: str = name) -> None:
                told(done, settings.iterations, f"{name}: {objective:.6g} a row")

            parameters = start(number)
            components = parameters.densities
            floor = None if components is None else VarianceFloor.of(observed, components, settings.variance_floor)
            found = maximise(tied, work, parameters, settings, floor, pool, report)
            if not finals or found.objectives[-1] > max(finals):
                restart, course = number, found
            finals.append(found.objectives[-1])
    if settings.tolerance > 0 and settings.iterations and not course.converged:
        gain = (course.objectives[-1] - course.objectives[-2]) / observed.total
        warn(
            f"EM stopped after {settings.iterations} iterations, the last of which gained {gain:.2g} nats a row; "
            f"expected less than the tolerance {settings.tolerance:g}: try more iterations, a larger tolerance, or "
            "tolerance=0 for just so many iterations",
            NotConverged,
        )
    return FitReport(
        model=_with(model, tied, course.parameters),
        log_likelihoods=course.log_likelihoods,
        objectives=course.objectives,
        converged=course.converged,
        rows=observed.total,
        restart=restart,
        finals=tuple(finals),
        seconds=clock(),
    )


def _with(model: M, tied: TiedCircuit, parameters: Parameters) -> M:
    """The model with these parameters; tables that are one array stay one."""
    made: dict[int, Table] = {}

    def image(table: Table) -> Table:
        group = tied.group_of.get(identity(table))
        if group is None:
            return table
        if group not in made:
            made[group] = parameters.tables[group].reshape(table.shape).copy()
            made[group].setflags(write=False)
        return made[group]

    return model.replaced(image, parameters.densities)

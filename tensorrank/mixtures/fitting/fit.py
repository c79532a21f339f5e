"""Models fitted to data: from a model of one's own, or from random starts of which the best result is kept."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import Workers, worker_threads
from tensorrank.mixtures.fitting.expectation_maximisation import Course, batches, maximise
from tensorrank.mixtures.fitting.fittable import Fittable
from tensorrank.mixtures.fitting.forward import Batch
from tensorrank.mixtures.fitting.gaussian_moments import VarianceFloor
from tensorrank.mixtures.fitting.observations import Observations, observations_of
from tensorrank.mixtures.fitting.options import Run, RunOptions, check_names
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.report import FitReport, NotConverged
from tensorrank.mixtures.fitting.starts import random_parameters
from tensorrank.mixtures.fitting.tree_circuit import TreeCircuit, identity
from tensorrank.mixtures.tables import Table

M = TypeVar("M", bound=Fittable)


def fitted(start: M, data: ArrayLike, **options: Unpack[RunOptions]) -> FitReport[M]:
    """EM from a model: the same structure with tables (and Gaussian components) of a likelihood that is no lower.

    Tables that are the same array stay one; entries that are 0 stay so; fractions become floats.

    Args:
        start: a latent class, hidden Markov, latent tree or tensorial mixture model.
        data: as for `log_density` of the model: (rows, sites), or (rows, sites, features). Missing values, -1 for
            categorical variables or NaN, are summed out.
        **options: iterations=100, tolerance=1e-6, pseudocount=0.0, variance_floor=1e-6, weights=None, threads=None and
            progress=None, which `Run` explains.

    Raises:
        TensorRankError: if the data does not fit the model, a row has density 0 under it, or an option is unknown or
            out of its range.

    Source: Dempster, Laird, Rubin, Maximum Likelihood from Incomplete Data via the EM Algorithm (JRSS B 39, 1977).
    """
    check_names(options, [one.name for one in fields(Run)])
    run = Run(**options)
    features = None if start.densities is None else start.densities.features
    observed = observations_of(data, start.shape, features, run.weights)
    tree = TreeCircuit(start.circuit)
    return _best(start, tree, [lambda: Parameters(tree.tables, start.densities)], observed, run)


def fitted_from_random(
    skeleton: M, observed: Observations, random_state: int | np.random.Generator, restarts: int, run: Run
) -> FitReport[M]:
    """EM from random tables and components in the place of a model's.

    Args:
        skeleton: the structure: which entries are 0, and which tables one.
        observed: the data.
        random_state: a whole number, of which each restart has its own stream, or a numpy Generator.
        restarts: how many runs.
        run: when they stop.

    Raises:
        TensorRankError: if the random state is neither.
    """
    tree = TreeCircuit(skeleton.circuit)
    random_stream(random_state)

    def start(restart: int) -> Callable[[], Parameters]:
        return lambda: random_parameters(tree, skeleton.densities, observed, random_stream(random_state, restart))

    return _best(skeleton, tree, [start(restart) for restart in range(restarts)], observed, run)


def _best(
    model: M, tree: TreeCircuit, starts: list[Callable[[], Parameters]], observed: Observations, run: Run
) -> FitReport[M]:
    began = time.perf_counter()
    work = batches(tree, observed)
    best: tuple[int, Course] | None = None
    finals = []
    with worker_threads(run.threads) as pool:
        for number, start in enumerate(starts):
            course = _course(work, start(), observed, run, pool, f"restart {number + 1} of {len(starts)}")
            finals.append(course.objectives[-1])
            if best is None or course.objectives[-1] > best[1].objectives[-1]:
                best = number, course
    if best is None:
        raise AssertionError("there is at least one start")
    restart, course = best
    if run.tolerance > 0 and run.iterations and not course.converged:
        gain = (course.objectives[-1] - course.objectives[-2]) / observed.total
        warnings.warn(
            f"EM stopped after {run.iterations} iterations, the last of which gained {gain:.2g} nats a row; expected "
            f"less than the tolerance {run.tolerance:g}: try more iterations, or tolerance=0 for just so many",
            NotConverged,
            stacklevel=_depth(),
        )
    return FitReport(
        model=_with(model, tree, course.parameters),
        log_likelihoods=course.log_likelihoods,
        objectives=course.objectives,
        converged=course.converged,
        rows=observed.total,
        restart=restart,
        finals=tuple(finals),
        seconds=time.perf_counter() - began,
    )


def _depth() -> int:
    """How far above the caller the first frame is that is none of this package."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tensorrank."):
        frame, depth = frame.f_back, depth + 1
    return depth


def _course(work: list[Batch], start: Parameters, observed: Observations, run: Run, pool: Workers, what: str) -> Course:
    floor = None if start.densities is None else VarianceFloor.of(observed, start.densities, run.variance_floor)

    def report(done: int, objective: float) -> None:
        if run.progress is not None:
            run.progress(done, run.iterations, f"{what}: {objective:.6g} a row")

    return maximise(work, start, run, floor, pool, report)


def _with(model: M, tree: TreeCircuit, parameters: Parameters) -> M:
    """The model with these parameters; tables that are one array stay one."""
    made: dict[int, Table] = {}

    def image(table: Table) -> Table:
        group = tree.group_of.get(identity(table))
        if group is None:
            return table
        if group not in made:
            made[group] = parameters.tables[group].reshape(table.shape).copy()
            made[group].setflags(write=False)
        return made[group]

    return model.replaced(image, parameters.densities)

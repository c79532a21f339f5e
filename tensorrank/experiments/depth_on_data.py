"""What depth buys on data: held-out log-likelihood of shallow and deep mixtures of equally many parameters."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_families import Family, Rows
from tensorrank.experiments.interleaved import Progress
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport, NotConverged
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tables import Table

# Of all rows: those that pseudocounts are chosen on, of these those that are fitted, and those held out in a split.
_DEVELOPMENT, _FITTED, _HELD_OUT = 1 / 2, 2 / 3, 1 / 4


@dataclass(frozen=True)
class Splits:
    """Numbers of rows: those that pseudocounts are chosen on, and random parts that are held out.

    Attributes:
        chosen_on: the rows fitted, and those scored, to choose a pseudocount; neither is ever held out.
        parts: for each split the rows fitted and those held out.
    """

    chosen_on: tuple[Rows, Rows]
    parts: tuple[tuple[Rows, Rows], ...]


def random_splits(rows: int, count: int, seed: int | np.random.Generator = 0) -> Splits:
    """Half the rows for choosing pseudocounts, then splits that each hold a quarter of all rows out of the other half.

    Of the half for choosing, two thirds are fitted and one third is scored; in the splits all of it is fitted.

    Args:
        rows: their number, at least 12.
        count: of splits.
        seed: a whole number or a numpy Generator.

    Raises:
        TensorRankError: if a number is too small.

    >>> [(len(fitted), len(held)) for fitted, held in random_splits(1797, 2).parts]
    [(1348, 449), (1348, 449)]
    """
    rows, count = whole_number("the number of rows", rows, 12), whole_number("the number of splits", count, 1)
    rng = random_stream(seed)
    shuffled = rng.permutation(rows)
    ahead, held = int(_DEVELOPMENT * rows), int(_HELD_OUT * rows)
    development, others = shuffled[:ahead], shuffled[ahead:]
    parts = []
    for _ in range(count):
        drawn = rng.permutation(others)
        parts.append((np.sort(np.concatenate([development, drawn[held:]])), np.sort(drawn[:held])))
    fitted = int(_FITTED * ahead)
    return Splits((np.sort(development[:fitted]), np.sort(development[fitted:])), tuple(parts))


@dataclass(frozen=True)
class Scores:
    """One family at one budget.

    Attributes:
        family: its name.
        depth: levels of hidden variables, 0 of independent ones; None for chains and Chow-Liu trees.
        budget: the parameters allowed.
        states: of each hidden variable.
        parameters: the free parameters that the models have.
        pseudocount: the one chosen.
        held_out: for each split the mean log-likelihood of a row that is held out, in nats.
        fitted: the same for the rows fitted.
        converged: for each split, whether EM reached its tolerance.
        seconds: the time it took, with choosing the pseudocount.
    """

    family: str
    depth: int | None
    budget: int
    states: int
    parameters: int
    pseudocount: float
    held_out: tuple[float, ...]
    fitted: tuple[float, ...]
    converged: tuple[bool, ...]
    seconds: float

    @property
    def mean(self) -> float:
        """That of the splits' held-out log-likelihoods."""
        return float(np.mean(self.held_out))

    @property
    def spread(self) -> float:
        """Their standard deviation; 0 for a single split.

        It is no error of the mean: rows are shared between splits.
        """
        return _spread(self.held_out)

    def gain(self, other: Scores) -> tuple[float, float, int]:
        """How much more than another: mean and standard deviation of the difference in each split, and splits won."""
        differences = np.subtract(self.held_out, other.held_out)
        return float(differences.mean()), _spread(differences), int((differences > 0).sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "family": self.family,
            "depth": self.depth,
            "budget": self.budget,
            "states": self.states,
            "parameters": self.parameters,
            "pseudocount": self.pseudocount,
            "held_out": list(self.held_out),
            "fitted": list(self.fitted),
            "converged": list(self.converged),
            "mean": self.mean,
            "spread": self.spread,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class DepthOnData:
    """Held-out log-likelihoods by family and budget.

    Attributes:
        name: of the data.
        rows: their number.
        sites: the number of variables, N.
        symbols: the values of each, k.
        restarts: of each fit.
        seed: of splits and starts.
        independent: independent variables, the baseline.
        scores: by budget and family.
        truth: the held-out log-likelihood of the model that the data is drawn from, for each split; None if unknown.
    """

    name: str
    rows: int
    sites: int
    symbols: int
    restarts: int
    seed: int
    independent: Scores
    scores: tuple[Scores, ...]
    truth: tuple[float, ...] | None = None

    @property
    def budgets(self) -> tuple[int, ...]:
        """Those of the scores, small ones first."""
        return tuple(sorted({one.budget for one in self.scores}))

    def of(self, budget: int) -> tuple[Scores, ...]:
        """The scores at a budget."""
        return tuple(one for one in self.scores if one.budget == budget)

    def best(self, budget: int) -> tuple[Scores, ...]:
        """Of all that have levels the best one, and those below it by no more than the difference's own spread."""
        levels = [one for one in self.of(budget) if one.depth is not None]
        top = max(levels, key=lambda one: one.mean)
        tied = [one for one in levels if one is not top and top.gain(one)[0] <= top.gain(one)[1]]
        return (top, *tied)

    def findings(self) -> tuple[str, ...]:
        """What depth bought, a sentence for each budget, from the numbers alone."""
        return tuple(_finding(self, budget) for budget in self.budgets)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "depth_on_data",
            "name": self.name,
            "rows": self.rows,
            "sites": self.sites,
            "symbols": self.symbols,
            "restarts": self.restarts,
            "seed": self.seed,
            "independent": self.independent.to_dict(),
            "scores": [one.to_dict() for one in self.scores],
            "truth": None if self.truth is None else list(self.truth),
        }


def depth_on_data(
    data: ArrayLike,
    families: Sequence[Family],
    budgets: Sequence[int],
    *,
    name: str = "data",
    symbols: int | None = None,
    splits: int = 5,
    pseudocounts: Sequence[float] = (0.01, 0.03, 0.1, 0.3, 1.0),
    restarts: int = 1,
    iterations: int = 100,
    tolerance: float = 0.01,
    truth: Mixture | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> DepthOnData:
    """Fits each family at each budget to the same random parts of the data, and scores what was held out.

    Every family has the most states that the budget allows. Its pseudocount is chosen for each budget: of those given,
    the one whose model of some rows scores best on others; none of these rows is held out later.

    Args:
        data: categorical values 0 to k - 1, (rows, sites); missing ones, -1, are summed out.
        families: what is compared.
        budgets: numbers of parameters.
        name: of the data.
        symbols: k; the largest value and one more, at least 2, if None.
        splits: how many random parts are held out, one after the other.
        pseudocounts: the candidates; a single one is taken as it is.
        restarts: of EM, for every fit.
        iterations: of EM, at most; a fit that stops there is recorded as not converged.
        tolerance: in nats for a row; a smaller gain of an iteration ends EM.
        truth: the model that the data is drawn from, scored as well.
        seed: a whole number.
        progress: called with the family and budget, the fits done and their number.

    Raises:
        TensorRankError: if the data is no table of such values, nothing is to be compared, or a number is out of range.

    >>> coins = np.random.default_rng(0).integers(0, 2, (100, 1)) * np.ones(4, int)
    >>> found = depth_on_data(coins, [Family("classes", "latent_class")], [9], splits=2)
    >>> [(one.states, one.parameters, round(one.mean - found.independent.mean, 1)) for one in found.scores]
    [(2, 9, 2.1)]
    """
    table = _table(data)
    k = whole_number("symbols", max(int(table.max(initial=0)) + 1, 2) if symbols is None else symbols, 1)
    if table.min(initial=0) < MISSING or table.max(initial=0) >= k:
        row, site = (int(i) for i in np.argwhere((table < MISSING) | (table >= k))[0])
        raise TensorRankError(
            f"row {row} of the data has {table[row, site]} for variable {site}; expected a whole number from 0 to "
            f"{k - 1}, or {MISSING} where it is missing"
        )
    sites = table.shape[1]
    chosen = sorted({whole_number("a budget", budget, 1) for budget in budgets})
    if not chosen or not families or not pseudocounts:
        raise TensorRankError("no budgets, families or pseudocounts were given; expected at least one of each")
    for family in families:
        if family.order is not None and len(family.order) != sites:
            raise TensorRankError(
                f"the order of {family.name!r} has {len(family.order)} variables, the data {sites}; expected as many"
            )
    parts = random_splits(len(table), splits, seed)
    options = FitOptions(restarts=restarts, symbols=k, iterations=iterations, tolerance=tolerance)
    baseline = Family("independent", "latent_class")
    wanted = [(baseline, baseline.parameters(sites, k, 1))]
    wanted += [(family, budget) for budget in chosen for family in families]
    # What is too small is refused before anything is fitted.
    states = [family.states(sites, k, budget) for family, budget in wanted]
    fits = splits + (len(pseudocounts) if len(pseudocounts) > 1 else 0)
    scores = []
    for number, ((family, budget), r) in enumerate(zip(wanted, states, strict=True)):

        def report(done: int, what: str = f"{family.name}, {r} states", before: int = number * fits) -> None:
            if progress is not None:
                progress(what, before + done, len(wanted) * fits)

        scores.append(_scores(family, budget, r, family.ordered(table), parts, pseudocounts, options, seed, report))
    # No variable of theirs is hidden.
    independent = replace(scores[0], depth=0)
    known = None if truth is None else tuple(truth.score(table[held]) for _, held in parts.parts)
    return DepthOnData(name, len(table), sites, k, restarts, seed, independent, tuple(scores[1:]), known)


def _scores(
    family: Family,
    budget: int,
    states: int,
    data: Rows,
    splits: Splits,
    pseudocounts: Sequence[float],
    options: FitOptions,
    seed: int,
    report: Callable[[int], None],
) -> Scores:
    began, done = time.perf_counter(), 0

    def fit(rows: Rows, pseudocount: float, stream: int) -> FitReport[Any]:
        nonlocal done
        report(done)
        done += 1
        with warnings.catch_warnings():
            # Said by `converged`.
            warnings.simplefilter("ignore", NotConverged)
            return family.fit(data[rows], states, random_stream(seed, stream), {**options, "pseudocount": pseudocount})

    best = pseudocounts[0]
    if len(pseudocounts) > 1:
        ahead, judged = splits.chosen_on
        judgements = [fit(ahead, one, 1).model.score(data[judged]) for one in pseudocounts]
        best = pseudocounts[int(np.argmax(judgements))]
    made = [fit(rows, best, stream) for stream, (rows, _) in enumerate(splits.parts, start=2)]
    return Scores(
        family=family.name,
        depth=family.depth(data.shape[1]),
        budget=budget,
        states=states,
        parameters=made[0].model.parameters,
        pseudocount=float(best),
        held_out=tuple(one.model.score(data[held]) for one, (_, held) in zip(made, splits.parts, strict=True)),
        fitted=tuple(one.log_likelihood / one.rows for one in made),
        converged=tuple(one.converged for one in made),
        seconds=time.perf_counter() - began,
    )


def peaked(model: LatentTree, noise: float, seed: int | np.random.Generator) -> LatentTree:
    """A model on the same tree, in which each state has a likely one below: its correlations reach far.

    Each table becomes (1 - noise) times a random map that takes as many states to each value as to any other, plus
    noise times the table.

    Args:
        model: any latent tree; `latent_tree()` of other models.
        noise: from 0 (every state determines all below) to 1 (the model as it is).
        seed: a whole number or a numpy Generator.

    Raises:
        TensorRankError: if the noise is out of range.
    """
    if not 0 <= noise <= 1:
        raise TensorRankError(f"the noise is {noise!r}; expected a number from 0 to 1")
    rng = random_stream(seed)

    def image(table: Table) -> Table:
        if table.ndim == 1:
            return table
        states, values = table.shape
        likely = np.eye(values)[rng.permutation(states) % values]
        blurred: Table = (1 - noise) * likely + noise * table.astype(np.float64)
        return blurred

    return model.replaced(image, model.densities)


def _finding(study: DepthOnData, budget: int) -> str:
    levels = [one for one in study.of(budget) if one.depth is not None]
    if len({one.depth for one in levels}) < 2:
        return f"{budget} parameters: one depth only, nothing to compare"
    levels.sort(key=lambda one: one.depth or 0)
    best, shallow, deep = study.best(budget), levels[0], levels[-1]
    text = f"{budget} parameters: depth {'does not help' if shallow in best else 'helps'}. "
    depths = [str(depth) for depth in sorted(one.depth or 0 for one in best)]
    if len(depths) > 1:
        text += f"Depths {', '.join(depths[:-1])} and {depths[-1]} are best, apart by less than a standard deviation"
    else:
        text += f"Depth {depths[0]} is best"
    above = [_above(best[0], other) for other in (shallow, deep) if other not in best]
    if above:
        text += f"{f'; depth {best[0].depth} is' if len(depths) > 1 else ','} {' and '.join(above)}"
    return text


def _above(one: Scores, other: Scores) -> str:
    gain, spread, won = one.gain(other)
    splits = len(one.held_out)
    return (
        f"{gain:.2f} ± {spread:.2f} nats a row above depth {other.depth} "
        f"(better in {won} of {splits} split{'s' * (splits > 1)})"
    )


def _spread(values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.std(np.asarray(values), ddof=1)) if len(values) > 1 else 0.0


def _table(data: ArrayLike) -> Rows:
    table = np.asarray(data)
    if table.ndim != 2 or table.dtype.kind not in "iu" or not table.shape[1]:
        raise TensorRankError(
            f"the data has the shape {table.shape} and type {table.dtype}; expected whole numbers, (rows, sites)"
        )
    return table.astype(np.int64)

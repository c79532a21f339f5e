"""What depth buys on data: held-out log-likelihood of shallow and deep mixtures of equally many parameters."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_families import MixtureFamily
from tensorrank.experiments.experiment import Experiment, ascending, distinct, told, where
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.warned import NotConverged
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tables import Table
from tensorrank.records import Record

# The share of all rows that pseudocounts are chosen on, the share of these that is fitted, and the share of all rows
# that a split holds out.
_DEVELOPMENT, _FITTED, _HELD_OUT = 1 / 2, 2 / 3, 1 / 4


@dataclass(frozen=True)
class Splits:
    """Row numbers of data: rows that pseudocounts are chosen on, and random parts that are held out.

    Attributes:
        chosen_on: the rows fitted and the rows scored to choose a pseudocount; neither is ever held out.
        parts: for each split the rows fitted and the rows held out.
    """

    chosen_on: tuple[Integers, Integers]
    parts: tuple[tuple[Integers, Integers], ...]


def random_splits(rows: int, count: int, seed: int | np.random.Generator = 0) -> Splits:
    """Random splits of at least 12 rows: half for choosing pseudocounts, a quarter of all held out in each split.

    The rows held out come from the other half. Of the half for choosing, two thirds are fitted and one third is scored;
    in the splits all of it is fitted.

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
        mixed = rng.permutation(others)
        parts.append((np.sort(np.concatenate([development, mixed[held:]])), np.sort(mixed[:held])))
    fitted = int(_FITTED * ahead)
    return Splits((np.sort(development[:fitted]), np.sort(development[fitted:])), tuple(parts))


@checked
@dataclass(frozen=True)
class FamilyScores(Record):
    """The scores of one family at one budget.

    Attributes:
        family: the name of the family.
        depth: the levels of hidden variables, 0 for independent variables; None for chains and Chow-Liu trees.
        budget: the parameters allowed.
        states: the states of each hidden variable.
        parameters: the free parameters that the models have.
        pseudocount: the pseudocount that was chosen.
        held_out: for each split the mean log-likelihood of a row that is held out, in nats.
        fitted: for each split the mean log-likelihood of a row that is fitted, in nats.
        converged: for each split, whether EM reached its tolerance.
        seconds: the time of all fits, with choosing the pseudocount.

    >>> one = FamilyScores("trees", 2, 20, 2, 19, 0.1, (3.0, 5.0), (4.0, 6.0), (True, True), 1.0)
    >>> one.mean, one.gain(replace(one, held_out=(2.0, 2.0)))[0]
    (4.0, 2.0)
    """

    derived = ("mean", "spread")
    family: str
    depth: int | None
    budget: int
    states: int
    parameters: int
    pseudocount: float
    held_out: tuple[float, ...]
    fitted: tuple[float, ...]
    converged: tuple[bool, ...]
    seconds: float = field(compare=False)

    @property
    def mean(self) -> float:
        """The mean of the splits' held-out log-likelihoods."""
        return float(np.mean(self.held_out))

    @property
    def spread(self) -> float:
        """The standard deviation of the splits' held-out log-likelihoods; 0 for a single split.

        The spread is no error of the mean, since splits share rows.
        """
        return _spread(self.held_out)

    def gain(self, other: FamilyScores) -> tuple[float, float, int]:
        """The gain over another family: its mean and standard deviation over the splits, and the splits won."""
        differences = np.subtract(self.held_out, other.held_out)
        return float(differences.mean()), _spread(differences), int((differences > 0).sum())


@checked
@dataclass(frozen=True)
class DepthOnData(Experiment, name="depth_on_data"):
    """Held-out log-likelihoods by family and budget.

    Attributes:
        name, restarts, seed: as given to `compare_depths`.
        rows: the number of rows of the data.
        sites: the number of variables, N.
        symbols: the values of each variable, k.
        independent: the scores of independent variables, the baseline.
        scores: the scores by budget and family.
        truth: the held-out log-likelihood of the model that the data was sampled from, for each split; None if unknown.

    >>> coins = np.random.default_rng(0).integers(0, 2, (100, 1)) * np.ones(4, int)
    >>> compare_depths(coins, [MixtureFamily("classes", "latent_class")], [9], splits=2).findings()
    ('9 parameters: one depth only, nothing to compare',)
    """

    name: str
    rows: int
    sites: int
    symbols: int
    restarts: int
    seed: int
    independent: FamilyScores
    scores: tuple[FamilyScores, ...]
    truth: tuple[float, ...] | None = None

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets of the scores, small ones first."""
        return distinct(self.scores, "budget")

    def of(self, budget: int) -> tuple[FamilyScores, ...]:
        """The scores at a budget."""
        return where(self.scores, budget=budget)

    def best(self, budget: int) -> tuple[FamilyScores, ...]:
        """The best family that has levels, and the families below it by no more than the spread of the gain.

        Raises:
            TensorRankError: if no family with levels has such a budget.
        """
        levels = [one for one in self.of(budget) if one.depth is not None]
        if not levels:
            expected = f"one of the budgets {', '.join(map(str, self.budgets))}"
            raise TensorRankError(f"no family with levels has the budget {shown(budget)}; expected {expected}")
        top = max(levels, key=lambda one: one.mean)
        tied = [one for one in levels if one is not top and top.gain(one)[0] <= top.gain(one)[1]]
        return (top, *tied)

    def findings(self) -> tuple[str, ...]:
        """What depth bought, a sentence for each budget, from the numbers alone."""
        return tuple(_finding(self, budget) for budget in self.budgets)


@checked
@with_progress
def compare_depths(
    data: ArrayLike,
    families: Sequence[MixtureFamily],
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
    progress: ProgressLike = None,
) -> DepthOnData:
    """Fit each family at each budget to the same random parts of the data, and score what was held out.

    Every family has the most states that the budget allows. The pseudocount of a family is chosen for each budget: it
    is the candidate whose model of some rows scores best on others, and none of these rows is held out later.

    Args:
        data: whole numbers of shape (rows, sites), the values 0 to k - 1; missing values, -1, are summed out.
        families: the families to compare.
        budgets: numbers of parameters.
        name: the name of the data.
        symbols: k; the largest value and one more, at least 2, if None.
        splits: the number of random parts that are held out, one after the other.
        pseudocounts: the candidates; a single one is taken as it is.
        restarts: the restarts of EM for every fit.
        iterations: the most iterations of EM; a fit that stops there is recorded as not converged.
        tolerance: in nats for a row; EM ends when an iteration gains less.
        truth: the model that the data was sampled from, scored as well.
        seed: a whole number.
        progress: True shows a line in a terminal or a notebook; a function is called with the fits done, their number,
            and the family and its states in words.

    Raises:
        TensorRankError: if the data is no table of such values, nothing is to be compared, or a number is out of range.

    Source: Chow, Liu, Approximating discrete probability distributions with dependence trees (1968), for their trees.

    >>> coins = np.random.default_rng(0).integers(0, 2, (100, 1)) * np.ones(4, int)
    >>> found = compare_depths(coins, [MixtureFamily("classes", "latent_class")], [9], splits=2)
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
    chosen = ascending("budgets", budgets, such_as=100)
    if not families or not pseudocounts:
        raise TensorRankError("no families or pseudocounts were given; expected at least one of each")
    for family in families:
        if family.order is not None and len(family.order) != sites:
            raise TensorRankError(
                f"the order of {shown(family.name)} has {len(family.order)} variables, the data {sites}; expected as many"
            )
    parts = random_splits(len(table), splits, seed)
    options = FitOptions(restarts=restarts, symbols=k, iterations=iterations, tolerance=tolerance)
    baseline = MixtureFamily("independent", "latent_class")
    wanted = [(baseline, baseline.parameters(sites, k, 1))]
    wanted += [(family, budget) for budget in chosen for family in families]
    # What is too small is refused before anything is fitted.
    states = [family.states(sites, k, budget) for family, budget in wanted]
    fits = splits + (len(pseudocounts) if len(pseudocounts) > 1 else 0)
    words = [f"{family.name}, {r} states" for (family, _), r in zip(wanted, states, strict=True) for _ in range(fits)]
    steps = told(words, reporter(progress), str)
    scores = [
        _scores(family, budget, r, family.ordered(table), parts, pseudocounts, options, seed, steps)
        for (family, budget), r in zip(wanted, states, strict=True)
    ]
    # Independent variables have no hidden ones.
    independent = replace(scores[0], depth=0)
    known = None if truth is None else tuple(truth.score(table[held]) for _, held in parts.parts)
    return DepthOnData(name, len(table), sites, k, restarts, seed, independent, tuple(scores[1:]), known)


def _scores(
    family: MixtureFamily,
    budget: int,
    states: int,
    data: Integers,
    splits: Splits,
    pseudocounts: Sequence[float],
    options: FitOptions,
    seed: int,
    steps: Iterator[str],
) -> FamilyScores:
    """The scores of one family at one budget; each fit takes one of the steps, and so tells of itself."""
    began = time.perf_counter()

    def fit(rows: Integers, pseudocount: float, stream: int) -> FitReport[Any]:
        next(steps)
        with warnings.catch_warnings():
            # `converged` says it.
            warnings.simplefilter("ignore", NotConverged)
            return family.fit(data[rows], states, random_stream(seed, stream), {**options, "pseudocount": pseudocount})

    best = pseudocounts[0]
    if len(pseudocounts) > 1:
        ahead, judged = splits.chosen_on
        judgements = [fit(ahead, one, 1).model.score(data[judged]) for one in pseudocounts]
        best = pseudocounts[int(np.argmax(judgements))]
    made = [fit(rows, best, stream) for stream, (rows, _) in enumerate(splits.parts, start=2)]
    return FamilyScores(
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


@checked
def peaked(model: LatentTree, noise: float, seed: int | np.random.Generator) -> LatentTree:
    """A model on the same tree whose correlations reach far: each state has one likely value below it.

    Each table becomes (1 - noise) times a random map plus noise times the table. The map takes equally many states to
    each value.

    Args:
        model: any latent tree; other models give one by `latent_tree()`.
        noise: from 0 (every state determines all below) to 1 (the model as it is).
        seed: a whole number or a numpy Generator.

    Raises:
        TensorRankError: if the noise is out of range.

    >>> tree = LatentTree.random([0, 0, 0], states=2, symbols=2, seed=0)
    >>> np.unique(peaked(tree, noise=0, seed=0).edges[0].table).tolist()
    [0.0, 1.0]
    """
    if not 0 <= noise <= 1:
        raise TensorRankError(f"the noise is {shown(noise)}; expected a number from 0 to 1")
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


def _above(one: FamilyScores, other: FamilyScores) -> str:
    gain, spread, won = one.gain(other)
    splits = len(one.held_out)
    return (
        f"{gain:.2f} ± {spread:.2f} nats a row above depth {other.depth} "
        f"(better in {won} of {splits} split{'s' * (splits > 1)})"
    )


def _spread(values: Sequence[float] | Floats) -> float:
    return float(np.std(np.asarray(values), ddof=1)) if len(values) > 1 else 0.0


def _table(data: ArrayLike) -> Integers:
    table = as_array(data, "the data")
    if table.ndim != 2 or table.dtype.kind not in "iu" or not table.shape[1]:
        raise TensorRankError(
            f"the data has the shape {table.shape} and type {table.dtype}; expected whole numbers, (rows, sites)"
        )
    return table.astype(np.int64)

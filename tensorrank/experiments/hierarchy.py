"""The hierarchy of mixtures, measured: one random model of each kind, taken along every arrow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tensorrank.arguments import finite_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import checked
from tensorrank.experiments.experiment import Experiment, power_of_two, table_sides, told
from tensorrank.experiments.squares import disjointness_terms
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.equality import ReductionReport, check_reduction
from tensorrank.mixtures.reductions.reduce import Kind, reduce
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

# Sources and targets: first the pairs with a small reduction, then the pairs without.
ARROWS: tuple[tuple[str, Kind], ...] = (
    ("latent_class", "hidden_markov"),
    ("latent_class", "tensorial_mixture"),
    ("hidden_markov", "latent_tree"),
    ("tensorial_mixture", "latent_tree"),
    ("hidden_markov", "tensorial_mixture"),
    ("tensorial_mixture", "hidden_markov"),
    ("latent_tree", "hierarchical"),
    ("hierarchical", "latent_tree"),
    ("latent_tree", "sum_product"),
    ("hierarchical", "sum_product"),
    ("latent_tree", "squared"),
    ("hidden_markov", "latent_class"),
    ("tensorial_mixture", "latent_class"),
    ("sum_product", "latent_tree"),
    ("squared", "latent_class"),
)


@checked
@dataclass(frozen=True)
class Hierarchy(Experiment, name="hierarchy"):
    """The reductions between the kinds of mixtures, measured.

    Attributes:
        seed: the seed of the models.
        rows: a report for each of `ARROWS`, in this order.

    >>> len(measure_hierarchy(4, symbols=3).rows) == len(ARROWS)
    True
    """

    seed: int
    rows: tuple[ReductionReport, ...]


@checked
@with_progress
def measure_hierarchy(
    variables: int = 16, *, states: int = 2, symbols: int = 2, seed: int = 0, small: float = 16.0, progress: ProgressLike = None
) -> Hierarchy:
    """Measure what each reduction between kinds of mixtures costs, and check that it keeps the density.

    One random model of each kind is reduced along every arrow of the hierarchy, and each result is compared with its
    source. The hidden Markov model is homogeneous, the latent tree has a random binary shape, and the sum-product
    network is a mixture of three perfect matchings, which no small tree is. The squared mixture is unique disjointness,
    of binary variables, which no small latent class model is (`squared_separations`).

    Args:
        variables: the number of variables, a power of two of at least 4, which tensorial mixtures need.
        states: the states of hidden variables, r; the classes of the latent class model and the functions of the
            hierarchical format are as many.
        symbols: the values of observed variables, k.
        seed: a whole number.
        small: a reduction to more than so many times the size of its source counts as none; the lower bound is then
            reported.
        progress: True shows a line in a terminal or a notebook; a function is called with the arrows done, their number
            and the next arrow in words.

    Raises:
        TensorRankError: if a number is out of range.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018) for the hierarchy; every report names
    the bounds of its own arrow.

    >>> [(one.target, one.equal, one.ratio) for one in measure_hierarchy(4, symbols=3).rows[2:4]]
    [('latent_tree', True, 1.0), ('latent_tree', True, 1.0)]
    """
    variables = power_of_two("the number of variables", variables, 4, ", for a balanced tree")
    states, symbols = table_sides(states, symbols)
    finite_number("small", small, least=1)
    shape = [symbols] * variables
    models: list[Mixture] = [
        LatentClass.random(shape, states, seed),
        HiddenMarkov.random(states, symbols, variables, seed),
        LatentTree.random(_random_binary(variables, random_stream(seed)), states, symbols, seed),
        TensorialMixture.random(variables.bit_length() - 1, states, symbols, seed),
        Hierarchical.random(shape, states, seed),
        SumProduct.perfect_matchings(variables, symbols, seed),
        SquaredMixture.unique_disjointness(variables // 2),
    ]
    by_kind = {model.kind: model for model in models}
    reports = []
    for source, target in told(ARROWS, reporter(progress), " to ".join):
        model = by_kind[source]
        report = check_reduction(model, reduce(model, target, limit=int(small * model.size)), seed=seed)
        reports.append(_of_disjointness(report, variables) if source == "squared" else report)
    return Hierarchy(seed, tuple(reports))


def _of_disjointness(report: ReductionReport, variables: int) -> ReductionReport:
    """The report with the bound by sets that avoid one, where it is above that by a rank."""
    terms = disjointness_terms(variables // 2)
    if report.states_needed is None or report.states_needed >= terms:
        return report
    theorem = f"at least {terms} classes: each covers at most 2^n of 3^n disjoint pairs, for sets of a and b that avoid a.b = 1"
    return replace(report, states_needed=terms, bound=terms * (1 + 2 * variables), theorem=theorem)


def _random_binary(leaves: int, rng: np.random.Generator) -> list[int]:
    """Parents of nodes 1, 2, ... of a binary tree that grows by splitting a random leaf."""
    parents: list[int] = []
    ends = [0]
    while len(ends) < leaves:
        split = ends.pop(int(rng.integers(len(ends))))
        parents += [split, split]
        ends += [len(parents) - 1, len(parents)]
    return parents

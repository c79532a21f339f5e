"""The hierarchy of mixtures, measured: one random model of each kind, taken along every arrow."""

from __future__ import annotations

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.equality import ReductionReport, check_reduction
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

# From source to target: those with a small reduction, then those without.
ARROWS = (
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
    ("hidden_markov", "latent_class"),
    ("tensorial_mixture", "latent_class"),
    ("sum_product", "latent_tree"),
)


def measured_hierarchy(
    variables: int = 16,
    *,
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    small: float = 16.0,
    progress: Progress | None = None,
) -> tuple[ReductionReport, ...]:
    """One random model of each kind, reduced along every arrow of the hierarchy and compared with what it came from.

    The hidden Markov model is homogeneous, the latent tree has a random binary shape, the sum-product network is a
    mixture of three matchings, which no small tree is.

    Args:
        variables: their number, a power of two of at least 4, which tensorial mixtures need.
        states: of hidden variables, r; classes of the latent class model, functions of the hierarchical format.
        symbols: of observed variables, k.
        seed: a whole number.
        small: a reduction of more than so many times the size of its source counts as none; the lower bound is then
            reported.
        progress: called with the arrow, the arrows done and their number.

    Returns:
        A report for each of `ARROWS`, in this order.

    Raises:
        TensorRankError: if a number is out of range.

    >>> [(one.target, one.equal, one.ratio) for one in measured_hierarchy(4, symbols=3)[2:4]]
    [('latent_tree', True, 1.0), ('latent_tree', True, 1.0)]
    """
    variables = whole_number("the number of variables", variables, 4)
    if variables.bit_count() != 1:
        raise TensorRankError(f"the number of variables is {variables}; expected a power of two, for a balanced tree")
    if not small >= 1:
        raise TensorRankError(f"small is {small!r}; expected a number of at least 1")
    shape = [symbols] * variables
    models: list[Mixture] = [
        LatentClass.random(shape, states, seed),
        HiddenMarkov.random(states, symbols, variables, seed),
        LatentTree.random(_random_binary(variables, random_stream(seed)), states, symbols, seed),
        TensorialMixture.random(variables.bit_length() - 1, states, symbols, seed),
        Hierarchical.random(shape, states, seed),
        SumProduct.three_matchings(variables, symbols, seed),
    ]
    by_kind = {model.kind: model for model in models}
    reports = []
    for done, (source, target) in enumerate(ARROWS):
        if progress is not None:
            progress(f"{source} to {target}", done, len(ARROWS))
        model = by_kind[source]
        reports.append(check_reduction(model, reduce(model, target, limit=int(small * model.size)), seed=seed))
    return tuple(reports)


def _random_binary(leaves: int, rng: np.random.Generator) -> list[int]:
    """Parents of nodes 1, 2, ... of a binary tree that grows by splitting a random leaf."""
    parents: list[int] = []
    ends = [0]
    while len(ends) < leaves:
        split = ends.pop(int(rng.integers(len(ends))))
        parents += [split, split]
        ends += [len(parents) - 1, len(parents)]
    return parents

"""Homogeneous mixtures: log-densities beside hmmlearn's scores, the interleaved rank of a chain, and an equality."""

from __future__ import annotations

import resource
import time

import numpy as np
from hmmlearn.hmm import CategoricalHMM

from benchmarks.machine import seconds, table
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.equality import check_reduction
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank


def log_densities(count: int = 100_000, variables: int = 64, states: int = 8) -> None:
    """Of so many rows, for a chain, the balanced tree and a random tree of as many variables and states."""
    chain = HiddenMarkov.random(states, states, variables, 0)
    rows = chain.sample(count, 0)
    theirs = CategoricalHMM(states)
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = chain.initial, chain.transition, chain.emission
    theirs.n_features = states
    scores = {}
    for implementation in ("scaling", "log"):
        theirs.implementation = implementation
        scores[implementation] = seconds(lambda: theirs.score(rows.reshape(-1, 1), [variables] * count), 3)
    difference = abs(theirs.score(rows.reshape(-1, 1), [variables] * count) / chain.log_density(rows).sum() - 1)
    rng = np.random.default_rng(0)
    parents = [int(rng.integers(node // 2, node + 1)) for node in range(variables - 1)]
    parents += list(range(variables))
    depth = variables.bit_length() - 1
    near, far = (
        HiddenMarkov(
            chain.initial,
            chain.transition,
            np.eye(states),
            variables,
            densities=Gaussians(step * np.arange(states), np.ones(states)),
        )
        for step in (1.0, 12.0)
    )
    models: list[tuple[str, Mixture]] = [
        ("chain", chain),
        ("balanced tree", TensorialMixture.random(depth, states, states, 0)),
        ("random tree", LatentTree.random(parents, states, states, 0)),
        ("chain, Gaussian components 1 apart", near),
        ("the same 12 apart", far),
    ]
    results = []
    for name, model in models:
        data = model.sample(count, 1)
        found = seconds(lambda model=model, data=data: model.log_density(data), 5)
        results.append([name, f"{found:.2f}", *(f"{score / found:.1f}" for score in scores.values())])
    table(
        f"Log-densities of {count} rows of {variables} variables, {states} states and values; hmmlearn's score of "
        f"the chain: {scores['scaling']:.2f} s (scaling), {scores['log']:.2f} s (log), difference {difference:.0e}",
        ["model", "seconds", "times as fast as hmmlearn (scaling, allowed 1)", "(log, its default)"],
        results,
    )


def interleaved_chains(sites: int = 24) -> None:
    """The ranks of the interleaved cut of chains of two states, without signs and squared: 2**(sites/2)."""
    results = []
    for name, model in (
        ("hidden Markov model", HiddenMarkov.random(2, 2, sites, 0)),
        ("squared chain", SquaredMixture.random([*range(sites - 1), *range(sites)], 2, 2, 0)),
    ):
        started = time.perf_counter()
        found = separation_rank(model, Bipartition.interleaved(sites))
        taken = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        results.append([name, f"{found.value}", f"{found.standing}", f"{taken:.2f}", "30", f"{peak:.0f}", "2048"])
    table(
        f"Interleaved cut of chains of {sites} steps, 2 states, 2 symbols",
        ["model", "rank", "standing", "seconds", "allowed", "peak MiB of the process", "allowed"],
        results,
    )


def equality(variables: int = 256) -> None:
    """Whether two models of many variables are one, over GF(p)."""
    results = []
    for name, source, kind in (
        ("hidden Markov model, 4 states", HiddenMarkov.random(4, 4, variables, 0), "sum_product"),
        ("the same", HiddenMarkov.random(4, 4, variables, 0), "hierarchical"),
        ("tensorial mixture, 4 states", TensorialMixture.random(variables.bit_length() - 1, 4, 4, 0), "sum_product"),
    ):
        target = reduce(source, kind)
        report = check_reduction(source, target)
        taken = seconds(lambda source=source, target=target: check_reduction(source, target), 3)
        results.append([name, kind, f"{report.equal}", f"{taken:.2f}", "1"])
    table(f"Equality of two models of {variables} variables", ["source", "target", "equal", "seconds", "allowed"], results)

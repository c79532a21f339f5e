"""Pairs of models in floating point that differ in one row of one table, which is reached with little probability."""

import itertools

import numpy as np
import pytest

from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions import float_comparison
from tensorrank.mixtures.reductions.equality import check_reduction
from tensorrank.mixtures.reductions.float_comparison import FLOAT_TOLERANCE, compare_floats
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct

STATES = SYMBOLS = 3
# The last state is the rare one.
RARE = STATES - 1


def rarely(rng, probability):
    """Probabilities of the states, of which the last is rare."""
    return np.append(rng.dirichlet(np.ones(STATES - 1)) * (1 - probability), probability)


def leaf(rng, blur):
    """A table whose states prefer different symbols: the more, the less blur there is."""
    table = blur * rng.dirichlet(np.ones(SYMBOLS), STATES) + np.eye(STATES, SYMBOLS)
    return table / table.sum(axis=1, keepdims=True)


def inner(rng, probability):
    """A table in which the rare state is reached rarely, and kept mostly."""
    kept = 0.2 * rng.dirichlet(np.ones(STATES)) + 0.8 * np.eye(STATES)[RARE]
    return np.stack([rarely(rng, probability), rarely(rng, probability), kept])


def changed(tables, rng):
    """Copies of some tables, of which one has another row for the rare state."""
    copies = [table.copy() for table in tables]
    row = copies[rng.integers(len(copies))][RARE]
    less, more = np.argsort(row)[-2:]
    moved = 0.3 * row[less]
    row[less] -= moved
    row[more] += moved
    return copies


def latent_classes(rng, probability, blur):
    weights, tables = rarely(rng, probability), [leaf(rng, blur) for _ in range(8)]
    return LatentClass(weights, tables), LatentClass(weights, changed(tables, rng))


def chains(rng, probability, blur):
    initial, tables = rarely(rng, probability), [inner(rng, probability), leaf(rng, blur)]
    return HiddenMarkov(initial, *tables, 8), HiddenMarkov(initial, *changed(tables, rng), 8)


def chains_of_steps(rng, probability, blur):
    initial, tables = rarely(rng, probability), [inner(rng, probability) for _ in range(7)]
    tables += [leaf(rng, blur) for _ in range(8)]
    return [HiddenMarkov(initial, tuple(each[:7]), tuple(each[7:]), 8) for each in (tables, changed(tables, rng))]


def trees(rng, probability, blur):
    """Balanced binary trees of 8 leaves."""
    names = ["".join(path) for depth in (1, 2, 3) for path in itertools.product("ab", repeat=depth)]
    prior, tables = rarely(rng, probability), [leaf(rng, blur) if len(n) == 3 else inner(rng, probability) for n in names]
    return [
        LatentTree("r", prior, tuple(Edge("r" + name[:-1], "r" + name, table) for name, table in zip(names, each, strict=True)))
        for each in (tables, changed(tables, rng))
    ]


def networks(rng, probability, blur):
    weights, tables = rarely(rng, probability), [leaf(rng, blur) for _ in range(6)]

    def network(each):
        nodes = {f"{state} {site}": LeafNode(site, table[state]) for state in range(STATES) for site, table in enumerate(each)}
        products = {f"p{state}": ProductNode(tuple(f"{state} {site}" for site in range(6))) for state in range(STATES)}
        return SumProduct({**nodes, **products, "s": SumNode(tuple(products), weights)}, "s")

    return network(tables), network(changed(tables, rng))


def largest_difference(one, other):
    """The largest difference of the logarithms of all probabilities."""
    rows = list(itertools.product(*[range(k) for k in one.shape]))
    return np.abs(one.log_density(rows) - other.log_density(rows)).max()


PAIRS = [latent_classes, chains, chains_of_steps, trees, networks]


@pytest.mark.parametrize(("probability", "blur"), [(1e-10, 0.5), (1e-15, 0.05)])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda make: make.__name__)
def test_a_changed_row_that_is_rarely_reached_is_found(pair, probability, blur):
    met = 0
    for seed in range(10):
        one, other = pair(np.random.default_rng(seed), probability, blur)
        largest = largest_difference(one, other)
        report = check_reduction(one, other, seed=seed)
        assert not report.identical
        # Where no probability differs by more than the tolerance, the models are equal within it.
        if largest > 1.1 * FLOAT_TOLERANCE:
            met += 1
            assert not report.equal
        elif largest < 0.9 * FLOAT_TOLERANCE:
            assert report.equal
        assert report.largest_difference > 0
    assert met >= 5


@pytest.mark.parametrize("pair", PAIRS, ids=lambda make: make.__name__)
def test_aiming_alone_finds_it_too(pair, monkeypatch):
    monkeypatch.setattr(float_comparison, "_points", lambda models, rng: iter(()))
    for seed in range(6):
        one, other = pair(np.random.default_rng(seed), 1e-10, 0.5)
        largest = largest_difference(one, other)
        found = compare_floats(one, other, np.random.default_rng(seed))
        if largest > 1.1 * FLOAT_TOLERANCE:
            assert not found.close
            assert "rarest entries of the tables" in found.compared


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_of_models_with_rare_states_are_equal_within_rounding(kind):
    for make in (latent_classes, chains, trees):
        for seed in range(2):
            one, other = make(np.random.default_rng(seed), 1e-12, 0.5)
            reduced = reduce(one, kind)
            if isinstance(reduced, Mixture):
                same = check_reduction(one, reduced, seed=seed)
                assert same.equal
                assert same.largest_difference is None or same.largest_difference < 1e-12
                assert check_reduction(other, reduced, seed=seed).equal == (largest_difference(one, other) < FLOAT_TOLERANCE)


@pytest.mark.parametrize("probability", [1e-10, 1e-15, 1e-100])
def test_a_value_of_little_probability_that_the_other_model_lacks(probability):
    coin = [[0.5, 0.5]]
    rare = LatentClass([1.0], [coin] * 30 + [[[1 - probability, probability]]])
    never = LatentClass([1.0], [coin] * 30 + [[[1.0, 0.0]]])
    for seed in range(10):
        report = check_reduction(rare, never, seed=seed)
        assert (report.equal, report.largest_difference) == (False, np.inf)
        assert report.to_dict()["largest_difference"] == "inf"


def test_two_rare_values_that_only_occur_together():
    # Each pair of values is as probable in both models, but for the two rare ones together: 1e-10 against 2e-10.
    table = np.full((3, 3), 1 / 9)
    table[2, :] = table[:, 2] = 1e-10
    other = table.copy()
    other[2, 2] = 2e-10
    models = []
    for joint in (table, other):
        joint = joint / joint.sum()
        first = [[*row] for row in np.eye(3)]
        weights = joint.sum(axis=1)
        models.append(LatentClass(weights, [first, joint / weights[:, None]]))
    for seed in range(5):
        report = check_reduction(*models, seed=seed)
        assert not report.equal
        assert report.largest_difference <= np.log(2) + 1e-6


def test_the_report_says_how_many_entries_were_not_looked_at(monkeypatch):
    one = trees(np.random.default_rng(0), 1e-12, 0.5)[0]
    reduced = reduce(one, "hidden_markov")
    whole = compare_floats(one, reduced, np.random.default_rng(0))
    assert whole.close
    assert "but not of the other" not in whole.compared
    monkeypatch.setattr(float_comparison, "_FEWEST_AIMED", 5)
    monkeypatch.setattr(float_comparison, "_AIMED_NUMBERS", 1)
    some = compare_floats(one, reduced, np.random.default_rng(0))
    assert "where each of the 10 rarest entries of tables that are used with probability below 0.01" in some.compared
    assert "but not of the other" in some.compared


def test_components_of_one_class_are_one_value():
    # The second and third component are the same density, so only the sum of their probabilities counts.
    densities = Gaussians([0.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    one = LatentClass([0.5, 0.5], [[[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]] * 2, densities=densities)
    moved = LatentClass([0.5, 0.5], [[[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]] * 2, densities=densities)
    report = check_reduction(one, moved)
    # 0.3 + 0.5 and 0.7 + 0.1 are different floats.
    assert (report.equal, report.identical) == (True, False)
    assert report.largest_difference < 1e-14
    wrong = LatentClass(
        [0.5, 0.5], [[[0.2, 0.7, 0.1], [0.6, 0.2, 0.2]], [[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]]], densities=densities
    )
    assert not check_reduction(one, wrong).equal

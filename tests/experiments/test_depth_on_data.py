import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tensorrank import HiddenMarkov, LatentClass, LatentTree, TensorialMixture, TensorRankError
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.experiments.depth_families import MixtureFamily, z_order
from tensorrank.experiments.depth_on_data import DepthOnData, FamilyScores, compare_depths, peaked, random_splits
from tensorrank.mixtures.fitting.structures import balanced_parents

CLASSES = MixtureFamily("classes", "latent_class")
PAIRS = MixtureFamily("pairs", "balanced", 2)
FOURS = MixtureFamily("fours", "balanced", 4)
CHAIN = MixtureFamily("chain", "chain")
TREE = MixtureFamily("tree", "chow_liu")


def scores(family, depth, held_out, budget=100):
    return FamilyScores(family, depth, budget, 2, budget - 1, 0.1, tuple(held_out), tuple(held_out), (True,), 0.0)


def study(*rows, truth=None):
    return DepthOnData("a test", 9, 4, 3, 1, 0, scores("independent", 1, [-9.0]), rows, truth)


@pytest.fixture(scope="module")
def coins():
    """Two pairs of equal coins, a fifth of them turned, of three values."""
    rng = np.random.default_rng(0)
    hidden = np.repeat(rng.integers(0, 3, (240, 2)), 2, axis=1)
    return np.where(rng.random(hidden.shape) < 0.2, rng.integers(0, 3, hidden.shape), hidden)


def test_parameters_are_those_counted_by_hand():
    # Eight variables of three values, two states: a prior of 1, for each variable two rows of 2, and for each edge
    # between hidden variables two rows of 1. One class has none of these, pairs six, fours (and then pairs) four, a
    # chain and a Chow-Liu tree seven.
    edges = {CLASSES: 0, PAIRS: 6, FOURS: 4, CHAIN: 7, TREE: 7}
    assert balanced_parents(8, 4) == [0, 1, 1, 0, 4, 4, 0, 7, 7, 0, 10, 10]
    for family, count in edges.items():
        assert family.parameters(8, 3, 2) == 1 + 8 * 4 + count * 2


@pytest.mark.parametrize("family", [CLASSES, PAIRS, FOURS, CHAIN, TREE], ids=lambda family: family.name)
@pytest.mark.parametrize("states", [1, 3])
def test_fitted_models_have_the_parameters_counted(family, states, coins):
    data = np.hstack([coins, coins[:, :3]])
    made = family.fit(data, states, 0, {"symbols": 3, "iterations": 1, "tolerance": 0})
    kinds = {"latent_class": LatentClass, "chain": HiddenMarkov}
    assert type(made.model) is kinds.get(family.kind, LatentTree)
    assert made.model.parameters == family.parameters(7, 3, states)


@pytest.mark.parametrize("family", [CLASSES, PAIRS, CHAIN], ids=lambda family: family.name)
def test_states_are_the_most_that_the_budget_allows(family):
    least = family.parameters(6, 3, 1)
    for budget in (least, least + 1, 50, 333, 12345):
        fit = [r for r in range(1, 1000) if family.parameters(6, 3, r) <= budget]
        assert family.states(6, 3, budget) == max(fit)


def test_depths_are_the_levels_of_hidden_variables():
    assert [MixtureFamily("tree", "balanced", b).depth(64) for b in (64, 8, 4, 2)] == [1, 2, 3, 6]
    assert (CLASSES.depth(64), CHAIN.depth(64), TREE.depth(64)) == (1, None, None)
    # Levels between the root and the variables, root included, of the tree that is fitted.
    for branching, sites in itertools.product((2, 3, 4), (2, 5, 9, 12)):
        parents = balanced_parents(sites, branching)
        far = [0]
        for parent in parents:
            far.append(far[parent] + 1)
        assert MixtureFamily("tree", "balanced", branching).depth(sites) == max(far)


def test_squares_of_pixels_are_neighbours_in_z_order():
    # The bits of row and column in turn.
    expected = [sum((i >> 2 * bit & 1) << bit | (i >> 2 * bit + 1 & 1) << bit + 3 for bit in range(3)) for i in range(64)]
    assert list(z_order(8)) == expected
    rows, columns = np.divmod(np.reshape(z_order(8), (4, 16)), 8)
    assert (np.ptp(rows, axis=1) == 3).all()
    assert (np.ptp(columns, axis=1) == 3).all()
    assert z_order(1) == (0,)


def test_an_image_of_more_pixels_than_memory_holds_is_refused():
    with pytest.raises(TensorRankError, match="the side is 9223372036854775808; expected at most 4096"):
        z_order(2**63)


def test_splits_are_disjoint_and_random():
    splits = random_splits(100, 7, seed=3)
    ahead, judged = splits.chosen_on
    assert (len(ahead), len(judged)) == (33, 17)
    assert not set(ahead) & set(judged)
    for fitted, held in splits.parts:
        assert sorted([*fitted, *held]) == list(range(100))
        assert len(held) == 25
        assert not set(held) & {*ahead, *judged}
    assert len({tuple(held) for _, held in splits.parts}) == 7
    again, other = random_splits(100, 7, seed=3), random_splits(100, 7, seed=4)
    assert all((a[1] == b[1]).all() for a, b in zip(splits.parts, again.parts, strict=True))
    assert any((a[1] != b[1]).any() for a, b in zip(splits.parts, other.parts, strict=True))


def product_scores(data, fitted, held, pseudocount, k):
    """Of independent variables: the mean over rows of the logarithms of smoothed frequencies."""
    total = 0.0
    for site in range(data.shape[1]):
        counts = np.bincount(data[fitted, site], minlength=k) + pseudocount
        total += np.log(counts / counts.sum())[data[held, site]].mean()
    return total


def test_the_baseline_is_the_product_of_frequencies(coins):
    candidates = (0.5, 20.0, 3.0)
    found = compare_depths(coins, [CLASSES], [40], symbols=4, splits=3, pseudocounts=candidates, seed=5)
    splits = random_splits(len(coins), 3, seed=5)
    judged = [product_scores(coins, *splits.chosen_on, one, 4) for one in candidates]
    assert found.independent.pseudocount == candidates[int(np.argmax(judged))]
    expected = [product_scores(coins, *part, found.independent.pseudocount, 4) for part in splits.parts]
    np.testing.assert_allclose(found.independent.held_out, expected, rtol=1e-12)
    assert (found.independent.states, found.independent.parameters, found.independent.depth) == (1, 4 * 3, 0)


def test_held_out_scores_are_of_the_rows_held_out(coins):
    found = compare_depths(coins, [CLASSES, PAIRS], [30], splits=2, pseudocounts=[0.3], seed=1)
    classes, pairs = found.scores
    assert (classes.states, pairs.states) == (3, 2)
    for split, (fitted, held) in enumerate(random_splits(len(coins), 2, seed=1).parts):
        options = {"symbols": 3, "iterations": 100, "tolerance": 0.01, "pseudocount": 0.3}
        model = LatentClass.fit(coins[fitted], 3, random_stream(1, split + 2), **options)
        likelihoods = sum(
            model.weights[c] * np.prod([model.components[i][c][coins[held, i]] for i in range(4)], axis=0) for c in range(3)
        )
        assert classes.held_out[split] == pytest.approx(np.log(likelihoods).mean(), rel=1e-12)
        tree = LatentTree.fit(coins[fitted], 2, random_stream(1, split + 2), **options)
        assert pairs.held_out[split] == tree.score(coins[held])
        assert pairs.fitted[split] == pytest.approx(tree.score(coins[fitted]), rel=1e-9)
    again = compare_depths(coins, [CLASSES, PAIRS], [30], splits=2, pseudocounts=[0.3], seed=1)
    assert [one.held_out for one in again.scores] == [one.held_out for one in found.scores]


def test_pseudocounts_are_chosen_on_rows_that_are_never_held_out(coins):
    candidates = (0.01, 60.0)
    found = compare_depths(coins, [PAIRS], [60], splits=2, pseudocounts=candidates, seed=2)
    ahead, judged = random_splits(len(coins), 2, seed=2).chosen_on
    states = PAIRS.states(4, 3, 60)
    options = {"symbols": 3, "tolerance": 0.01}
    values = [
        LatentTree.fit(coins[ahead], states, random_stream(2, 1), pseudocount=one, **options).score(coins[judged])
        for one in candidates
    ]
    assert found.scores[0].pseudocount == candidates[int(np.argmax(values))] == 0.01
    # What is held out has no say: without a choice scores are the same.
    (alone,) = compare_depths(coins, [PAIRS], [60], splits=2, pseudocounts=[0.01], seed=2).scores
    assert alone.held_out == found.scores[0].held_out


def test_an_order_is_that_of_the_columns(coins):
    order = (2, 0, 3, 1)
    options = {"splits": 2, "pseudocounts": [0.1]}
    (ordered,) = compare_depths(coins, [replace(PAIRS, order=order)], [30], **options).scores
    (permuted,) = compare_depths(coins[:, order], [PAIRS], [30], **options).scores
    (given,) = compare_depths(coins, [PAIRS], [30], **options).scores
    assert ordered.held_out == permuted.held_out
    assert ordered.mean < given.mean


def test_depth_pays_where_data_is_deep_and_not_where_it_is_shallow():
    deep = peaked(TensorialMixture.random(3, 3, 3, seed=0).latent_tree(), 0.15, seed=0)
    shallow = peaked(LatentClass.random([3] * 8, 6, seed=0).latent_tree(), 0.3, seed=0)
    for truth, best in ((deep, "pairs"), (shallow, "classes")):
        found = compare_depths(truth.sample(1500, 0), [CLASSES, PAIRS], [110], truth=truth, splits=2, pseudocounts=[0.1])
        classes, pairs = found.scores
        assert (classes.states, pairs.states) == (6, 3)
        assert max(found.scores, key=lambda one: one.mean).family == best
        assert found.truth is not None
        held = truth.sample(1500, 0)[random_splits(1500, 2).parts[1][1]]
        assert found.truth[1] == pytest.approx(np.log(truth.probability(held)).mean(), rel=1e-12)
        assert (np.array([classes.held_out, pairs.held_out]) < found.truth).all()


def test_peaked_tables_are_likely_maps_and_noise():
    model = LatentTree.random([0, 0, 1, 1, 2, 2], 4, 2, seed=0)
    assert (peaked(model, 1.0, 0).probability([[0, 1, 0, 1]]) == model.probability([[0, 1, 0, 1]])).all()
    maps = peaked(model, 0.0, 0)
    for name in maps.order[1:]:
        table = maps.table(name)
        assert set(table.ravel()) == {0.0, 1.0}
        # As many states to each value as to any other.
        assert (table.sum(axis=0) == len(table) / table.shape[1]).all()
    np.testing.assert_array_equal(maps.prior, model.prior)
    half = peaked(model, 0.5, 0)
    for name in half.order[1:]:
        np.testing.assert_allclose(half.table(name), (maps.table(name) + model.table(name)) / 2)


def test_differences_are_taken_split_by_split():
    one, other = scores("a", 2, [-1.0, -2.0, -4.0]), scores("b", 1, [-2.0, -2.5, -3.5])
    # 1, 0.5 and -0.5: mean 1/3, and squares of deviations 4/9, 1/36, 25/36.
    assert one.gain(other) == (pytest.approx(1 / 3), pytest.approx(math.sqrt((4 / 9 + 1 / 36 + 25 / 36) / 2)), 2)
    assert one.mean == pytest.approx(-7 / 3)
    assert one.spread == pytest.approx(np.std([1, 2, 4], ddof=1))
    assert scores("a", 1, [-3.0]).spread == 0


def test_findings_say_what_the_numbers_say():
    def said(*rows):
        (sentence,) = study(*rows).findings()
        return sentence

    helps = scores("a", 1, [-5.0, -5.0]), scores("b", 2, [-3.0, -4.0]), scores("c", 6, [-3.5, -4.5])
    assert said(*helps) == (
        "100 parameters: depth helps. Depth 2 is best, 1.50 ± 0.71 nats a row above depth 1 (better in 2 of 2 splits) "
        "and 0.50 ± 0.00 nats a row above depth 6 (better in 2 of 2 splits)"
    )
    assert said(scores("c", 6, [-3.0]), scores("a", 1, [-5.0]), scores("d", None, [-1.0])) == (
        "100 parameters: depth helps. Depth 6 is best, 2.00 ± 0.00 nats a row above depth 1 (better in 1 of 1 split)"
    )
    assert said(scores("a", 1, [-3.0, -3.0]), scores("c", 6, [-5.0, -4.0])) == (
        "100 parameters: depth does not help. Depth 1 is best, 1.50 ± 0.71 nats a row above depth 6 (better in 2 of 2 splits)"
    )
    tied = scores("a", 1, [-5.0, -5.0]), scores("b", 2, [-3.0, -3.0]), scores("c", 6, [-3.25, -3.0])
    assert said(*tied) == (
        "100 parameters: depth helps. Depths 2 and 6 are best, apart by less than a standard deviation; depth 2 is "
        "2.00 ± 0.00 nats a row above depth 1 (better in 2 of 2 splits)"
    )
    assert said(scores("a", 1, [-3.0, -3.2]), scores("c", 6, [-3.3, -3.0])) == (
        "100 parameters: depth does not help. Depths 1 and 6 are best, apart by less than a standard deviation"
    )
    several = study(scores("a", 1, [-3.0]), scores("a", 1, [-3.0], budget=50), scores("d", None, [-1.0]))
    assert several.findings() == tuple(f"{b} parameters: one depth only, nothing to compare" for b in (50, 100))
    assert several.budgets == (50, 100)
    assert [one.family for one in several.of(100)] == ["a", "d"]


def test_the_best_are_those_within_the_spread_of_their_difference():
    top, near, far = scores("b", 2, [-3.0, -4.0]), scores("c", 3, [-2.8, -4.8]), scores("d", 6, [-4.0, -4.9])
    # Behind by -0.2 and 0.8: 0.3 of 0.71; and by 1 and 0.9.
    found = study(scores("a", 1, [-9.0, -9.0]), far, near, top, scores("chain", None, [-1.0, -1.0]))
    assert [one.family for one in found.best(100)] == ["b", "c"]


def test_fits_that_stop_are_recorded_and_not_warned_of(coins):
    found = compare_depths(coins, [PAIRS], [30], splits=1, pseudocounts=[0.1], iterations=1, tolerance=1e-9)
    assert found.scores[0].converged == (False,)


def test_missing_values_are_summed_out(coins):
    data = np.hstack([coins, np.full((len(coins), 1), -1)])
    options = {"symbols": 3, "splits": 2, "pseudocounts": [0.1]}
    assert compare_depths(data, [CLASSES], [40], **options).independent.held_out == pytest.approx(
        compare_depths(coins, [CLASSES], [40], **options).independent.held_out
    )


def test_progress_and_plain_values(coins):
    said = []
    found = compare_depths(
        coins, [CHAIN], [50], name="coins", splits=2, pseudocounts=[0.1, 1.0], progress=lambda *what: said.append(what)
    )
    assert [done for done, _, _ in said] == list(range(8))
    assert {total for _, total, _ in said} == {8}
    assert [said[0][2], said[-1][2]] == ["independent, 1 states", "chain, 3 states"]
    plain = json.loads(json.dumps(found.to_dict()))
    assert (plain["experiment"], plain["name"], plain["sites"], plain["symbols"], plain["truth"]) == (
        "depth_on_data",
        "coins",
        4,
        3,
        None,
    )
    (row,) = plain["scores"]
    assert row["held_out"] == list(found.scores[0].held_out)
    assert (row["family"], row["depth"], row["states"], row["mean"]) == ("chain", None, 3, found.scores[0].mean)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda data: MixtureFamily("tree", "balance"), "kind is 'balance'; .*did you mean 'balanced'"),
        (lambda data: MixtureFamily("tree", "balanced", branching=1), "branching is 1; expected a whole number of at least 2"),
        (lambda data: MixtureFamily("tree", "chain", order=(10**5000,)), "an order is .*; expected each variable once"),
        (
            lambda data: MixtureFamily("tree", "balanced", 10**5000),
            "branching is .*; expected a whole number from 2 to 10.4000",
        ),
        (lambda data: MixtureFamily("tree", "chain", order=(0, 2)), "an order is .0, 2.; expected each variable once"),
        (lambda data: PAIRS.states(4, 3, 7), "the budget is 7; expected at least the 8 parameters of 4 independent"),
        (lambda data: z_order(6), "the side is 6; expected a power of two"),
        (lambda data: random_splits(11, 1), "the number of rows is 11; expected a whole number of at least 12"),
        (lambda data: random_splits(20, 0), "the number of splits is 0; expected"),
        (lambda data: peaked(LatentTree.random([0, 0], 2, 2, 0), 1.5, 0), "the noise is 1.5; expected a number from 0"),
        (lambda data: compare_depths(data / 2, [PAIRS], [30]), "type float64; expected whole numbers"),
        (lambda data: compare_depths(data[0], [PAIRS], [30]), r"the data has the shape \(4,\)"),
        (lambda data: compare_depths(data, [], [30]), "no families or pseudocounts were given"),
        (lambda data: compare_depths(data, [PAIRS], []), "no budgets were given"),
        (lambda data: compare_depths(data, [PAIRS], [30], pseudocounts=[]), "no families or pseudocounts"),
        (lambda data: compare_depths(data, [PAIRS], [7]), "the budget is 7; expected at least the 8 parameters"),
        (lambda data: compare_depths(data, [replace(PAIRS, order=(1, 0))], [30]), "of 'pairs' has 2 variables"),
        (lambda data: compare_depths(data * 0 + 2, [PAIRS], [30], symbols=2), "row 0 of the data has 2 for variable 0;"),
        (lambda data: compare_depths(data - 2, [PAIRS], [30]), "has -2 for variable .; expected .* from 0 to 1, or -1"),
    ],
    ids=range(19),
)
def test_what_cannot_be_compared_is_refused(wrong, complaint, coins):
    with pytest.raises(TensorRankError, match=complaint):
        wrong(coins)

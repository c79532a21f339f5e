"""Parts that are product distributions: measures beside the dense table, and that errors go to zero."""

from functools import reduce
from itertools import pairwise, product

import numpy as np
import pytest
from mixtures.brute_force import probability_table
from scipy.optimize import minimize

from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.approximation.parts import sampled_parts
from tensorrank.mixtures.approximation.products import simplex_weights
from tensorrank.mixtures.approximation.sampling import log_mean_square
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

CHAIN = HiddenMarkov.random(2, 3, 4, seed=1)


def check_measures(step, model, target):
    made, table = (np.asarray(probability_table(one), dtype=float) for one in (model, target))
    assert step.error == pytest.approx(np.linalg.norm(made - table), abs=1e-8)
    assert step.relative_error == pytest.approx(step.error / np.linalg.norm(table), abs=1e-7)
    assert step.total_variation.value == pytest.approx(np.abs(made - table).sum() / 2, abs=1e-12)
    assert step.kl.value == pytest.approx((table * np.log(table / made)).sum(), abs=1e-12)
    assert step.reverse_kl.value == pytest.approx((made * np.log(made / table)).sum(), abs=1e-12)


@pytest.mark.parametrize("method", ["refitted", "corrective", "line search", "plain", "sampling", "likelihood"])
def test_measures_are_those_of_the_tables(method):
    found = approximate(CHAIN, 6, method, atoms="products")
    check_measures(found.steps[-1], found.model, CHAIN)
    assert found.steps[-1].components == found.model.classes
    assert found.steps[-1].guarantee is None


def test_estimates_from_samples_agree_with_the_table_of_all_values():
    # Of 17 variables the table is too large to be enumerated by the method; here it is all the same.
    target = HiddenMarkov.random(3, 2, 17, seed=2)
    step = approximate(target, 3, "corrective", atoms="products", samples=4000).steps[-1]
    found = approximate(target, 3, "corrective", atoms="products", samples=4000).model
    rows = np.indices(target.shape).reshape(17, -1).T
    made, table = found.probability(rows), target.probability(rows)
    exact = {
        "total_variation": np.abs(made - table).sum() / 2,
        "kl": (table * np.log(table / made)).sum(),
        "reverse_kl": (made * np.log(made / table)).sum(),
    }
    for name, value in exact.items():
        estimate = getattr(step, name)
        assert abs(estimate.value - value) < 5 * estimate.standard_error


def test_a_product_is_reached_at_once():
    target = LatentClass([1], [[[0.2, 0.5, 0.3]], [[0.6, 0.4]], [[0.1, 0.9]]])
    step = approximate(target, 0, "corrective", atoms="products").steps[0]
    assert step.relative_error < 1e-7
    assert step.total_variation.value < 1e-7
    assert approximate(target, 0, "likelihood").steps[0].kl.value < 1e-9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_errors_of_a_representable_target_go_to_zero(seed):
    target = LatentClass.random([3] * 5, classes=3, seed=seed)
    errors = [step.relative_error for step in approximate(target, 40, "corrective", atoms="products").steps]
    assert all(later <= earlier + 1e-7 for earlier, later in pairwise(errors))
    assert errors[-1] < 0.1 * errors[0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_refitted_parts_are_exact_where_exact_parts_exist(seed):
    target = LatentClass.random([3] * 10, classes=2, seed=seed)
    refitted, fixed = (approximate(target, 4, method, atoms="products").steps for method in ("refitted", "corrective"))
    assert refitted[0].relative_error > 0.1
    assert refitted[-1].relative_error < 1e-6
    assert refitted[-1].total_variation.value < 1e-5
    assert fixed[-1].relative_error > 1e-2


def test_likelihood_never_falls():
    target = TensorialMixture.random(3, 2, 2, seed=1)
    divergences = [step.kl.value for step in approximate(target, 15, "likelihood").steps]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(divergences))
    assert divergences[-1] < 0.5 * divergences[0]
    # The first part is the product of the marginals, which has the smallest divergence of all products.
    table = np.asarray(probability_table(target), dtype=float)
    marginals = [table.sum(axis=tuple(set(range(8)) - {site})) for site in range(8)]
    independent = reduce(np.multiply.outer, marginals)
    assert divergences[0] == pytest.approx((table * np.log(table / independent)).sum())


def test_parts_that_explain_no_row_are_no_trouble():
    # Of so many variables parts sampled from the target are far from every row that was sampled.
    target = HiddenMarkov.random(3, 4, length=500, seed=0)
    steps = approximate(target, 1, "likelihood", samples=300).steps
    assert np.isfinite(steps[1].kl.value)


def test_simplex_weights_are_those_of_a_general_solver():
    rng = np.random.default_rng(0)
    for count in (1, 2, 5, 8):
        parts = rng.dirichlet(np.ones(20), count)
        target = rng.dirichlet(np.ones(20))
        weights = simplex_weights(target @ target, parts @ target, parts @ parts.T)
        general = minimize(
            lambda w, parts=parts, target=target: 1e3 * ((w @ parts - target) ** 2).sum(),
            np.full(count, 1 / count),
            bounds=[(0, 1)] * count,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 1000},
        ).x
        assert weights.sum() == pytest.approx(1)
        assert np.linalg.norm(weights @ parts - target) <= np.linalg.norm(general @ parts - target) + 1e-8
        assert weights == pytest.approx(general, abs=1e-3)


def product_table(tables, draw):
    return reduce(np.multiply.outer, [table[draw] for table in tables])


def test_drawn_products_have_the_target_as_their_mean():
    half = [[0.3, 0.1], [0.0, 0.6]]
    # Functions of nodes that sum to something else than one.
    uneven = Hierarchical([Leaf(0, half), Leaf(1, half), Transfer((0, 1), [[[3.0, 0.5], [0.5, 7 / 9]]])])
    for target in (CHAIN, uneven):
        tables = sampled_parts(target, 4000, np.random.default_rng(0))
        draws = np.array([product_table(tables, draw) for draw in range(4000)])
        error = np.abs(draws.mean(axis=0) - np.asarray(probability_table(target), dtype=float))
        assert (error <= 5 * draws.std(axis=0) / np.sqrt(4000) + 1e-9).all()


def test_the_expected_error_is_that_of_all_hidden_states():
    chain = HiddenMarkov([0.3, 0.7], [[0.9, 0.1], [0.4, 0.6]], [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], length=3)
    mean = 0.0
    for states in product(range(2), repeat=3):
        weight = chain.initial[states[0]] * np.prod([chain.transition[a, b] for a, b in pairwise(states)])
        mean += weight * np.prod([(chain.emission[state] ** 2).sum() for state in states])
    assert np.exp(log_mean_square(chain)) == pytest.approx(mean)
    square = (np.asarray(probability_table(chain), dtype=float) ** 2).sum()
    found = approximate(chain, 9, "sampling", atoms="products")
    assert found.steps[9].expected_error == pytest.approx(np.sqrt((mean - square) / 10))
    errors = [approximate(chain, 9, "sampling", atoms="products", seed=seed).steps[9].error ** 2 for seed in range(20)]
    assert np.mean(errors) == pytest.approx((mean - square) / 10, abs=5 * np.std(errors) / np.sqrt(20))


def test_drawn_entries_are_relative_frequencies():
    found = approximate(CHAIN, 199, "sampling")
    table = np.asarray(probability_table(CHAIN), dtype=float)
    made = np.asarray(probability_table(found.model), dtype=float)
    assert found.steps[-1].error == pytest.approx(np.linalg.norm(made - table), rel=1e-6)
    assert found.steps[-1].expected_error == pytest.approx(np.sqrt((1 - (table**2).sum()) / 200))
    assert (made * 200) == pytest.approx(np.round(made * 200), abs=1e-9)
    assert found.steps[-1].total_variation.value == pytest.approx(np.abs(made - table).sum() / 2)

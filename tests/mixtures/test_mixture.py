"""What every mixture offers, against its definition summed over all hidden states."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states, marginal_of, probability_table, unfolding
from oracles import flint_rank
from scipy.stats import multivariate_normal, norm

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank

NAN = float("nan")
FIELD = PrimeField(8388593)
MAKERS = {
    "latent class": lambda exact: LatentClass.random([2, 3, 2], 3, 0, fractions=exact),
    "homogeneous chain": lambda exact: HiddenMarkov.random(3, 2, 4, 1, fractions=exact),
    "chain of tables": lambda exact: HiddenMarkov.random(2, 3, 4, 2, homogeneous=False, fractions=exact),
    "one step": lambda exact: HiddenMarkov.random(2, 3, 1, 3, fractions=exact),
    "tree": lambda exact: LatentTree.random([0, 0, 0, 1, 1, 2, 3, 6], 2, 3, 4, fractions=exact),
    "shared levels": lambda exact: TensorialMixture.random(2, 2, 3, 5, shared=True, fractions=exact),
    "levels of tables": lambda exact: TensorialMixture.random(2, 3, 2, 6, fractions=exact),
    "hierarchical": lambda exact: Hierarchical.random([2, 3, 2, 2], 2, 7, tree=((0, 2), (3, 1)), fractions=exact),
    "squared tree": lambda exact: SquaredMixture.random([0, 0, 1, 1, 2, 2], 2, 3, 8, fractions=exact),
    "sum of squares": lambda exact: SquaredMixture.random([0, 1, 1, 2], 3, 2, 9, summed=["z0"], fractions=exact),
}
FLOATS = {name: make(False) for name, make in MAKERS.items()}
EXACT = {name: make(True) for name, make in MAKERS.items()}
TABLES = {id(model): probability_table(model) for model in (*FLOATS.values(), *EXACT.values())}

every = pytest.mark.parametrize("name", MAKERS)


@every
def test_probabilities_are_those_of_the_definition(name):
    model = FLOATS[name]
    table = TABLES[id(model)]
    rows = all_states(model.shape)
    assert model.sites == table.ndim
    assert not model.over_fractions
    np.testing.assert_allclose(model.probability(rows), table.ravel(), rtol=1e-12)
    np.testing.assert_allclose(model.log_density(rows), np.log(table.ravel()), rtol=1e-12)
    assert model.probability(rows[:1]).shape == (1,)


@every
def test_fractions_give_exact_probabilities(name):
    model = EXACT[name]
    table = TABLES[id(model)]
    rows = all_states(model.shape)
    assert model.over_fractions
    assert list(model.probability(rows)) == list(table.ravel())
    assert table.sum() == 1
    np.testing.assert_allclose(model.log_density(rows), np.log(table.ravel().astype(float)), rtol=1e-12)


@every
def test_missing_values_are_summed_out(name):
    model, exact = FLOATS[name], EXACT[name]
    table, fractions = TABLES[id(model)], TABLES[id(exact)]
    rng = np.random.default_rng(0)
    rows = all_states(model.shape)
    rows = np.where(rng.random(rows.shape) < 0.4, -1, rows)
    expected = [table[tuple(slice(None) if x < 0 else x for x in row)].sum() for row in rows]
    np.testing.assert_allclose(model.probability(rows), expected, rtol=1e-12)
    with_nan = np.where(rows < 0, NAN, rows)
    np.testing.assert_array_equal(model.log_density(with_nan), model.log_density(rows))
    assert list(exact.probability(rows)) == [np.sum(fractions[tuple(slice(None) if x < 0 else x for x in row)]) for row in rows]
    np.testing.assert_allclose(model.log_density(np.full((1, model.sites), -1)), 0, atol=1e-12)


@every
def test_marginals(name):
    model = FLOATS[name]
    for count in range(1, min(model.sites, 3) + 1):
        for sites in itertools.permutations(range(model.sites), count):
            np.testing.assert_allclose(model.marginal(sites), marginal_of(TABLES[id(model)], sites), rtol=1e-12)


@every
def test_posteriors_are_by_bayes_rule(name):
    model = FLOATS[name]
    table = TABLES[id(model)]
    rng = np.random.default_rng(1)
    rows = all_states(model.shape)
    rows = np.where(rng.random(rows.shape) < 0.5, -1, rows)
    found = model.posteriors(rows)
    assert [array.shape for array in found] == [(len(rows), k) for k in model.shape]
    for number, row in enumerate(rows):
        possible = np.zeros_like(table)
        where = tuple(slice(None) if x < 0 else slice(x, x + 1) for x in row)
        possible[where] = table[where]
        for site, array in enumerate(found):
            expected = marginal_of(possible, [site]) / possible.sum()
            np.testing.assert_allclose(array[number], expected, rtol=1e-10, atol=1e-15)


@every
def test_samples_follow_the_probabilities(name):
    model = FLOATS[name]
    table = TABLES[id(model)]
    drawn = model.sample(20000, 3)
    counts = np.zeros(model.shape)
    np.add.at(counts, tuple(drawn.T), 1)
    expected = 20000 * table
    statistic, freedom = ((counts - expected) ** 2 / expected).sum(), table.size - 1
    # Five standard deviations of the chi-square distribution.
    assert statistic < freedom + 5 * np.sqrt(2 * freedom)
    np.testing.assert_array_equal(drawn, model.sample(20000, np.random.default_rng(3)))


@every
def test_the_network_is_the_table(name):
    np.testing.assert_allclose(FLOATS[name].to_network().contract(), TABLES[id(FLOATS[name])], rtol=1e-12)


@every
def test_separation_ranks_are_those_of_unfoldings(name):
    model = EXACT[name]
    table = TABLES[id(model)]
    last = model.sites - 1
    for sites in {(last,), tuple(range(0, last, 2)), (0, last)} if last > 1 else ():
        found = separation_rank(model, Bipartition(sites, tuple(set(range(model.sites)) - set(sites))))
        assert found.value == flint_rank(FIELD.image(unfolding(table, sites)), FIELD.prime)


@every
@pytest.mark.parametrize("features", [1, 2])
def test_gaussian_components_weigh_their_densities_with_the_table(name, features):
    bare = FLOATS[name]
    if len(set(bare.shape)) > 1:
        pytest.skip("components are of one number")
    if isinstance(bare, SquaredMixture):
        pytest.skip("squared mixtures are of categorical variables")
    k = bare.shape[0]
    rng = np.random.default_rng(2)
    means, factors = rng.normal(size=(k, features)), rng.normal(size=(k, features, features))
    covariances = factors @ np.swapaxes(factors, -1, -2) + 0.1 * np.eye(features)
    model = with_densities(bare, Gaussians(means, covariances))
    data = rng.normal(size=(5, model.sites, features))
    data[1, 0] = NAN
    data[2, -1, 0] = NAN

    def density(component, value):
        seen = np.flatnonzero(~np.isnan(value))
        if not seen.size:
            return 1.0
        return multivariate_normal(means[component][seen], covariances[component][np.ix_(seen, seen)]).pdf(value[seen])

    table = TABLES[id(bare)]
    terms = np.array(
        [
            [table[j] * np.prod([density(c, row[site]) for site, c in enumerate(j)]) for j in np.ndindex(table.shape)]
            for row in data
        ]
    )
    np.testing.assert_allclose(model.probability(data), terms.sum(axis=1), rtol=1e-10)
    for site, found in enumerate(model.posteriors(data)):
        for row, weights in enumerate(terms):
            expected = marginal_of(weights.reshape(table.shape), [site]) / weights.sum()
            np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(model.marginal([0]), marginal_of(table, [0]), rtol=1e-12)
    assert model.sample(3).shape == ((3, model.sites) if features == 1 else (3, model.sites, features))


def with_densities(model, densities):
    if isinstance(model, LatentTree):
        return LatentTree(model.root, model.prior, model.edges, model.variables, densities=densities)
    fields = {
        LatentClass: ("weights", "components"),
        HiddenMarkov: ("initial", "transition", "emission", "length"),
        TensorialMixture: ("prior", "levels"),
        Hierarchical: ("nodes",),
    }[type(model)]
    return type(model)(*(getattr(model, field) for field in fields), densities=densities)


def test_samples_of_gaussian_components():
    model = LatentClass([0.25, 0.75], [[[1, 0], [0, 1]]], densities=Gaussians([-5, 5], [1, 4]))
    drawn = model.sample(20000, 0)[:, 0]
    assert np.mean(drawn < 0) == pytest.approx(0.25 * norm.cdf(5) + 0.75 * norm.cdf(-2.5), abs=0.02)
    assert drawn[drawn > 0].std() == pytest.approx(2, abs=0.1)


def test_equal_gaussian_components_count_once():
    bare = TensorialMixture.random(2, 3, 3, 0, fractions=True)
    table = probability_table(bare)
    merged = np.array([[1, 0], [0, 1], [1, 0]])
    for site in range(4):
        table = np.moveaxis(np.tensordot(table, merged, axes=(site, 0)), -1, site)
    partition = Bipartition.halves(4)
    for means, expected in (
        ([0, 1, 2], 3),
        ([0, 1, 0], flint_rank(FIELD.image(unfolding(table, [0, 1])), FIELD.prime)),
        ([4, 4, 4], 1),
    ):
        model = with_densities(bare, Gaussians(means, [1, 1, 1]))
        assert separation_rank(model, partition).value == expected
        assert separation_rank(model, Bipartition((0,), (1, 2, 3))).value == len(set(means))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[0, 0]], r"the data has the shape \(1, 2\); expected \(rows, 3\)"),
        ([0, 0, 0], r"the data has the shape \(3,\); expected \(rows, 3\)"),
        ([["a", "b", "c"]], "entries of type <U1 were given as the data; expected numbers"),
        ([[0, 0, 0], [0, 0]], "lists of unequal lengths were given as the data; expected rows of equal length"),
        ([[0, 0, 0], [0, 2, 0]], "row 1 of the data has 2 for variable 1; expected a whole number from 0 to 1, or -1"),
        ([[-2, 0, 0]], "row 0 of the data has -2 for variable 0"),
        ([[0, 0.5, 0]], "row 0 of the data has 0.5 for variable 1"),
        ([[0, float("inf"), 0]], "row 0 of the data has inf for variable 1"),
    ],
)
def test_data_that_is_none(data, message):
    with pytest.raises(TensorRankError, match=message):
        LatentClass.random([2, 2, 2], 2, 0).log_density(data)


def test_integers_of_gaussian_variables_are_floats():
    model = LatentClass([1], [[[1]], [[1]]], densities=Gaussians([0], [1]))
    np.testing.assert_allclose(model.log_density([[0, 1]]), norm.logpdf([0, 1]).sum())
    with pytest.raises(TensorRankError, match=r"the shape \(1, 2, 2\); expected \(rows, 2\)"):
        model.log_density(np.zeros((1, 2, 2)))


def test_rows_of_density_zero_have_no_posterior():
    model = LatentClass([1], [[[1, 0]], [[0.5, 0.5]]])
    np.testing.assert_array_equal(model.log_density([[1, 0], [0, 0]]), [-np.inf, np.log(0.5)])
    with pytest.raises(TensorRankError, match="row 1 has density 0; expected values that are possible together"):
        model.posteriors([[0, 0], [1, 0]])


@pytest.mark.parametrize("sites", [[0, 0], [3]])
def test_marginals_of_no_such_variables(sites):
    with pytest.raises(TensorRankError, match=r"the variables .* were given; expected different ones of 0 to 2"):
        LatentClass.random([2, 2, 2], 2, 0).marginal(sites)


def test_counts_of_samples():
    with pytest.raises(TensorRankError, match="n is 0; expected"):
        LatentClass.random([2, 2], 2, 0).sample(0)


@pytest.mark.parametrize(
    ("densities", "message"),
    [
        (Gaussians([0, 1, 2], [1, 1, 1]), "Gaussians of 3 components were given for 2 variables of 2 components"),
        (Gaussians(np.zeros((3, 2, 1)), np.ones((3, 2, 1))), "2 components for 3 variables were given for 2 variables"),
        ([0, 1], r"densities are \[0, 1\]; expected Gaussians"),
    ],
)
def test_densities_that_do_not_match(densities, message):
    with pytest.raises(TensorRankError, match=message):
        LatentClass([1], [[[0.5, 0.5]], [[0.5, 0.5]]], densities=densities)


@st.composite
def parents(draw, most=7):
    nodes = draw(st.integers(1, most))
    return [draw(st.integers(0, node)) for node in range(nodes)]


@settings(max_examples=30, deadline=None)
@given(parents(), st.integers(1, 2), st.integers(1, 2), st.integers(0, 2**20), st.booleans())
def test_random_trees(parents, states, symbols, seed, exact):
    tree = LatentTree.random(parents, states, symbols, seed, fractions=exact)
    table = probability_table(tree)
    rows = all_states(tree.shape)
    found = tree.probability(rows)
    if exact:
        assert list(found) == list(table.ravel())
    np.testing.assert_allclose(np.exp(tree.log_density(rows)), table.ravel().astype(float), rtol=1e-12)
    np.testing.assert_allclose(tree.to_network().contract().astype(float), table.astype(float), rtol=1e-12)
    site = seed % tree.sites
    np.testing.assert_allclose(tree.marginal([site]), marginal_of(table.astype(float), [site]), rtol=1e-12)
    found = tree.posteriors(np.full((1, tree.sites), -1))
    np.testing.assert_allclose(found[site][0], marginal_of(table.astype(float), [site]), rtol=1e-12)

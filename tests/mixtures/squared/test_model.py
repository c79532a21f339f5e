"""Squared mixtures against their definition, summed over everything hidden, and against other models."""

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest
from command_line import invoked
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states, latent_tree_table, marginal_of, squared_table, unfolding
from oracles import flint_rank
from scipy.stats import chisquare

import tensorrank as tr
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.networks.tensor_train import TensorTrain

FIELD = PrimeField(8388593)
# Trees as parents of nodes 1, 2, ...: a star, a chain, a balanced tree, and a tree with a node of one child.
TREES = ([0, 0, 0], [0, 1, 0, 1, 2], [0, 0, 1, 1, 2, 2], [0, 1, 1, 2])


@st.composite
def models(draw, fractions=True):
    parents = draw(st.sampled_from(TREES))
    hidden = sorted({f"z{parent}" for parent in parents})
    summed = draw(st.lists(st.sampled_from(hidden), unique=True))
    states, symbols, seed = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2**32))
    return SquaredMixture.random(parents, states, symbols, seed, summed=summed, fractions=fractions)


@settings(max_examples=40, deadline=None)
@given(models(), st.data())
def test_probabilities_and_ranks_over_fractions_are_those_of_the_definition(model, data):
    table = squared_table(model)
    rows = all_states(model.shape)
    assert (model.probability(rows) == table.ravel()).all()
    assert model.probability(np.full((1, model.sites), -1)).tolist() == [1]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(model.log_density(rows), np.log(table.astype(float).ravel()), atol=1e-6)
    sites = data.draw(st.lists(st.integers(0, model.sites - 1), min_size=1, max_size=model.sites - 1, unique=True))
    split = tr.Bipartition.of(model.sites, sites)
    rank = flint_rank(FIELD.image(unfolding(table, split.a)), FIELD.prime)
    assert tr.separation_rank(model, split).value == rank <= model.architecture().rank_bound(split)


@settings(max_examples=20, deadline=None)
@given(models(fractions=False), st.integers(0, 2**32))
def test_marginals_and_conditionals_in_floats_are_those_of_the_definition(model, seed):
    table = squared_table(model)
    rng = np.random.default_rng(seed)
    sites = rng.permutation(model.sites)[: rng.integers(1, model.sites + 1)].tolist()
    np.testing.assert_allclose(model.marginal(sites), marginal_of(table, sites), atol=1e-12)
    rows = np.where(rng.random((6, model.sites)) < 0.5, rng.integers(0, model.shape, (6, model.sites)), -1)
    found = model.posteriors(rows)
    for number, row in enumerate(rows):
        known = table[tuple(slice(None) if value < 0 else slice(value, value + 1) for value in row)]
        for site, posterior in enumerate(found):
            expected = np.zeros(model.shape[site])
            seen = known.sum(axis=tuple(other for other in range(model.sites) if other != site)) / known.sum()
            expected[slice(None) if row[site] < 0 else slice(row[site], row[site] + 1)] = seen
            np.testing.assert_allclose(posterior[number], expected, atol=1e-9)


@pytest.mark.parametrize("states", [2, 3])
def test_the_rank_at_an_edge_is_at_most_and_generically_the_number_of_pairs(states):
    chain = SquaredMixture.random([*range(7), *range(8)], states, 2, 0)
    found = tr.separation_rank(chain, "halves")
    assert (found.value, found.standing) == (chain.pairs_at("z4"), "exact")
    assert found.value == states * (states + 1) // 2
    summed = SquaredMixture.random([*range(7), *range(8)], states, 2, 0, summed=["z4"])
    assert tr.separation_rank(summed, "halves").value == summed.pairs_at("z4") == states


def test_the_bound_is_missed_where_functions_of_a_side_have_products_that_depend_on_each_other():
    """The amplitude 1 - a.b has the functions 1, a_1, ..., a_n of a, and a_i^2 = a_i: n pairs tell nothing new."""
    for pairs in (1, 2, 3, 4):
        model = SquaredMixture.unique_disjointness(pairs)
        found = tr.separation_rank(model, "interleaved")
        assert found.value == 1 + pairs + pairs * (pairs - 1) // 2
        assert found.value < model.pairs_at("z") == (pairs + 1) * (pairs + 2) // 2


def test_unique_disjointness_is_its_definition():
    rows = all_states((2,) * 6)
    amplitudes = 1 - (rows[:, ::2] * rows[:, 1::2]).sum(axis=1)
    expected = [Fraction(int(one), int((amplitudes**2).sum())) for one in amplitudes**2]
    assert SquaredMixture.unique_disjointness(3).probability(rows).tolist() == expected


def test_a_train_squared_is_its_born_machine():
    train = TensorTrain.random((2, 3, 2, 2), (2, 3, 2), seed=0)
    dense = train.to_network().contract().astype(float) ** 2
    model = SquaredMixture.of_train(train)
    np.testing.assert_allclose(
        model.probability(all_states(model.shape)).astype(float), dense.ravel() / dense.sum(), rtol=1e-12
    )
    assert [tr.separation_rank(model, list(range(cut))).value for cut in (1, 2, 3)] == [2, 4, 2]
    assert [model.pairs_at(f"bond {bond}") for bond in range(3)] == [3, 6, 3]


def test_a_matrix_product_state_of_quimb_gives_the_same_probabilities():
    quimb = pytest.importorskip("quimb.tensor")
    state = quimb.MPS_rand_state(6, 3, phys_dim=2, dtype="float64", seed=1)
    state.permute_arrays("lpr")
    cores = [np.asarray(array, dtype=float) for array in state.arrays]
    cores[0], cores[-1] = cores[0][None], cores[-1][:, :, None]
    model = SquaredMixture.of_train(TensorTrain(cores))
    dense = np.abs(state.to_dense().ravel()) ** 2
    np.testing.assert_allclose(model.probability(all_states((2,) * 6)), dense / dense.sum(), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(model.marginal([4]), (dense / dense.sum()).reshape((2,) * 6).sum(axis=(0, 1, 2, 3, 5)))


def test_a_sum_of_squares_is_the_mean_of_its_squares():
    first, second = (SquaredMixture.random([0, 0, 0], 2, 2, seed, fractions=True) for seed in (0, 1))
    weights = [Fraction(1, 3), Fraction(2, 3)]
    joint = [
        ("k", "z", np.array([[*first.prior, 0, 0], [0, 0, *second.prior]])),
        *(("z", site, np.concatenate([first.table(site), second.table(site)])) for site in range(3)),
    ]
    rows = all_states((2, 2, 2))
    unscaled = [squared.probability(rows) * _total(squared) for squared in (first, second)]
    model = SquaredMixture("k", weights, joint, summed=["k"])
    expected = weights[0] * unscaled[0] + weights[1] * unscaled[1]
    assert (model.probability(rows) == expected / expected.sum()).all()
    posterior = model.hidden_posteriors(rows)["k"][:, 0]
    np.testing.assert_allclose(posterior, (weights[0] * unscaled[0] / expected).astype(float), rtol=1e-12)


def _total(model):
    """The sum of all squares, by brute force."""
    total = Fraction(0)
    for x in itertools.product(*map(range, model.shape)):
        amplitude = sum(
            model.prior[state] * np.prod([model.table(site)[state, value] for site, value in enumerate(x)])
            for state in range(len(model.prior))
        )
        total += amplitude**2
    return total


def test_a_locally_purified_chain_of_square_roots_is_the_hidden_markov_model():
    """Glasser et al. 2019: with a copy of each hidden state that is summed, amplitudes are square roots."""
    chain = tr.HiddenMarkov.random(2, 3, 4, 0, fractions=True)
    purified = tr.reduce(chain, "squared")
    assert purified.summed == purified.latents
    assert (purified.probability(all_states(chain.shape)) == chain.probability(all_states(chain.shape))).all()
    assert tr.reduce(purified, "latent_tree") == tr.reduce(chain, "latent_tree")


def test_samples_follow_the_probabilities():
    model = SquaredMixture.random([0, 1, 1, 0, 2, 2], 3, 2, 3, summed=["z1"])
    rows = model.sample(20_000, random_state=5)
    seen = np.zeros(model.shape)
    np.add.at(seen, tuple(rows.T), 1)
    assert chisquare(seen.ravel(), 20_000 * squared_table(model).ravel()).pvalue > 1e-3
    assert (model.sample(7, random_state=5) == model.sample(7, random_state=5)).all()


def test_values_of_amplitude_zero_are_never_sampled():
    rows = SquaredMixture.unique_disjointness(3).sample(2_000)
    assert ((rows[:, ::2] * rows[:, 1::2]).sum(axis=1) != 1).all()


def test_the_most_probable_completions_are_those_of_the_table():
    model = SquaredMixture.random([0, 1, 0, 1, 2], 2, 3, 1)
    table = squared_table(model)
    found = model.most_probable_explanation([[-1, -1, -1], [1, -1, -1], [0, 2, 1]])
    assert found.proved.all()
    np.testing.assert_allclose(np.exp(found.log_densities), [table.max(), table[1].max(), table[0, 2, 1]])
    assert tuple(found.rows[0]) == np.unravel_index(table.argmax(), table.shape)
    few = model.most_probable_explanation([[-1, -1, -1]], nodes=1)
    assert few.log_densities[0] <= np.log(table.max()) + 1e-12
    assert few.log_bounds[0] >= np.log(table.max()) - 1e-12


def test_a_mixture_of_summed_variables_is_a_latent_tree_in_everything():
    edges = [("z", "y", [[3, 1], [2, 2]]), ("y", 0, [[1, 4], [2, 0]]), ("z", 1, [[1, 1], [5, 3]])]
    model = SquaredMixture("z", [2, 1], edges, summed=["z", "y"])
    tree = tr.reduce(model, "latent_tree")
    rows = all_states((2, 2))
    assert (tree.probability(rows) == squared_table(model).ravel()).all()
    assert (latent_tree_table(tree) == squared_table(model)).all()
    assert (model.viterbi(rows).states == tree.viterbi(rows).states).all()
    for name, posterior in tree.hidden_posteriors(rows).items():
        np.testing.assert_allclose(model.hidden_posteriors(rows)[name], posterior, rtol=1e-12)


def test_states_of_weight_zero_are_left_out_of_the_tree():
    model = SquaredMixture("z", [1, 0], [("z", 0, [[1, 3], [0, 0]])], summed=["z"])
    assert tr.reduce(model, "latent_tree").probability([[1]]).tolist() == [Fraction(3, 4)]


def test_floats_that_sum_to_one_are_taken_as_given_and_others_divided():
    half = np.sqrt([[0.5, 0.5]])
    given_as_is = SquaredMixture("z", [1.0], [("z", 0, half), ("z", 1, half)])
    assert given_as_is.coefficients().tensors[0].array.tolist() == [1]
    np.testing.assert_allclose(SquaredMixture("z", [1.0], [("z", 0, [[3.0, 4.0]])]).probability([[0], [1]]), [0.36, 0.64])


PAIR = [("z", 0, [[1, 0], [0, 1]]), ("z", 1, [[1, 1], [1, -1]])]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            ("z", [1, 1], PAIR),
            {"summed": ["y"]},
            r"summed are \('y',\); expected different ones of the hidden variables \['z'\]",
        ),
        (("z", [1, 1], PAIR), {"summed": [0]}, "expected different ones of the hidden variables"),
        (("z", [1, 1], PAIR), {"summed": 3}, "summed is 3; expected names of hidden variables"),
        (("z", [1, 1], PAIR), {"summed": ["z"]}, "the table of the edge to 1, which holds weights .*nonnegative numbers"),
        (("z", [1, -1], PAIR[:1]), {"summed": ["z"]}, "the prior of the root, which holds weights .* is -1 at state 1"),
        (("z", [1, -1], [("z", 0, [[1, 2], [1, 2]])]), {}, "the squares of the amplitudes sum to 0 over all values"),
        (("z", [1, float("nan")], PAIR), {}, "the prior of the root is nan at state 1; expected finite numbers"),
        (("z", [1], PAIR), {}, "has 2 rows; expected one for each of the 1 states of 'z'"),
        (("z", [1, 1], PAIR), {"densities": tr.Gaussians([0, 1], [1, 1])}, "densities were given for a squared mixture"),
    ],
)
def test_what_makes_no_squared_mixture_is_refused(arguments, options, message):
    with pytest.raises(TensorRankError, match=message):
        SquaredMixture(*arguments, **options)


def test_what_squared_mixtures_do_not_have_is_refused_in_a_sentence():
    model = SquaredMixture("z", [1, 1], PAIR)
    with pytest.raises(TensorRankError, match="1 of 1 hidden variables are not summed, so that their states have amplitudes"):
        model.viterbi([[0, 0]])
    with pytest.raises(TensorRankError, match="a squared mixture was given, whose tables have signs"):
        tr.approximate(model, 1)
    with pytest.raises(AttributeError, match="squared mixtures are not fitted"):
        SquaredMixture.fit([[0, 0]])
    with pytest.raises(TensorRankError, match="row 1 has density 0; expected values that are possible together"):
        tr.SquaredMixture.unique_disjointness(1).posteriors([[0, 0], [1, 1]])
    with pytest.raises(TensorRankError, match="core 0 has the shape"):
        SquaredMixture.of_train([1])
    gaussian = tr.LatentClass([1], [[[1]]], densities=tr.Gaussians([0], [1]))
    with pytest.raises(TensorRankError, match="a model with Gaussian components cannot become a squared mixture"):
        tr.reduce(gaussian, "squared")


def test_what_has_no_small_form_without_signs_is_answered_by_a_rank():
    model = SquaredMixture.random([*range(15), *range(16)], 2, 2, 0)
    found = tr.reduce(model, "latent_class", limit=5_000)
    assert isinstance(found, tr.Obstruction)
    assert (found.states, found.unfolding.a) == (2**8, tuple(range(0, 16, 2)))
    back = tr.reduce(tr.SumProduct.perfect_matchings(10, 2, seed=0), "squared", limit=1_000)
    assert isinstance(back, tr.Obstruction)
    # As few states as have so many pairs.
    assert back.states * (back.states + 1) // 2 >= back.unfolding.rank > back.states * (back.states - 1) // 2
    assert "at most r (r + 1) / 2 of r states" in back.theorem


def test_a_small_one_becomes_every_other_kind_and_back():
    model = SquaredMixture.random([0, 0, 1, 1, 2, 2], 2, 2, 0, fractions=True)
    rows = all_states(model.shape)
    for kind in ("latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "hierarchical", "sum_product"):
        reduced = tr.reduce(model, kind)
        report = tr.check_reduction(model, reduced)
        assert (report.equal, report.over_fields) == (True, True)
        assert report.size_after <= report.bound
        assert (reduced.probability(rows) == model.probability(rows)).all()


def test_two_that_differ_are_told_apart_in_floats():
    model = SquaredMixture.random([0, 0, 1, 1, 2, 2], 2, 2, 0)
    reduced = tr.reduce(model, "latent_class")
    report = tr.check_reduction(model, reduced)
    assert (report.equal, report.identical) == (True, False)
    weights = np.array(reduced.weights)
    weights[:2] += 1e-6, -1e-6
    other = tr.LatentClass(weights, reduced.components)
    assert tr.check_reduction(model, other).equal is False


def test_work_and_memory_are_checked_before_they_are_taken():
    wide = SquaredMixture.random([0, 1, 0, 1], 400, 2, 0)
    with pytest.raises(TensorRankError, match=r"the tables of pairs of states of .* would take .* Try fewer states"):
        _ = wide.circuit
    with pytest.raises(TensorRankError, match=r"passes over the pairs of states of .* would take .* Try fewer states"):
        SquaredMixture("z", np.ones(3_000), [("z", site, np.ones((3_000, 2))) for site in range(3)])


def test_floats_whose_rank_is_one_of_rounding_are_told():
    edges = [("z", site, [[0.1, 0.2], [0.1, 0.2 * (1 + 3e-16)]]) for site in range(4)]
    found = tr.separation_rank(SquaredMixture("z", [1.0, 1.0], edges), "halves")
    assert (found.value, found.numerical.value) == (3, 1)


def test_the_command_line_shows_ranks_and_reduces_a_file(tmp_path):
    model = SquaredMixture.random([0, 0, 1, 1, 2, 2], 2, 2, 0, summed=["z1"], fractions=True)
    tr.save(model, tmp_path / "s.json")
    shown = invoked(("show", tmp_path / "s.json"), catch_exceptions=False).stdout
    assert shown.splitlines()[0] == "SquaredMixture(4 variables, 3 hidden of at most 2 states, 1 of them summed)"
    assert "summed          1 of 3 hidden variables" in shown
    assert "rank at most    2 (halves), 4 (interleaved)" in shown
    done = invoked(("reduce", tmp_path / "s.json", "--to", "latent_tree", "-o", tmp_path / "t.json"), catch_exceptions=False)
    assert "squared -> latent_tree: size 26 entries -> 72 entries" in done.stdout
    rows = all_states(model.shape)
    assert (tr.load(tmp_path / "t.json").probability(rows) == model.probability(rows)).all()
    ranked = invoked(("rank", tmp_path / "s.json", "--partition", "interleaved", "--json"), catch_exceptions=False)
    assert json.loads(ranked.stdout)["value"] == 4

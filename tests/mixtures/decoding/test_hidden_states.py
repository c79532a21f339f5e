"""Posteriors and most probable states of hidden variables, against all states of small models and against hmmlearn."""

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM, GaussianHMM
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.decoding.every_state import all_hidden, counts_of, posteriors_of
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

COMPONENTS = Gaussians([[[-1.0], [2.0]], [[0.0], [1.0]], [[3.0], [3.5]], [[-2.0], [0.5]]], np.ones((4, 2, 1)) * 0.7)
MODELS = {
    "chain": HiddenMarkov.random(3, 4, 4, 0),
    "chain with tables for each step": HiddenMarkov.random(3, 2, 4, 1, homogeneous=False),
    "chain of a single step": HiddenMarkov.random(3, 4, 1, 2),
    "Gaussian chain": HiddenMarkov([0.3, 0.7], [[0.9, 0.1], [0.2, 0.8]], np.eye(2), 4, densities=Gaussians([-1, 2], [1, 2])),
    "chain of mixed components": HiddenMarkov.random(3, 2, 4, 3).replaced(lambda table: table, COMPONENTS),
    "latent class": LatentClass.random([2, 3, 4], 5, 4),
    "latent class of fractions": LatentClass.random([2, 3, 4], 5, 4, fractions=True),
    "latent tree": LatentTree.random([0, 0, 1, 1, 2, 2, 2], 3, 2, 5),
    "tensorial mixture": TensorialMixture.random(2, 3, 4, 6),
    "tensorial mixture of shared tables": TensorialMixture.random(3, 2, 3, 7, shared=True),
    "hierarchical": Hierarchical.random([2, 3, 2, 2], 2, 8),
}


def rows_of(model, rng, count=6, missing=0.3):
    rows = model.sample(count, rng).astype(float)
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows


def codes(model, row):
    """The row with -1 for missing values of categorical variables."""
    return row if model.densities is not None else np.where(np.isnan(row), -1, row).astype(int)


def assert_decoded(model, rows):
    """Posteriors and paths by definition. Of paths that are equally probable in exact arithmetic any may be found."""
    posteriors, decoded = model.hidden_posteriors(rows), model.viterbi(rows)
    counts = counts_of(model)
    assert list(posteriors) == list(counts) == list(decoded.names)
    for number, row in enumerate(rows):
        expected = posteriors_of(model, codes(model, row))
        for name, probabilities in expected.items():
            np.testing.assert_allclose(posteriors[name][number], probabilities, rtol=1e-9, atol=1e-12)
        weights = {tuple(states.values()): weight for states, weight in all_hidden(model, codes(model, row))}
        found = weights[tuple(decoded.states[number])]
        assert found == pytest.approx(max(weights.values()), rel=1e-9)
        assert np.exp(decoded.log_probabilities[number]) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_posteriors_and_states_are_those_of_the_definition(name):
    model = MODELS[name]
    assert_decoded(model, rows_of(model, np.random.default_rng(0)))
    assert_decoded(model, np.full((1, model.sites), np.nan))


@settings(max_examples=60, deadline=None)
@given(trees(most_nodes=7, zeros=0.2), st.integers(0, 2**32), st.sampled_from([0, 0.3, 0.8]))
def test_trees_of_any_shape(tree, seed, missing):
    assert_decoded(tree, rows_of(tree, np.random.default_rng(seed), 3, missing))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 4))
def test_formats_with_functions_that_are_no_distributions(seed, rank, sites):
    rng = np.random.default_rng(seed)
    plain = Hierarchical.random([2] * sites, rank, seed) if sites > 1 else Hierarchical.random([2, 1], rank, seed)
    scales = [10.0 ** rng.uniform(-3, 3, rank) for _ in plain.nodes[:-1]] + [np.ones(1)]
    nodes = []
    for node, scale in zip(plain.nodes, scales, strict=True):
        table = node.table * scale.reshape(-1, *[1] * (node.table.ndim - 1))
        for place, child in enumerate(node.children):
            table = table / scales[child].reshape([-1 if axis == place + 1 else 1 for axis in range(table.ndim)])
        nodes.append(type(node)(node.variable, table) if not node.children else type(node)(node.children, table))
    model = Hierarchical(tuple(nodes))
    assert_decoded(model, rows_of(model, rng, 3))


def theirs(kind, model, **options):
    made = kind(model.states, init_params="", **options)
    made.startprob_, made.transmat_ = np.array(model.initial), np.array(model.transition)
    return made


def log_joint(model, row, states):
    steps = np.arange(1, len(row))
    logs = [np.log(model.initial[states[0]]), *np.log(model.transition[states[steps - 1], states[steps]])]
    return sum(logs) + np.log(model.emission[states, row]).sum()


def test_categorical_chains_as_hmmlearn_decodes_them():
    model = HiddenMarkov.random(5, 4, 30, 0)
    rows = model.sample(50, 1)
    made = theirs(CategoricalHMM, model)
    made.emissionprob_, made.n_features = np.array(model.emission), 4
    decoded = model.viterbi(rows)
    for row, states, log in zip(rows, decoded.states, decoded.log_probabilities, strict=True):
        their_log, their_states = made.decode(row[:, None])
        # Where other states differ, both paths are equally probable: states in another order.
        assert log_joint(model, row, states) == pytest.approx(log_joint(model, row, their_states), rel=1e-13)
        assert log == pytest.approx(their_log, rel=1e-12)
    found = np.stack(list(model.hidden_posteriors(rows).values()), axis=1)
    expected = made.predict_proba(rows.reshape(-1, 1), [30] * 50).reshape(50, 30, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_sequences_of_different_lengths_are_filled_up_with_missing_values():
    model = HiddenMarkov.random(3, 4, 9, 0)
    rng = np.random.default_rng(0)
    rows, lengths = model.sample(40, 1), rng.integers(1, 10, 40)
    rows[np.arange(9) >= lengths[:, None]] = -1
    made = theirs(CategoricalHMM, model)
    made.emissionprob_, made.n_features = np.array(model.emission), 4
    posteriors = np.stack(list(model.hidden_posteriors(rows).values()), axis=1)
    for row, length, found in zip(rows, lengths, posteriors, strict=True):
        np.testing.assert_allclose(found[:length], made.predict_proba(row[:length, None]), rtol=1e-9, atol=1e-12)


def test_paths_of_sequences_of_different_lengths_are_those_of_hmmlearn():
    """The path of a sequence ends with it: no state behind the end has a part in what is most probable."""
    rng, lengths = np.random.default_rng(0), [4, 1, 9, 4, 30, 2]
    for seed in range(20):
        model = HiddenMarkov.random(3, 4, 9, seed)
        made = theirs(CategoricalHMM, model)
        made.emissionprob_, made.n_features = np.array(model.emission), 4
        samples = rng.integers(0, 4, (sum(lengths), 1))
        their_log, their_states = made.decode(samples, lengths)
        found = model.viterbi(samples, lengths=lengths)
        behind = np.arange(30) >= np.array(lengths)[:, None]
        assert found.log_probabilities.sum() == pytest.approx(their_log, rel=1e-12)
        # Other states are as probable: the same transitions in another order.
        ends = np.cumsum(lengths)[:-1]
        parts = (np.split(one, ends) for one in (samples[:, 0], found.states[~behind], their_states))
        for row, ours, other in zip(*parts, strict=True):
            assert log_joint(model, row, ours) == pytest.approx(log_joint(model, row, other), rel=1e-13)
        assert (found.states[behind] == -1).all()
        assert found.names[-1] == "z29"


@pytest.mark.parametrize("covariances", [np.ones((5, 2, 3)), np.array([[np.eye(3)] * 2] * 5)], ids=["variances", "matrices"])
def test_models_of_the_first_steps(covariances):
    """Sums over the steps behind leave the density of the first ones."""
    rng = np.random.default_rng(0)
    by_step = HiddenMarkov.random(2, 2, 5, 0, homogeneous=False)
    models = [by_step, by_step.replaced(lambda table: table, Gaussians(rng.normal(size=(5, 2, 3)), covariances))]
    for model in models:
        rows = model.sample(4, 0).astype(float)
        for length in (1, 3, 5):
            cut = rows.copy()
            cut[:, length:] = np.nan
            np.testing.assert_allclose(model.of_length(length).log_density(rows[:, :length]), model.log_density(cut))
    shared = HiddenMarkov.random(2, 2, 5, 0)
    assert shared.of_length(5) is shared
    assert shared.of_length(50).sites == 50
    for model in models:
        with pytest.raises(TensorRankError, match="length is 6; expected a whole number from 1 to 5"):
            model.of_length(6)
    with pytest.raises(TensorRankError, match="lengths sum to 3, and there are 2 samples"):
        shared.viterbi([[0], [1]], lengths=[3])
    with pytest.raises(TensorRankError, match="lengths are 2; expected a list of whole numbers"):
        shared.viterbi([[0], [1]], lengths=2)


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_gaussian_chains_as_hmmlearn_decodes_them(covariance):
    rng = np.random.default_rng(0)
    means = rng.normal(size=(3, 2)) * 2
    matrices = np.array([np.eye(2) + 0.3 * (covariance == "full") * (1 - np.eye(2))] * 3)
    spreads = matrices if covariance == "full" else np.ones((3, 2))
    plain = HiddenMarkov.random(3, 3, 25, 4)
    model = HiddenMarkov(plain.initial, plain.transition, np.eye(3), 25, densities=Gaussians(means, spreads))
    rows = model.sample(20, 1)
    made = theirs(GaussianHMM, model, covariance_type=covariance)
    made.means_, made.covars_ = means, spreads
    decoded, posteriors = model.viterbi(rows), np.stack(list(model.hidden_posteriors(rows).values()), axis=1)
    for row, states, log, found in zip(rows, decoded.states, decoded.log_probabilities, posteriors, strict=True):
        their_log, their_states = made.decode(row)
        np.testing.assert_array_equal(states, their_states)
        assert log == pytest.approx(their_log, rel=1e-12)
        np.testing.assert_allclose(found, made.predict_proba(row), rtol=1e-9, atol=1e-12)


def test_of_equally_probable_states_the_lowest_are_chosen_from_the_first_step_on():
    """Powers of two are multiplied without rounding, so that ties are ties."""
    half = [[0.5, 0.5], [0.5, 0.5]]
    even = HiddenMarkov([0.5, 0.5], half, half, 40)
    np.testing.assert_array_equal(even.viterbi(np.zeros((2, 40), dtype=int)).states, 0)
    # Both ways round a cycle, and both ways back, are equally probable.
    turns = HiddenMarkov(
        [0.25] * 4, [[0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0]], np.eye(2)[[0, 1, 1, 1]], 4
    )
    assert turns.viterbi([[0, -1, -1, 1]]).states.tolist() == [[0, 1, 0, 1]]
    # Two ways to take the same transitions in another order, whose products are rounded otherwise.
    order = HiddenMarkov([1, 0], [[0.3, 0.7], [0.9, 0.1]], np.eye(2), 4)
    assert order.viterbi([[-1, -1, -1, 0]]).states.tolist() == [[0, 0, 1, 0]]
    tree = LatentTree("r", [0.5, 0.5], [("r", "a", half), ("r", "b", half), ("a", 0, half), ("b", 1, half)])
    assert tree.viterbi([[1, 0]]).states.tolist() == [[0, 0, 0]]
    assert even.viterbi(np.zeros((1, 40))).log_probabilities == pytest.approx(80 * np.log(0.5))


def test_a_row_of_density_0_has_no_states_and_no_posteriors():
    model = HiddenMarkov([1.0, 0.0], np.eye(2), np.eye(2), 3)
    decoded = model.viterbi([[0, 0, 0], [0, 1, 0], [0, -1, -1]])
    np.testing.assert_array_equal(decoded.log_probabilities, [0, -np.inf, 0])
    np.testing.assert_array_equal(decoded.states, [[0, 0, 0], [-1, -1, -1], [0, 0, 0]])
    with pytest.raises(TensorRankError, match="row 1 has density 0; expected values that are possible together"):
        model.hidden_posteriors([[0, 0, 0], [0, 1, 0]])
    assert model.viterbi(np.empty((0, 3))).states.shape == (0, 3)
    assert model.hidden_posteriors(np.empty((0, 3)))["z1"].shape == (0, 2)


def test_long_series_and_states_of_tiny_probability():
    """State 1 is 1e-360 beside state 0 until a last step that only state 1 can take."""
    never = [[1.0, 0.0], [0.0, 1.0]]
    model = HiddenMarkov([0.5, 0.5], never, ([[1.0, 0.0], [1e-3, 0.999]],) * 120 + ([[0.0, 1.0], [0.25, 0.75]],))
    rows = np.zeros((2, 121), dtype=int)
    rows[1, -1] = 1
    decoded = model.viterbi(rows)
    np.testing.assert_array_equal(decoded.states, [[1] * 121, [0] * 121])
    np.testing.assert_allclose(decoded.log_probabilities, [np.log(0.125) + 120 * np.log(1e-3), np.log(0.5)], rtol=1e-12)
    found = model.hidden_posteriors(rows)["z0"]
    np.testing.assert_allclose(found, [[0, 1], [1, 0.75 * 1e-3**120]], rtol=1e-9, atol=1e-300)


def test_the_nodes_of_a_network_that_are_part_of_a_row():
    """A mixture of two products as a network: its classes are its products."""
    tables = [[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.3, 0.7]]]
    classes = LatentClass([0.4, 0.6], tables)
    leaves = {f"{c}{x}": {"variable": x, "distribution": tables[x][c]} for x in (0, 1) for c in (0, 1)}
    network = _network(leaves, [0.4, 0.6])
    rows = np.array([[0, 0], [1, 1], [0, -1]])
    posteriors, expected = network.hidden_posteriors(rows), classes.hidden_posteriors(rows)["class"]
    found = np.concatenate([posteriors["p0"], posteriors["p1"]], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    decoded = network.viterbi(rows)
    np.testing.assert_array_equal(decoded.of("p1"), np.where(classes.viterbi(rows).states[:, 0] == 1, 0, -1))
    np.testing.assert_allclose(decoded.log_probabilities, classes.viterbi(rows).log_probabilities, rtol=1e-12)


def _network(leaves, weights):
    nodes = {name: LeafNode(one["variable"], one["distribution"]) for name, one in leaves.items()}
    nodes |= {f"p{c}": ProductNode((f"{c}0", f"{c}1")) for c in (0, 1)}
    return SumProduct(nodes | {"s": SumNode(("p0", "p1"), weights)}, "s")


def test_what_is_asked_of_a_decoding():
    decoded = LatentTree.random([0, 0, 1, 1], 2, 2, 0).viterbi([[0, 1, 1]])
    assert repr(decoded) == "Decoded(1 row, 2 hidden variables)"
    assert decoded.to_dict()["names"] == ["z0", "z1"]
    with pytest.raises(TensorRankError, match="no hidden variable is named 'z7'; expected one of"):
        decoded.of("z7")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([5, 60, 290]), st.booleans())
def test_probabilities_of_all_sizes(seed, digits, real):
    """Entries down to 1e-290 and zeros, components hundreds of deviations apart: all paths in logarithms."""
    rng = np.random.default_rng(seed)
    states, steps = 3, 5

    def table(*shape):
        drawn = 10.0 ** -rng.uniform(0, digits, shape) * (rng.random(shape) > 0.2)
        drawn[..., rng.integers(shape[-1])] += 1e-3
        return drawn / drawn.sum(axis=-1, keepdims=True)

    means = rng.normal(size=(states, 1)) * digits
    densities = Gaussians(means, np.ones((states, 1))) if real else None
    model = HiddenMarkov(
        table(states), table(states, states), np.eye(3) if real else table(states, 3), steps, densities=densities
    )
    rows = rng.normal(size=(4, steps)) * digits if real else rng.integers(-1, 3, (4, steps))
    paths = np.array(list(np.ndindex(*[states] * steps)))
    with np.errstate(divide="ignore"):
        emitted = [
            -((row - means) ** 2) / 2 - np.log(2 * np.pi) / 2
            if real
            else np.where(row < 0, 0.0, np.log(model.emission)[:, row])
            for row in rows
        ]
        logs = np.log(model.initial)[paths[:, 0]] + np.log(model.transition)[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    decoded = model.viterbi(rows)
    for number, seen in enumerate(emitted):
        joint = logs + seen[paths, np.arange(steps)].sum(axis=1)
        assert decoded.log_probabilities[number] == pytest.approx(joint.max(), rel=1e-11, abs=1e-11)
        if np.isneginf(joint.max()):
            continue
        chosen = (paths == decoded.states[number]).all(axis=1)
        assert joint[chosen][0] == pytest.approx(joint.max(), rel=1e-11, abs=1e-11)
        shares = np.exp(joint - np.logaddexp.reduce(joint))
        for step, found in enumerate(model.hidden_posteriors(rows[number : number + 1]).values()):
            expected = np.bincount(paths[:, step], shares, states)
            np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-290)


def test_a_rare_state_whose_evidence_is_faint_is_found():
    """Its weight times its density, 1e-337, is less than any float, and every other state is impossible."""
    model = LatentClass([1.0, 1e-80], [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 1e-257]]])
    decoded = model.viterbi([[1, 1]])
    assert decoded.states.tolist() == [[1]]
    assert decoded.log_probabilities == pytest.approx(np.log(1e-80) + np.log(1e-257), rel=1e-12)
    np.testing.assert_allclose(model.hidden_posteriors([[1, 1]])["class"], [[0, 1]], rtol=1e-12)
    np.testing.assert_allclose(model.posteriors([[1, -1]])[1], [[1, 1e-257]], rtol=1e-12)
    # A state that cannot be entered has a likelihood beyond all others.
    chain = HiddenMarkov(
        [1.0, 0.0],
        [[1.0, 0.0], [1.0, 0.0]],
        ([[0.5, 0.5], [0.5, 0.5]], [[1.0, 1e-80], [0.0, 1.0]], [[1.0, 1e-257], [0.0, 1.0]]),
    )
    np.testing.assert_allclose(chain.hidden_posteriors([[0, 1, 1]])["z1"], [[1, 0]], rtol=1e-12)
    assert chain.viterbi([[0, 1, 1]]).states.tolist() == [[0, 0, 0]]

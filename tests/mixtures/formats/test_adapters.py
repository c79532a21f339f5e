"""Models of hmmlearn and tensorly, evaluated by those packages and by ours."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import tensorly
from hmmlearn.hmm import CategoricalHMM, GaussianHMM, PoissonHMM
from mixtures.brute_force import all_states
from tensorly.cp_tensor import CPTensor
from tensorly.tt_tensor import TTTensor

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.adapters import from_hmmlearn, from_tensorly
from tensorrank.mixtures.formats.bayesian_networks import from_pgmpy
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass

NAN = float("nan")


def chain(model, states, seed):
    rng = np.random.default_rng(seed)
    model.startprob_, model.transmat_ = rng.dirichlet(np.ones(states)), rng.dirichlet(np.ones(states), states)
    return model, rng


def categorical(states=3, symbols=4, seed=0):
    model, rng = chain(CategoricalHMM(states), states, seed)
    model.emissionprob_ = rng.dirichlet(np.ones(symbols), states)
    model.n_features = symbols
    return model


def gaussian(kind, states=3, features=2, seed=0):
    model, rng = chain(GaussianHMM(states, kind), states, seed)
    model.n_features = features
    model.means_ = rng.normal(size=(states, features))
    factors = rng.normal(size=(states, features, features))
    full = factors @ np.swapaxes(factors, 1, 2) + np.eye(features)
    model.covars_ = {"spherical": full[:, 0, 0], "diag": np.diagonal(full, axis1=1, axis2=2), "full": full, "tied": full[0]}[
        kind
    ]
    return model


def scores(model, data):
    return [model.score(row.reshape(len(row), -1)) for row in data]


@pytest.mark.parametrize("implementation", ["log", "scaling"])
def test_scores_of_a_categorical_model(implementation):
    theirs = categorical()
    theirs.implementation = implementation
    ours = from_hmmlearn(theirs, 12)
    assert ours.homogeneous
    np.testing.assert_array_equal(ours.emission, theirs.emissionprob_)
    data = np.random.default_rng(1).integers(0, 4, (20, 12))
    np.testing.assert_allclose(ours.log_density(data), scores(theirs, data), rtol=1e-12)


def test_a_long_sequence_does_not_underflow():
    theirs = categorical()
    data = np.random.default_rng(1).integers(0, 4, (1, 2000))
    found = from_hmmlearn(theirs, 2000).log_density(data)
    assert found[0] < -2000
    np.testing.assert_allclose(found, scores(theirs, data), rtol=1e-12)


@pytest.mark.parametrize("kind", ["spherical", "diag", "full", "tied"])
@pytest.mark.parametrize("features", [1, 2])
def test_scores_of_gaussian_models(kind, features):
    theirs = gaussian(kind, features=features)
    ours = from_hmmlearn(theirs, 6)
    data = np.random.default_rng(2).normal(size=(10, 6, features))
    np.testing.assert_allclose(ours.log_density(data), scores(theirs, data), rtol=1e-12)
    # The components are the states: responsibilities are posteriors of states.
    found = np.stack(ours.posteriors(data), axis=1)
    np.testing.assert_allclose(found, [theirs.predict_proba(row) for row in data], rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("kind", ["spherical", "diag", "full", "tied"])
@pytest.mark.parametrize("features", [1, 2, 3])
@pytest.mark.parametrize("states", [1, 2, 3])
def test_scores_of_gaussian_models_that_hmmlearn_has_fitted(kind, features, states):
    """hmmlearn keeps fitted spherical variances as (states, features), which its property `covars_` mistakes."""
    data = np.random.default_rng(5).normal(size=(40, features))
    theirs = GaussianHMM(states, kind, n_iter=3, tol=0, random_state=0).fit(data)
    ours = from_hmmlearn(theirs, 40)
    np.testing.assert_allclose(ours.log_density(data.reshape(1, 40, features)), [theirs.score(data)], rtol=1e-11)


def test_covariances_that_are_masked_or_of_another_shape_are_refused():
    theirs = gaussian("spherical")
    theirs._covars_ = np.ones((2, 2))
    with pytest.raises(TensorRankError, match=r"the covars_ of the type 'spherical' have the shape \(2, 2\) beside means_ of"):
        from_hmmlearn(theirs, 3)
    theirs._covars_ = np.ma.array(np.ones((3, 2)), mask=np.eye(3, 2))
    with pytest.raises(TensorRankError, match="an array with 2 masked entries was given as the covars_"):
        from_hmmlearn(theirs, 3)
    del theirs._covars_
    with pytest.raises(TensorRankError, match="the GaussianHMM has no covars_; expected a fitted model"):
        from_hmmlearn(theirs, 3)


def test_components_far_apart():
    theirs = gaussian("diag")
    theirs.means_ = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 200.0]])
    data = np.random.default_rng(3).normal(size=(10, 30, 2)) * 100
    ours = from_hmmlearn(theirs, 30)
    np.testing.assert_allclose(ours.log_density(data), scores(theirs, data), rtol=1e-12)


def test_posteriors_of_an_emission_that_shows_the_state():
    """Next symbol unknown: hmmlearn knows no missing values, but its states are ours one table further."""
    theirs = categorical(states=3, symbols=3)
    theirs.emissionprob_ = np.eye(3)
    ours = from_hmmlearn(theirs, 3)
    found = ours.posteriors([[2, 1, -1]])
    np.testing.assert_allclose(found[2][0], theirs.transmat_[1], rtol=1e-12)
    np.testing.assert_array_equal(found[0][0], theirs.predict_proba([[2], [1]])[0])


def test_a_fitted_model():
    source = categorical(2, 3, 4)
    data, _ = source.sample(400, random_state=0)
    theirs = CategoricalHMM(2, n_iter=5, tol=0, random_state=0).fit(data)
    ours = from_hmmlearn(theirs, 400)
    np.testing.assert_allclose(ours.log_density(data.T), [theirs.score(data)], rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (CategoricalHMM(2), "the CategoricalHMM has no startprob_; expected a fitted model: call fit, or fill"),
        (GaussianHMM(2), "the GaussianHMM has no startprob_"),
        (PoissonHMM(2), "an object of the type PoissonHMM was given; expected a CategoricalHMM or a GaussianHMM"),
        ({"startprob_": [1]}, "an object of the type dict was given"),
    ],
)
def test_what_is_no_model_of_hmmlearn(model, message):
    with pytest.raises(TensorRankError, match=message):
        from_hmmlearn(model, 3)


def test_models_that_were_filled_in_wrongly():
    theirs = categorical()
    theirs.transmat_ = theirs.transmat_ * 0.9
    with pytest.raises(TensorRankError, match=r"the transition table sums to 0\.9"):
        from_hmmlearn(theirs, 3)
    with pytest.raises(TensorRankError, match="length is 0"):
        from_hmmlearn(categorical(), 0)


def test_a_nonnegative_canonical_format():
    rng = np.random.default_rng(0)
    weights, factors = rng.random(4), [rng.random((k, 4)) for k in (2, 3, 4)]
    factors[1][:, 2] = 0
    tensor = CPTensor((weights, factors))
    tensor.weights = weights / tensorly.cp_to_tensor(tensor).sum()
    ours = from_tensorly(tensor)
    assert isinstance(ours, LatentClass)
    assert (ours.classes, ours.shape) == (3, (2, 3, 4))
    expected = tensorly.cp_to_tensor(tensor)
    np.testing.assert_allclose(ours.probability(all_states(ours.shape)), expected.ravel(), rtol=1e-12)


def test_a_canonical_format_of_no_weights():
    tensor = CPTensor((None, [np.array([[0.25, 0.0], [0.0, 0.75]]), np.array([[1.0, 0.5], [0.0, 0.5]])]))
    np.testing.assert_allclose(from_tensorly(tensor).to_network().contract(), [[0.25, 0], [0.375, 0.375]])


def test_a_decomposition_by_tensorly():
    rng = np.random.default_rng(1)
    source = LatentClass.random([3, 3, 3], 2, 0).to_network().contract()
    tensor = tensorly.decomposition.non_negative_parafac(source, 2, n_iter_max=50, random_state=0)
    tensor.weights = tensor.weights / tensorly.cp_to_tensor(tensor).sum()
    ours = from_tensorly(tensor)
    data = rng.integers(0, 3, (20, 3))
    np.testing.assert_allclose(ours.probability(data), tensorly.cp_to_tensor(tensor)[tuple(data.T)], rtol=1e-10)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 2, 4)])
def test_a_nonnegative_train(shape):
    rng = np.random.default_rng(2)
    ranks = [1, *[2] * (len(shape) - 1), 1]
    cores = [rng.random((a, k, b)) for a, k, b in zip(ranks, shape, ranks[1:], strict=False)]
    cores[0] /= tensorly.tt_to_tensor(cores).sum()
    tensor = TTTensor(cores)
    ours = from_tensorly(tensor)
    assert isinstance(ours, Hierarchical)
    assert ours.shape == shape
    np.testing.assert_allclose(ours.probability(all_states(shape)), tensorly.tt_to_tensor(tensor).ravel(), rtol=1e-12)
    tables = [node.table for node in ours.nodes]
    for core in cores[:-1]:
        assert any(table.shape == core.shape and (table == core).all() for table in tables)


def test_a_train_of_fractions_holds_fractions():
    half = Fraction(1, 2)
    cores = [np.array([[[half, 0], [0, half]]]), np.array([[[1], [0]], [[half], [half]]]) * Fraction(1)]
    ours = from_tensorly(TTTensor(cores))
    assert ours.over_fractions
    assert ours.probability([[0, 0], [0, 1], [1, 0], [1, 1]]).tolist() == [half, 0, Fraction(1, 4), Fraction(1, 4)]


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (CPTensor(([1.0], [-np.ones((2, 1)) / 2, -np.ones((2, 1)) / 2])), "factor 0 of the CPTensor is -0.5 at value 0"),
        (CPTensor(([-1.0], [np.ones((2, 1)) / 2] * 2)), "the array of weights is -1.0 at term 0"),
        (CPTensor(([1.0], [np.ones((2, 1))] * 2)), "the entries of the CPTensor sum to 4.0; expected 1: divide its w"),
        (CPTensor(([1.0], [np.zeros((2, 1))] * 2)), "the entries of the CPTensor sum to 0.0; expected 1"),
        (TTTensor([np.ones((1, 2, 1))] * 2), "the entries of the TTTensor sum to 4.0; expected 1: divide its first core"),
        (TTTensor([-np.ones((1, 1, 1))] * 2), "core 0 of the TTTensor is -1.0 at rank before 0, value 0, rank after 0"),
        (np.ones((2, 2)) / 4, "an object of the type ndarray was given; expected a CPTensor or a TTTensor of tensorly"),
    ],
)
def test_what_is_no_distribution_of_tensorly(tensor, message):
    with pytest.raises(TensorRankError, match=message):
        from_tensorly(tensor)


@pytest.mark.parametrize(
    ("adapter", "package", "arguments"),
    [(from_hmmlearn, "hmmlearn", (None, 3)), (from_tensorly, "tensorly", (None,)), (from_pgmpy, "pgmpy", (None,))],
)
def test_libraries_that_are_missing(monkeypatch, adapter, package, arguments):
    for name in (package, *(name for name in sys.modules if name.split(".")[0] == package)):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TensorRankError, match=f"{package} cannot be imported .* try: pip install {package}"):
        adapter(*arguments)


def test_libraries_are_imported_only_when_called():
    code = (
        "import sys, tensorrank.mixtures.formats.adapters, tensorrank.mixtures.formats.bayesian_networks; "
        "print({'hmmlearn', 'pgmpy', 'tensorly', 'sklearn'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.expectation_maximisation import batches
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.fitting.observations import observations_of
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit
from tensorrank.mixtures.fitting.warned import NotConverged
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

KINDS = {
    "latent_class": lambda seed: LatentClass.random([2, 3, 2, 4], 3, seed),
    "hidden_markov": lambda seed: HiddenMarkov.random(3, 3, 4, seed),
    "of steps": lambda seed: HiddenMarkov.random(2, 3, 4, seed, homogeneous=False),
    "tensorial_mixture": lambda seed: TensorialMixture.random(2, 3, 3, seed),
    "shared": lambda seed: TensorialMixture.random(2, 3, 3, seed, shared=True),
    "latent_tree": lambda seed: LatentTree.random([0, 0, 1, 1, 2, 2], 2, 3, seed),
    "sum_product": lambda seed: sum_product(seed),
}


def sum_product(seed):
    """A network whose graph is the same for all seeds, with random tables."""
    rng = np.random.default_rng(seed)
    graph = SumProduct.random(4, 3, 0)
    return graph.replaced(lambda table: rng.dirichlet(np.ones(table.shape[1]), len(table)), None)


def never_decreases(values):
    assert (np.diff(values) >= -1e-9 * (1 + np.abs(values[:-1]))).all()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.4, 0.95]),
    st.sampled_from([0.0, 0.0, 0.5, 3.0]),
)
def test_the_objective_never_decreases(kind, seed, missing, pseudocount):
    rng = np.random.default_rng(seed)
    planted = KINDS[kind](rng)
    data = planted.sample(int(rng.integers(1, 40)), rng)
    data[rng.random(data.shape) < missing] = -1
    weights = rng.choice([0.0, 0.3, 1.0, 2.0], len(data))
    weights[0] = 1.0
    start = KINDS[kind](rng)
    found = fitted(start, data, iterations=12, tolerance=0, pseudocount=pseudocount, weights=weights)
    never_decreases(np.array(found.objectives))
    for model, log_likelihood in ((start, found.log_likelihoods[0]), (found.model, found.log_likelihood)):
        logs = model.log_density(data[weights > 0])
        assert log_likelihood == pytest.approx(weights[weights > 0] @ logs, rel=1e-10, abs=1e-10)
    assert found.model.parameters == start.parameters


@settings(max_examples=25, deadline=None)
@given(trees(most_nodes=8, zeros=0.2), st.integers(0, 2**32))
def test_trees_with_zeros(planted, seed):
    rng = np.random.default_rng(seed)
    found = fitted(planted, planted.sample(20, rng), iterations=10, tolerance=0)
    never_decreases(np.array(found.log_likelihoods))
    for before, after in zip(planted.edges, found.model.edges, strict=True):
        assert (after.table[before.table == 0] == 0).all()


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from(["diagonal", "full"]), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.3, 0.7])
)
def test_gaussian_objectives_never_decrease(seed, covariance, shared, mixed, missing):
    rng = np.random.default_rng(seed)
    states, features, length = 2, 2, 3
    components = 3 if mixed else states
    shape = (components, features) if shared else (length, components, features)
    matrices = rng.normal(size=(*shape, features))
    matrices = matrices @ matrices.swapaxes(-1, -2) + 0.1 * np.eye(features)
    spread = matrices if covariance == "full" else np.diagonal(matrices, axis1=-2, axis2=-1)
    chain = HiddenMarkov.random(states, components, length, rng, homogeneous=shared)
    emission = chain.emission if mixed else np.eye(states)
    start = HiddenMarkov(
        chain.initial, chain.transition, emission, length, densities=Gaussians(3 * rng.normal(size=shape), spread)
    )
    # Few rows, some of them equal, so that variances reach the floor.
    data = rng.normal(size=(int(rng.integers(1, 12)), length, features)).round(1)
    data[rng.random(data.shape) < missing] = np.nan
    found = fitted(start, data, iterations=15, tolerance=0, variance_floor=1e-3)
    never_decreases(np.array(found.log_likelihoods))
    assert found.log_likelihood == pytest.approx(found.model.log_density(data).sum(), rel=1e-8, abs=1e-8)


def test_the_same_for_any_number_of_threads():
    data = HiddenMarkov.random(4, 5, 40, 0).sample(700, 1)
    data[::3, 20:] = -1
    start = HiddenMarkov.random(12, 5, 40, 2)
    assert len(batches(TiedCircuit(start.passes), observations_of(data, start.shape, None, None))) > 1
    one, three = (fitted(start, data, iterations=3, tolerance=0, threads=threads) for threads in (1, 3))
    assert one.log_likelihoods == three.log_likelihoods
    np.testing.assert_array_equal(one.model.transition, three.model.transition)
    np.testing.assert_array_equal(one.model.emission, three.model.emission)


def test_weights_are_repetitions():
    data = LatentClass.random([3] * 4, 2, 0).sample(30, 1)
    times = np.random.default_rng(0).integers(0, 4, 30)
    start = LatentClass.random([3] * 4, 2, 5)
    one = fitted(start, data, iterations=5, tolerance=0, weights=times)
    other = fitted(start, np.repeat(data, times, axis=0), iterations=5, tolerance=0)
    np.testing.assert_allclose(one.log_likelihoods, other.log_likelihoods, rtol=1e-12)
    np.testing.assert_allclose(one.model.weights, other.model.weights, rtol=1e-10)


def test_rows_without_values_change_nothing():
    data = HiddenMarkov.random(2, 3, 5, 0).sample(20, 1)
    start = HiddenMarkov.random(2, 3, 5, 2)
    more = np.concatenate([data, np.full((7, 5), -1)])
    one, other = (fitted(start, rows, iterations=5, tolerance=0) for rows in (data, more))
    np.testing.assert_allclose(one.model.transition, other.model.transition, rtol=1e-12)
    nothing = fitted(start, np.full((3, 5), np.nan))
    np.testing.assert_allclose(nothing.model.emission, start.emission, rtol=1e-15)
    assert nothing.converged


def test_when_a_run_ends():
    data = LatentClass.random([3] * 6, 3, 0).sample(200, 1)
    start = LatentClass.random([3] * 6, 3, 7)
    long = fitted(start, data, iterations=500, tolerance=1e-4)
    assert long.converged
    gains = np.diff(long.objectives) / 200
    assert gains[-1] < 1e-4 <= gains[:-1].min()
    with pytest.warns(NotConverged, match="stopped after 3 iterations, the last of which gained"):
        short = fitted(start, data, iterations=3)
    assert (short.iterations, short.converged, short.restart) == (3, False, 0)
    assert "stopped after 3 iterations" in repr(short)
    assert fitted(start, data, iterations=0, tolerance=0).model.weights == pytest.approx(start.weights)


def test_a_pseudocount_is_the_posterior_mode():
    """One coin under one class: (heads + 1) / (tosses + 2)."""
    start = LatentClass([1.0], [[[0.5, 0.5]]])
    found = fitted(start, [[0]] * 3, pseudocount=1.0)
    np.testing.assert_allclose(found.model.components[0], [[4 / 5, 1 / 5]])
    assert found.objectives[-1] == pytest.approx(3 * np.log(0.8) + np.log(0.8) + np.log(0.2))


def test_progress_and_interrupts():
    data = LatentClass.random([2] * 3, 2, 0).sample(50, 1)
    calls = []
    LatentClass.fit(data, 2, restarts=2, iterations=3, tolerance=0, progress=lambda *call: calls.append(call))
    assert [(done, total) for done, total, _ in calls] == [(done, 3) for done in range(4)] * 2
    assert calls[-1][2].startswith("restart 2 of 2: ")

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LatentClass.fit(data, 2, progress=stop)


def test_impossible_rows():
    start = LatentClass([0.5, 0.5], [[[1.0, 0.0], [1.0, 0.0]]])
    with pytest.raises(TensorRankError, match="row 2 of the data has density 0 under the model"):
        fitted(start, [[0], [0], [1]])


@pytest.mark.parametrize("kind", [LatentClass, HiddenMarkov])
def test_a_fit_by_default_converges_without_a_warning(kind):
    report = kind.fit_report(HiddenMarkov.random(3, 3, 8, 1).sample(400, 0), 3)
    assert report.converged

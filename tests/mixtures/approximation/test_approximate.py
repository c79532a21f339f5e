import json

import numpy as np
import pytest
from mixtures.brute_force import probability_table

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.approximate import METHODS, approximate
from tensorrank.mixtures.approximation.measures import distance, log_squared_norm
from tensorrank.mixtures.approximation.result import Interrupted
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.sum_product.model import SumProduct

CHAIN = HiddenMarkov.random(2, 2, 5, seed=0)


def test_gaussian_components_are_kept_and_their_coefficients_approximated():
    densities = Gaussians(means=[-3, 3], covariances=[1, 2])
    chain = HiddenMarkov(CHAIN.initial, CHAIN.transition, CHAIN.emission, 5, densities=densities)
    found, plain = approximate(chain, 3), approximate(CHAIN, 3)
    assert found.model.densities is densities
    assert [step.error for step in found.steps] == [step.error for step in plain.steps]


@pytest.mark.parametrize(("method", "atoms"), [("corrective", "products"), ("sampling", "entries"), ("likelihood", None)])
def test_the_same_seed_gives_the_same_steps(method, atoms):
    first, again = (approximate(CHAIN, 3, method, atoms=atoms, seed=7) for _ in range(2))
    assert first == again
    if method == "sampling":
        assert first != approximate(CHAIN, 3, method, atoms=atoms, seed=8)


def test_an_interrupt_keeps_the_steps_that_were_done():
    def cut(done, total, what):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="interrupted after 3 steps") as caught:
        approximate(CHAIN, 10, progress=cut)
    assert caught.value.partial == approximate(CHAIN, 2)
    assert caught.value.partial.model.classes == 3


def test_names_may_have_hyphens():
    assert approximate(CHAIN, 2, "line-search") == approximate(CHAIN, 2, "line search")


def test_progress_counts_steps():
    seen = []
    approximate(CHAIN, 4, progress=lambda *told: seen.append(told))
    assert seen == [(done, 5, f"step {done - 1}") for done in range(1, 6)]


def test_results_are_plain_values_for_json():
    found = approximate(CHAIN, 2).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False))["steps"][0]["kl"] == {"value": "inf", "standard_error": None}
    assert found["certified"] is True
    assert len(found["steps"]) == 3


def test_a_result_prints_in_a_line():
    text = str(approximate(CHAIN, 2))
    assert text.startswith(f"{CHAIN} by 3 entries, corrective: error ")
    assert "(guarantee 1.41)" in text


def test_single_variables_and_single_values_are_no_exception():
    for target in (LatentClass([1], [[[1.0]]]), LatentClass([0.5, 0.5], [[[1, 0], [0.5, 0.5]]])):
        for method in METHODS:
            for atoms in ("entries", "products") if method not in ("refitted", "likelihood") else (None,):
                found = approximate(target, 3, method, atoms=atoms)
                made, table = (np.asarray(probability_table(one), dtype=float) for one in (found.model, target))
                assert found.steps[-1].error == pytest.approx(np.linalg.norm(made - table), abs=1e-7)


def test_norms_do_not_underflow():
    # Each row of a product of 3000 uniform distributions of 10 values has a probability of 10^-3000.
    uniform = LatentClass([1], [[[0.1] * 10]] * 3000)
    assert log_squared_norm(uniform) == pytest.approx(-3000 * np.log(10))
    found = approximate(uniform, 1)
    assert (found.norm, found.log_norm) == (0.0, pytest.approx(-1500 * np.log(10)))
    step = found.steps[1]
    assert step.error == pytest.approx(np.sqrt(0.5))
    assert step.relative_error == np.inf


def test_norms_keep_what_decides_late():
    # Either half of the variables alone says that one class is all there is.
    sure, flat = np.eye(10)[0], np.full(10, 0.1)
    model = LatentClass([0.3, 0.7], [np.array([sure, flat])] * 324 + [np.array([flat, sure])] * 323)
    # The squares of the classes are 0.09 * 0.1^323 and 0.49 * 0.1^324; their product is nothing beside these.
    assert log_squared_norm(model) == pytest.approx(np.log(0.9 + 0.49) - 324 * np.log(10), rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_norms_of_sum_product_networks(seed):
    for network in (SumProduct.random(5, 2, seed=seed), SumProduct.perfect_matchings(6, 2, seed=seed)):
        rows = np.indices(network.shape).reshape(network.sites, -1).T
        assert log_squared_norm(network) == pytest.approx(np.log((network.probability(rows) ** 2).sum()))


def test_networks_of_few_variables_are_summed():
    # Contracted with itself it would take more memory than there is anywhere.
    network = SumProduct.random(16, 2, seed=0)
    rows = np.indices(network.shape).reshape(16, -1).T
    assert log_squared_norm(network) == pytest.approx(np.log((network.probability(rows) ** 2).sum()))


def test_norms_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("tensorrank.networks.inner_product.memory_limit", lambda memory: 1000)
    with pytest.raises(TensorRankError, match=r"the norm of SumProduct\(24 variables.*is out of reach: .* memory"):
        log_squared_norm(SumProduct.perfect_matchings(24, 2, seed=0))


@pytest.mark.parametrize(
    ("logs", "expected"),
    [((0.0, 0.0, 0.0), (0.0, 0.0)), ((-2000.0, -2000.0, 0.0), (1.0, np.inf)), ((0.0, -np.inf, -np.inf), (1.0, 1.0))],
)
def test_distances_from_logarithms(logs, expected):
    assert distance(*logs) == pytest.approx(expected)


def test_errors_say_what_is_expected():
    with pytest.raises(TensorRankError, match="steps is -1; expected a whole number of at least 0"):
        approximate(CHAIN, -1)
    with pytest.raises(TensorRankError, match=r"the method is 'corective'; .* did you mean 'corrective'"):
        approximate(CHAIN, 1, "corective")
    with pytest.raises(TensorRankError, match="the oracle is 'nonsense'"):
        approximate(CHAIN, 1, atoms="products", oracle="nonsense")
    with pytest.raises(TensorRankError, match="atoms is 'entry'"):
        approximate(CHAIN, 1, atoms="entry")
    with pytest.raises(TensorRankError, match=r"with entries as atoms.*expected atoms 'products'"):
        approximate(CHAIN, 1, "likelihood", atoms="entries")
    with pytest.raises(TensorRankError, match="'chain' was given; expected a mixture model"):
        approximate("chain", 1)

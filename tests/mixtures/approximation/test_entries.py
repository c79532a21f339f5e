"""Conditional gradient over entries, beside the same on the dense table."""

from itertools import pairwise

import numpy as np
import pytest
from mixtures.brute_force import probability_table
from scipy.optimize import nnls

from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.approximation.best_of_tree import Best
from tensorrank.mixtures.approximation.entries import over_entries
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

TARGETS = {
    "chain": HiddenMarkov.random(2, 3, 4, seed=1),
    "tensorial": TensorialMixture.random(2, 3, 3, seed=2),
    "class": LatentClass.random([2, 3, 4], classes=3, seed=4),
}


def dense_steps(table, steps, rule):
    """The definition: gradients, vertices and weights over the whole table."""
    target = np.asarray(table, dtype=float).ravel()
    point = np.eye(len(target))[target.argmax()]
    yield point
    support = {int(target.argmax())}
    for t in range(steps):
        vertex = int(np.argmax(target - point))
        if rule == "corrective":
            support.add(vertex)
            chosen = sorted(support)
            # Least squares over the simplex: the constraint as an equation of great weight.
            matrix = np.vstack([np.eye(len(target))[:, chosen], 1e6 * np.ones(len(chosen))])
            weights, _ = nnls(matrix, np.append(target, 1e6))
            point = np.zeros(len(target))
            point[chosen] = weights / weights.sum()
        else:
            direction = np.eye(len(target))[vertex] - point
            length = 2 / (t + 2)
            if rule == "line search":
                length = np.clip(direction @ (target - point) / (direction @ direction), 0, 1)
            point = point + length * direction
        yield point


@pytest.mark.parametrize("rule", ["corrective", "line search", "plain"])
@pytest.mark.parametrize("name", TARGETS)
def test_steps_are_those_on_the_dense_table(name, rule):
    target = TARGETS[name]
    table = np.asarray(probability_table(target), dtype=float)
    found = approximate(target, 12, rule)
    dense = list(dense_steps(table, 12, rule))
    assert found.norm == pytest.approx(np.linalg.norm(table))
    for step, point in zip(found.steps, dense, strict=True):
        reached = point.reshape(table.shape)
        assert step.components == np.count_nonzero(point > 1e-12)
        assert step.error == pytest.approx(np.linalg.norm(reached - table), rel=1e-6)
        assert step.relative_error == pytest.approx(np.linalg.norm(reached - table) / np.linalg.norm(table), rel=1e-6)
        assert step.total_variation.value == pytest.approx(np.abs(reached - table).sum() / 2, rel=1e-6)
        assert step.total_variation.standard_error is None
        assert step.kl.value == np.inf
        used = reached > 0
        assert step.reverse_kl.value == pytest.approx((reached[used] * np.log(reached[used] / table[used])).sum(), rel=1e-5)
        assert step.certified
        assert step.error <= step.guarantee == pytest.approx(np.sqrt(8 / (step.step + 2)))
    model = np.asarray(probability_table(found.model), dtype=float)
    assert model == pytest.approx(dense[-1].reshape(table.shape), abs=1e-6)


@pytest.mark.parametrize("rule", ["corrective", "line search", "plain"])
def test_the_guarantee_holds_at_every_step_of_64_variables(rule):
    target = HiddenMarkov.random(4, 3, 64, seed=3)
    found = approximate(target, 100, rule)
    assert found.certified
    assert len(found.steps) == 101
    assert all(step.error <= step.guarantee and step.components <= step.step + 1 for step in found.steps)


def test_a_mixture_of_points_is_reached_exactly():
    points = np.random.default_rng(0).integers(0, 3, (6, 20))
    target = LatentClass(np.full(6, 1 / 6), tuple(np.eye(3)[points[:, site]] for site in range(20)))
    found = approximate(target, 30)
    # Six parts suffice, and no more are made.
    assert [step.components for step in found.steps] == [1, 2, 3, 4, 5, 6]
    last = found.steps[-1]
    assert last.error < 1e-15
    assert last.total_variation.value < 1e-15
    assert last.kl.value < 1e-12
    rows = points[:3]
    assert found.model.probability(rows) == pytest.approx(target.probability(rows))


@pytest.mark.parametrize("steps", [80, 81, 200])
def test_corrective_steps_end_with_the_table(steps):
    target = TARGETS["chain"]
    found = approximate(target, steps)
    assert found.steps[-1].components == 81
    assert found.steps[-1].error < 1e-15
    assert found.steps[-1].kl.value < 1e-12
    errors = [step.error for step in found.steps]
    assert all(later <= earlier + 1e-15 for earlier, later in pairwise(errors))


def test_entries_too_small_for_floats_are_not_called_proved(monkeypatch):
    # What a search cut short would say of a table of so small entries.
    found = Best(np.array([[0, 1], [1, 0], [1, 1]]), np.array([-950.0, -951.0, -952.0]), -800.0)
    monkeypatch.setattr("tensorrank.mixtures.approximation.entries.best_entries", lambda *_, **__: found)
    target = HiddenMarkov.random(1, 2, 2, seed=0)
    steps = [step for step, _ in over_entries(target, 2, "plain", -10.0, oracle="auto", nodes=1)]
    assert [step.certified for step in steps] == [False] * 3
    assert [step.guarantee is None for step in steps] == [False, True, True]


def test_without_a_closed_search_nothing_is_guaranteed():
    target = SumProduct.perfect_matchings(12, symbols=2, seed=0)
    found = approximate(target, 5, nodes=30)
    assert not found.certified
    late = found.steps[-1]
    assert not late.certified
    assert late.guarantee is None
    assert late.gap > 0
    closed = approximate(target, 5)
    assert closed.certified
    assert all(ours.error >= best.error - 1e-9 for ours, best in zip(found.steps, closed.steps, strict=True))

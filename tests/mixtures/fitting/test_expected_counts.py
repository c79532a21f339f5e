import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.fitting.enumeration import expected_counts
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Sums
from tensorrank.mixtures.fitting.expected_counts import ExpectedCounts
from tensorrank.mixtures.fitting.forward import Batch
from tensorrank.mixtures.fitting.observations import observations_of
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tree_circuit import TreeCircuit
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree


def counted(model, data, weights=None):
    """The E step for a model, and the structure."""
    tree = TreeCircuit(model.circuit)
    features = None if model.densities is None else model.densities.features
    batch = Batch(tree, observations_of(data, model.shape, features, weights))
    return tree, batch, ExpectedCounts(Parameters(tree.tables, model.densities), [])(batch)


def in_logarithms(model, batch):
    return ExpectedCounts(Parameters(batch.tree.tables, model.densities), []).in_logarithms(batch)


def by_node(tree, model, entries):
    """Counts by the names of nodes, in the order of the blocks."""
    blocks = [number for number, block in enumerate(tree.circuit.blocks) if not isinstance(block, Products)]
    return {name: entries[tree.groups[number]] for name, number in zip(reversed(model.order), blocks, strict=True)}


@st.composite
def trees_and_rows(draw):
    tree = draw(trees(most_nodes=7, zeros=0.1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = tree.sample(draw(st.integers(1, 6)), rng)
    rows[rng.random(rows.shape) < draw(st.sampled_from([0, 0.3, 0.8]))] = -1
    return tree, rows, rng.choice([0.5, 1.0, 3.0], len(rows))


@settings(max_examples=60, deadline=None)
@given(trees_and_rows())
def test_counts_by_definition(case):
    model, rows, weights = case
    tree, batch, found = counted(model, rows, weights)
    log_likelihood, expected = expected_counts(model, rows, weights)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-12, abs=1e-12)
    nodes = by_node(tree, model, found.entries)
    for name in model.order:
        np.testing.assert_allclose(nodes[name], expected[name], rtol=1e-12, atol=1e-14)
    slow = in_logarithms(model, batch)
    assert slow.log_likelihood == pytest.approx(log_likelihood, rel=1e-12, abs=1e-12)
    for one, other in zip(slow.entries, found.entries, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["chain", "tree", "class"]),
    st.sampled_from([5, 60, 290]),
    st.sampled_from([0.0, 0.3]),
    st.booleans(),
)
def test_probabilities_of_all_sizes(seed, kind, digits, missing, real):
    """Entries down to 1e-290 and zeros; plain floats with what they refuse against logarithms of all."""
    rng = np.random.default_rng(seed)
    states, sites = 3, 16

    def table(*shape):
        drawn = 10.0 ** -rng.uniform(0, digits, shape) * (rng.random(shape) > 0.1)
        drawn[..., rng.integers(shape[-1])] += 1e-3
        return drawn / drawn.sum(axis=-1, keepdims=True)

    densities = Gaussians(rng.normal(size=(3, 1)) * digits, np.ones((3, 1))) if real else None
    if kind == "class":
        model = LatentClass(table(states), [table(states, 3) for _ in range(sites)], densities=densities)
    elif kind == "chain":
        model = HiddenMarkov(table(states), table(states, states), table(states, 3), sites, densities=densities)
    else:
        plain = LatentTree.random([0, 0, 1, 1, 2, 2, *(node for node in range(3, 7) for _ in range(4))], 3, 3, 0)
        edges = [(edge.parent, edge.child, table(3, 3)) for edge in plain.edges]
        model = LatentTree(plain.root, table(3), edges, densities=densities)
    data = rng.integers(0, 3, (30, sites)).astype(float)
    if real:
        data = rng.normal(size=data.shape) * 30
    data[rng.random(data.shape) < missing] = np.nan
    possible = np.isfinite(model.log_density(data))
    if not possible.any():
        return
    _, batch, found = counted(model, data[possible])
    slow = in_logarithms(model, batch)
    assert found.impossible == []
    assert found.log_likelihood == pytest.approx(slow.log_likelihood, rel=1e-11, abs=1e-11)
    for one, other in zip(slow.entries, found.entries, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
    if real:
        np.testing.assert_allclose(found.moments.weights, slow.moments.weights, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(found.moments.second, slow.moments.second, rtol=1e-6, atol=1e-6)


def test_circuits_that_are_no_trees():
    network = LatentClass.random([2, 2], 2, 0).circuit
    shared = Circuit((*network.blocks[:2], Products(np.array([[0, 0], [1, 1]])), Sums(np.eye(1, 2), np.array([4, 5]))))
    for circuit in (
        shared,
        Circuit(network.blocks[:2]),
        Circuit((*network.blocks[:3], network.blocks[3], Leaves(0, np.eye(2)))),
    ):
        with pytest.raises(TensorRankError, match=r"the circuit is no tree of blocks; .* models can be fitted"):
            TreeCircuit(circuit)

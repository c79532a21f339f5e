import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.fitting.enumeration import expected_counts
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products
from tensorrank.mixtures.evaluation.inference import ObservedCodes, log_derivatives, log_values
from tensorrank.mixtures.evaluation.passes import Passes
from tensorrank.mixtures.fitting.expected_counts import ExpectedCounts
from tensorrank.mixtures.fitting.observations import observations_of
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.sum_product.model import SumProduct


def counted(model, data, weights=None):
    """The structure, the rows, and the E step for a model."""
    tied = TiedCircuit(model.passes)
    features = None if model.densities is None else model.densities.features
    rows = observations_of(data, model.shape, features, weights)
    return tied, rows, ExpectedCounts(tied, Parameters(tied.tables, model.densities))(rows)


def by_node(tied, model, entries):
    """Counts by the names of nodes, in the order of the blocks."""
    blocks = [number for number, block in enumerate(tied.circuit.blocks) if not isinstance(block, Products)]
    return {name: entries[tied.groups[number]] for name, number in zip(reversed(model.order), blocks, strict=True)}


def in_logarithms(model, rows):
    """The log-likelihood, and the expected uses of each table's entries, by derivatives in logarithms alone."""
    tied = TiedCircuit(model.passes)
    circuit = tied.circuit.with_tables([np.empty(0) if group is None else tied.tables[group] for group in tied.groups])
    if model.densities is None:
        observed = [ObservedCodes(np.ascontiguousarray(column)) for column in rows.codes.T]
    else:
        observed = [model.densities.log_densities(site, rows.real[:, site]) for site in range(rows.sites)]
    logs = log_values(circuit, observed)
    derivatives = log_derivatives(circuit, logs)
    entries = [np.zeros(table.shape) for table in tied.tables]
    with np.errstate(divide="ignore"):
        for group, (out, block, table, parts) in zip(tied.groups, circuit.steps(circuit.float_tables), strict=True):
            if group is None:
                continue
            if isinstance(block, Leaves):
                given = observed[block.site]
                terms = given if model.densities is not None else given.log_densities(table.shape[1])
                used = np.where(rows.known[:, block.site], rows.weights, 0.0)
            else:
                terms, used = logs[parts[0]], np.where(_known(circuit, out, rows), rows.weights, 0.0)
            uses = np.exp(derivatives[out][:, None] + np.log(table)[:, :, None] + terms - logs[-1])
            entries[group] += uses @ used
    return float(rows.weights @ logs[-1]), entries


def _known(circuit, slots, rows):
    """The rows in which a variable below some slots is known."""
    below, waiting = set(), list(range(slots.start, slots.stop))
    starts = np.array(circuit.starts)
    while waiting:
        slot = waiting.pop()
        number = int(np.searchsorted(starts, slot, side="right")) - 1
        block = circuit.blocks[number]
        if isinstance(block, Leaves):
            below.add(block.site)
        else:
            waiting += block.factors[slot - starts[number]].tolist() if isinstance(block, Products) else [int(block.terms[0])]
    return rows.known[:, sorted(below)].any(axis=1)


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
    tied, _, found = counted(model, rows, weights)
    log_likelihood, expected = expected_counts(model, rows, weights)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-12, abs=1e-12)
    nodes = by_node(tied, model, found.entries)
    for name in model.order:
        np.testing.assert_allclose(nodes[name], expected[name], rtol=1e-12, atol=1e-14)


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
    _, rows, found = counted(model, data[possible])
    log_likelihood, entries = in_logarithms(model, rows)
    assert found.impossible == []
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-11, abs=1e-11)
    for one, other in zip(entries, found.entries, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0, 0.4]))
def test_networks_that_share_nodes(seed, sites, sums, missing):
    """Against derivatives in logarithms; one leaf of each known variable is used in each row."""
    model = SumProduct.random(sites, 3, seed, sums=sums)
    rng = np.random.default_rng(seed)
    data = model.sample(4, rng)
    data[rng.random(data.shape) < missing] = -1
    tied, rows, found = counted(model, data)
    log_likelihood, entries = in_logarithms(model, rows)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-11, abs=1e-11)
    for one, other in zip(entries, found.entries, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    for site in range(sites):
        uses = sum(found.entries[group].sum() for group, sites_of in enumerate(tied.sites) if site in sites_of)
        assert uses == pytest.approx(rows.weights[rows.known[:, site]].sum())


def test_circuits_without_a_density():
    blocks = LatentClass.random([2, 2], 2, 0).circuit.blocks
    with pytest.raises(TensorRankError, match="the last block of the circuit has 2 slots; expected one, the density"):
        TiedCircuit(Passes(Circuit(blocks[:2])))

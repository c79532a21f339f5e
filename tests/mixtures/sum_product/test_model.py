import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.circuit import Leaves, Products, Sums
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def value(nodes, name, x, known=None):
    """A node at a row of values, by recursion; a value of None is summed out."""
    known = {} if known is None else known
    if name in known:
        return known[name]
    match nodes[name]:
        case LeafNode(variable=variable, distribution=p):
            found = sum(p) if x[variable] is None else p[x[variable]]
        case SumNode(children=children, weights=weights):
            found = sum(w * value(nodes, child, x, known) for w, child in zip(weights, children, strict=True))
        case ProductNode(children=children):
            found = Fraction(1)
            for child in children:
                found = found * value(nodes, child, x, known)
    known[name] = found
    return found


def states(model):
    return np.array(list(product(*map(range, model.shape))))


def brute(model):
    """The probability table, exact if the model is."""
    entries = [value(model.nodes, model.root, row) for row in states(model).tolist()]
    return np.array(entries, dtype=object).reshape(model.shape)


def sharing():
    """Three variables; 'b0' and the pair 'bc' have two parents each, and a sum is above a sum."""
    nodes = {
        "top": SumNode(("x", "y", "z"), [HALF, Fraction(1, 6), THIRD]),
        "x": ProductNode(("a0", "bc")),
        "y": ProductNode(("bc", "a1")),
        "z": SumNode(["z0"], [1]),
        "z0": ProductNode(("c1", "a0", "b0")),
        "bc": SumNode(("p", "q"), [THIRD, 1 - THIRD]),
        "p": ProductNode(("b0", "c0")),
        "q": ProductNode(("b1", "c1")),
        "a0": LeafNode(0, [HALF, HALF, 0]),
        "a1": LeafNode(0, [0, THIRD, 1 - THIRD]),
        "b0": LeafNode(1, [1, 0]),
        "b1": LeafNode(1, [Fraction(1, 4), Fraction(3, 4)]),
        "c0": LeafNode(2, [THIRD, 1 - THIRD]),
        "c1": LeafNode(2, [Fraction(2, 5), Fraction(3, 5)]),
    }
    return SumProduct(nodes, "top")


def chain(length):
    """Two nodes for each step, that mix two leaves with the two nodes of the next step."""
    nodes = {}
    for step in range(length):
        for s in (0, 1):
            nodes["leaf", step, s] = LeafNode(step, [Fraction(1 + s, 4), Fraction(3 - s, 4)])
            nodes["pair", step, s] = ProductNode((f"leaf {step} {s}", f"sum {step + 1} {s}"))
            nodes["sum", step, s] = SumNode((f"pair {step} 0", f"pair {step} 1"), [Fraction(1 + s, 3), Fraction(2 - s, 3)])
    nodes = {" ".join(map(str, name)): node for name, node in nodes.items()}
    for s in (0, 1):
        del nodes[f"pair {length - 1} {s}"]
        last = nodes[f"sum {length - 1} {s}"]
        nodes[f"sum {length - 1} {s}"] = SumNode((f"leaf {length - 1} 0", f"leaf {length - 1} 1"), last.weights)
    del nodes["sum 0 1"]
    return nodes, "sum 0 0"


MODELS = {
    "sharing": sharing(),
    "random": SumProduct.random(5, 2, seed=0, fractions=True),
    "random of three values": SumProduct.random(3, 3, seed=1, sums=3, fractions=True),
    "independent": SumProduct.random(4, 2, seed=2, sums=1, fractions=True),
    "matchings of 4": SumProduct.perfect_matchings(4, 2, seed=3, fractions=True),
    "matchings of 6": SumProduct.perfect_matchings(6, 2, seed=4, rank=1, fractions=True),
    "one variable": SumProduct({7: LeafNode(0, [HALF, HALF])}, 7),
    "chain": SumProduct(*chain(5)),
}
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@EVERY
def test_probabilities_are_those_of_a_recursion(model):
    expected = brute(model)
    found = model.probability(states(model))
    assert expected.sum() == 1
    assert all(isinstance(entry, Fraction) for entry in found)
    assert (found == expected.ravel()).all()
    np.testing.assert_allclose(np.exp(model.log_density(states(model))), expected.astype(float).ravel(), rtol=1e-12)


@EVERY
@pytest.mark.parametrize("prime", [8388593, 2**31 - 1])
def test_the_network_is_the_probability_table(model, prime):
    field, expected = PrimeField(prime), brute(model)
    assert (model.coefficients().contract(field) == field.image(expected)).all()


def test_the_network_of_a_chain_has_a_leg_for_each_step():
    network = MODELS["chain"].coefficients()
    # Weights and leaves of each step, the tensor that leads to a next one, and the root.
    assert len(network.tensors) <= 4 * 5 + 1
    assert max(network.sizes.values()) == 3


def test_the_network_of_shared_nodes_stays_small():
    model = SumProduct.perfect_matchings(8, 2, seed=0)
    network = model.coefficients()
    assert sum(tensor.array.size for tensor in network.tensors) < 8 * model.edges
    assert network.dense_expression().peak_bytes < 2**20


@EVERY
def test_marginals_of_any_variables_in_any_order(model):
    expected = brute(model).astype(float)
    for sites in ([], [0], [model.sites - 1, 0][: model.sites], list(range(model.sites))):
        left_out = tuple(site for site in range(model.sites) if site not in sites)
        kept = sorted(sites)
        marginal = expected.sum(axis=left_out).transpose([kept.index(site) for site in sites])
        np.testing.assert_allclose(model.marginal(sites), marginal, rtol=1e-12)


def test_marginals_refuse_variables_that_are_none():
    with pytest.raises(TensorRankError, match=r"the variables 0, 3 were given; expected different ones of 0 to 2"):
        sharing().marginal([0, 3])
    with pytest.raises(TensorRankError, match="the variables 1, 1 were given; expected different ones"):
        sharing().marginal([1, 1])
    with pytest.raises(TensorRankError, match=r"a marginal of about 10\^27.1 entries would take"):
        SumProduct.random(90, 2, seed=0, sums=1).marginal(range(90))


@EVERY
def test_missing_values_are_summed_out(model):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, model.shape, (6, model.sites))
    rows[rng.random(rows.shape) < 0.4] = -1
    # An impossible row has no logarithm to compare.
    expected = [float(value(model.nodes, model.root, [None if x < 0 else x for x in row])) for row in rows.tolist()]
    np.testing.assert_allclose(np.exp(model.log_density(rows)), expected, rtol=1e-12)
    np.testing.assert_allclose(model.log_density(np.full((1, model.sites), -1)), 0, atol=1e-12)


@EVERY
def test_posteriors_are_conditional_marginals(model):
    table = brute(model).astype(float)
    row = np.full(model.sites, -1)
    row[0] = int(np.argmax(table.sum(axis=tuple(range(1, model.sites)))))
    given_first = table[row[0]] / table[row[0]].sum()
    posteriors = model.posteriors(row[None])
    for site in range(1, model.sites):
        others = tuple(axis for axis in range(model.sites - 1) if axis != site - 1)
        np.testing.assert_allclose(posteriors[site][0], given_first.sum(axis=others), rtol=1e-11)
    assert posteriors[0][0].argmax() == row[0]


def test_samples_follow_the_probabilities():
    model = sharing()
    table = brute(model).astype(float).ravel()
    drawn = model.sample(20_000, random_state=1)
    counts = np.bincount(np.ravel_multi_index(drawn.T, model.shape), minlength=table.size)
    assert not counts[table == 0].any()
    possible = table > 0
    chi_square = ((counts - 20_000 * table)[possible] ** 2 / (20_000 * table[possible])).sum()
    assert chi_square < 40  # nine degrees of freedom
    assert (model.sample(5, random_state=3) == model.sample(5, random_state=3)).all()


def test_sizes_scopes_and_order():
    model = sharing()
    assert (model.edges, model.size) == (3 + 2 + 2 + 1 + 3 + 2 + 2 + 2, 17)
    assert model.table_entries == 3 + 1 + 2 + 3 + 3 + 4 * 2
    assert model.parameters == 2 + 0 + 1 + 2 + 2 + 4 * 1
    assert model.shape == (3, 2, 2)
    assert model.scopes["bc"] == {1, 2}
    assert model.scopes["top"] == {0, 1, 2}
    assert sorted(model.order) == sorted(model.nodes)
    place = {name: number for number, name in enumerate(model.order)}
    assert all(place[child] < place[name] for name in model.nodes for child in getattr(model.nodes[name], "children", ()))
    assert repr(model) == "SumProduct(3 variables, 14 nodes, 17 edges)"
    assert model.over_fractions


def test_sums_of_the_same_children_in_another_order_are_one_matrix():
    nodes = {
        "a": LeafNode(0, [1, 0]),
        "b": LeafNode(0, [0, 1]),
        "s": SumNode(("a", "b"), [THIRD, 1 - THIRD]),
        "t": SumNode(("b", "a"), [THIRD, 1 - THIRD]),
        "root": SumNode(("t", "s"), [Fraction(1, 4), Fraction(3, 4)]),
    }
    model = SumProduct(nodes, "root")
    kinds = [(type(block), block.size) for block in model.circuit.blocks]
    assert kinds == [(Leaves, 2), (Sums, 2), (Sums, 1)]
    assert (model.probability([[0], [1]]) == brute(model)).all()
    assert model.probability([[0]])[0] == Fraction(1, 4) * (1 - THIRD) + Fraction(3, 4) * THIRD


def test_a_layered_network_is_a_block_for_each_layer():
    sums, products, leaves = (
        [block for block in MODELS["chain"].circuit.blocks if isinstance(block, kind)] for kind in (Sums, Products, Leaves)
    )
    assert [block.size for block in sums] == [2, 2, 2, 2, 1]
    assert [block.size for block in products] == [2] * 4
    assert [block.size for block in leaves] == [2] * 5


def test_fractions_beside_floats_stay_exact_in_a_field():
    nodes = {"a": LeafNode(0, [THIRD, 1 - THIRD]), "b": LeafNode(0, [0.1, 0.9]), "s": SumNode(("a", "b"), [0.25, 0.75])}
    model = SumProduct(nodes, "s")
    assert not model.over_fractions
    expected = [Fraction(0.25) * THIRD + Fraction(0.75) * Fraction(0.1)]
    expected += [Fraction(0.25) * (1 - THIRD) + Fraction(0.75) * Fraction(0.9)]
    field = PrimeField(2**31 - 1)
    images = field.image(np.array(expected, dtype=object))
    assert (model.coefficients().contract(field) == images).all()
    assert (model.circuit.residues([np.eye(2, dtype=np.int64)], field) == images).all()
    np.testing.assert_allclose(model.probability([[0], [1]]), np.array(expected, dtype=float))


def test_a_chain_of_many_nodes_is_no_recursion():
    length = 1700
    assert 6 * length > 10 * sys.getrecursionlimit()
    model = SumProduct(*chain(length))
    assert len(model.nodes) > 10_000
    # The chain is a hidden Markov model whose transition goes with the state it leads to.
    transition = np.array([[1, 2], [2, 1]]) / 3
    emission = np.array([[1, 3], [2, 2]]) / 4
    rows = np.random.default_rng(0).integers(0, 2, (3, length))
    for row, log_density in zip(rows, model.log_density(rows), strict=True):
        message, expected = transition[0], 0.0
        for symbol in row:
            taken = message * emission[:, symbol]
            expected += np.log(taken.sum())
            message = taken / taken.sum() @ transition
        assert log_density == pytest.approx(expected, rel=1e-10)


def test_gaussian_components():
    rng = np.random.default_rng(0)
    gaussians = Gaussians([-1.0, 0.5], [1.0, 2.0])
    model = SumProduct.random(3, 2, seed=5)
    mixture = SumProduct(model.nodes, model.root, densities=gaussians)
    rows = rng.normal(size=(4, 3))
    densities = np.exp(-((rows[:, :, None] - gaussians.means) ** 2) / (2 * gaussians.covariances))
    densities /= np.sqrt(2 * np.pi * gaussians.covariances)
    expected = np.einsum("abc,ra,rb,rc->r", brute(model).astype(float), *densities.transpose(1, 0, 2))
    np.testing.assert_allclose(mixture.log_density(rows), np.log(expected))
    independent = SumProduct.random(3, 3, seed=0)
    with pytest.raises(TensorRankError, match="Gaussians of 2 components were given for 3 variables of 3"):
        SumProduct(independent.nodes, independent.root, densities=gaussians)


@settings(max_examples=20, deadline=None)
@given(sites=st.integers(1, 5), symbols=st.integers(1, 3), sums=st.integers(1, 2), seed=st.integers(0, 10**6))
def test_random_networks(sites, symbols, sums, seed):
    model = SumProduct.random(sites, symbols, seed, sums=sums, fractions=True)
    assert model.shape == (symbols,) * sites
    expected = brute(model)
    assert expected.sum() == 1
    assert (model.probability(states(model)) == expected.ravel()).all()
    assert model.over_fractions


def test_random_networks_share_and_repeat():
    model, again = (SumProduct.random(8, 2, seed=0) for _ in range(2))
    assert model.edges > len(model.nodes)
    rows = states(model)
    assert (model.log_density(rows) == again.log_density(rows)).all()
    assert SumProduct.random(4, 2, np.random.default_rng(1)).sites == 4

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states, hierarchical_table

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer, support

HALF = [[0.5, 0.5], [0.25, 0.75]]
PAIR = [[[0.25, 0.25], [0.5, 0.0]]]
ONE = (Leaf(0, HALF), Leaf(1, HALF), Transfer((0, 1), PAIR))


def test_only_the_whole_sums_to_one():
    """Functions of mass 4 and 1/2, weights that make up for them; one child, and one function of no mass."""
    nodes = (
        Leaf(1, [[3, 1], [0, 0]]),
        Leaf(0, [["1/2", 0, 0], [0, "1/4", "1/4"], [0, 0, 0]]),
        Transfer((1,), [["1/2", 0, 3], [0, "1/2", 0]]),
        Transfer((2, 0), [[["1/2", 5], ["1/2", 0]]]),
    )
    model = Hierarchical(nodes)
    table = hierarchical_table(model)
    assert table.sum() == 1
    assert [list(mass) for mass in model.masses] == [
        [4, 0],
        [Fraction(1, 2), Fraction(1, 2), 0],
        [Fraction(1, 4), Fraction(1, 4)],
        [1],
    ]
    assert list(model.probability(all_states(model.shape))) == list(table.ravel())
    assert model.ranks == (2, 3, 2, 1)
    assert model.table_entries == 4 + 9 + 6 + 4
    assert model.parameters == 2 * 1 + 3 * 2 + 2 * 2 + 3
    normal = model.normalized()
    assert all(node.table.reshape(len(node.table), -1).sum(axis=1).tolist() == [1] * len(node.table) for node in normal.nodes)
    assert hierarchical_table(normal).tolist() == table.tolist()
    assert normal.normalized() is normal
    assert model.sample(5).shape == (5, 2)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(2, 4), st.integers(0, 2**20))
def test_random_functions_of_any_mass(rank, values, sites, seed):
    rng = np.random.default_rng(seed)
    model = Hierarchical.random([values] * sites, rank, seed)
    nodes = []
    factors = [rng.uniform(0.1, 9, node.table.shape[0]) for node in model.nodes[:-1]] + [np.ones(1)]
    for node, factor in zip(model.nodes, factors, strict=True):
        table = node.table * factor.reshape([-1] + [1] * (node.table.ndim - 1))
        if isinstance(node, Leaf):
            nodes.append(Leaf(node.variable, table))
        else:
            first, second = (factors[child] for child in node.children)
            nodes.append(Transfer(node.children, table / first[:, None] / second))
    scaled = Hierarchical(tuple(nodes))
    table = hierarchical_table(model)
    rows = all_states(model.shape)
    np.testing.assert_allclose(scaled.probability(rows), table.ravel(), rtol=1e-10)
    np.testing.assert_allclose(hierarchical_table(scaled.normalized()), table, rtol=1e-10)
    np.testing.assert_allclose(scaled.to_network().contract(), table, rtol=1e-10)


def test_support():
    table = np.array([[[0, 1], [0, 0]], [[0, 2], [3, 0]]])
    assert support(table).tolist() == [[0, 1], [1, 0]]
    model = Hierarchical((Leaf(0, HALF), Leaf(1, HALF), Transfer((0, 1), [[[0.5, 0], [0, 0.5]]])))
    # Two leaves of two functions, two pairs, one sum.
    assert model.circuit.slots == 2 + 2 + 2 + 1


def test_deep_trees():
    count = 2000
    nodes = [Leaf(0, [[0.5, 0.5]])]
    for site in range(1, count):
        nodes += [Leaf(site, [[0.25, 0.75]]), Transfer((len(nodes) - 1, len(nodes)), [[[1.0]]])]
    model = Hierarchical(tuple(nodes))
    expected = np.log(0.5) + (count - 1) * np.log(0.75)
    assert model.log_density(np.ones((1, count), dtype=int))[0] == pytest.approx(expected, rel=1e-12)
    assert repr(model) == "Hierarchical(2000 variables, 3999 nodes of rank at most 1)"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), r"nodes are \(\); expected leaves and transfer nodes, the root last"),
        (5, "nodes are 5; expected leaves"),
        (((0, HALF),), "expected Leaf"),
        ((Leaf(-1, HALF),), "the variable of node 0 is -1"),
        ((Leaf(0, [[-1.0, 2.0]]),), "the table of node 0 is -1.0 at function 0, component 0; expected nonnegative"),
        ((Leaf(0, [0.5, 0.5]),), r"the table of node 0 has the shape \(2,\); expected \(function, component\)"),
        ((*ONE[:2], Transfer((0, 2), PAIR)), "node 2 has the child 2; expected the number of an earlier node"),
        ((*ONE[:2], Transfer((0, 0), PAIR)), r"node 2 has the children \(0, 0\); expected one or two different nodes"),
        ((*ONE[:2], Transfer((), PAIR)), r"the children of node 2 are \(\)"),
        ((*ONE, Transfer((1, 2), PAIR)), "node 1 is a child of 2 and of 3; expected one parent"),
        ((*ONE[:2], Transfer((0, 1), [[[1.0, 0.0]]])), r"the shape \(1, 1, 2\); expected dimension 1 to be 2"),
        ((*ONE[:2], Leaf(2, HALF), ONE[2]), "node 2 is no child of any node; expected a single tree with its root last"),
        ((Leaf(0, HALF), Leaf(0, HALF), ONE[2]), "the leaves are of the variables 0, 0; expected each of 0 to N - 1"),
        ((Leaf(0, HALF), Leaf(2, HALF), ONE[2]), "the leaves are of the variables 0, 2"),
        ((Leaf(0, HALF),), "the root, the last node, has 2 functions; expected 1"),
        ((*ONE[:2], Transfer((0, 1), [[[0.5, 0.25], [0.5, 0.0]]])), "the model sums to 1.25 over all values; expected 1"),
        ((Leaf(0, [["1/2", "1/3"]]),), "the model sums to 5/6"),
        # A fraction beyond every float meets a table of floats.
        ((Leaf(0, [["1/2", 10**400]]), Leaf(1, [[0.5, 0.5]]), Transfer((0, 1), [[[1.0]]])), "the model sums to inf over all"),
    ],
)
def test_what_is_no_hierarchical_format(nodes, message):
    with pytest.raises(TensorRankError, match=message):
        Hierarchical(nodes)


def test_random_formats_of_bad_arguments():
    with pytest.raises(TensorRankError, match="rank is 0"):
        Hierarchical.random([2, 2], 0, 0)
    with pytest.raises(TensorRankError, match="the number of values is 0"):
        Hierarchical.random([2, 0], 1, 0)
    with pytest.raises(TensorRankError, match="a tree of 2 variables was given for 3; expected as many"):
        Hierarchical.random([2, 2, 2], 2, 0, tree=(0, 1))


@pytest.mark.parametrize(
    "model",
    [
        Hierarchical([Leaf(0, [[0.25, 0.75]])]),
        # The second function of the first pair is 0 everywhere, so its normalised form takes a pair of its own.
        Hierarchical(
            [
                *(Leaf(site, [[0.5, 0.5], [0.25, 0.75]]) for site in range(4)),
                Transfer((0, 1), [[[0, 0], [0, 1.0]], [[0, 0], [0, 0]]]),
                Transfer((2, 3), [[[1.0, 0], [0, 0]]]),
                Transfer((4, 5), [[[1.0], [0]]]),
            ]
        ),
    ],
    ids=["a single leaf", "a function of mass 0"],
)
def test_the_size_of_the_latent_tree_is_known_without_it(model):
    assert model.latent_tree_entries() == model.latent_tree().table_entries

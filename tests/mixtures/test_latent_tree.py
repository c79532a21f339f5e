from fractions import Fraction

import numpy as np
import pytest
from mixtures.brute_force import all_states, latent_tree_table
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank

FIELD = PrimeField(8388593)
COIN = [[0.5, 0.5], [0.25, 0.75]]
FAIR = [0.5, 0.5]


def test_the_tree_of_named_nodes():
    three = [[0.5, 0.25, 0.25], [0, 0.5, 0.5]]
    tree = LatentTree("top", FAIR, [("low", "b", COIN), ("top", "c", three), Edge("top", "low", COIN), ("low", "a", three)])
    assert tree.latents == ("top", "low")
    assert tree.children == {"top": ("c", "low"), "low": ("b", "a")}
    assert tree.leaves == ("b", "c", "a")
    assert tree.shape == (2, 3, 3)
    assert (tree.parent("top"), tree.parent("low"), tree.parent("a")) == (None, "top", "low")
    assert tree.states == {"top": 2, "low": 2, "a": 3, "b": 2, "c": 3}
    np.testing.assert_array_equal(tree.table("top"), [FAIR])
    np.testing.assert_array_equal(tree.table("a"), three)
    assert tree.latent_tree() is tree
    np.testing.assert_allclose(tree.probability(all_states((2, 3, 3))), latent_tree_table(tree).ravel(), rtol=1e-13)
    again = LatentTree("top", FAIR, tree.edges, ["a", "b", "c"])
    np.testing.assert_allclose(again.to_network().contract(), latent_tree_table(tree).transpose(2, 0, 1), rtol=1e-13)


def test_leaves_named_by_numbers_are_these_variables():
    tree = LatentTree("z", FAIR, [("z", 1, [[1, 0], [0, 1]]), ("z", 0, COIN)])
    assert tree.leaves == (0, 1)
    np.testing.assert_allclose(tree.marginal([0]), [0.375, 0.625])


def test_sizes():
    # The prior, an edge between hidden variables, and leaves of 3, 3 and 2 values under 2, 2 and 4 states.
    tree = LatentTree(
        "r",
        FAIR,
        [
            ("r", "s", np.full((2, 4), 0.25)),
            ("r", 0, np.full((2, 3), 1 / 3)),
            ("r", 1, np.full((2, 3), 1 / 3)),
            ("s", 2, np.full((4, 2), 0.5)),
        ],
    )
    assert tree.table_entries == 2 + 2 * 4 + 2 * 3 + 2 * 3 + 4 * 2 == tree.size
    assert tree.parameters == 1 + 2 * 3 + 2 * 2 + 2 * 2 + 4 * 1
    assert repr(tree) == "LatentTree(3 variables, 2 hidden of at most 4 states)"


def test_prefix_cuts_of_a_balanced_tree():
    """MATH: balanced tree of rank 2 over 8 variables: 2 2 4 2 4 2 2."""
    tree = LatentTree.random([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], 2, 2, 0, fractions=True)
    for sites, expected in zip(range(1, 8), (2, 2, 4, 2, 4, 2, 2), strict=True):
        found = separation_rank(tree, Bipartition(tuple(range(sites)), tuple(range(sites, 8))))
        assert (found.value, found.standing) == (expected, "exact")


def test_hidden_chains_without_branches():
    half, third = Fraction(1, 2), Fraction(1, 3)
    tree = LatentTree("a", [half, half], [("a", "b", [[third, 1 - third], [0, 1]]), ("b", 0, [[1, 0], [half, half]])])
    assert tree.probability([[0], [1]]).tolist() == [Fraction(7, 12), Fraction(5, 12)]


@pytest.mark.parametrize("shape", ["chain", "comb", "star"])
def test_thousands_of_hidden_variables(shape):
    count = 3000 if shape == "chain" else 1000
    edges = [(f"z{0 if shape == 'star' else node - 1}", f"z{node}", np.array(COIN)) for node in range(1, count)]
    leaves = range(count - 1, count) if shape == "chain" else range(1 if shape == "star" else 0, count)
    edges += [(f"z{node}", number, np.array(COIN)) for number, node in enumerate(leaves)]
    tree = LatentTree("z0", FAIR, edges)
    assert len(tree.latents) == count
    rows = np.zeros((2, tree.sites), dtype=int)
    rows[1] = -1
    found = tree.log_density(rows)
    assert np.isfinite(found[0])
    assert found[1] == pytest.approx(0, abs=1e-9)
    if shape == "chain":
        # P(0 at the end) is that of the distribution (1/3, 2/3) that a step does not change.
        assert found[0] == pytest.approx(np.log(1 / 3 * 0.5 + 2 / 3 * 0.25), rel=1e-12)
    assert tree.sample(2).shape == (2, tree.sites)
    assert len(tree.posteriors(rows)) == tree.sites


@pytest.mark.parametrize(
    ("root", "prior", "edges", "message"),
    [
        ("z", [0.5, 0.6], [("z", 0, COIN)], "the prior of the root sums to 1.1 over state; expected 1"),
        ("z", FAIR, [("z", 0, [[0.5, 0.5], [0.5, 0.6]])], "the edge 'z' -> 0 sums to 1.1 at state of 'z' 1 over state of 0"),
        ("z", FAIR, [("z", 0, [[1.5, -0.5], [0, 1]])], "'z' -> 0 is -0.5 at state of 'z' 0, state of 0 1"),
        ("z", FAIR, [("z", 0, [[0.5, 0.5]])], "the edge 'z' -> 0 has 1 rows; expected one for each of the 2 states"),
        ("z", FAIR, [("z", 0, FAIR)], r"the shape \(2,\); expected \(state of 'z', state of 0\)"),
        ("z", FAIR, [("z", 0, COIN), ("z", 0, COIN)], "the node 0 has the parents 'z' and 'z'; expected one"),
        ("z", FAIR, [("z", "y", COIN), ("z", 0, COIN), ("y", 0, COIN)], "the node 0 has the parents 'z' and 'y'"),
        ("z", FAIR, [("y", "z", COIN), ("z", 0, COIN)], "the root 'z' has the parent 'y'; expected none"),
        ("z", FAIR, [("z", "z", COIN)], "the root 'z' has the parent 'z'"),
        ("z", FAIR, [], "no edge starts at the root 'z'"),
        ("y", FAIR, [("z", 0, COIN)], "no edge starts at the root 'y'"),
        (
            "z",
            FAIR,
            [("z", 0, COIN), ("a", "b", COIN), ("b", "a", COIN), ("b", 1, COIN)],
            "the edges have a cycle, 'b' <- 'a' <- 'b'; expected a tree from the root 'z'",
        ),
        ("z", FAIR, [("z", 0, COIN), ("y", 1, COIN)], "the node 'y' is not reached from the root 'z'"),
        ("z", FAIR, [("z", 0)], r"an edge is \('z', 0\); expected \(parent, child, table\)"),
        ("z", FAIR, [("z", 1.5, COIN)], "a node is named 1.5; expected a whole number or a text"),
        ("z", FAIR, [("z", True, COIN)], "a node is named True"),
    ],
)
def test_what_is_no_tree(root, prior, edges, message):
    with pytest.raises(TensorRankError, match=message):
        LatentTree(root, prior, edges)


@pytest.mark.parametrize("variables", [["a"], ["a", "b", "z"], ["a", "a"], "ab", [0, 1], 3])
def test_variables_that_are_not_the_leaves(variables):
    with pytest.raises(TensorRankError, match="expected each leaf once: 'a', 'b'"):
        LatentTree("z", FAIR, [("z", "a", COIN), ("z", "b", COIN)], variables)


@pytest.mark.parametrize(
    ("parents", "states", "symbols", "message"),
    [
        ([], 2, 2, "expected at least one"),
        ([0, 2], 2, 2, r"parents are \[0, 2\]; expected at least one, each smaller"),
        ([0], 0, 2, "states is 0"),
        ([0], 2, 0, "symbols is 0"),
        ([-1], 2, 2, "a parent is -1"),
    ],
)
def test_random_trees_of_bad_numbers(parents, states, symbols, message):
    with pytest.raises(TensorRankError, match=message):
        LatentTree.random(parents, states, symbols, 0)


def test_seeds():
    one, two = (LatentTree.random([0, 0], 2, 2, seed) for seed in (0, np.random.default_rng(0)))
    np.testing.assert_array_equal(one.prior, two.prior)
    assert flint_rank(FIELD.image(LatentTree.random([0, 0], 2, 2, 1, fractions=True).to_network().contract()), FIELD.prime) == 2


def test_leaves_are_numbered_by_their_numbers_where_all_nodes_have_one():
    coin = [[0.9, 0.1], [0.2, 0.8]]
    tree = LatentTree(0, [0.5, 0.5], [(0, 2, coin), (0, 1, coin), (2, 5, coin), (1, 4, coin), (2, 6, coin), (1, 3, coin)])
    assert tree.leaves == (3, 4, 5, 6)


@pytest.mark.parametrize("names", [(7, 0, 3, 1), ("7", "0", "3", "1"), (0, 1, 2, "x")])
def test_numbers_that_are_no_variables_are_refused(names):
    coin = [[0.9, 0.1], [0.2, 0.8]]
    edges = [("z", name, coin) for name in names]
    with pytest.raises(TensorRankError, match="which leaves open what number each has as a variable; expected 0 to 3"):
        LatentTree("z", [0.5, 0.5], edges)
    assert LatentTree("z", [0.5, 0.5], edges, names).leaves == names

import numpy as np
import pytest
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker, balanced_tree, sites_of
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import Bipartition

FIELD = PrimeField(8388593)


def value(tucker, tree, site_values):
    """The functions of a node at one entry of every site below it, from the definition."""
    if isinstance(tree, int):
        return tucker.leaves[tree][site_values[tree]].astype(object)
    left, right = (value(tucker, child, site_values) for child in tree)
    return np.array([left @ transfer.astype(object) @ right for transfer in tucker.transfers[tree]], dtype=object)


@pytest.mark.parametrize("tree", [None, ((0, 2), (1, 3)), (3, (1, (0, 2)))])
def test_the_network_is_the_tensor_that_the_definition_gives(tree):
    tucker = HierarchicalTucker.random((2, 3, 2, 2), 3, seed=0, tree=tree)
    dense = tucker.to_network().contract(FIELD)
    assert dense.shape == tucker.shape == (2, 3, 2, 2)
    for entry in np.ndindex(dense.shape):
        assert dense[entry] == value(tucker, tucker.tree, entry)[0] % FIELD.prime


@pytest.mark.parametrize(("sites", "tree"), [(2, (0, 1)), (3, (0, (1, 2))), (8, (((0, 1), (2, 3)), ((4, 5), (6, 7))))])
def test_balanced_trees(sites, tree):
    assert balanced_tree(sites) == tree
    assert sites_of(tree) == tuple(range(sites))


def test_the_cut_at_a_node_has_the_rank_of_the_node():
    network = HierarchicalTucker.random((3,) * 8, 3, seed=1).to_network()
    for below in ((0,), (2, 3), (4, 5, 6, 7)):
        assert flint_rank(network.unfold(Bipartition.of(8, below), FIELD), FIELD.prime) == 3


def test_a_train_of_rank_r_has_ranks_of_at_most_r_squared_at_the_nodes_of_every_tree_of_intervals():
    # Khrulkov, Novikov and Oseledets (2018); r squared is reached.
    network = TensorTrain.random((4,) * 6, 2, seed=2).to_network()
    ranks = {
        below: flint_rank(network.unfold(Bipartition.of(6, below), FIELD), FIELD.prime)
        for below in ((0, 1), (2, 3), (4, 5), (1, 2, 3), (2, 3, 4))
    }
    assert ranks == {(0, 1): 2, (2, 3): 4, (4, 5): 2, (1, 2, 3): 4, (2, 3, 4): 4}


def arrays(rank=2, root=1):
    return [np.ones((2, rank)), np.ones((2, 2))], {(0, 1): np.ones((root, 2, 2))}


@pytest.mark.parametrize(
    ("tree", "given", "message"),
    [
        (0, arrays(), "has the sites 0; expected each of 0 to N - 1 once, two or more"),
        ((0, 2), arrays(), "has the sites 0, 2"),
        ((0, 1, 2), arrays(), r"contains \(0, 1, 2\); expected a site's number or a pair"),
        ((0, (1, 2)), arrays(), "2 leaves were given for a tree of 3 sites"),
        ((1, 0), arrays(), r"missing or too many at .*\(1, 0\)"),
        ((0, 1), (3, {}), "leaves are 3; expected a matrix for each site"),
        ((0, 1), (arrays()[0], 3), "transfers are 3; expected a mapping of nodes to arrays"),
        ((0, 1), arrays(rank=3), r"of \(0, 1\) has the shape \(1, 2, 2\); expected \(1, 3, 2\)"),
        ((0, 1), arrays(root=2), r"of \(0, 1\) has the shape \(2, 2, 2\); expected \(1, 2, 2\)"),
        ((0, 1), ([np.ones(2), np.ones((2, 2))], arrays()[1]), r"leaf 0 has the shape \(2,\)"),
    ],
)
def test_trees_and_arrays_that_do_not_fit(tree, given, message):
    with pytest.raises(TensorRankError, match=message):
        HierarchicalTucker(tree, *given)

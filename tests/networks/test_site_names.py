"""Sites are given by number or by name wherever sites are taken: open legs of networks, variables of trees."""

import copy
import json
import pickle

import numpy as np
import pytest
from command_line import run

import tensorrank as tr
from tensorrank.networks.cuts import minimum_cut

TABLE = np.arange(8).reshape(2, 2, 2) + 1
NETWORK = tr.TensorNetwork((tr.Tensor("table", ("sun", "rain", "wind"), TABLE),), ("sun", "rain", "wind"))
COINS = [[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.3, 0.7]]
TREE = tr.LatentTree("z", [0.5, 0.5], [("z", "x", COINS[0]), ("z", "y", COINS[1])], ["x", "y"])
JOINT = sum(0.5 * np.outer(COINS[0][state], COINS[1][state]) for state in (0, 1))


def test_marginals_of_a_network_are_asked_for_by_name():
    np.testing.assert_array_equal(NETWORK.marginal_network(["rain"]).contract(), TABLE.sum(axis=(0, 2)))
    np.testing.assert_array_equal(NETWORK.marginal_network(["wind", 0]).contract(), TABLE.sum(axis=1).T)


def test_partitions_of_a_network_are_asked_for_by_name():
    assert tr.separation_rank(NETWORK, ["wind", "sun"]).value == np.linalg.matrix_rank(TABLE.transpose(0, 2, 1).reshape(4, 2))
    np.testing.assert_array_equal(NETWORK.unfold(["rain"]), TABLE.transpose(1, 0, 2).reshape(2, 4))
    assert minimum_cut(NETWORK, ["rain"]) == minimum_cut(NETWORK, [1])
    assert NETWORK.describe(["rain"]) == NETWORK.describe([1])
    assert tr.plan(NETWORK, ["rain"]) == tr.plan(NETWORK, [1])
    assert tr.separation_rank(NETWORK.architecture(), ["rain"]).value == 2


def test_variables_of_a_tree_are_asked_for_by_name():
    np.testing.assert_allclose(TREE.marginal(["y"]), JOINT.sum(axis=0))
    np.testing.assert_allclose(TREE.marginal(["y", "x"]), JOINT.T)
    np.testing.assert_allclose(TREE.marginal_network(["y"]).contract(), JOINT.sum(axis=0))
    assert TREE.restricted(["y"]).leaves == ("y",)
    assert tr.separation_rank(TREE, ["x"]).value == 2


ASKED = [
    lambda site: NETWORK.marginal_network([site]),
    lambda site: NETWORK.unfold([site]),
    lambda site: tr.separation_rank(NETWORK, [site]),
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_name_that_no_site_has_is_refused_with_those_known(asked):
    with pytest.raises(
        tr.TensorRankError,
        match="site 'rein' was given; expected one of 'sun', 'rain', 'wind', or its number; did you mean 'rain'",
    ):
        asked("rein")


@pytest.mark.parametrize(
    "asked",
    [
        lambda: tr.separation_rank(tr.SelfAttention(depth=1, width=2), ["x"]),
        lambda: tr.LatentClass.random([2, 2], 2, 0).marginal(["x"]),
        lambda: tr.HiddenMarkov.random(2, 2, 3, 0).marginal_network(["z0"]),
    ],
)
def test_sites_without_names_are_known_by_their_numbers(asked):
    with pytest.raises(tr.TensorRankError, match="expected a whole number from 0, for these sites have no names"):
        asked()


@pytest.mark.parametrize(("name", "ours"), [("marginal", r"marginal_network\(sites\)"), ("posteriors", r"joint / joint\.sum")])
def test_what_only_mixtures_answer_is_answered_with_the_way_round(name, ours):
    with pytest.raises(AttributeError, match=f"'TensorNetwork' object has no attribute '{name}'; here it is {ours}"):
        getattr(NETWORK, name)
    assert not hasattr(NETWORK, "colour")
    assert copy.deepcopy(NETWORK) == pickle.loads(pickle.dumps(NETWORK)) == NETWORK


def test_the_command_line_takes_the_names_of_a_tree(tmp_path):
    tr.save(TREE, tmp_path / "tree.json")
    found = run("rank", str(tmp_path / "tree.json"), "--partition", "y", "--json")
    assert json.loads(found.stdout)["partition"] == [[1], [0]]

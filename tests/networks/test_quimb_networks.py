"""Tensor networks to and from quimb, contracted by both."""

import doctest
import re
import sys

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.networks import quimb_networks
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.quimb_networks import from_quimb, to_quimb
from tensorrank.networks.tensor_train import TensorTrain

qtn = pytest.importorskip("quimb.tensor", reason="quimb is not installed")


def dense(theirs, inds):
    return np.asarray(theirs.to_dense(*([index] for index in inds)))


STATES = {
    "train": lambda: qtn.MPS_rand_state(6, 3, phys_dim=2, seed=0),
    "ring": lambda: qtn.MPS_rand_state(6, 3, phys_dim=2, seed=1, cyclic=True),
    "complex": lambda: qtn.MPS_rand_state(5, 3, phys_dim=2, seed=7, dtype=complex),
    "lattice": lambda: qtn.PEPS.rand(2, 3, 2, seed=2),
    "operator": lambda: qtn.MPO_rand(4, 2, phys_dim=2, seed=3),
    "after a gate": lambda: qtn.MPS_rand_state(5, 2, seed=4).gate_(np.array([[1.0, 1], [1, -1]]), 1, contract=False),
    "tensors of numpy": lambda: qtn.rand_tensor((2, 3, 2), "abc", seed=5) & qtn.rand_tensor((3, 2), "bd", seed=6),
}


@pytest.mark.parametrize("name", STATES)
def test_networks_of_quimb_are_the_same_functions(name):
    theirs = STATES[name]()
    ours = from_quimb(theirs)
    again = to_quimb(ours)
    np.testing.assert_allclose(dense(again, ours.open_legs), dense(theirs, ours.open_legs), rtol=1e-10, atol=1e-14)
    assert sorted(ours.open_legs) == sorted(theirs.outer_inds())
    np.testing.assert_allclose(ours.contract(), dense(theirs, ours.open_legs), rtol=1e-10, atol=1e-14)


def test_sites_are_in_the_order_of_the_sites_and_others_in_the_order_asked_for():
    theirs = STATES["after a gate"]()
    assert theirs.outer_inds() != ("k0", "k1", "k2", "k3", "k4")  # quimb's order is that of the tensors
    assert from_quimb(theirs).open_legs == ("k0", "k1", "k2", "k3", "k4")
    chosen = from_quimb(theirs, open_legs=["k3", "k0", "k1", "k2", "k4"])
    np.testing.assert_allclose(chosen.contract(), dense(theirs, chosen.open_legs), rtol=1e-10)


def test_the_rank_of_a_state_is_its_schmidt_rank():
    """The state |0101> + |1010> + |1111> has three different halves, and two different pairs of even places."""
    terms = [qtn.MPS_computational_state(bits) for bits in ("0101", "1010", "1111")]
    state = terms[0] + terms[1] + terms[2]
    for cut, rank in (("halves", 3), ("interleaved", 2), ([0], 2)):
        assert tr.separation_rank(from_quimb(state), cut).value == rank
    assert state.schmidt_values(2).shape[0] >= 3


def test_a_single_tensor_and_scalars():
    tensor = qtn.rand_tensor((2, 3), "ab", seed=0)
    assert from_quimb(tensor).open_legs == ("a", "b")
    np.testing.assert_array_equal(from_quimb(tensor).contract(), tensor.data)
    assert from_quimb(qtn.Tensor(3.0)).contract() == 3.0
    norm = qtn.MPS_rand_state(4, 2, seed=0).H & qtn.MPS_rand_state(4, 2, seed=1)
    assert from_quimb(norm).contract() == pytest.approx(norm.contract())


def test_indices_of_three_tensors_are_summed_over_or_open():
    hyper = qtn.TensorNetwork([qtn.rand_tensor((2, 2), ("i", end), seed=n) for n, end in enumerate("abc")])
    expected = np.einsum("ia,ib,ic->abc", *(one.data for one in hyper))
    np.testing.assert_allclose(from_quimb(hyper).contract(), expected, rtol=1e-12)
    found = from_quimb(hyper, open_legs=["i", "a", "b", "c"]).contract()
    np.testing.assert_allclose(found, np.einsum("ia,ib,ic->iabc", *(one.data for one in hyper)), rtol=1e-12)


def test_the_factor_that_quimb_keeps_apart_is_a_tensor():
    theirs = STATES["train"]()
    scaled = theirs.copy()
    scaled.equalize_norms_(1.0)
    scaled.exponent += 3
    assert scaled.exponent > 2
    np.testing.assert_allclose(from_quimb(scaled).contract(), 1000 * from_quimb(theirs).contract(), rtol=1e-10)
    scaled.exponent = 400.0
    with pytest.raises(TensorRankError, match=r"the network's exponent is 400\.0; expected one whose power of 10 is a float"):
        from_quimb(scaled)


def test_names_are_tags_where_these_tell_tensors_apart():
    assert [one.name for one in from_quimb(STATES["train"]()).tensors] == [f"I{n}" for n in range(6)]
    same = qtn.rand_tensor((2,), "a", tags="x") & qtn.rand_tensor((2,), "a", tags="x") & qtn.rand_tensor((2,), "a", tags="yz")
    assert [one.name for one in from_quimb(same).tensors] == ["tensor 0", "tensor 1", "yz"]


def test_tensors_of_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = qtn.Tensor(torch.arange(4.0, requires_grad=True).reshape(2, 2), "ab")
    np.testing.assert_array_equal(from_quimb(theirs).contract(), [[0, 1], [2, 3]])


def copied(open_legs):
    """A leg of three tensors, z, and a bond."""
    rng = np.random.default_rng(0)
    places = {"u": ("z", "a"), "v": ("z", "b"), "w": ("z", "c"), "x": ("c", "d")}
    tensors = [Tensor(name, legs, rng.normal(size=(2, 2))) for name, legs in places.items()]
    return TensorNetwork(tuple(tensors), tuple(open_legs))


@pytest.mark.parametrize("open_legs", ["abd", "zabd", "zabcd", "dba"])
def test_networks_go_to_quimb_with_copies_of_shared_legs(open_legs):
    ours = copied(open_legs)
    theirs = to_quimb(ours)
    assert sorted(theirs.outer_inds()) == sorted(open_legs)
    assert not list(theirs.get_hyperinds())
    np.testing.assert_allclose(dense(theirs, open_legs), ours.contract(), rtol=1e-12)
    np.testing.assert_allclose(theirs.contract().transpose(*open_legs).data, ours.contract(), rtol=1e-12)
    np.testing.assert_allclose(from_quimb(theirs, list(open_legs)).contract(), ours.contract(), rtol=1e-12)


def test_formats_and_mixtures_go_to_quimb():
    train = TensorTrain.random((2, 3, 2), 2, seed=0)
    np.testing.assert_allclose(
        dense(to_quimb(train.to_network()), train.to_network().open_legs), train.to_network().contract(), rtol=1e-12
    )
    chain = tr.HiddenMarkov.random(2, 2, 5, seed=0, fractions=True).to_network()
    theirs = to_quimb(chain)
    assert theirs.contract(output_inds=chain.open_legs).data.sum() == pytest.approx(1)
    np.testing.assert_allclose(dense(theirs, chain.open_legs), chain.contract(), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: from_quimb(np.eye(2)),
            "an object of the type ndarray was given; expected a Tensor or a TensorNetwork of quimb",
        ),
        (lambda: from_quimb(qtn.Tensor(np.eye(2), "aa")), "has the index 'a' more than once; expected different ones"),
        (lambda: from_quimb(qtn.Tensor(np.eye(2), "ab"), "ab"), "open_legs are 'ab'; expected a list of indices"),
        (lambda: from_quimb(qtn.Tensor(np.eye(2), "ab"), ["a", "c", "b"]), "no tensor has the open leg 'c'"),
        (lambda: from_quimb(qtn.Tensor(np.eye(2), "ab"), ["a"]), "leg 'b' is in tensor 'tensor 0' only and not open"),
        (
            lambda: from_quimb(qtn.rand_tensor((2, 3), "ab") & qtn.rand_tensor((4,), "b")),
            "leg 'b' has dimension 3 in tensor 'tensor 0' and 4 in tensor 'tensor 1'",
        ),
        (lambda: from_quimb(qtn.TensorNetwork([])), "expected a list of tensors, at least one"),
        (lambda: from_quimb(qtn.Tensor(np.array([[np.nan]]), "ab")).contract(), "an entry is infinite or not a number"),
        (lambda: to_quimb(np.eye(2)), "an object of the type ndarray was given; expected a TensorNetwork: formats and"),
        (lambda: to_quimb(TensorNetwork((Tensor("a", ("i",), [10**400]),), ("i",))), "an entry has no float64 value"),
    ],
)
def test_what_is_no_network_is_refused(call, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        call()


def test_quimb_is_imported_only_when_called(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "quimb"]:
        monkeypatch.setitem(sys.modules, name, None)
    ours = copied("abd")
    for call in (lambda: from_quimb(None), lambda: to_quimb(ours)):
        with pytest.raises(TensorRankError, match=r"quimb cannot be imported .* try: pip install quimb"):
            call()


@pytest.mark.parametrize("function", [from_quimb, to_quimb])
def test_the_examples_in_their_docstrings_are_true(function):
    """They are skipped elsewhere, where quimb need not be installed."""
    (example,) = doctest.DocTestFinder(recurse=False).find(function, globs=vars(quimb_networks) | {"tr": tr})
    for one in example.examples:
        one.options.pop(doctest.SKIP, None)
    assert doctest.DocTestRunner().run(example).failed == 0

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks.random_networks import dense, networks

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PartitionError, PrimeError, TensorRankError
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import Bipartition

SMALL, SPLIT = PrimeField(8388593), PrimeField(2147483629)
FIELDS = [PrimeField(2), PrimeField(7), SMALL, SPLIT]


def modulo(array, field):
    return np.array([int(x) % field.prime for x in array.flat], dtype=np.int64).reshape(array.shape)


@settings(max_examples=60, deadline=None)
@given(networks(least_sites=0), st.sampled_from(FIELDS))
def test_contraction_agrees_with_einsum_in_whole_numbers(network, field):
    expected = np.asarray(dense(network))
    found = network.contract(field)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, modulo(expected, field))
    np.testing.assert_allclose(network.contract(), expected.astype(float), rtol=1e-12, atol=0)


@settings(max_examples=60, deadline=None)
@given(networks(), st.sampled_from(FIELDS), st.data())
def test_unfoldings_and_grids_agree_with_the_dense_tensor(network, field, data):
    order = data.draw(st.permutations(range(network.sites)))
    cut = data.draw(st.integers(1, network.sites - 1))
    partition = Bipartition(tuple(order[:cut]), tuple(order[cut:]))
    tensor = dense(network)
    rows = int(np.prod([network.shape[site] for site in partition.a]))
    np.testing.assert_array_equal(network.unfold(partition, field), modulo(tensor.transpose(order).reshape(rows, -1), field))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    inputs = [
        [rng.integers(-5, 6, (count, network.shape[site])) for site in side]
        for count, side in ((4, partition.a), (3, partition.b))
    ]
    by_site = dict(
        zip(order, [np.repeat(x, 3, axis=0) for x in inputs[0]] + [np.tile(x, (4, 1)) for x in inputs[1]], strict=True)
    )
    expected = dense(network, [by_site[site] for site in range(network.sites)]).reshape(4, 3)
    np.testing.assert_array_equal(network.grid(partition, *inputs, field), modulo(expected, field))
    np.testing.assert_allclose(network.grid(partition, *inputs), expected.astype(float), rtol=1e-12, atol=1e-9)


def test_padding_beyond_a_legs_dimension_is_ignored():
    network = TensorNetwork((Tensor("t", ("x", "y"), np.arange(6).reshape(2, 3)),), ("x", "y"))
    halves = Bipartition.halves(2)
    padded = network.grid(halves, [[[1, 2, 777]]], [[[1, 0, 1]], [[0, 1, 0]]], SMALL)
    np.testing.assert_array_equal(padded, [[2 + 2 * 8, 1 + 2 * 4]])


def test_fractions_are_exact_and_floats_are_what_they_store():
    third = Tensor("third", ("x", "z"), [[Fraction(1, 3), 2], [0.5, 4]])
    network = TensorNetwork((third, Tensor("v", ("z",), [3, Fraction(1, 4)])), ("x",))
    field = PrimeField(101)
    expected = [Fraction(3, 2), Fraction(5, 2)]
    np.testing.assert_array_equal(network.contract(field), field.image(np.array(expected, dtype=object)))
    np.testing.assert_allclose(network.contract(), [1.5, 2.5])


@settings(max_examples=30, deadline=None)
@given(networks(), st.sampled_from([SMALL, SPLIT]))
def test_the_image_of_a_float_contraction_is_the_contraction_of_the_images(network, field):
    halved = TensorNetwork(
        tuple(Tensor(t.name, t.legs, t.array / 2) for t in network.tensors), network.open_legs
    )  # halves of small whole numbers: float64 loses nothing
    np.testing.assert_array_equal(field.image(halved.contract()), halved.contract(field))


def test_more_legs_than_the_alphabet_has_letters():
    train = TensorTrain.random((1, 2) * 30, 2, seed=3)
    product = np.eye(1, dtype=object)
    for site, core in enumerate(train.cores):
        product = product @ core[:, site % 2, :].astype(object)
    basis = [np.eye(k, dtype=int)[[i % 2]] for i, k in enumerate(train.shape)]
    halves = Bipartition.halves(60)
    found = train.to_network().grid(halves, basis[:30], basis[30:], SPLIT)
    assert found == [[product[0, 0] % SPLIT.prime]]


def test_tensors_do_not_follow_later_changes_and_cannot_be_changed():
    array = np.ones((2, 2))
    tensor = Tensor("t", ("a", "b"), array)
    array[0, 0] = 5
    assert tensor.array[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        tensor.array[0, 0] = 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", ("a",), [1]), "a tensor is named ''"),
        (("t", "ab", np.ones((2, 2))), "legs of tensor 't' are given as 'ab'; expected a sequence of names"),
        (("t", ("a", 3), np.ones((2, 2))), "contain 3; expected texts"),
        (("t", ("a", "a"), np.ones((2, 2))), "name 'a' more than once"),
        (("t", ("a",), np.ones((2, 2))), r"'t' has 1 legs, a, but an array of 2 dimensions, \(2, 2\)"),
        (("t", ("a",), np.ones(0)), r"'t' has the shape \(0,\), without entries"),
        (("t", ("a",), ["x"]), "'t' holds entries of type <U1"),
        (("t", ("a",), [1j, "x"]), "'t' holds entries of type <U"),
        (("t", ("a",), [1j, None]), "'t' holds None beside complex entries; expected floats, or what they hold"),
        (("t", ("a",), [1j, 2**60 + 1]), "'t' holds 1152921504606846977 beside complex entries; expected floats"),
        (("t", ("a",), [1j, Fraction(1, 3)]), "'t' holds 1/3 beside complex entries; expected floats, or what they hold"),
    ],
)
def test_a_tensor_that_is_none(arguments, message):
    with pytest.raises(TensorRankError, match=message):
        Tensor(*arguments)


def vector(name, leg, size=2):
    return Tensor(name, (leg,), np.ones(size))


@pytest.mark.parametrize(
    ("tensors", "open_legs", "message"),
    [
        ((), (), r"tensors are \(\); expected a list of tensors, at least one"),
        (3, (), "tensors are 3; expected a list of tensors"),
        (vector("u", "a"), ("a",), r"tensors are Tensor\('u', .*; expected a list of tensors"),
        ((vector("u", "a"), "v"), ("a",), "tensor 1 of the network is 'v'; expected a Tensor"),
        ((vector("u", "a"), vector("u", "a")), ("a",), "several tensors are named 'u'"),
        ((vector("u", "bond", 2), vector("v", "bond", 3)), (), "leg 'bond' has dimension 2 in tensor 'u' and 3 in tensor 'v'"),
        ((vector("u", "bond"), vector("v", "bnod")), ("bond",), "leg 'bnod' is in tensor 'v' only and not open"),
        ((vector("u", "a"),), ("a", "b"), "no tensor has the open leg 'b'; expected one of the legs a"),
        ((vector("u", "a"),), ("a", "a"), "the open legs name 'a' more than once"),
    ],
)
def test_a_network_that_is_none(tensors, open_legs, message):
    with pytest.raises(TensorRankError, match=message):
        TensorNetwork(tensors, open_legs)


@pytest.mark.parametrize("sites", [2, 4])
def test_a_cut_that_is_no_bipartition_of_the_open_legs(sites):
    network = TensorTrain.random((2, 2, 2), 2, seed=0).to_network()
    message = f"covers {sites} sites; the model has 3"
    partition = Bipartition.halves(sites)
    for work in (network.unfold, network.describe, network.picture, network.architecture().rank_bound):
        with pytest.raises(PartitionError, match=message):
            work(partition)
    with pytest.raises(PartitionError, match=message):
        network.grid(partition, [[[1]]], [[[1]]])
    with pytest.raises(PartitionError, match="the partition is 4; expected 'halves'"):
        network.unfold(4)
    assert (network.unfold((0, 1)) == network.unfold(Bipartition((0, 1), (2,)))).all()
    assert (network.unfold("interleaved") == network.unfold(Bipartition((0, 2), (1,)))).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((3, 2)), r"the rows have the shape \(3, 2\); expected \(count, 2, 3\)"),
        (np.ones((3, 1, 3)), r"the rows have the shape \(3, 1, 3\)"),
        (np.ones((3, 2, 2)), r"the rows have the shape \(3, 2, 2\); expected \(count, 2, 3\)"),
        ([np.ones((3, 2))], "the rows are 1 arrays; expected one for each of 2 sites"),
        ([np.ones((3, 2)), np.ones((3, 2))], r"array 1 of the rows has the shape \(3, 2\); expected \(3, 3\)"),
        ([np.ones((3, 2)), np.ones((4, 3))], r"array 1 of the rows has the shape \(4, 3\); expected \(3, 3\)"),
    ],
)
def test_inputs_of_the_wrong_shape(rows, message):
    network = TensorTrain.random((2, 3, 2), 2, seed=0).to_network()
    with pytest.raises(TensorRankError, match=message):
        network.grid(Bipartition((0, 1), (2,)), rows, np.ones((1, 1, 2)))


def test_entries_without_an_image_are_named_with_their_tensor():
    network = TensorNetwork((Tensor("u", ("a",), [1, 2]), Tensor("v", ("a",), [Fraction(1, 7), np.inf])), ())
    with pytest.raises(PrimeError, match="tensor 'v': the entry 1/7 has a denominator divisible by 7"):
        network.contract(PrimeField(7))
    with pytest.raises(TensorRankError, match="tensor 'v': an entry is infinite or not a number"):
        network.contract()


def test_a_contraction_beyond_the_memory_limit_is_refused_with_its_size_before_it_starts():
    network = TensorTrain.random((2,) * 40, 2, seed=0).to_network()
    # 2**40 entries of 8 bytes, at least twice: more than 16 TiB.
    with pytest.raises(TensorRankError, match=r"to a tensor of 1099511627776 entries would take about (\d\d) TiB"):
        network.contract()
    with pytest.raises(TensorRankError, match="the memory limit is 1 MiB"):
        TensorTrain.random((2,) * 20, 2, seed=0).to_network().unfold(Bipartition.halves(20), memory="1MiB")
    with pytest.raises(TensorRankError, match=r"a grid of 500 x 400 values would take about .* MiB.*fewer rows"):
        network.grid(Bipartition.halves(40), np.ones((500, 20, 2)), np.ones((400, 20, 2)), memory="1MiB")

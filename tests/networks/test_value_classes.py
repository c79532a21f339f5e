"""Bounds by classes of values against the ranks of whole tables by FLINT, and what is known of large networks."""

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.networks import simple_factors, value_classes
from tensorrank.networks.cuts import minimum_cut
from tensorrank.networks.factors import FIELD, Factor
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.value_classes import class_bounds
from tensorrank.separation.partition import Bipartition


@pytest.fixture(autouse=True)
def _nothing_remembered():
    class_bounds.cache_clear()
    yield
    class_bounds.cache_clear()


def rank_of(network, partition):
    """The rank of the whole unfolding over the rationals."""
    table = np.ones([network.sizes[leg] for leg in network.open_legs], dtype=object)
    for tensor in network.tensors:
        order = sorted(range(len(tensor.legs)), key=lambda axis: network.open_legs.index(tensor.legs[axis]))
        shape = [network.sizes[leg] if leg in tensor.legs else 1 for leg in network.open_legs]
        table = table * tensor.array.astype(object).transpose(order).reshape(shape)
    rows = int(np.prod([network.shape[site] for site in partition.a]))
    matrix = table.transpose(partition.a + partition.b).reshape(rows, -1)
    return flint.fmpz_mat([[int(x) for x in row] for row in matrix]).rank()


@st.composite
def networks(draw):
    """Up to six legs, all open, and up to six tensors of small entries, with zeros and slices that are multiples."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    legs = [f"x{number}" for number in range(draw(st.integers(2, 6)))]
    sizes = {leg: int(rng.integers(1, 4)) for leg in legs}
    tensors = []
    for number in range(draw(st.integers(2, 6))):
        own = [str(leg) for leg in rng.choice(legs, int(rng.integers(1, min(4, len(legs) + 1))), replace=False)]
        least, most = (-2, 3) if rng.random() < 0.6 else (0, 2)
        array = rng.integers(least, most, [sizes[leg] for leg in own])
        if rng.random() < 0.5:
            # Some slices become multiples of the first, as rows of published tables often are.
            axis = int(rng.integers(array.ndim))
            moved = np.moveaxis(array, axis, 0)
            moved[rng.random(len(moved)) < 0.5] = moved[0] * int(rng.integers(1, 3))
        if rng.random() < 0.5:
            array = np.abs(array) + 1
        tensors.append(Tensor(f"t{number}", tuple(own), array))
    held = {leg for tensor in tensors for leg in tensor.legs}
    tensors += [Tensor(f"ones {leg}", (leg,), np.ones(sizes[leg], dtype=int)) for leg in legs if leg not in held]
    network = TensorNetwork(tuple(tensors), tuple(legs))
    count = draw(st.integers(1, len(legs) - 1))
    return network, Bipartition.of(len(legs), sorted(rng.choice(len(legs), count, replace=False).tolist()))


@pytest.mark.parametrize("limits", [{}, {"_ELIMINATED": 0, "_PROVED": 0}, {"_ELIMINATED": 16, "_PROVED": 4}], ids=str)
@settings(max_examples=120, deadline=None)
@given(drawn=networks())
def test_the_rank_lies_between_the_bounds(limits, drawn):
    network, partition = drawn
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(value_classes, name, value)
        class_bounds.cache_clear()
        low, high = class_bounds(network, partition)
    rank = rank_of(network, partition)
    assert low <= rank <= high <= max(1, minimum_cut(network, partition).bound)
    if not limits:
        assert low == high  # small matrices are proved over the rationals


@settings(max_examples=80, deadline=None)
@given(drawn=networks())
def test_simple_factors_have_the_same_rank(drawn):
    network, partition = drawn
    sides = {network.open_legs[site]: int(site in partition.b) for site in range(network.sites)}
    simple = simple_factors.simplified([Factor.of(tensor) for tensor in network.tensors], sides)
    rank = rank_of(network, partition)
    if simple is None:
        assert rank == 0
    elif not simple:
        assert rank == 1
    else:
        legs = tuple(dict.fromkeys(leg for factor in simple for leg in factor.legs))
        tensors = [Tensor(f"t{number}", factor.legs, factor.exact) for number, factor in enumerate(simple)]
        ends = [("a", 0), ("b", 1)]  # a leg of one value on each side, so that both have one
        tensors += [Tensor(name, (name,), [1]) for name, _ in ends]
        again = TensorNetwork(tuple(tensors), (*legs, "a", "b"))
        side = [number for number, leg in enumerate(again.open_legs) if (sides | dict(ends))[leg] == 0]
        assert rank_of(again, Bipartition.of(again.sites, side)) == rank
        assert all(factor.nonzero.any() for factor in simple)


def test_an_observed_markov_chain_of_any_length():
    """By the values of z the rows x are told apart by b or are not: the rank is the sum over what can be told."""
    rng = np.random.default_rng(0)
    for values, length in ((2, 60), (3, 41)):
        links = [Tensor(f"link {i}", (f"x{i}", f"x{i + 1}"), rng.dirichlet(np.ones(values), values)) for i in range(length - 1)]
        chain = TensorNetwork(tuple(links), tuple(f"x{i}" for i in range(length)))
        rank = tr.separation_rank(chain, "interleaved")
        assert (rank.value, rank.standing) == (values ** (length // 2), "exact")
        assert rank.reason == "known by classes of values, whose ranks add up and multiply"


def test_classes_that_depend_on_a_condition():
    """By the values of z the rows x are told apart by b or not: the rank is the sum over what can be told."""
    told = np.array([[[1, 0], [0, 1]], [[1, 1], [1, 1]]])  # (z, x, b)
    network = TensorNetwork(
        (Tensor("told", ("z", "x", "b"), told), Tensor("other", ("x", "c"), [[1, 2], [3, 5]])), ("x", "z", "b", "c")
    )
    partition = Bipartition.of(4, [0])
    assert class_bounds(network, partition) == (rank_of(network, partition),) * 2 == (2, 2)


def test_a_class_whose_factors_vanish_only_together_has_no_rank(monkeypatch):
    """No slice of a factor is zero, but products of slices are."""
    monkeypatch.setattr(value_classes, "_ELIMINATED", 0)
    tensors = (
        Tensor("t0", ("x3", "x1", "x0"), [[[1, 0], [1, 1]], [[1, 0], [0, 1]]]),
        Tensor("t1", ("x0", "x2"), [[1, 0], [1, 1]]),
        Tensor("t2", ("x3", "x2"), [[1, 1], [1, 0]]),
    )
    network, partition = TensorNetwork(tensors, ("x0", "x1", "x2", "x3")), Bipartition.of(4, [0, 3])
    low, high = class_bounds(network, partition)
    assert low <= rank_of(network, partition) == 3 <= high


def test_a_multiple_modulo_the_prime_is_no_multiple():
    prime = FIELD.prime
    matrix = Factor.of(Tensor("m", ("x", "y"), [[1, 1], [1, 1 + prime]]))
    assert matrix.classes(("x",)).tolist() == [0, 1]
    assert Factor.of(Tensor("m", ("x", "y"), [[0.5, 1.5], [-1.5, -4.5], [0, 0]])).classes(("x",)).tolist() == [0, 0, -1]
    pair = (Tensor("m", ("x", "y"), [[1, 1], [1, 1 + prime]]), Tensor("n", ("x", "z"), [[prime, 1], [2, 3]]))
    low, high = class_bounds(TensorNetwork(pair, ("x", "y", "z")), Bipartition.of(3, [0]))
    assert low <= 2 == high


@pytest.mark.parametrize(
    "tensors",
    [
        [Tensor("a", ("x", "h"), [[1, 2], [3, 4]]), Tensor("b", ("h", "y"), [[1, 2], [3, 4]])],  # h is hidden
        [Tensor("a", ("x", "y"), [[1, 2], [3, 4]])],  # a single tensor
        [Tensor("a", ("x",), [1j, 1]), Tensor("b", ("x", "y"), [[1, 2], [3, 4]])],
        [Tensor("a", ("x",), [2**9000, 1]), Tensor("b", ("x", "y"), [[1, 2], [3, 4]])],
        [Tensor("a", ("x",), [1e-300, 1e300]), Tensor("b", ("x", "y"), np.ones((2, 2**18)))],
    ],
)
def test_networks_of_which_classes_say_nothing(tensors):
    assert class_bounds(TensorNetwork(tuple(tensors), ("x", "y")), Bipartition.halves(2)) is None


def test_little_work_leaves_bounds_that_hold():
    rng = np.random.default_rng(1)
    tensors = [
        Tensor(f"t{i}", (f"x{i}", f"x{(i + 3) % 9}", f"x{(i + 4) % 9}"), rng.integers(0, 3, (2, 2, 2))) for i in range(9)
    ]
    network = TensorNetwork(tuple(tensors), tuple(f"x{i}" for i in range(9)))
    partition = Bipartition.interleaved(9)
    rank = rank_of(network, partition)
    for share in (0, 1e-4, 1e-3, 1):
        low, high = class_bounds(network, partition, share)
        assert low <= rank <= high

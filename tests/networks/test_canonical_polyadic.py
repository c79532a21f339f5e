import numpy as np
import pytest
import tensorly
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.separation.partition import Bipartition


def test_the_network_is_tensorlys_dense_tensor_and_the_factors_come_back():
    rng = np.random.default_rng(0)
    polyadic = CanonicalPolyadic(rng.standard_normal(5), [rng.standard_normal((k, 5)) for k in (2, 3, 4)])
    theirs = polyadic.to_tensorly()
    np.testing.assert_allclose(polyadic.to_network().contract(), tensorly.cp_to_tensor(theirs), rtol=1e-10, atol=1e-12)
    back = CanonicalPolyadic.from_tensorly(theirs)
    np.testing.assert_array_equal(back.weights, polyadic.weights)
    assert all(np.array_equal(a, b) for a, b in zip(polyadic.factors, back.factors, strict=True))
    assert (back.rank, back.shape) == (5, (2, 3, 4))


def test_weights_that_tensorly_leaves_out_are_one():
    factors = [np.eye(2), np.eye(2)]
    back = CanonicalPolyadic.from_tensorly(tensorly.cp_tensor.CPTensor((None, factors)))
    np.testing.assert_array_equal(back.to_network().contract(), np.eye(2))


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_every_unfolding_has_at_most_the_rank_of_the_format(rank):
    field = PrimeField(8388593)
    network = CanonicalPolyadic.random((4,) * 4, rank, seed=0).to_network()
    for partition in (Bipartition.halves(4), Bipartition.interleaved(4)):
        assert flint_rank(network.unfold(partition, field), field.prime) == rank


@pytest.mark.parametrize(
    ("weights", "factors", "message"),
    [
        ([[1]], [np.ones((2, 1))], r"the weights have the shape \(1, 1\)"),
        ([1, 1], [], r"factors are \[\]; expected a matrix for each site"),
        ([1, 1], 3, "factors are 3; expected a matrix for each site"),
        ([1, 1], [np.ones((2, 2)), np.ones((2, 3))], r"factor 1 has the shape \(2, 3\); expected \(dimension, 2\)"),
        ([1, 1], [np.ones(2)], r"factor 0 has the shape \(2,\)"),
    ],
)
def test_arrays_that_make_no_such_format(weights, factors, message):
    with pytest.raises(TensorRankError, match=message):
        CanonicalPolyadic(weights, factors)

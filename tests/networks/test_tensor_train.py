import numpy as np
import pytest
import tensorly

from tensorrank import Bipartition, separation_rank
from tensorrank.errors import TensorRankError
from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.tensor_train import TensorTrain


def test_the_network_is_tensorlys_dense_tensor_and_the_cores_come_back():
    train = TensorTrain.random((2, 3, 4, 2), [2, 5, 3], seed=0)
    theirs = train.to_tensorly()
    np.testing.assert_allclose(train.to_network().contract(), tensorly.tt_to_tensor(theirs), rtol=1e-12)
    assert theirs.rank == train.ranks == (1, 2, 5, 3, 1)
    back = TensorTrain.from_tensorly(theirs)
    assert all(np.array_equal(a, b) for a, b in zip(train.cores, back.cores, strict=True))
    assert back.shape == (2, 3, 4, 2)


def test_a_decomposition_of_tensorly_becomes_a_network():
    tensor = np.random.default_rng(0).standard_normal((3, 4, 2))
    train = TensorTrain.from_tensorly(tensorly.decomposition.tensor_train(tensor, [1, 3, 2, 1]))
    np.testing.assert_allclose(train.to_network().contract(), tensor, atol=1e-12)


def test_one_site():
    train = TensorTrain([[[[1], [2]]]])
    np.testing.assert_array_equal(train.to_network().contract(), [1, 2])


def test_random_trains_are_whole_numbers_that_follow_the_seed():
    first, again, other = (TensorTrain.random((2, 2), 3, seed) for seed in (7, np.random.default_rng(7), 8))
    assert all(core.dtype == np.int64 for core in first.cores)
    assert all(np.array_equal(one, two) for one, two in zip(first.cores, again.cores, strict=True))
    assert not np.array_equal(first.cores[0], other.cores[0])


@pytest.mark.parametrize(
    ("cores", "message"),
    [
        ([], r"cores are \[\]; expected an array for each site"),
        (3, "cores are 3; expected an array for each site"),
        ([np.ones((1, 2))], r"core 0 has the shape \(1, 2\); expected \(left rank, dimension, right rank\)"),
        ([np.ones((1, 2, 3)), np.ones((2, 2, 1))], "core 0 has right rank 3 and core 1 left rank 2"),
        ([np.ones((2, 2, 1))], "outermost ranks are 2 and 1; expected 1 and 1"),
        ([[[["a"]]]], "core 0 holds entries of type <U1"),
    ],
)
def test_cores_that_are_no_train(cores, message):
    with pytest.raises(TensorRankError, match=message):
        TensorTrain(cores)


def test_ranks_of_the_wrong_number_or_kind():
    with pytest.raises(TensorRankError, match="3 ranks were given for 3 sites; expected 2"):
        TensorTrain.random((2, 2, 2), [2, 2, 2], seed=0)
    with pytest.raises(TensorRankError, match="rank is 0; expected a whole number of at least 1"):
        TensorTrain.random((2, 2, 2), 0, seed=0)
    with pytest.raises(TensorRankError, match="dimension is 0"):
        TensorTrain.random((2, 0, 2), 2, seed=0)


def test_formats_have_separation_ranks_and_refuse_each_other():
    train = TensorTrain.random((2,) * 6, 2, seed=0)
    assert separation_rank(train, Bipartition.interleaved(6)).value == 8
    with pytest.raises(TensorRankError, match="a TTTensor was given; expected a CPTensor of tensorly"):
        CanonicalPolyadic.from_tensorly(train.to_tensorly())
    with pytest.raises(TensorRankError, match="a CPTensor was given; expected a TTTensor of tensorly"):
        TensorTrain.from_tensorly(CanonicalPolyadic.random((2, 3), 2, seed=0).to_tensorly())
    with pytest.raises(TensorRankError, match="the seed is -1; expected a whole number of at least 0"):
        TensorTrain.random((2,) * 6, 2, seed=-1)


@pytest.mark.parametrize("form", [TensorTrain, CanonicalPolyadic, HierarchicalTucker])
def test_a_shape_that_is_no_list_is_refused(form):
    with pytest.raises(TensorRankError, match="dimensions are 4; expected one for each site"):
        form.random(4, 2, seed=0)

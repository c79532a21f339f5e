import numpy as np
import pytest

from tensorrank import Bipartition, ConvolutionalCircuit, RecurrentCircuit, SelfAttention
from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import checked_partition


@pytest.mark.parametrize(
    ("sites", "a", "b"), [(2, (0,), (1,)), (3, (0,), (1, 2)), (4, (0, 1), (2, 3)), (7, (0, 1, 2), (3, 4, 5, 6))]
)
def test_halves_are_the_first_half_rounded_down_against_the_rest(sites, a, b):
    partition = Bipartition.halves(sites)
    assert (partition.a, partition.b, partition.sites) == (a, b, sites)


@pytest.mark.parametrize(("sites", "a", "b"), [(2, (0,), (1,)), (3, (0, 2), (1,)), (6, (0, 2, 4), (1, 3, 5))])
def test_interleaved_are_the_even_sites_against_the_odd_ones(sites, a, b):
    assert Bipartition.interleaved(sites) == Bipartition(a, b)


def test_of_takes_the_sites_of_side_a_in_their_order():
    assert Bipartition.of(5, [3, 1]) == Bipartition((3, 1), (0, 2, 4))
    assert Bipartition.of(3, iter([2])) == Bipartition((2,), (0, 1))


def test_sites_become_plain_tuples_of_whole_numbers():
    partition = Bipartition(np.array([0, 2]), [1])
    assert partition == Bipartition((0, 2), (1,))
    assert all(type(site) is int for site in partition.a + partition.b)
    assert hash(partition) == hash(Bipartition((0, 2), (1,)))


def test_a_partition_prints_its_sides():
    assert str(Bipartition((0, 2), (1, 3, 4))) == "0,2 | 1,3,4"


def test_check_returns_the_partition_that_fits():
    partition = Bipartition.halves(5)
    assert checked_partition(5, partition) is partition


@pytest.mark.parametrize("sites", [4, 6])
def test_check_refuses_another_number_of_sites(sites):
    with pytest.raises(PartitionError, match=rf"covers 5 sites; the model has {sites} \(0 to {sites - 1}\)"):
        checked_partition(sites, Bipartition.halves(5))


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((0, 1, 1), (2,), "repeats site 1; expected each site once"),
        ((0, 1), (1, 2), "repeats site 1; expected each site once"),
        ((0, 1, 0), (1, 2), "repeats sites 0, 1; expected each site once"),
        ((0, 1), (3,), "misses site 2; expected every site from 0 to 3"),
        ((1,), (4,), "misses sites 0, 2, 3; expected every site from 0 to 4"),
        ((), (0, 1), "side A of the partition has no sites"),
        ((0, 1), (), "side B of the partition has no sites"),
        ((), (), "side A of the partition has no sites"),
        ((0, -1), (1,), "side A of the partition names -1; sites are whole numbers from 0"),
        ((0,), (1.0,), r"side B of the partition names 1\.0; sites are whole numbers from 0"),
        ((0,), (True,), "side B of the partition names True; sites are whole numbers from 0"),
        ((0,), ("1",), "side B of the partition names '1'; sites are whole numbers from 0"),
    ],
)
def test_what_is_no_bipartition_is_refused(a, b, message):
    with pytest.raises(PartitionError, match=message):
        Bipartition(a, b)


@pytest.mark.parametrize(
    ("sites", "a", "message"),
    [
        (4, [4], "names site 4; the model has sites 0 to 3"),
        (4, [0, 7, 9], "names sites 7, 9; the model has sites 0 to 3"),
        (4, [-1], "names -1; sites are whole numbers from 0"),
        (4, [1, 1], "repeats site 1"),
        (4, [], "side A of the partition has no sites"),
        (4, range(4), "side B of the partition has no sites"),
    ],
)
def test_of_refuses_sites_that_make_no_bipartition(sites, a, message):
    with pytest.raises(PartitionError, match=message):
        Bipartition.of(sites, a)


@pytest.mark.parametrize("sites", [1, 0, -2, 2.0, True, "4", None])
@pytest.mark.parametrize("make", [Bipartition.halves, Bipartition.interleaved])
def test_fewer_than_two_sites_cannot_be_split(make, sites):
    with pytest.raises(PartitionError, match="sites was asked for; expected at least 2"):
        make(sites)


def test_partition_errors_are_tensorrank_errors():
    with pytest.raises(TensorRankError, match="has no sites"):
        Bipartition((), (0,))


@pytest.mark.parametrize(
    "model",
    [
        SelfAttention(2, 2),
        RecurrentCircuit(2, 2, 2, 4),
        ConvolutionalCircuit(4, 2, (2, 2)),
        TensorTrain.random((2,) * 4, 2, seed=0).architecture(),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("given", ["halves", "interleaved", (1, 3)])
def test_bounds_take_partitions_by_name_and_by_the_sites_of_a(model, given):
    meant = checked_partition(4, given)
    assert model.rank_bound(given) == model.rank_bound(meant)
    assert model.generic_lower_bound(given) == model.generic_lower_bound(meant)


def test_a_partition_is_halves_where_none_is_given():
    assert checked_partition(5, None) == checked_partition(5, "halves") == Bipartition((0, 1), (2, 3, 4))
    assert checked_partition(5, iter([4])) == Bipartition((4,), (0, 1, 2, 3))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bipartition(None, (0,)), r"side A of the partition is None; expected a list of sites, such as \(0, 1\)"),
        (lambda: Bipartition.of(4, 1), r"side A of the partition is 1; expected a list of sites"),
        (lambda: Bipartition((0,), ("x",)), "side B of the partition names 'x'; sites are whole numbers from 0"),
        (lambda: Bipartition((0,), (np.array([1, 2]),)), r"names array\(\[1, 2\]\); sites are whole numbers from 0"),
        (lambda: Bipartition((0,), (int,)), "names <class 'int'>; sites are whole numbers from 0"),
        (lambda: Bipartition.of(2**63, [0]), "of 9223372036854775808 sites was asked for; expected at most 10000000"),
        (lambda: Bipartition.halves(10**30), "a bipartition of 10{30} sites was asked for; expected at most 10000000"),
        (lambda: Bipartition.halves(10**5000), "a bipartition of a whole number of some 5000 digits sites was asked for"),
        (lambda: Bipartition((0,), (10**30,)), r"the partition misses sites 1, 2, .* \(9{30} in all\)"),
        (lambda: Bipartition.of(10**7, iter(int, 1)), "side A of the partition is .*; expected a list of sites"),
        (
            lambda: checked_partition(4, np.array(["halves", "x"])),
            "the site .*'halves'.* was given; .*these sites have no names",
        ),
        (lambda: checked_partition(4, 5), "the partition is 5; expected 'halves', 'interleaved', the sites of side A"),
    ],
)
def test_what_is_no_bipartition_or_too_long_a_one_is_refused_at_once(make, words):
    with pytest.raises(PartitionError, match=words):
        make()


def test_the_sites_of_a_side_may_come_one_by_one():
    assert checked_partition(4, (site for site in (0, 2))) == Bipartition.interleaved(4)

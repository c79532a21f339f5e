"""Convolutional arithmetic circuits against their definition, and the ranks that pooling geometry decides."""

import numpy as np
import pytest
from oracles import flint_rank

from tensorrank import Bipartition, TensorRankError, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.circuits.convolutional import ConvolutionalCircuit
from tensorrank.errors import WeightsError

PRIME = 8388593
WINDOWS = [[[0, 3, 1], [2], [4]], [[2, 0], [1]], [[0, 1]]]
CIRCUITS = [
    ConvolutionalCircuit(4, 3, (2,)),
    ConvolutionalCircuit(5, 2, (3, 2)),
    ConvolutionalCircuit(6, 2, (2, 3, 2), pooling="mirror"),
    ConvolutionalCircuit(8, 2, (3, 2, 2), shared=True),
    ConvolutionalCircuit(5, 2, (2, 3, 2), pooling=WINDOWS),
    ConvolutionalCircuit(7, 2, (2, 2), pooling="mirror", shared=True),
]


def weights_of(circuit, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-5, 6, shape) for name, (_, shape) in circuit.shapes.items()}


def as_written(circuit, weights, vectors):
    """Maps and products in Python's whole numbers, one input at a time."""
    units = [np.array(list(map(int, vector)), dtype=object) for vector in vectors]
    for level, windows in enumerate(circuit.levels):
        matrices = weights[f"level {level}"].astype(object)
        mapped = [(matrices[0] if circuit.shared else matrices[p]) @ unit for p, unit in enumerate(units)]
        units = [np.prod([mapped[position] for position in window], axis=0) for window in windows]
    return weights["output"].astype(object) @ units[0]


@pytest.mark.parametrize("circuit", CIRCUITS, ids=str)
@pytest.mark.parametrize("prime", [101, PRIME, 2**31 - 1])
def test_grids_and_networks_are_the_circuit_as_defined(circuit, prime):
    rng = np.random.default_rng(1)
    field, weights = PrimeField(prime), weights_of(circuit)
    instance = circuit.draw(field, rng, weights)
    network = circuit.to_network(weights)
    for partition in (Bipartition.halves(circuit.sites), Bipartition.interleaved(circuit.sites)):
        rows, columns = instance.sample(partition.a, 3, rng), instance.sample(partition.b, 4, rng)
        values = instance.grid(partition, rows, columns)
        assert (network.grid(partition, rows, columns, field) == values).all()
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                joined = np.zeros((circuit.sites, circuit.channels), dtype=np.int64)
                joined[list(partition.a)], joined[list(partition.b)] = row, column
                assert values[i, j] == as_written(circuit, weights, joined) % prime


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("partition", [Bipartition.halves(8), Bipartition.interleaved(8), Bipartition.of(8, [1, 6])])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_shallow_circuit_has_its_hidden_width(width, partition, shared):
    found = separation_rank(ConvolutionalCircuit(8, 2, (width,), shared=shared), partition)
    assert (found.value, found.standing) == (width, "exact")


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("sites", [4, 8, 16])
def test_pooling_geometry_decides_which_partition_is_exponential(sites, shared):
    # Cohen and Shashua (ICLR 2017): windows that a partition splits multiply, those it leaves whole do not.
    widths = (2,) * (sites.bit_length() - 1)
    halves, interleaved = Bipartition.halves(sites), Bipartition.interleaved(sites)
    near = ConvolutionalCircuit(sites, 2, widths, shared=shared)
    mirror = ConvolutionalCircuit(sites, 2, widths, pooling="mirror", shared=shared)
    high = 2 ** (sites // 2)
    for method in ("auto", "grid"):
        assert [separation_rank(near, cut, method=method).value for cut in (halves, interleaved)] == [2, high]
        assert separation_rank(mirror, halves, method=method).value == high
    assert near.generic_lower_bound(interleaved) == mirror.generic_lower_bound(halves) == high
    assert near.generic_lower_bound(halves) == 1


@pytest.mark.parametrize("circuit", CIRCUITS, ids=str)
@pytest.mark.parametrize("cut", [[0, 1], [0, 2], [3, 1]], ids=str)
def test_ranks_are_those_of_flint_and_lie_between_the_bounds(circuit, cut):
    partition = Bipartition.of(circuit.sites, cut)
    tensor = circuit.to_network(weights_of(circuit, seed=3)).unfold(partition, PrimeField(PRIME))
    found = separation_rank(circuit, partition)
    assert found.standing in ("exact", "probable")
    assert found.value == flint_rank(tensor, PRIME)
    assert circuit.generic_lower_bound(partition) <= found.value <= circuit.rank_bound(partition)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"pooling": "nearest"}, "the pooling is 'nearest'; expected one of neighbours, mirror, or lists of windows"),
        ({"widths": (2, 2, 2, 2)}, "4 levels were asked for, but 3 pool all 5 sites; give at most so many widths"),
        ({"pooling": WINDOWS[:2]}, "2 levels of windows were given for 3 widths; expected as many"),
        ({"pooling": [[[0, 1], [2, 3]], [[0, 1]], [[0]]]}, "the windows of level 0 hold the positions 0, 1, 2, 3;"),
        ({"pooling": [[[0, 1, 2, 3, 4]], [[0]], [[0], [0]]]}, "the windows of level 2 hold the positions 0, 0;"),
        ({"pooling": 3}, "the pooling is 3; expected for each level a list of windows"),
        ({"pooling": [[0, 1, 2, 3, 4]]}, "a window's pooling is 0; expected"),
        ({"pooling": [[[0, 1, 2, 3, 4], []]]}, r"a window's pooling is \[\]; expected"),
        ({"pooling": [[[0, 1, 2, 3, 4.0]]]}, "a position in a window is 4.0; expected"),
        ({"widths": 3}, "widths are 3; expected a list of whole numbers"),
        ({"widths": ()}, r"widths are \(\); expected a list"),
        ({"widths": (2, 0)}, "a width is 0; expected"),
        ({"sites": 1}, "sites is 1; expected"),
        ({"sites": 10**6, "widths": (2,)}, "sites is 1000000; expected a whole number from 2 to 20000"),
        ({"shared": "no"}, "shared is 'no'; expected True or False"),
    ],
    ids=str,
)
def test_impossible_circuits_are_refused(wrong, complaint):
    arguments = {"sites": 5, "channels": 2, "widths": (2, 2, 2)} | wrong
    with pytest.raises(TensorRankError, match=complaint):
        ConvolutionalCircuit(**arguments)


@pytest.mark.parametrize("sizes", [{"channels": 10**40}, {"channels": 10**19 - 1}, {"widths": (10**40, 2)}], ids=str)
def test_circuits_whose_weights_fit_no_memory_are_refused(sizes):
    circuit = ConvolutionalCircuit(**{"sites": 4, "channels": 2, "widths": (2, 2)} | sizes)
    with pytest.raises(TensorRankError, match=r"the weights of the architecture would (not fit any memory|take about)"):
        separation_rank(circuit)


def test_a_last_level_of_several_windows_is_refused():
    with pytest.raises(TensorRankError, match="the last level has 2 windows; expected one"):
        ConvolutionalCircuit(4, 2, (2,), pooling=[[[0, 1], [2, 3]]])


def test_weights_are_asked_for_by_level():
    with pytest.raises(WeightsError, match="expected level 0, level 1, output"):
        separation_rank(ConvolutionalCircuit(4, 2, (2, 2)), weights={})


def test_parameters_are_counted_once_where_they_are_shared():
    assert ConvolutionalCircuit(8, 3, (2, 4)).parameters == 8 * 6 + 4 * 8 + 4
    assert ConvolutionalCircuit(8, 3, (2, 4), shared=True).parameters == 6 + 8 + 4


def test_one_level_of_shared_weights_is_symmetric():
    # Two sites of dimension 2 a side: symmetric matrices, of dimension 3, where the cut alone allows 4.
    circuit = ConvolutionalCircuit(4, 2, (10,), shared=True)
    found = separation_rank(circuit)
    assert (found.value, found.upper, found.standing) == (3, 3, "exact")

import numpy as np
import pytest

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.networks import grid_plan
from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.networks.grid_plan import COLUMN, ROW
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import Bipartition

FIELD = PrimeField(8388593)
NETWORKS = {
    "train": TensorTrain.random((2, 3, 2, 2, 3, 2), 3, seed=1).to_network(),
    "tree": HierarchicalTucker.random((3,) * 6, 2, seed=2).to_network(),
    "polyadic": CanonicalPolyadic.random((2,) * 6, 4, seed=3).to_network(),
}


def by_dense_tensor(network, rows, columns):
    """Interleaved grid: the dense tensor contracted with every input, in whole numbers."""
    tensor = network.contract(FIELD).astype(object)
    inputs = np.empty((len(rows), len(columns)), dtype=np.int64)
    for i, row in enumerate(rows):
        part = np.einsum("abcdef,a,c,e->bdf", tensor, *(v[:k] for v, k in zip(row, network.shape[::2], strict=True)))
        for j, column in enumerate(columns):
            vectors = (v[:k] for v, k in zip(column, network.shape[1::2], strict=True))
            inputs[i, j] = np.einsum("bdf,b,d,f->", part, *vectors) % FIELD.prime
    return inputs


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [1, 3, 512])
def test_tiles_of_every_size_give_the_same_matrix(name, side, monkeypatch):
    network, rng = NETWORKS[name], np.random.default_rng(4)
    monkeypatch.setattr(grid_plan, "_LONGEST", side)
    largest = max(network.shape)
    rows, columns = (FIELD.random((count, 3, largest), rng) for count in (7, 11))
    plan = network.grid_plan(Bipartition.interleaved(6), (7, 11))
    assert plan.tile_shape[0] * plan.tile_shape[1] <= 2 * side**2
    found = network.grid(Bipartition.interleaved(6), rows, columns, FIELD)
    np.testing.assert_array_equal(found, by_dense_tensor(network, rows.astype(object), columns.astype(object)))


@pytest.mark.parametrize("name", NETWORKS)
def test_only_what_has_both_batch_legs_is_left_for_the_tiles(name):
    network = NETWORKS[name]
    plan = network.grid_plan(Bipartition.interleaved(6), (100, 100))
    numbers = sorted(number for _, members in plan.parts for number in members)
    assert numbers == list(range(len(network.tensors) + network.sites))
    for part, _ in plan.parts:
        assert not {ROW, COLUMN} <= set(part.output)
        assert not {ROW, COLUMN} & set(part.output[:-1])


@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (5, 0), (1, 5), (5, 1), (1, 1)])
def test_few_inputs(rows, columns):
    network = NETWORKS["train"]
    found = network.grid(
        Bipartition.interleaved(6), np.ones((rows, 3, 3), dtype=int), np.ones((columns, 3, 3), dtype=int), FIELD
    )
    total = int(np.sum(network.contract(FIELD).astype(object))) % FIELD.prime
    np.testing.assert_array_equal(found, np.full((rows, columns), total))


def test_a_tight_limit_makes_the_tiles_smaller():
    network = TensorTrain.random((2,) * 12, 4, seed=0).to_network()
    plan = network.grid_plan(Bipartition.interleaved(12), (600, 600))
    limit = 16 * 600 * 600 + 2**20
    assert plan.peak_bytes > limit
    within = plan.within(limit, "this grid")
    assert within.peak_bytes <= limit
    assert max(within.tile_shape) < max(plan.tile_shape)
    assert within.shape == plan.shape


def test_the_peak_covers_what_is_really_allocated():
    import tracemalloc

    network, rng = TensorTrain.random((2,) * 12, 2, seed=0).to_network(), np.random.default_rng(0)
    partition = Bipartition.interleaved(12)
    rows, columns = (FIELD.random((1000, 6, 2), rng) for _ in range(2))
    network.grid(partition, rows, columns, FIELD)
    tracemalloc.start()
    network.grid(partition, rows, columns, FIELD)
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert allocated <= network.grid_plan(partition, (1000, 1000)).peak_bytes

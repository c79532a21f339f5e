import flint
import numpy as np
import pytest
from oracles import planted

from tensorrank import Bipartition, SelfAttention
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import silent
from tensorrank.separation.architecture import Instance
from tensorrank.separation.grid import GridSampling

FIELD = PrimeField(8388593)


def grid_rank(instance, partition, field, rng, pool, **limits):
    return GridSampling(instance, partition, field, rng, **limits)(None, pool, silent)


class PlantedRank(Instance):
    """f(x, y) = sum over nu < rank of x^nu y^nu: separation rank `rank` in characteristic 0."""

    def __init__(self, rank):
        self.rank = rank
        self.asked = []

    def sample(self, sites, count, rng):
        self.asked.append((tuple(sites), count))
        return FIELD.random((count, len(sites)), rng)

    def grid(self, partition, rows, columns, memory=None):
        values = np.zeros((len(rows), len(columns)), dtype=np.int64)
        for nu in range(self.rank):
            left = np.array([pow(int(x), nu, FIELD.prime) for x in rows[:, 0]])
            right = np.array([pow(int(y), nu, FIELD.prime) for y in columns[:, 0]])
            values = (values + left[:, None] * right) % FIELD.prime
        return values


@pytest.mark.parametrize("rank", [0, 1, 5, 63, 64, 65, 150])
@pytest.mark.parametrize("bound_is_known", [True, False])
def test_the_sample_grows_until_it_saturates(pool, rank, bound_is_known):
    bound = rank if bound_is_known else None
    found = grid_rank(PlantedRank(rank), Bipartition((0,), (1,)), FIELD, np.random.default_rng(0), pool, bound=bound, most=1000)
    assert found.rank == rank
    assert found.saturated or rank == bound == min(found.samples)


@pytest.mark.parametrize("most", [1, 10, 64, 100])
def test_a_sample_that_may_not_grow_gives_its_full_rank_and_says_so(pool, most):
    found = grid_rank(PlantedRank(120), Bipartition((0,), (1,)), FIELD, np.random.default_rng(0), pool, bound=None, most=most)
    assert (found.rank, found.samples, found.saturated) == (most, (most, most), False)


@pytest.mark.parametrize(("rank", "samples"), [(20, 64), (60, 64), (100, 128), (127, 128), (300, 509), (500, 509)])
def test_equal_inputs_of_a_small_field_never_count_twice(pool, rank, samples):
    # A function of two sites that is known at all pairs of the 509 elements of GF(509).
    field, rng = PrimeField(509), np.random.default_rng(1)
    table = field.random((509, rank), rng) @ field.random((rank, 509), rng) % 509
    assert flint.nmod_mat(509, 509, [int(v) for v in table.flat], 509).rank() == rank

    class Tabled(Instance):
        def sample(self, sites, count, rng):
            return field.random((count, len(sites)), rng)

        def grid(self, partition, rows, columns, memory=None):
            return table[np.ix_(rows[:, 0], columns[:, 0])]

    found = grid_rank(Tabled(), Bipartition((0,), (1,)), field, np.random.default_rng(0), pool, bound=None, most=1000)
    assert (found.rank, found.saturated, found.samples) == (rank, True, (samples, samples))
    assert found.complete == (samples == 509)


def test_a_known_bound_ends_the_sampling_a_little_beyond_it(pool):
    found = grid_rank(PlantedRank(70), Bipartition((0,), (1,)), FIELD, np.random.default_rng(0), pool, bound=90, most=10_000)
    assert found.rank == 70
    assert found.saturated
    assert 90 < found.samples[0] < 128


def test_both_sides_are_sampled_at_their_own_sites(pool):
    instance = PlantedRank(3)
    grid_rank(instance, Bipartition((2, 0), (1,)), FIELD, np.random.default_rng(0), pool, bound=None, most=64)
    assert {sites for sites, _ in instance.asked} == {(2, 0), (1,)}


def test_the_rank_of_an_attention_grid_agrees_with_flint(pool):
    partition = Bipartition.interleaved(4)
    instance = SelfAttention(2, 2, heads=2).draw(FIELD, np.random.default_rng(3))
    found = grid_rank(instance, partition, FIELD, np.random.default_rng(4), pool, bound=None, most=200)
    rng = np.random.default_rng(5)
    rows, columns = instance.sample(partition.a, 40, rng), instance.sample(partition.b, 40, rng)
    values = instance.grid(partition, rows, columns)
    assert found.rank == flint.nmod_mat(40, 40, [int(v) for v in values.flat], FIELD.prime).rank() == 17


class Table(Instance):
    """A function of two categorical sites: the entries of a matrix."""

    def __init__(self, matrix):
        self.matrix = matrix

    def input_count(self, sites):
        return self.matrix.shape[sites[0]]

    def inputs(self, sites, numbers):
        return numbers[:, None]

    def sample(self, sites, count, rng):
        raise AssertionError("inputs that can be listed are not drawn")

    def grid(self, partition, rows, columns, memory=None):
        values = self.matrix[rows, columns.T] if partition.a == (0,) else self.matrix[columns.T, rows]
        return values % FIELD.prime


@pytest.mark.parametrize("shape", [(3, 5), (80, 30), (200, 90), (64, 64)])
@pytest.mark.parametrize("defect", [0, 1, 2])
@pytest.mark.parametrize("flipped", [False, True])
def test_every_one_of_finitely_many_inputs_is_tried_once(pool, shape, defect, flipped):
    rank = min(shape) - defect
    matrix = planted(np.random.default_rng(1), *shape, rank, FIELD.prime)
    partition = Bipartition((1,), (0,)) if flipped else Bipartition((0,), (1,))
    found = grid_rank(Table(matrix), partition, FIELD, np.random.default_rng(0), pool, bound=None, most=1000)
    assert found.rank == rank
    assert found.saturated
    if defect:
        assert found.complete
        assert found.samples == (shape[::-1] if flipped else shape)


def test_a_rare_row_is_found_where_all_inputs_are_tried(pool):
    matrix = np.zeros((300, 60), dtype=np.int64)
    matrix[0] = 1
    matrix[299, 0] = 1
    found = grid_rank(Table(matrix), Bipartition((0,), (1,)), FIELD, np.random.default_rng(0), pool, bound=None, most=999)
    assert (found.rank, found.samples, found.complete) == (2, (300, 60), True)


def test_finite_inputs_beyond_the_limit_are_sampled_and_marked(pool):
    matrix = planted(np.random.default_rng(1), 300, 300, 20, FIELD.prime)
    found = grid_rank(
        Table(matrix), Bipartition((0,), (1,)), FIELD, np.random.default_rng(0), pool, bound=None, most=999, most_entries=10
    )
    assert (found.rank, found.samples, found.saturated, found.complete, found.finite) == (20, (64, 64), True, False, True)

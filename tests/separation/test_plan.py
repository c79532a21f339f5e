import tracemalloc

import numpy as np
import pytest

from tensorrank import Bipartition, SelfAttention, bounds, separation_rank
from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.architecture import Architecture, Instance
from tensorrank.separation.catalecticant import _most_variables
from tensorrank.separation.limits import DEGREE_BYTES, Limits, lattice_bytes, lattice_work
from tensorrank.separation.monomials import monomial_count
from tensorrank.separation.plan import plan

MODELS = [
    SelfAttention(1, 2),
    SelfAttention(2, 3),
    SelfAttention(3, 2, heads=2),
    SelfAttention(3, 2, tokens=2),
    SelfAttention(2, 4, tokens=3),
    SelfAttention(5, 1),
]


class SumOfTwo(Architecture):
    """An architecture without the moment form: the sum of its two sites."""

    sites = 2
    weight_degree = 0
    input_degree = 1

    def value_work(self, partition):
        return 1.0

    def value_bits(self, weights=None):
        return 1.0

    def draw(self, field, rng, weights=None):
        return Sum(field)


class Sum(Instance):
    def __init__(self, field):
        self.field = field

    def sample(self, sites, count, rng):
        return self.field.random((count, len(sites)), rng)

    def grid(self, partition, rows, columns, memory=None):
        return (rows + columns.T) % self.field.prime


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("method", ["auto", "catalecticant", "grid"])
@pytest.mark.parametrize("memory", [None, "1MB", "20kB"])
def test_the_plan_names_the_method_that_is_then_used(model, method, memory):
    planned = plan(model, method=method, memory=memory)
    assert separation_rank(model, method=method, memory=memory).method == planned.method


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("method", ["auto", "catalecticant", "grid"])
@pytest.mark.parametrize("memory", ["10MB", "1MB", "200kB"])
def test_a_plan_stays_within_its_memory(model, method, memory):
    planned = plan(model, method=method, memory=memory)
    assert planned.memory <= planned.limits.memory
    assert (planned.memory > 0) == (planned.work > 0) == (planned.method not in ("theorem", "bounds"))


def test_a_deep_and_narrow_model_stays_within_its_memory():
    model = SelfAttention(11, 1)
    separation_rank(SelfAttention(2, 1))
    tracemalloc.start()
    try:
        separation_rank(model, memory="2MB", threads=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The list by degree, of C + 1 = 88574 entries, is not counted as memory of the computation: 8 bytes each and more.
    assert peak < 2 * 10**6 + 20 * 88574


@pytest.mark.parametrize("work", [1e4, 1e5, 1e6, 1e8])
def test_a_plan_stays_within_its_work(work):
    planned = plan(SelfAttention(4, 2), method="catalecticant", work=work)
    assert planned.work <= work


def test_a_plan_prints_on_one_line_what_would_be_done():
    assert str(plan(SelfAttention(3, 2), memory="1GiB")).startswith("catalecticant, 105 lattice points in 3 variables")
    assert "(cut)" in str(plan(SelfAttention(4, 2), memory="700kB"))
    assert "grid of up to 240 samples a side" in str(plan(SelfAttention(3, 2), method="grid", memory="1GiB"))
    assert "bounds only: no blocks that pass them fit within the memory limit" in str(plan(SelfAttention(9, 8), memory="1kB"))
    for model in MODELS:
        assert "\n" not in str(plan(model))


def test_blocks_of_few_tokens_beyond_all_memory_leave_bounds():
    # Whole blocks would take more bytes than a float can count.
    planned = plan(SelfAttention(6, 200, heads=4, tokens=2), memory="1GiB")
    assert planned.method == "bounds"


def test_a_plan_knows_the_bounds():
    planned = plan(SelfAttention(3, 2, heads=2))
    assert planned.upper == bounds.head_bound(3, 2, heads=2) == 215
    # Heads of width 1 see no more of identity weights than one coordinate.
    assert planned.lower == bounds.monomial_bound(3, 2, heads=2)


def test_a_plan_follows_the_partition():
    model = SelfAttention(2, 3, tokens=6)
    assert plan(model, Bipartition.of(6, [0])).upper == plan(model, Bipartition.of(6, range(1, 6))).upper
    assert plan(model, Bipartition.of(6, [0])).upper < plan(model).upper == 49


def test_a_model_too_large_for_anything_is_planned_in_closed_form():
    planned = plan(SelfAttention(30, 6), memory="1GiB")
    assert planned.method == "bounds"
    assert planned.lower < planned.upper == bounds.moment_bound(30, 6)


@pytest.mark.parametrize("method", ["Grid", "", None, "numerical"])
def test_unknown_methods_are_refused_with_those_known(method):
    for function in (plan, separation_rank):
        with pytest.raises(TensorRankError, match="expected one of auto, catalecticant, grid"):
            function(SelfAttention(2, 2), method=method)


@pytest.mark.parametrize("partition", ["half", 4, 1.5])
def test_what_is_no_partition_is_refused(partition):
    for function in (plan, separation_rank):
        with pytest.raises(PartitionError, match=r"expected 'halves', 'interleaved', .* Bipartition.halves\(4\)"):
            function(SelfAttention(2, 2), partition)


@pytest.mark.parametrize(
    ("partition", "meant"),
    [
        ("halves", Bipartition((0, 1), (2, 3))),
        ("interleaved", Bipartition((0, 2), (1, 3))),
        ([1], Bipartition((1,), (0, 2, 3))),
        (range(3), Bipartition((0, 1, 2), (3,))),
    ],
)
def test_partitions_have_names_and_may_be_given_by_one_side(partition, meant):
    model = SelfAttention(2, 2, heads=2)
    assert plan(model, partition, memory="1GiB") == plan(model, meant, memory="1GiB")
    assert separation_rank(model, partition) == separation_rank(model, meant)


def test_a_partition_of_other_sites_is_refused():
    for function in (plan, separation_rank):
        with pytest.raises(PartitionError, match="covers 5 sites; the model has 4"):
            function(SelfAttention(2, 2), Bipartition.halves(5))


def test_a_model_without_the_moment_form_is_sampled():
    model = SumOfTwo()
    assert plan(model).method == plan(model, method="grid").method == "grid"
    found = separation_rank(model)
    assert (found.value, found.upper, found.standing, found.by_degree) == (2, None, "probable", None)
    for function in (plan, separation_rank):
        with pytest.raises(TensorRankError, match=r"SumOfTwo.* has no moment form; expected method 'grid' or 'auto'"):
            function(model, method="catalecticant")


def test_limits_that_make_no_sense_are_refused():
    for function in (plan, separation_rank):
        with pytest.raises(TensorRankError, match="expected a positive number of bytes"):
            function(SelfAttention(2, 2), memory="none")
        with pytest.raises(TensorRankError, match="expected a positive number of operations"):
            function(SelfAttention(2, 2), work=0)


@pytest.mark.parametrize(("depth", "width"), [(7, 60), (9, 8), (2, 20_000)])
def test_networks_whose_lattice_no_float_counts_have_bounds_only(depth, width):
    found = plan(SelfAttention(depth, width), memory="1GiB", work=1e9)
    assert found.method == "bounds"
    assert 1 < found.lower < found.upper


@pytest.mark.parametrize("memory", ["1MiB", "30MiB", "4GiB"])
@pytest.mark.parametrize(("width", "degree"), [(1, 40), (3, 4), (3, 13), (12, 4), (40, 1)])
def test_as_many_entries_are_kept_as_leave_half_of_everything_to_the_blocks(width, degree, memory):
    limits, entries = Limits.of(memory, 1e9), width * (width + 1) // 2

    def fits(variables):
        points = monomial_count(variables, degree)
        held = lattice_bytes(points, width, degree, variables) + degree * DEGREE_BYTES
        return held <= limits.memory / 2 and lattice_work(points, width, degree, variables) <= limits.work / 2

    expected = max((variables for variables in range(1, entries + 1) if fits(variables)), default=0)
    assert _most_variables(width, degree, entries, limits) == expected


def test_a_bound_for_almost_all_weights_does_not_decide_what_is_computed_of_given_ones():
    model = SelfAttention(depth=3, width=8, heads=2, tokens=4, residual=True)
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape) for name, (_, shape) in model.shapes.items()}
    # Of generic weights so little work could show nothing new.
    generic, given = plan(model, work=1e8), plan(model, weights=weights, work=1e8)
    assert generic.method == "bounds"
    assert given.method != "bounds"
    assert given.lower == 0
    assert separation_rank(model, weights=weights, work=1e8).lower >= 30

"""Recurrent arithmetic circuits against the recurrence as written, over all inputs, and published ranks."""

import tracemalloc
from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from as_written import recurrent_output
from oracles import flint_rank

from tensorrank import Bipartition, TensorRankError, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.circuits.recurrent import RecurrentCircuit
from tensorrank.errors import PrimeError, WeightsError
from tensorrank.networks.cuts import minimum_cut

PRIME = 8388593
CIRCUITS = [(1, 2, 3, 4), (1, 3, 2, 5), (2, 2, 2, 4), (2, 3, 2, 5), (3, 2, 2, 4)]


def weights_of(circuit, seed=0, largest=4):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-largest, largest + 1, shape) for name, (_, shape) in circuit.shapes.items()}


def as_written(circuit, weights, categories):
    """LSZ18's recurrence in Python's whole numbers."""
    return recurrent_output(circuit, {name: array.astype(object) for name, array in weights.items()}, categories)


def everything(circuit, weights):
    """The values at all inputs, a tensor of order T."""
    inputs = product(range(circuit.channels), repeat=circuit.steps)
    values = [as_written(circuit, weights, categories) for categories in inputs]
    return np.array(values, dtype=object).reshape((circuit.channels,) * circuit.steps)


def unfolding(tensor, partition):
    rows = int(np.prod([tensor.shape[site] for site in partition.a]))
    return tensor.transpose(*partition.a, *partition.b).reshape(rows, -1)


@pytest.mark.parametrize("sizes", CIRCUITS, ids=str)
@pytest.mark.parametrize("prime", [101, PRIME, 2**31 - 1])
def test_grids_and_networks_are_the_recurrence_as_written(sizes, prime):
    circuit = RecurrentCircuit(*sizes)
    weights = weights_of(circuit)
    tensor = everything(circuit, weights)
    field = PrimeField(prime)
    assert (circuit.to_network(weights).contract(field) == tensor % prime).all()
    instance = circuit.draw(field, np.random.default_rng(0), weights)
    for partition in (Bipartition.halves(circuit.steps), Bipartition.interleaved(circuit.steps)):
        sides = [instance.inputs(side, np.arange(instance.input_count(side))) for side in (partition.a, partition.b)]
        assert (instance.grid(partition, *sides) == unfolding(tensor, partition) % prime).all()


@pytest.mark.parametrize(("hidden", "channels", "steps"), [(2, 2, 8), (3, 2, 8), (5, 2, 4), (4, 3, 4), (3, 3, 6)])
def test_depth_1_has_its_published_rank(hidden, channels, steps):
    circuit = RecurrentCircuit(1, hidden, channels, steps)
    computed = separation_rank(circuit, weights=weights_of(circuit, largest=10**4))
    for found in (separation_rank(circuit), computed):
        assert (found.value, found.standing) == (min(hidden, channels ** (steps // 2)), "exact")
    assert computed.method == "grid"


@pytest.mark.parametrize(
    ("hidden", "channels", "steps", "rank"),
    [(2, 2, 4, 4), (2, 2, 6, 8), (2, 2, 8, 10), (2, 3, 6, 8), (3, 2, 8, 16)],  # SOURCES.md, section 4
)
def test_depth_2_has_its_known_ranks_above_the_published_bound(hidden, channels, steps, rank):
    circuit = RecurrentCircuit(2, hidden, channels, steps)
    found = separation_rank(circuit)
    assert (found.value, found.standing) == (rank, "exact")
    published = comb(min(hidden, channels) + steps // 2 - 1, steps // 2)
    assert circuit.generic_lower_bound(Bipartition.halves(steps)) == published <= rank


@pytest.mark.parametrize(("depth", "hidden", "channels", "steps"), [(1, 2, 2, 6), (2, 2, 2, 6), (3, 2, 2, 6), (2, 2, 3, 5)])
@pytest.mark.parametrize("cut", ["halves", "interleaved", "end", "inside"])
def test_ranks_over_all_inputs_are_those_of_flint_and_meet_the_bounds(depth, hidden, channels, steps, cut):
    circuit = RecurrentCircuit(depth, hidden, channels, steps)
    partition = {
        "halves": Bipartition.halves(steps),
        "interleaved": Bipartition.interleaved(steps),
        "end": Bipartition.of(steps, [steps - 1]),
        "inside": Bipartition.of(steps, [1, 2]),
    }[cut]
    tensor = everything(circuit, weights_of(circuit, largest=10**4))
    found = separation_rank(circuit, partition)
    assert found.value == flint_rank(unfolding(tensor, partition) % PRIME, PRIME)
    assert circuit.generic_lower_bound(partition) <= found.value <= circuit.rank_bound(partition)


@pytest.mark.parametrize("sizes", [(1, 2, 3, 6), (1, 3, 2, 7)], ids=str)
@pytest.mark.parametrize("cut", [[0, 1, 2], [0, 2, 4], [3], [1, 2, 5]], ids=str)
def test_at_depth_1_the_bound_is_the_minimum_cut_of_the_network(sizes, cut):
    circuit = RecurrentCircuit(*sizes)
    partition = Bipartition.of(circuit.steps, cut)
    assert circuit.rank_bound(partition) == minimum_cut(circuit.to_network(weights_of(circuit)), partition).bound


@pytest.mark.parametrize("sizes", [(1, 2, 2, 5), (2, 2, 3, 5), (3, 2, 2, 6), (2, 1, 3, 5), (4, 3, 5, 4), (3, 2, 4, 6)], ids=str)
def test_the_bound_is_the_least_product_over_all_ways_to_give_steps_to_sides(sizes):
    circuit = RecurrentCircuit(*sizes)
    depth, hidden, channels, steps = sizes

    def monomials(degree):
        return comb(hidden + degree - 1, degree)

    def cost(given, side_a):
        found = 1
        for step in range(steps):
            remaining = steps - step
            if step and given[step] != given[step - 1]:
                for below in range(depth):
                    found *= monomials(comb(remaining + below - 1, below))
            if given[step] != (step in side_a):
                found *= min(channels, monomials(comb(remaining + depth - 2, depth - 1)))
        return found

    for size in range(1, steps):
        for side_a in combinations(range(steps), size):
            least = min(cost(given, side_a) for given in product((False, True), repeat=steps))
            assert circuit.rank_bound(Bipartition.of(steps, side_a)) == least


def test_long_and_deep_circuits_are_ranked_or_bounded_in_a_few_seconds():
    found = separation_rank(RecurrentCircuit(1, 2, 2, 20_000), work=1e6, method="grid")
    assert (found.value, found.standing) == (2, "exact")  # min(R, M^(T/2)), as published
    deep = RecurrentCircuit(1000, 2, 2, 100)
    assert deep.rank_bound("halves") == 2**50  # all inputs of a side


def test_circuits_of_more_states_than_can_be_gone_through_are_refused():
    assert RecurrentCircuit(10, 2, 2, 10_000).sites == 10_000
    with pytest.raises(TensorRankError, match="depth 1 and 10000000 steps has 10000000 states; expected at most 100000"):
        RecurrentCircuit(1, 2, 2, 10**7)
    with pytest.raises(TensorRankError, match="has a whole number of some 100 digits states; expected at most 100000"):
        RecurrentCircuit(10**50, 2, 2, 10**50)


def test_inputs_are_numbered_and_none_repeats():
    instance = RecurrentCircuit(1, 2, 3, 4).draw(PrimeField(101), np.random.default_rng(0))
    assert instance.input_count((0, 2)) == 9
    listed = instance.inputs((0, 2), np.arange(9))
    assert sorted(map(tuple, listed.tolist())) == sorted(product(range(3), repeat=2))
    drawn = instance.sample((0, 2), 50, np.random.default_rng(0))
    assert drawn.shape == (50, 2)
    assert set(drawn.flat) == {0, 1, 2}


def test_the_rank_of_given_weights_is_theirs_and_all_inputs_are_tried():
    circuit = RecurrentCircuit(1, 3, 2, 6)
    weights = weights_of(circuit)
    weights["output"][:] = 0
    zero = separation_rank(circuit, weights=weights)
    assert (zero.value, zero.standing) == (0, "probable")
    assert zero.reason.startswith("all 8 rows and 8 columns gave the same rank in 2 draws of a random prime")


def test_weights_and_sizes_are_checked():
    with pytest.raises(TensorRankError, match="steps is 1; expected"):
        RecurrentCircuit(1, 2, 2, 1)
    with pytest.raises(WeightsError, match="expected input, recurrent, initial, output"):
        separation_rank(RecurrentCircuit(1, 2, 2, 4), weights={"input": [[1, 2], [3, 4]]})


def test_parameters_are_counted():
    assert RecurrentCircuit(2, 3, 4, 5).parameters == 3 * 4 + 9 + 2 * 9 + 2 * 3 + 3


def test_the_degree_in_the_weights_is_that_of_the_recurrence():
    circuit = RecurrentCircuit(3, 1, 1, 3)
    scaled = {name: 2 * np.ones(shape, dtype=int) for name, (_, shape) in circuit.shapes.items()}
    assert as_written(circuit, scaled, (0, 0, 0)) == 2**circuit.weight_degree


def test_a_sample_of_too_many_inputs_claims_no_probability():
    circuit = RecurrentCircuit(3, 2, 8, 8)
    found = separation_rank(circuit)
    assert found.standing == "lower bound"
    assert found.reason.endswith("were tried of finitely many inputs, of which others may give more")
    assert found.samples[0] < 8**4
    assert found.failure_probability is None


def test_primes_must_exceed_the_degree_in_the_weights():
    with pytest.raises(PrimeError, match="the prime 5 does not exceed the degree"):
        separation_rank(RecurrentCircuit(2, 2, 2, 6), Bipartition.interleaved(6), primes=[5, 7])


def test_a_sample_of_given_weights_is_a_lower_bound():
    # The function is 1 where every category is 0 and vanishes elsewhere: rank 1, which hardly any sample sees.
    circuit = RecurrentCircuit(1, 2, 100, 12)
    weights = {name: np.ones(shape, dtype=int) for name, (_, shape) in circuit.shapes.items()}
    weights["input"][:, 1:] = 0
    found = separation_rank(circuit, weights=weights)
    assert (found.value, found.standing, found.failure_probability) == (0, "lower bound", None)
    assert "of finitely many inputs, of which others may give more" in found.reason


@pytest.mark.parametrize(("steps", "rank"), [(12, 84), (16, 132)])
def test_depth_2_with_fewer_channels_than_units_falls_short_of_the_bound(steps, rank):
    # All 256 x 256 inputs of 16 steps: 132, where R ((R, T/2)) is 135; with three channels the bound is met.
    channels = 3 if steps == 12 else 2
    circuit = RecurrentCircuit(2, 3, channels, steps)
    found = separation_rank(circuit)
    assert found.value == rank
    assert circuit.rank_bound(Bipartition.halves(steps)) == 3 * comb(steps // 2 + 2, 2) >= rank
    half = Bipartition.halves(steps)
    instance = circuit.draw(PrimeField(PRIME), np.random.default_rng(5))
    listed = [instance.inputs(side, np.arange(min(256, channels ** (steps // 2)))) for side in (half.a, half.b)]
    if channels == 2:
        assert flint_rank(instance.grid(half, *listed), PRIME) == rank


def test_evaluation_keeps_to_the_memory_limit():
    separation_rank(RecurrentCircuit(2, 2, 2, 8))
    tracemalloc.start()
    found = separation_rank(RecurrentCircuit(2, 64, 8, 8), memory="4MB", threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.standing == "lower bound"
    assert peak < 6e6

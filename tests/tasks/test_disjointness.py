from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import flint_rank
from tasks.naive_tasks import PRIMES, random_side, raw_matrix

from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.disjointness import Disjointness, InnerProduct

LARGE = PRIMES[2:]


def ranks(task):
    return {prime: flint_rank(task.communication().entries, prime) for prime in PRIMES}


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 1)] * (2 * n)), min_size=1, max_size=9)))
def test_solutions_are_the_definition(words):
    inputs = np.array(words).reshape(len(words), 2, -1)
    n = inputs.shape[2]
    products = [sum(a * b for a, b in zip(*pair, strict=True)) for pair in inputs.tolist()]
    assert Disjointness(n).solve(inputs).tolist() == [product == 0 for product in products]
    assert Disjointness(n, intersecting=True).solve(inputs).tolist() == [product > 0 for product in products]
    assert InnerProduct(n).solve(inputs).tolist() == [product % 2 for product in products]
    assert InnerProduct(n, modulus=3).solve(inputs).tolist() == [product % 3 for product in products]
    assert InnerProduct(n, modulus=None).solve(inputs).tolist() == products


@pytest.mark.parametrize("length", [1, 2, 3, 6, 12])
def test_disjointness_is_a_tensor_power(length):
    assert (Disjointness(length).communication().entries == reduce(np.kron, [np.array([[1, 1], [1, 0]])] * length)).all()


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6])
def test_known_ranks(length):
    n = length
    assert ranks(Disjointness(n)) == dict.fromkeys(PRIMES, 2**n)
    meeting, parity, whole = (ranks(Disjointness(n, intersecting=True)), ranks(InnerProduct(n)), InnerProduct(n, modulus=None))
    assert [meeting[prime] for prime in LARGE] == [2**n - 1] * 2
    assert [parity[prime] for prime in (2, *LARGE)] == [n, 2**n - 1, 2**n - 1]
    assert ranks(whole) == dict.fromkeys(PRIMES, n)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_any_partition_is_brute_force(length, seed):
    rng = np.random.default_rng([length, seed])
    partition = Bipartition.of(2 * length, random_side(rng, 2 * length))
    for task in (Disjointness(length), Disjointness(length, intersecting=True), InnerProduct(length, modulus=3)):
        expected = raw_matrix(lambda word, task=task: task.solve([[word[:length], word[length:]]])[0], 2, *_sides(partition))
        found = task.communication(partition)
        assert (found.entries == expected).all()
        assert (found.rows, found.columns) == expected.shape


def _sides(partition):
    return partition.a, partition.b


def test_what_the_matrix_says_of_itself():
    found = Disjointness(3).communication()
    assert (found.task, found.sides) == ("disjointness of 3-bit sets", ("a", "b"))
    assert (found.query, found.linear) == (None, None)
    mixed = InnerProduct(4, modulus=3).communication(range(6))
    assert mixed.sides == ("a and bits 0-1 of b", "bits 2-3 of b")
    assert mixed.task == "inner product of 4 bits mod 3"
    assert str(InnerProduct(4, modulus=None)) == "inner product of 4 bits"
    assert str(Disjointness(4, intersecting=True)) == "intersection of 4-bit sets"


@pytest.mark.parametrize("task", [Disjointness(3), InnerProduct(3)])
def test_a_prefix_is_the_first_bits(task):
    assert (task.communication("halves").entries == task.communication().entries).all()
    for cut in range(1, 6):
        expected = task.communication(Bipartition.of(6, range(cut))).entries
        assert (task.communication(range(cut)).entries == expected).all()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("intersecting", [False, True])
@pytest.mark.parametrize("count", [1, 2, 301])
def test_examples_are_disjoint_or_meet_once(length, intersecting, count):
    task = Disjointness(length, intersecting=intersecting)
    found = task.examples(count, seed=1)
    assert found.inputs.shape == (count, 2, length)
    assert found.labels.sum() == count // 2
    assert (task.solve(found.inputs) == found.labels).all()
    products = found.inputs.prod(axis=1).sum(axis=1)
    assert (products == (found.labels == intersecting)).all()
    assert found.asking is None
    if length > 1:
        # No set alone tells anything: all have one size.
        assert len(np.unique(found.inputs.sum(axis=2))) == 1


def test_examples_use_all_places():
    found = Disjointness(5).examples(400)
    assert (found.inputs.any(axis=0)).all()
    meeting = found.inputs[~found.labels].prod(axis=1)
    assert meeting.any(axis=0).all()


@pytest.mark.parametrize("modulus", [2, 3, 5, 100])
@pytest.mark.parametrize("length", [1, 2, 9])
def test_examples_of_inner_products(modulus, length):
    task = InnerProduct(length, modulus=modulus)
    found = task.examples(201, seed=2)
    assert found.labels.sum() == 100
    assert ((task.solve(found.inputs) != 0) == found.labels).all()
    # One bit of b away from the value 0.
    values = found.inputs.prod(axis=1).sum(axis=1) % modulus
    assert set(values[found.labels].tolist()) <= {1, modulus - 1}


@pytest.mark.parametrize("task", [Disjointness(8), InnerProduct(8)])
def test_examples_depend_on_the_seed_alone(task):
    first, again, other = task.examples(50, 3), task.examples(50, 3), task.examples(50, 4)
    assert (first.inputs == again.inputs).all()
    assert (first.labels == again.labels).all()
    assert (first.inputs != other.inputs).any()
    assert (task.examples(50, np.random.default_rng(1)).inputs == task.examples(50, np.random.default_rng(1)).inputs).all()


def test_all_inputs_are_all_of_them():
    inputs = Disjointness(2).all_inputs()
    assert inputs.shape == (16, 2, 2)
    assert len({tuple(pair.ravel().tolist()) for pair in inputs}) == 16
    assert set(np.unique(inputs).tolist()) == {0, 1}


@pytest.mark.parametrize("modulus", [4, 255, 256, 10**30])
def test_a_modulus_beyond_the_length_is_that_of_whole_numbers(modulus):
    task, whole = InnerProduct(3, modulus=modulus), InnerProduct(3, modulus=None)
    assert (task.communication().entries == whole.communication().entries).all()
    assert (task.solve(task.all_inputs()) == whole.solve(whole.all_inputs())).all()
    found = task.examples(20, seed=0)
    assert ((found.inputs.prod(axis=1).sum(axis=1) > 0) == found.labels).all()


@pytest.mark.parametrize("modulus", [255, 256, 299, 300, 301])
def test_moduli_about_the_length(modulus):
    task = InnerProduct(300, modulus=modulus)
    inputs = np.ones((300, 2, 300), dtype=np.int64) * (np.arange(300)[None, :] <= np.arange(300)[:, None])[:, None]
    assert task.solve(inputs).tolist() == [(k + 1) % modulus for k in range(300)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Disjointness(0), "length is 0; expected a whole number of at least 1"),
        (lambda: InnerProduct(2.0), r"length is 2\.0; expected a whole number"),
        (lambda: InnerProduct(2, modulus=0), "modulus is 0; expected a whole number of at least 1"),
        (lambda: InnerProduct(2, modulus=True), "modulus is True; expected a whole number"),
        (lambda: Disjointness(2, intersecting=1), "intersecting is 1; expected True or False"),
        (lambda: InnerProduct(2, modulus=None).examples(4), "as a whole number has no two labels; give a modulus"),
        (lambda: InnerProduct(2, modulus=1).examples(4), "mod 1 is always 0, so that no label is 1"),
        (lambda: Disjointness(2).examples(0), "count is 0; expected a whole number of at least 1"),
        (lambda: Disjointness(2).examples(4, seed=-1), "the seed is -1"),
        (lambda: Disjointness(2).solve([[0, 1]]), r"inputs have the shape \(1, 2\); expected \(count, 2, 2\)"),
        (lambda: Disjointness(2).solve([[[0, 1], [0]]]), "lists of unequal lengths"),
        (lambda: Disjointness(2).solve([[[0, 1], [2, 0]]]), r"hold 2 at \(0, 1, 0\); expected whole numbers from 0 to 1"),
        (lambda: Disjointness(2).solve(np.full((1, 2, 2), np.nan)), "type float64; expected whole numbers"),
        (lambda: Disjointness(2).solve(np.ones((1, 2, 2), bool)), "type bool; expected whole numbers"),
        (
            lambda: Disjointness(8).communication(memory="1MiB"),
            r"the matrix of disjointness of 8-bit sets, 2\^16 entries, .* limit is 1 MiB",
        ),
        (
            lambda: InnerProduct(8).all_inputs(memory="1MiB"),
            r"inner product of 8 bits mod 2, 2\^16 of them, would take about 24 MiB; the memory limit is 1 MiB",
        ),
        (lambda: InnerProduct(5000).all_inputs(memory="1MiB"), r"2\^10000 of them, would not fit any memory"),
        (lambda: Disjointness(10**12).all_inputs(), r"2\^2000000000000 of them, would not fit any memory"),
        (lambda: Disjointness(50000).communication(), r"50000-bit sets, 2\^100000 entries, would not fit any memory"),
        (lambda: InnerProduct(10**12).communication(), "would not fit any memory"),
        (lambda: InnerProduct(50000).communication(range(10)), r"bits mod 2, 2\^100000 entries, would not fit any memory"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()


def test_a_partition_of_other_sites_is_refused():
    with pytest.raises(PartitionError, match="the partition covers 4 sites; the model has 6"):
        Disjointness(3).communication(Bipartition.halves(4))

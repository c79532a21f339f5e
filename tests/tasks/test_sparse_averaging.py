from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from oracles import flint_rank
from tasks.naive_tasks import PRIMES, fingerprint, random_side

from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.disjointness import Disjointness
from tensorrank.tasks.sparse_averaging import SparseAveraging, SparseInputs, disjointness_in_sparse_averaging

LARGE = PRIMES[2:]


@pytest.mark.parametrize(("tokens", "sparsity", "dimension"), [(1, 1, 1), (5, 1, 2), (6, 3, 1), (4, 4, 3)])
def test_solutions_are_the_averages(tokens, sparsity, dimension):
    task = SparseAveraging(tokens, sparsity, dimension=dimension)
    inputs = task.random_inputs(7, seed=1)
    found = task.solve(inputs)
    assert found.shape == (7, tokens, dimension)
    for example, token in product(range(7), range(tokens)):
        chosen = [inputs.values[example, j] for j in inputs.chosen[example, token]]
        np.testing.assert_allclose(found[example, token], sum(chosen) / sparsity, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_random_inputs_fill_the_unit_ball(dimension):
    inputs = SparseAveraging(50, 3, dimension=dimension).random_inputs(40, seed=0)
    norms = np.linalg.norm(inputs.values, axis=2)
    assert norms.max() <= 1
    # The norm to the power of the dimension is uniform; 2000 of them, so within 4 standard errors.
    assert abs((norms**dimension).mean() - 0.5) < 4 / np.sqrt(12 * 2000)
    assert np.abs(inputs.values.mean(axis=(0, 1))).max() < 4 / np.sqrt(2000)


def test_random_choices_are_uniform():
    chosen = SparseAveraging(5, 2).random_inputs(2000, seed=3).chosen
    pairs, counts = np.unique(chosen.reshape(-1, 2), axis=0, return_counts=True)
    assert pairs.tolist() == [list(pair) for pair in combinations(range(5), 2)]
    # 10000 choices among 10: five standard deviations.
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(900)


@pytest.mark.parametrize(("tokens", "sparsity", "dimension"), [(1, 1, 1), (6, 2, 1), (5, 5, 1), (9, 4, 3)])
def test_examples_have_one_positive_choice_or_none(tokens, sparsity, dimension):
    task = SparseAveraging(tokens, sparsity, dimension=dimension)
    found = task.examples(101, seed=2)
    assert (found.labels.sum(), found.asking) == (50, tokens - 1)
    values = found.inputs.values[:, :, 0]
    positive = [sum(row[j] > 0 for j in chosen) for row, chosen in zip(values, found.inputs.chosen[:, -1], strict=True)]
    assert positive == found.labels.astype(int).tolist()
    np.testing.assert_allclose(np.linalg.norm(found.inputs.values, axis=2), 1)
    if dimension == 1:
        sums = sparsity * task.solve(found.inputs)[:, -1, 0]
        np.testing.assert_allclose(sums, np.where(found.labels, 2 - sparsity, -sparsity), atol=1e-12)


def test_the_same_seed_gives_the_same_examples():
    task = SparseAveraging(8, 3)
    first, again, other = (task.examples(20, seed).inputs for seed in (1, 1, 2))
    assert (first.values == again.values).all()
    assert (first.chosen == again.chosen).all()
    assert (first.values != other.values).any()


@pytest.mark.parametrize(("tokens", "sparsity"), [(3, 1), (4, 2), (5, 3), (6, 3), (6, 5)])
def test_raw_averages_have_small_rank_and_many_rows(tokens, sparsity):
    # Sets with all but one element in common differ by e_i - e_j: their indicators span the vectors of sum 0, and one
    # of sum q, which lies among them where p divides q. All 2^N data give the rank of the indicators.
    found = SparseAveraging(tokens, sparsity).communication()
    assert len(np.unique(found.entries, axis=0)) == 2**tokens
    for prime in PRIMES:
        assert flint_rank(found.entries, prime) == tokens - (sparsity % prime == 0)


@pytest.mark.parametrize(("tokens", "sparsity"), [(1, 1), (4, 1), (4, 2), (5, 3), (6, 3), (6, 6)])
def test_only_the_thresholded_task_is_hard_by_its_rank(tokens, sparsity):
    # Columns of disjointness are independent, over every field; these are the one of no tokens less that of the chosen.
    found = SparseAveraging(tokens, sparsity).communication(thresholded=True)
    assert [flint_rank(found.entries, prime) for prime in PRIMES] == [comb(tokens, sparsity)] * 4


def test_the_matrix_with_data_first_is_the_definition():
    found = SparseAveraging(4, 2).communication()
    data, sets = product((0, 1), repeat=4), list(combinations(range(4), 2))
    assert found.entries.tolist() == [[z[i] + z[j] for i, j in sets] for z in data]
    assert (found.rows, found.columns) == (16, 6)
    assert (found.query, found.linear) == ("columns", "rows")
    assert (found.task, found.sides) == ("sparse averaging of 2 out of 4 tokens", ("values 0-3", "the choice"))


def naive_matrix(tokens, sparsity, partition, thresholded):
    """A row and a column for every raw input."""
    sets = list(combinations(range(tokens), sparsity))

    def inputs(side):
        return list(product(*[sets if site == tokens else (0, 1) for site in side]))

    def value(held):
        total = sum(held[j] for j in held[tokens])
        return int(total > 0) if thresholded else total

    return np.array(
        [
            [value(dict(zip((*partition.a, *partition.b), (*row, *column), strict=True))) for column in inputs(partition.b)]
            for row in inputs(partition.a)
        ]
    )


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("thresholded", [False, True])
@pytest.mark.parametrize(("tokens", "sparsity"), [(1, 1), (3, 1), (4, 2), (5, 3), (4, 4)])
def test_any_partition_is_brute_force(tokens, sparsity, thresholded, seed):
    rng = np.random.default_rng([tokens, sparsity, seed])
    partition = Bipartition.of(tokens + 1, random_side(rng, tokens + 1))
    found = SparseAveraging(tokens, sparsity).communication(partition, thresholded=thresholded)
    expected = naive_matrix(tokens, sparsity, partition, thresholded)
    assert fingerprint(found.entries) == fingerprint(expected)
    assert (found.rows, found.columns) == expected.shape


@pytest.mark.parametrize("sparsity", [254, 255, 256])
def test_sums_beyond_a_byte(sparsity):
    # One far value: it is not chosen, with all of the choice on the own side, or chosen, with one less there.
    found = SparseAveraging(300, sparsity).communication(Bipartition.of(301, [0])).entries
    own = np.arange(sparsity + 1)
    assert found.tolist() == [[*own, *own[:-1]], [*own, *(own[:-1] + 1)]]


def test_who_asks_and_who_is_linear():
    task = SparseAveraging(4, 2)
    asked = task.communication(Bipartition((4,), (0, 1, 2, 3)))
    assert (asked.query, asked.linear, asked.sides) == ("rows", "columns", ("the choice", "values 0-3"))
    assert (asked.entries == task.communication().entries.T).all()
    # Beside data of its own, the side of the choice is not the question alone, nor the sum linear in the other's data.
    mixed = task.communication(Bipartition((0, 1), (2, 3, 4)))
    assert (mixed.query, mixed.linear, mixed.sides) == (None, None, ("values 0-1", "values 2-3 and the choice"))
    decided = task.communication(thresholded=True)
    assert (decided.query, decided.linear) == ("columns", None)
    assert decided.task == "thresholded sparse averaging of 2 out of 4 tokens"
    assert (decided.entries == (task.communication().entries > 0)).all()


def test_a_prefix_is_the_first_sites():
    task = SparseAveraging(4, 2)
    assert (task.communication(range(4)).entries == task.communication().entries).all()
    for thresholded in (False, True):
        expected = task.communication(Bipartition.of(5, range(2)), thresholded=thresholded).entries
        assert (task.communication("halves", thresholded=thresholded).entries == expected).all()


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7])
def test_disjointness_in_sparse_averaging(length):
    n = length
    sums, decided = disjointness_in_sparse_averaging(n), disjointness_in_sparse_averaging(n, thresholded=True)
    bits = np.array(list(product((0, 1), repeat=n)))
    assert (sums.entries == 2 * bits @ bits.T - n).all()
    assert (decided.entries == Disjointness(n, intersecting=True).communication().entries).all()
    assert (sums.rows, sums.columns, sums.query) == (2**n, 2**n, "rows")
    # Raw sums have small rank; only the thresholded task is hard.
    assert [flint_rank(sums.entries, prime) for prime in LARGE] == [n + 1] * 2
    assert [flint_rank(decided.entries, prime) for prime in LARGE] == [2**n - 1] * 2


def test_the_reduction_is_an_input_of_sparse_averaging():
    a, b = np.array([1, 0, 1]), np.array([1, 1, 0])
    values = np.stack([np.full(3, -1), 2 * b - 1], axis=1).reshape(1, 6, 1)
    inputs = SparseInputs(values, np.tile(2 * np.arange(3) + a, (1, 6, 1)))
    (average,) = SparseAveraging(6, 3).solve(inputs)[0, 0]
    assert disjointness_in_sparse_averaging(3).entries[0b101, 0b110] == round(3 * average)


VALUES, CHOSEN = np.zeros((1, 3, 1)), np.array([[[0, 1], [0, 2], [1, 2]]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SparseAveraging(4, 5), "sparsity 5 exceeds the 4 tokens"),
        (lambda: SparseAveraging(4, 0), "sparsity is 0; expected a whole number of at least 1"),
        (lambda: SparseAveraging(True, 1), "tokens is True; expected a whole number"),
        (lambda: SparseAveraging(4, 1, dimension=0), "dimension is 0; expected a whole number of at least 1"),
        (lambda: SparseInputs(np.zeros((1, 3)), CHOSEN), r"values have the shape \(1, 3\); expected \(count, N, dim"),
        (lambda: SparseInputs([[[0.5], [1.0, 2.0]]], CHOSEN), "lists of unequal lengths were given as the values"),
        (lambda: SparseInputs(np.full((1, 3, 1), True), CHOSEN), "an entry of the values is True; expected real"),
        (lambda: SparseInputs([[[0.0], [np.nan], [0.0]]], CHOSEN), r"the entry \(0, 1, 0\) of the values is nan; expected"),
        (lambda: SparseInputs(VALUES, CHOSEN[:, :2]), r"chosen have the shape \(1, 2, 2\); expected \(1, 3, q\)"),
        (lambda: SparseInputs(VALUES, CHOSEN + 1), r"chosen hold 3 at \(0, 1, 1\); expected whole numbers from 0 to 2"),
        (lambda: SparseInputs(VALUES, CHOSEN[:, :, ::-1]), r"chosen hold \[1, 0\] at \(0, 0\); expected different numbers"),
        (lambda: SparseInputs(VALUES, 0 * CHOSEN), r"chosen hold \[0, 0\] at \(0, 0\); expected different numbers"),
        (lambda: SparseInputs(VALUES, 1.0 * CHOSEN), "chosen are of type float64; expected whole numbers"),
        (lambda: SparseAveraging(3, 2).solve(VALUES), r"inputs is array.*; expected a SparseInputs"),
        (
            lambda: SparseAveraging(3, 1).solve(SparseInputs(VALUES, CHOSEN)),
            r"\(tokens, dimension, sparsity\) \(3, 1, 2\); expected \(3, 1, 1\)",
        ),
        (lambda: SparseAveraging(3, 2).examples(0), "count is 0; expected a whole number of at least 1"),
        (lambda: SparseAveraging(3, 2).random_inputs(0), "count is 0; expected a whole number of at least 1"),
        (
            lambda: SparseAveraging(10, 5).communication(memory="1MiB"),
            "sparse averaging of 5 out of 10 tokens, 1024 x 252 entries, .* limit is 1 MiB",
        ),
        (lambda: disjointness_in_sparse_averaging(0), "length is 0; expected a whole number of at least 1"),
        (lambda: disjointness_in_sparse_averaging(40, memory="1GiB"), r"2\^80 entries"),
        (lambda: disjointness_in_sparse_averaging(10**12), "would not fit any memory"),
        (lambda: SparseAveraging(50000, 3).communication(), r"50000 tokens, 2\^50000 entries, would not fit"),
        (lambda: SparseAveraging(10**9, 3).communication("halves"), r"1000000000 tokens has 1000000001 sites; .* to 65536"),
        (lambda: SparseAveraging(10**9, 3).communication(), r"1000000000 tokens has 1000000001 sites; .* to 65536"),
        (
            lambda: SparseAveraging(10**9, 2).examples(100),
            r"100 inputs of sparse averaging of 2 out of 1000000000 tokens would take about \S+ TiB; the memory limit",
        ),
        (lambda: SparseAveraging(10**9, 2).random_inputs(100), "100 inputs of sparse averaging .* would take about"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()


def test_a_partition_of_other_sites_is_refused():
    with pytest.raises(PartitionError, match="the partition covers 3 sites; the model has 4"):
        SparseAveraging(3, 2).communication(Bipartition.halves(3))
    with pytest.raises(PartitionError, match="side A of the partition has no sites"):
        SparseAveraging(3, 2).communication(())

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tasks.naive_tasks import fingerprint, hops, random_side, raw_matrix

from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.induction_heads import InductionHeads


@pytest.mark.parametrize("times", [0, 1, 2, 3, 7])
@pytest.mark.parametrize(("tokens", "symbols"), [(2, 2), (3, 2), (5, 3), (7, 2), (4, 5)])
def test_solutions_are_the_definition_on_all_inputs(tokens, symbols, times):
    task = InductionHeads(tokens, symbols, hops=times)
    inputs = task.all_inputs()
    assert inputs.tolist() == [list(word) for word in itertools.product(range(symbols), repeat=tokens)]
    assert task.solve(inputs).tolist() == [hops(word, times) for word in inputs.tolist()]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 300), st.integers(2, 300), st.integers(0, 12), st.integers(0, 2**32))
def test_long_words_and_many_symbols(tokens, symbols, times, seed):
    words = np.random.default_rng(seed).integers(symbols, size=(3, tokens))
    assert InductionHeads(tokens, symbols, hops=times).solve(words).tolist() == [hops(word, times) for word in words.tolist()]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("tokens", "symbols", "times"), [(4, 3, 1), (5, 2, 2), (6, 2, 3), (3, 4, 1)])
def test_any_partition_is_brute_force(tokens, symbols, times, seed):
    side = random_side(np.random.default_rng([tokens, seed]), tokens)
    partition = Bipartition.of(tokens, side)
    found = InductionHeads(tokens, symbols, hops=times).matrices(partition)
    answers, first = found["answer"], found["is it token 0?"]
    expected = raw_matrix(lambda word: hops(word, times), symbols, partition.a, partition.b)
    assert (answers.entries == expected).all()
    assert (first.entries == (expected == 1)).all()
    assert (answers.rows, answers.columns) == expected.shape
    ranks = first.ranks(threads=1)
    shape, _, _, (over_2, over_3, *over_large) = fingerprint(expected == 1)
    assert (ranks.distinct_rows, ranks.distinct_columns) == shape
    assert ranks.fields == {"Q": max(over_large), "GF(2)": over_2, "GF(3)": over_3}


@pytest.mark.parametrize("symbols", [2, 3, 5])
def test_the_last_token_alone_is_a_question_of_as_many_values_as_symbols(symbols):
    found = InductionHeads(4, symbols).communication(range(3))
    assert found.distinct_columns == symbols
    assert found.sides == ("tokens 0-2", "token 3")


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_pairs_of_keys_and_bits_shatter_all_keys(pairs):
    # INDEX: the word k_1 b_1 k_2 b_2 ... of different keys and bits, which are two further symbols, then a key.
    task = InductionHeads(2 * pairs + 1, pairs + 2)
    vc = task.matrices(range(2 * pairs))["is it token 0?"].ranks().vc
    assert vc.lower >= pairs


@pytest.mark.parametrize(("tokens", "symbols", "times"), [(2, 2, 1), (2, 1000, 3), (30, 3, 4), (6, 6, 0)])
@pytest.mark.parametrize("count", [1, 2, 101])
def test_examples_are_balanced_and_rightly_labelled(tokens, symbols, times, count):
    task = InductionHeads(tokens, symbols, hops=times)
    found = task.examples(count, seed=3)
    assert found.labels.sum() == count // 2
    assert [hops(word, times) == 1 for word in found.inputs.tolist()] == found.labels.tolist()
    assert (task.examples(count, seed=3).inputs == found.inputs).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: InductionHeads(1, 2), "tokens is 1; expected a whole number of at least 2"),
        (lambda: InductionHeads(4, 1), "symbols is 1; expected a whole number from 2 to 4611686018427387904"),
        (lambda: InductionHeads(4, 10**22), r"symbols is 10{22}; expected a whole number from 2 to"),
        (lambda: InductionHeads(4, 2, hops=-1), "hops is -1; expected a whole number of at least 0"),
        (lambda: InductionHeads(4, 2, hops=1.5), r"hops is 1\.5; expected a whole number"),
        (lambda: InductionHeads(4, 2).solve([[0, 1, 2, 0]]), r"inputs hold 2 at \(0, 2\); expected whole numbers from 0 to 1"),
        (lambda: InductionHeads(4, 2).solve([[0, 1, 1]]), r"\(1, 3\); expected \(count, 4\), a symbol for each site"),
        (lambda: InductionHeads(4, 2).examples(0), "count is 0; expected a whole number of at least 1"),
        (
            lambda: InductionHeads(24, 2).communication(memory="1MiB"),
            "the matrix of induction heads over 2 symbols, 4096 x 4096 entries, would take about .* limit is 1 MiB",
        ),
        (lambda: InductionHeads(40000, 2).communication(), "would not fit any memory"),
        (lambda: InductionHeads(10**12, 2).communication(), "sites; communication matrices are made for up to 65536"),
        (lambda: InductionHeads(10**12, 2).examples(2), "2 inputs of induction heads over 2 symbols would take about"),
        (lambda: InductionHeads(4, 2).communication([0, 4]), "the partition names site 4; the model has sites 0 to 3"),
        (
            lambda: InductionHeads(4, 2).communication(Bipartition((0,), (1, 2))),
            "the partition covers 3 sites; the model has 4",
        ),
        (lambda: InductionHeads(4, 2).communication(range(4)), "side B of the partition has no sites"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()

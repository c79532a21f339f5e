import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import flint_rank
from tasks.naive_tasks import PRIMES, answers, bigram, fingerprint, local, random_side, raw_matrix

from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.anchored_match3 import anchored_match3_rank
from tensorrank.tasks.match import Match3
from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local


def ranks(matrix):
    return [flint_rank(matrix.entries, prime) for prime in PRIMES]


def variants(tokens, modulus):
    """Each variant with its definition, the answer of token i."""
    windows = [(Match3Local(tokens, modulus, k), lambda x, i, k=k: local(x, i, modulus, k)) for k in (0, 1, 2, 9)]
    return [(Match3Bigram(tokens, modulus), lambda x, i: bigram(x, i, modulus)), *windows]


@given(st.integers(1, 7), st.integers(1, 8), st.data())
def test_solutions_are_the_definitions(tokens, modulus, data):
    inputs = np.array(data.draw(st.lists(st.tuples(*[st.integers(0, modulus - 1)] * tokens), min_size=1, max_size=5)))
    for task, decide in variants(tokens, modulus):
        assert (task.solve(inputs) == answers(decide, inputs)).all()


def test_a_window_over_everything_is_match3():
    inputs = np.random.default_rng(0).integers(40, size=(50, 6))
    assert (Match3Local(6, 40, 5).solve(inputs) == Match3(6, 40).solve(inputs)).all()
    wide, plain = Match3Local(7, 7, 6).communication(anchor=1, asking=6), Match3(7, 7).communication(anchor=1)
    assert (wide.entries == plain.entries).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("tokens", "modulus"), [(2, 3), (3, 1), (4, 3), (4, 4), (5, 3), (6, 2)])
def test_any_partition_is_brute_force(tokens, modulus, seed):
    rng = np.random.default_rng([tokens, modulus, seed])
    asking, anchor = int(rng.integers(tokens)), int(rng.integers(modulus))
    whole = Bipartition.of(tokens, random_side(rng, tokens))
    others = [token for token in range(tokens) if token != asking]
    for task, decide in variants(tokens, modulus):
        found = task.communication(whole, asking=asking)
        expected = raw_matrix(lambda x: decide(x, asking), modulus, whole.a, whole.b)  # noqa: B023
        assert fingerprint(found.entries) == fingerprint(expected)
        assert (found.rows, found.columns) == expected.shape
        assert found.query == {whole.a: "rows", whole.b: "columns"}.get((asking,))
        if tokens > 2:
            split = Bipartition.of(tokens - 1, random_side(rng, tokens - 1))
            a, b = ([others[site] for site in side] for side in (split.a, split.b))
            found = task.communication(split, anchor=anchor, asking=asking)
            expected = raw_matrix(lambda x: decide(x, asking), modulus, a, b, {asking: anchor})  # noqa: B023
            assert fingerprint(found.entries) == fingerprint(expected)
            assert (found.rows, found.columns) == expected.shape


@pytest.mark.parametrize("modulus", [3, 4, 5, 7])
def test_neighbours_are_easy_however_many_tokens(modulus):
    # The complement is a product: nothing found on either side, and no pair at the cut. The last has rank M over the
    # rationals (all ones less a permutation), and a row of ones comes on top where a side alone can settle it. With two
    # tokens a side or more, and M > 2, the one at the cut can still be any where nothing is found.
    for tokens in (5, 9, 33, 101):
        anchored = Match3Bigram(tokens, modulus).communication(anchor=1)
        finite, rational = np.split(np.array(ranks(anchored)), 2)
        assert rational.tolist() == [modulus + 1] * 2
        assert max(finite) <= modulus + 1
        assert (anchored.rows, anchored.columns) == (modulus ** (tokens // 2),) * 2
    for tokens in (9, 33):
        assert max(ranks(Match3Bigram(tokens, modulus).communication())) <= modulus**2 + 1


def test_neighbours_apart_meet_nowhere():
    # A public token at the cut keeps the sides apart: either settles it alone, which has rank 2.
    found = Match3Bigram(9, 5).communication(anchor=1, asking=4)
    assert ranks(found) == [2] * 4


@pytest.mark.parametrize(("modulus", "window"), [(5, 2), (7, 3), (8, 3)])
def test_a_window_makes_the_rank_independent_of_the_length(modulus, window):
    for half in (window, window + 1, 20, 100):
        found = Match3Local(2 * half + 1, modulus, window).communication(anchor=1, asking=half)
        assert ranks(found) == [anchored_match3_rank(modulus, window, 1)] * 4
        assert found.rows == modulus**half
    # Beyond the window of the last token, nothing matters: one row for all inputs.
    assert Match3Local(20, modulus, window).communication(range(19 - window)).entries.shape[0] == 1


@pytest.mark.parametrize("asking", [None, 0, 1])
@pytest.mark.parametrize(
    "task",
    [
        Match3Bigram(2, 2),
        Match3Bigram(3, 2),
        Match3Bigram(40, 7),
        Match3Bigram(30, 101),
        Match3Local(2, 4, 0),
        Match3Local(2, 5, 3),
        Match3Local(40, 7, 1),
        Match3Local(40, 101, 12),
    ],
)
def test_examples_are_balanced_and_right(task, asking):
    found = task.examples(301, seed=1, asking=asking)
    assert found.inputs.shape == (301, task.tokens)
    assert (found.labels.sum(), found.asking) == (150, task.tokens - 1 if asking is None else asking)
    assert (task.solve(found.inputs)[:, found.asking] == found.labels).all()


def test_the_same_seed_gives_the_same_examples():
    for task in (Match3Bigram(8, 5), Match3Local(8, 5, 2)):
        first, again, other = (task.examples(40, seed).inputs for seed in (1, 1, 2))
        assert (first == again).all()
        assert (first != other).any()


def test_names_in_tables():
    assert str(Match3Bigram(4, 5)) == "Match3 mod 5 of neighbours"
    assert str(Match3Local(4, 5, 2)) == "Match3 mod 5 within 2"
    found = Match3Local(5, 5, 2).communication(anchor=3)
    assert (found.task, found.sides) == ("Match3 mod 5 within 2, anchor 3", ("tokens 0-1", "tokens 2-3"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Match3Local(4, 5, -1), "window is -1; expected a whole number of at least 0"),
        (lambda: Match3Local(0, 5, 1), "tokens is 0; expected a whole number of at least 1"),
        (lambda: Match3Local(4, 3, 1).examples(4), "Match3 mod 3 within 1 has no label 0"),
        (lambda: Match3Bigram(1, 5).examples(4), "has no label 1 with 1 token: it has no neighbour"),
        (lambda: Match3Bigram(4, 1).examples(4), "has no label 0: there is only one residue"),
        (lambda: Match3Bigram(4, 5).solve([[0, 1, 2, 5]]), r"inputs hold 5 at \(0, 3\); expected whole numbers from 0 to 4"),
        (lambda: Match3Local(4, 5, 1).solve([0, 1, 2, 3]), r"inputs have the shape \(4,\); expected \(count, 4\)"),
        (lambda: Match3Bigram(4, 5).examples(4, asking=4), "asking is 4; expected one of the tokens 0 to 3"),
        (lambda: Match3Bigram(4, 63).communication(anchor=1), "the modulus is 63"),
        (lambda: Match3Bigram(10**8, 5).communication(anchor=1), "has 100000000 sites; communication matrices are"),
        (lambda: Match3Local(10**8, 5, 2).communication(range(3)), "has 100000000 sites; communication matrices are"),
        (lambda: Match3Local(4, 5, 1).communication(anchor=5), "the anchor is 5; expected a residue from 0 to 4"),
        (
            lambda: Match3Bigram(40, 11).communication(Bipartition.interleaved(40), memory="100MiB"),
            r"inputs that Match3 mod 11 of neighbours tells apart, \d+ x 22 entries, .* limit is 100 MiB",
        ),
        (
            lambda: Match3Bigram(8, 16).communication(memory="10MiB"),
            r"Match3 mod 16 of neighbours.* \d+ x \d+ entries, .* limit is 10 MiB",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()

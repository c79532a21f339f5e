import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import flint_rank
from tasks.naive_tasks import PRIMES, answers, fingerprint, match2, random_side, raw_matrix

from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.match import Match2, Match3


@st.composite
def residues(draw, most_tokens=6, most_modulus=9):
    tokens, modulus = draw(st.integers(1, most_tokens)), draw(st.integers(1, most_modulus))
    word = st.tuples(*[st.integers(0, modulus - 1)] * tokens)
    return modulus, np.array(draw(st.lists(word, min_size=1, max_size=8)))


@given(residues(), st.booleans())
def test_solutions_are_the_definition(drawn, itself):
    modulus, inputs = drawn
    found = Match2(inputs.shape[1], modulus, itself=itself).solve(inputs)
    assert (found == answers(match2, inputs, modulus, itself)).all()


def test_long_batches_are_solved_in_parts():
    rng = np.random.default_rng(0)
    task = Match2(64, 100003, itself=False)
    inputs = rng.integers(100003, size=(90, 64))
    inputs[::2, 5] = -inputs[::2, 40] % 100003
    assert (task.solve(inputs) == ((inputs[:, :, None] + inputs[:, None]) % 100003 == 0).any(axis=2)).all()


def test_no_inputs_have_no_answers():
    assert Match2(3, 5).solve(np.zeros((0, 3), int)).shape == (0, 3)


@pytest.mark.parametrize("modulus", [2, 3, 4, 5, 6, 7])
def test_the_asking_token_against_all_sets_has_rank_m(modulus):
    found = Match2(modulus + 1, modulus, itself=False).communication()
    assert found.entries.shape == (modulus, 2**modulus - 1)
    assert [flint_rank(found.entries, prime) for prime in PRIMES] == [modulus] * 4
    assert (found.rows, found.columns, found.query) == (modulus, modulus**modulus, "rows")
    assert (found.task, found.sides[0]) == (f"Match2 mod {modulus} among the others", f"token {modulus}")


@pytest.mark.parametrize("others", [1, 2, 4])
@pytest.mark.parametrize("modulus", range(1, 9))
def test_a_token_that_may_match_itself_costs_even_moduli_one(modulus, others):
    # Among the others, one of them is enough: a permutation matrix. If j = i counts, x and x + M/2 share a row of ones.
    apart = Match2(others + 1, modulus, itself=False).communication()
    assert flint_rank(apart.entries, PRIMES[-1]) == modulus
    itself = Match2(others + 1, modulus).communication()
    assert flint_rank(itself.entries, PRIMES[-1]) == modulus - (modulus % 2 == 0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("itself", [False, True])
@pytest.mark.parametrize(("tokens", "modulus"), [(2, 1), (2, 2), (3, 3), (4, 3), (4, 5), (5, 4)])
def test_any_partition_is_brute_force(tokens, modulus, itself, seed):
    rng = np.random.default_rng([tokens, modulus, seed])
    asking = int(rng.integers(tokens))
    partition = Bipartition.of(tokens, random_side(rng, tokens))
    found = Match2(tokens, modulus, itself=itself).communication(partition, asking=asking)
    expected = raw_matrix(lambda x: match2(x, asking, modulus, itself), modulus, partition.a, partition.b)
    assert fingerprint(found.entries) == fingerprint(expected)
    assert (found.rows, found.columns) == expected.shape
    alone = {partition.a: "rows", partition.b: "columns"}
    assert found.query == alone.get((asking,))


@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("tokens", "modulus"), [(3, 1), (3, 2), (3, 3), (4, 4), (5, 3)])
def test_a_public_asking_token_is_brute_force(tokens, modulus, itself, seed):
    rng = np.random.default_rng([tokens, modulus, seed])
    asking, anchor = int(rng.integers(tokens)), int(rng.integers(modulus))
    split = Bipartition.of(tokens - 1, random_side(rng, tokens - 1))
    found = Match2(tokens, modulus, itself=itself).communication(split, anchor=anchor, asking=asking)
    others = [token for token in range(tokens) if token != asking]
    a, b = ([others[site] for site in side] for side in (split.a, split.b))
    expected = raw_matrix(lambda x: match2(x, asking, modulus, itself), modulus, a, b, {asking: anchor})
    assert fingerprint(found.entries) == fingerprint(expected)
    assert (found.rows, found.columns, found.query) == (*expected.shape, None)


def test_defaults_and_prefixes():
    task = Match2(5, 4)
    assert (task.communication(asking=2).entries == task.communication(Bipartition.of(5, [2]), asking=2).entries).all()
    for partition, cut, asking in [(range(1), 1, 0), ([0, 1], 2, 4), ("halves", 2, 1)]:
        expected = task.communication(Bipartition.of(5, range(cut)), asking=asking)
        assert (task.communication(partition, asking=asking).entries == expected.entries).all()


@pytest.mark.parametrize(("tokens", "modulus"), [(1, 3), (1, 8), (2, 3), (2, 4), (5, 7), (30, 12)])
@pytest.mark.parametrize("asking", [None, 0])
@pytest.mark.parametrize("task", [Match2, Match3])
def test_examples_are_balanced_and_right(task, tokens, modulus, asking):
    if task is Match3 and modulus == 3:
        modulus = 2
    task = task(tokens, modulus)
    found = task.examples(301, seed=1, asking=asking)
    assert found.inputs.shape == (301, tokens)
    assert (found.labels.sum(), found.asking) == (150, tokens - 1 if asking is None else asking)
    assert (task.solve(found.inputs)[:, found.asking] == found.labels).all()


@pytest.mark.parametrize(("tokens", "modulus"), [(2, 2), (2, 3), (6, 5), (30, 12)])
def test_examples_among_the_others(tokens, modulus):
    task = Match2(tokens, modulus, itself=False)
    found = task.examples(300, seed=1)
    assert (task.solve(found.inputs)[:, -1] == found.labels).all()
    assert found.labels.sum() == 150
    # The asking token itself tells nothing: it takes all residues with either label.
    assert set(found.inputs[found.labels, -1].tolist()) == set(found.inputs[~found.labels, -1].tolist()) == set(range(modulus))


def test_a_match_hides_in_one_token():
    for task in (Match2(40, 101), Match3(40, 1009)):
        found = task.examples(60, seed=4)
        without = [np.delete(found.inputs, place, axis=1) for place in range(39)]
        smaller = type(task)(39, task.modulus)
        settled = np.array([smaller.solve(inputs)[:, -1] for inputs in without])
        # Some token's removal undoes the match.
        assert not settled[:, found.labels].all(axis=0).any()
        assert not settled[:, ~found.labels].any()


@pytest.mark.parametrize("task", [Match2(8, 12), Match3(8, 12)])
def test_the_same_seed_gives_the_same_examples(task):
    first, again, other = (task.examples(40, seed).inputs for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_all_inputs_are_all_words():
    inputs = Match2(3, 4).all_inputs()
    assert inputs.shape == (64, 3)
    assert (inputs @ [16, 4, 1] == np.arange(64)).all()
    assert (inputs.min(), inputs.max()) == (0, 3)


def test_names_in_tables():
    assert [str(Match2(4, 5)), str(Match2(4, 5, itself=False)), str(Match3(4, 5))] == [
        "Match2 mod 5",
        "Match2 mod 5 among the others",
        "Match3 mod 5",
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Match2(0, 5), "tokens is 0; expected a whole number of at least 1"),
        (lambda: Match2(4, 5.0), r"modulus is 5\.0; expected a whole number of at least 1"),
        (lambda: Match2(4, 2**24 + 1), r"the modulus is 16777217; expected at most 2\^24"),
        (lambda: Match2(4, 5, itself=None), "itself is None; expected True or False"),
        (lambda: Match2(4, 5).solve([[1, 2, 3]]), r"inputs have the shape \(1, 3\); expected \(count, 4\), a residue"),
        (lambda: Match2(2, 5).solve([[1, 5]]), r"inputs hold 5 at \(0, 1\); expected whole numbers from 0 to 4"),
        (lambda: Match2(2, 5).solve([[1, -1]]), r"inputs hold -1 at \(0, 1\)"),
        (lambda: Match2(2, 5).solve([[1.0, 2.0]]), "inputs are of type float64; expected whole numbers from 0 to 4"),
        (lambda: Match2(10**40, 5).examples(10), "10 inputs of 1" + 40 * "0" + " tokens would not fit any memory"),
        (lambda: Match2(10**12, 5).examples(10), "10 inputs of 1000000000000 tokens would take about"),
        (lambda: Match3(10**12, 5).examples(10), "10 inputs of 1000000000000 tokens would take about"),
        (lambda: Match2(4, 2).examples(10), "has no label 0: every residue is its own negative"),
        (lambda: Match2(4, 1, itself=False).examples(10), "has no label 0: there is only one residue"),
        (lambda: Match2(1, 5, itself=False).examples(10), "has no label 1 with 1 token: there is no other token"),
        (lambda: Match3(4, 3).examples(10), "Match3 mod 3 has no label 0: 3 x is 0 for every residue"),
        (lambda: Match3(4, 1).examples(10), "Match3 mod 1 has no label 0"),
        (lambda: Match3(4, 5).examples(10, asking=4), "asking is 4; expected one of the tokens 0 to 3"),
        (lambda: Match2(4, 5).communication(asking=-1), "asking is -1; expected a whole number of at least 0"),
        (lambda: Match2(4, 63).communication(), "the modulus is 63; communication matrices are made for moduli to 62"),
        (
            lambda: Match2(41, 40).communication(memory="1GiB"),
            r"the matrix of Match2 mod 40, 40 x 1099511627775 entries, .* limit is 1 GiB",
        ),
        (
            lambda: Match2(10**7, 7).communication(),
            "Match2 mod 7 with 10000000 tokens has 10000000 sites; communication matrices are made for up to 65536",
        ),
        (lambda: Match2(10**7, 7).communication("halves"), "has 10000000 sites; communication matrices"),
        (lambda: Match2(10**8, 7).all_inputs(), r"tokens, 7\^100000000 of them, would not fit any memory"),
        (
            lambda: Match2(9, 16).all_inputs(memory="1GiB"),
            r"the inputs of Match2 mod 16 with 9 tokens, 16\^9 of them, would take about",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()


def test_one_token_has_no_bipartition():
    with pytest.raises(PartitionError, match="a bipartition of 1 sites was asked for"):
        Match2(1, 5).communication()


def test_one_residue_has_one_row():
    found = Match2(4, 1, itself=False).communication("halves")
    assert (found.entries.tolist(), found.rows, found.columns) == ([[1]], 1, 1)

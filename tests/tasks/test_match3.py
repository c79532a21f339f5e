import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import flint_rank
from tasks.naive_tasks import PRIMES, answers, fingerprint, match3, random_side, raw_matrix

from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.anchored_match3 import anchored_match3_rank, disjointness_in_match3, free_pairs
from tensorrank.tasks.disjointness import Disjointness
from tensorrank.tasks.match import Match3
from tensorrank.tasks.residue_sets import residue_sets

ANCHORED = [(modulus, anchor) for modulus in range(1, 14) for anchor in range(modulus)]


@given(st.integers(1, 5), st.integers(1, 9), st.data())
def test_solutions_are_the_definition(tokens, modulus, data):
    words = data.draw(st.lists(st.tuples(*[st.integers(0, modulus - 1)] * tokens), min_size=1, max_size=6))
    inputs = np.array(words)
    assert (Match3(tokens, modulus).solve(inputs) == answers(match3, inputs, modulus)).all()


def test_long_inputs_are_solved_in_parts():
    rng = np.random.default_rng(1)
    task = Match3(512, 2**18)
    inputs = rng.integers(2**18, size=(20, 512))
    found = task.solve(inputs)
    assert 0 < found.mean() < 1
    for example, token in rng.integers(0, (20, 512), size=(40, 2)):
        row = inputs[example]
        assert found[example, token] == np.isin(-row[token] - row, row - 2**18 * np.arange(3)[:, None]).any()


def test_the_sums_of_one_long_input_are_made_in_parts():
    rng = np.random.default_rng(2)
    task = Match3(6000, 2**24)
    inputs = rng.integers(2**24, size=(1, 6000))
    tracemalloc.start()
    try:
        found = task.solve(inputs)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # All sums at once are 36 million, 275 MiB; a table of all residues takes 128 MiB.
    assert peak < 450 * 2**20
    row = inputs[0]
    for token in range(0, 6000, 500):
        assert found[0, token] == np.isin(-row[token] - row, row - 2**24 * np.arange(3)[:, None]).any()


@pytest.mark.parametrize(
    ("modulus", "tokens", "rank"), [(5, 2, 4), (7, 3, 10), (8, 3, 28), (9, 4, 28), (11, 5, 82), (13, 4, 212)]
)
def test_known_ranks_with_anchor_1(modulus, tokens, rank):
    found = Match3(2 * tokens + 1, modulus).communication(anchor=1)
    assert anchored_match3_rank(modulus, tokens, 1) == rank
    different = np.unique(found.entries, axis=0)
    assert [flint_rank(different, prime) for prime in PRIMES] == [rank] * 4
    assert (found.rows, found.columns, found.query) == (modulus**tokens, modulus**tokens, None)
    assert found.entries.shape == (len(residue_sets(modulus, tokens)),) * 2
    assert found.task == f"Match3 mod {modulus}, anchor 1"
    assert found.sides == (f"tokens 0-{tokens - 1}", f"tokens {tokens}-{2 * tokens - 1}")


@pytest.mark.parametrize(("modulus", "anchor"), ANCHORED)
@pytest.mark.parametrize("tokens", [1, 2, 3])
def test_the_closed_form_is_the_rank_over_every_field(modulus, anchor, tokens):
    found = Match3(2 * tokens + 1, modulus).communication(anchor=anchor).entries
    expected = anchored_match3_rank(modulus, tokens, anchor)
    different = np.unique(np.unique(found, axis=0), axis=1)
    assert {flint_rank(different, prime) for prime in PRIMES} == {expected}


@pytest.mark.parametrize(("modulus", "anchor"), [(2, 1), (3, 1), (4, 2), (5, 0), (5, 3), (6, 2)])
def test_a_row_is_a_set_of_residues(modulus, anchor):
    raw = raw_matrix(lambda x: match3(x, 4, modulus), modulus, (0, 1), (2, 3), {4: anchor})
    found = Match3(5, modulus).communication(anchor=anchor)
    place = {one: row for row, one in enumerate(residue_sets(modulus, 2).tolist())}
    classes = [place[(1 << u) | (1 << w)] for u, w in product(range(modulus), repeat=2)]
    assert (found.entries[np.ix_(classes, classes)] == raw).all()
    assert (found.rows, found.columns) == raw.shape


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("tokens", "modulus"), [(2, 1), (2, 4), (3, 3), (4, 3), (4, 5), (5, 4)])
def test_any_partition_is_brute_force(tokens, modulus, seed):
    rng = np.random.default_rng([tokens, modulus, seed])
    task, asking = Match3(tokens, modulus), int(rng.integers(tokens))
    partition = Bipartition.of(tokens, random_side(rng, tokens))
    found = task.communication(partition, asking=asking)
    expected = raw_matrix(lambda x: match3(x, asking, modulus), modulus, partition.a, partition.b)
    assert fingerprint(found.entries) == fingerprint(expected)
    assert (found.rows, found.columns) == expected.shape
    assert found.query == {partition.a: "rows", partition.b: "columns"}.get((asking,))
    if tokens > 2:
        anchor = int(rng.integers(modulus))
        split = Bipartition.of(tokens - 1, random_side(rng, tokens - 1))
        found = task.communication(split, anchor=anchor, asking=asking)
        others = [token for token in range(tokens) if token != asking]
        a, b = ([others[site] for site in side] for side in (split.a, split.b))
        expected = raw_matrix(lambda x: match3(x, asking, modulus), modulus, a, b, {asking: anchor})
        assert fingerprint(found.entries) == fingerprint(expected)
        assert (found.rows, found.columns) == expected.shape


def test_defaults_and_prefixes():
    task = Match3(5, 4)
    last = task.communication(Bipartition((0, 1), (2, 3, 4)), asking=4)
    assert (task.communication().entries == last.entries).all()
    assert (task.communication("halves").entries == last.entries).all()
    for cut in range(1, 4):
        expected = task.communication(Bipartition.of(4, range(cut)), anchor=3)
        assert (task.communication(range(cut), anchor=3).entries == expected.entries).all()
    # The others keep their numbers around a public token in the middle.
    assert task.communication("halves", anchor=3, asking=1).sides == ("tokens 0, 2", "tokens 3-4")


@pytest.mark.parametrize(("modulus", "anchor"), [(m, r) for m, r in ANCHORED if 3 * r % m])
def test_free_pairs(modulus, anchor):
    others = set(range(modulus)) - {anchor, -2 * anchor % modulus}
    expected = {frozenset({u, (-anchor - u) % modulus}) for u in others if (2 * u + anchor) % modulus}
    found = free_pairs(modulus, anchor)
    assert len(found) == len(expected)
    assert {frozenset(pair) for pair in found.tolist()} == expected


@pytest.mark.parametrize(("modulus", "anchor"), [(4, 1), (5, 1), (7, 3), (8, 2), (8, 5), (11, 4)])
def test_disjointness_in_match3(modulus, anchor):
    a, b = disjointness_in_match3(modulus, anchor)
    length = len(a)
    bits = np.array(list(product((0, 1), repeat=length)))
    rows, columns = (table[np.arange(length), bits] for table in (a, b))
    shape = (len(bits), len(bits), length)
    inputs = np.concatenate(
        [np.broadcast_to(rows[:, None], shape), np.broadcast_to(columns, shape), np.full((*shape[:2], 1), anchor)], axis=2
    )
    found = Match3(2 * length + 1, modulus).solve(inputs.reshape(-1, 2 * length + 1))[:, -1]
    assert (found.reshape(shape[:2]) == Disjointness(length, intersecting=True).communication().entries).all()


def test_negatives_take_every_side_of_every_pair():
    found = Match3(12, 9).examples(600, seed=0)
    for value in np.unique(found.inputs[:, -1]):
        assert 3 * value % 9
        held = found.inputs[~found.labels & (found.inputs[:, -1] == value)]
        allowed = {int(value), *free_pairs(9, int(value)).ravel().tolist()}
        assert set(held.ravel().tolist()) == allowed


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Match3(5, 7).communication(anchor=7), "the anchor is 7; expected a residue from 0 to 6"),
        (lambda: Match3(5, 7).communication(anchor=1.5), r"anchor is 1\.5; expected a whole number"),
        (lambda: Match3(5, 7).communication(asking=5), "asking is 5; expected one of the tokens 0 to 4"),
        (lambda: Match3(5, 64).communication(anchor=1), "the modulus is 64; communication matrices are made for moduli"),
        (
            lambda: Match3(61, 30).communication(anchor=1, memory="1GiB"),
            r"the matrix of Match3 mod 30, anchor 1, 1073741823 x 1073741823 entries, .* limit is 1 GiB",
        ),
        (lambda: Match3(10**8, 7).communication(), "Match3 mod 7 with 100000000 tokens has 100000000 sites; commun"),
        (lambda: Match3(10**8, 7).communication(anchor=1), "has 100000000 sites; communication matrices are made"),
        (lambda: Match3(10**8, 7).communication(range(2), anchor=1), "has 100000000 sites; communication matrices are made"),
        (lambda: anchored_match3_rank(7, 0, 1), "tokens is 0; expected a whole number of at least 1"),
        (lambda: anchored_match3_rank(7, 3, 7), "the anchor is 7; expected a residue from 0 to 6"),
        (lambda: disjointness_in_match3(9, 3), "3 \\* 3 is 0 modulo 9, so that the asking token matches itself"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()


def test_a_public_token_is_no_site():
    with pytest.raises(PartitionError, match="the partition covers 5 sites; the model has 4"):
        Match3(5, 7).communication(Bipartition.halves(5), anchor=1)

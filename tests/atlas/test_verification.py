"""Entries computed again: repeated with the primes that did it, refuted in one sentence, or left undecided."""

from dataclasses import replace

import pytest
from atlas.made import NETWORK, SHORT, SHORT_BOUND, SHORT_RANK, entry_of
from studies.stored_ranks import rank_of

import tensorrank as tr
from tensorrank.atlas.verification import Verification

NARROW = tr.SelfAttention(2, 4, heads=4, kv_heads=2)


@pytest.mark.parametrize(
    "entry",
    [
        entry_of(NETWORK, 18, by_degree=(2, 6, 6, 3, 1)),
        entry_of(NARROW, 40, "probable", 42),
        entry_of(NARROW, 40, "probable"),
        entry_of(NARROW, 40, "lower bound", 42),
        entry_of(NETWORK, 12, "lower bound"),
        entry_of(tr.RecurrentCircuit(1, 2, 2, 4), 2, method="grid"),
    ],
    ids=lambda entry: f"{entry.model.kind} {entry.claim}",
)
def test_what_holds_is_repeated_by_primes_that_are_named(entry):
    found = tr.Atlas([entry]).verify(entry)
    assert found.outcome == "repeated"
    assert found.rank.seeds == (1,)
    assert entry.claim in found.sentence
    assert all(str(prime) in found.sentence for prime in found.rank.primes)
    assert "\n" not in found.sentence


def test_the_seed_of_the_entry_repeats_it_to_the_letter():
    rank = tr.separation_rank(NARROW, seed=5)
    (entry,) = tr.Atlas().add(rank).entries
    atlas = tr.Atlas([entry])
    assert atlas.verify(entry, seed=5, threads=1).rank == rank
    assert atlas.verify(entry).rank.seeds == (6,)
    assert set(atlas.verify(entry).rank.primes).isdisjoint(rank.primes)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (entry_of(NETWORK, 17), "is 17 .exact. in the atlas, but 18 .exact. was computed modulo"),
        (entry_of(NETWORK, 19), "is 19 .exact. in the atlas, but 18 .exact. was computed modulo"),
        (entry_of(NETWORK, 19, "lower bound"), "is ≥ 19 .lower bound. in the atlas, but 18 .exact. was computed modulo"),
        (entry_of(NARROW, 39, "probable", 42), "is 39 .probable. in the atlas, but 40 .probable. was computed modulo"),
        (entry_of(NARROW, 40), "is 40 .exact. in the atlas, but the proven bound is 42, and its value was computed modulo"),
        (
            entry_of(NETWORK, 18, by_degree=(2, 6, 7, 2, 1)),
            "with rank 7 in degree 2 in the atlas, but 6 was computed there modulo",
        ),
        (entry_of(NETWORK, 18, by_degree=(2, 6, 6, 4)), "with 4 degrees in the atlas, but 5 were computed modulo"),
    ],
)
def test_what_is_wrong_is_refuted_in_one_sentence(entry, words):
    found = tr.Atlas([entry]).verify(entry)
    assert found.outcome == "refuted"
    assert found.rank.value in (18, 40)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found.sentence)
    assert "\n" not in found.sentence


def test_what_the_limits_cut_is_undecided():
    entry = entry_of(tr.SelfAttention(3, 3), 3102)
    found = tr.Atlas([entry]).verify(entry, work=1e6)
    assert found.outcome == "undecided"
    assert "is 3102 (exact) in the atlas, but only ≥ " in found.sentence


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (rank_of(SHORT_RANK, SHORT_BOUND, "probable"), "repeated"),
        (rank_of(SHORT_RANK, SHORT_BOUND, "lower bound"), "undecided"),
        (rank_of(SHORT_RANK - 1, SHORT_BOUND, "lower bound"), "undecided"),
        (rank_of(SHORT_RANK + 1, SHORT_BOUND, "lower bound"), "refuted"),
        (rank_of(SHORT_RANK - 1, SHORT_BOUND, "probable"), "refuted"),
        (rank_of(SHORT_BOUND, SHORT_BOUND), "refuted"),
    ],
)
def test_a_probable_rank_is_refuted_by_what_is_certified_above_it_and_by_a_whole_computation_below(found, outcome):
    assert Verification(entry_of(SHORT, SHORT_RANK, "probable", SHORT_BOUND), found).outcome == outcome


def test_what_was_computed_is_computed_again_though_a_theorem_has_it():
    network = tr.SelfAttention(2, 2, tokens=2)
    entry = entry_of(network, 15)
    found = tr.Atlas([entry]).verify(entry)
    assert (found.outcome, found.rank.method) == ("repeated", "catalecticant")
    assert found.rank.primes
    by_theorem = replace(entry, rank=replace(entry.rank, method="theorem", primes=()))
    found = tr.Atlas([by_theorem]).verify(by_theorem)
    assert (found.outcome, found.rank.method, found.rank.primes) == ("repeated", "theorem", ())
    assert "is 15 (exact): repeated without a prime, known by " in found.sentence
    assert tr.Atlas([by_theorem]).verify(by_theorem, method="grid").rank.primes


def test_a_verification_is_plain_values_for_json():
    entry = entry_of(NETWORK, 18)
    values = Verification(entry, rank_of(18, 18)).to_dict()
    assert (values["outcome"], values["entry"]["rank"]["value"], values["rank"]["primes"]) == ("repeated", 18, [8388593])

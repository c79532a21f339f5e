"""The packaged atlas: every entry agrees with what is proved, and with the values known from elsewhere."""

from itertools import product
from math import comb

import pytest

import tensorrank as tr
from tensorrank.separation.comparison import contradict

ENTRIES = tr.Atlas.packaged().entries
SMALL = [entry for entry in ENTRIES if entry.rank.value < 100]

# Width, depth, heads, head width, tokens, rank and ranks by degree: SOURCES.md section 2.
MEASURED = [
    (1, 1, 1, 1, 2, 2, (1, 1)),
    (1, 4, 1, 1, 2, 41, (1,) * 41),
    (2, 1, 1, 2, 4, 3, (2, 1)),
    (2, 2, 1, 2, 4, 18, (2, 6, 6, 3, 1)),
    (2, 2, 2, 1, 4, 17, None),
    (2, 3, 1, 2, 4, 232, (2, 6, 12, 20, 30, 42, 36, 28, 21, 15, 10, 6, 3, 1)),
    (2, 3, 2, 1, 4, 215, (2, 6, 12, 20, 30, 35, 30, 25, 20, 15, 10, 6, 3, 1)),
    (2, 3, 2, 2, 4, 232, None),
    (2, 3, 1, 1, 4, 50, (1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 4, 3, 2, 1)),
    (2, 3, 1, 2, 2, 105, (2, 4, 6, 8, 10, 12, 14, 13, 11, 9, 7, 5, 3, 1)),
    (2, 4, 1, 2, 4, 4538, None),
    (2, 5, 1, 2, 4, 109024, None),
    (2, 6, 1, 2, 4, 2826912, None),
    (3, 2, 1, 3, 6, 49, (3, 18, 21, 6, 1)),
    (3, 2, 3, 1, 6, 43, None),
    (3, 2, 1, 3, 2, 35, (3, 10, 15, 6, 1)),
    (3, 3, 1, 3, 6, 3102, None),
    (3, 4, 1, 3, 6, 679581, None),
    (4, 2, 1, 4, 8, 110, (4, 40, 55, 10, 1)),
    (4, 2, 2, 2, 8, 107, (4, 40, 52, 10, 1)),
    (4, 2, 4, 1, 8, 85, (4, 36, 34, 10, 1)),
    (4, 2, 1, 4, 3, 80, (4, 20, 45, 10, 1)),
    (4, 3, 1, 4, 8, 31456, (4, 40, 220, 880, 2860, 8008, 11436, 5005, 2002, 715, 220, 55, 10, 1)),
    (4, 3, 2, 4, 8, 31460, None),
    (4, 3, 1, 4, 2, 2380, None),
    (5, 2, 1, 5, 10, 216, None),
    (2, 5, 1, 2, 2, 7503, None),
    (4, 2, 4, 1, 2, 69, None),
    (5, 2, 5, 1, 2, 121, None),
]
# With residual connections: depth, width, heads, head width, rank without them and with.
RESIDUAL = [(2, 2, 1, 1, 8, 10), (3, 2, 1, 1, 50, 101), (2, 3, 1, 2, 39, 40), (2, 3, 2, 1, 25, 27), (2, 4, 2, 1, 25, 31)]


@pytest.mark.parametrize(("width", "depth", "heads", "head_dim", "tokens", "rank", "by_degree"), MEASURED)
def test_values_known_from_elsewhere(width, depth, heads, head_dim, tokens, rank, by_degree):
    network = tr.SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens)
    entry = tr.Atlas.packaged().find(network)
    assert entry.rank.value == rank
    if by_degree is not None and entry.rank.by_degree is not None:
        assert entry.rank.by_degree == by_degree


@pytest.mark.parametrize(("depth", "width", "heads", "head_dim", "without", "with_them"), RESIDUAL)
def test_residual_connections_raise_ranks_of_narrow_heads(depth, width, heads, head_dim, without, with_them):
    sizes = {"depth": depth, "width": width, "heads": heads, "head_dim": head_dim}
    found = [tr.Atlas.packaged().find(tr.SelfAttention(**sizes, residual=residual)) for residual in (False, True)]
    assert [entry.rank.value for entry in found] == [without, with_them]


def test_a_mask_and_positions_with_an_embedding_pass_the_moment_bound():
    # 26 where that bound is 14, and 18 where it is 5.
    for tokens in (4, 5, 6):
        assert tr.Atlas.packaged().find(tr.SelfAttention(3, 1, tokens=tokens, causal=True)).rank.value == 26
    assert tr.Atlas.packaged().find(tr.SelfAttention(2, 3, embedding_rank=1, positional=True)).rank.value == 18


def test_two_tokens_have_the_rank_of_the_theorem():
    # One token a side and a head of full width: binom(d + C, d), C = (3^L - 1) / 2.
    found = [
        (entry.rank.value, comb(entry.model.width + (3**entry.model.depth - 1) // 2, entry.model.width))
        for entry in ENTRIES
        if isinstance(entry.model, tr.SelfAttention)
        and entry.model == tr.SelfAttention(entry.model.depth, entry.model.width, tokens=2)
    ]
    assert len(found) >= 10
    assert [rank for rank, _ in found] == [theorem for _, theorem in found]


def test_every_entry_lies_between_the_moment_bound_and_the_monomial_bound():
    counted = 0
    for entry in ENTRIES:
        model, rank = entry.model, entry.rank
        upper, lower = model.rank_bound(entry.partition), model.generic_lower_bound(entry.partition)
        assert lower <= rank.value, entry.name
        assert upper is None or rank.value <= upper, entry.name
        assert rank.standing != "exact" or rank.value == upper, entry.name
        if isinstance(model, tr.SelfAttention) and not (model.causal or model.positional or model.embedding_rank):
            own, other = model.sides(entry.partition)
            assert rank.value <= tr.bounds.moment_bound(model.depth, model.width, own, other)
            assert rank.value >= tr.bounds.monomial_bound(model.depth, model.width, model.kv_heads, model.head_dim, own, other)
            counted += 1
    assert counted > 200


def test_no_entry_contradicts_another_that_it_contains():
    networks = [entry for entry in ENTRIES if isinstance(entry.model, tr.SelfAttention)]
    for larger, smaller in product(networks, networks):
        if larger.rank.standing != "lower bound" and smaller.rank.lower > larger.rank.value:
            contained = larger.model.contains(larger.partition, smaller.model, smaller.partition)
            assert not contained, (larger.name, smaller.name)


def test_entries_have_what_it_takes_to_repeat_them():
    for entry in ENTRIES:
        assert entry.rank.seeds, entry.name
        assert entry.rank.primes or entry.rank.method in ("bounds", "theorem"), entry.name
        assert entry.source, entry.name
        assert entry.version is not None or entry.source.startswith("recorded in benchmarks/RESULTS.md"), entry.name
        assert entry.rank.standing != "probable" or entry.rank.failure_probability < 1e-3, entry.name
        assert not contradict(entry.rank, entry.rank)


@pytest.mark.parametrize("entry", SMALL[:: len(SMALL) // 6], ids=lambda entry: entry.name)
def test_a_small_entry_is_repeated_by_other_primes(entry):
    found = tr.Atlas.packaged().verify(entry, threads=1)
    assert (found.outcome, found.rank.seeds) == ("repeated", (1,))

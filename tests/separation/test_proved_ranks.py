"""Ranks that are known without computing: what says so, and what is computed nevertheless."""

import numpy as np
import pytest

from tensorrank import Bipartition, RecurrentCircuit, SelfAttention, SeparationRank, plan, separation_rank
from tensorrank.errors import TooLargeError

PAIR = SelfAttention(3, 2, tokens=2)
VARIANTS = {
    "several heads": ({"heads": 2, "head_dim": 3}, 35),
    "a wide head": ({"head_dim": 5}, 35),
    "shared keys": ({"heads": 4, "head_dim": 3, "kv_heads": 2}, 35),
    "residual": ({"residual": True}, 35),
    "positions": ({"positional": True}, 35),
    "an embedding": ({"embedding_rank": 2, "heads": 1, "head_dim": 2}, 15),
    "an embedding and residual connections": ({"embedding_rank": 2, "residual": True}, 15),
    "the output on side B": ({"output_token": 1}, 35),
}


def given_weights(model, seed):
    """Random whole numbers as weights, which are theirs alone: nothing in closed form is known of them."""
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-(10**6), 10**6, shape) for name, (_, shape) in model.shapes.items()}


@pytest.mark.parametrize(("options", "rank"), VARIANTS.values(), ids=VARIANTS)
def test_what_the_theorem_says_of_a_variant_is_what_random_weights_have(options, rank):
    model = SelfAttention(2, 3, tokens=2, **options)
    proved, computed = separation_rank(model), separation_rank(model, weights=given_weights(model, 1))
    assert (proved.value, proved.standing, proved.method) == (rank, "exact", "theorem")
    assert (computed.value, computed.standing) == (rank, "exact")
    assert computed.method in ("catalecticant", "grid")


@pytest.mark.parametrize(("depth", "width", "rank"), [(1, 4, 5), (2, 2, 15), (3, 2, 105), (2, 4, 70), (2, 5, 126)])
@pytest.mark.parametrize("method", ["catalecticant", "grid"])
def test_a_method_that_is_named_computes_the_rank_of_the_theorem(depth, width, rank, method):
    model = SelfAttention(depth, width, tokens=2)
    for weights in (None, given_weights(model, 2)):
        computed = separation_rank(model, weights=weights, method=method)
        assert (computed.value, computed.standing, computed.method) == (rank, "exact", method)
        assert computed.samples is not None
        assert computed.by_degree is None or sum(computed.by_degree) == rank
    assert separation_rank(model).value == rank


def test_the_result_and_the_plan_name_the_theorem():
    words = "the theorem on two tokens, binom(d + C, d) with d = 2 and C = (3^3 - 1) / 2"
    rank, intended = separation_rank(PAIR), plan(PAIR)
    assert rank.reason == f"known by {words}"
    assert str(rank).startswith(f"SeparationRank 105 (exact): lower 105 = upper bound 105; known by {words}; theorem, ")
    assert (rank.failure_probability, rank.primes, rank.samples, rank.by_degree) == (0.0, (), None, None)
    assert str(intended) == f"rank 105 (exact), known by {words}; nothing to compute"
    assert (intended.method, intended.lower, intended.upper, intended.work) == ("theorem", 105, 105, 0)
    assert SeparationRank.from_dict(rank.to_dict()) == rank


def test_given_weights_and_primes_are_computed_with():
    weights = {name: array * 0 for name, array in given_weights(PAIR, 0).items()}
    assert separation_rank(PAIR, weights=weights).value == 0
    assert plan(PAIR, weights=weights).method == "catalecticant"
    prime = 2**31 - 1
    assert separation_rank(PAIR, primes=[prime]).primes == (prime,)
    assert plan(PAIR, primes=[prime]).method == "catalecticant"


# Measured over two draws: SOURCES.md, section 2.
@pytest.mark.parametrize(("width", "rank"), [(4, 69), (5, 121)])
def test_of_heads_narrower_than_the_tokens_nothing_is_claimed_without_computing(width, rank):
    found = separation_rank(SelfAttention(2, width, heads=width, tokens=2))
    assert (found.value, found.standing, found.method) == (rank, "exact", "catalecticant")


# The definition computed apart over GF(2^31 - 1): SOURCES.md, section 2.
@pytest.mark.parametrize(("depth", "width", "rank", "upper"), [(2, 1, 5, 5), (2, 2, 14, 15), (2, 3, 30, 35), (3, 2, 95, 105)])
def test_under_a_mask_the_bound_of_two_tokens_holds_and_is_missed(depth, width, rank, upper):
    found = separation_rank(SelfAttention(depth, width, tokens=2, causal=True))
    assert (found.value, found.upper) == (rank, upper)
    assert found.standing == ("exact" if rank == upper else "probable")


def test_under_a_mask_of_depth_1_the_theorem_holds_for_the_tokens_that_are_seen():
    model = SelfAttention(1, 3, tokens=5, causal=True, output_token=1)
    found = separation_rank(model, Bipartition.of(5, [0, 3]))
    assert (found.value, found.method) == (4, "theorem")
    assert separation_rank(model, Bipartition.of(5, [0, 1])).value == 1


def test_an_embedding_with_positions_is_computed():
    found = separation_rank(SelfAttention(2, 3, tokens=2, embedding_rank=1, positional=True))
    assert found.method == "grid"


def test_networks_of_any_size_have_their_rank_at_once():
    found = separation_rank(SelfAttention(96, 12288, tokens=2), memory="1MiB", work=1)
    assert str(found).startswith("SeparationRank 3^1077752.66 (exact): lower 3^1077752.66 = upper bound 3^1077752.66; known by")
    assert found.brief() == "3^1077752.66"
    assert SeparationRank.from_dict(found.to_dict()) == found


def test_a_rank_of_more_than_a_million_digits_is_refused_with_its_logarithm():
    with pytest.raises(TooLargeError, match=r"is about 3\^1\.229e\+09; expected .* Try log3_two_token_rank"):
        separation_rank(SelfAttention(10**5, 12288, tokens=2))


def test_bounds_that_meet_are_the_rank():
    # The published rank of depth 1, min(R, M^(T/2)), which the count of states bounds from above.
    circuit = RecurrentCircuit(depth=1, hidden=3, channels=2, steps=6)
    known, computed = separation_rank(circuit), separation_rank(circuit, weights=given_weights(circuit, 0))
    assert (known.value, known.standing, known.reason) == (3, "exact", "known by bounds in closed form that meet")
    assert (computed.value, computed.method) == (3, "grid")

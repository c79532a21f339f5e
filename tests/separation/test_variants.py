"""Separation ranks of attention's variants: known values, two methods, and what is proved of them."""

from itertools import product

import numpy as np
import pytest
from oracles import flint_rank

from tensorrank import Bipartition, SelfAttention, bounds, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.separation.derivatives import derivative_plan
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.limits import Limits
from tensorrank.separation.plan import plan

PRIME = 8388593
# SOURCES.md, section 2: width, depth, heads, head_dim, rank without and with residual connections.
RESIDUAL = [
    (2, 2, 1, 2, 18, 18),
    (2, 2, 2, 1, 17, 17),
    (2, 3, 1, 2, 232, 232),
    (2, 3, 2, 1, 215, 215),
    (3, 2, 1, 3, 49, 49),
    (3, 2, 3, 1, 43, 43),
    (4, 2, 4, 1, 85, 85),
    (2, 2, 1, 1, 8, 10),
    (2, 3, 1, 1, 50, 101),
    (3, 2, 1, 2, 39, 40),
    (3, 2, 2, 1, 25, 27),
    (4, 2, 2, 1, 25, 31),
]


@pytest.mark.parametrize("method", ["auto", "catalecticant", "grid"])
@pytest.mark.parametrize("case", RESIDUAL, ids=str)
def test_residual_connections_give_the_known_ranks_by_every_method(case, method):
    width, depth, heads, head_dim, plain, residual = case
    options = {"heads": heads, "head_dim": head_dim}
    found = separation_rank(SelfAttention(depth, width, residual=True, **options), method=method)
    assert found.value == residual
    assert found.standing == ("exact" if residual == found.upper else "probable")
    assert found.upper == bounds.moment_bound(depth, width)
    assert separation_rank(SelfAttention(depth, width, **options)).value == plain


def test_a_leading_form_that_meets_the_bound_settles_a_residual_network():
    found = separation_rank(SelfAttention(3, 3, residual=True))
    assert (found.value, found.standing, found.method) == (3102, "exact", "catalecticant")


@pytest.mark.parametrize("tokens", [4, 5, 6])
def test_a_causal_network_of_width_1_passes_the_moment_bound(tokens):
    found = separation_rank(SelfAttention(3, 1, tokens=tokens, causal=True))
    assert (found.value, found.upper, found.standing, found.method) == (26, None, "probable", "grid")
    assert bounds.moment_bound(3, 1) == 14


@pytest.mark.parametrize(
    ("depth", "width", "rank", "tokens"),
    [(2, 3, 1, 6), (2, 3, 1, 8), (2, 2, 1, 4), (2, 3, 2, 6), (2, 4, 3, 8), (2, 4, 1, 8), (3, 2, 1, 4)],
)
def test_an_embedding_with_positions_meets_the_affine_bound(depth, width, rank, tokens):
    found = separation_rank(SelfAttention(depth, width, tokens=tokens, embedding_rank=rank, positional=True))
    assert (found.value, found.standing, found.method) == (bounds.affine_bound(depth, width, rank), "exact", "grid")
    if (depth, width, rank) == (2, 3, 1):
        assert found.value == 18  # SOURCES.md


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
@pytest.mark.parametrize(("depth", "width", "rank"), [(2, 3, 1), (2, 3, 2), (2, 4, 3), (3, 3, 2), (2, 3, 3)])
def test_an_embedding_alone_is_a_network_of_its_rank(method, depth, width, rank):
    found = separation_rank(SelfAttention(depth, width, embedding_rank=rank), method=method)
    assert (found.value, found.standing) == (bounds.moment_bound(depth, rank), "exact")


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
@pytest.mark.parametrize(("depth", "width", "heads", "rank"), [(2, 2, 1, 18), (2, 3, 3, 43), (2, 4, 4, 85)])
def test_positions_alone_change_nothing(method, depth, width, heads, rank):
    assert separation_rank(SelfAttention(depth, width, heads=heads, positional=True), method=method).value == rank


MOMENT_VARIANTS = [
    {"heads": 2, "head_dim": 2, "kv_heads": 1},
    {"heads": 4, "head_dim": 1, "kv_heads": 2},
    {"heads": 4, "head_dim": 1, "kv_heads": 1},
    {"heads": 2, "head_dim": 1},
    {"output_token": 5},
    {"embedding_rank": 2, "heads": 2, "head_dim": 1, "kv_heads": 1},
    {"residual": True, "heads": 2, "head_dim": 1, "kv_heads": 1},
    {"residual": True, "embedding_rank": 2, "head_dim": 1},
    {"residual": True, "positional": True, "head_dim": 1},
]


@pytest.mark.parametrize("partition", [Bipartition.halves(6), Bipartition.interleaved(6), Bipartition.of(6, [1, 4, 5])])
@pytest.mark.parametrize("variant", MOMENT_VARIANTS, ids=str)
def test_both_methods_agree_on_every_variant_with_a_moment_form(variant, partition):
    model = SelfAttention(2, 3, tokens=6, **variant)
    by_blocks = separation_rank(model, partition, method="catalecticant", seed=1)
    by_grid = separation_rank(model, partition, method="grid", seed=2)
    assert by_blocks.value == by_grid.value
    assert by_blocks.standing == by_grid.standing in ("exact", "probable")


@pytest.mark.parametrize("variant", [*MOMENT_VARIANTS, {"causal": True}, {"causal": True, "residual": True}], ids=str)
@pytest.mark.parametrize("cut", [[0, 1, 2], [0, 2, 4], [5]], ids=str)
def test_ranks_are_those_of_flint_and_lie_between_the_bounds(variant, cut):
    model, partition = SelfAttention(2, 2 if variant.get("causal") else 3, tokens=6, **variant), Bipartition.of(6, cut)
    found = separation_rank(model, partition)
    rng = np.random.default_rng(9)
    instance = model.draw(PrimeField(PRIME), rng)
    samples = [instance.sample(side, found.value + 20, rng) for side in (partition.a, partition.b)]
    assert flint_rank(instance.grid(partition, *samples), PRIME) == found.value
    assert model.generic_lower_bound(partition) <= found.value
    assert found.upper is None or found.value <= found.upper


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_heads_that_share_keys_and_values_rank_between_one_head_and_heads_of_their_own(kv_heads):
    options = {"head_dim": 1, "tokens": 8}
    shared = separation_rank(SelfAttention(2, 4, heads=4, kv_heads=kv_heads, **options)).value
    own = separation_rank(SelfAttention(2, 4, heads=4, **options)).value
    fewer = separation_rank(SelfAttention(2, 4, heads=kv_heads, **options)).value
    assert own == 85  # SOURCES.md
    assert fewer <= shared <= own


class Polynomial:
    """P_q(M) = sum of given coefficients times monomials in the entries of M, of several degrees."""

    def __init__(self, terms, entries, field):
        self.terms, self.entries, self.field = terms, entries, field

    def moment_values(self, moments):
        values = np.zeros((len(moments), len(self.terms)), dtype=object)
        for q, terms in enumerate(self.terms):
            for exponents, coefficient in terms.items():
                powers = [moments[:, i, j].astype(object) ** e for (i, j), e in zip(self.entries, exponents, strict=True)]
                values[:, q] += coefficient * np.prod(powers, axis=0)
        return (values % self.field.prime).astype(np.int64)


@pytest.mark.parametrize(("width", "degree"), [(1, 4), (2, 2), (2, 3)])
def test_all_derivatives_are_those_of_the_polynomial(pool, width, degree):
    rng = np.random.default_rng(3)
    field = PrimeField(PRIME)
    entries = [(0, 0)] if width == 1 else [(0, 0), (1, 1), (0, 1)]
    exponents = [e for e in product(range(degree + 1), repeat=len(entries)) if sum(e) <= degree]
    terms = [{e: int(rng.integers(1, PRIME)) for e in exponents} for _ in range(width)]
    form = HankelForm.inhomogeneous(Polynomial(terms, entries, field), field, width, degree, pool)
    ordered = sorted(exponents, key=lambda e: (sum(e), *(-x for x in e)))
    factorial = {e: int(np.prod([np.prod(range(1, x + 1)) for x in e])) for e in exponents}

    def derivative(a, b, q):
        both = tuple(x + y for x, y in zip(a, b, strict=True))
        return terms[q][both] * factorial[both] % PRIME if sum(both) <= degree else 0

    expected = [[derivative(a, b, q) for a in ordered for q in range(width)] for b in ordered]
    assert (form.derivatives(pool) % PRIME).tolist() == expected


def test_derivatives_that_do_not_fit_are_not_planned():
    assert derivative_plan(2, 13, 232, Limits(10**9)).shape == (560, 1120)
    assert derivative_plan(2, 13, 232, Limits(10**6)) is None
    assert derivative_plan(2, 13, 232, Limits(10**9, work=1e6)) is None


def test_a_residual_network_beyond_the_limits_has_the_rank_of_its_leading_form_as_a_bound():
    model = SelfAttention(3, 2, head_dim=1, residual=True)
    planned = plan(model, method="catalecticant", memory="4MB")
    assert planned.derivatives is None
    found = separation_rank(model, method="catalecticant", memory="4MB")
    assert (found.value, found.standing) == (50, "lower bound")
    assert "only the terms of highest degree were computed" in found.reason
    assert "method 'grid' may tell more" in found.reason
    again = separation_rank(model, memory="4MB")
    assert (again.value, again.standing) == (101, "probable")


def test_few_tokens_and_residual_connections_meet_on_the_grid():
    model = SelfAttention(2, 3, head_dim=1, tokens=3, residual=True)
    found = separation_rank(model)
    rng = np.random.default_rng(4)
    instance = model.draw(PrimeField(PRIME), rng)
    partition = Bipartition.halves(3)
    samples = [instance.sample(side, 60, rng) for side in (partition.a, partition.b)]
    assert found.value == flint_rank(instance.grid(partition, *samples), PRIME)
    assert separation_rank(model, method="catalecticant").value <= found.value


@pytest.mark.parametrize("variant", [{"causal": True}, {"embedding_rank": 1, "positional": True}], ids=str)
def test_variants_without_a_moment_form_say_so(variant):
    with pytest.raises(TensorRankError, match=r"SelfAttention\(.*\) has no moment form; expected method 'grid'"):
        separation_rank(SelfAttention(2, 2, tokens=4, **variant), method="catalecticant")


def test_given_primes_must_exceed_the_degree_of_the_grid_that_may_follow():
    model = SelfAttention(3, 2, head_dim=1, residual=True, tokens=2)
    with pytest.raises(PrimeError, match="the prime 17 does not exceed the degree 27"):
        separation_rank(model, primes=[17, 19, 23, 29])


def test_a_residual_rank_from_the_grid_says_so_and_uses_no_prime_twice():
    found = separation_rank(SelfAttention(2, 4, heads=2, head_dim=1, residual=True))
    assert (found.value, found.method) == (31, "grid")
    assert len(set(found.primes)) == len(found.primes) >= 3


@pytest.mark.parametrize(("depth", "output", "cut", "rank"), [(2, 0, [0, 1], 1), (3, 1, [2, 3], 1), (1, 3, [0, 1], 3)])
def test_a_mask_bounds_what_the_output_cannot_see_and_one_layer(depth, output, cut, rank):
    model = SelfAttention(depth, 2, tokens=4, causal=True, output_token=output)
    found = separation_rank(model, Bipartition.of(4, cut))
    assert (found.value, found.standing) == (rank, "exact")

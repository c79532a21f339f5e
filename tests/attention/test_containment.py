"""Networks inside networks: weights that show it, and ranks that agree with it."""

from itertools import product

import numpy as np
import pytest
from differential.architectures import attention_rank
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank import Bipartition, SelfAttention
from tensorrank.attention.evaluate import forward_tokens
from tensorrank.attention.monomial import monomial
from tensorrank.attention.weights import AttentionWeights

HALVES = Bipartition.halves


def whole(shape, rng):
    return rng.integers(1, 6, shape).astype(object)


def drawn(model, rng):
    return {name: whole(shape, rng) for name, (_, shape) in model.shapes.items()}


def value(model, weights, tokens):
    """The output at one input, layer by layer over whole numbers of any size."""
    if "embedding" in weights:
        tokens = tokens @ weights["embedding"].T
    if "positions" in weights:
        tokens = tokens + weights["positions"]
    layers = {name: array for name, array in weights.items() if name in ("query", "key", "value", "output")}
    made = AttentionWeights(**layers)
    return forward_tokens(made, tokens[None], residual=model.residual, causal=model.causal)[0, model.output_token, 0]


def padded(larger, smaller, weights, further):
    """Weights of the larger network that make it the smaller one, its first layers passing everything on."""
    made = {name: np.zeros(shape, dtype=object) for name, (_, shape) in larger.shapes.items()}
    sharing, wanted = larger.heads // larger.kv_heads, smaller.heads // smaller.kv_heads
    groups = -(-wanted // sharing)
    for layer, group, head in product(range(smaller.depth), range(smaller.kv_heads), range(wanted)):
        place = group * groups * sharing + head
        own = group * wanted + head
        for name in ("query", "output"):
            one = weights[name][layer, own]
            made[name][layer + further, place][: one.shape[0], : one.shape[1]] = one
        for name in ("key", "value"):
            one = weights[name][layer, group]
            made[name][layer + further, place // sharing][: one.shape[0], : one.shape[1]] = one
    constant = smaller.width
    for layer in range(0 if larger.residual else further):
        made["key"][layer, :, 0, constant] = made["value"][layer, :, 0, constant] = 1
        for coordinate in range(smaller.width + (layer < further - 1)):
            made["query"][layer, coordinate, 0, coordinate] = made["output"][layer, coordinate, coordinate, 0] = 1
    return made


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("further", [0, 1, 2])
@pytest.mark.parametrize(("heads", "kv_heads"), [(1, 1), (2, 1), (4, 2)])
def test_padded_weights_make_the_larger_network_the_smaller(residual, causal, further, heads, kv_heads):
    rng = np.random.default_rng(further)
    smaller = SelfAttention(2, 2, heads=heads, kv_heads=kv_heads, head_dim=1, tokens=3, residual=residual, causal=causal)
    larger = SelfAttention(
        2 + further, 3, heads=8, kv_heads=2 * kv_heads, head_dim=2, tokens=5, residual=residual, causal=causal
    )
    assert larger.contains(HALVES(5), smaller, Bipartition.of(3, [2] if causal else [0]))
    assert not smaller.contains(Bipartition.of(3, [0]), larger, HALVES(5))
    weights = drawn(smaller, rng)
    made = padded(larger, smaller, weights, further)
    # The larger network's tokens: those of the smaller one among tokens of zero; one coordinate is the constant 1.
    sites = [0, 2, 4] if causal else [0, 1, 3]
    quotients = set()
    for _ in range(4):
        tokens = whole((3, 2), rng) + np.array([5, 7], dtype=object)
        inputs = np.zeros((5, 3), dtype=object)
        inputs[sites, :2] = tokens
        inputs[sites, 2] = 1 if further and not residual else 0
        scaled = tokens
        if further and not residual:
            # Each token comes out times the number of tokens that it sees, once for every further layer.
            seen = np.array([1, 2, 3] if causal else [3, 3, 3], dtype=object)
            scales = np.ones(3, dtype=object)
            for _ in range(further):
                squares = np.array([sum(scales[: i + 1] ** 2) if causal else sum(scales**2) for i in range(3)], dtype=object)
                scales = scales * squares
            scaled = tokens * scales[:, None]
            assert seen[0] <= seen[-1]
        small = value(smaller, weights, scaled)
        quotients.add((value(larger, made, inputs), small))
    assert all(found == expected for found, expected in quotients)
    assert any(expected for _, expected in quotients)


MODELS = [
    SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens, residual=residual)
    for depth, width, heads, head_dim, tokens, residual in product((1, 2), (1, 2, 3), (1, 2), (1, 2), (2, 3, 4), (False, True))
    if not (width == 3 and depth == 2 and residual)
]


@pytest.mark.parametrize("residual", [False, True])
def test_ranks_of_contained_networks_are_no_larger(residual):
    models = [model for model in MODELS if model.residual <= residual]
    ranks = {model: tr.separation_rank(model).value for model in models}
    pairs = [
        (larger, smaller)
        for larger, smaller in product(models, models)
        if larger.contains(HALVES(larger.tokens), smaller, HALVES(smaller.tokens))
    ]
    assert len(pairs) > 10 * len(models) / 2
    assert not [(larger, smaller) for larger, smaller in pairs if ranks[larger] < ranks[smaller]]
    # Among them are deeper networks without residual connections.
    assert residual or any(larger.depth > smaller.depth for larger, smaller in pairs)


CAUSAL = [
    SelfAttention(depth, width, tokens=tokens, causal=True, heads=heads, head_dim=1)
    for depth, width, tokens, heads in product((1, 2), (1, 2), (2, 3), (1, 2))
]


def test_ranks_under_a_mask_follow_the_order_of_the_sides():
    splits = [(model, Bipartition.of(model.tokens, [site])) for model in CAUSAL for site in range(model.tokens)]
    ranks = {one: tr.separation_rank(*one).value for one in splits}
    pairs = [(one, other) for one, other in product(splits, splits) if one[0].contains(one[1], *other)]
    assert len(pairs) > 2 * len(splits)
    assert not [pair for pair in pairs if ranks[pair[0]] < ranks[pair[1]]]


VARIANTS = [
    SelfAttention(1, width, tokens=tokens, embedding_rank=rank, positional=positional)
    for width, tokens, rank, positional in product((1, 2, 3), (2, 3), (None, 1, 2), (False, True))
    if rank is None or rank <= width
]


def test_ranks_with_embeddings_and_positions():
    ranks = {model: tr.separation_rank(model).value for model in VARIANTS}
    for larger, smaller in product(VARIANTS, VARIANTS):
        if larger.contains(HALVES(larger.tokens), smaller, HALVES(smaller.tokens)):
            assert ranks[larger] >= ranks[smaller], (larger, smaller)


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        (SelfAttention(2, 3, tokens=4), SelfAttention(1, 3, tokens=4)),  # no coordinate to give up
        (SelfAttention(2, 4, tokens=4), SelfAttention(1, 3, tokens=4)),  # one head does not pass on three coordinates
        (SelfAttention(2, 4, tokens=4, causal=True), SelfAttention(2, 4, tokens=4)),
        (SelfAttention(2, 4, tokens=4), SelfAttention(2, 4, tokens=4, residual=True)),
        (SelfAttention(2, 4, tokens=4), SelfAttention(2, 4, tokens=4, positional=True)),
        (SelfAttention(2, 4, tokens=4, embedding_rank=2), SelfAttention(2, 3, tokens=4)),
        (SelfAttention(2, 4, heads=4, kv_heads=2, tokens=4), SelfAttention(2, 4, heads=3, head_dim=1, tokens=4)),
        (SelfAttention(2, 4, tokens=4), tr.RecurrentCircuit(2, 2, 2, 4)),
    ],
)
def test_what_is_not_proved_is_not_claimed(larger, smaller):
    assert not larger.contains(HALVES(4), smaller, HALVES(4))


def test_more_tokens_are_needed_on_the_right_side():
    six, four = SelfAttention(2, 2, tokens=6), SelfAttention(2, 2, tokens=4)
    assert six.contains(Bipartition.of(6, [0, 1, 2, 3]), four, HALVES(4))
    assert not six.contains(Bipartition.of(6, [0]), four, HALVES(4))
    assert six.contains(Bipartition.of(6, [4, 5]), four, Bipartition.of(4, [1, 2]))
    moved = SelfAttention(2, 2, tokens=4, output_token=3)
    assert six.contains(HALVES(6), moved, HALVES(4))


@settings(max_examples=200, deadline=None)
@given(sizes=st.tuples(st.integers(1, 6), *[st.integers(1, 9)] * 4), grown=st.integers(0, 4))
def test_the_bound_in_closed_form_grows_with_every_size(sizes, grown):
    further = tuple(size + (place == grown) for place, size in enumerate(sizes))
    assert monomial(*further, further[-1]).bound >= monomial(*sizes, sizes[-1]).bound


def test_bounds_in_closed_form_are_no_larger_for_what_is_contained():
    splits = [(model, HALVES(model.tokens)) for model in [*MODELS, *VARIANTS]]
    splits += [(model, Bipartition.of(model.tokens, [site])) for model in CAUSAL for site in range(model.tokens)]
    splits += [(SelfAttention(depth, 4, heads=4, tokens=6, causal=True), HALVES(6)) for depth in (1, 2, 3)]
    bounds = {one: one[0].generic_lower_bound(one[1]) for one in splits}
    for larger, smaller in product(splits, splits):
        if larger[0].contains(larger[1], *smaller):
            assert bounds[larger] >= bounds[smaller], (larger, smaller)


@pytest.mark.parametrize(("depth", "heads"), [(2, 1), (2, 2), (3, 3)])
def test_under_a_mask_the_bound_of_depth_one_holds_for_deeper_networks(depth, heads):
    model = SelfAttention(depth, 3, heads=heads, head_dim=1, tokens=3, causal=True)
    bound = model.generic_lower_bound([0])
    shallow = SelfAttention(1, min(2, heads - (depth > 2)), heads=heads, head_dim=1, tokens=3, causal=True)
    assert model.contains(Bipartition.of(3, [0]), shallow, Bipartition.of(3, [0]))
    assert 1 < shallow.generic_lower_bound([0]) <= tr.separation_rank(shallow, [0]).value
    assert shallow.generic_lower_bound([0]) <= bound
    # By FLINT, on the layers as they are written.
    rng, prime = np.random.default_rng(0), 2147483629
    weights = {name: rng.integers(0, prime, shape) for name, (_, shape) in model.shapes.items()}
    assert bound <= attention_rank(model, Bipartition.of(3, [0]), weights, bound + 4, rng, prime)

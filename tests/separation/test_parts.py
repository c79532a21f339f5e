from __future__ import annotations

from itertools import product

import flint
import numpy as np
import pytest

from tensorrank import Bipartition, SelfAttention, TensorRankError, plan, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.attention.evaluate import forward_tokens
from tensorrank.separation.blocks import HankelBlock
from tensorrank.separation.parts import SampledParts

PRIME = 2**31 - 1


def rank_of_the_layers(model, split, samples, seed):
    """The rank of a grid of values, computed token by token as the layers are written, by FLINT."""
    field, rng = PrimeField(PRIME), np.random.default_rng(seed)
    instance = model.draw(field, rng)
    sides = [field.random((samples, len(sites), model.width), rng) for sites in (split.a, split.b)]
    tokens = np.empty((samples, samples, model.tokens, model.width), dtype=np.int64)
    tokens[:, :, list(split.a)], tokens[:, :, list(split.b)] = sides[0][:, None], sides[1][None]
    values = forward_tokens(instance.weights, tokens.reshape(-1, model.tokens, model.width), field)
    entries = values[:, model.output_token, 0].tolist()
    return flint.nmod_mat(samples, samples, entries, PRIME).rank()


def family():
    """All small networks with fewer tokens than the width on a side: sizes, heads, and sides."""
    for width, depth in ((2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1), (4, 2)):
        for near, far in product(range(1, width + 1), repeat=2):
            if min(near, far) == width or ((width, depth) == (4, 2) and near + far > 4):
                continue
            for heads, head_dim in ((1, width), (1, 1), (2, 1), (2, width), (width, 1)):
                yield SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=near + far), near


@pytest.mark.parametrize(("model", "near"), list(family()), ids=str)
def test_ranks_of_few_tokens_are_those_of_a_grid_of_the_layers(model, near):
    split = Bipartition.of(model.tokens, range(near))
    found = separation_rank(model, split, method="catalecticant", seed=3)
    assert found.standing in ("exact", "probable")
    assert found.value == rank_of_the_layers(model, split, found.upper + 2, seed=4)


@pytest.mark.parametrize("sites", [[1], [0, 2], [2, 1]])
def test_the_output_token_may_be_on_either_side(sites):
    model = SelfAttention(2, 3, tokens=3)
    split = Bipartition.of(3, sites)
    found = separation_rank(model, split, method="catalecticant")
    assert found.value == sum(found.by_degree) == rank_of_the_layers(model, split, found.upper + 2, seed=0)
    other = separation_rank(model, Bipartition.of(3, split.b), method="catalecticant")
    assert found.by_degree == other.by_degree[::-1]


# Of one full head between two tokens the rank is binom(d + C, d).
@pytest.mark.parametrize(
    ("width", "depth", "value"), [(4, 3, 2380), (2, 5, 7503), (7, 2, 330), (16, 2, 4845), (5, 3, 8568), (3, 4, 12341)]
)
def test_two_tokens_have_the_rank_of_the_theorem(width, depth, value):
    found = separation_rank(SelfAttention(depth, width, tokens=2), method="catalecticant")
    assert (found.value, found.standing) == (value, "exact")


def test_both_methods_agree_where_the_bound_is_missed():
    model = SelfAttention(2, 4, heads=4, tokens=2)
    values = [separation_rank(model, method=method).value for method in ("catalecticant", "grid")]
    # Four heads of width 1 miss the 70 of one full head by one.
    assert values == [69, 69]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_parts_are_the_same_for_every_number_of_threads(threads):
    model, field = SelfAttention(2, 3, tokens=2), PrimeField(251)
    instance = model.draw(field, np.random.default_rng(0))
    blocks = tuple(HankelBlock(k, (900, 900), (300 + k, 310 - k)) for k in range(5))
    shared = SampledParts(instance, field, 3, 4, (1, 1), blocks, 7, 1.0)
    told = []
    with worker_threads(threads) as pool:
        made = shared.make(pool, lambda done, total, what: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
    assert {k: part.shape for k, part in made.items()} == {k: (300 + k, 310 - k) for k in range(5)}
    with worker_threads(1) as pool:
        alone = {k: SampledParts(instance, field, 3, 4, (1, 1), (blocks[k],), 7, 1.0).make(pool)[k] for k in range(5)}
    assert all((made[k] == alone[k]).all() for k in range(5))


def test_parts_that_do_not_fit_are_cut_to_a_lower_bound():
    # The rank of narrow heads is in no closed form; it is at most that of one full head.
    model = SelfAttention(4, 3, heads=3, tokens=2)
    found = separation_rank(model, method="catalecticant", memory="18MiB")
    assert found.standing == "lower bound"
    assert 3000 < found.value < 12341 == found.upper
    assert "degrees cut to" in found.reason
    least = plan(model, method="catalecticant", memory="18MiB").memory
    assert 0 < least <= 18 * 2**20


def test_a_plan_of_few_tokens_says_how_many_inputs_it_takes():
    said = str(plan(SelfAttention(2, 3, tokens=2), method="catalecticant"))
    assert "parts of the values at 21 x 18 inputs, blocks degree 0: 3 x 11" in said


def test_primes_up_to_the_degree_in_the_tokens_are_refused():
    with pytest.raises(TensorRankError, match="the prime 23 does not exceed the degree 27"):
        separation_rank(SelfAttention(3, 2, tokens=2), method="catalecticant", primes=[23])


@pytest.mark.parametrize(("width", "depth", "value"), [(2, 4, 861), (3, 4, 12341), (2, 5, 7503)])
def test_small_primes_suffice_though_they_have_few_directions(width, depth, value):
    found = separation_rank(SelfAttention(depth, width, tokens=2), method="catalecticant", engine="bytes", draws=1)
    assert (found.value, found.standing) == (value, "exact")
    assert len(found.primes) <= 2
    assert max(found.primes) < 2**16

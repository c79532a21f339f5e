import math

import flint
import numpy as np
import pytest

from tensorrank import SelfAttention
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.separation.catalecticant import Catalecticant, catalecticant_plan
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.jobs import finish_here
from tensorrank.separation.limits import Limits

FIELD = PrimeField(8388593)
NO_LIMITS = Limits(2**40, math.inf)
SHAPES = [(1, 2, 1, 2), (2, 2, 1, 1), (2, 2, 2, 1), (2, 3, 1, 3), (3, 2, 1, 1), (3, 2, 2, 1), (2, 3, 3, 1)]


def weights_of(shape, seed, density):
    depth, width, heads, head_dim = shape
    rng = np.random.default_rng(seed)

    def sparse(*array_shape):
        return np.where(rng.random(array_shape) < density, rng.integers(-3, 4, array_shape), 0)

    inner, outer = (depth, heads, head_dim, width), (depth, heads, width, head_dim)
    return {"query": sparse(*inner), "key": sparse(*inner), "value": sparse(*inner), "output": sparse(*outer)}


def blocks_by_flint(instance, width, degree, pool):
    form = HankelForm.of(instance, FIELD, width, degree, width * (width + 1) // 2, pool)
    blocks = [form.block(k, pool) for k in range(degree + 1)]
    return [flint.nmod_mat(*b.shape, [int(x) % FIELD.prime for x in b.flat], FIELD.prime).rank() for b in blocks]


def computed(instance, width, degree, limits, pool, tokens=None):
    plan = catalecticant_plan(width, degree, tokens or (width, width), limits)
    return plan, Drawn(Catalecticant(instance, FIELD, plan, limits, np.random.default_rng(9)), pool)


class Drawn:
    """A draw whose jobs run here."""

    def __init__(self, draw, pool):
        self.draw, self.pool = draw, pool

    def all_blocks(self):
        return finish_here(self.draw.all_blocks(), self.pool, 0, lambda done, total, what: None)

    def some_blocks(self, degrees):
        return finish_here(self.draw.some_blocks(degrees), self.pool, 0, lambda done, total, what: None)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_block_rank_agrees_with_flint_at_random_weights(pool, shape):
    depth, width, heads, head_dim = shape
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim)
    instance = model.draw(FIELD, np.random.default_rng(0))
    _, method = computed(instance, width, model.moment_degree, NO_LIMITS, pool)
    found = method.all_blocks()
    expected = blocks_by_flint(instance, width, model.moment_degree, pool)
    assert [found[k].rank for k in range(model.moment_degree + 1)] == expected
    assert all(block.complete for block in found.values())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("density", [0.4, 0.7, 1.0])
def test_every_block_rank_agrees_with_flint_at_sparse_weights(pool, shape, density):
    depth, width, heads, head_dim = shape
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim)
    for seed in range(6):
        instance = model.draw(FIELD, np.random.default_rng(0), weights_of(shape, seed, density))
        _, method = computed(instance, width, model.moment_degree, NO_LIMITS, pool)
        found = method.all_blocks()
        expected = blocks_by_flint(instance, width, model.moment_degree, pool)
        assert [found[k].rank for k in range(model.moment_degree + 1)] == expected
        assert [method.some_blocks([k])[k].rank for k in (0, model.moment_degree)] == [expected[0], expected[-1]]


@pytest.mark.parametrize("shape", [(3, 2, 1, 2), (3, 2, 2, 1), (2, 3, 1, 3), (4, 2, 1, 1)], ids=str)
def test_under_a_memory_limit_no_block_exceeds_its_rank(pool, shape):
    depth, width, heads, head_dim = shape
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim)
    instance = model.draw(FIELD, np.random.default_rng(1))
    expected = blocks_by_flint(instance, width, model.moment_degree, pool)
    for memory in (3_000, 6_000, 12_000, 25_000, 100_000):
        plan = catalecticant_plan(width, model.moment_degree, (width, width), Limits(memory))
        assert plan.memory <= memory
        if not plan.feasible:
            continue
        _, method = computed(instance, width, model.moment_degree, Limits(memory), pool)
        for k, block in method.all_blocks().items():
            assert block.rank <= expected[k]
            assert block.rank == expected[k] or not (block.complete and plan.whole)


def test_without_limits_a_plan_is_whole_and_lies_around_the_crossing():
    plan = catalecticant_plan(2, 13, (2, 2), NO_LIMITS)
    assert (plan.variables, plan.lattice, plan.whole, plan.feasible, plan.full) == (3, 105, True, True, True)
    # Rows 2 C(k+2, 2) and columns C(15-k, 2) cross between the degrees 5 and 6.
    assert [block.degree for block in plan.blocks] == [5, 6]
    assert [block.shape for block in plan.blocks] == [(42, 45), (56, 36)]


def test_with_few_tokens_every_block_is_planned():
    plan = catalecticant_plan(3, 4, (1, 2), NO_LIMITS)
    assert not plan.full
    assert [block.degree for block in plan.blocks] == [0, 1, 2, 3, 4]
    # A_k(1) = dim S_(2k+1); B_k(2) = dim S_(2k) + dim S_(2k-2,2) + ..., as SOURCES.md lists them.
    assert [block.shape[0] for block in plan.blocks] == [3, 10, 21, 36, 55]
    assert [block.shape[1] for block in plan.blocks] == [45 + 60 + 15, 28 + 27, 15 + 6, 6, 1]


def test_too_little_memory_leaves_nothing_and_says_so():
    plan = catalecticant_plan(4, 40, (4, 4), Limits(1000))
    assert not plan.feasible
    assert plan.blocks == ()


def test_a_plan_prints_its_lattice_and_blocks():
    assert str(catalecticant_plan(2, 13, (2, 2), NO_LIMITS)) == (
        "105 lattice points in 3 variables, blocks degree 5: 42 x 45, degree 6: 44 x 36"
    )
    cut = str(catalecticant_plan(2, 40, (2, 2), Limits(5 * 10**5)))
    assert "(cut)" in cut

"""Blocks larger than memory: over files they have the rank that they have in memory."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from engines_tried import engine

from tensorrank import SelfAttention, TensorRankError, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.separation.blocks import strip_width
from tensorrank.separation.catalecticant import Catalecticant, catalecticant_plan
from tensorrank.separation.limits import Limits

ENGINE = engine(8388593, "float64")

FIELD = PrimeField(8388593)


def silent(done, total, what):
    pass


@pytest.fixture(scope="module")
def jobs():
    """All blocks of a deficient model, with room for everything."""
    model = SelfAttention(4, 2, heads=2)
    plan = catalecticant_plan(2, model.moment_degree, (2, 2), Limits(2**32))
    draw = Catalecticant(model.draw(FIELD, np.random.default_rng(1)), FIELD, plan, Limits(2**32), np.random.default_rng(2))
    return next(draw.some_blocks(range(12, 28)))


def test_over_files_every_block_has_the_rank_it_has_in_memory(jobs, pool, tmp_path):
    form = jobs[0].shared.make(pool)
    blocks = [job.rank for job in jobs]
    short = 0
    for block in blocks:
        whole = block(form, pool, silent)
        # Less room than the block, more than strips need.
        over = replace(block, scratch=tmp_path, in_memory=2 * block.room)
        assert over(form, pool, silent) == whole
        short += whole.rank < min(block.block.shape)
    assert short > 5
    assert not list(tmp_path.iterdir())


def test_a_block_whose_left_kernel_has_no_room_is_finished_over_files(pool, tmp_path):
    model = SelfAttention(3, 3, heads=3)
    plan = catalecticant_plan(3, model.moment_degree, (3, 3), Limits(2**32))
    instance = model.draw(FIELD, np.random.default_rng(1))
    draw = Catalecticant(instance, FIELD, plan, Limits(2**32), np.random.default_rng(2))
    # By degree 3 18 63 168 378 519 480 371 ... (2441 in all), where 756 and 792 were possible.
    for job, rank in zip(next(draw.some_blocks([5, 6])), (519, 480), strict=True):
        form = job.shared.make(pool)
        # Exactly the block has room.
        tight = replace(job.rank, in_memory=job.room)
        assert not tight(form, pool, silent).complete
        found = replace(tight, scratch=tmp_path)(form, pool, silent)
        assert (found.rank, found.complete) == (rank, True)


def test_where_not_even_strips_have_room_a_block_stays_unfinished(jobs, pool, tmp_path):
    form = jobs[0].shared.make(pool)
    blocks = [job.rank for job in jobs]
    tight = [replace(block, room=block.in_memory, scratch=tmp_path) for block in blocks]
    assert not any(strip_width(block.block, form.variables, block.room, ENGINE) for block in tight)
    assert [block(form, pool, silent) for block in tight] == [
        replace(block, scratch=None)(form, pool, silent) for block in tight
    ]


def test_work_that_is_not_allowed_leaves_a_lower_bound_over_files_too(jobs, pool, tmp_path):
    form = jobs[0].shared.make(pool)
    blocks = [job.rank for job in jobs]
    changes = {"scratch": tmp_path, "allowance": 0.0}
    cut = [replace(block, in_memory=2 * block.room, **changes)(form, pool, silent) for block in blocks]
    whole = [block(form, pool, silent) for block in blocks]
    assert not all(found.complete for found in cut)
    assert all(one.rank <= other.rank for one, other in zip(cut, whole, strict=True))
    assert all(block.allowance == inf for block in blocks)


def test_with_a_scratch_folder_memory_cuts_no_block(tmp_path):
    # The moment bound of depth 5 and width 2, a theorem, is 109024.
    cut = separation_rank(SelfAttention(5, 2), memory="60MB")
    whole = separation_rank(SelfAttention(5, 2), memory="60MB", scratch=tmp_path)
    assert (cut.standing, whole.value, whole.standing) == ("lower bound", 109024, "exact")
    assert cut.value < whole.value
    assert not list(tmp_path.iterdir())


def test_a_scratch_folder_that_is_none_is_refused_at_once(tmp_path):
    with pytest.raises(TensorRankError, match=r"scratch is '.*none'; expected a folder that exists and can be written to"):
        separation_rank(SelfAttention(1, 1), scratch=tmp_path / "none")


def test_more_memory_may_tell_more_with_files_too():
    small, large = Limits(2**20, 1e9, files=True), Limits(2**30, 1e9, files=True)
    assert large.covers(small)
    assert not small.covers(large)
    assert not replace(large, files=False).covers(small)

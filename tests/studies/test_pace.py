"""How long a study and its blocks may still take, by a clock of the test's own."""

import pytest

import tensorrank as tr
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.plan import plan
from tensorrank.studies.events import (
    Advanced,
    BlockAdvanced,
    BlockFinished,
    RankFinished,
    RankSkipped,
    RankStarted,
    StudyStarted,
)
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.pace import Pace
from tensorrank.studies.store import Store

MODEL = tr.SelfAttention(2, 2)
PLANS = {ModelKey.of(model): plan(model) for model in (MODEL, tr.SelfAttention(3, 2))}
SMALL, LARGE = PLANS
WORK = {key: plan.work for key, plan in PLANS.items()}
RANK = JobRank(1, 1, 1, complete=True)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    pace = Pace(clock)
    pace(StudyStarted(2, sum(WORK.values())))
    return pace


def key(degree):
    return JobKey(0, 101, degree, "block")


def test_nothing_is_forecast_before_anything_is_done(pace):
    assert (pace.study_left, pace.block_left, pace.done) == (None, None, 0.0)


def test_a_study_s_time_left_follows_the_work_done(pace, clock):
    pace(RankStarted(SMALL, PLANS[SMALL]))
    pace(Advanced(SMALL, 5.0, 10.0))
    clock.now += 8
    done = WORK[SMALL] / 2
    assert pace.done == done
    assert pace.study_left == pytest.approx(8 * (sum(WORK.values()) - done) / done)
    pace(RankFinished(SMALL, tr.separation_rank(MODEL), fresh=True))
    assert (pace.found, pace.done) == (1, WORK[SMALL])
    assert pace.study_left == pytest.approx(8 * WORK[LARGE] / WORK[SMALL])


def test_what_came_from_the_store_tells_nothing_of_the_pace(pace, clock):
    pace(RankStarted(LARGE, PLANS[LARGE]))
    half = WORK[LARGE] / 2
    pace(BlockFinished(LARGE, key(3), RANK, 1.0, half, fresh=False))
    pace(Advanced(LARGE, half, WORK[LARGE]))
    assert pace.study_left is None
    clock.now += 4
    pace(Advanced(LARGE, 1.5 * half, WORK[LARGE]))
    # Half a half took 4 seconds.
    assert pace.study_left == pytest.approx(4 * (sum(WORK.values()) - 1.5 * half) / (half / 2))


def test_skipped_ranks_count_as_done_with(pace):
    pace(RankStarted(SMALL, PLANS[SMALL]))
    pace(RankSkipped(SMALL, "no memory"))
    assert (pace.found, pace.done) == (1, WORK[SMALL])


def test_blocks_that_take_turns_keep_their_own_time(pace, clock):
    pace(BlockAdvanced(SMALL, key(1), 1.0, 11.0))
    assert pace.block_left is None
    clock.now += 2
    pace(BlockAdvanced(LARGE, key(1), 10.0, 110.0))
    clock.now += 2
    pace(BlockAdvanced(SMALL, key(1), 3.0, 11.0))
    assert pace.block_left == pytest.approx(4 * 8 / 2)
    pace(BlockAdvanced(LARGE, key(1), 60.0, 110.0))
    assert pace.block_left == pytest.approx(2 * 50 / 50)
    pace(BlockFinished(LARGE, key(1), RANK, 4.0, 110.0))
    assert (pace.block, pace.block_left) == (None, None)


def test_a_study_ends_at_its_whole_and_leaves_no_block():
    pace = Pace()
    with Store(":memory:") as store:
        list(tr.Study.over(tr.SelfAttention, width=2, heads=(1, 2), depth=(2, 3), threads=1).run(store, pace))
    assert (pace.found, pace.ranks) == (4, 4)
    assert pace.done == pytest.approx(pace.total)
    assert pace.block is None

"""How long a study and its blocks may still take, by a clock of the test's own."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


# So long that what was expected beforehand no longer counts.
LONG = 1e6


def test_at_first_the_rate_of_a_usual_machine_is_expected(pace):
    a_rank = 0.01  # seconds that every rank takes beside its operations
    assert pace.study_left == pytest.approx(sum(WORK.values()) / 5e10 + 2 * a_rank)
    assert (pace.block_left, pace.done) == (None, 0.0)


def test_small_blocks_at_the_start_that_are_slow_do_not_foretell_hours(pace, clock):
    pace(StudyStarted(2, 4e11))
    pace(RankStarted(SMALL, replace(PLANS[SMALL], work=1e11)))
    pace(Advanced(SMALL, 1e6, 1e11))
    clock.now += 4
    # At the usual rate it is 8 seconds, and at the pace so far 18 days.
    assert 8 < pace.study_left < 24


def test_a_study_s_time_left_follows_the_work_done(pace, clock):
    pace(StudyStarted(2, 100e12))
    pace(RankStarted(SMALL, replace(PLANS[SMALL], work=10e12)))
    pace(Advanced(SMALL, 5e12, 10e12))
    clock.now += LONG
    assert pace.done == 5e12
    assert pace.study_left == pytest.approx(LONG * 95 / 5, rel=0.05)
    pace(RankFinished(SMALL, tr.separation_rank(MODEL), fresh=True))
    assert (pace.found, pace.done) == (1, 10e12)
    # It took half of what was expected.
    assert pace.study_left == pytest.approx(LONG * 90 / 5, rel=0.05)


def test_further_draws_count_with_the_work_that_they_take(pace, clock):
    pace(StudyStarted(1, 10e12))
    pace(RankStarted(SMALL, replace(PLANS[SMALL], work=10e12)))
    pace(Advanced(SMALL, 10e12, 40e12))
    clock.now += LONG
    assert pace.study_left == pytest.approx(LONG * 3, rel=0.05)


def test_nothing_is_foretold_of_what_seems_nearly_done(pace, clock):
    pace(StudyStarted(1, 10e12))
    pace(RankStarted(SMALL, replace(PLANS[SMALL], work=10e12)))
    pace(Advanced(SMALL, 9.9e12, 10e12))
    clock.now += LONG
    assert pace.study_left is None


def test_what_came_from_the_store_tells_nothing_of_the_pace(pace, clock):
    half = 5e14
    pace(StudyStarted(1, 2 * half))
    pace(RankStarted(LARGE, replace(PLANS[LARGE], work=2 * half)))
    at_first = pace.study_left
    pace(BlockFinished(LARGE, key(3), RANK, 1.0, half, fresh=False))
    pace(Advanced(LARGE, half, 2 * half))
    assert pace.study_left == pytest.approx(at_first / 2, rel=0.01)
    clock.now += LONG
    pace(Advanced(LARGE, 1.5 * half, 2 * half))
    # Half a half took that long.
    assert pace.study_left == pytest.approx(LONG, rel=0.05)


def test_skipped_ranks_count_as_done_with(pace):
    pace(RankStarted(SMALL, PLANS[SMALL]))
    pace(RankSkipped(SMALL, "no memory"))
    assert (pace.found, pace.done) == (1, WORK[SMALL])


def test_blocks_that_take_turns_keep_their_own_time(pace, clock):
    pace(BlockAdvanced(SMALL, key(1), 1e13, 11e13))
    assert pace.block_left == pytest.approx(10e13 / 5e10)
    clock.now += LONG
    pace(BlockAdvanced(LARGE, key(1), 10e13, 110e13))
    clock.now += LONG
    pace(BlockAdvanced(SMALL, key(1), 3e13, 11e13))
    assert pace.block_left == pytest.approx(2 * LONG * 8 / 2, rel=0.05)
    pace(BlockAdvanced(LARGE, key(1), 60e13, 110e13))
    assert pace.block_left == pytest.approx(LONG, rel=0.05)
    pace(BlockFinished(LARGE, key(1), RANK, 4.0, 110e13))
    assert (pace.block, pace.block_left) == (None, None)


WORKS = st.floats(0, 1e18)
HEARD = st.one_of(
    st.builds(lambda done, more: Advanced(SMALL, done, done + more), WORKS, WORKS),
    # A block whose worker was lost begins anew, and may take more than was planned.
    st.builds(BlockAdvanced, st.just(SMALL), st.builds(key, st.integers(0, 2)), WORKS, WORKS),
    st.builds(
        BlockFinished, st.just(SMALL), st.builds(key, st.integers(0, 2)), st.just(RANK), WORKS, WORKS, fresh=st.booleans()
    ),
)


# The clock leaves out compilation, so that it goes back when one ends.
@given(WORKS, WORKS, st.lists(st.tuples(HEARD, st.floats(-100, 1e6)), max_size=20))
def test_whatever_is_heard_no_forecast_is_below_zero(study, planned, stream):
    clock = Clock()
    pace = Pace(clock)
    pace(StudyStarted(2, study))
    pace(RankStarted(SMALL, replace(PLANS[SMALL], work=planned)))
    for event, seconds in stream:
        pace(event)
        clock.now += seconds
        for left in (pace.study_left, pace.block_left):
            assert left is None or (left >= 0 and math.isfinite(left))


def test_a_study_ends_at_its_whole_and_leaves_no_block():
    pace = Pace()
    with Store(":memory:") as store:
        list(tr.Study.over(tr.SelfAttention, width=2, heads=(1, 2), depth=(2, 3), threads=1).run(store, pace))
    assert (pace.found, pace.ranks) == (4, 4)
    assert pace.done == pytest.approx(pace.total)
    assert pace.block is None

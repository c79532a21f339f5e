"""How blocks share threads, memory and work: the ranks must not depend on it."""

import math
import pickle
import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest

from tensorrank import SelfAttention, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import silent
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.separation import blocks, jobs
from tensorrank.separation.catalecticant import Catalecticant, catalecticant_plan
from tensorrank.separation.jobs import finish_here
from tensorrank.separation.limits import Limits
from tensorrank.separation.solve import computation

FIELD = PrimeField(8388593)


def run(model, limits, threads, tokens):
    plan = catalecticant_plan(model.width, model.moment_degree, tokens, limits)
    instance = model.draw(FIELD, np.random.default_rng(1))
    with worker_threads(threads) as pool:
        draw = Catalecticant(instance, FIELD, plan, limits, np.random.default_rng(2))
        return finish_here(draw.all_blocks(), pool, plan.work, lambda done, total, what: None)


@pytest.mark.parametrize("work", [math.inf, 1e9])
@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        (SelfAttention(3, 2, heads=2), (2, 2)),
        (SelfAttention(3, 3, heads=3), (3, 3)),
        (SelfAttention(3, 2, tokens=2), (1, 1)),
        (SelfAttention(3, 3), (3, 3)),
    ],
    ids=str,
)
def test_all_that_is_said_of_blocks_is_the_same_for_every_number_of_threads(model, tokens, work):
    limits = Limits(2**30, work)
    alone = run(model, limits, 1, tokens)
    for threads in (2, 5):
        assert run(model, limits, threads, tokens) == alone


def computing_threads(monkeypatch, limits, small):
    """For each block of a deficient model: the thread that ranked it, and how many threads its elimination had."""
    seen, meeting = [], threading.Barrier(2, timeout=60)
    ranked = blocks.rank_of_slabs

    def noted(slabs, field, pool, *others):
        ident = threading.get_ident()
        first = pool.count == 1 and (ident, 1) not in seen
        seen.append((ident, pool.count))
        if first:
            meeting.wait()  # both threads take part
        return ranked(slabs, field, pool, *others)

    with monkeypatch.context() as patch:
        patch.setattr(blocks, "rank_of_slabs", noted)
        patch.setattr(jobs, "SMALL_BLOCK", small)
        run(SelfAttention(4, 2, heads=2), limits, 2, (2, 2))
    return seen


def test_small_blocks_run_side_by_side_with_one_thread_each(monkeypatch):
    seen = computing_threads(monkeypatch, Limits(2**30), math.inf)
    assert len({ident for ident, count in seen if count == 1}) == 2


def test_large_blocks_take_one_block_at_a_time_with_all_threads(monkeypatch):
    seen = computing_threads(monkeypatch, Limits(2**30), 0)
    assert {count for _, count in seen} == {2}
    assert {ident for ident, _ in seen} == {threading.get_ident()}


def test_blocks_that_do_not_fit_side_by_side_run_one_at_a_time(monkeypatch):
    plan = catalecticant_plan(2, 40, (2, 2), Limits(2**30))
    seen = computing_threads(monkeypatch, Limits(int(plan.memory * 1.05)), math.inf)
    ample = computing_threads(monkeypatch, Limits(2**30), math.inf)
    assert [count for _, count in seen].count(2) > [count for _, count in ample].count(2)


def test_progress_is_reported_by_the_caller_only_and_never_falls():
    reports = []
    found = separation_rank(
        SelfAttention(3, 3, heads=3),
        threads=3,
        progress=lambda done, total, what: reports.append((threading.get_ident(), done)),
    )
    assert found.value == 2441
    assert {ident for ident, _ in reports} == {threading.get_ident()}
    assert [done for _, done in reports] == sorted(done for _, done in reports)


def test_a_model_that_vanishes_on_lopsided_blocks_is_ranked_at_once():
    weights = {name: np.zeros((2, 1, 6, 6), dtype=int) for name in ("query", "key", "value", "output")}
    found = separation_rank(SelfAttention(2, 6), weights=weights)
    assert (found.value, found.standing) == (0, "probable")


LIMITED = """
import resource, sys
import tensorrank as tr
tr.separation_rank(tr.SelfAttention(3, 2, heads=2))
tr.separation_rank(tr.SelfAttention(3, 2), method="grid")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = tr.separation_rank(tr.SelfAttention(5, 2), memory=sys.argv[1], threads=2)
print(found.value, found.standing.replace(" ", "-"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in kilobytes on Linux only")
@pytest.mark.parametrize("megabytes", [15, 60, 200])
def test_a_limit_too_small_for_a_block_gives_a_lower_bound_within_it(megabytes):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, f"{megabytes}MB"], capture_output=True, text=True, check=True, timeout=300
    )
    value, standing, kilobytes = done.stdout.split()
    whole = megabytes == 200
    assert standing == ("exact" if whole else "lower-bound")
    assert int(value) == 109024 if whole else 109024 / 3 < int(value) < 109024
    # Python's own needs come on top, a few megabytes.
    assert int(kilobytes) * 1024 <= megabytes * 1e6 + 8e6


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (SelfAttention(2, 2), "catalecticant"),
        (SelfAttention(2, 4, heads=4, kv_heads=2), "grid"),
        (SelfAttention(2, 2, heads=2, head_dim=1, residual=True), "catalecticant"),
    ],
)
def test_every_job_can_be_sent_to_another_process_and_gives_the_same_rank(pool, model, method):
    rounds = computation(model, method=method, memory="1GiB").rounds
    seen, round_of_jobs = 0, next(rounds)
    with suppress(StopIteration):
        while True:
            ranks = []
            for job in round_of_jobs:
                sent = pickle.loads(pickle.dumps(job))
                assert sent.key == job.key
                shared = [None if one.shared is None else one.shared.make(pool) for one in (job, sent)]
                ranks.append(job.rank(shared[0], pool, silent))
                assert sent.rank(shared[1], pool, silent) == ranks[-1]
                seen += 1
            round_of_jobs = rounds.send(ranks)
    assert seen >= 2


@pytest.mark.parametrize("engine", ["auto", "float32"])
@pytest.mark.parametrize("method", ["auto", "catalecticant"])
def test_no_two_jobs_of_a_computation_have_the_same_name(pool, method, engine):
    # The leading form does not decide, so all derivatives or a grid follow it.
    model = SelfAttention(2, 2, heads=1, head_dim=1, residual=True)
    begun = computation(model, method=method, engine=engine, memory="1GiB")
    rounds, named = begun.rounds, []
    round_of_jobs = next(rounds)
    with suppress(StopIteration):
        while True:
            named += [job.key for job in round_of_jobs]
            shared = [None if job.shared is None else job.shared.make(pool) for job in round_of_jobs]
            ranks = [job.rank(data, pool, silent) for job, data in zip(round_of_jobs, shared, strict=True)]
            round_of_jobs = rounds.send(ranks)
    assert len(set(named)) == len(named)
    # Every draw has a number and a prime of its own.
    assert {(key.draw, key.prime) for key in named} == set(enumerate(begun.draws.used))
    assert len({key.degree for key in named} - {-1}) > 1
    assert any(key.degree == -1 for key in named)

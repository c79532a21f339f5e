import pickle
import threading
from dataclasses import replace

import pytest

import tensorrank as tr
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import StoreError
from tensorrank.separation.jobs import JobRank
from tensorrank.separation.limits import Limits
from tensorrank.studies.events import BlockFinished, LatticeMade, RankFinished, RankSkipped, RankStarted
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.pace import Pace
from tensorrank.studies.store import Store
from tensorrank.studies.study import Study

STUDY = Study.over(tr.SelfAttention, width=(2, 3), heads=(1, 2, 3), depth=(1, 2, 3), work=1e9, threads=1)


def untimed(findings):
    return [(finding.model, replace(finding.result, seconds=0.0)) for finding in findings]


class Reversed:
    """A scheduler that computes many ranks at once, their tasks one by one from the last to the first."""

    ahead = 100

    def __init__(self, fail=lambda job: False):
        self.tasks, self.fail = [], fail

    def submit(self, tasks):
        self.tasks += [(task, pickle.dumps(task.job)) for task in tasks]

    def forget(self, tasks):
        pass

    def wait(self, listener, stop):
        given, written = self.tasks.pop()
        job = pickle.loads(written)
        if self.fail(job):
            listener.failed(given, "the worker burnt down")
            return
        with worker_threads(2) as pool:
            shared = None if job.shared is None else job.shared.make(pool)
            listener.done(given, job.rank(shared, pool, lambda done, total, what: None), 0.25, "reversed")


@pytest.fixture(scope="module")
def expected():
    with Store(":memory:") as store:
        return untimed(STUDY.run(store))


def test_order_threads_and_pickling_change_nothing(expected):
    with Store(":memory:") as store:
        assert untimed(STUDY.run(store, scheduler=Reversed())) == expected


def test_findings_agree_with_separation_rank(expected):
    for model, result in expected:
        alone = tr.separation_rank(model, work=1e9, memory=STUDY.memory, threads=2)
        assert replace(alone, seconds=0.0) == result


def test_a_rank_s_seconds_are_those_of_its_blocks():
    with Store(":memory:") as store:
        (finding,) = Study.over(tr.SelfAttention, width=2, depth=2).run(store, scheduler=Reversed())
        blocks = list(store.blocks())
    assert finding.result.seconds == pytest.approx(0.25 * len(blocks))


def test_a_run_that_stops_between_blocks_is_carried_on(tmp_path, expected):
    path, computed = tmp_path / "s.sqlite", 0
    for allowed in range(1, 1000):
        fresh = []

        def observe(event, fresh=fresh):
            if isinstance(event, BlockFinished) and event.fresh:
                fresh.append(event)

        with Store(path) as store:
            try:
                findings = untimed(STUDY.run(store, observe, stop=lambda: len(fresh) >= allowed))  # noqa: B023
            except KeyboardInterrupt:
                assert len(fresh) == allowed
                computed += len(fresh)
                continue
        computed += len(fresh)
        break
    assert findings == expected
    with Store(path) as store:
        assert computed == sum(1 for _ in store.blocks())


def test_what_a_scheduler_cannot_compute_is_skipped_with_the_reason(expected):
    events = []

    def fail(job):
        return job.shared.width == 3 and job.shared.degree == 13

    with Store(":memory:") as store:
        found = untimed(STUDY.run(store, events.append, scheduler=Reversed(fail)))
        skipped = [event for event in events if isinstance(event, RankSkipped)]
        given_up = [tr.SelfAttention(3, 3, heads=3), tr.SelfAttention(3, 3)]
        assert [event.model for event in skipped] == list(map(ModelKey.of, given_up))
        assert {event.reason for event in skipped} == {"the worker burnt down"}
        assert found == [pair for pair in expected if (pair[0].width, pair[0].depth) != (3, 3)]
        # The next run has the rest.
        assert untimed(STUDY.run(store)) == expected


class InOrder(Reversed):
    """Computes tasks in the order they came, those of ranks that are given up too; notes what it is told to forget."""

    def __init__(self, fail=lambda job: False):
        super().__init__(fail)
        self.forgotten, self.made = [], []

    def submit(self, tasks):
        super().submit(tasks)
        assert tasks[0].draw not in self.forgotten
        self.made.append(tasks[0].draw)

    def forget(self, tasks):
        self.forgotten += [task.draw for task in tasks[:1]]

    def wait(self, listener, stop):
        given, _ = self.tasks[0]
        listener.advanced(given, 1.0, 2.0)
        self.tasks.append(self.tasks.pop(0))
        super().wait(listener, stop)


def test_jobs_of_a_rank_that_is_given_up_may_still_end(expected):
    pace, blocks, failed = Pace(), [], []

    def fail(job):
        if job.shared.width == 3 and job.shared.degree == 13 and not failed:
            failed.append(job)
            return True
        return False

    def observe(event):
        pace(event)
        assert pace.done >= 0
        assert pace.block_left is None or pace.block_left >= 0
        if isinstance(event, BlockFinished):
            blocks.append(event.model)

    with Store(":memory:") as store:
        found = untimed(STUDY.run(store, observe, scheduler=InOrder(fail)))
        assert len(found) == len(expected) - 1
        # They are kept all the same.
        (left,) = {ModelKey.of(model) for model, _ in expected} - {ModelKey.of(model) for model, _ in found}
        assert blocks.count(left) == sum(1 for model, *_ in store.blocks() if model == left) > 0
    assert pace.found == len(expected)


def test_what_a_draw_shares_is_forgotten_once_the_draw_is_over(expected):
    scheduler = InOrder()
    with Store(":memory:") as store:
        assert untimed(STUDY.run(store, scheduler=scheduler)) == expected
    assert set(scheduler.forgotten) == set(scheduler.made)


def test_another_seed_is_computed_unless_the_rank_is_exact():
    study = Study.over(tr.SelfAttention, width=3, heads=(1, 2), head_dim=2, depth=(1, 2, 3), threads=1)
    with Store(":memory:") as store:
        list(study.run(store))
        again = list(replace(study, seed=7).run(store))
        assert [one.fresh for one in again] == [one.result.standing != "exact" for one in again]
        assert {one.result.standing for one in again} == {"exact", "probable"}
        assert all(one.result.seeds == (7,) for one in again if one.fresh)


def test_a_model_given_twice_is_computed_once():
    assert len(Study.over(tr.SelfAttention, width=3, head_dim=(None, 3), tokens=(None, 6), depth=1).models) == 1


def test_a_limit_that_is_left_open_is_settled_once(monkeypatch):
    left = iter(range(10**9, 0, -(10**8)))
    monkeypatch.setattr("tensorrank.separation.limits.memory_limit", lambda memory: memory or next(left))
    planned = []

    def observe(event):
        if isinstance(event, RankStarted):
            planned.append(event.plan.limits)

    with Store(":memory:") as store:
        list(Study.over(tr.SelfAttention, width=2, depth=(1, 2), memory=None).run(store, observe))
        assert {stored.limits for _, stored in store} == set(planned)
    assert len(set(planned)) == 1


def test_events_tell_of_everything(expected):
    events = []
    with Store(":memory:") as store:
        list(STUDY.run(store, events.append))
        fresh = [event for event in events if isinstance(event, BlockFinished)]
        stored = {(model, key) for model, _, key, _ in store.blocks()}
    assert {(event.model, event.key) for event in fresh} == stored
    finished = [event.model for event in events if isinstance(event, RankFinished)]
    assert finished == [ModelKey.of(model) for model, _ in expected]
    assert len([event for event in events if isinstance(event, RankStarted)]) == len(expected)
    by_blocks = {ModelKey.of(model) for model, result in expected if result.method == "catalecticant"}
    assert by_blocks
    assert {event.model for event in events if isinstance(event, LatticeMade)} == by_blocks


def test_a_block_that_contradicts_the_store_stops_the_study_with_both_shown(tmp_path):
    path = tmp_path / "s.sqlite"
    study = Study.over(tr.SelfAttention, width=2, depth=3)
    with Store(path) as store:
        list(study.run(store))
        model, seed, key, block = next(iter(store.blocks()))
        wrong = JobRank(block.rank.rank - 1, *block.rank.samples, complete=True)
        with pytest.raises(StoreError, match=r"contradict each other .*stored JobRank.*; computed JobRank"):
            store.put_block(model, seed, key, wrong, 0.1, block.limits)


def test_a_rank_beyond_a_stored_exact_one_stops_the_study_with_both_shown(tmp_path):
    path = tmp_path / "s.sqlite"
    model = tr.SelfAttention(2, 2)
    # What a faulty version could have left: a lower bound above the truth, under smaller limits.
    right = tr.separation_rank(model)
    wrong = replace(right, value=19, lower=19, upper=None, standing="lower bound", reason="a fault")
    with Store(path) as store:
        store.put(model, wrong, Limits(2**20, 0.5))
        with pytest.raises(StoreError, match=r"contradict each other: stored .* 19 .*; computed .* 18 \(exact\)"):
            list(Study.over(tr.SelfAttention, width=2, depth=2).run(store))


def test_two_studies_on_one_store_at_once_agree(tmp_path, expected):
    path, found, errors = tmp_path / "s.sqlite", {}, []

    def work(number):
        try:
            with Store(path) as store:
                found[number] = untimed(STUDY.run(store))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert list(found.values()) == [expected] * 3
    with Store(path) as store:
        assert [model for model, _ in store] != []
        assert len(list(store)) == len(expected)

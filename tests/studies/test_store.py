import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest
from studies.stored_ranks import LIMITS, MODEL, model, rank_of

from tensorrank.errors import StoreError
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.store import Store

KEY = JobKey(0, 8388593, 5, "block of 42 x 45, 3 variables")


def test_a_result_of_any_size_survives_the_file(tmp_path):
    huge = 3**20000
    result = rank_of(huge, huge + 1, "lower bound", reason="cut")
    with Store(tmp_path / "s.sqlite") as store:
        store.put(MODEL, result, LIMITS)
    with Store(tmp_path / "s.sqlite") as store:
        assert store.get(MODEL).result == result
        assert store.get(MODEL).limits == LIMITS
        assert [key for key, _ in store] == [ModelKey.of(MODEL)]


def test_whole_numbers_are_text_in_the_file(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.put(MODEL, rank_of(2**70, 2**71, "lower bound"), LIMITS)
    with closing(sqlite3.connect(tmp_path / "s.sqlite")) as connection:
        row = connection.execute("SELECT value, upper, typeof(value) FROM ranks").fetchone()
    assert row == (str(2**70), str(2**71), "text")


def test_unlimited_work_is_kept(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.put(MODEL, rank_of(232, 232), Limits.of(1000, None))
        assert store.get(MODEL).limits == Limits.of(1000, None)


def test_what_is_not_stored_is_none():
    with Store(":memory:") as store:
        assert store.get(MODEL) is None


@pytest.mark.parametrize(
    ("standing", "limits", "settled"),
    [
        ("exact", Limits(2**40), True),
        ("probable", Limits(2**40), True),
        ("lower bound", LIMITS, True),
        ("lower bound", Limits(2**20, 1e8), True),
        ("lower bound", Limits(2**31, 1e8), False),
        ("lower bound", Limits(2**20, 1e10), False),
    ],
)
def test_only_larger_limits_reopen_a_lower_bound(standing, limits, settled):
    with Store(":memory:") as store:
        upper = 215 if standing == "exact" else 232
        store.put(MODEL, rank_of(215, upper, standing), LIMITS)
        assert store.get(MODEL).settles(limits, 0) is settled


@pytest.mark.parametrize(("standing", "settled"), [("exact", True), ("probable", False), ("lower bound", False)])
def test_only_what_is_exact_settles_another_seed(standing, settled):
    with Store(":memory:") as store:
        store.put(MODEL, rank_of(215, 215 if standing == "exact" else 232, standing), LIMITS)
        assert store.get(MODEL).settles(LIMITS, 7) is settled


@pytest.mark.parametrize("value", [200, 100])
def test_a_bound_that_is_no_better_under_smaller_limits_leaves_what_is_there(value):
    with Store(":memory:") as store:
        store.put(MODEL, rank_of(200, 232, "lower bound"), LIMITS)
        assert store.put(MODEL, rank_of(value, 232, "lower bound"), Limits(2**20, 1e8)).value == 200
        assert store.get(MODEL).limits == LIMITS


def test_a_block_cut_under_smaller_limits_leaves_what_is_there():
    with Store(":memory:") as store:
        for limits in (LIMITS, Limits(2**20, 1e8)):
            store.put_block(MODEL, 0, KEY, JobRank(40, 42, 45, complete=False), 0.1, limits)
            assert store.get_block(MODEL, 0, KEY).limits == LIMITS


def test_the_better_lower_bound_is_kept():
    with Store(":memory:") as store:
        store.put(MODEL, rank_of(200, 232, "lower bound"), LIMITS)
        assert store.put(MODEL, rank_of(100, 232, "lower bound"), Limits(2**31)).value == 200
        assert store.get(MODEL).result.value == 200
        assert store.get(MODEL).settles(Limits(2**31), 0)


def test_a_probable_rank_replaces_a_lower_bound():
    with Store(":memory:") as store:
        store.put(MODEL, rank_of(200, 232, "lower bound"), LIMITS)
        store.put(MODEL, rank_of(215, 232, "probable"), LIMITS)
        assert store.get(MODEL).result.standing == "probable"


@pytest.mark.parametrize("order", [0, 1])
def test_contradicting_results_stop_with_both_shown(order):
    pair = [rank_of(215, 215), rank_of(217, 232, "lower bound")]
    with Store(":memory:") as store:
        store.put(MODEL, pair[order], LIMITS)
        with pytest.raises(StoreError, match=r"contradict each other: stored .*; computed "):
            store.put(MODEL, pair[1 - order], LIMITS)


def test_replacing_keeps_one_row_an_architecture():
    with Store(":memory:") as store:
        for value in (10, 20):
            store.put(MODEL, replace(rank_of(value, 232, "lower bound")), LIMITS)
        assert [stored.result.value for _, stored in store] == [20]


def test_blocks_are_kept_with_all_that_is_known_of_them():
    with Store(":memory:") as store:
        assert store.get_block(MODEL, 0, KEY) is None
        rank = JobRank(41, 42, 45, complete=False, saturated=True, finite=True)
        store.put_block(MODEL, 2**70, KEY, rank, 0.25, LIMITS)
        assert store.get_block(MODEL, 0, KEY) is None
        found = store.get_block(MODEL, 2**70, KEY)
        assert (found.rank, found.seconds, found.limits) == (rank, 0.25, LIMITS)
        assert [row[:3] for row in store.blocks()] == [(ModelKey.of(MODEL), 2**70, KEY)]


def test_a_complete_block_replaces_a_cut_one_and_not_the_other_way_round():
    cut, whole = JobRank(40, 40, 40, complete=False), JobRank(42, 42, 45, complete=True)
    with Store(":memory:") as store:
        for rank in (cut, whole, cut):
            store.put_block(MODEL, 0, KEY, rank, 0.1, LIMITS)
        assert store.get_block(MODEL, 0, KEY).rank == whole


@pytest.mark.parametrize("order", [0, 1])
def test_contradicting_ranks_of_a_block_are_refused_with_both_shown(order):
    pair = [JobRank(41, 42, 45, complete=True), JobRank(42, 42, 45, complete=False)]
    with Store(":memory:") as store:
        store.put_block(MODEL, 0, KEY, pair[order], 0.1, LIMITS)
        with pytest.raises(StoreError, match=r"two ranks of one block .* contradict each other .*stored .*; computed "):
            store.put_block(MODEL, 0, KEY, pair[1 - order], 0.1, LIMITS)


@pytest.mark.parametrize(
    ("limits", "settled"),
    [
        (LIMITS, True),
        (Limits(2**20, 1e8), True),
        (Limits(2**31, 1e8), False),
        (Limits(2**20, 1e10), False),
        (Limits(2**20, 1e8, files=True), False),
    ],
)
def test_only_larger_limits_reopen_an_unfinished_block(limits, settled):
    with Store(":memory:") as store:
        store.put_block(MODEL, 0, KEY, JobRank(40, 42, 45, complete=False), 0.1, LIMITS)
        assert store.get_block(MODEL, 0, KEY).settles(limits) is settled


def test_a_store_without_room_keeps_what_it_has_and_says_so(full_store):
    with Store(full_store) as store:
        # What a full disk does: the database may not grow.
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        put = []
        with pytest.raises(StoreError, match=r"no room left for the store .*database or disk is full.*make room"):
            put.extend(store.put(model(depth), rank_of(215, 232, "lower bound"), LIMITS) for depth in range(200, 2000))
    with Store(full_store) as store:
        assert len(list(store)) == 199 + len(put)
        store.put(model(2000), rank_of(215, 232, "lower bound"), LIMITS)


FULL_DISK = """
import sys
from pathlib import Path
import tensorrank as tr
from tensorrank.errors import StoreError
from tensorrank.studies.store import Store
path = Path(sys.argv[1]) / "study.sqlite"
sizes = {"width": 2, "heads": (1, 2), "tokens": (None, 2, 3, 5, 6, 7, 8, 9), "depth": (1, 2, 3, 4)}
study = tr.Study.over(tr.SelfAttention, **sizes, threads=1)
try:
    with Store(path) as store:
        list(study.run(store))
except StoreError as error:
    sys.stdout.write(str(error))
with Store(path, read_only=True) as store:
    sys.stdout.write(f"\\n{len(list(store))} {sum(1 for _ in store.blocks())} {len(study.models)}")
"""


def test_a_full_disk_leaves_a_readable_store_and_a_clear_message(tmp_path):
    command = f"mount -t tmpfs -o size=100k none '{tmp_path}' && exec '{sys.executable}' -c \"$PROGRAM\" '{tmp_path}'"
    spaces = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if subprocess.run([*spaces, f"mount -t tmpfs -o size=100k none '{tmp_path}'"], capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    done = subprocess.run(
        [*spaces, command], capture_output=True, text=True, env={**os.environ, "PROGRAM": FULL_DISK}, timeout=120
    )
    assert done.returncode == 0, done.stderr
    message, counts = done.stdout.splitlines()
    assert "there is no room left for the store" in message
    assert "all that was finished before is kept: make room, and run the same again" in message
    ranks, blocks, planned = map(int, counts.split())
    assert 0 < ranks < planned
    assert blocks >= ranks


def test_a_key_with_more_digits_than_python_reads_is_a_key_like_others():
    digits = "1" * 5000
    key = ModelKey(f'{{"kind": "attention", "depth": {digits}, "sides": [2, {digits}], "mask": "none", "width": 2}}')
    assert key.kind == "attention"
    # A number of ones only is (10^n - 1) / 9.
    assert key.values["depth"] == (10**5000 - 1) // 9
    long = "a whole number of some 4999 digits"
    assert str(key) == f"attention(depth={long}, sides=[2, {long}], mask=none, width=2)"

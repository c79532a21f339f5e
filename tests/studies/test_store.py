import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import tensorrank as tr
from tensorrank.errors import StoreError
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.studies import store_files
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.store import SCHEMA_VERSION, Store
from tensorrank.studies.store_files import connected

MODEL = tr.SelfAttention(depth=3, width=2)
LIMITS = Limits(2**30, 1e9)


def rank_of(value, upper, standing="exact", **changes):
    lower = changes.pop("lower", value)
    evidence = {"by_degree": None, "method": "catalecticant", "primes": (8388593,), "seeds": (0,), "samples": (50, 42)}
    return tr.SeparationRank(
        value=value,
        lower=lower,
        upper=upper,
        standing=standing,
        failure_probability=None,
        seconds=0.5,
        **evidence,
        **changes,
    )


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


def test_a_folder_that_does_not_exist_is_explained(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be used \(unable to open database file\); expected a writable"):
        Store(tmp_path / "nowhere" / "s.sqlite")


def test_a_file_that_is_no_database_is_explained(tmp_path):
    path = tmp_path / "s.sqlite"
    path.write_text("not a database, whatever its name says; long enough to have a header of a hundred bytes" * 3)
    with pytest.raises(StoreError, match=r"no store of tensorrank: it is no SQLite file"):
        Store(path)


def test_a_stranger_s_database_is_left_alone(tmp_path):
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="no store of tensorrank"):
        Store(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_a_store_made_by_another_while_it_is_opened_is_seen_whole(tmp_path, monkeypatch):
    """The other commits, if it can, after the version was read and before what else is read."""
    path, made = tmp_path / "s.sqlite", []
    other = threading.Thread(target=lambda: made.append(Store(path).close()))

    def watched(path, *, read_only):
        monkeypatch.undo()
        connection = connected(path, read_only=read_only)

        def before(statement):
            if "application_id" in statement and not other.ident:
                other.start()
                other.join(0.5)

        connection.set_trace_callback(before)
        return connection

    monkeypatch.setattr("tensorrank.studies.store.connected", watched)
    with Store(path) as store:
        other.join()
        store.put(MODEL, rank_of(232, 232), LIMITS)
    assert made == [None]


def test_a_store_that_grows_while_it_is_looked_at_is_not_cut_off(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite"
    Store(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096])
    monkeypatch.setattr(store_files.time, "sleep", lambda seconds: path.write_bytes(whole))
    Store(path).close()


def test_many_make_one_store_at_once(tmp_path):
    for attempt in range(20):
        path, together = tmp_path / f"{attempt}.sqlite", threading.Barrier(6)

        def work(path=path, together=together):
            together.wait()
            Store(path).close()

        with ThreadPoolExecutor(6) as pool:
            for opened in [pool.submit(work) for _ in range(6)]:
                opened.result()


def test_another_schema_version_is_refused(tmp_path):
    path = tmp_path / "s.sqlite"
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match=f"schema version {SCHEMA_VERSION + 1}; this tensorrank"):
        Store(path)


def test_replacing_keeps_one_row_an_architecture():
    with Store(":memory:") as store:
        for value in (10, 20):
            store.put(MODEL, replace(rank_of(value, 232, "lower bound")), LIMITS)
        assert [stored.result.value for _, stored in store] == [20]


# What each version of the schema left, written by the last release that had it: 12 ranks, and so many blocks.
OLD_BLOCKS = {1: 0, 2: 39}


@pytest.fixture(params=OLD_BLOCKS)
def old_store(request, tmp_path):
    path = tmp_path / f"version_{request.param}.sqlite"
    shutil.copy(Path(__file__).with_name("stores") / path.name, path)
    return path, OLD_BLOCKS[request.param]


def contents(path):
    """Its ranks and blocks as SQLite alone reads them, with the arguments of each model in the first place."""
    rows = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5, 6")
            assert found.description[0][0] in ("architecture", "model")
            values = [
                dict(zip([column[0] for column in found.description][1:], row[1:], strict=True))
                | {"model": {"kind": "attention", **json.loads(row[0])}}
                for row in found
            ]
            rows[table] = [{name: value for name, value in row.items() if name != "files"} for row in values]
        return connection.execute("PRAGMA user_version").fetchone()[0], rows


def test_a_store_of_a_previous_schema_opens_and_keeps_every_rank_and_block(old_store):
    path, blocks = old_store
    version, before = contents(path)
    assert (path.stem, len(before["ranks"])) == (f"version_{version}", 12)
    with Store(path) as store:
        known = {tuple(key.values[name] for name in ("width", "depth", "heads")): stored for key, stored in store}
        assert known[3, 2, 3].result.value == 43
        assert known[3, 2, 3].limits == Limits(2**32, 1e9)
        assert store.get(MODEL).result.value == 232
        assert len(list(store.blocks())) == blocks
        assert {key.kind for key, *_ in [*store, *store.blocks()]} == {"attention"}
    assert contents(path) == (SCHEMA_VERSION, {"blocks": [], **before})


def test_a_study_goes_on_in_a_store_of_a_previous_schema(old_store):
    path, blocks = old_store
    study = tr.Study.over(tr.SelfAttention, width=(1, 2, 3), heads=(1, 3), depth=(1, 2, 3), work=1e9, threads=1)
    with Store(path) as store:
        assert not any(finding.fresh for finding in study.run(store))
        further = tr.Study.over(tr.SelfAttention, width=3, depth=3, work=1e11, threads=1)
        assert [finding.result.value for finding in further.run(store)] == [3102]
        assert len(list(store.blocks())) > blocks


def test_a_rank_that_a_previous_schema_left_unfinished_is_carried_on(tmp_path):
    path, told = tmp_path / "version_2.sqlite", []
    shutil.copy(Path(__file__).with_name("stores") / path.name, path)
    with Store(path) as store:
        study = tr.Study([tr.SelfAttention(depth=4, width=2, heads=2)], work=None)
        list(study.run(store, lambda event: told.append(event) if isinstance(event, BlockFinished) else None))
    assert sum(not event.fresh for event in told) == 5
    assert sum(event.fresh for event in told) > 5


def test_a_store_of_a_previous_schema_is_read_without_being_changed(old_store):
    path, blocks = old_store
    before = path.read_bytes()
    with Store(path, read_only=True) as store:
        assert len(list(store)) == 12
        assert store.get(MODEL).result.value == 232
        assert len(list(store.blocks())) == blocks
        with pytest.raises(StoreError, match="readonly database"):
            store.put(MODEL, rank_of(232, 232), LIMITS)
    assert path.read_bytes() == before
    assert [path.name for path in path.parent.iterdir()] == [path.name]


def test_a_store_whose_migration_was_killed_is_read(old_store, tmp_path):
    path, blocks = old_store
    killed = tmp_path / "killed.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in ("PRAGMA cache_size = 1", "BEGIN", "CREATE TABLE half (made TEXT)"):
            connection.execute(statement)
        connection.execute("UPDATE ranks SET result = result || hex(zeroblob(100000))")
        # The file and its journal, as a kill leaves them.
        for ending in ("", "-journal"):
            shutil.copy(f"{path}{ending}", f"{killed}{ending}")
    with Store(killed, read_only=True) as store:
        assert (len(list(store)), len(list(store.blocks()))) == (12, blocks)
        assert store.get(MODEL).result.value == 232


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("path", [3, None, "", "a\0b"])
def test_what_is_no_path_is_refused(path, read_only):
    with pytest.raises(StoreError, match=r"the store is .*; expected the path of a file"):
        Store(path, read_only=read_only)


def test_a_store_in_a_read_only_folder_is_read(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put(MODEL, rank_of(232, 232), LIMITS)
    tmp_path.chmod(0o500)
    try:
        with Store(path, read_only=True) as store:
            assert store.get(MODEL).result.value == 232
    finally:
        tmp_path.chmod(0o700)


def test_a_store_opened_for_reading_takes_nothing(tmp_path):
    path = tmp_path / "s.sqlite"
    Store(path).close()
    with Store(path, read_only=True) as store, pytest.raises(StoreError, match="readonly database"):
        store.put(MODEL, rank_of(232, 232), LIMITS)
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(tmp_path / "missing.sqlite", read_only=True)
    assert not (tmp_path / "missing.sqlite").exists()


def model(depth):
    return tr.SelfAttention(depth=depth, width=2)


@pytest.fixture
def full_store(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        for depth in range(1, 200):
            store.put(model(depth), rank_of(215, 232, "lower bound"), LIMITS)
    return path


@pytest.mark.parametrize("kept", [10, 99, 100, 4096, 20000, -1])
def test_a_store_that_is_cut_off_is_refused_unchanged(full_store, kept):
    whole = full_store.read_bytes()
    full_store.write_bytes(whole[:kept])
    before = full_store.read_bytes()
    with pytest.raises(StoreError, match=r"s.sqlite is cut off: it holds \d+ bytes"):
        Store(full_store)
    assert full_store.read_bytes() == before
    assert [path.name for path in full_store.parent.iterdir()] == [full_store.name]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"width,depth\n1,2\n", "it is no SQLite file"),
        (b"\x89PNG\r\n" + bytes(500), "it is no SQLite file"),
        (b"SQLite format 3\0" + bytes(4080), "no store of tensorrank"),
    ],
)
def test_a_foreign_file_is_refused_unchanged(tmp_path, content, message):
    path = tmp_path / "s.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=message):
        Store(path)
    assert path.read_bytes() == content
    assert [child.name for child in tmp_path.iterdir()] == ["s.sqlite"]


def test_a_folder_as_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(tmp_path)


def test_a_database_with_pages_overwritten_is_refused_by_what_reads_them(full_store):
    whole = bytearray(full_store.read_bytes())
    whole[4096:] = os.urandom(len(whole) - 4096)
    full_store.write_bytes(whole)
    with pytest.raises(StoreError, match=r"malformed|not a database"), Store(full_store) as store:
        list(store)


KEY = JobKey(0, 8388593, 5, "block of 42 x 45, 3 variables")


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

import json
import os
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from studies.stored_ranks import LIMITS, MODEL, rank_of

import tensorrank as tr
from tensorrank.errors import StoreError, TensorRankError
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.studies import store_files
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.store import SCHEMA_VERSION, Store
from tensorrank.studies.store_files import connected


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


# What each version of the schema left, written by the last release that had it: 12 ranks, and so many blocks.
OLD_BLOCKS = {1: 0, 2: 39, 3: 39}


@pytest.fixture(params=OLD_BLOCKS)
def old_store(request, tmp_path):
    path = tmp_path / f"version_{request.param}.sqlite"
    shutil.copyfile(Path(__file__).with_name("stores") / path.name, path)
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
            rows[table] = [{name: value for name, value in row.items() if name not in ("files", "engine")} for row in values]
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


def test_a_rank_that_an_earlier_version_left_unfinished_is_computed_again(tmp_path):
    # Its blocks are those of a prime that every seed used; primes are random now, and other blocks are asked for.
    path, told = tmp_path / "version_2.sqlite", []
    shutil.copyfile(Path(__file__).with_name("stores") / path.name, path)
    with Store(path) as store:
        before = list(store.blocks())
        study = tr.Study([tr.SelfAttention(depth=4, width=2, heads=2)], work=None)
        list(study.run(store, lambda event: told.append(event) if isinstance(event, BlockFinished) else None))
        assert all(event.fresh for event in told)
        after = list(store.blocks())
        assert all(block in after for block in before)


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
            shutil.copyfile(f"{path}{ending}", f"{killed}{ending}")
    with Store(killed, read_only=True) as store:
        assert (len(list(store)), len(list(store.blocks()))) == (12, blocks)
        assert store.get(MODEL).result.value == 232


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("path", [3, None, "", "a\0b"])
def test_what_is_no_path_is_refused(path, read_only):
    with pytest.raises(TensorRankError, match=r"(path|store) is .*; expected (the path of a file|a path without NUL)"):
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
    for read_only in (False, True):
        with pytest.raises(StoreError, match="which is a folder; expected the path of a file"):
            Store(tmp_path, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_pipe_and_a_device_as_stores_are_refused_without_waiting(tmp_path, read_only):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(StoreError, match="which is a device, a pipe or a socket; expected the path of a file"):
            Store(path, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_path_that_leads_nowhere_is_refused(tmp_path, read_only):
    (tmp_path / "file").write_text("no folder")
    for path in (tmp_path / "file" / "s.sqlite", tmp_path / ("a" * 300), tmp_path / "nowhere" / "s.sqlite"):
        with pytest.raises(StoreError, match=r"cannot be (used|read)"):
            Store(path, read_only=read_only)


def test_a_database_with_pages_overwritten_is_refused(full_store):
    whole = bytearray(full_store.read_bytes())
    whole[4096:] = os.urandom(len(whole) - 4096)
    full_store.write_bytes(whole)
    with (
        pytest.raises(StoreError, match=r"is damaged: SQLite says: .*Page|malformed|not a database"),
        Store(full_store) as store,
    ):
        list(store)


KEY = JobKey(0, 8388593, 5, "block of 42 x 45, 3 variables")


@pytest.mark.parametrize("gone", [lambda path: path.unlink(), lambda path: path.parent.rename(path.parent.parent / "moved")])
def test_a_store_that_vanishes_while_it_is_open_takes_nothing_more(tmp_path, monkeypatch, gone):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with Store("folder/s.sqlite") as store:
        monkeypatch.chdir("/")
        store.put(MODEL, rank_of(232, 232), LIMITS)
        gone(tmp_path / "folder" / "s.sqlite")
        for put in (
            lambda: store.put(MODEL, rank_of(232, 232), LIMITS),
            lambda: store.put_block(MODEL, 0, KEY, JobRank(41, 42, 45, complete=True), 0.1, LIMITS),
        ):
            with pytest.raises(
                StoreError, match=r"the store folder/s.sqlite is no longer there: .* deleted, moved or unmounted"
            ):
                put()
    moved = tmp_path / "moved" / "s.sqlite"
    if moved.exists():
        with Store(moved) as store:
            assert store.get(MODEL).result.value == 232


def test_a_study_whose_folder_vanishes_says_so(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    study = tr.Study.over(tr.SelfAttention, width=2, depth=(1, 2, 3), threads=1)

    def observe(event):
        if isinstance(event, BlockFinished) and folder.exists():
            shutil.rmtree(folder)

    with Store(folder / "s.sqlite") as store, pytest.raises(StoreError, match="is no longer there"):
        list(study.run(store, observe))

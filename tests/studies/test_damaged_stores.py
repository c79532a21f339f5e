"""Damage of every kind is named, by table, row and column where it is a cell, and the store stays as it is."""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from command_line import invoked
from studies import damaged_stores
from studies.damaged_stores import STUDY, mutate, new_store, old_store, place

from tensorrank.errors import StoreError, TensorRankError
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return new_store(tmp_path_factory.mktemp("made"))


@pytest.fixture
def store(made, tmp_path):
    return shutil.copyfile(made, tmp_path / "study.sqlite")


def opened_or_refused(path, message):
    """Every way to open the store is refused with this message, and the file is what it was."""
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(StoreError, match=message):
            Store(path, read_only=read_only)
    assert path.read_bytes() == before
    assert [child.name for child in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("result", "x", r"'x'; expected a result as JSON \("),
        ("result", "[1]", r"'\[1\]'; expected a result as JSON \("),
        ("result", '{"value": 3}', "expected a result as JSON .*missing or unknown names was given"),
        ("result", None, None),
        ("model", '{"kind": 3}', "expected the kind of a model and its identity, as a JSON object"),
        ("model", '{"depth": 3}', "expected the kind of a model and its identity"),
        ("model", "[1]", "expected the kind of a model and its identity"),
        ("model", b"\xff", r"b'\\xff'; expected the kind of a model"),
        ("memory", "lots", "'lots'; expected a whole number of at least 1, as text"),
        ("memory", "0", "'0'; expected a whole number of at least 1, as text"),
        ("memory", b"12", "b'12'; expected a whole number of at least 1, as text"),
        ("memory", "1" * 5000, "expected a whole number of at most 308 digits, as text"),
        ("work", "much", "'much'; expected a positive number"),
        ("work", -1.0, "-1.0; expected a positive number"),
        ("work", None, "None; expected a positive number"),
        ("files", 2, "2; expected 0 or 1"),
        ("files", "yes", "'yes'; expected 0 or 1"),
        ("seconds", "long", "'long'; expected a number of seconds"),
        ("seconds", float("inf"), "inf; expected a number of seconds"),
        ("value", "9", r"'9'; expected \d+, as in the column result"),
        ("value", "nine", "'nine'; expected a whole number of at least 0, as text"),
        ("upper", "-1", "'-1'; expected a whole number of at least 0, as text, or NULL"),
        ("standing", "certain", "'certain'; expected .*, as in the column result"),
        ("version", (b"0.\xff",), r"b'0.\\xff'; expected a version of tensorrank, as text"),
        ("finished", 12, None),
        ("finished", b"now", "b'now'; expected a time, as text"),
    ],
)
def test_a_damaged_cell_of_a_rank_is_named(store, column, value, expected):
    if place(store, "ranks", column, 3, value) and expected is not None:
        opened_or_refused(store, rf"is damaged: in row 3 of the table ranks, the column {column} is .*{expected}.*\. Nothing")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("seed", "x", "'x'; expected a whole number of at least 0, as text"),
        ("seed", "-1", "'-1'; expected a whole number of at least 0, as text"),
        ("seed", "1" * 5000, ".*; expected a whole number of at most 4000 digits, as text"),
        ("draw", "first", "'first'; expected a whole number of at least 0"),
        ("draw", -1, "-1; expected a whole number of at least 0"),
        ("prime", 1, "1; expected a whole number of at least 2"),
        ("degree", 0.5, "0.5; expected a whole number of at least -1"),
        ("asked", b"block", "b'block'; expected the method and size of a block, as text"),
        ("rank", "many", "'many'; expected a whole number of at least 0"),
        ("rows", -2, "-2; expected a whole number of at least 0"),
        ("columns", 1.5, "1.5; expected a whole number of at least 0"),
        ("complete", 3, "3; expected 0 or 1"),
        ("saturated", "no", "'no'; expected 0 or 1"),
        ("finite", b"", "b''; expected 0 or 1"),
        ("memory", "lots", "'lots'; expected a whole number of at least 1, as text"),
        ("work", "much", "'much'; expected a positive number"),
        ("version", b"1", "b'1'; expected a version of tensorrank, as text"),
        ("model", "x", "'x'; expected the kind of a model"),
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_a_damaged_cell_of_a_block_is_named(store, tmp_path, version, column, value, expected):
    path = store if version == 3 else old_store(tmp_path, version)
    if version < 3 and column == "model":
        column, expected = "architecture", "'x'; expected a JSON object, the arguments of an attention network"
    place(path, "blocks", column, 5, value)
    # A cell of the key may move its row.
    opened_or_refused(path, rf"is damaged: in row \d+ of the table blocks, the column {column} is {expected}")


@pytest.mark.parametrize("version", [1, 2])
def test_a_damaged_store_of_an_older_version_is_not_migrated(tmp_path, version):
    for number, (column, value) in enumerate([("architecture", "x"), ("architecture", "{}"), ("result", "x")], 1):
        path = old_store(tmp_path, version)
        place(path, "ranks", column, number, value)
        opened_or_refused(path, rf"in row {number} of the table ranks, the column {column} is '{value}'")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE blocks", "is damaged: the table blocks is missing"),
        ("DROP TABLE ranks", "is damaged: the table ranks is missing"),
        ("ALTER TABLE ranks DROP COLUMN result", "is damaged: the columns result of the table ranks are missing"),
        ("ALTER TABLE blocks RENAME COLUMN memory TO room", "is damaged: the columns memory of the table blocks are missing"),
    ],
)
def test_a_missing_table_or_column_is_named(store, statement, message):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(statement)
    opened_or_refused(store, message)


def test_a_schema_of_bytes_that_are_no_text_is_damage(store):
    before = store.read_bytes()
    where = before.index(b"CREATE TABLE ranks") + len(b"CREATE TABLE ")
    store.write_bytes(before[:where] + b"\xd5" + before[where + 1 :])
    opened_or_refused(store, "is damaged: SQLite cannot read its tables|cannot be used")


@pytest.mark.parametrize("verb", ["study", "show", "show --blocks", "show --figures"])
@pytest.mark.parametrize("asks_json", [False, True])
@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("result", "x", "row 2 of the table ranks, the column result is 'x'"),
        ("model", '{"kind": "attention", "depth": 2}', r"row 2 of the table ranks, the column model .*missing.*'width'"),
        ("model", '{"kind": "attention", "depth": 2, "width": 0}', r"row 2 of the table ranks, the column model .*width is 0"),
    ],
)
def test_the_command_line_names_damage_and_changes_nothing(store, verb, asks_json, column, value, said):
    place(store, "ranks", column, 2, value)
    before = store.read_bytes()
    folder = str(store.parent)
    words = {
        "study": ["study", "--widths", "1-2", "--depths", "1-2", "--work", "1e6", "--out", folder],
        "show": ["show", folder],
        "show --blocks": ["show", folder, "--blocks"],
        "show --figures": ["show", folder, "--figures", folder],
    }[verb]
    done = invoked([*words, *["--json"] * asks_json])
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    text = json.loads(done.stdout)["error"] if asks_json else " ".join(done.output.split())
    assert re.search(said, text), text
    assert store.read_bytes() == before
    assert [child.name for child in store.parent.iterdir()] == [store.name]


def test_a_row_that_is_damaged_while_the_store_is_open_is_named_when_it_is_read(store):
    with Store(store) as ours:
        keys = [key for key, _ in ours]
        place(store, "ranks", "memory", 4, "lots")
        place(store, "blocks", "rank", 2, "many")
        assert ours.get(keys[0]) is not None
        with pytest.raises(StoreError, match="row 4 of the table ranks, the column memory is 'lots'"):
            ours.get(keys[3])
        with pytest.raises(StoreError, match="row 2 of the table blocks, the column rank is 'many'"):
            list(ours.blocks())
        with pytest.raises(StoreError, match=r"the table ranks, the column memory|the table blocks, the column rank"):
            list(STUDY.run(ours))


def test_a_key_that_is_none_is_refused():
    for text in ("x", "[1]", '{"depth": 1}', '{"kind": "a", "b": {}}', '{"kind": "a", "b": [[1]]}', '{"kind": "a", "b": NaN}'):
        with pytest.raises(TensorRankError, match=r"the key of a model is|expected"):
            ModelKey(text)


def test_a_store_that_another_process_holds_is_refused(store, monkeypatch):
    monkeypatch.setattr("tensorrank.studies.store_files._PATIENCE", 0.1)
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        for read_only in (False, True):
            with pytest.raises(StoreError, match=r"is held by another process \(database is locked\); end it"):
                Store(store, read_only=read_only)


READ_ONLY = """
import sys
from tensorrank.errors import StoreError
from tensorrank.studies.store import Store
from studies.damaged_stores import STUDY
path = sys.argv[1]
with Store(path, read_only=True) as store:
    sys.stdout.write(f"{len(list(store))} ranks\\n")
try:
    with Store(path) as store:
        list(STUDY.run(store))
except StoreError as error:
    sys.stdout.write(str(error))
"""


def test_a_store_on_a_read_only_file_system_is_read_and_not_written(store):
    folder, ranks = store.parent, len(damaged_stores.MODELS)
    mount = f"mount --bind '{folder}' '{folder}' && mount -o remount,bind,ro '{folder}'"
    spaces = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if subprocess.run([*spaces, mount], capture_output=True).returncode:
        pytest.skip("no file system can be mounted read-only here")
    with Store(store) as ours:
        first = next(iter(ours))[0]
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DELETE FROM ranks WHERE model = ?", (first.text,))
        connection.commit()
    paths = os.pathsep.join(["tests", *sys.path])
    done = subprocess.run(
        [*spaces, f"{mount} && exec '{sys.executable}' -c \"$PROGRAM\" '{store}'"],
        capture_output=True, text=True, env={**os.environ, "PROGRAM": READ_ONLY, "PYTHONPATH": paths}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, refused = done.stdout.splitlines()
    assert said == f"{ranks - 1} ranks"
    assert "cannot be used" in refused
    assert "expected a writable SQLite file or a writable folder" in refused


@pytest.mark.parametrize("version", [1, 2, 3])
def test_mutants_give_an_answer_or_a_refusal(made, tmp_path, version):
    """A few of the mutants that the fuzz suite makes by the thousand."""
    random.seed(version)
    source = made if version == 3 else old_store(tmp_path, version)
    refused = 0
    for number in range(60):
        path = tmp_path / f"{number}.sqlite"
        shutil.copyfile(source, path)
        mutate(path)
        before = path.read_bytes()
        try:
            with Store(path, read_only=number % 2 == 0) as store:
                for model in damaged_stores.MODELS:
                    store.get(model)
                list(store)
                list(store.blocks())
        except TensorRankError:
            refused += 1
            assert path.read_bytes() == before
    assert 10 < refused < 60


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_is_the_same_when_it_was_only_opened(store, read_only):
    before = store.read_bytes()
    with Store(store, read_only=read_only) as ours:
        list(ours.blocks())
    assert store.read_bytes() == before
    assert [child.name for child in store.parent.iterdir()] == [store.name]


def test_a_reader_leaves_alone_what_a_writer_uses(store):
    with Store(store) as writer:
        key, stored = next(iter(writer))
        with Store(store, read_only=True) as reader:
            assert len(list(reader)) == len(damaged_stores.MODELS)
        writer.put(key, stored.result, stored.limits)
        with Store(store, read_only=True) as reader:
            assert reader.get(key) == stored

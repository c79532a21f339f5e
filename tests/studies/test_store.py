import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

import tensorrank as tr
from tensorrank.errors import StoreError
from tensorrank.separation.limits import Limits
from tensorrank.studies.store import SCHEMA_VERSION, Store

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
        assert [model for model, _ in store] == [MODEL]


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
        assert store.get(MODEL).settles(limits) is settled


def test_the_better_lower_bound_is_kept():
    with Store(":memory:") as store:
        store.put(MODEL, rank_of(200, 232, "lower bound"), LIMITS)
        assert store.put(MODEL, rank_of(100, 232, "lower bound"), Limits(2**31)).value == 200
        assert store.get(MODEL).result.value == 200
        assert store.get(MODEL).settles(Limits(2**31))


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
    with pytest.raises(StoreError, match="file is not a database"):
        Store(path)


def test_a_stranger_s_database_is_left_alone(tmp_path):
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="no store of tensorrank"):
        Store(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


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

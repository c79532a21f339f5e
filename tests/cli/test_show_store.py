"""`tensorrank show STORE`."""

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet
import pytest
from command_line import assert_refused, run

import tensorrank as tr
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.studies.store import Store

LIMITS = Limits(2**30, 1e9)
# SOURCES.md section 2.
KNOWN = {(2, 1, 1): 3, (2, 2, 1): 18, (2, 3, 1): 232, (2, 2, 2): 17, (2, 3, 2): 215, (3, 2, 1): 49, (3, 2, 3): 43}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study with every standing, made without the command line."""
    out = tmp_path_factory.mktemp("store")
    study = tr.Study.over(tr.SelfAttention, width=(2, 3), heads=(1, 2, 3), depth=(1, 2, 3), work=1e9, threads=1)
    with Store(out / "study.sqlite") as store:
        list(study.run(store))
    return out


def shown(*arguments):
    done = run("show", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_ranks_are_listed_in_order_and_the_file_stays_as_it_is(folder):
    before = (folder / "study.sqlite").read_bytes()
    rows = shown(folder)["rows"]
    known = {(row["width"], row["depth"], row["heads"]): row["value"] for row in rows}
    assert {key: known[key] for key in KNOWN} == KNOWN
    assert [(row["width"], row["heads"], row["depth"]) for row in rows] == sorted(
        (row["width"], row["heads"], row["depth"]) for row in rows
    )
    assert rows == shown(folder / "study.sqlite")["rows"]
    done = run("show", folder)
    assert "12 ranks: 11 exact, 1 lower bound" in done.stdout
    assert "width 3, depth 3, heads 1: blocks of" in done.stdout
    assert (folder / "study.sqlite").read_bytes() == before


def test_a_kind_that_the_store_lacks_is_answered_by_those_that_it_has(folder):
    assert_refused(
        run("show", folder, "--kind", "atention"),
        "--kind is 'atention'; the store has models of attention; did you mean 'attention'?",
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--widths", "2", "--depth", "2-3"), {(2, 2, 1), (2, 2, 2), (2, 3, 1), (2, 3, 2)}),
        (("--heads", "3"), {(3, 1, 3), (3, 2, 3), (3, 3, 3)}),
        (("--tokens", "4", "--heads", "2"), {(2, 1, 2), (2, 2, 2), (2, 3, 2)}),
        (("--standing", "probable"), set()),
        (("--standing", "lower bound"), {(3, 3, 1)}),
        (("--widths", "7"), set()),
    ],
)
def test_filters(folder, options, expected):
    rows = shown(folder, *options)["rows"]
    assert {(row["width"], row["depth"], row["heads"]) for row in rows} == expected


def test_bounds_are_no_less_than_those_of_networks_inside_also_of_those_that_the_store_alone_has(tmp_path):
    evidence = {"by_degree": None, "method": "catalecticant", "primes": (), "seeds": (0,), "samples": None}
    evidence |= {"failure_probability": None, "seconds": 0.5}
    with Store(tmp_path / "study.sqlite") as store:
        for heads, value, upper, standing in [(1, 110, 110, "exact"), (4, 104, 11645, "lower bound")]:
            rank = tr.SeparationRank(value=value, lower=value, upper=upper, standing=standing, reason="cut", **evidence)
            store.put(tr.SelfAttention(2, 4 * heads, heads=heads), rank, LIMITS)
    reason = "contains SelfAttention(depth=2, width=4, heads=1, head_dim=4, tokens=8), whose rank is 110 (exact)"
    (row,) = shown(tmp_path, "--widths", 16)["rows"]
    assert (row["value"], row["lower"], row["upper"], row["standing"], row["reason"]) == (
        110,
        110,
        11645,
        "lower bound",
        reason,
    )
    # The bounds in closed form are 104 for two heads of width 4.
    done = run(
        "study",
        "--widths",
        17,
        "--depths",
        2,
        "--heads",
        2,
        "--head-dims",
        4,
        "--work",
        1,
        "--format",
        "none",
        "--out",
        tmp_path,
    )
    assert f"width 17, depth 2, head dim 4: {reason}" in " ".join(done.stdout.split())
    (row,) = csv.DictReader((tmp_path / "ranks.csv").read_text().splitlines())
    assert (row["width"], row["lower"], row["reason"]) == ("17", "110", reason)
    with Store(tmp_path / "study.sqlite", read_only=True) as store:
        assert store.get(tr.SelfAttention(2, 16, heads=4)).result.value == 104


def test_an_empty_choice_is_said(folder):
    assert run("show", folder, "--widths", 7).stdout == "no ranks\n"
    assert run("show", folder, "--widths", 7, "--blocks").stdout == "no blocks\n"


def test_blocks_add_up_to_their_rank(folder):
    blocks = shown(folder, "--blocks", "--width", 3, "--depth", 2, "--heads", 3)["blocks"]
    # By degree 3 18 15 6 1 (43 in all): what is not listed follows from its neighbours.
    assert {(b["degree"], b["rank"]) for b in blocks if b["draw"] == 0} <= set(enumerate((3, 18, 15, 6, 1)))
    assert [b["rank"] for b in blocks if b["degree"] == 2] == [15]
    assert len({b["prime"] for b in blocks}) == 1
    text = run("show", folder, "--blocks", "--width", 3, "--depth", 2).stdout
    assert "complete" in text
    assert all(str(b["prime"]) in text for b in blocks)


def test_blocks_of_a_rank_that_is_not_finished_are_listed(tmp_path):
    path, model = tmp_path / "s.sqlite", tr.SelfAttention(depth=2, width=3)
    with Store(path) as store:
        for seed in (7, 8):
            store.put_block(model, seed, JobKey(0, 8388593, 1, "block"), JobRank(18, 18, 21, True), 0.5, LIMITS)
    whole = shown(path)
    assert whole["rows"] == []
    assert whole["unfinished"] == [{"kind": "attention", **model.to_dict(), "blocks": 2}]
    assert run("show", path).stdout == ("no ranks\nunfinished ranks: 1, of which 2 blocks are finished; --blocks lists them\n")
    blocks = shown(path, "--blocks")["blocks"]
    assert [(row["seed"], row["rank"], row["version"]) for row in blocks] == [(7, 18, tr.__version__), (8, 18, tr.__version__)]
    text = run("show", path, "--blocks").stdout
    assert " seed " in text
    assert text.endswith("unfinished ranks: 1, of which 2 blocks are finished\n")
    for option in (("--width", 2), ("--standing", "exact")):
        left = shown(path, "--blocks", *option)
        assert (left["blocks"], left["unfinished"]) == ([], [])


def test_csv_is_the_table_of_the_study(folder, tmp_path):
    done = run("show", folder, "--export", tmp_path / "t.csv", "--width", 2)
    assert f"written: {tmp_path / 't.csv'}" in done.stdout
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["value"] for row in rows] == ["3", "18", "232", "3", "17", "215"]
    study = run(
        "study",
        "--widths",
        2,
        "--depths",
        "1-3",
        "--heads",
        "1,2",
        "--work",
        1e9,
        "--format",
        "none",
        "--out",
        tmp_path / "out",
    )
    assert study.returncode == 0
    made = list(csv.DictReader((tmp_path / "out" / "ranks.csv").read_text().splitlines()))
    assert {frozenset((k, v) for k, v in row.items() if k != "seconds") for row in rows} == {
        frozenset((k, v) for k, v in row.items() if k != "seconds") for row in made
    }


def test_parquet_has_every_column_and_whole_numbers_of_any_size(folder, tmp_path):
    assert run("show", folder, "--export", tmp_path / "t.parquet").returncode == 0
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist()
    expected = shown(folder)["rows"]
    for name in ("value", "moment_bound"):
        assert [int(row[name]) for row in table] == [int(row[name]) for row in expected]
    assert [row["log3_value"] for row in table] == [row["log3_value"] for row in expected]
    assert run("show", folder, "--blocks", "--export", tmp_path / "b.parquet").returncode == 0
    blocks = pyarrow.parquet.read_table(tmp_path / "b.parquet").to_pylist()
    assert [row["prime"] for row in blocks] == [block["prime"] for block in shown(folder, "--blocks")["blocks"]]


def test_figures_are_made_without_computing(folder, tmp_path):
    done = run("show", folder, "--figures", tmp_path / "pictures", "--json")
    assert {Path(name).name for name in json.loads(done.stdout)["written"]} == {
        f"{name}.{ending}" for name in ("collapse", "knee", "rank_vs_depth", "increments") for ending in ("png", "svg")
    }
    assert all(path.stat().st_size for path in (tmp_path / "pictures").iterdir())


def test_a_store_of_the_first_schema_is_shown(tmp_path):
    old = tmp_path / "old.sqlite"
    shutil.copyfile(Path(__file__).parents[1] / "studies" / "stores" / "version_1.sqlite", old)
    before = old.read_bytes()
    assert len(shown(old)["rows"]) == 12
    assert shown(old, "--blocks")["blocks"] == []
    assert old.read_bytes() == before


def test_what_cannot_be_shown_is_refused(folder, tmp_path):
    assert_refused(run("show", folder, "--standing", "certain"), "--standing is 'certain'; expected one of exact")
    assert_refused(run("show", folder, "--standing", "exct"), "did you mean 'exact'?")
    assert_refused(run("show", folder, "--widths", "a"), "--widths is 'a'; expected whole numbers")
    assert_refused(run("show", folder, "--export", tmp_path / "t.xlsx"), "expected a name that ends in .csv or .parquet")
    assert_refused(run("show", folder, "--export", tmp_path / "no" / "t.csv"), "there is no folder")
    assert_refused(run("show", folder, "--blocks", "--figures", tmp_path), "--figures shows ranks, not --blocks")
    pictures = ("--figures", tmp_path / "f")
    assert_refused(run("show", folder, "--widths", 99, *pictures, "--export", tmp_path / "t.csv"), "no rank is left to picture")
    (tmp_path / "f").write_text("a file")
    assert_refused(run("show", folder, *pictures, "--export", tmp_path / "t.csv"), f"--figures {tmp_path / 'f'} is a file; exp")
    assert not (tmp_path / "t.csv").exists()
    assert_refused(run("show", tmp_path), "there is no study.sqlite in the folder")
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert_refused(run("show", tmp_path / "other.sqlite"), "but no store of tensorrank")
    model = tmp_path / "m.json"
    tr.save(tr.LatentClass([1.0], [[[0.5, 0.5]], [[0.5, 0.5]]]), model)
    assert_refused(run("show", model, "--widths", 2), "--widths cannot be given for")

"""`tensorrank atlas`: lists, filters, exports, adds, and computes entries again."""

import csv
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
from command_line import PARTS, assert_refused
from command_line import run as run_program
from typer.testing import CliRunner

import tensorrank as tr
from tensorrank.atlas.files import PACKAGED, read
from tensorrank.cli import atlas
from tensorrank.cli.main import app
from tensorrank.cli.shared.swept_models import words_of
from tensorrank.studies.store import Store


def run(*arguments):
    """The program within this process."""
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folder for data, which is not there yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "tensorrank" / "atlas.json"


def listed(*options):
    done = run("atlas", *options, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["entries"]


def test_without_a_verb_the_ranks_are_listed(home):
    done = run("atlas")
    assert done.returncode == 0
    assert done.stdout == run("atlas", "list").stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith(" attention depth=3 width=3  "))
    assert line.split()[3:6] == ["3102", "3102", "exact"]
    assert f"{len(tr.Atlas.packaged().entries)} entries: " in done.stdout
    assert "attention depth=2 width=4 tokens=3 " in done.stdout
    assert "recurrent depth=1 hidden=2 channels=2 steps=4 --partition 0,2 " in done.stdout


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (("--width", 4, "--depth", 3, "--tokens", 8), lambda one: (one.width, one.depth, one.tokens) == (4, 3, 8)),
        (("--widths", "2-3", "--depths", 4), lambda one: one.width in (2, 3) and one.depth == 4),
        (("--heads", "2,3", "--kind", "attention"), lambda one: one.heads in (2, 3)),
        (("--width", 99), lambda one: False),
    ],
)
def test_filters_by_size(home, options, fits):
    entries = [entry for entry in tr.Atlas.packaged().entries if isinstance(entry.model, tr.SelfAttention)]
    expected = [json.loads(json.dumps(entry.to_dict())) for entry in entries if fits(entry.model)]
    found = listed(*options)
    assert [{name: value for name, value in one.items() if name != "entry"} for one in found] == expected
    assert options == ("--width", 99) or len(found) > 1


def test_filters_by_kind_and_standing(home):
    assert {one["model"]["kind"] for one in listed("--kind", "recurrent")} == {"recurrent"}
    assert {one["rank"]["standing"] for one in listed("--standing", "probable", "--width", 2)} == {"probable"}
    assert run("atlas", "--width", 99).stdout == "no entries\n"
    assert_refused(
        run("atlas", "--kind", "atention"), "the atlas has models of attention, convolutional, recurrent; did you mean"
    )
    assert_refused(run("atlas", "--standing", "exct"), "did you mean 'exact'?")
    assert_refused(run("atlas", "--widths", "a"), "--widths is 'a'; expected whole numbers")


def test_exports_are_tables_and_atlases(home, tmp_path):
    assert run("atlas", "--depth", 6, "--width", 2, "--export", tmp_path / "t.csv").returncode == 0
    rows = csv.DictReader((tmp_path / "t.csv").read_text().splitlines())
    (row,) = (row for row in rows if (row["tokens"], row["heads"]) == ("4", "1"))
    assert (row["value"], row["primes"], row["seeds"], row["side_a"]) == ("2826912", "613", "0", "0 1")
    assert sum(map(int, row["by_degree"].split())) == 2826912
    done = run("atlas", "--heads", 2, "--export", tmp_path / "t.json")
    assert f"written: {tmp_path / 't.json'}" in done.stdout
    assert read(tmp_path / "t.json") == tuple(
        one for one in tr.Atlas.packaged().entries if getattr(one.model, "heads", None) == 2
    )
    assert_refused(run("atlas", "--export", tmp_path / "t.txt"), "expected a name that ends in .csv or .parquet")
    assert_refused(run("atlas", "--export", tmp_path / "no" / "t.json"), "there is no folder")


def test_an_entry_is_verified_by_primes_that_are_named(home):
    done = run("atlas", "verify", "attention", "depth=2", "width=2", "tokens=9", "output_token=5", "--threads", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "SelfAttention(depth=2, width=2, heads=1, head_dim=2, tokens=4) is 18 (exact): repeated modulo "
    )
    done = run("atlas", "verify", "attention", "depth=2", "width=2", "heads=2", "--engine", "float64", "--seed", 7, "--json")
    found = json.loads(done.stdout)
    assert (found["outcome"], found["rank"]["value"], found["rank"]["seeds"]) == ("repeated", 17, [7])
    assert all(str(prime) in found["sentence"] for prime in found["rank"]["primes"])
    assert not home.exists()


def test_what_cannot_be_verified_is_said(home):
    unknown, words = ("attention", "depth=2", "width=99"), "SelfAttention(depth=2, width=99, heads=1, head_dim=99, tokens=198)"
    assert_refused(run("atlas", "verify", *unknown), f"the atlas has no entry of {words}; `tensorrank atlas` lists")
    assert_refused(run("atlas", "verify", *unknown, "--partition", "0"), f"no entry of {words} between 0 | 1,2,3,")
    assert_refused(run("atlas", "verify", "atention", "depth=2"), "'atention' is no kind of model; expected one of attention")
    assert_refused(
        run("atlas", "verify", "attention", "depth=2-3", "width=2"), "depth has 2 values; expected one, such as depth=2"
    )
    assert_refused(run("atlas", "verify", "attention", "depth=2"), "attention: missing a required argument: 'width'")
    assert_refused(run("atlas", "verify", "recurrent", "depth"), "'depth' was given; expected a size and its values")
    done = run("atlas", "verify", "attention", "depth=3", "width=3", "--work", 1e6, "--threads", 1)
    assert (done.returncode, done.stderr) == (1, "")
    assert "is 3102 (exact) in the atlas, but only ≥ " in done.stdout


def test_an_interrupt_ends_a_verification_and_progress_is_told_until_then(home, monkeypatch):
    def interrupted(model, partition, *, progress, **options):
        progress(1.0, 2.0, "half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr("tensorrank.atlas.atlas.separation_rank", interrupted)
    done = run("atlas", "verify", "attention", "depth=2", "width=2")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
    assert not home.exists()


NARROW = tr.SelfAttention(2, 4, heads=3, head_dim=1, tokens=2)


def tampered(home, model, value):
    """The user's atlas with one entry of their own with another value in the place of its own; it is named in words."""
    home.parent.mkdir(parents=True)
    tr.Atlas.packaged().add(tr.separation_rank(model, threads=1)).save(home)
    content = json.loads(home.read_text())
    (entry,) = content["entries"]
    rank = entry["rank"]
    rank.update(value=value, lower=value, by_degree=None, upper=value if rank["standing"] == "exact" else rank["upper"])
    home.write_text(json.dumps(content))
    return words_of(model).split()


@pytest.mark.parametrize(
    ("model", "value", "words"),
    [
        # The first rank is at most 4; the second is 55, by a grid of the layers with FLINT.
        (tr.RecurrentCircuit(1, 4, 4, 4), 3, "is 3 (exact), which is not exact: the proven upper bound is 4"),
        (tr.RecurrentCircuit(1, 4, 4, 4), 5, "is 5 (exact), which is beyond a proven bound: the rank is at most 4"),
        (NARROW, 54, "is 54 (probable) in the atlas, but 55 (probable) was computed modulo"),
        (NARROW, 56, "is 56 (probable) in the atlas, but 55 (probable) was computed modulo"),
    ],
)
def test_an_entry_that_was_tampered_with_is_refuted_in_one_sentence_and_nothing_changes(home, model, value, words):
    entry = tampered(home, model, value)
    before = {path: (path.read_bytes(), os.stat(path).st_mtime_ns) for path in (home, PACKAGED)}
    done = run("atlas", "verify", *entry)
    assert_refused(done, words)
    assert len(done.stderr.splitlines()) == 1
    done = run("atlas", "verify", *entry, "--json")
    assert (done.returncode, list(json.loads(done.stdout))) == (2, PARTS)
    assert {path: (path.read_bytes(), os.stat(path).st_mtime_ns) for path in before} == before
    assert [path.name for path in home.parent.iterdir()] == ["atlas.json"]


def test_a_store_is_added_and_adding_it_again_writes_nothing(home, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    with Store(folder / "study.sqlite") as store:
        list(tr.Study([tr.SelfAttention(2, 2), tr.RecurrentCircuit(1, 5, 2, 4)], threads=1).run(store))
        list(tr.Study([tr.HiddenMarkov.random(2, 2, 4, seed=0)], threads=1).run(store))
    done = run("atlas", "add", folder)
    assert done.returncode == 0, done.stderr
    assert "1 added, 0 improved, 1 known before" in done.stdout
    assert "left out: 1 rank of kind hidden_markov, whose tables are not in the store" in done.stdout
    (entry,) = read(home)
    assert (entry.model, entry.rank.value, entry.source) == (tr.RecurrentCircuit(1, 5, 2, 4), 4, str(folder))
    before = os.stat(home).st_mtime_ns
    done = run("atlas", "add", folder / "study.sqlite", "--json")
    assert json.loads(done.stdout) == {
        "atlas": str(home),
        "added": [],
        "improved": [],
        "known": 2,
        "left_out": ["1 rank of kind hidden_markov, whose tables are not in the store"],
    }
    assert os.stat(home).st_mtime_ns == before
    assert "recurrent depth=1 hidden=5 channels=2 steps=4" in run("atlas", "--kind", "recurrent").stdout


def test_a_result_of_the_command_line_is_added_with_its_source(home, tmp_path):
    mine, result = tmp_path / "mine.json", tmp_path / "rank.json"
    result.write_text(
        run("rank", "circuit", "recurrent", "--depth", 1, "--hidden", 6, "--channels", 2, "--steps", 4, "--json").stdout
    )
    done = run("atlas", "add", result, "--source", "a test", "--atlas", mine)
    assert done.stdout == f"1 added, 0 improved, 0 known before\nwritten: {mine}\n"
    assert [(entry.rank.value, entry.source) for entry in read(mine)] == [(4, "a test")]
    words = ("recurrent", "depth=1", "hidden=6", "channels=2", "steps=4")
    assert "repeated modulo" in run("atlas", "verify", *words, "--method", "grid", "--atlas", mine).stdout
    assert_refused(run("atlas", "verify", *words, "--method", "gird", "--atlas", mine), "did you mean 'grid'?")
    assert not home.exists()


def test_what_tells_more_takes_the_place_of_what_the_user_had(home, tmp_path):
    network, mine, result = tr.SelfAttention(3, 2, heads=2, tokens=3), tmp_path / "mine.json", tmp_path / "rank.json"
    for work in (1e5, None):
        result.write_text(json.dumps(tr.separation_rank(network, work=work).to_dict()))
        done = run("atlas", "add", result, "--atlas", mine)
    assert done.stdout.startswith(f"improved: {network} was ≥ ")
    assert "0 added, 1 improved, 0 known before" in done.stdout
    assert [(entry.rank.value, entry.rank.standing) for entry in read(mine)] == [(125, "exact")]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks on folders")
def test_of_two_that_add_at_the_same_time_none_loses_its_entries(home, tmp_path, monkeypatch):
    mine, both_have_read, read_file = tmp_path / "mine.json", threading.Barrier(2), tr.Atlas.load.__func__
    results = []
    for hidden in (5, 6):
        results.append(tmp_path / f"{hidden}.json")
        results[-1].write_text(json.dumps(tr.separation_rank(tr.RecurrentCircuit(1, hidden, 2, 4)).to_dict()))

    def load(cls, file=None):
        found = read_file(cls, file)
        # Whoever reads waits for the other to read, too, but not for ever: it may be held back.
        with suppress(threading.BrokenBarrierError):
            both_have_read.wait(timeout=1)
        return found

    mine.write_bytes(empty_atlas())
    monkeypatch.setattr(tr.Atlas, "load", classmethod(load))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda result: atlas.add(result, None, atlas=mine, json=True), results))
    assert {entry.model.hidden for entry in read(mine)} == {5, 6}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["5.json", "6.json", "mine.json"]


def empty_atlas():
    return b'{"format": "tensorrank atlas", "version": 1, "entries": []}'


@pytest.mark.parametrize("content", [b"{", b'{"format": "a diary"}', None])
def test_a_damaged_atlas_of_the_user_ends_no_study_and_is_told_once(home, tmp_path, content):
    if content is None:
        tampered(home, tr.SelfAttention(1, 2, heads=5, head_dim=1), 2)
    else:
        home.parent.mkdir(parents=True)
        home.write_bytes(content)
    before = home.read_bytes()
    figures = {f"{name}.png" for name in ("collapse", "knee", "rank_vs_depth", "increments")}
    done = run("study", "--width", 2, "--depths", "1-2", "--format", "png", "--out", tmp_path / "out", "--threads", 1)
    assert done.returncode == 0
    assert figures < {path.name for path in (tmp_path / "out").iterdir()}
    shown = run("show", tmp_path / "out", "--figures", tmp_path / "pictures", "--format", "png", "--json")
    assert {os.path.basename(path) for path in json.loads(shown.stdout)["written"]} == figures
    for said in (done.stderr, shown.stderr):
        assert said.count("the figures are made without your own atlas: ") == 1
        assert str(home) in said
    assert home.read_bytes() == before


def test_a_contradiction_is_named_in_one_sentence_and_nothing_is_added(home, tmp_path):
    folder = tmp_path / "study.sqlite"
    with Store(folder) as store:
        list(tr.Study([tr.RecurrentCircuit(1, 5, 2, 4), tr.SelfAttention(2, 2)], threads=1).run(store))
        store._connection.execute(
            "UPDATE ranks SET value = '19', lower = '19', upper = '19', result = json_remove(json_set(result, "
            "'$.value', 19, '$.lower', 19, '$.upper', 19), '$.by_degree') WHERE json_extract(model, '$.kind') = 'attention'"
        )
        store._connection.execute("UPDATE ranks SET result = json_set(result, '$.by_degree', NULL) WHERE value = '19'")
    done = run("atlas", "add", folder)
    assert_refused(
        done, f"is 19 (exact) in {folder}, which is beyond a proven bound: the rank is at most 18; nothing was added"
    )
    assert len(done.stderr.splitlines()) == 1
    assert not home.exists()
    assert_refused(run("show", folder), f"{folder}: SelfAttention(depth=2, width=2, ")
    assert_refused(run("show", folder), "is 19 (exact), which is beyond a proven bound: the rank is at most 18. Delete its row")


def test_what_is_nothing_to_add_is_refused(home, tmp_path):
    assert_refused(run("atlas", "add", tmp_path), "there is no study.sqlite in the folder")
    assert_refused(run("atlas", "add", tmp_path / "no.json"), "no.json cannot be read")
    (tmp_path / "odd.json").write_text('{"depth": 3}')
    assert_refused(
        run("atlas", "add", tmp_path / "odd.json"), "odd.json: {'depth': 3} was given; expected the store of a study"
    )
    assert_refused(run("atlas", "add", tmp_path / "odd.json", "--atlas", tmp_path / "no" / "a.json"), "there is no folder")
    assert_refused(
        run("atlas", "--atlas", tmp_path / "odd.json"), "odd.json: an object of 'depth' was given; expected an atlas"
    )


def test_in_a_pipe_every_line_is_plain_and_an_error_is_one_line(home):
    done = run_program("atlas", "--width", 2, "--depth", 2, "--heads", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert_refused(run_program("atlas", "verify", "attention", "depth=9", "width=9"), "the atlas has no entry of")


def test_a_size_that_is_misspelt_is_answered_by_the_nearest(home):
    done = run("atlas", "verify", "attention", "depht=2", "width=2")
    assert_refused(done, "attention has no size 'depht'; expected one of depth, width, ")
    assert "did you mean 'depth'?" in done.stderr


def test_what_is_no_model_is_sent_to_the_atlas(home, tmp_path):
    (tmp_path / "rank.json").write_text(run("rank", "attention", "--depth", 2, "--width", 2, "--json").stdout)
    assert_refused(run("show", tmp_path / "rank.json"), "expected a model. `tensorrank atlas add` takes it")
    assert run("atlas", "--width", 2, "--export", tmp_path / "ranks.json").returncode == 0
    assert_refused(run("show", tmp_path / "ranks.json"), "this is an atlas; expected a model")

"""`tensorrank study` and `tensorrank show` of other models than attention."""

import csv
import json

import pytest
from command_line import assert_refused, run
from studies.other_kinds import hidden_markov

import tensorrank as tr

CIRCUITS = ("study", "recurrent", "depth=1-2", "hidden=2,3", "channels=2", "steps=4,6")
# SOURCES.md, section 4: min(R, M^(T/2)) at depth 1, and what was measured at depth 2.
KNOWN = {(1, 2, 4): 2, (1, 2, 6): 2, (1, 3, 4): 3, (1, 3, 6): 3, (2, 2, 4): 4, (2, 2, 6): 8, (2, 3, 4): 4, (2, 3, 6): 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with circuits, mixtures and attention."""
    out = tmp_path_factory.mktemp("kinds")
    for seed in (1, 2):
        tr.save(hidden_markov(seed, 2), out / f"{seed}.json")
    for study in (CIRCUITS, ("study", out / "1.json", out / "2.json"), ("study", "--widths", 2, "--depths", 1)):
        done = run(*study, "--out", out)
        assert done.returncode == 0, done.stderr
    return out


def shown(*arguments):
    done = run("show", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ranks_of_circuits_are_the_known_ones_and_kept(tmp_path):
    for computed in (8, 0):
        done = run(*CIRCUITS, "--out", tmp_path, "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert {(row["depth"], row["hidden"], row["steps"]): row["value"] for row in found["rows"]} == KNOWN
        assert (found["summary"]["computed"], found["figures"]) == (computed, [])
    table = list(csv.DictReader((tmp_path / "ranks.csv").read_text().splitlines()))
    assert list(table[0])[:6] == ["kind", "channels", "depth", "hidden", "steps", "value"]
    assert [int(row["value"]) for row in table] == list(KNOWN.values())


def test_gates_of_every_layer_are_joined_by_a_plus(tmp_path):
    sizes = ("depth=2", "width=2", "state=2", "tokens=4", "head_dim=1", "gates=none,none+inputs")
    done = run("study", "gated", *sizes, "--out", tmp_path, "--format", "none")
    # binom(n + 3, 3) + n + 1 without gates above, binom(n + r + 2, n) + binom(n + r + 1, n) with r steps to come.
    assert [line.split()[:2] for line in done.stdout.splitlines() if "exact" in line and "none" in line] == [
        ["none", "13"],
        ["none+inputs", "25"],
    ]


def test_graphs_are_swept_by_name_or_by_their_edges(tmp_path):
    sizes = ("edges=cycle:3,0-1+1-2,0-1+", "depth=1,2", "width=2")
    done = run("study", "graph", *sizes, "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    # One layer has rank 2; with two, walks of one step from the boundary of [0]: 9, 5 and 4.
    found = {("+".join(row["edges"]), row["depth"]): row["value"] for row in json.loads(done.stdout)["rows"]}
    assert found == {
        **{(edges, 1): 2 for edges in ("0-1+0-2+1-2", "0-1+1-2", "0-1")},
        ("0-1+0-2+1-2", 2): 10,
        ("0-1+1-2", 2): 6,
        ("0-1", 2): 5,
    }


def test_the_table_has_what_differs_below_what_is_common(tmp_path):
    done = run("study", "convolutional", "sites=4", "channels=2", "widths=2x2,3x", "pooling=mirror", "--out", tmp_path)
    assert "convolutional: channels 2, pooling mirror, shared no, sites 4" in done.stdout
    rows = [line.split()[:2] for line in done.stdout.splitlines() if line.strip().startswith(("2x2 ", "3 "))]
    assert rows == [["2x2", "4"], ["3", "3"]]
    assert f"The table: {tmp_path / 'ranks.csv'}\nAlso there:  study.sqlite\n" in done.stdout


def test_variants_of_attention_can_be_swept(tmp_path):
    sizes = ("width=2", "depth=2", "heads=1", "head_dim=1", "residual=true,false")
    done = run("study", "attention", *sizes, "--out", tmp_path, "--json")
    # SOURCES.md, section 2: residual connections raise 8 to 10.
    assert [(row.get("residual"), row["value"]) for row in json.loads(done.stdout)["rows"]] == [(True, 10), (None, 8)]


def test_a_store_shows_all_kinds_and_filters_those_that_have_the_size(folder):
    assert {row["kind"] for row in shown(folder)["rows"]} == {"attention", "hidden_markov", "recurrent"}
    assert [row["value"] for row in shown(folder, "--kind", "hidden_markov")["rows"]] == [2, 2]
    assert len({row["digest"] for row in shown(folder, "--kind", "hidden_markov")["rows"]}) == 2
    one = shown(folder, "--depths", 1)
    assert {row["kind"] for row in one["rows"]} == {"attention", "recurrent"}
    assert one["notes"] == ["--depths cannot filter models of kind hidden_markov, which have no depth: 2 left out"]
    text = run("show", folder, "--widths", 2).stdout
    assert "--widths cannot filter models of kind recurrent, which have no width: 8 left out" in text
    assert "11 ranks: 11 exact" in run("show", folder).stdout
    blocks = run("show", folder, "--blocks", "--kind", "recurrent").stdout
    # Ranks of depth 1 are known by a theorem.
    assert blocks.count("recurrent") == len(shown(folder, "--blocks", "--kind", "recurrent")["blocks"]) == 4


def test_columns_of_an_export_are_those_of_the_kinds_in_it(folder, tmp_path):
    headers = {}
    for kind in ("attention", "recurrent"):
        assert run("show", folder, "--kind", kind, "--export", tmp_path / "t.csv").returncode == 0
        headers[kind] = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert headers["attention"].startswith("width,depth,heads,head_dim,tokens,value,")
    assert headers["recurrent"].startswith("kind,channels,depth,hidden,steps,value,")
    assert run("show", folder, "--export", tmp_path / "t.csv").returncode == 0
    assert (tmp_path / "t.csv").read_text().startswith("kind,channels,depth,digest,head_dim,heads,hidden,parameters,")


def test_models_that_cannot_be_are_refused(folder, tmp_path):
    def refused(*words, message):
        assert_refused(run("study", *words, "--out", tmp_path), message)

    refused("recurent", "depth=1", message="'recurent' is no model file and no kind of model; expected one of")
    refused("recurrent", "depth", message="'depth' was given; expected a size and its values, such as depth=1-3")
    refused("recurrent", "depht=1", message="did you mean 'depth'?")
    refused("recurrent", "depth=1", "depth=2", message="'depth=2' was given; expected each size once")
    refused("attention", "width=1", "depth=1", "seed=3", message="'seed=3' was given; expected each size once, and")
    refused("attention", "width=1", "depth=1", "models=3", message="SelfAttention has no size 'models'")
    refused("recurrent", "depth=1", "hidden=2", message="RecurrentCircuit also needs channels and steps")
    refused("recurrent", "depth=0", "hidden=2", "channels=2", "steps=4", message="depth is 0; expected a whole number")
    refused("recurrent", "--widths", 2, message="--widths cannot be given beside recurrent")
    refused("recurrent", "--tokens", "", message="--tokens cannot be given beside recurrent")
    refused(folder / "ranks.csv", message="ranks.csv")
    assert_refused(run("show", folder, "--kind", "recurrent", "--figures", tmp_path), "of which none is left")

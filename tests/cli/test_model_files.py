"""`tensorrank rank FILE` and `tensorrank show FILE`."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from command_line import PARTS, invoked, run

from tensorrank.mixtures.formats.files import save
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def invoke(*arguments):
    return invoked(arguments, catch_exceptions=False)


def refused(message, *arguments):
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "h.json"
    save(HiddenMarkov.random(2, 2, 8, seed=0), path)
    return path


@pytest.mark.parametrize(
    ("partition", "rank"),
    # SOURCES.md, section 4: the interleaved unfolding of (2, 2, 8) has rank 16. Every other cut: the number of blocks.
    [("halves", 2), ("interleaved", 16), ("0,2,4", 8), ("0-3", 2), ("0", 2)],
)
def test_known_ranks_of_a_chain(chain, partition, rank):
    done = invoke("rank", chain, "--partition", partition, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert (values["value"], values["standing"]) == (rank, "exact")
    assert len(values["partition"][0]) + len(values["partition"][1]) == 8
    about = {"kind": "hidden_markov", "sites": 8, "states": 2, "homogeneous": True, "parameters": 5, "over_fractions": False}
    assert about.items() <= values["model"].items()


def test_prefix_ranks_of_a_balanced_tree(tmp_path):
    # SOURCES.md, section 4: balanced LTM r = 2, N = 8: 2 2 4 2 4 2 2.
    save(TensorialMixture.random(3, 2, 2, seed=0, fractions=True), tmp_path / "t.json")
    found = [
        json.loads(invoke("rank", tmp_path / "t.json", "--partition", f"0-{cut}", "--json").stdout)["value"] for cut in range(7)
    ]
    assert found == [2, 2, 4, 2, 4, 2, 2]


def test_the_installed_program_ranks_a_file(chain):
    done = run("rank", chain, "--partition", "interleaved")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "HiddenMarkov(8 variables, 2 states, 2 symbols, homogeneous)"
    assert done.stdout.splitlines()[1].startswith("SeparationRank 16 (exact): ")


def test_rank_takes_every_option_even_before_the_file(chain):
    luck = ("--seed", 3, "--draws", 2, "--primes", "8388593,2147483647")
    done = invoke(
        "rank", "--partition", "interleaved", *luck, chain, "--memory", "1GiB", "--work", "1e12", "--threads", 1, "--json"
    )
    values = json.loads(done.stdout)
    assert (values["value"], values["primes"][0], values["seeds"][0]) == (16, 8388593, 3)
    planned = json.loads(invoke("rank", chain, "--plan", "--json").stdout)
    assert (planned["method"], planned["upper"], planned["model"]["kind"]) == ("grid", 2, "hidden_markov")


def test_a_file_may_have_the_name_of_a_kind(chain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("attention", "file", "FILE"):
        chain.with_name(name).write_text(chain.read_text())
    assert json.loads(invoke("rank", "./attention", "--json").stdout)["value"] == 2
    assert json.loads(invoke("rank", "file", "--json").stdout)["value"] == 2
    assert json.loads(invoke("rank", "FILE", "--json").stdout)["value"] == 2
    assert json.loads(invoke("rank", "attention", "--depth", 2, "--width", 2, "--json").stdout)["value"] == 18


def test_help_shows_both_uses(chain):
    group = " ".join(invoke("rank", "--help").stdout.split())
    assert "Usage: tensorrank rank [OPTIONS] FILE | KIND [ARGS]..." in group.replace("root", "tensorrank")
    assert "FILE is a mixture model in JSON, as docs/reference/files.md describes it" in group
    assert "Example: tensorrank rank h.json --partition interleaved" in group
    assert "Example: tensorrank rank attention --depth 3 --width 3" in group
    for name in (chain, "missing.json"):
        own = " ".join(invoke("rank", name, "--help").stdout.split())
        assert "Example: tensorrank rank h.json --partition interleaved" in own
        assert "--partition" in own
    for verb in ("show", "reduce"):
        assert f"Example: tensorrank {verb} h.json" in " ".join(invoke(verb, "--help").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("atention", "--depth", 3),
            (
                "'atention' is no file and no kind of model; without a model file (docs/reference/files.md), expected "
                "one of attention, higher-order, gated, graph, softmax, circuit; did you mean 'attention'?"
            ),
        ),
        (("m.json",), "'m.json' is no file and no kind of model; without a model file"),
    ],
)
def test_neither_a_file_nor_a_kind(arguments, message):
    refused(message, "rank", *arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--partition", "left"), "--partition is 'left'; expected halves, interleaved, or the variables of side A"),
        (("--partition", "0,8"), "the partition names site 8; the model has sites 0 to 7"),
        (("--primes", "15"), "the modulus 15 is not a prime"),
        (("--draws", "0"), "draws is 0"),
    ],
)
def test_bad_options_of_a_file(chain, options, message):
    refused(message, "rank", chain, *options)


def test_bad_files_are_refused_in_a_line_by_every_verb(tmp_path):
    path = tmp_path / "m.json"
    path.write_text('{"model": "hidden_markov", "version": 1, "initial": [0.5')
    for verb in (("rank", path), ("show", path), ("reduce", path, "--to", "latent_tree")):
        refused(f"{path}: ", *verb)
        refused("it seems to be cut off", *verb)
        folder = "there is no study.sqlite in the folder" if verb[0] == "show" else "cannot be read (Is a directory)"
        refused(folder, verb[0], tmp_path, *verb[2:])
    refused("m.json cannot be read (Not a directory)", "show", path / "m.json")


def test_a_store_of_a_study_is_no_model_file(tmp_path):
    with closing(sqlite3.connect(tmp_path / "study.sqlite")) as connection:
        connection.execute("CREATE TABLE t (x)")
    refused("this is an SQLite file, as `tensorrank study --out` keeps ranks in", "rank", tmp_path / "study.sqlite")
    refused("an SQLite file, but no store of tensorrank", "show", tmp_path / "study.sqlite")


SUM_PRODUCT = SumProduct(
    {"a": LeafNode(0, [1, 0]), "b": LeafNode(1, [0, 1]), "p": ProductNode(("a", "b")), "s": SumNode(("p",), [1])}, "s"
)
TREE = LatentTree("r", [0.5, 0.5], [("r", "y", np.eye(2)), ("r", "x", np.eye(2))], ["x", "y"])


@pytest.mark.parametrize(
    ("model", "fields", "lines"),
    [
        (
            LatentClass.random([2, 3], 4, 0),
            {"classes": 4, "parameters": 15, "size": 24, "shape": [2, 3]},
            ["variables       2, of 2 to 3 values", "tables          floats", "parameters      15", "classes         4"],
        ),
        (
            HiddenMarkov.random(3, 2, 4, 0, homogeneous=False, fractions=True),
            {"states": 3, "homogeneous": False},
            ["tables          fractions", "hidden states   3, tables for each step"],
        ),
        (
            TREE,
            {"hidden": 1, "states": 2, "leaves": ["x", "y"], "table_entries": 10},
            ["hidden          1 variables of at most 2 states", "leaves          'x' is variable 0, 'y' is variable 1"],
        ),
        (TensorialMixture.random(2, 3, 2, 0), {"depth": 2, "states": 3}, ["hidden states   at most 3, on 2 levels"]),
        (
            Hierarchical.random([2] * 4, 3, 0),
            {"nodes": 7, "ranks": [3, 3, 3, 3, 3, 3, 1]},
            ["nodes           7, of 1 to 3 functions"],
        ),
        (
            SUM_PRODUCT,
            {"nodes": 4, "edges": 3, "size": 3, "table_entries": 5, "over_fractions": True},
            ["nodes           4, with 3 edges"],
        ),
        (
            HiddenMarkov([1], [[1]], [[0.5, 0.5]], 2, densities=Gaussians([1, 2], [1, 1])),
            {"components": "gaussian"},
            ["variables       2, of 2 Gaussian components"],
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_show_says_what_a_model_is(model, fields, lines, tmp_path):
    path = tmp_path / "m.json"
    save(model, path)
    values = json.loads(invoke("show", path, "--json").stdout)
    assert {"kind": model.kind, "sites": model.sites, **fields}.items() <= values["model"].items()
    text = invoke("show", path).stdout.splitlines()
    assert text[0] == repr(model)
    assert set(lines) <= set(text)


def test_show_bounds_the_ranks(chain, tmp_path):
    bounds = "rank at most    2 (halves), 16 (interleaved)"
    assert bounds in invoke("show", chain).stdout
    assert json.loads(invoke("show", chain, "--json").stdout)["rank_bounds"] == {"halves": 2, "interleaved": 16}
    save(LatentClass([1], [[[0.5, 0.5]]]), tmp_path / "one.json")
    assert "rank at most" not in invoke("show", tmp_path / "one.json").stdout


def test_long_bounds_are_shown_as_text(tmp_path):
    save(SumProduct.perfect_matchings(200, 2, seed=0), tmp_path / "s.json")
    bounds = json.loads(invoke("show", tmp_path / "s.json", "--json").stdout)["rank_bounds"]
    assert all(isinstance(bound, str) and int(bound) > 2**53 for bound in bounds.values())


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000, "loop", "/dev/zero"], ids=["long", "deep", "loop", "device"])
@pytest.mark.parametrize("verb", ["show", "rank", "study", "reduce", "approximate"])
def test_paths_that_lead_to_no_file_are_refused_by_every_verb(verb, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    more = {"reduce": ("--to", "sum_product")}.get(verb, ())
    done = invoke(verb, name, *more, "--json")
    assert (done.exit_code, list(json.loads(done.stdout))) == (2, PARTS)

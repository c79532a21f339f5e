"""`tensorrank rank` for attention's variants, circuits and softmax; `tensorrank compare`."""

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest
from command_line import assert_refused, invoked, run

from tensorrank.experiments import comparison

ATTENTION = ("rank", "attention", "--depth", 2)
RECURRENT = ("rank", "circuit", "recurrent", "--depth", 2, "--hidden", 2, "--channels", 2, "--steps", 8)
# Closed forms of one layer: min(state, width) + 1 without gates, state (runs - 1) + 1 with gates made of the inputs.
GATED = ("rank", "gated", "--depth", 1, "--width", 2, "--state", 2, "--tokens", 6, "--gates", "none")
GRAPH = ("rank", "graph", "--depth", 2, "--width", 2)
CONVOLUTIONAL = ("rank", "circuit", "convolutional", "--sites", 8, "--channels", 2, "--widths", "2,2,2")
SOFTMAX = ("rank", "softmax", "--depth", 1, "--width", 2)


@pytest.mark.parametrize(
    ("arguments", "rank", "standing"),
    [
        # SOURCES.md, sections 2 and 4.
        ((*ATTENTION, "--width", 2, "--head-dim", 1, "--residual"), 10, "probable"),
        ((*ATTENTION, "--width", 3, "--embedding-rank", 2), 18, "exact"),
        ((*ATTENTION, "--width", 3, "--embedding-rank", 1, "--positional"), 18, "exact"),
        ((*ATTENTION, "--width", 2, "--partition", "interleaved", "--output-token", 3), 18, "exact"),
        (("rank", "attention", "--depth", 3, "--width", 1, "--causal", "--tokens", 4), 26, "probable"),
        (RECURRENT, 10, "exact"),
        (GATED, 3, "exact"),
        ((*GATED, "--gates", "inputs", "--partition", "interleaved"), 11, "exact"),
        # A vertex at the end of a path: 5 walks, so 5 + 1 exponents.
        ((*GRAPH, "--graph", "path:4", "--partition", 0), 6, "exact"),
        ((*GRAPH, "--graph", "0-1,1-2+2-3", "--partition", 0, "--output-vertex", 0), 3, "exact"),
        (CONVOLUTIONAL, 2, "exact"),
        ((*CONVOLUTIONAL, "--partition", "interleaved"), 16, "exact"),
        ((*CONVOLUTIONAL, "--pooling", "mirror", "--shared"), 16, "exact"),
    ],
    ids=str,
)
def test_known_ranks_as_json(arguments, rank, standing):
    done = run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert (values["value"], values["standing"]) == (rank, standing)


def test_a_rank_known_by_a_theorem_is_printed_with_it():
    large = ("rank", "attention", "--depth", 96, "--width", 12288, "--tokens", 2)
    words = "known by the theorem on two tokens, binom(d + C, d) with d = 12288 and C = (3^96 - 1) / 2"
    name, rank = run(*large).stdout.splitlines()
    assert name.startswith("SelfAttention(depth=96, width=12288")
    assert rank.startswith("SeparationRank 3^1077752.66 (exact): lower 3^1077752.66 = upper bound 3^1077752.66")
    assert f"; {words}; theorem, " in rank
    assert run(*large, "--plan").stdout.splitlines()[1] == f"rank 3^1077752.66 (exact), {words}; nothing to compute"


def test_given_weights_and_primes_are_planned_and_computed_with(tmp_path):
    ones = {name: np.ones((2, 1, 2, 2), dtype=int) for name in ("query", "key", "value", "output")}
    np.savez(tmp_path / "ones.npz", **ones)
    small = (*ATTENTION, "--width", 2, "--tokens", 2)
    for options in (("--weights", tmp_path / "ones.npz"), ("--primes", 2147483647), ("--method", "grid")):
        assert "theorem" not in run(*small, *options, "--plan").stdout
        assert json.loads(run(*small, *options, "--json").stdout)["method"] in ("catalecticant", "grid")


def test_json_names_the_variant():
    done = run(*ATTENTION, "--width", 4, "--heads", 2, "--kv-heads", 1, "--residual", "--partition", "0,3", "--json")
    values = json.loads(done.stdout)
    five = {"depth": 2, "width": 4, "heads": 2, "head_dim": 2, "tokens": 8}
    assert values["model"] == {"kind": "attention", **five, "kv_heads": 1, "residual": True}
    assert values["partition"] == [[0, 3], [1, 2, 4, 5, 6, 7]]


def test_a_circuit_is_described_by_its_sizes():
    assert json.loads(run(*RECURRENT, "--json").stdout)["model"] == {
        "kind": "recurrent",
        "depth": 2,
        "hidden": 2,
        "channels": 2,
        "steps": 8,
    }
    assert json.loads(run(*CONVOLUTIONAL, "--json").stdout)["model"]["widths"] == [2, 2, 2]


@pytest.mark.parametrize("verb", [RECURRENT[:3], CONVOLUTIONAL[:3], SOFTMAX[:2], ("compare",)])
def test_every_kind_has_help_with_an_example(verb):
    done = run(*verb, "--help")
    assert done.returncode == 0
    assert "Example: tensorrank " + " ".join(verb) in " ".join(done.stdout.split())


def test_softmax_is_numerical_and_says_how_far_to_trust_it():
    done = run(*SOFTMAX, "--rtol", "1e-6", "--samples", 64)
    assert (done.returncode, done.stderr) == (0, "")
    assert "(numerical): relative tolerance 1e-06; gap" in done.stdout
    values = json.loads(run(*SOFTMAX, "--samples", 64, "--json").stdout)
    assert (values["standing"], values["upper"], len(values["spectrum"]["spectrum"])) == ("numerical", None, 64)


def test_given_weights_of_a_circuit_are_used(tmp_path):
    shapes = {"input": (2, 2), "between": (1, 2, 2), "recurrent": (2, 2, 2), "initial": (2, 2), "output": (2,)}
    np.savez(tmp_path / "w.npz", **{name: np.zeros(shape) for name, shape in shapes.items()})
    done = run(*RECURRENT, "--weights", tmp_path / "w.npz", "--json")
    assert json.loads(done.stdout)["value"] == 0


def test_a_plan_says_what_follows_if_the_leading_form_falls_short():
    done = run(*ATTENTION, "--width", 3, "--head-dim", 1, "--residual", "--method", "catalecticant", "--plan")
    assert "if these fall short, all 210 x 630 derivatives at once" in done.stdout
    assert "grid of up to" in run(*RECURRENT, "--plan").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*ATTENTION, "--width", 2, "--causal"), "under a causal mask every further token matters"),
        ((*ATTENTION, "--width", 2, "--embedding-rank", 3), "embedding_rank is 3; expected at most the width 2"),
        ((*ATTENTION, "--width", 4, "--heads", 4, "--kv-heads", 3), "kv_heads is 3; expected a divisor of heads, 4"),
        ((*ATTENTION, "--width", 2, "--output-token", 4), "output_token is 4; expected one of the tokens 0 to 3"),
        ((*RECURRENT[:-1], 1), "steps is 1; expected a whole number of at least 2"),
        ((*RECURRENT, "--partition", "left"), "--partition is 'left'; expected halves, interleaved, or the sites of side A"),
        ((*CONVOLUTIONAL, "--pooling", "max"), "the pooling is 'max'; expected one of neighbours, mirror"),
        ((*CONVOLUTIONAL[:-1], "2,2,2,2"), "4 levels were asked for, but 3 pool all 8 sites"),
        ((*SOFTMAX, "--causal"), "under a causal mask every further token matters"),
        ((*SOFTMAX, "--rtol", -1), "rtol is -1"),
        (("compare", "--families", "rnn"), "a family is 'rnn'; expected one of attention, recurrent"),
        (("compare", "--families", "attention,recurent"), "did you mean 'recurrent'?"),
        (("compare", "--budgets", "3"), "the budgets are 3; expected at least 16"),
        (("compare", "--parameters", 32, "--out", "/dev/null/x"), "--out /dev/null/x cannot be made"),
    ],
    ids=str,
)
def test_bad_input_gets_two_lines_and_exit_2(arguments, message, tmp_path):
    assert_refused(run(*arguments, cwd=tmp_path), message)


def test_compare_tables_ranks_and_draws_both_figures(tmp_path):
    arguments = ("compare", "--parameters", 32, "--sites", 4, "--channels", 3, "--budgets", "50,200", "--out", tmp_path)
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "depth 2, width 2" in done.stdout
    pictures = {"compare.png", "compare.svg", "iso_parameters.png", "iso_parameters.svg"}
    assert {path.name for path in tmp_path.iterdir()} == pictures
    values = json.loads(run(*arguments, "--json").stdout)
    by_shape = {row["shape"]: row for row in values["rows"]}
    assert by_shape["depth 2, width 2"]["value"] == 18  # SOURCES.md
    assert by_shape["depth 2, width 2"]["log3_per_parameter"] == pytest.approx(np.log(18) / np.log(3) / 32)
    assert len(values["figures"]) == 4


def test_a_comparison_says_why_ranks_are_lower_bounds(tmp_path):
    arguments = ("compare", "--parameters", 64, "--work", 1, "--budgets", 50, "--out", tmp_path)
    said, rows = " ".join(run(*arguments).stdout.split()), json.loads(run(*arguments, "--json").stdout)["rows"]
    bounds = [row for row in rows if row["standing"] == "lower bound"]
    assert {row["family"] for row in bounds} > {"attention"}
    assert all(f"{row['family']}, {row['shape']}: {row['reason']}" in said for row in bounds)
    assert said.count("bounds in closed form only") == sum("bounds in closed form only" in row["reason"] for row in bounds)


def test_interrupting_a_comparison_keeps_what_is_there(tmp_path, monkeypatch):
    def interrupted(chosen, *arguments, **options):
        yield from itertools.islice(compare_all(chosen, *arguments, **options), 2)
        raise KeyboardInterrupt

    compare_all = comparison.compare
    monkeypatch.setattr(comparison, "compare", interrupted)
    done = invoked(["compare", "--parameters", "64", "--out", str(tmp_path)])
    assert done.exit_code == 130
    assert "interrupted: 2 of 11 ranks are shown, the others not computed" in done.stderr
    assert "depth 4, width 2" in done.stdout
    assert "depth 16, width 1" not in done.stdout
    assert (tmp_path / "compare.png").exists()


def test_fractions_in_a_file_are_refused_plainly(tmp_path):
    arrays = {name: np.array([[[[Fraction(1, 3)]]]]) for name in ("query", "key", "value", "output")}
    np.savez(tmp_path / "w.npz", **arrays)
    done = run("rank", "attention", "--depth", 1, "--width", 1, "--weights", tmp_path / "w.npz")
    assert_refused(done, "expected arrays of whole numbers or floats. Fractions can be given in Python")


def test_blocks_larger_than_memory_go_to_the_scratch_folder(tmp_path):
    # Width 2, depth 7: 2 ((3, 452)) = 205662 rows, and ((3, 640)) = 205761 columns.
    seven = ("rank", "attention", "--depth", 7, "--width", 2, "--memory", "14GiB", "--plan")
    assert "degree 452: 205662 x 205670, degree 453: 205769 x 205761;" in run(*seven, "--scratch", tmp_path).stdout
    # What would fit of a cut block does not pass the bound of identity weights.
    assert "bounds only: no blocks that pass them fit within the memory limit 14 GiB" in run(*seven).stdout
    assert_refused(run(*seven, "--scratch", tmp_path, "--device", "cuda"), "Give one of the two")
    small = ("rank", "attention", "--depth", 2, "--width", 2)
    assert_refused(run(*small, "--scratch", tmp_path / "none"), "expected a folder that exists and can be written to")

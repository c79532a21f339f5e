"""`tensorrank task`: rank tables, checks of units, studies, JSON and refusals."""

import json
import re
import subprocess
import sys

import pytest
from command_line import assert_refused, invoked, run

import tensorrank.cli.task
from tensorrank.errors import TensorRankError
from tensorrank.tasks.registry import NAMED_TASKS
from tensorrank.units.task_units import check_units

SMALL = {
    "sparse-averaging": ("--tokens", 4, "--sparsity", 2),
    "match2": ("--tokens", 4, "--modulus", 5),
    "match3": ("--tokens", 5, "--modulus", 5),
    "match3-bigram": ("--tokens", 5, "--modulus", 5),
    "match3-local": ("--tokens", 5, "--modulus", 5, "--window", 1),
    "disjointness": ("--length", 3),
    "inner-product": ("--length", 3),
    "induction-heads": ("--tokens", 4, "--symbols", 3),
    "k-hop": ("--tokens", 4, "--symbols", 3, "--hops", 2),
    "function-composition": ("--points", 2),
    "one-or-two-cycles": ("--vertices", 8),
}


def asked(*arguments):
    return invoked(["task", *arguments])


def values(*arguments):
    done = asked(*arguments, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


def ranks(*arguments):
    return values("ranks", *arguments)


def checks(*arguments):
    return values("check", *arguments)["check"]


# SOURCES.md, section 5: (modulus, tokens a side) and rank; then by its formula 1 + 3^4, 1 + 1 + 10 + 40 + 80 + 80.
@pytest.mark.parametrize(
    ("modulus", "side", "rank"), [(5, 2, 4), (7, 3, 10), (8, 3, 28), (9, 4, 28), (11, 5, 82), (13, 4, 212)]
)
def test_match3_has_the_ranks_of_the_theory(modulus, side, rank):
    tokens = 2 * side + 1
    found = ranks("match3", "--modulus", modulus, "--tokens", tokens, "--anchor", 1)
    assert (found["rank"]["value"], found["rank"]["standing"], found["distinct_rows"]) == (rank, "exact", rank)
    assert (found["rows"], found["columns"]) == (modulus**side, modulus**side)
    assert found["fields"] == {"Q": rank, "GF(2)": rank, "GF(3)": rank}
    assert found["sizes"] == {"modulus": modulus, "tokens": tokens, "anchor": 1}


def test_tokens_mean_what_they_mean_in_python():
    for name, task in NAMED_TASKS.items():
        if "tokens" in task.sizes:
            assert task.task({"tokens": 6}).tokens == 6
            # All tokens but a public asking one; sparse averaging has the choice as a further site.
            sites = {"sparse-averaging": 7, "match2": 6, "induction-heads": 6, "k-hop": 6}.get(name, 5)
            assert task.sites({"tokens": 6}) == sites
    found = ranks("match2", "--tokens", 4, "--modulus", 5)
    assert (found["rows"], found["columns"]) == (5, 5**3)


def test_averaging_has_small_rank_and_its_threshold_has_not():
    found = ranks("sparse-averaging", "--tokens", 8, "--sparsity", 4)
    assert (found["rank"]["value"], found["distinct_rows"], found["rows"]) == (8, 2**8, 2**8)
    # Over GF(2) the sets of even size span the vectors of even weight.
    assert found["fields"] == {"Q": 8, "GF(2)": 7, "GF(3)": 8}
    # Sets z and y: that the complement of z holds no 4-set but y itself makes all 70 choices independent.
    (threshold,) = found["also"]
    assert threshold["rank"]["value"] == 70
    assert "small rank" in asked("ranks", "sparse-averaging", *SMALL["sparse-averaging"]).stdout


def test_disjointness_and_inner_products_over_every_field():
    found = ranks("disjointness", "--length", 5)
    assert found["fields"] == {"Q": 32, "GF(2)": 32, "GF(3)": 32}
    assert [other["rank"]["value"] for other in found["also"]] == [6, 31, 31]
    assert found["also"][1]["matrix"] == "meet?"
    found = ranks("inner-product", "--length", 5)
    # (J - H) / 2 of a Hadamard matrix H, whose determinant is a power of 2: over GF(3) only the zero row is lost.
    assert found["fields"] == {"Q": 31, "GF(2)": 5, "GF(3)": 31}
    assert found["also"][0]["rank"]["value"] == 5
    assert ranks("inner-product", "--length", 4, "--modulus", 3)["fields"]["GF(3)"] < 16


def test_a_partition_that_keeps_pairs_together_makes_disjointness_trivial():
    # All a_i b_i on the same side: the value is a product of a function of A and one of B.
    found = ranks("disjointness", "--length", 4, "--partition", "0,1,4,5")
    assert (found["rank"]["value"], len(found["also"])) == (1, 1)


@pytest.mark.parametrize("name", NAMED_TASKS)
def test_every_task_has_a_table_json_and_pictures(name, tmp_path):
    done = asked("ranks", name, *SMALL[name])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "linear recurrent model" in done.stdout
    found = ranks(name, *SMALL[name])
    assert found["name"] == name
    assert {bound["model"] for bound in found["model_bounds"]} >= {"linear recurrent model", "finite-state machine"}
    units = ("--unit-tokens", "8") if NAMED_TASKS[name].studies else ()
    found = values("study", name, *SMALL[name], "--out", tmp_path / "deep" / "er", *units)
    pictures = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    stems = [f"{name.replace('-', '_')}_ranks", *NAMED_TASKS[name].studies]
    assert pictures == {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}
    assert (found["name"], len(found["figures"]), len(found["studies"])) == (name, len(pictures), len(stems))


@pytest.mark.parametrize("name", NAMED_TASKS)
def test_every_unit_of_the_registry_is_checked_and_no_other(name):
    done = asked("check", name, *SMALL[name], "--json")
    if NAMED_TASKS[name].unit:
        assert all(unit["passed"] for unit in json.loads(done.stdout)["check"])
    else:
        assert done.exit_code == 2
        with pytest.raises(TensorRankError, match=r"no attention unit is known here .*; expected SparseAveraging, M"):
            check_units(NAMED_TASKS[name].task())


@pytest.mark.parametrize(
    ("name", "sizes", "inputs"), [("match2", (4, 16), 16**4), ("match3", (5, 7), 7**5), ("match2", (10, 50), 30)]
)
def test_units_are_checked_on_all_inputs_or_on_random_ones(name, sizes, inputs):
    tokens, modulus = sizes
    wanted = "all" if inputs > 30 else inputs
    (unit,) = checks(name, "--tokens", tokens, "--modulus", modulus, "--inputs", wanted)
    assert (unit["inputs"], unit["wrong"], unit["exhaustive"]) == (inputs, 0, inputs > 30)
    assert (unit["order"], unit["dimension"]) == ((2, 3) if name == "match2" else (3, 5))


def test_units_of_usual_attention_for_the_easy_variants():
    for name, sizes in (("match3-bigram", ()), ("match3-local", ("--window", 1))):
        (unit,) = checks(name, "--tokens", 5, "--modulus", 5, *sizes)
        assert (unit["order"], unit["inputs"], unit["wrong"], unit["exhaustive"]) == (2, 5**5, 0, True)


@pytest.mark.parametrize("name", [name for name, task in NAMED_TASKS.items() if task.unit])
@pytest.mark.parametrize("sizes", [("size", 10**6), ("size", 10**18), ("--inputs", 10**9), ("--inputs", 10**40)])
def test_checks_that_take_long_are_refused_at_once(name, sizes):
    option, number = sizes
    done = asked("check", name, f"--{NAMED_TASKS[name].grows[0]}" if option == "size" else option, number)
    assert done.exit_code == 2
    limits = r"would (take about \S+ operations; the work|(take about .*|not fit any memory); the memory) limit is .* Try"
    assert re.search(limits, " ".join(done.stderr.split()))


@pytest.mark.parametrize("name", NAMED_TASKS)
@pytest.mark.parametrize("size", [5000, 10**18, 10**40])
def test_studies_of_thousands_of_sizes_are_refused_before_a_folder_is_made(name, size, tmp_path):
    grows = NAMED_TASKS[name].grows[0]
    done = asked("study", name, f"--{grows}", size, "--out", tmp_path / "pictures")
    assert done.exit_code == 2
    assert re.search(rf"--{grows} is {size}; expected at most \d+, for a rank is computed", " ".join(done.stderr.split()))
    assert not (tmp_path / "pictures").exists()


def test_units_for_sparse_averaging():
    restricted, curve = checks("sparse-averaging", "--tokens", 12, "--sparsity", 2)
    assert restricted["exhaustive"]
    assert restricted["inputs"] == 66
    assert restricted["worst_deviation"] <= 0.1
    assert (curve["dimension"], curve["worst_deviation"] <= 0.1) == (4, True)
    coarse, _ = checks("sparse-averaging", "--tokens", 12, "--sparsity", 2, "--dimension", 2)
    assert coarse["dimension"] == 2
    assert coarse["worst_deviation"] > coarse["tolerance"] == 0.1
    assert not coarse["passed"]
    done = asked("check", "sparse-averaging", "--tokens", 12, "--sparsity", 2).stdout
    assert "The dimension of random keys is the first one tried" in done
    assert "first one tried" not in asked("check", "sparse-averaging", "--tokens", 12, "--dimension", 40).stdout
    with pytest.raises(TensorRankError, match="inputs is 'few'; expected one of 'auto', 'all' or a whole number"):
        check_units(NAMED_TASKS["sparse-averaging"].task(), "few")


def test_a_unit_without_a_query_in_floating_point_is_a_finding():
    # In float64 the moment curve carries all choices of 8 tokens up to N = 51.
    restricted, curve = checks("sparse-averaging", "--tokens", 512, "--sparsity", 8, "--dimension", 400)
    assert (restricted["inputs"], curve["worst_deviation"], curve["passed"]) == (60, None, False)
    assert "no query in floating point" in curve["error"]


def test_few_bits_make_wrong_answers_and_the_table_says_so():
    done = asked("check", "match2", "--tokens", 4, "--modulus", 7, "--precision", 2)
    assert done.exit_code == 0
    assert "WRONG" in done.stdout
    assert checks("match2", "--tokens", 4, "--modulus", 7, "--precision", "float32")[0]["wrong"] == 0
    assert "--inputs all" in asked("check", "match2", "--tokens", 6, "--modulus", 8).stdout


def test_the_softmax_bottleneck():
    found = values("softmax-bottleneck", "--tokens", 8)
    assert [row["random"] for row in found["head_dimensions"]] == [1, 3, 7]
    assert found["counterexample"]["least_head_dimension"] is None
    assert [one["numerator"]["value"] for one in found["cut_ranks"]["public"]] == [2, 2, 2]
    assert [one["quotient"]["value"] for one in found["cut_ranks"]["public"]] == [2, 4, 8]
    assert "no head of any dimension" in asked("softmax-bottleneck", "--tokens", 4).stdout


def test_the_example_of_the_help_in_a_pipe():
    done = run("task", "ranks", "match3", "--tokens", 7, "--modulus", 7)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["decision", "10", "10", "10", "10", "10", "3"] in rows
    for verb in ("ranks", "check", "study"):
        assert f"Example: tensorrank task {verb} " in run("task", verb, "--help").stdout
        assert f"Example: tensorrank task {verb} match3 --tokens 9" in run("task", verb, "match3", "--help").stdout


@pytest.mark.parametrize("modulus", [None, "7", 0])
def test_sizes_that_are_no_numbers(modulus):
    with pytest.raises(TensorRankError, match=r"modulus is .*; expected a whole number of at least 1"):
        NAMED_TASKS["match3"].matrices({"modulus": modulus})


def test_help_needs_no_numbers():
    heavy = {"numpy", "numba", "scipy", "matplotlib"}
    code = f"import sys, tensorrank.cli.main; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ranks", "match4"), "No such command 'match4'"),
        (("ranks", "match3", "--length", 3), "No such option: --length"),
        (("ranks", "match3", "--out", "x"), "No such option: --out"),
        (("ranks", "match3", "--precision", 3), "No such option: --precision"),
        (("check", "match3", "--anchor", 3), "No such option: --anchor"),
        (("check", "match3", "--partition", "halves"), "No such option: --partition"),
        (("check", "match2", "--dimension", 4), "No such option: --dimension"),
        (("check", "disjointness"), "No such command 'disjointness'"),
        (("study", "match2", "--unit-tokens", "8", "--out", "x"), "No such option: --unit-tokens"),
        (("study", "match3", "--partition", "halves", "--out", "x"), "No such option: --partition"),
        (("study", "match3"), "Missing option '--out'"),
        (("softmax-bottleneck", "--modulus", 3), "No such option: --modulus"),
        (("ranks", "k-hop", "--hops", -1), "hops is -1; expected a whole number of at least 0"),
        (("ranks", "function-composition", "--points", 1), "points is 1; expected a whole number from 2"),
        (("ranks", "one-or-two-cycles", "--vertices", 7), "vertices is 7; expected an even number from 6"),
        (("check", "k-hop", "--hops", 0), "hops is 0; expected a whole number of at least 1"),
        (("ranks", "sparse-averaging", "--tokens", 4, "--sparsity", 5), "sparsity 5 exceeds the 4 tokens"),
        (("ranks", "match3", "--anchor", 11), "anchor is 11"),
        (("ranks", "disjointness", "--length", 20, "--memory", "1GiB"), "2^40 entries, would take about 28 TiB"),
        (("ranks", "match3", "--tokens", 19, "--modulus", 31, "--memory", "1GiB"), "the memory limit is 1 GiB"),
        (("ranks", "disjointness", "--partition", "0,9,30"), "the partition names site 30"),
        (("check", "match2", "--inputs", "few"), "--inputs is 'few'; expected all, auto, or how many"),
        (("check", "match2", "--inputs", 0), "--inputs is '0'; expected all, auto, or how many"),
        (("check", "match2", "--precision", "half"), "the precision is 'half'"),
        (("check", "sparse-averaging", "--dimension", 10**8), "error: "),
        (("check", "match2", "--inputs", 10**11), "error: "),
        (
            ("study", "sparse-averaging", "--tokens", 3, "--sparsity", 3, "--out", "x"),
            "--tokens is 3; studies of sparse-averaging need at least 4",
        ),
        (("study", "match3", "--tokens", 1, "--out", "x"), "--tokens is 1; studies of match3 need at least 3"),
        (("softmax-bottleneck", "--tokens", 5000), "--tokens is 5000; expected at most 4095"),
        (("softmax-bottleneck", "--tokens", 1), "--tokens is 1"),
    ],
)
def test_bad_input(arguments, message):
    done = asked(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_default_anchor_is_a_residue_and_a_trivial_task_says_so():
    assert ranks("match3", "--modulus", 1, "--tokens", 3)["sizes"]["anchor"] == 0
    assert "All values are the same" in asked("ranks", "match3", "--modulus", 3, "--tokens", 5).stdout


def test_an_interrupt_keeps_the_studies_done(tmp_path, monkeypatch):
    real = tensorrank.cli.task.run_studies

    def interrupted(wanted):
        yield next(real(wanted))
        raise KeyboardInterrupt

    monkeypatch.setattr(tensorrank.cli.task, "run_studies", interrupted)
    done = asked("study", "match3", *SMALL["match3"], "--out", tmp_path)
    assert done.exit_code == 130
    assert "interrupted; studies kept: 1" in done.stderr
    assert "match3_ranks.png" in done.stdout
    found = json.loads(asked("study", "match3", *SMALL["match3"], "--out", tmp_path, "--json").stdout)
    assert (len(found["studies"]), len(found["figures"])) == (1, 2)


def test_bad_input_in_a_pipe():
    assert_refused(run("task", "ranks", "match3", "--modulus", 0), "modulus is 0; expected a whole number of at least 1")

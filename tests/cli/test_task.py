"""`tensorrank task`: rank tables, checks of units, studies, JSON and refusals."""

import json

import pytest
from command_line import assert_refused, run
from typer.testing import CliRunner

import tensorrank.cli.task
from tensorrank.cli.main import app
from tensorrank.tasks.registry import NAMED_TASKS

SMALL = {
    "sparse-averaging": ("--tokens", 4, "--sparsity", 2),
    "match2": ("--tokens", 3, "--modulus", 5),
    "match3": ("--tokens", 2, "--modulus", 5),
    "match3-bigram": ("--tokens", 2, "--modulus", 5),
    "match3-local": ("--tokens", 2, "--modulus", 5, "--window", 1),
    "disjointness": ("--length", 3),
    "inner-product": ("--length", 3),
}


def invoked(*arguments):
    return CliRunner().invoke(app, ["task", *map(str, arguments)])


def values(*arguments):
    done = invoked(*arguments, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


# MATH.md, section 5: (modulus, tokens a side) and rank; then by its formula 1 + 3^4, 1 + 1 + 10 + 40 + 80 + 80.
@pytest.mark.parametrize(
    ("modulus", "tokens", "rank"), [(5, 2, 4), (7, 3, 10), (8, 3, 28), (9, 4, 28), (11, 5, 82), (13, 4, 212)]
)
def test_match3_has_the_ranks_of_the_theory(modulus, tokens, rank):
    found = values("match3", "--modulus", modulus, "--tokens", tokens, "--anchor", 1)
    assert (found["rank"], found["standing"], found["distinct_rows"]) == (rank, "exact", rank)
    assert (found["rows"], found["columns"]) == (modulus**tokens, modulus**tokens)
    assert found["fields"] == {"Q": rank, "GF(2)": rank, "GF(3)": rank}
    assert found["sizes"] == {"modulus": modulus, "tokens": tokens, "anchor": 1}


def test_averaging_has_small_rank_and_its_threshold_has_not():
    found = values("sparse-averaging", "--tokens", 8, "--sparsity", 4)
    assert (found["rank"], found["distinct_rows"], found["rows"]) == (8, 2**8, 2**8)
    # Over GF(2) the sets of even size span the vectors of even weight.
    assert found["fields"] == {"Q": 8, "GF(2)": 7, "GF(3)": 8}
    # Sets z and y: that the complement of z holds no 4-set but y itself makes all 70 choices independent.
    (threshold,) = found["also"]
    assert threshold["rank"] == 70
    assert "small rank" in invoked("sparse-averaging", *SMALL["sparse-averaging"]).stdout


def test_disjointness_and_inner_products_over_every_field():
    found = values("disjointness", "--length", 5)
    assert found["fields"] == {"Q": 32, "GF(2)": 32, "GF(3)": 32}
    averaged, meet, threshold = found["also"]
    assert (meet["rank"], averaged["rank"], threshold["rank"]) == (31, 6, 31)
    found = values("inner-product", "--length", 5)
    # (J - H) / 2 of a Hadamard matrix H, whose determinant is a power of 2: over GF(3) only the zero row is lost.
    assert found["fields"] == {"Q": 31, "GF(2)": 5, "GF(3)": 31}
    assert found["also"][0]["rank"] == 5
    assert values("inner-product", "--length", 4, "--modulus", 3)["fields"]["GF(3)"] < 16


def test_a_partition_that_keeps_pairs_together_makes_disjointness_trivial():
    # All a_i b_i on the same side: the value is a product of a function of A and one of B.
    assert values("disjointness", "--length", 4, "--partition", "0,1,4,5")["rank"] == 1
    assert len(values("disjointness", "--length", 4, "--partition", "0,1,4,5")["also"]) == 1


@pytest.mark.parametrize("name", NAMED_TASKS)
def test_every_task_has_a_table_json_and_a_picture(name, tmp_path):
    done = invoked(name, *SMALL[name])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "linear recurrent model" in done.stdout
    units = ("--unit-tokens", "8") if name in ("sparse-averaging", "match3") else ()
    found = values(name, *SMALL[name], "--out", tmp_path / "deep" / "er", *units)
    assert found["name"] == name
    assert {reading["model"] for reading in found["readings"]} >= {"linear recurrent model", "finite-state machine"}
    pictures = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    stem = name.replace("-", "_")
    assert {f"{stem}_ranks.png", f"{stem}_ranks.svg"} <= pictures
    assert len(found["figures"]) == len(pictures) == 2 * len(found["studies"])


@pytest.mark.parametrize(
    ("name", "sizes", "inputs"), [("match2", (3, 16), 16**4), ("match3", (2, 7), 7**5), ("match2", (9, 50), 30)]
)
def test_units_are_checked_on_all_inputs_or_on_random_ones(name, sizes, inputs):
    tokens, modulus = sizes
    wanted = "all" if inputs > 30 else inputs
    (unit,) = values(name, "--tokens", tokens, "--modulus", modulus, "--check", "--inputs", wanted)["check"]
    assert (unit["inputs"], unit["wrong"], unit["exhaustive"]) == (inputs, 0, inputs > 30)
    assert (unit["order"], unit["dimension"]) == ((2, 3) if name == "match2" else (3, 5))


def test_units_of_usual_attention_for_the_easy_variants():
    for name, sizes in (("match3-bigram", ()), ("match3-local", ("--window", 1))):
        (unit,) = values(name, "--tokens", 2, "--modulus", 5, *sizes, "--check")["check"]
        assert (unit["order"], unit["inputs"], unit["wrong"], unit["exhaustive"]) == (2, 5**5, 0, True)


def test_units_for_sparse_averaging():
    restricted, curve = values("sparse-averaging", "--tokens", 12, "--sparsity", 2, "--check")["check"]
    assert restricted["exhaustive"]
    assert restricted["inputs"] == 66
    assert restricted["worst_deviation"] <= 0.1
    assert (curve["dimension"], curve["worst_deviation"] <= 0.1) == (4, True)
    coarse, _ = values("sparse-averaging", "--tokens", 12, "--sparsity", 2, "--check", "--dimension", 2)["check"]
    assert coarse["dimension"] == 2
    assert coarse["worst_deviation"] > coarse["tolerance"] == 0.1
    assert not coarse["passed"]


def test_few_bits_make_wrong_answers_and_the_table_says_so():
    done = invoked("match2", "--tokens", 3, "--modulus", 7, "--check", "--precision", 2)
    assert done.exit_code == 0
    assert "WRONG" in done.stdout
    assert (
        values("match2", "--tokens", 3, "--modulus", 7, "--check", "--precision", "float32")["check"][0]["wrong"] == 0
    )


def test_the_softmax_bottleneck():
    found = values("softmax-bottleneck", "--tokens", 8)
    assert [row["random"] for row in found["head_dimensions"]] == [1, 3, 7]
    assert found["counterexample"]["least_head_dimension"] is None
    assert [one["numerator"]["rank"] for one in found["cut_ranks"]["public"]] == [2, 2, 2]
    assert [one["quotient"]["rank"] for one in found["cut_ranks"]["public"]] == [2, 4, 8]
    assert "no head of any dimension" in invoked("softmax-bottleneck", "--tokens", 4).stdout


def test_the_example_of_the_help_in_a_pipe():
    done = run("task", "match3", "--modulus", 7, "--tokens", 3, "--anchor", 1)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["decision", "10", "10", "10", "10", "10", "3"] in rows
    assert "tensorrank task match3 --modulus 7" in run("task", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("match4",), "the task is 'match4'; expected one of sparse-averaging, match2, match3, "),
        (("match3", "--length", 3), "--length is no size of match3; expected --tokens, --modulus, --anchor"),
        (("sparse-averaging", "--tokens", 4, "--sparsity", 5), "sparsity 5 exceeds the 4 tokens"),
        (("match3", "--anchor", 11), "anchor is 11"),
        (("disjointness", "--length", 20, "--memory", "1GiB"), "1048576 x 1048576 entries and take about 28 TiB"),
        (("match3", "--tokens", 9, "--modulus", 31, "--memory", "1GiB"), "the memory limit is 1 GiB"),
        (("disjointness", "--check"), "no attention unit is known here for disjointness"),
        (("match2", "--check", "--inputs", "few"), "--inputs is 'few'; expected all, auto, or how many"),
        (("match2", "--check", "--precision", "half"), "the precision is 'half'"),
        (("match2", "--check", "--dimension", 4), "--dimension is no option of match2"),
        (("match2", "--unit-tokens", "8"), "--unit-tokens was given without --out"),
        (("match2", "--unit-tokens", "8", "--out", "x"), "--unit-tokens is no option of match2; only"),
        (("match3", "--partition", "halves", "--out", "x"), "--partition was given with --out"),
        (
            ("sparse-averaging", "--tokens", 3, "--sparsity", 3, "--out", "x"),
            "--tokens is 3; the studies of --out need at least 4",
        ),
        (("match3", "--tokens", 0, "--out", "x"), "--tokens is 0; the studies of --out need at least 1"),
        (("match3", "--check", "--partition", "halves"), "--partition was given with --check"),
        (("softmax-bottleneck", "--check"), "--check is no option of softmax-bottleneck"),
        (("match2", "--precision", 3), "--precision was given without --check"),
        (("match3", "--check", "--anchor", 3), "--anchor was given with --check, which computes no ranks"),
        (("softmax-bottleneck", "--tokens", 5000), "--tokens is 5000; expected at most 4095"),
        (("sparse-averaging", "--check", "--dimension", 10**8), "error: "),
        (("match2", "--check", "--inputs", 10**11), "error: "),
        (("disjointness", "--partition", "0,9,30"), "the partition names site 30"),
        (("softmax-bottleneck", "--modulus", 3), "--modulus is no option of softmax-bottleneck"),
        (("softmax-bottleneck", "--tokens", 1), "--tokens is 1"),
    ],
)
def test_bad_input(arguments, message):
    done = invoked(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_default_anchor_is_a_residue_and_a_trivial_task_says_so():
    assert values("match3", "--modulus", 1, "--tokens", 1)["sizes"]["anchor"] == 0
    assert "All values are the same" in invoked("match3", "--modulus", 3, "--tokens", 2).stdout


def test_an_interrupt_keeps_the_table_and_the_studies_done(tmp_path, monkeypatch):
    real = tensorrank.cli.task.drawn_studies

    def interrupted(wanted):
        yield next(real(wanted))
        raise KeyboardInterrupt

    monkeypatch.setattr(tensorrank.cli.task, "drawn_studies", interrupted)
    done = invoked("match3", *SMALL["match3"], "--out", tmp_path)
    assert done.exit_code == 130
    assert "interrupted; studies kept: 1" in done.stderr
    assert "linear recurrent model" in done.stdout
    found = json.loads(invoked("match3", *SMALL["match3"], "--out", tmp_path, "--json").stdout)
    assert (found["rank"], len(found["studies"]), len(found["figures"])) == (4, 1, 2)


def test_bad_input_in_a_pipe():
    assert_refused(run("task", "match3", "--modulus", 0), "modulus is 0; expected a whole number of at least 1")

"""Errors of every verb: a plain sentence, or one JSON object after --json."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PARTS, assert_refused, invoked, run

import tensorrank as tr

ROOT = Path(__file__).parents[2]

BAD_INPUT = [
    (("rank", "attention", "--depth", 0, "--width", 2), "depth is 0; expected a whole number of at least 1"),
    (("rank", "nowhere.json"), "'nowhere.json' is no file and no kind of model"),
    (("rank", "circuit", "recurrent", "--depth", 1), "Missing option"),
    (("bounds", "--width", "two"), "Invalid value for '--width'"),
    (("bounds", "--width", 2, "--deep", 3), "No such option: --deep"),
    (("-1",), "No such option: -1"),
    ((), "No such option: --json"),
    (
        ("rank", "attention", "--depth", 2**31 - 1, "--width", 2, "--tokens", 4, "--causal"),
        "the degree of a network of depth 2147483647 is about 3^2.147e+09",
    ),
    (("separation", "levels", "--depths", 99), "is 99; expected a whole number from 1 to 16"),
    (("advise", "--parameters", "many"), "--parameters is 'many'; expected sizes"),
    (("ablation", "nowhere.csv"), "nowhere.csv cannot be read"),
    (("compare", "--families", "rnn"), "a family is 'rnn'"),
    (("show", "nowhere.json"), "nowhere.json"),
    (("reduce", "nowhere.json", "--to", "cake"), "--to is 'cake'"),
    (("approximate", "nowhere.json", "--method", "cake"), "--method is 'cake'"),
    (("study", "--widths", "4-1"), "--widths is '4-1'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT, ids=str)
def test_bad_input_after_json_is_one_object_on_standard_output(arguments, message):
    done = invoked([*arguments, "--json"])
    assert (done.exit_code, done.stderr) == (2, "")
    values = json.loads(done.stdout)
    assert list(values) == PARTS
    assert message in values["error"]


def test_without_json_the_same_is_a_sentence_on_standard_error():
    assert_refused(run("rank", "nowhere.json"), "error: 'nowhere.json' is no file and no kind of model")


@pytest.mark.parametrize(
    ("arguments", "option", "value", "written"),
    [
        (("show", "study.sqlite", "--figures"), "--figures", "--json", "--figures=--json"),
        (("study", "-o"), "-o", "--json", "--out=--json"),
        (("rank", "model.json", "--partition", "--seed", "1"), "--partition", "--seed", "--partition=--seed"),
        (("rank", "circuit", "recurrent", "--steps", "-h"), "--steps", "-h", "--steps=-h"),
    ],
)
def test_an_option_is_not_the_value_of_another_whose_value_was_left_out(
    arguments, option, value, written, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    done = invoked([*arguments, "--json"])
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert json.loads(done.stdout)["error"] == (
        f"{option} is followed by the option {value}; expected a value. For {value} as the value, write {written}"
    )


def test_a_value_that_resembles_an_option_may_be_given_with_a_sign(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["study", "--widths", "1", "--depths", "1", "--work", "1e6", "--threads", "1", "--out=--json"]
    assert invoked(arguments).exit_code == 0
    assert (tmp_path / "--json").is_dir()


def test_an_option_of_another_type_is_shown_as_it_was_given():
    done = run("bounds", "--width", "10^40", "--depth", 2, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith("Invalid value for '--width': '10^40' was given. ")
    assert "'10^40' was given" in run("bounds", "--width", "10^40", "--depth", 2).stderr


def test_a_path_that_is_not_there_and_a_file_as_a_folder_are_told_apart(tmp_path):
    assert_refused(run("show", "nowhere"), "error: nowhere is not there; expected the store of a study, its folder, or a model")
    (tmp_path / "file").touch()
    assert_refused(run("study", "--out", tmp_path / "file"), "file is a file; expected a folder, which is made")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("ablation", ROOT / "examples" / "ablation" / "softmax.csv"), "--save"),
        (("reduce", "h.json", "--to", "sum_product"), "--out"),
        (("approximate", "h.json", "--steps", 1), "--save"),
        (("study", "--widths", 1, "--depths", 1, "--out", "runs"), "--log-json"),
        (("show", "study"), "--export"),
    ],
    ids=str,
)
def test_a_file_whose_path_ends_in_a_slash_is_refused_by_every_verb_that_writes_one(tmp_path, monkeypatch, arguments, option):
    monkeypatch.chdir(tmp_path)
    tr.save(tr.HiddenMarkov.random(2, 2, 3, seed=1), "h.json")
    tr.Store("study").close()
    done = invoked([*arguments, option, "out.json/"])
    assert done.exit_code == 2
    message = f"{option} out.json/ ends in a slash, which names a folder; expected the path of a file"
    assert message in " ".join(done.stderr.split())
    nothing = invoked([*arguments, option, ""])
    assert (nothing.exit_code, nothing.stderr.startswith(f"error: {option}")) == (2, True)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("json_given", [False, True])
@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (MemoryError("8 GiB"), "not enough memory (8 GiB); try smaller numbers, or give --memory", 2),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_what_interrupts_a_verb_is_told_without_a_traceback(monkeypatch, error, message, code, json_given):
    def failing(*arguments, **options):
        raise error

    monkeypatch.setattr("tensorrank.guidelines.read_ablation", failing)
    done = invoked(["ablation", "losses.csv", *(["--json"] if json_given else [])])
    assert done.exit_code == code
    if json_given:
        assert done.stderr == ""
        values = json.loads(done.stdout)
        assert (values["error"], values["where"], values["code"]) == (message, "tensorrank ablation", code)
    else:
        assert (done.stdout, done.stderr.removeprefix("error: ")) == ("", message + "\n")


def test_a_comparison_that_is_interrupted_is_a_result_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("tensorrank.experiments.comparison.compare", failing_with(KeyboardInterrupt()))
    done = invoked(["compare", "--parameters", 16, "--out", tmp_path, "--format", "none", "--json"])
    values = json.loads(done.stdout)
    assert (done.exit_code, values["rows"], values["interrupted"]) == (130, [], True)


def failing_with(error):
    """A function that takes anything and raises an error."""

    def fail(*_, **options):
        raise error

    return fail


def test_the_module_is_the_program():
    done = subprocess.run([sys.executable, "-m", "tensorrank", "--version"], capture_output=True, text=True)
    assert done.stdout == run("--version").stdout


def test_a_size_without_an_option_is_told_how_it_is_given_and_a_slip_is_not():
    size, slip = (" ".join(run("study", option, 2).stderr.replace("│", " ").split()) for option in ("--feedforward", "--widht"))
    assert "No such option: --feedforward. Other sizes are given with a kind: tensorrank study attention" in size
    assert "Other sizes" not in slip
    assert "--width" in slip

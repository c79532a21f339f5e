"""`tensorrank separation`: tables, JSON, figures and refusals."""

import json

import pytest
from command_line import invoked

QUICK = {
    "interleaved": ("--sites", "4,8"),
    "levels": ("--depths", "2-3"),
    "formats": ("--sites", "4"),
    "perfect-matchings": ("--sites", "6,64"),
    "hierarchy": ("--sites", "4"),
}


def run(*arguments):
    return invoked(["separation", *arguments])


@pytest.mark.parametrize("study", QUICK)
def test_every_study_has_a_table_json_and_a_picture(study, tmp_path):
    done = run(study, *QUICK[study])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "picture" not in done.stdout
    values = json.loads(run(study, *QUICK[study], "--json", "--out", tmp_path / "deep" / "er").stdout)
    assert values["seed"] == 0
    assert values["rows"]
    pictures = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    assert pictures == {f"{study.replace('-', '_')}{ending}" for ending in (".png", ".svg")}
    assert len(values["figures"]) == 2


def test_tables_hold_the_values_of_the_theory():
    rows = [line.split() for line in run("interleaved", *QUICK["interleaved"]).stdout.splitlines()]
    assert ["hidden_markov", "8", "62", "16", "exact", "272"] in rows
    # 2^(w/2) states for windows of 8, 4 and 2 variables.
    rows = [line.split() for line in run("levels", "--depths", "3,6").stdout.splitlines()]
    assert ["8", "1", "8", "16", "16", "272", "272", "exact"] in rows
    assert ["64", "4", "8", "16", "16", "2176", "2330", "generic"] in rows
    # SOURCES.md, section 4.
    ranks = [line.split()[2] for line in run("formats", "--sites", 8).stdout.splitlines() if "tensorial" in line]
    assert ranks == ["2", "2", "4", "2", "4", "2", "2"]


def test_a_picture_is_named(tmp_path):
    done = run("levels", "--depths", 2, "--out", tmp_path)
    assert f"The picture: {tmp_path / 'levels.png'}" in done.stdout.replace("\n", "")


@pytest.mark.parametrize("study", QUICK)
def test_help_has_an_example(study):
    done = run(study, "--help")
    assert done.exit_code == 0
    assert f"tensorrank separation {study}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("interleaved", "--sites", "some"), "--sites is 'some'; expected whole numbers and ranges"),
        (("interleaved", "--states", 0), "states is 0; expected"),
        (("levels", "--depths", 99), "one of the depths is 99; expected a whole number from 1 to 16"),
        (("formats", "--sites", 6), "is 6; expected a power of two"),
        (("perfect-matchings", "--sites", "6,7"), "sites is 7; expected an even number"),
        (("hierarchy", "--small", 0), "small is 0.0; expected"),
        (("levels", "--out", "/dev/null/x"), "--out /dev/null/x cannot be made"),
    ],
    ids=str,
)
def test_bad_input_gets_a_line_and_exit_2(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stdout == ""

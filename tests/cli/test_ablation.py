import csv
import json

import numpy as np
import pytest
from command_line import assert_refused, run


def write(path, bests, error=True):
    """Losses least at one size for each depth."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["depth", "parameters", "loss", *(["error"] if error else [])])
        for depth, best in bests.items():
            for size in np.geomspace(1e4, 1e8, 9):
                loss = 0.01 * np.log(size / best) ** 2
                writer.writerow([depth, size, loss, *([0.001] if error else [])])
    return path


# Each crossing at ten times the size of the one before.
BESTS = {1: 1e5, 2: 1e6, 3: 1e7, 4: 1e8}


def test_the_fit_as_an_object(tmp_path):
    path = write(tmp_path / "mine.csv", BESTS)
    done = run("ablation", path, "--json")
    assert done.stderr == ""
    values = json.loads(done.stdout)
    neighbours = [one for one in values["crossings"] if one["deep"] == one["shallow"] + 1]
    assert [one["size"] for one in neighbours] == pytest.approx([10**5.5, 10**6.5, 10**7.5], rel=1e-4)
    # ln d is half of ln (N / 12 L): ordinary least squares, as all errors are alike.
    logs = [np.log(10 ** (5.5 + k) / (12 * (1.5 + k))) / 2 for k in range(3)]
    slope, intercept = np.polyfit([1.5, 2.5, 3.5], logs, 1)
    assert values["fit"]["slope"] == pytest.approx(slope, rel=0.01)
    assert values["fit"]["intercept"] == pytest.approx(intercept, rel=0.01)
    assert len(values["fit"]["covariance"]) == 2
    assert values["fit"]["degrees_of_freedom"] == 1
    assert values["fit"]["chi_square"] > 0
    assert [round(one["parameters"]) for one in values["advice"]] == [10**8, 10**9, 10**10]
    assert values["networks"] == 36
    assert [(one["shallow"], one["deep"]) for one in values["crossings"] if one["used"]] == [(1, 2), (2, 3), (3, 4)]


def test_the_fit_in_words(tmp_path):
    path = write(tmp_path / "mine.csv", BESTS)
    done = run("ablation", path, "--parameters", "1e6,1e9")
    assert done.stderr == ""
    assert "ln d = a + b L:  a = " in done.stdout
    assert "covariance: " in done.stdout
    assert "chi-square " in done.stdout
    assert "no: not neighbours" in done.stdout


@pytest.mark.parametrize("rule", [4, 12])
def test_a_saved_fit_gives_the_same_advice(tmp_path, rule):
    path = write(tmp_path / "mine.csv", BESTS)
    saved = tmp_path / "fit.json"
    done = run("ablation", path, "--rule", rule, "--parameters", "1e8", "--save", saved, "--json")
    (here,) = json.loads(done.stdout)["advice"]
    there = json.loads(run("advise", "--fit", saved, "--parameters", "1e8", "--json").stdout)
    for name in ("optimal_depth", "optimal_width", "optimal_depth_range", "extrapolated"):
        assert there[name] == here[name]
    hint = run("ablation", path, "--save", saved).stdout.partition("to use it: tensorrank ")[2].splitlines()[0]
    assert run(*hint.split()).returncode == 0
    # All that --json prints is taken, too.
    saved.write_text(done.stdout)
    assert json.loads(run("advise", "--fit", saved, "--parameters", "1e8", "--json").stdout)["fit"]["rule"] == rule


def test_pictures_and_all_pairs(tmp_path):
    path = write(tmp_path / "mine.csv", BESTS, error=False)
    done = run("ablation", path, "--pairs", "all", "--out", tmp_path / "pictures")
    assert done.returncode == 0
    assert (tmp_path / "pictures" / "mine.png").stat().st_size > 10_000
    assert "No errors of the losses are known" in done.stdout


def test_a_falling_width_gives_no_advice(tmp_path):
    path = write(tmp_path / "falling.csv", {1: 1e6, 2: 1.2e6, 8: 1.4e6, 9: 1.6e6}, error=False)
    done = run("ablation", path, "--save", tmp_path / "fit.json")
    assert done.returncode == 0
    assert "there is no best depth of a size" in done.stdout
    assert "to use it" not in done.stdout
    assert json.loads(run("ablation", path, "--json").stdout)["advice"] == []


def test_networks_trained_again_tell_the_error_of_a_loss(tmp_path):
    path = write(tmp_path / "mine.csv", BESTS, error=False)
    rows = path.read_text()
    path.write_text(rows + "1,10000,0.06\n1,10000,0.05\n")
    done = run("ablation", path)
    # The first row of depth 1 has 0.01 ln(10)^2 = 0.0530.
    assert "Error of a single loss: 0.0051, from 2 networks trained again." in done.stdout
    assert "So few networks tell little of the error of a loss" in done.stdout


def test_curves_that_never_cross(tmp_path):
    path = write(tmp_path / "mine.csv", {1: 1e6, 2: 1e6, 3: 1e6})
    assert_refused(run("ablation", path), "0 of the 2 pairs of depths cross; expected at least 2 to fit")
    drawn = run("ablation", path, "--out", tmp_path)
    assert_refused(drawn, f"the picture of the losses: {tmp_path / 'mine.png'}")
    assert (tmp_path / "mine.png").exists()


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("depth,loss\n1,2\n", (), "the column parameters or width is missing"),
        ("depth,width,loss\n6,8,3\n6,16,2\n", (), "all networks have depth 6"),
        ("depth,width,loss\n1,8,3\n1,16,2\n2,8,2\n2,16,1\n", ("--pairs", "some"), "pairs is 'some'; expected"),
        ("depth,width,loss\n1,8,3\n1,16,2\n2,8,2\n2,16,1\n", ("--rule", "-3"), "rule is -3; expected"),
        ("depth,width,loss\n1,8,3\n1,16,2\n2,8,2\n2,16,1\n", ("--parameters", "1e6,x"), "--parameters is '1e6,x'"),
        (
            "depth,width,loss\n1,8,3\n1,16,2\n2,8,2\n2,16,1\n",
            ("--save", "mine.csv"),
            "--save is mine.csv; expected another file named .json",
        ),
        ("depth,width,loss\n1,8,3\n1,16,2\n2,8,2\n2,16,1\n", ("--sigmas", "-3"), "sigmas is -3; expected"),
    ],
)
def test_bad_input(tmp_path, text, arguments, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    assert_refused(run("ablation", path, *arguments), message)


def test_a_fit_is_saved_where_it_can_be_and_never_over_the_losses(tmp_path):
    path = write(tmp_path / "losses.json", BESTS)
    before = path.read_bytes()
    assert_refused(run("ablation", path, "--save", path), "expected another file named .json")
    assert path.read_bytes() == before
    assert_refused(run("ablation", path, "--save", tmp_path / "none" / "fit.json"), "there is no folder")


def test_a_missing_file():
    assert_refused(run("ablation", "nowhere.csv"), "nowhere.csv cannot be read")

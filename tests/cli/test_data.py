"""`tensorrank data` on files of samples and labels, good and bad."""

import json

import numpy as np
import pytest
from command_line import invoked

# Three bits, each copied once, the copies far apart.
BITS = [[(k >> bit) & 1 for bit in range(3)] * 2 for k in range(8)]


def invoke(*arguments):
    return invoked(["data", *arguments], catch_exceptions=False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bits.npz"
    np.savez(path, samples=BITS)
    return path


def test_the_table_has_the_known_entanglement_and_ranks_of_copied_bits(file, tmp_path):
    done = invoke(file, "--arrange", "--ranks", "--permutations", 0, "--out", tmp_path)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["as", "given", "1", "3", "2.079", "8", "(exact)"] in lines
    # Two of the three pairs lie whole on a side, and the third is cut.
    assert ["by", "correlations", "1", "3", "0.6931", "2", "(exact)"] in lines
    assert "least entangled: by correlations" in done.stdout
    assert (tmp_path / "data_cuts.png").exists()


def test_json_holds_the_rows_and_the_findings(file):
    found = json.loads(invoke(file, "--json", "--embedding", "moments", "--permutations", 2).stdout)
    assert (found["experiment"], found["sites"], len(found["orders"])) == ("data cuts", 6, 3)
    assert len(found["findings"]) == 1


def test_labels_and_what_samples_are_divided_by_are_taken(tmp_path):
    pixels, labels = np.array([[0, 255], [255, 0]]), [1, -1]
    np.savez(tmp_path / "d.npz", samples=pixels, labels=labels)
    found = json.loads(
        invoke(tmp_path / "d.npz", "--divide-by", 255, "--embedding", "angle", "--permutations", 0, "--json").stdout
    )
    # Black and white are orthogonal: two products of equal weight.
    assert found["rows"][0]["entanglement"] == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"pixels": [[0, 1]]}, (), "the file has the arrays 'pixels'; expected samples, and labels if there are any"),
        ({"samples": [[0, 1]], "labels": [1, 1]}, (), "the labels have the shape (2,); expected (1,)"),
        ({"samples": [["a", "b"]]}, (), "the numbers of 'samples' are of type"),
        ({"samples": [[0.5, 1]]}, (), "expected whole numbers below 2^53, for categories"),
        ({"samples": [[0, 1]]}, ("--embedding", "angel"), "embedding is 'angel'"),
        ({"samples": [[0, 1]]}, ("--divide-by", "0"), "--divide-by is 0.0; expected a positive number"),
        ({"samples": [[0, 1]]}, ("--z-order",), "--z-order was given for 2 variables; expected the pixels of a square image"),
    ],
)
def test_files_and_options_that_do_not_fit_are_refused_in_a_line(arrays, options, message, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    done = invoke(tmp_path / "d.npz", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1

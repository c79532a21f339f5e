"""`tensorrank reduce`."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from command_line import invoked, run

from tensorrank.mixtures.formats.files import load, save
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.reductions import equality
from tensorrank.mixtures.reductions import reduce as reductions
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def invoke(*arguments):
    return invoked(arguments, catch_exceptions=False)


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "h.json"
    save(HiddenMarkov.random(2, 2, 4, seed=0, fractions=True), path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_and_is_the_same_density(chain, kind, tmp_path):
    out = tmp_path / "out.json"
    done = invoke("reduce", chain, "--to", kind, "-o", out, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert {"equal", "over_fields", "size_before", "size_after", "ratio", "bound"} <= set(report)
    assert (report["equal"], report["over_fields"], report["out"]) == (True, True, str(out))
    assert (report["source"], report["target"]) == ("hidden_markov", kind)
    model, again = load(chain), load(out)
    assert again.kind == kind
    # All 2^4 probabilities, as fractions.
    rows = list(itertools.product(range(2), repeat=4))
    assert again.probability(rows).tolist() == model.probability(rows).tolist()
    assert (report["size_before"], report["size_after"]) == (model.size, again.size)


def test_the_installed_program_reduces_a_file(chain, tmp_path):
    done = run("reduce", chain, "--to", "sum_product", "-o", tmp_path / "s.json", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["equal"] is True
    assert report["ratio"] == pytest.approx(report["size_after"] / report["size_before"])


def test_the_report_as_text(chain, tmp_path):
    done = invoke("reduce", chain, "--to", "latent_tree", "-o", tmp_path / "t.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "hidden_markov -> latent_tree: size 30 entries -> 30 entries, ratio 1; equal exactly" in done.stdout
    assert f"The model: {tmp_path / 't.json'}" in done.stdout
    assert "The model" not in invoke("reduce", chain, "--to", "latent_tree").stdout


def test_a_reduction_that_would_be_large_is_answered_by_what_forbids_it(tmp_path):
    save(HiddenMarkov.random(2, 2, 16, seed=0), tmp_path / "h.json")
    out = tmp_path / "c.json"
    done = invoke("reduce", tmp_path / "h.json", "--to", "latent_class", "--limit", 1000, "-o", out, "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert (report["equal"], report["size_after"], report["ratio"], report["out"]) == (None, None, None, None)
    # SOURCES.md, section 4: the interleaved unfolding has rank 2^8, so there are as many classes.
    assert report["bound"] >= 2**8
    assert done.stderr == f"nothing was written to {out}: the latent_class would be larger than the limit\n"
    assert not out.exists()
    text = invoke("reduce", tmp_path / "h.json", "--to", "latent_class", "--limit", 1000)
    assert (text.exit_code, text.stderr) == (0, "")
    assert "beyond the limit" in text.stdout


def test_a_balanced_tree_of_a_chain(chain, tmp_path):
    out = tmp_path / "b.json"
    done = invoke("reduce", chain, "--to", "hierarchical", "--tree", "balanced", "-o", out, "--json")
    assert json.loads(done.stdout)["equal"] is True
    nodes = load(out).nodes
    assert nodes[-1].table.shape[0] == 1
    rows = list(itertools.product(range(2), repeat=4))
    assert load(out).probability(rows).tolist() == load(chain).probability(rows).tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--to", "sumproduct"),
            (
                "--to is 'sumproduct'; expected one of latent_class, hidden_markov, latent_tree, "
                "tensorial_mixture, hierarchical, sum_product, squared; did you mean 'sum_product'?"
            ),
        ),
        (("--to", "latent_tree", "--tree", "balance"), "--tree is 'balance'; expected one of own, balanced; did you mean"),
        (("--to", "latent_tree", "--tree", "balanced"), "balanced"),
        (("--to", "latent_tree", "--limit", "0"), "--limit is 0.0; expected a finite number of at least 1"),
        (("--to", "latent_tree", "--limit", "1e400"), "--limit is inf; expected a finite number of at least 1"),
        (("--to", "latent_tree", "--limit", "nan"), "--limit is nan; expected a finite number of at least 1"),
        (("--to", "latent_tree", "-o", "nowhere/t.json"), "--out nowhere/t.json cannot be written: there is no folder"),
        (("--to", "latent_tree", "-o", "."), "--out . is a folder; give a file in it, such as model.json"),
        (("--to", "latent_tree", "-o", "/dev/null"), "--out /dev/null is no ordinary file"),
    ],
    ids=lambda value: " ".join(value[2:] or value[:2]) if isinstance(value, tuple) else "",
)
def test_bad_options_are_refused_before_the_work(chain, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "balanced" not in options:
        monkeypatch.setattr(reductions, "reduce", None)
    done = invoke("reduce", chain, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.json"]


def test_a_reduction_that_fails_its_check_is_not_written(chain, tmp_path, monkeypatch):
    out = tmp_path / "t.json"
    out.write_text("before")

    def differs(*arguments, **options):
        return replace(check(*arguments, **options), equal=False)

    check = equality.check_reduction
    monkeypatch.setattr(equality, "check_reduction", differs)
    done = invoke("reduce", chain, "--to", "latent_tree", "-o", out, "--json")
    assert done.exit_code == 1
    assert "internal error: the latent_tree made of" in done.stderr
    assert "is not equal to it; nothing was written" in done.stderr
    assert json.loads(done.stdout)["out"] is None
    assert out.read_text() == "before"


def test_floats_say_how_they_were_compared(tmp_path):
    save(HiddenMarkov.random(3, 2, 6, seed=1), tmp_path / "h.json")
    report = json.loads(invoke("reduce", tmp_path / "h.json", "--to", "sum_product", "--json").stdout)
    # Tables are copied, so that floats are equal over GF(p), too.
    assert (report["equal"], report["over_fields"], report["tolerance"]) == (True, True, None)
    assert np.isfinite(report["ratio"])


def test_a_reduction_that_rounds_says_that_it_is_another_and_equal_within_rounding(tmp_path):
    save(TensorialMixture.random(3, 2, 2, seed=0), tmp_path / "t.json")
    done = invoke("reduce", tmp_path / "t.json", "--to", "hidden_markov", "--json")
    report = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (report["equal"], report["identical"], report["over_fields"], report["tolerance"]) == (True, False, False, 1e-9)
    assert 0 < report["largest_difference"] < 1e-12
    assert report["compared"].startswith("compared at ")
    text = " ".join(invoke("reduce", tmp_path / "t.json", "--to", "hidden_markov").stdout.split())
    assert "equal within rounding (logarithms of values differ by" in text
    assert "as stored they are different, which GF(" in text

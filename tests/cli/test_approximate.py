"""`tensorrank approximate`: table, sentences, JSON, figure, model, refusals and interrupts."""

import json

import numpy as np
import pytest
from command_line import invoked, run
from mixtures.brute_force import probability_table

from tensorrank.cli import approximate as verb
from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.approximation.result import Interrupted
from tensorrank.mixtures.formats.files import load, save
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.sum_product.model import SumProduct


def invoke(*arguments):
    return invoked(["approximate", *arguments], catch_exceptions=False)


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "h.json"
    save(HiddenMarkov.random(2, 2, 4, seed=0), path)
    return path


def rows(text):
    """The cells of a table's rows, which begin with a step."""
    return [line.split() for line in text.splitlines() if line.split()[:1] and line.split()[0].isdecimal()]


def test_the_installed_program_prints_a_table_and_what_it_means(chain):
    done = run("approximate", chain, "--steps", 10)
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    assert [row[0] for row in found] == ["0", "1", "2", "4", "8", "10"]
    table = probability_table(load(chain))
    largest = np.sort(table.ravel())[::-1]
    # With one part: the largest entry alone.
    error = np.sqrt((table**2).sum() - 2 * largest[0] + 1)
    assert found[0][1:3] == ["1", f"{error:.3g}"]
    assert [row[3] for row in found][:3] == ["2", f"{(8 / 3) ** 0.5:.3g}", f"{2**0.5:.3g}"]
    assert float(found[0][5]) == pytest.approx(1 - largest[0], rel=1e-3)
    assert {row[-1] for row in found} == {"yes"}
    (head,) = (line for line in done.stdout.splitlines() if line.split()[:1] == ["t"])
    assert head.split()[-3:] == ["reverse", "KL", "certified"]
    norm = float(np.sqrt((table**2).sum()))
    assert f"‖W‖ = {norm:.3g} is the error of no parts at all" in done.stdout
    assert f"below {int(8 / norm**2):,} parts" in done.stdout
    assert "All steps are certified" in done.stdout
    assert "An exact shallow form needs 4 parts, and no more" in done.stdout


def test_json_holds_every_step_and_the_wall(chain, tmp_path):
    done = invoke(chain, "--steps", 3, "--json", "--out", tmp_path / "deep" / "er")
    assert (done.exit_code, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert (values["experiment"], values["seed"], values["interrupted"], values["model"]) == ("approximation", 0, False, None)
    (target,) = values["targets"]
    assert (target["label"], target["wall"]["parts"], target["wall"]["exact"]) == ("h", 4, True)
    (made,) = target["runs"]
    assert (made["method"], made["atoms"], made["certified"]) == ("corrective", "entries", True)
    assert [step["step"] for step in made["steps"]] == [0, 1, 2, 3]
    assert [step["guarantee"] for step in made["steps"]] == pytest.approx([(8 / (t + 2)) ** 0.5 for t in range(4)])
    # Entries that are not parts have no probability.
    assert made["steps"][3]["kl"]["value"] == "inf"
    assert {path.name for path in (tmp_path / "deep" / "er").iterdir()} == {"approximation.png", "approximation.svg"}
    assert len(values["figures"]) == 2


@pytest.mark.parametrize("method", ["corrective", "refitted", "line-search", "plain", "sampling", "likelihood"])
def test_every_method_has_its_name_and_its_standing(chain, method):
    done = invoke(chain, "--steps", 2, "--method", method, "--atoms", "products")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"by {method.replace('-', ' ')} steps over products" in done.stdout
    drawn = method in ("sampling", "likelihood")
    assert {row[-1] for row in rows(done.stdout)} == {"-" if drawn else "no"}
    assert ("Nothing is certified" if drawn else "No step is certified") in done.stdout
    assert ("expected" in done.stdout) == (method == "sampling")
    assert "of certified steps over entries" in done.stdout


def test_likelihood_takes_products_unasked(chain):
    assert "likelihood steps over products" in invoke(chain, "--steps", 1, "--method", "likelihood").stdout


def test_the_last_model_is_saved(chain, tmp_path):
    done = invoke(chain, "--steps", 4, "--save", tmp_path / "c.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"The last approximation: {tmp_path / 'c.json'}" in done.stdout
    model = load(tmp_path / "c.json")
    assert (model.kind, model.classes) == ("latent_class", 5)
    error = np.sqrt(((model.marginal(range(4)) - probability_table(load(chain))) ** 2).sum())
    assert rows(done.stdout)[-1][2] == f"{error:.3g}"


def test_several_models_share_a_picture(chain, tmp_path):
    other = tmp_path / "other.json"
    save(HiddenMarkov.random(2, 2, 6, seed=1), other)
    done = invoke(chain, other, "--steps", 2, "--out", tmp_path / "out")
    assert [line.split(":")[0] for line in done.stdout.splitlines() if "by corrective" in line] == ["h", "other"]
    assert f"The picture: {tmp_path / 'out' / 'approximation.png'}" in done.stdout


def test_models_of_the_same_name_are_told_apart(chain, tmp_path):
    (tmp_path / "sub").mkdir()
    save(HiddenMarkov.random(2, 2, 3, seed=1), tmp_path / "sub" / "h.json")
    done = invoke(chain, tmp_path / "sub" / "h.json", "--steps", 1, "--json")
    labels = [target["label"] for target in json.loads(done.stdout)["targets"]]
    assert labels == [str(chain), str(tmp_path / "sub" / "h.json")]


def test_entries_that_run_out_are_told(chain):
    done = invoke(chain, "--steps", 100)
    assert rows(done.stdout)[-1][:2] == ["15", "16"]
    assert "The target is reached at t = 15: no entries of W are left." in done.stdout
    many = invoke(chain, "--steps", 1000, "--method", "plain")
    assert "ran out" not in many.stdout
    assert "the guarantee sqrt(8 / (t + 2)) is below it from " in many.stdout


def test_a_search_that_does_not_close_says_from_where(tmp_path):
    save(SumProduct.perfect_matchings(10, 3, seed=0), tmp_path / "s.json")
    done = invoke(tmp_path / "s.json", "--steps", 6, "--nodes", 40)
    assert done.exit_code == 0
    assert "the search for entries did not close; try more --nodes" in done.stdout
    assert "no" in {row[-1] for row in rows(done.stdout)}


def test_steps_that_end_short_of_the_target_are_not_said_to_reach_it(chain):
    short = approximate(load(chain), 2)
    assert verb._ended(short) == " Steps end at t = 2, short of the target."
    whole = approximate(load(chain), 50)
    assert verb._ended(whole) == " The target is reached at t = 15: no entries of W are left."


def test_an_interrupt_keeps_the_steps_before(chain, tmp_path, monkeypatch):
    whole = approximate(load(chain), 2)
    monkeypatch.setattr(verb, "_approximated", lambda *_, **__: (_ for _ in ()).throw(Interrupted(whole)))
    done = invoke(chain, "--steps", 50, "--save", tmp_path / "v.json")
    assert done.exit_code == 130
    assert len(rows(done.stdout)) == 3
    assert load(tmp_path / "v.json").classes == 3
    assert "0 of 1 models are done" in done.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_an_interrupt_keeps_the_models_before(chain, tmp_path, monkeypatch, as_json):
    other = tmp_path / "other.json"
    save(HiddenMarkov.random(2, 2, 3, seed=1), other)
    compute = verb._approximated

    def interrupts(label, *arguments, **options):
        if label == "other":
            raise KeyboardInterrupt
        return compute(label, *arguments, **options)

    monkeypatch.setattr(verb, "_approximated", interrupts)
    extra = ["--json"] if as_json else ["--out", tmp_path / "out"]
    done = invoke(chain, other, "--steps", 2, *extra)
    assert done.exit_code == 130
    assert done.stderr == "interrupted: 1 of 2 models are done\n"
    if as_json:
        values = json.loads(done.stdout)
        assert (values["interrupted"], [target["label"] for target in values["targets"]]) == (True, ["h"])
    else:
        assert [row[0] for row in rows(done.stdout)] == ["0", "1", "2"]
        assert (tmp_path / "out" / "approximation.png").exists()
    done = invoke(other, "--save", tmp_path / "c.json")
    assert (done.exit_code, done.stdout) == (130, "")
    assert not (tmp_path / "c.json").exists()


def test_help_has_an_example():
    done = invoke("--help")
    assert done.exit_code == 0
    assert "tensorrank approximate h.json --steps 100" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--steps", -1), "--steps is -1; expected a whole number of at least 0"),
        (("--method", "line search"), "--method is 'line search'; expected one of corrective, refitted, line-search"),
        (("--atoms", "entry"), "--atoms is 'entry'; expected one of entries, products"),
        (("--method", "likelihood", "--atoms", "entries"), "expected atoms 'products'"),
        (("--nodes", 0), "--nodes is 0; expected a whole number of at least 1"),
        (("--samples", 1), "--samples is 1; expected a whole number of at least 2"),
        (("--memory", "much"), "the memory limit is 'much'"),
        (("--seed", -1), "--seed is -1"),
        (("--save", "nowhere/c.json"), "--save nowhere/c.json cannot be written: there is no folder"),
        (("--save", "."), "--save . is a folder"),
        (("--out", "/dev/null/x"), "--out /dev/null/x cannot be made"),
        (("h.json",), "were given; expected each once"),
        (("other.json",), "other.json cannot be read"),
        (("other.json", "--save", "c.json"), "--save c.json takes one model, but 2 files were given"),
    ],
    ids=str,
)
def test_bad_input_gets_a_line_and_exit_2(chain, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("h.json", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["h.json"]

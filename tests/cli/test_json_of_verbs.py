"""--json of every verb: one object for strict readers of JSON and for readers that hold floats only; of errors, too."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import PARTS, invoked, run, run_afresh
from typer.main import get_command

import tensorrank as tr
from tensorrank.cli.main import app
from tensorrank.errors import TensorRankError

ABLATION = Path(__file__).parents[2] / "examples" / "ablation" / "softmax.csv"
# For each verb arguments that end soon; several where the object differs.
GOOD = {
    ("study",): [("--widths", "2", "--depths", "1-2", "--out", "FOLDER")],
    ("bounds",): [("--width", "64", "--depth", "1-12"), ("--width", "2", "--depth", "1")],
    ("compare",): [("--parameters", "16", "--out", "FOLDER")],
    ("reduce",): [("h.json", "--to", "sum_product"), ("m.json", "--to", "latent_class")],
    ("approximate",): [("h.json", "--steps", "2")],
    ("advise",): [("--parameters", "175e9"), ("--depth", "96", "--width", "12288"), ("--projections",), ("--config", "c.json")],
    ("ablation",): [(str(ABLATION),)],
    ("show",): [("h.json",), ("m.json",)],
    ("machine",): [()],
    ("atlas", "list"): [(), ("--widths", "2-3", "--standing", "exact")],
    ("atlas", "verify"): [("attention", "depth=2", "width=2")],
    ("atlas", "add"): [("r.json", "--atlas", "mine.json")],
    ("rank", "FILE"): [("h.json",), ("m.json", "--plan")],
    ("rank", "attention"): [("--depth", "2", "--width", "2"), ("--depth", "12", "--width", "64", "--plan")],
    ("rank", "higher-order"): [("--depth", "1", "--width", "2")],
    ("rank", "gated"): [("--depth", "1", "--width", "2", "--state", "2", "--tokens", "4")],
    ("rank", "graph"): [("--graph", "path:3", "--depth", "2", "--width", "2")],
    ("rank", "softmax"): [("--depth", "1", "--width", "2", "--samples", "16")],
    ("rank", "circuit", "recurrent"): [("--depth", "2", "--hidden", "2", "--channels", "2", "--steps", "4")],
    ("rank", "circuit", "convolutional"): [("--sites", "4", "--channels", "2", "--widths", "2,2")],
    ("separation", "interleaved"): [("--sites", "4,8")],
    ("separation", "levels"): [("--depths", "2-3")],
    ("separation", "formats"): [("--sites", "4")],
    ("separation", "perfect-matchings"): [("--sites", "6,64")],
    ("separation", "hierarchy"): [("--sites", "4")],
    ("data",): [("d.npz", "--ranks", "--arrange"), ("d.npz", "--embedding", "moments")],
    ("task", "softmax-bottleneck"): [("--tokens", "4")],
    ("task", "ranks", "sparse-averaging"): [("--tokens", "5", "--sparsity", "2")],
    ("task", "ranks", "match2"): [("--tokens", "4", "--modulus", "5")],
    ("task", "ranks", "match3"): [("--tokens", "5", "--modulus", "5")],
    ("task", "ranks", "match3-bigram"): [("--tokens", "5", "--modulus", "5")],
    ("task", "ranks", "match3-local"): [("--tokens", "5", "--modulus", "5")],
    ("task", "ranks", "disjointness"): [("--length", "4")],
    ("task", "ranks", "inner-product"): [("--length", "4")],
    ("task", "ranks", "induction-heads"): [("--tokens", "4", "--symbols", "3")],
    ("task", "ranks", "k-hop"): [("--tokens", "4", "--symbols", "3", "--hops", "2")],
    ("task", "ranks", "function-composition"): [("--points", "2")],
    ("task", "ranks", "one-or-two-cycles"): [("--vertices", "8")],
}
# One command of each verb; what the machine does is different each time.
FIRST = {verb[0]: (verb, several[0]) for verb, several in reversed(GOOD.items()) if verb != ("machine",)}
ERRORS = [(verb, ("--no-such-option",)) for verb in GOOD] + [
    (("show",), ("no\nsuch\udcff.json",)),
    (("rank", "FILE"), ("h.json", "--partition", "ein Drittel")),
    (("advise",), ("--config", "/dev/null")),
]


def leaf_commands(command, path=()):
    """All commands that take options, by their names."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(path, command)]
    return [leaf for name, below in inner.items() for leaf in leaf_commands(below, (*path, name))]


def failing(error):
    """A function that takes anything and raises an error."""

    def fail(*_, **options):
        raise error

    return fail


def words(verb):
    """What is typed for a verb: the command for files has no name."""
    return [word for word in verb if word != "FILE"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("verbs")
    tr.save(tr.HiddenMarkov.random(2, 2, 6, seed=0), path / "h.json")
    tr.save(tr.SumProduct.perfect_matchings(60, 2, seed=0), path / "m.json")
    shutil.copy(Path(__file__).parents[1] / "guidelines" / "configs" / "gpt2.json", path / "c.json")
    np.savez(path / "d.npz", samples=[[0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1]], labels=[1, -1, 1])
    rank = tr.separation_rank(tr.RecurrentCircuit(1, 5, 2, 4), threads=1)
    (path / "r.json").write_text(json.dumps(rank.to_dict()))
    return path


def refuse(text):
    raise AssertionError(f"{text} is no JSON")


def whole(text):
    assert abs(int(text)) <= 2**53, "readers of JSON that hold floats only would round it"
    return int(text)


def decimal(text):
    assert math.isfinite(float(text))
    return float(text)


def strictly_read(text):
    assert "\n" not in text.rstrip("\n")
    # Half a surrogate pair is in no text of UTF-8.
    text.encode("utf-8")
    values = json.loads(text, parse_int=whole, parse_float=decimal, parse_constant=refuse)
    assert json.loads(text, parse_int=float) == values
    assert isinstance(values, dict)
    return values


def test_every_verb_is_here():
    others = {("task", "check"), ("task", "study")}
    assert {leaf for leaf, _ in leaf_commands(get_command(app)) if leaf[:2] not in others} == set(GOOD)


@pytest.mark.parametrize(
    ("verb", "arguments"), [(verb, arguments) for verb, several in GOOD.items() for arguments in several], ids=" ".join
)
def test_what_is_found_is_one_object_that_every_reader_can_read(verb, arguments, folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)
    given = [str(tmp_path) if one == "FOLDER" else one for one in arguments]
    done = invoked([*words(verb), *given, "--json"], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    assert strictly_read(done.stdout)


@pytest.mark.parametrize(("verb", "arguments"), FIRST.values(), ids=FIRST)
def test_a_verb_says_the_same_in_a_program_started_afresh_and_in_a_copy_of_a_loaded_one(verb, arguments, folder, tmp_path):
    said = []
    for start in (run_afresh, run):
        out = tmp_path / start.__name__
        given = [out if one == "FOLDER" else one for one in arguments]
        done = start(*words(verb), *given, "--json", cwd=folder)
        assert (done.returncode, done.stderr) == (0, "")
        said.append(re.sub(r'"seconds": (\{[^}]+\}|[^,}]+)', "", done.stdout).replace(str(out), ""))
    assert said[0] == said[1]


@pytest.mark.parametrize(("verb", "arguments"), ERRORS, ids=repr)
def test_errors_are_one_object_too(verb, arguments, folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = invoked([*words(verb), *arguments, "--json"], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (2, "")
    assert list(strictly_read(done.stdout)) == PARTS


def test_every_kind_of_error_of_every_verb_is_one_object_with_the_same_parts(monkeypatch):
    def check(words, code=2):
        done = invoked([*words, "--json"], catch_exceptions=False)
        assert (done.exit_code, done.stderr) == (code, ""), words
        found = strictly_read(done.stdout)
        assert list(found) == PARTS
        assert (found["code"], found["where"]) == (code, " ".join(["tensorrank", *verb]))
        return found

    for leaf, command in leaf_commands(get_command(app)):
        verb = tuple(words(leaf))
        assert check([*verb, "--nonsense"])["given"] == "--nonsense"
        if any("--seed" in option.opts for option in command.params):
            found = check([*verb, "--seed", "many"])
            assert (found["what"], found["given"]) == ("--seed", "many")
        for error, code, given in (
            (MemoryError("1 GiB"), 2, None),
            (KeyboardInterrupt(), 130, None),
            (TensorRankError("a is 1; expected 2"), 2, "1"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(type(command), "make_context", failing(error))
                assert check(verb, code)["given"] == given


def test_bounds_of_thousands_of_digits_are_read_with_python_as_it_comes():
    # Python's own limit of 4300 digits for whole numbers, which json.load keeps, holds for no text.
    done = invoked(["bounds", "--width", "64", "--depth", "12", "--json"], catch_exceptions=False)
    assert len(json.loads(done.stdout)["bounds"][0]["moment_bound"]) > 4300

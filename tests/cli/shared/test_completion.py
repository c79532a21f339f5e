"""Completion in shells: what is offered is what verbs take, at once, and nothing goes wrong in the middle of a line."""

import shlex
import subprocess
import sys
from typing import get_args

import pytest
from command_line import PROGRAM, invoked
from matplotlib.backend_bases import FigureCanvasBase
from typer.main import get_command

import tensorrank as tr
from tensorrank.arithmetic.elimination.engine_choice import EngineName
from tensorrank.atlas.kinds import KINDS as SIZED
from tensorrank.circuits.gated_recurrence import Gates
from tensorrank.circuits.given_graphs import NAMED
from tensorrank.cli.main import app
from tensorrank.cli.shared import completion
from tensorrank.experiments.comparison import Family
from tensorrank.mixtures.kinds import KINDS
from tensorrank.separation.options import Method
from tensorrank.separation.result import Standing


def completed(line):
    """What bash offers at the end of a line."""
    words = line.split(" ")
    names = {"_ROOT_COMPLETE": "complete_bash", "_TENSORRANK_COMPLETE": "complete_bash"}
    done = invoked([], env={**names, "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)})
    assert not done.stderr
    return done.stdout.split()


def test_names_are_those_that_the_package_knows():
    assert tuple(KINDS) == completion.MIXTURES
    assert get_args(EngineName) == completion.ENGINES
    assert get_args(Method) == completion.METHODS
    assert tuple(SIZED) == completion.ARCHITECTURES
    assert get_args(Family) == completion.FAMILIES
    assert {*completion.GATES} == {*get_args(Gates)}
    assert {*completion.GRAPHS} == {f"{name}:" for name in NAMED}
    assert {*completion.STANDINGS} < {*get_args(Standing)}
    assert {*completion.PICTURES} <= {*FigureCanvasBase.filetypes}
    for name in completion.PARTITIONS:
        assert tr.separation_rank(tr.RecurrentCircuit(1, 2, 2, 4), name).value >= 2


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tensorrank re", ["reduce"]),
        ("tensorrank rank att", ["attention"]),
        ("tensorrank rank model.json --par", ["--partition"]),
        ("tensorrank rank model.json --partition inter", ["interleaved"]),
        ("tensorrank rank attention --depth 2 --engine fl", ["float32", "float64"]),
        ("tensorrank rank circuit convolutional --pooling ", ["neighbours", "mirror"]),
        ("tensorrank reduce h.json --to hi", ["hidden_markov", "hierarchical"]),
        ("tensorrank compare --families attention,", ["attention,recurrent", "attention,convolutional"]),
        ("tensorrank study --format png,p", ["png,pdf", "png,ps", "png,pgf"]),
        ("tensorrank study conv", ["convolutional"]),
        ("tensorrank rank gated --gates ", ["inputs", "constant", "none"]),
        ("tensorrank rank graph --graph c", ["cycle:", "complete:"]),
        ("tensorrank atlas ", ["list", "verify", "add"]),
        ("tensorrank atlas --wid", ["--widths", "--width"]),
        ("tensorrank atlas --widths 2 --standing ex", ["exact"]),
        ("tensorrank task ranks match3-", ["match3-bigram", "match3-local"]),
        # Files are left to the shell.
        ("tensorrank rank m", []),
        ("tensorrank show ", []),
        ("tensorrank advise --config ", []),
    ],
)
def test_what_is_offered(line, offered):
    assert completed(line) == offered


def test_every_name_that_is_offered_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "h.json"
    tr.save(tr.LatentClass.random([2] * 4, 2, seed=0), model)
    lines = ["reduce h.json --limit 1e4 --to ", "approximate h.json --steps 1 --method ", "rank h.json --partition "]
    lines += ["rank gated --depth 1 --width 2 --state 2 --tokens 4 --gates "]
    lines += ["rank circuit convolutional --sites 4 --channels 2 --widths 2,2 --pooling ", "atlas --widths 2 --standing "]
    for line in lines:
        names = completed(f"tensorrank {line}")
        assert len(names) > 1
        for name in names:
            assert invoked([*shlex.split(line), name]).exit_code == 0, (line, name)


def test_a_line_that_is_not_finished_breaks_nothing():
    words = ["rank", "nowhere.json", "--json", "--partition", "x,y", "--seed", "a", "--", "--to", "'"]
    for verb in get_command(app).commands:
        for count in range(len(words)):
            completed(" ".join(["tensorrank", verb, *words[:count], ""]))


def test_a_shell_waits_for_no_heavy_module():
    program = (
        "import sys, atexit, runpy\n"
        "heavy = ('numpy', 'numba', 'scipy', 'matplotlib', 'sqlite3', 'networkx')\n"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr))\n"
        f"sys.argv = ['tensorrank']; runpy.run_path({PROGRAM[0]!r}, run_name='__main__')"
    )
    line = {"_TENSORRANK_COMPLETE": "complete_bash", "COMP_WORDS": "tensorrank reduce h.json --to hi", "COMP_CWORD": "4"}
    done = subprocess.run([sys.executable, "-c", program], env=line, capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr.strip()) == (["hidden_markov", "hierarchical"], "[]")


def test_the_script_of_a_shell_is_for_the_installed_program_however_it_was_asked_for():
    """`python -m tensorrank` has three words, of which bash would complete each, `python` among them."""
    for program in (PROGRAM, [sys.executable, "-m", "tensorrank"]):
        done = subprocess.run([*program, "--show-completion", "bash"], capture_output=True, text=True, timeout=60)
        assert done.stdout.splitlines()[-1] == "complete -o default -F _tensorrank_completion tensorrank"
        assert "_TENSORRANK_COMPLETE=complete_bash" in done.stdout

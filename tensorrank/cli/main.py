"""`tensorrank`: the verbs together, and the entry point."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

import tensorrank
from tensorrank.cli import (
    ablation,
    advise,
    approximate,
    atlas,
    bounds,
    compare,
    data,
    machine,
    rank,
    reduce,
    separation,
    show,
    study,
    task,
)
from tensorrank.cli.shared.plain_errors import PlainErrors
from tensorrank.cli.shared.streams import settled_streams
from tensorrank.cli.shared.terminal import say

# A function is a verb, a Typer application a verb with further verbs of its own; --help lists them in this order.
VERBS: dict[str, Callable[..., None] | typer.Typer] = {
    "study": study.study,
    "rank": rank.app,
    "bounds": bounds.bounds,
    "compare": compare.compare,
    "reduce": reduce.reduce,
    "approximate": approximate.approximate,
    "separation": separation.app,
    "data": data.data,
    "task": task.app,
    "advise": advise.advise,
    "ablation": ablation.ablation,
    "show": show.show,
    "atlas": atlas.app,
    "machine": machine.machine,
}


class Verbs(PlainErrors):
    """The group of all verbs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs as --help lists them."""
        return list(VERBS)


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How much correlation between two parts of its input can an architecture represent?\n\n"
    "The measure is the separation rank: the least number of products g(a) h(b) that sum to the function of the "
    "architecture, where a and b are the two parts of its input. It is computed over finite fields, and comes with its "
    "standing: exact, probable, a lower bound, or numerical.\n\n"
    "Every verb has an example in its --help. With --json it prints one JSON object on standard output: what it found, "
    'or for errors {"error", "what", "given", "expected", "try", "where", "code"}; whole numbers beyond 2^53 are text.\n\n'
    "The exit code is 0; 2 for bad input; 130 after an interrupt (143 where SIGTERM ends a study); 1 where a study had "
    "to skip ranks, where `atlas verify` could not decide, and for internal errors.",
)
for name, verb in VERBS.items():
    if isinstance(verb, typer.Typer):
        app.add_typer(verb, name=name)
    else:
        app.command(name=name)(verb)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tensorrank {tensorrank.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    # Bounds of deep and wide networks have thousands of digits, and JSON writes them all.
    sys.set_int_max_str_digits(0)
    warnings.showwarning = _in_a_sentence
    with settled_streams():
        # Also of `python -m tensorrank`, whose words shells would complete one by one.
        app(prog_name="tensorrank")


def _in_a_sentence(message: Warning | str, *where: Any, **more: Any) -> None:
    """Say a warning on standard error, without the line of code that it comes from."""
    say(f"warning: {message}", err=True)

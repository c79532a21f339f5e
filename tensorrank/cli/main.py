"""`tensorrank`: the verbs together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import tensorrank
from tensorrank.cli import ablation, advise, approximate, bounds, compare, rank, reduce, separation, show, study, task
from tensorrank.cli.shared.plain_errors import PlainErrors

app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How much correlation between two parts of its input can an architecture represent? "
    "Exact, certified separation ranks.\n\n"
    "Every verb has an example in its --help. With --json it prints one JSON object on standard output: what it found, "
    'or {"error": ...} for bad input. The exit code is 0, or 2 for bad input, or 130 after an interrupt.',
)
app.command(name="study")(study.study)
app.add_typer(rank.app, name="rank")
app.command(name="bounds")(bounds.bounds)
app.command(name="compare")(compare.compare)
app.command(name="reduce")(reduce.reduce)
app.command(name="approximate")(approximate.approximate)
app.command(name="show")(show.show)
app.add_typer(separation.app, name="separation")
app.add_typer(task.app, name="task")
app.command(name="advise")(advise.advise)
app.command(name="ablation")(ablation.ablation)


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
    """Run the command line; the entry point."""
    # Bounds of deep and wide networks have thousands of digits, and JSON writes them all.
    sys.set_int_max_str_digits(0)
    app()

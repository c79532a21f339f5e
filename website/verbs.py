"""The `--help` of every verb, as the program prints it when the site is built."""

import os
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.pages import Page

# Columns of the help, which typer reads when it is imported.
os.environ["TERMINAL_WIDTH"] = "78"

from typer.main import get_command
from typer.testing import CliRunner

from tensorrank.cli.main import app

MARK = "<!-- the help of every verb -->"


def on_page_markdown(markdown: str, page: Page, **about: Any) -> str:
    """Put the help of every verb in the place of the mark."""
    return markdown.replace(MARK, "\n\n".join(sections())) if MARK in markdown else markdown


def sections() -> Iterator[str]:
    """A heading and the help, verb by verb, each followed by its own verbs."""
    yield f"```text\n{help_of(())}\n```"
    for words in commands((), get_command(app)):
        yield f"{'#' * (len(words) + 1)} tensorrank {' '.join(words)}\n\n```text\n{help_of(words)}\n```"


def commands(words: tuple[str, ...], group: Any) -> Iterator[tuple[str, ...]]:
    """The words that call each command of a group, depth first."""
    for name in group.list_commands(None) if hasattr(group, "list_commands") else ():
        if not group.commands[name].hidden:
            yield (*words, name)
            yield from commands((*words, name), group.commands[name])


def help_of(words: tuple[str, ...]) -> str:
    """What a command prints for --help."""
    printed = CliRunner().invoke(app, [*words, "--help"], prog_name="tensorrank")
    if printed.exit_code:
        raise SystemExit(f"tensorrank {' '.join(words)} --help ended with {printed.exit_code}: {printed.output}")
    return "\n".join(line.rstrip() for line in printed.output.strip("\n").splitlines())

"""The `--help` of every verb, as the program prints it when the site is built."""

import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from mkdocs.structure.pages import Page

# Columns of the help, which typer reads when it is imported.
os.environ["TERMINAL_WIDTH"] = "78"

from typer.main import get_command

from tensorrank.cli.main import app

MARK = "<!-- the help of every verb -->"


def on_page_markdown(markdown: str, page: Page, **about: Any) -> str:
    """Put the help of every verb in the place of the mark."""
    return markdown.replace(MARK, "\n\n".join(sections())) if MARK in markdown else markdown


def sections() -> Iterator[str]:
    """A heading and the help, verb by verb, each followed by its own verbs."""
    # Made once: the program asks for its verbs whenever it is made.
    program = get_command(app)
    yield f"```text\n{help_of((), program)}\n```"
    for words in commands((), program):
        yield f"{'#' * (len(words) + 1)} tensorrank {' '.join(words)}\n\n```text\n{help_of(words, program)}\n```"


def commands(words: tuple[str, ...], group: Any) -> Iterator[tuple[str, ...]]:
    """The words that call each command of a group, depth first."""
    for name in group.list_commands(None) if hasattr(group, "list_commands") else ():
        if not group.commands[name].hidden:
            yield (*words, name)
            yield from commands((*words, name), group.commands[name])


def help_of(words: tuple[str, ...], program: Any) -> str:
    """What a command prints for --help."""
    with redirect_stdout(StringIO()) as printed:
        ended = program.main([*words, "--help"], prog_name="tensorrank", standalone_mode=False)
    if ended:
        raise SystemExit(f"tensorrank {' '.join(words)} --help ended with {ended}: {printed.getvalue()}")
    return "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())

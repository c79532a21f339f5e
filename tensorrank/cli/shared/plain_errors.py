"""What the command line says where a verb fails: a plain sentence, or one JSON object, and an exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup

from tensorrank.arguments import shown
from tensorrank.cli.shared.error_parts import parts_of
from tensorrank.cli.shared.terminal import BAD_INPUT, INTERRUPTED, print_json, say
from tensorrank.errors import TensorRankError

# A word of a message is given in full up to 499 characters, which the paths of people's files keep to.
_LONG_WORD = re.compile(r"\S{500,}")
# Under this name a context keeps the words of the command line.
_GIVEN = f"{__name__}.given"
# What is raised for options that are unknown, missing or of another type. Typer names only kinds of it.
_UsageError: Any = typer.BadParameter.__bases__[0]


class PlainErrors(TyperGroup):
    """The group of all verbs: tells errors without a traceback, and after --json as one object on standard output.

    The object has the sentence as `error`, its parts by name, the verb as `where` and the exit code as `code`.
    Bad input exits with 2, an interrupt with 130.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether JSON is asked for before a verb has read its options, since these may be wrong."""
        ctx.obj, ctx.meta[_GIVEN] = "--json" in args, list(args)
        try:
            return list(super().parse_args(ctx, args))
        except _UsageError as error:
            if not ctx.obj:
                raise
            _tell_in_json(self, ctx, error.format_message(), BAD_INPUT)
            raise typer.Exit(BAD_INPUT) from None

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        try:
            _refuse_options_as_values(self, ctx.meta[_GIVEN])
            return super().invoke(ctx)
        except TensorRankError as error:
            message = str(error)
        except MemoryError as error:
            message = f"not enough memory ({error}); try smaller numbers, or give --memory"
        except _UsageError as error:
            error.message = _what_was_given(error) + error.message + _of_a_size(ctx, error)
            if not ctx.obj:
                # Typer prints such errors itself, from the message.
                error.message = _shortened(error.message)
                raise
            message = error.format_message()
        except KeyboardInterrupt:
            self._tell(ctx, "interrupted", INTERRUPTED)
            raise typer.Exit(INTERRUPTED) from None
        self._tell(ctx, message, BAD_INPUT)
        raise typer.Exit(BAD_INPUT)

    def _tell(self, ctx: Any, message: str, code: int) -> None:
        if ctx.obj:
            _tell_in_json(self, ctx, message, code)
        else:
            say(_shortened(message if code == INTERRUPTED else f"error: {message}"), err=True)


def _refuse_options_as_values(program: TyperGroup, given: list[str]) -> None:
    """Raise an error for an option whose value was left out: the option behind it would be taken for the value."""
    options = [option for command in _commands(program) for option in command.params if option.param_type_name == "option"]
    long_names = {name: max(option.opts, key=len) for option in options if not option.is_flag for name in option.opts}
    names = {"--help", "-h"}.union(*(option.opts for option in options))
    before_files = given[: given.index("--")] if "--" in given else given
    for name, value in pairwise(before_files):
        if name in long_names and value in names:
            written = f"{long_names[name]}={value}"
            raise TensorRankError(
                f"{name} is followed by the option {value}; expected a value. For {value} as the value, write {written}"
            )


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from _commands(below)


def _of_a_size(ctx: Any, error: Any) -> str:
    """How a study is given a size for which it has no option; an empty text for other errors, and for slips."""
    name = getattr(error, "option_name", None)
    if name is None or ctx.invoked_subcommand != "study" or getattr(error, "possibilities", None):
        return ""
    return f". Other sizes are given with a kind: tensorrank study attention depth=1-3 width=2 {name.lstrip('-')}=..."


def _what_was_given(error: Any) -> str:
    """The value of an option that is of another type, which typer's message leaves out; else an empty text."""
    errors = getattr(error.__cause__, "errors", None)  # pydantic, which typer asks, lists them
    return "" if errors is None else f"{shown(errors()[0]['input'])} was given. "


def _tell_in_json(program: TyperGroup, ctx: Any, message: str, code: int) -> None:
    shortened = _shortened(message)
    where = " ".join(["tensorrank", *_verb(program, ctx.meta[_GIVEN])])
    print_json({"error": shortened, **parts_of(shortened), "where": where, "code": code})


def _verb(program: Any, given: list[str]) -> Iterator[str]:
    """The words of the command line that name the verb."""
    for word in given:
        below = getattr(program, "commands", {})
        if word in below and not below[word].hidden:
            program = below[word]
            yield word
        elif not word.startswith("-"):
            return


def _shortened(message: str) -> str:
    """A message whose long words, which nobody reads, are cut in their middle: whatever was given, it stays readable.

    >>> _shortened("--depth is " + 600 * "1")
    '--depth is 111111111111111111111111111111111111111111111111111111111111...111111111111'
    """
    return _LONG_WORD.sub(lambda word: f"{word[0][:60]}...{word[0][-12:]}", message)

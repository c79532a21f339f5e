"""What the command line says where a verb fails: a plain sentence, or one JSON object, and an exit code."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from tensorrank.cli.shared.terminal import BAD_INPUT, INTERRUPTED, print_json, say
from tensorrank.errors import TensorRankError

# What is raised for options that are unknown, missing or of another type. Typer names only kinds of it.
_UsageError: Any = typer.BadParameter.__bases__[0]


class PlainErrors(TyperGroup):
    """The group of all verbs: tells errors without a traceback, and after --json as {"error": ...} on standard output.

    Bad input exits with 2, an interrupt with 130.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether JSON is asked for before a verb has read its options, since these may be wrong."""
        ctx.obj = "--json" in args
        return list(super().parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except TensorRankError as error:
            message = str(error)
        except MemoryError as error:
            message = f"not enough memory ({error}); try smaller numbers, or give --memory"
        except _UsageError as error:
            if not ctx.obj:
                raise
            message = error.format_message()
        except KeyboardInterrupt:
            _tell("interrupted", "interrupted", json=ctx.obj)
            raise typer.Exit(INTERRUPTED) from None
        _tell(message, f"error: {message}", json=ctx.obj)
        raise typer.Exit(BAD_INPUT)


def _tell(message: str, line: str, *, json: bool) -> None:
    if json:
        print_json({"error": message})
    else:
        say(line, err=True)

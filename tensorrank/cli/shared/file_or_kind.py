"""A verb whose argument is a file, unless it names a kind of model with options of its own."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from typer.core import TyperCommand, TyperGroup

from tensorrank.arguments import nearest
from tensorrank.errors import TensorRankError


class FileOrKind(TyperGroup):
    """A group that hands what is no name of a kind, and options without one, to its hidden command for files."""

    # No shell and no file manager makes such a name by chance.
    of_file: ClassVar[str] = "FILE"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command for files first where it is meant."""
        first = args[0] if args else None
        asks = [*ctx.help_option_names]
        if first is not None and first not in asks and (first == self.of_file or first not in self.commands):
            # A file that is not there yet has its options completed all the same.
            if not (ctx.resilient_parsing or first.startswith("-") or os.path.lexists(first) or set(asks) & set(args)):
                kinds = [name for name, command in self.commands.items() if not command.hidden]
                raise TensorRankError(
                    f"{first!r} is no file and no kind of model; "
                    f"without a model file (docs/reference/files.md), {nearest(first, kinds)}"
                )
            args = [self.of_file, *args]
        return list(super().parse_args(ctx, args))


class OfFile(TyperCommand):
    """The command for files, which goes by its group's name."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context, under the group's own name and parent."""
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)

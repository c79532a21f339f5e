"""Model files on the command line: how one is given there, and how a model is described."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tensorrank.mixtures.mixture import Mixture

File = Annotated[Path, typer.Argument(metavar="FILE", help="A model file: JSON, as docs/reference/files.md describes it.")]


def described(model: Mixture) -> dict[str, Any]:
    """The kind of a model and its sizes, for JSON."""
    return {
        "kind": model.kind,
        "sites": model.sites,
        "shape": list(model.shape),
        "components": "categorical" if model.densities is None else "gaussian",
        "over_fractions": model.over_fractions,
        "parameters": model.parameters,
        "table_entries": model.table_entries,
        "size": model.size,
        **model.own_sizes(),
    }

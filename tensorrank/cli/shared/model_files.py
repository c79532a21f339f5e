"""Model files on the command line: what a model is called there, and where one may be written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.mixtures.mixture import Mixture

File = Annotated[Path, typer.Argument(metavar="FILE", help="A model file: JSON, as docs/files.md describes it.")]


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


def writable(out: Path, option: str = "--out") -> Path:
    """The path of --out, or of another option, if a file can be put there: asked before the work, not after it.

    Raises:
        TensorRankError: if it is a folder or a device, or its own folder is missing or read-only.
    """
    folder = Path(os.path.realpath(out)).parent
    if out.is_dir():
        raise TensorRankError(f"{option} {out} is a folder; give a file in it, such as {out / 'model.json'}")
    if out.exists() and not out.is_file():
        raise TensorRankError(f"{option} {out} is no ordinary file; give one, such as model.json")
    if not folder.is_dir():
        raise TensorRankError(f"{option} {out} cannot be written: there is no folder {folder}; make it, or give another")
    if not os.access(folder, os.W_OK):
        raise TensorRankError(f"{option} {out} cannot be written: the folder {folder} is read-only; give another")
    return out

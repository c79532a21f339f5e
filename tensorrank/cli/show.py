"""`tensorrank show`: what is in the store of a study, or in a model file."""

from __future__ import annotations

from os import stat
from os.path import exists, isdir, isfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.filters import Filter
from tensorrank.cli.shared.model_files import described
from tensorrank.cli.shared.pictures import FORMATS, picture_options
from tensorrank.cli.shared.terminal import STORE_NAME, print_json, say, say_lines, whole_numbers
from tensorrank.cli.show_store import show_store
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.mixtures.mixture import Mixture


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A store (or its folder), or a model file.")],
    widths: Annotated[str | None, typer.Option("--widths", "--width", help="Of a store: only these widths.")] = None,
    depths: Annotated[str | None, typer.Option("--depths", "--depth", help="Of a store: only these depths.")] = None,
    heads: Annotated[str | None, typer.Option(help="Of a store: only these numbers of heads.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Of a store: only these numbers of tokens.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Of a store: only models of this kind, such as attention or recurrent.",
            autocompletion=completion.offered(*completion.ARCHITECTURES),
        ),
    ] = None,
    standing: Annotated[
        str | None,
        typer.Option(
            help="Of a store: only exact, probable, or 'lower bound' ranks.",
            autocompletion=completion.offered(*completion.STANDINGS),
        ),
    ] = None,
    blocks: Annotated[bool, typer.Option("--blocks", help="Of a store: every finished block, not the ranks.")] = False,
    export: Annotated[
        str | None, typer.Option(metavar="FILE", help="Of a store: write what is shown to this .csv or .parquet file.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Of a store: picture what is shown, in this folder.")] = None,
    formats: given.Formats = FORMATS,
    deepest: given.Deepest = None,
    json: given.Json = False,
) -> None:
    """What the store of a study holds, or a model file: nothing is computed, and the file stays as it is.

    Example: tensorrank show h.json

    Example: tensorrank show tensorrank-study --standing exact --export exact.csv
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.studies.store_files import is_database

    sizes = {"--widths": widths, "--depths": depths, "--heads": heads, "--tokens": tokens}
    path = file / STORE_NAME if isdir(file) else file
    if isfile(path) and (path != file or is_database(path)):
        wanted = {name: whole_numbers(text, name) for name, text in sizes.items() if text is not None}
        pictured = picture_options(formats, deepest)
        filtered = Filter(wanted, kind, standing)
        show_store(path, filtered, blocks=blocks, export=export, figures=figures, pictured=pictured, json=json)
        return
    if _is_missing(file):
        raise TensorRankError(f"{file} is not there; expected the store of a study, its folder, or a model file (JSON)")
    if isdir(file):
        raise TensorRankError(f"there is no {STORE_NAME} in the folder {file}; give the store's file, or its folder")
    options = {
        **sizes,
        "--kind": kind,
        "--standing": standing,
        "--blocks": blocks or None,
        "--export": export,
        "--figures": figures,
        "--format": None if formats == FORMATS else formats,
        "--deepest": deepest,
    }
    odd = [name for name, value in options.items() if value is not None]
    if odd and exists(path):
        raise TensorRankError(f"{', '.join(odd)} cannot be given for {file}: it is no store of a study")
    _show_model(file, json)


def _is_missing(file: Path) -> bool:
    """Whether nothing is at a path; False where another error stands in the way, which reading the file tells."""
    try:
        stat(file)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _show_model(file: Path, json: bool) -> None:
    from tensorrank.mixtures.formats.files import load

    model = load(file)
    bounds = _rank_bounds(model)
    if json:
        print_json({"file": str(file), "model": described(model), "rank_bounds": bounds})
        return
    say(repr(model))
    say_lines(_lines(model, bounds), width=16)


def _rank_bounds(model: Mixture) -> dict[str, int | None]:
    """The bounds that `tensorrank rank` has for halves, and for odd against even variables."""
    from tensorrank.separation.partition import Bipartition

    if model.sites < 2:
        return {"halves": None, "interleaved": None}
    function = model.architecture()
    splits = {"halves": Bipartition.halves(model.sites), "interleaved": Bipartition.interleaved(model.sites)}
    return {name: function.rank_bound(split) for name, split in splits.items()}


def _lines(model: Mixture, bounds: dict[str, int | None]) -> list[tuple[str, str]]:
    from tensorrank.whole_numbers import abbreviated

    shown = [f"{abbreviated(bound)} ({name})" for name, bound in bounds.items() if bound is not None]
    return [*model.lines(), *([("rank at most", ", ".join(shown))] if shown else [])]

"""Pictures that verbs write: in which formats, and how they are named afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from tensorrank.arguments import one_of, whole_number
from tensorrank.cli.shared.terminal import say
from tensorrank.font_folder import importing_matplotlib

# What `--format` is by default.
FORMATS = "png,svg"


def picture_formats(text: str) -> list[str]:
    """The formats of pictures in a list such as png,svg,pdf; none of them for "none".

    Raises:
        TensorRankError: if a format is none that matplotlib writes.

    >>> picture_formats("png, pdf"), picture_formats("none")
    (['png', 'pdf'], [])
    """
    if text == "none":
        return []
    kinds = list(dict.fromkeys(kind.strip().lower() for kind in text.split(",")))
    if text != FORMATS:
        with importing_matplotlib():
            from matplotlib.backend_bases import FigureCanvasBase
        kinds = [one_of("a format of --format", kind, list(FigureCanvasBase.filetypes)) for kind in kinds]
    return kinds


class PictureOptions(TypedDict):
    """How the pictures of a study are made: their formats, and the depth to which they lead (None: their own)."""

    formats: list[str]
    deepest: int | None


def picture_options(formats: str, deepest: int | None) -> PictureOptions:
    """The options of a study's pictures, checked before anything is computed.

    Raises:
        TensorRankError: if a format is unknown, or the depth none that is pictured.
    """
    kinds = picture_formats(formats)
    if deepest is not None:
        # Heavy modules are imported where they are used, so that --help answers at once.
        from tensorrank.experiments.depth_series import MOST_SHOWN

        whole_number("--deepest", deepest, 2, MOST_SHOWN)
    return {"formats": kinds, "deepest": deepest}


def say_pictures(pictures: Iterable[Path]) -> None:
    """Name the pictures that were written, each once, in the first of its formats."""
    shown = {path.with_suffix(""): str(path) for path in reversed(list(pictures))}
    if shown:
        say(f"The picture{'s' * (len(shown) > 1)}: {', '.join(reversed(shown.values()))}")

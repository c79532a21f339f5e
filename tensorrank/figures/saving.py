"""Files of pictures, each written whole or not at all."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tensorrank.arguments import one_of, shown, things
from tensorrank.errors import TensorRankError
from tensorrank.pictures.picture import Picture
from tensorrank.whole_files import refuse_slash, write_whole


def save(figure: Figure | Picture[Any], stem: str | Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write a figure as stem.png and stem.svg, each whole or not at all; returns the paths.

    Args:
        figure: a figure, or the picture that a function of `tensorrank.figures` returns.
        stem: the path of the files without their endings.
        formats: the endings, such as "png", "svg" and "pdf". Pixels are 200 to an inch.

    Raises:
        TensorRankError: if a file cannot be written, no figure or list of formats is given, or a format is unknown.

    >>> from tempfile import TemporaryDirectory
    >>> import tensorrank as tr
    >>> with TemporaryDirectory() as folder:
    ...     paths = tr.figures.save(tr.figures.knee(widths=[1, 2]), f"{folder}/knee", ["pdf"])
    >>> paths[0].name
    'knee.pdf'
    """
    if isinstance(figure, Picture):
        figure = figure.figure
    if not isinstance(figure, Figure):
        raise TensorRankError(f"a {type(figure).__name__} was given; expected a picture, or a figure of matplotlib")
    if not isinstance(stem, str | os.PathLike) or not Path(stem).name:
        raise TensorRankError(f"the stem is {shown(stem)}; expected the path of a file without its ending, such as 'out/ranks'")
    refuse_slash(f"the stem {stem}", stem)
    known = list(figure.canvas.get_supported_filetypes())
    if (wanted := things(formats)) is None:
        such = formats if isinstance(formats, str) else "png"
        raise TensorRankError(f"formats are {shown(formats)}; expected a list, such as ['{such}']")
    kinds = [one_of("a format", kind, known) for kind in wanted]
    paths = []
    for kind in kinds:
        path = Path(stem).with_name(f"{Path(stem).name}.{kind}")
        write_whole(path, functools.partial(figure.savefig, format=kind, dpi=200))
        paths.append(path)
    return paths

"""What `tensorrank task NAME --out DIR` does: the studies of a task, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorrank as tr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorrank.studies.communication_growth import CommunicationGrowth
    from tensorrank.tasks.communication import CommunicationMatrix

# Called with what is done, how much is done, and how much there is.
Show = Callable[[str, float, float], None]

# Matrices of a task that are drawn side by side: the most telling.
_PANELS = 2


def drawn_studies(
    name: str,
    sizes: Mapping[str, int],
    out: Path,
    *,
    unit_tokens: Sequence[int] | None,
    seed: int,
    memory: str | None,
    threads: int | None,
    show: Show,
) -> tuple[list[dict[str, Any]], list[Path]]:
    """Run a task's studies and write their pictures as soon as each is done.

    Args:
        name: of the task.
        sizes: its numbers; ranks are computed up to them.
        out: the folder of the pictures.
        unit_tokens: N of the studies of attention units; None for their own.
        seed: of draws.
        memory: limit for each matrix and unit.
        threads: for elimination.
        show: told what is done.

    Returns:
        The studies for JSON, and the pictures.

    Raises:
        TensorRankError: if a size does not suit a study.
    """
    studies: list[dict[str, Any]] = []
    pictures: list[Path] = []

    def keep(study: Any, figure: Figure, stem: str) -> None:
        studies.append(study.to_dict() if hasattr(study, "to_dict") else {"studies": [one.to_dict() for one in study]})
        pictures.extend(tr.figures.save(figure, out / stem))

    growths = _growths(name, sizes, seed=seed, memory=memory, threads=threads, show=show)
    keep(growths, tr.figures.communication_growth(growths)[0], f"{name.replace('-', '_')}_ranks")
    if name == "sparse-averaging":
        _sparse_averaging(sizes, unit_tokens, seed, memory, show, keep)
    if name == "match3":
        from tensorrank.studies.triples import triples

        chosen: dict[str, Any] = {} if unit_tokens is None else {"tokens": unit_tokens}
        study = triples(**chosen, sides=range(1, sizes["tokens"] + 1), seed=seed, memory=memory, progress=show)
        keep(study, tr.figures.triples(study)[0], "triples")
    return studies, pictures


def _growths(
    name: str, sizes: Mapping[str, int], *, seed: int, memory: str | None, threads: int | None, show: Show
) -> list[CommunicationGrowth]:
    from tensorrank.studies.communication_growth import communication_growth
    from tensorrank.tasks.named import named_task

    task = named_task(name)
    varied, words = task.grows
    span = range(max(1, task.least(sizes)), sizes[varied] + 1)
    kinds = list(task.matrices({**sizes, varied: span[0]}, memory=memory))
    found = []
    for what in kinds[:_PANELS]:

        def matrix(size: int, what: str = what) -> CommunicationMatrix:
            return task.matrices({**sizes, varied: size}, memory=memory)[what]

        label = f"{name}: {what}" if len(kinds) > 1 else _titled(name, sizes, varied)
        found.append(communication_growth(label, words, span, matrix, seed=seed, threads=threads, progress=show))
    return found


def _titled(name: str, sizes: Mapping[str, int], varied: str) -> str:
    """The task and the sizes that stay."""
    fixed = ", ".join(f"{option} {size}" for option, size in sizes.items() if option != varied)
    return f"{name}, {fixed}" if fixed else name


def _sparse_averaging(
    sizes: Mapping[str, int],
    unit_tokens: Sequence[int] | None,
    seed: int,
    memory: str | None,
    show: Show,
    keep: Callable[[Any, Figure, str], None],
) -> None:
    from tensorrank.studies.model_sizes import model_sizes
    from tensorrank.studies.sparse_averaging import error_by_dimension, least_dimensions
    from tensorrank.studies.sparse_averaging_bits import bits_by_dimension

    # At small N there is no room for the larger choices and dimensions of the default.
    chosen: dict[str, Any] = {}
    if unit_tokens is not None:
        most = min(unit_tokens)
        chosen = {"tokens": unit_tokens, "sparsity": [q for q in (1, 2, 4, 8) if 2 * q <= most] or [1]}
    errors = error_by_dimension(**chosen, seed=seed, progress=show)
    keep(errors, tr.figures.sparse_averaging_errors(errors)[0], "sparse_averaging_errors")
    least = least_dimensions(**chosen, seed=seed, progress=show)
    keep(least, tr.figures.sparse_averaging_dimensions(least)[0], "sparse_averaging_dimensions")
    largest = max(unit_tokens or [32])
    bits = [bits_by_dimension(n, 2, seed=seed, progress=show) for n in (8, 16, 32) if n <= max(8, largest)]
    keep(bits, tr.figures.sparse_averaging_bits(bits)[0], "sparse_averaging_bits")
    tokens = range(max(4, sizes["sparsity"] + 1), sizes["tokens"] + 1)
    units: dict[str, Any] = {} if unit_tokens is None else {"unit_tokens": unit_tokens}
    models = model_sizes(tokens, **units, seed=seed, memory=memory, progress=show)
    keep(models, tr.figures.model_sizes(models)[0], "model_sizes")

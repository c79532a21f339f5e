"""What `tensorrank task NAME --out DIR` does: the studies of a task, drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorrank as tr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorrank.experiments.communication import CommunicationGrowth
    from tensorrank.tasks.communication import CommunicationMatrix

# Called with what is done, how much is done, and how much there is.
Show = Callable[[str, float, float], None]

# Matrices of a task that are drawn side by side: the most telling.
_PANELS = 2
# N of the least units beside what other models need.
_UNIT_TOKENS = tuple(2**k for k in range(2, 12))
# Tasks with studies of attention units.
WITH_UNITS = ("sparse-averaging", "match3")
# The matrices of the triples study, modulo 4n + 3, have n tokens on either side: with more they take gigabytes.
_MOST_SIDES = 4


@dataclass(frozen=True)
class Wanted:
    """What is to be studied, and where the pictures go.

    Attributes:
        name: of the task.
        sizes: its numbers; ranks are computed up to them.
        out: the folder of the pictures.
        unit_tokens: N of the studies of attention units; None for their own.
        seed: of draws.
        memory: limit for each matrix and unit.
        threads: for elimination.
        show: told what is done.
    """

    name: str
    sizes: Mapping[str, int]
    out: Path
    unit_tokens: Sequence[int] | None
    seed: int
    memory: str | None
    threads: int | None
    show: Show

    @property
    def options(self) -> dict[str, Any]:
        """What every study takes."""
        return {"seed": self.seed, "progress": lambda done, total, what: self.show(what, done, total)}


def drawn_studies(wanted: Wanted) -> Iterator[tuple[dict[str, Any], list[Path]]]:
    """Run a task's studies; each is given, for JSON and with its pictures, as soon as these are written.

    Args:
        wanted: what is to be studied.

    Raises:
        TensorRankError: if a size does not suit a study.
    """
    studies: list[Iterator[tuple[Any, Figure, str]]] = [_ranks(wanted)]
    if wanted.name == "sparse-averaging":
        studies.append(_sparse_averaging(wanted))
    if wanted.name == "match3":
        studies.append(_match3(wanted))
    for study, figure, stem in chain(*studies):
        values = study.to_dict() if hasattr(study, "to_dict") else {"studies": [one.to_dict() for one in study]}
        yield values, tr.figures.save(figure, wanted.out / stem)


def _ranks(wanted: Wanted) -> Iterator[tuple[list[CommunicationGrowth], Figure, str]]:
    from tensorrank.experiments.communication import communication_growth
    from tensorrank.tasks.registry import named_task

    task, sizes = named_task(wanted.name), wanted.sizes
    varied, words = task.grows
    span = range(task.least(sizes), sizes[varied] + 1)
    kinds = list(task.matrices({**sizes, varied: span[0]}, memory=wanted.memory))
    found = []
    for what in kinds[:_PANELS]:

        def matrix(size: int, what: str = what) -> CommunicationMatrix:
            return task.matrices({**sizes, varied: size}, memory=wanted.memory)[what]

        fixed = ", ".join(f"{option} {size}" for option, size in sizes.items() if option != varied)
        label = what if len(kinds) > 1 else fixed
        title = f"{wanted.name}: {label}" if label else wanted.name
        found.append(communication_growth(title, words, span, matrix, threads=wanted.threads, **wanted.options))
    yield found, tr.figures.communication_growth(found)[0], f"{wanted.name.replace('-', '_')}_ranks"


def _sparse_averaging(wanted: Wanted) -> Iterator[tuple[Any, Figure, str]]:
    from tensorrank.experiments.sparse_averaging import error_by_dimension, least_dimensions
    from tensorrank.experiments.sparse_averaging_bits import bits_by_dimension
    from tensorrank.experiments.sparse_averaging_models import model_sizes

    units, options, q = wanted.unit_tokens, wanted.options, wanted.sizes["sparsity"]
    # First what may refuse the sizes, so that nothing is computed in vain. Below 1/(2q) averages are known exactly.
    models = model_sizes(
        range(q + 1, wanted.sizes["tokens"] + 1),
        [n for n in units or _UNIT_TOKENS if n > q],
        sparsity=q,
        tolerance=min(0.1, 1 / (2 * q)),
        memory=wanted.memory,
        threads=wanted.threads,
        **options,
    )
    yield models, tr.figures.model_sizes(models)[0], "model_sizes"
    # At small N there is no room for the larger choices of the default.
    chosen: dict[str, Any] = {}
    if units is not None:
        chosen = {"tokens": units, "sparsity": [q for q in (1, 2, 4, 8) if 2 * q <= min(units)] or [1]}
    errors = error_by_dimension(**chosen, **options)
    yield errors, tr.figures.sparse_averaging_errors(errors)[0], "sparse_averaging_errors"
    least = least_dimensions(**chosen, **options)
    yield least, tr.figures.sparse_averaging_dimensions(least)[0], "sparse_averaging_dimensions"
    largest = max(units or [32])
    bits = [bits_by_dimension(n, 2, **options) for n in (8, 16, 32) if n <= max(8, largest)]
    yield bits, tr.figures.sparse_averaging_bits(bits)[0], "sparse_averaging_bits"


def _match3(wanted: Wanted) -> Iterator[tuple[Any, Figure, str]]:
    from tensorrank.experiments.triples import detect_triples

    chosen: dict[str, Any] = {} if wanted.unit_tokens is None else {"tokens": wanted.unit_tokens}
    sides = range(1, min(wanted.sizes["tokens"], _MOST_SIDES) + 1)
    study = detect_triples(**chosen, sides=sides, memory=wanted.memory, threads=wanted.threads, **wanted.options)
    yield study, tr.figures.triples(study)[0], "triples"

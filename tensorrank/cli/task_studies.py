"""The studies of `tensorrank task study`: each computes, and makes its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorrank as tr
from tensorrank.tasks.registry import NamedTask

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorrank.arithmetic.progress import Progress
    from tensorrank.experiments.communication import CommunicationGrowth
    from tensorrank.experiments.sparse_averaging import ErrorByDimension, LeastDimensions
    from tensorrank.experiments.sparse_averaging_bits import BitsByDimension
    from tensorrank.experiments.sparse_averaging_models import ModelSizes
    from tensorrank.experiments.triples import Triples
    from tensorrank.tasks.communication import CommunicationMatrix

# The sizes of a study, each of which has a matrix of its own.
MOST_SIZES = 200
# Matrices of a task that stand side by side: the most telling.
_PANELS = 2
# N of the least units beside what other models need.
_UNIT_TOKENS = tuple(2**k for k in range(2, 12))
# The matrices of the triples study, modulo 4n + 3, have n tokens on either side: with more they take gigabytes.
_MOST_SIDES = 4


@dataclass(frozen=True)
class StudiesWanted:
    """The studies wanted, and where their pictures go.

    Attributes:
        task: whose studies.
        sizes: the numbers of the task; ranks are computed up to them.
        out: the folder of the pictures.
        formats: those of the pictures.
        unit_tokens: N of the studies of attention units; None for their own.
        seed: of random inputs and keys, and of primes.
        memory: limit for each matrix and unit.
        threads: for elimination.
        progress: told what is done.
    """

    task: NamedTask
    sizes: Mapping[str, int]
    out: Path
    formats: Sequence[str]
    unit_tokens: Sequence[int] | None
    seed: int
    memory: str | None
    threads: int | None
    progress: Progress

    @property
    def options(self) -> dict[str, Any]:
        """The options that every study takes."""
        return {"seed": self.seed, "progress": self.progress}


def run_studies(wanted: StudiesWanted) -> Iterator[tuple[dict[str, Any], list[Path]]]:
    """Run a task's studies; each is given, for JSON and with its pictures, as soon as these are written.

    Args:
        wanted: what is to be studied.

    Raises:
        TensorRankError: if a size does not suit a study.
    """
    for name, make in [("ranks", _growth), *((name, _STUDIES[name]) for name in wanted.task.studies)]:
        study, figure = make(wanted)
        values = {"studies": [one.to_dict() for one in study]} if isinstance(study, list) else study.to_dict()
        stem = f"{wanted.task.name.replace('-', '_')}_ranks" if name == "ranks" else name
        yield values, tr.figures.save(figure, wanted.out / stem, wanted.formats)


def _growth(wanted: StudiesWanted) -> tuple[list[CommunicationGrowth], Figure]:
    from tensorrank.experiments.communication import communication_growth

    task, sizes = wanted.task, wanted.sizes
    varied, words = task.grows
    span = range(task.least(sizes), sizes[varied] + 1, task.step)
    kinds = list(task.matrices({**sizes, varied: span[0]}, memory=wanted.memory))
    found = []
    for what in kinds[:_PANELS]:

        def matrix(size: int, what: str = what) -> CommunicationMatrix:
            return task.matrices({**sizes, varied: size}, memory=wanted.memory)[what]

        fixed = ", ".join(f"{option} {size}" for option, size in sizes.items() if option != varied)
        label = what if len(kinds) > 1 else fixed
        title = f"{task.name}: {label}" if label else task.name
        found.append(communication_growth(title, words, span, matrix, threads=wanted.threads, **wanted.options))
    return found, tr.figures.communication_growth(found)[0]


def _model_sizes(wanted: StudiesWanted) -> tuple[ModelSizes, Figure]:
    from tensorrank.experiments.sparse_averaging_models import model_sizes

    q = wanted.sizes["sparsity"]
    # Below 1/(2q) averages are known exactly.
    study = model_sizes(
        range(q + 1, wanted.sizes["tokens"] + 1),
        [n for n in wanted.unit_tokens or _UNIT_TOKENS if n > q],
        sparsity=q,
        tolerance=min(0.1, 1 / (2 * q)),
        memory=wanted.memory,
        threads=wanted.threads,
        **wanted.options,
    )
    return study, tr.figures.model_sizes(study)[0]


def _unit_sizes(wanted: StudiesWanted) -> dict[str, Any]:
    """The numbers of tokens of the units, and of tokens averaged: at small N there is no room for the larger ones."""
    if wanted.unit_tokens is None:
        return {}
    fewest = min(wanted.unit_tokens)
    return {"tokens": wanted.unit_tokens, "sparsity": [q for q in (1, 2, 4, 8) if 2 * q <= fewest] or [1]}


def _errors(wanted: StudiesWanted) -> tuple[ErrorByDimension, Figure]:
    from tensorrank.experiments.sparse_averaging import error_by_dimension

    study = error_by_dimension(**_unit_sizes(wanted), **wanted.options)
    return study, tr.figures.sparse_averaging_errors(study)[0]


def _dimensions(wanted: StudiesWanted) -> tuple[LeastDimensions, Figure]:
    from tensorrank.experiments.sparse_averaging import least_dimensions

    study = least_dimensions(**_unit_sizes(wanted), **wanted.options)
    return study, tr.figures.sparse_averaging_dimensions(study)[0]


def _bits(wanted: StudiesWanted) -> tuple[list[BitsByDimension], Figure]:
    from tensorrank.experiments.sparse_averaging_bits import bits_by_dimension

    largest = max(wanted.unit_tokens or [32])
    studies = [bits_by_dimension(n, 2, **wanted.options) for n in (8, 16, 32) if n <= max(8, largest)]
    return studies, tr.figures.sparse_averaging_bits(studies)[0]


def _triples(wanted: StudiesWanted) -> tuple[Triples, Figure]:
    from tensorrank.experiments.triples import detect_triples

    chosen: dict[str, Any] = {} if wanted.unit_tokens is None else {"tokens": wanted.unit_tokens}
    sides = range(1, min((wanted.sizes["tokens"] - 1) // 2, _MOST_SIDES) + 1)
    study = detect_triples(**chosen, sides=sides, memory=wanted.memory, threads=wanted.threads, **wanted.options)
    return study, tr.figures.triples(study)[0]


# By the names that the registry has, which are those of their pictures.
_STUDIES: Mapping[str, Callable[[StudiesWanted], tuple[Any, Figure]]] = {
    "model_sizes": _model_sizes,
    "sparse_averaging_errors": _errors,
    "sparse_averaging_dimensions": _dimensions,
    "sparse_averaging_bits": _bits,
    "triples": _triples,
}

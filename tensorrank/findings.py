"""`study`: the ranks of many models in one call, and what it gives: findings as a table, a data frame and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tensorrank.arguments import nearest, one_of, shown
from tensorrank.arithmetic.progress import ProgressLike, reporting, time_left
from tensorrank.attention.architecture import SelfAttention
from tensorrank.data_frames import Tabular
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_series import series_of
from tensorrank.notebook_tables import Table
from tensorrank.separation.architecture import Model
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.contained import raised_findings
from tensorrank.studies.events import Event
from tensorrank.studies.export import RANK_COLUMNS, model_columns, rank_row
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.pace import Pace
from tensorrank.studies.run import Finding
from tensorrank.studies.store import Store
from tensorrank.studies.study import Study
from tensorrank.whole_numbers import abbreviated

if TYPE_CHECKING:
    from tensorrank.pictures.picture import Picture

Kind = Literal["rank_vs_depth", "increments", "collapse", "knee"]
_PICTURES: tuple[Kind, ...] = ("rank_vs_depth", "increments", "collapse", "knee")


@dataclass(frozen=True)
class Findings(Sequence[Finding[Any]], Tabular):
    """The separation ranks of a study, in the order of its models.

    No lower bound is less than what is certified of a model inside. Findings are a sequence: each has `model`, `result`
    and `fresh`, which says whether the rank was computed now.

    Attributes:
        found: the findings.
        left_out: why some sizes that were asked for make no model, in words.
    """

    found: tuple[Finding[Any], ...]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, place: int) -> Finding[Any]: ...
    @overload
    def __getitem__(self, place: slice) -> Findings: ...
    def __getitem__(self, place: int | slice) -> Finding[Any] | Findings:
        return Findings(self.found[place], self.left_out) if isinstance(place, slice) else self.found[place]

    def __repr__(self) -> str:
        exact = sum(finding.result.standing == "exact" for finding in self.found)
        return f"Findings({len(self.found)} ranks, {exact} of them exact; table(), to_pandas() and plot() show them)"

    def _shown_tables(self) -> Iterator[Table]:
        head, *rows = self._cells()
        yield Table(rows, head)

    def to_rows(self) -> list[dict[str, Any]]:
        """A dictionary for each finding: sizes of the model, the rank, how it was found, the model and the result."""
        columns = [*model_columns(map(self._key, self.found)), *RANK_COLUMNS]
        rows = []
        for finding in self.found:
            row = rank_row(self._key(finding), finding.result)
            own = {"partition": finding.result.partition, "model": finding.model, "result": finding.result}
            rows.append({name: row.get(name) for name in columns} | own)
        return rows

    def table(self) -> str:
        """The sizes that differ, ranks, bounds and standings as text, a line for each finding."""
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(map(str.rjust, row, widths)).rstrip() for row in cells)

    def sentences(self) -> list[str]:
        """What the ranks of attention say: for each width where it grows and where it saturates, and by how much."""
        series = series_of(self.found)
        return [one.sentence(series) for one in series]

    def plot(self, kind: Kind = "rank_vs_depth", **options: Any) -> Picture[Any]:
        """Picture the ranks of attention over depth.

        Args:
            kind: "rank_vs_depth" (the default), "increments", "collapse" or "knee", each a function of
                `tensorrank.figures`.
            options: those of that function, such as overlay=True, deepest=8, figsize=(6, 4).

        Raises:
            TensorRankError: if there are no ranks of attention, or no such kind of picture.
        """
        from tensorrank import figures

        one_of("kind", kind, _PICTURES)
        series = series_of(self.found)
        if not series:
            raise TensorRankError("there are no ranks of attention; expected some, whose growth over depth is pictured")
        picture: Picture[Any] = getattr(figures, kind)(series, **options)
        return picture

    @staticmethod
    def _key(finding: Finding[Any]) -> ModelKey:
        return ModelKey.of(finding.model)

    def _cells(self) -> list[list[str]]:
        rows = self.to_rows()
        differ = [name for name in self._sizes() if len({str(row.get(name)) for row in rows}) > 1]
        texts = [
            [*(_size_cell(row.get(name)) for name in differ), *_rank_cells(finding.result)]
            for row, finding in zip(rows, self.found, strict=True)
        ]
        return [[*(name.replace("_", " ") for name in differ), "rank", "bound", "standing"], *texts]

    def _sizes(self) -> list[str]:
        """The sizes by which models may be told apart; of attention the width first, without what follows from it."""
        names = list(model_columns(map(self._key, self.found)))
        models = [finding.model for finding in self.found if isinstance(finding.model, SelfAttention)]
        if len(models) < len(self.found):
            return names
        usual = {
            "head_dim": all(model.head_dim * model.heads == model.width for model in models),
            "tokens": all(model.tokens == 2 * model.width for model in models),
        }
        names.sort(key=lambda name: {"width": 0, "depth": 2}.get(name, 1))
        return [name for name in names if not usual.get(name, False)]


def study(
    kind: Callable[..., Model] | Sequence[Model] = SelfAttention,
    *,
    store: Store | str | Path | None = None,
    progress: ProgressLike = None,
    **sizes: Any,
) -> Findings:
    """The separation ranks of all combinations of some sizes, between the balanced halves of their sites.

    Args:
        kind: the class of the models: `SelfAttention`, the default, `HigherOrderAttention`, `GatedRecurrence`,
            `GraphNetwork`, `RecurrentCircuit` or `ConvolutionalCircuit`. Or a list of models, of any kinds, mixtures
            among them.
        store: a file that keeps every block as soon as it is finished, or an open `Store`. By default ranks are kept as
            long as this process lives. Either way what was finished, also before an interrupt, is not computed again.
        progress: True shows a line in a terminal or a notebook; a function is called with the operations done, the
            total expected, and how many ranks are found in words.
        sizes: for each size of a model one value or several, by the name of the class's argument or its plural
            (`widths`); and options of `Study`, such as work, memory, seed and threads. Models have sizes of their own.

    Returns:
        The `Findings`.

    Raises:
        TensorRankError: as `Study.over`, and for a store that cannot be used.
        StoreError: as `Store` and `Study.run`.

    >>> import tensorrank as tr
    >>> findings = tr.study(widths=(2, 3), depths=(1, 2))
    >>> print(findings.table())
    width  depth  rank  bound  standing
        2      1     3      3     exact
        2      2    18     18     exact
        3      1     4      4     exact
        3      2    49     49     exact
    >>> findings[1].result.by_degree
    (2, 6, 6, 3, 1)
    """
    plan = Study.over(kind, **_singular(kind, sizes)) if callable(kind) else _of_models(kind, sizes)
    with ExitStack() as stack:
        opened = _kept() if store is None else store if isinstance(store, Store) else stack.enter_context(Store(store))
        tell, pace = stack.enter_context(reporting(progress)), Pace()

        def observe(event: Event) -> None:
            pace(event)
            words = [f"{pace.found} of {pace.ranks} ranks", time_left(pace.study_left)]
            tell(pace.done, pace.total, ", ".join(filter(None, words)))

        return Findings(tuple(raised_findings(plan.run(opened, observe=observe))), tuple(plan.left_out))


@cache
def _kept() -> Store:
    """The ranks of this process."""
    return Store(":memory:")


def _of_models(models: Sequence[Model], options: dict[str, Any]) -> Study[Any]:
    """The study of some models, with options and without sizes."""
    known = [field.name for field in fields(Study) if field.kw_only and field.name != "left_out"]
    for name in options:
        if name not in known:
            raise TensorRankError(f"{shown(name)} was given beside models, which have their sizes; {nearest(name, known)}")
    return Study(models, **options)


def _singular(kind: Callable[..., Model], sizes: dict[str, Any]) -> dict[str, Any]:
    """The sizes by the names of the arguments of a class: widths are width."""
    known = signature(kind).parameters
    found: dict[str, Any] = {}
    for name, values in sizes.items():
        own = name[:-1] if name not in known and name.endswith("s") and name[:-1] in known else name
        if own in found:
            raise TensorRankError(f"{own} and {own}s are both given; expected one of them")
        found[own] = values
    return found


def _size_cell(size: Any) -> str:
    """A size in a table; a model of a kind without it has a dash."""
    return "-" if size is None else str(size)


def _rank_cells(rank: SeparationRank) -> list[str]:
    return [rank.brief(), "-" if rank.upper is None else abbreviated(rank.upper, 9), rank.standing]

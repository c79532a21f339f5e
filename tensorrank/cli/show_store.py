"""What is in the store of a study: lists, filters, exports and figures, without computing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tensorrank.arguments import nearest
from tensorrank.cli.shared.findings_text import draw, print_findings
from tensorrank.cli.shared.model_files import writable
from tensorrank.cli.shared.terminal import make_folder, print_json, say, wide_console
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.attention.architecture import SelfAttention
    from tensorrank.separation.jobs import JobKey
    from tensorrank.studies.run import Finding
    from tensorrank.studies.store import Store, StoredBlock

    # A block's architecture, seed and key, and what is stored of it.
    StoredRow = tuple[SelfAttention, int, JobKey, StoredBlock]


@dataclass(frozen=True)
class Filter:
    """Which architectures to show; None where any will do."""

    widths: Sequence[int] | None = None
    depths: Sequence[int] | None = None
    heads: Sequence[int] | None = None
    tokens: Sequence[int] | None = None
    standing: str | None = None

    def __post_init__(self) -> None:
        # Heavy modules are imported where they are used, so that --help answers at once.
        from tensorrank.separation.result import Standing

        standings = [name for name in get_args(Standing) if name != "numerical"]
        if self.standing is not None and self.standing not in standings:
            raise TensorRankError(f"--standing is {self.standing!r}; {nearest(self.standing, standings)}")

    def takes(self, model: SelfAttention) -> bool:
        """Whether an architecture is one of them."""
        wanted = (
            (self.widths, model.width),
            (self.depths, model.depth),
            (self.heads, model.heads),
            (self.tokens, model.tokens),
        )
        return all(values is None or value in values for values, value in wanted)


def show_store(
    path: Path, filtered: Filter, *, blocks: bool, export: Path | None, figures: Path | None, json: bool
) -> None:
    """List what the store has; export and draw it if that is asked for."""
    from tensorrank.studies.export import check_export
    from tensorrank.studies.store import Store

    if export is not None:
        check_export(writable(export, "--export"))
    if figures is not None and blocks:
        raise TensorRankError("--figures shows ranks, not --blocks; give one of the two")
    with Store(path, read_only=True) as store:
        found = _findings(store, filtered)
        kept, unfinished = _blocks(store, filtered, found)
    rows, columns = _block_rows(kept) if blocks else _rank_rows(found)
    written = []
    if export is not None:
        _export(rows, columns, export)
        written.append(export)
    if figures is not None:
        written += _figures(found, figures)
    if json:
        print_json(
            {
                "store": str(path),
                "blocks" if blocks else "rows": rows,
                "unfinished": [{**model.to_dict(), "blocks": count} for model, count in unfinished.items()],
                "written": [str(one) for one in written],
            }
        )
        return
    if blocks:
        _print_blocks(rows)
    else:
        _print_ranks(found)
    if unfinished:
        say(
            f"unfinished ranks: {len(unfinished)}, of which {sum(unfinished.values())} blocks are finished"
            f"{'' if blocks else '; --blocks lists them'}"
        )
    for one in written:
        typer.echo(f"written: {one}")


def _findings(store: Store, filtered: Filter) -> list[Finding]:
    from tensorrank.studies.run import Finding

    found = [
        Finding(model, stored.result, fresh=False)
        for model, stored in store
        if filtered.takes(model) and filtered.standing in (None, stored.result.standing)
    ]
    return sorted(found, key=lambda one: _order(one.model))


def _order(model: SelfAttention) -> tuple[int, ...]:
    return model.width, model.heads, model.head_dim, model.tokens, model.depth


def _rank_rows(found: Iterable[Finding]) -> tuple[list[dict[str, Any]], Sequence[str]]:
    from tensorrank.experiments.depth_series import COLUMNS, table_row

    return [table_row(finding) for finding in found], COLUMNS


def _blocks(
    store: Store, filtered: Filter, found: Iterable[Finding]
) -> tuple[list[StoredRow], dict[SelfAttention, int]]:
    """The blocks of the ranks found and of those that have none yet, and how many each of the latter has."""
    finished, asked = {model for model, _ in store}, {finding.model for finding in found}
    kept = []
    unfinished: Counter[SelfAttention] = Counter()
    for row in store.blocks():
        model = row[0]
        if model not in finished and filtered.standing is None and filtered.takes(model):
            unfinished[model] += 1
            kept.append(row)
        elif model in asked:
            kept.append(row)
    kept.sort(key=lambda row: (_order(row[0]), row[1], row[2]))
    return kept, {model: unfinished[model] for model in sorted(unfinished, key=_order)}


def _block_rows(kept: Iterable[StoredRow]) -> tuple[list[dict[str, Any]], Sequence[str]]:
    from tensorrank.studies.export import BLOCK_COLUMNS, block_row

    return [block_row(*row) for row in kept], BLOCK_COLUMNS


def _export(rows: Sequence[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    from tensorrank.studies.export import export

    export(rows, columns, path)


def _figures(found: list[Finding], folder: Path) -> list[Path]:
    from tensorrank.experiments.depth_series import series_of

    if not found:
        raise TensorRankError("no rank is left to draw; give a wider filter")
    make_folder(folder)
    return draw(series_of(found), folder)


def _print_ranks(found: list[Finding]) -> None:
    from tensorrank.experiments.depth_series import series_of

    if not found:
        typer.echo("no ranks")
        return
    print_findings(found, series_of(found))
    standings = Counter(finding.result.standing for finding in found)
    say("")
    counts = ", ".join(f"{count} {standing}" for standing, count in standings.items())
    say(f"{len(found)} rank{'s' * (len(found) > 1)}: {counts}")


def _print_blocks(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        typer.echo("no blocks")
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    varied = [
        name
        for name, usual in (
            ("head_dim", all(row["head_dim"] * row["heads"] == row["width"] for row in rows)),
            ("seed", len({row["seed"] for row in rows}) == 1),
        )
        if not usual
    ]
    names = ("width", "depth", "heads", "tokens", *varied, "draw", "prime", "degree", "rank", "rows", "columns")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    table.add_column("complete", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for row in rows:
        degree = "all" if row["degree"] < 0 else str(row["degree"])
        cells = [degree if name == "degree" else str(row[name]) for name in names]
        table.add_row(*cells, "yes" if row["complete"] else "no", f"{row['seconds']:.3g}")
    wide_console().print(table)

"""What is in the store of a study: lists, filters, exports and figures, without computing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import tensorrank as tr
from tensorrank.cli.shared.filters import Filter
from tensorrank.cli.shared.findings_text import print_findings, save_figures
from tensorrank.cli.shared.pictures import PictureOptions
from tensorrank.cli.shared.swept_models import stored_findings
from tensorrank.cli.shared.terminal import empty_table, make_folder, print_json, say, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import checked_file

if TYPE_CHECKING:
    from tensorrank.separation.jobs import JobKey
    from tensorrank.studies.model_key import ModelKey
    from tensorrank.studies.run import Finding
    from tensorrank.studies.stored_rows import StoredBlock

    # A block's model, seed and key, and what is stored of it.
    StoredRow = tuple[ModelKey, int, JobKey, StoredBlock]


def show_store(
    path: Path,
    filtered: Filter,
    *,
    blocks: bool,
    export: str | None,
    figures: Path | None,
    pictured: PictureOptions,
    json: bool,
) -> None:
    """List what the store has; export and picture it if that is asked for."""
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.atlas.kinds import model_of
    from tensorrank.experiments.depth_series import table
    from tensorrank.studies.export import check_export
    from tensorrank.studies.export import export as write_rows

    exported = None if export is None else checked_file("--export", export)
    if exported is not None:
        check_export(exported)
    if figures is not None and blocks:
        raise TensorRankError("--figures shows ranks, not --blocks; give one of the two")
    with tr.Store(path, read_only=True, check=model_of) as store:
        ranks, listed = dict(store), list(store.blocks())
    filtered.check_kind({*ranks, *(key for key, *_ in listed)}, "the store")
    # Of the whole store: what is left out may be contained in what is shown.
    findings = dict(zip(ranks, stored_findings(ranks.items(), path), strict=True))
    chosen = [key for key in ranks if filtered.takes(key) and filtered.standing in (None, findings[key].result.standing)]
    # Blocks of ranks that are not finished yet have no standing.
    unfinished = Counter(key for key, *_ in listed if key not in ranks and filtered.standing is None and filtered.takes(key))
    found = [findings[key] for key in sorted(chosen, key=_order)]
    wanted = {*chosen, *unfinished}
    kept = sorted((row for row in listed if row[0] in wanted), key=lambda row: (_order(row[0]), *row[1:3]))
    rows, columns = _block_table(kept) if blocks else table(found)
    notes = filtered.cannot_tell({*ranks, *(key for key, *_ in listed)})
    if figures is not None:
        _check_pictures(found)
        make_folder(figures, "--figures")
    written: list[Path] = []
    if exported is not None:
        write_rows(rows, columns, exported)
        written.append(exported)
    if figures is not None:
        written += save_figures(found, figures, partial(say, err=True), **pictured)
    if json:
        print_json(
            {
                "store": str(path),
                "blocks" if blocks else "rows": rows,
                "unfinished": [{**key.to_dict(), "blocks": unfinished[key]} for key in sorted(unfinished, key=_order)],
                "notes": notes,
                "written": [str(one) for one in written],
            }
        )
        return
    if blocks:
        _print_blocks(rows, columns)
    else:
        _print_ranks(found)
    if unfinished:
        say(
            f"unfinished ranks: {len(unfinished)}, of which {unfinished.total()} blocks are finished"
            f"{'' if blocks else '; --blocks lists them'}"
        )
    for note in notes:
        say(note)
    for one in written:
        typer.echo(f"written: {one}")


def _order(key: ModelKey) -> tuple[Any, ...]:
    """What models are sorted by: their kind, then their sizes; of attention the width first, of any kind depth last."""
    order = {"width": 0, "heads": 1, "head_dim": 2, "tokens": 3, "depth": 5}
    names = sorted(key.values, key=lambda name: (order.get(name, 4), name))
    return key.kind, [_comparable(key.values[name]) for name in names]


def _comparable(value: Any) -> tuple[str, Any]:
    """A value that compares with every other one: values of one size can be of several types."""
    if isinstance(value, list):
        return "list", [_comparable(entry) for entry in value]
    return ("number", value) if isinstance(value, int | float) else (type(value).__name__, value or "")


def _block_table(kept: Sequence[StoredRow]) -> tuple[list[dict[str, Any]], Sequence[str]]:
    from tensorrank.experiments.depth_series import SIZES as ATTENTION
    from tensorrank.studies.export import BLOCK_COLUMNS, block_row, model_columns

    columns = model_columns(row[0] for row in kept)
    if set(columns) <= {"kind", *ATTENTION}:
        columns = ATTENTION
    return [block_row(*row) for row in kept], (*columns, *BLOCK_COLUMNS)


def _check_pictures(found: list[Finding[Any]]) -> None:
    from tensorrank.experiments.depth_series import series_of

    if not found:
        raise TensorRankError("no rank is left to picture; give a wider filter")
    if not series_of(found):
        raise TensorRankError("figures show ranks of attention over depth, of which none is left; give no --figures")


def _print_ranks(found: list[Finding[Any]]) -> None:
    if not found:
        typer.echo("no ranks")
        return
    print_findings(found)
    standings = Counter(finding.result.standing for finding in found)
    say("")
    counts = ", ".join(f"{count} {standing}" for standing, count in standings.items())
    say(f"{len(found)} rank{'s' * (len(found) > 1)}: {counts}")


def _print_blocks(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    if not rows:
        typer.echo("no blocks")
        return
    usual = {"asked", "saturated", "version"}
    if all(row.get("head_dim", 0) * row.get("heads", 0) == row.get("width", 0) for row in rows):
        usual.add("head_dim")
    usual |= {name for name in ("seed", "engine") if len({row[name] for row in rows}) == 1}
    names = [name for name in columns if name not in usual]
    headings = ["s" if name == "seconds" else name.replace("_", " ") for name in names]
    table = empty_table(*headings, words=("kind", "complete", "engine"))
    for row in rows:
        cells = {
            **row,
            "degree": "all" if row["degree"] < 0 else row["degree"],
            "complete": "yes" if row["complete"] else "no",
            "seconds": f"{row['seconds']:.3g}",
        }
        table.add_row(*(str(cells.get(name, "-")) for name in names))
    wide_console().print(table)

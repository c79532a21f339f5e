"""Rows of a study as files that other programs read: CSV, or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tensorrank.attention.architecture import SelfAttention
from tensorrank.errors import TensorRankError
from tensorrank.separation.jobs import JobKey
from tensorrank.studies.store import StoredBlock
from tensorrank.whole_files import write_whole
from tensorrank.whole_numbers import to_text

BLOCK_COLUMNS = (
    "width",
    "depth",
    "heads",
    "head_dim",
    "tokens",
    "seed",
    "draw",
    "prime",
    "degree",
    "asked",
    "rank",
    "rows",
    "columns",
    "complete",
    "saturated",
    "seconds",
    "version",
)
# Whole numbers that may pass 2**63.
_UNBOUNDED = frozenset({"value", "lower", "upper", "moment_bound", "monomial_bound", "seed"})
_KINDS = (".csv", ".parquet")


def block_row(model: SelfAttention, seed: int, key: JobKey, block: StoredBlock) -> dict[str, Any]:
    """One stored block under the names of `BLOCK_COLUMNS`; its degree is -1 for a matrix of all degrees."""
    rows, columns = block.rank.samples
    return {
        **model.to_dict(),
        "seed": seed,
        "draw": key.draw,
        "prime": key.prime,
        "degree": key.degree,
        "asked": key.asked,
        "rank": block.rank.rank,
        "rows": rows,
        "columns": columns,
        "complete": block.rank.complete,
        "saturated": block.rank.saturated,
        "seconds": block.seconds,
        "version": block.version,
    }


def check_export(path: Path) -> None:
    """Refuse a file of a kind that cannot be written.

    Raises:
        TensorRankError: if its name ends in neither .csv nor .parquet, or pyarrow is missing for the latter.
    """
    if path.suffix not in _KINDS:
        raise TensorRankError(f"the file is {path}; expected a name that ends in .csv or .parquet")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise TensorRankError(
            "Parquet needs pyarrow, which is not installed; try: pip install 'tensorrank[parquet]', or give a .csv file"
        )


def export(rows: Iterable[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    """Write rows to a .csv or .parquet file, whole or not at all.

    Whole numbers of any size are text in Parquet, in the columns that may have them.

    Raises:
        TensorRankError: if the name ends otherwise, pyarrow is missing, or the file cannot be written.
    """
    check_export(path)
    write_whole(path, lambda temporary: (_csv if path.suffix == ".csv" else _parquet)(rows, columns, temporary))


def _csv(rows: Iterable[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(row[name]) for name in columns} for row in rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def _cell(value: Any) -> Any:
    return to_text(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _parquet(rows: Iterable[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    # An extra.
    import pyarrow
    from pyarrow import parquet

    listed = list(rows)
    table = {
        name: [None if row[name] is None else to_text(row[name]) for row in listed]
        if name in _UNBOUNDED
        else [row[name] for row in listed]
        for name in columns
    }
    # An empty column says nothing of its type.
    types = {name: pyarrow.string() for name in _UNBOUNDED}
    parquet.write_table(
        pyarrow.table({name: pyarrow.array(values, types.get(name)) for name, values in table.items()}), path
    )

"""Rows of a study as files that other programs read: CSV, or Parquet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from tensorrank.errors import TensorRankError
from tensorrank.separation.jobs import JobKey
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.stored_rows import StoredBlock
from tensorrank.whole_files import write_whole
from tensorrank.whole_numbers import to_text

# What is said of every rank and of every block, beside the values that their models are known by.
_PROVED = ("value", "lower", "upper", "standing")
_HOW = ("method", "engines", "failure_probability", "seconds", "reason")
RANK_COLUMNS = (*_PROVED, "log3_value", *_HOW)
_FOUND = ("rank", "rows", "columns", "complete", "saturated", "engine", "seconds", "version")
BLOCK_COLUMNS = ("seed", *(field.name for field in fields(JobKey)), *_FOUND)
# Whole numbers that may pass 2**63.
_UNBOUNDED = frozenset({"value", "lower", "upper", "moment_bound", "monomial_bound", "seed"})
_KINDS = (".csv", ".parquet")
_LARGEST = 2**63 - 1


def model_columns(models: Iterable[ModelKey]) -> tuple[str, ...]:
    """The columns that tell models apart: their kind, then the values of all their identities, by name."""
    return "kind", *sorted({name for model in models for name in model.values})


def rank_row(model: ModelKey, result: SeparationRank) -> dict[str, Any]:
    """One rank under the names of its model's values and of `RANK_COLUMNS`; None where there is nothing to say."""
    return {
        **model.to_dict(),
        **{name: getattr(result, name) for name in (*_PROVED, *_HOW)},
        "log3_value": math.log(result.value) / math.log(3) if result.value else None,
        "engines": list(result.engines),
        "seconds": round(result.seconds, 3),
    }


def block_row(model: ModelKey, seed: int, key: JobKey, block: StoredBlock) -> dict[str, Any]:
    """One block under the names of its model's values and of `BLOCK_COLUMNS`.

    The degree is -1 for a matrix of all degrees.
    """
    return {
        **model.to_dict(),
        "seed": seed,
        **key.to_dict(),
        **block.rank.to_dict(),
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
    """Write rows to a .csv or .parquet file, whole or not at all; a row without a column has no value there.

    Whole numbers of any size are text in Parquet, in the columns that may have them. So are lists, in both.

    Raises:
        TensorRankError: if the name ends otherwise, pyarrow is missing, or the file cannot be written.
    """
    check_export(path)
    write_whole(path, lambda file: (_csv if path.suffix == ".csv" else _parquet)(rows, columns, file))


def _csv(rows: Iterable[dict[str, Any]], columns: Sequence[str], file: BinaryIO) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(row.get(name)) for name in columns} for row in rows)
    file.write(text.getvalue().encode())


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        # Names of engines have spaces.
        return ("; " if any(isinstance(entry, str) for entry in value) else " ").join(map(str, value))
    return to_text(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _parquet(rows: Iterable[dict[str, Any]], columns: Sequence[str], file: BinaryIO) -> None:
    # An extra.
    import pyarrow
    from pyarrow import parquet

    listed = list(rows)
    table = {}
    for name in columns:
        values = [row.get(name) for row in listed]
        # An empty column says nothing of its type.
        as_text = name in _UNBOUNDED or not _is_column([value for value in values if value is not None])
        cells = [None if value is None else _cell(value) for value in values] if as_text else values
        cells = [cell if cell is None or not as_text else str(cell) for cell in cells]
        table[name] = pyarrow.array(cells, pyarrow.string() if as_text else None)
    parquet.write_table(pyarrow.table(table), file)


def _is_column(values: Sequence[Any]) -> bool:
    """Whether a typed column can hold all of these values: of one type, no lists, and of whole numbers no long ones."""
    types = {type(value) for value in values}
    return len(types - {int, float}) + bool(types & {int, float}) <= 1 and not any(
        isinstance(value, list) or (isinstance(value, int) and abs(value) > _LARGEST) for value in values
    )

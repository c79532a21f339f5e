"""Results as rows of named values, and as data frames of pandas whose columns stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tensorrank.notebook_tables import NotebookTable, are_many
from tensorrank.other_libraries import imported

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


class Tabular(NotebookTable):
    """Base of results that go to a data frame: dataclasses whose fields are the columns.

    A result is one row. A field that is itself such a result gives several columns, named by both: `rank_value`. A
    field that lists such results gives a row for each of them, beside the other fields; where several fields do, the
    column `part` names the field. A column in the rows of a list whose name another field has is named by both, too.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Square(Tabular):
    ...     side: int
    ...     area: int
    >>> @dataclass(frozen=True)
    ... class Squares(Tabular):
    ...     unit: str
    ...     squares: tuple[Square, ...]
    >>> Squares("cm", (Square(1, 1), Square(2, 4))).to_rows()
    [{'unit': 'cm', 'side': 1, 'area': 1}, {'unit': 'cm', 'side': 2, 'area': 4}]
    """

    def to_rows(self) -> list[dict[str, Any]]:
        """The result as rows: a dictionary for each, by the names of the columns of `to_pandas`."""
        named = self._named_values()
        many = {name: values for name, values in named.items() if are_many(values, Tabular)}
        single = _flat({name: value for name, value in named.items() if name not in many})
        if not many:
            return [single]
        return [
            single | ({"part": name} if len(many) > 1 else {}) | _beside(single, name, row)
            for name, values in many.items()
            for one in values
            for row in one.to_rows()
        ]

    def to_pandas(self) -> pd.DataFrame:
        """The result as a data frame of pandas, a row for each of `to_rows`. Frames of several results stack.

        Raises:
            TensorRankError: if pandas is not installed.
        """
        pandas, rows = imported("pandas", "pandas"), self.to_rows()
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: [row.get(name) for row in rows] for name in names}
        # Whole numbers stay whole beside gaps, for which pandas would else make floats of them.
        series = {
            name: pandas.Series(values, dtype=object if any(value is None for value in values) else None)
            for name, values in columns.items()
        }
        frame: pd.DataFrame = pandas.DataFrame(series)
        return frame


def _beside(single: Mapping[str, Any], name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a list by names of columns that the other fields leave free."""
    return {f"{name}_{key}" if key in single else key: value for key, value in row.items()}


def _flat(named: Mapping[str, Any]) -> dict[str, Any]:
    """Named values, with those of results and dictionaries inside under names of their own."""
    found: dict[str, Any] = {}
    for name, value in named.items():
        inner = value._named_values() if isinstance(value, Tabular) else value
        if isinstance(inner, Mapping):
            found |= {f"{name}_{key}": one for key, one in _flat({str(key): one for key, one in inner.items()}).items()}
        else:
            found[name] = value
    return found

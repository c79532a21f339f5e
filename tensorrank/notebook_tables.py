"""Small tables in notebooks: how every value of the package shows itself at the end of a cell.

The tables have no colours of their own, so that light and dark themes serve them alike. Every text in them is escaped,
and no part is taken for a formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from html import escape
from typing import Any

from tensorrank.arguments import shown

# Longer tables fill the screen. The rest is counted.
MOST_ROWS, _MOST_COLUMNS, _FEWEST_ROWS = 20, 9, 5
_LONGEST_CELL, _LONGEST_IN_ROWS = 160, 60
# Arrays of more entries are told by their shape.
_FEW_ENTRIES = 12
# MathJax of notebooks leaves these classes alone: a dollar sign in a name begins no formula.
_NO_FORMULAS = 'class="tex2jax_ignore mathjax_ignore"'


@dataclass(frozen=True)
class Table:
    """Rows of texts, and the names of their columns; without names the first text of a row names the others.

    Attributes:
        rows: the rows, all of them.
        head: the names of the columns, or nothing.
        left_out: what is not shown beside, in words.
    """

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    left_out: str = ""


class NotebookTable:
    """Base of what a notebook shows as a small table: of a dataclass, the values of its fields.

    Fields of None are left out, and lists of such values are tables of their own.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Named(NotebookTable):
    ...     name: str
    >>> print(Named("<b>")._repr_html_().split("<tbody>")[1].split("</tbody>")[0])
    <tr><th>name</th><td style="text-align: left">&lt;b&gt;</td></tr>
    """

    def _repr_html_(self) -> str:
        return _html(type(self).__name__, self._shown_tables())

    def _named_values(self) -> dict[str, Any]:
        """The values that a table shows, by name."""
        if not is_dataclass(self):
            return {}
        return {field.name: getattr(self, field.name) for field in fields(self) if field.repr and field.name[0] != "_"}

    def _shown_tables(self) -> Iterator[Table]:
        """The tables that a notebook shows, one below the other."""
        named = self._named_values()
        many = {name: values for name, values in named.items() if are_many(values)}
        yield Table([(spaced(name), cell(one)) for name, one in named.items() if one is not None and name not in many])
        for name, values in many.items():
            yield _table_of(name if len(many) > 1 else "", values)

    def _in_a_cell(self) -> str:
        """The value in a few words, for a cell of another's table."""
        return str(self)


def are_many(values: object, kind: type = NotebookTable) -> bool:
    """True for lists of one thing or more, all of them dataclasses of a kind."""
    listed = isinstance(values, list | tuple) and len(values) > 0
    return listed and all(isinstance(one, kind) and is_dataclass(one) for one in values)  # type: ignore[attr-defined] # of a list


def cell(value: Any) -> str:
    """A value in a cell: as its repr says it, a text without quotes, a long array by its shape.

    >>> cell(0.1), cell("a"), cell((1, 2)), cell(True)
    ('0.1', 'a', '1, 2', 'True')
    """
    if isinstance(value, NotebookTable):
        text = value._in_a_cell()
    elif isinstance(value, str):
        text = value
    elif hasattr(value, "shape") and hasattr(value, "tolist"):
        text = shown(value.tolist()) if value.size <= _FEW_ENTRIES else f"array of shape {value.shape}"
    elif isinstance(value, list | tuple) and value and all(isinstance(one, int | float | str) for one in value):
        text = ", ".join([one if isinstance(one, str) else shown(one) for one in value[:_FEW_ENTRIES]])
        text += ", ..." if len(value) > _FEW_ENTRIES else ""
    elif isinstance(value, Mapping):
        text = ", ".join(f"{name}: {cell(one)}" for name, one in value.items())
    else:
        text = shown(value)
    # Half a surrogate pair, which the name of a file may have, cannot be sent to a notebook.
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    return _cut(text, _LONGEST_CELL)


def spaced(name: str) -> str:
    """The name of a field as words."""
    return name.replace("_", " ")


def _table_of(name: str, values: Sequence[NotebookTable]) -> Table:
    """A table with a row for each value and a column for each name, but those that are None everywhere.

    What says how a value was computed, which is no part of equality, has no column.
    """
    rows = [one._named_values() for one in values[:MOST_ROWS]]
    how = {field.name for field in fields(values[0]) if not field.compare}  # type: ignore[arg-type] # they are dataclasses
    names = dict.fromkeys(key for row in rows for key in row if key not in how)
    columns = [key for key in names if any(row.get(key) is not None for row in rows)]
    taken, further = columns[:_MOST_COLUMNS], columns[_MOST_COLUMNS:]
    texts = [["" if row.get(key) is None else _short(row[key]) for key in taken] for row in rows]
    head = [*map(spaced, taken)]
    if name and head:
        head[0] = f"{spaced(name)}: {head[0]}"
    # Rows beyond those that are shown are only counted.
    left_out = f"further columns: {', '.join(map(spaced, further))}" if further else ""
    return Table([*texts, *[()] * (len(values) - len(rows))], head, left_out)


def _short(value: Any) -> str:
    """A value in a row of many: floats have six digits, as on the command line."""
    return _cut(f"{value:.6g}" if isinstance(value, float) else cell(value), _LONGEST_IN_ROWS)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - longest // 8 - 3]}...{text[-(longest // 8) :]}"


def _html(name: str, tables: Iterable[Table]) -> str:
    room = MOST_ROWS
    parts: list[str] = []
    for table in tables:
        if not table.rows and not table.head:
            continue
        some = table.rows[: max(room, _FEWEST_ROWS)]
        room -= len(some)
        left = len(table.rows) - len(some)
        caption = f"<caption>{escape(name)}</caption>" if not parts else ""
        head = f"<thead><tr>{''.join(f'<th>{escape(one)}</th>' for one in table.head)}</tr></thead>" if table.head else ""
        body = "".join(_row(row, headed=not table.head) for row in some)
        words = [f"and {left} more"] * (left > 0) + [table.left_out] * bool(table.left_out)
        more = f"<p>{escape('; '.join(words))}</p>" if words else ""
        parts.append(f"<table {_NO_FORMULAS}>{caption}{head}<tbody>{body}</tbody></table>{more}")
    return "".join(parts)


def _row(texts: Sequence[str], *, headed: bool) -> str:
    if not headed:
        return f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in texts)}</tr>"
    name, *others = texts
    cells = "".join(f'<td style="text-align: left">{escape(text)}</td>' for text in others)
    return f"<tr><th>{escape(name)}</th>{cells}</tr>"

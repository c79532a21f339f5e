"""Matrices in files of the formats MatrixMarket and SMS, with entries exactly as they are written.

scipy reads MatrixMarket, too, but rounds decimals to floats, refuses whole numbers beyond 64 bits, and makes a 3 of
"3.5" in a file of whole numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tensorrank.arguments import as_float, file_path
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.errors import TensorRankError
from tensorrank.given_files.contents import text_of
from tensorrank.given_files.paths import in_a_line, named_in_errors
from tensorrank.whole_numbers import from_text

_EXPECTED = "a matrix in the format MatrixMarket or SMS"
_MARK = "%%MatrixMarket"
_FIELDS = ("integer", "unsigned-integer", "real", "complex", "pattern")
_SYMMETRIES = ("general", "symmetric", "skew-symmetric", "hermitian")
_RATIO = re.compile(r"([+-]?[0-9]+)(?:/([0-9]+))?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_MOST_LINES = 2**62

Number = int | Fraction | complex


class _Entry(NamedTuple):
    """An entry as it is written.

    Attributes:
        where: the words for its place in the file.
        row: from 1.
        column: from 1.
        value: its number.
    """

    where: str
    row: int
    column: int
    value: Number


def read_matrix(path: str | Path) -> Array | SparseMatrix:
    """The matrix in a file in the format MatrixMarket or SMS, for `rank_mod_p` and `rational_rank`.

    Whole numbers have any number of digits, decimals become the fractions that are written, and complex numbers become
    floats. The entries of a pattern are 1.

    Args:
        path: a file, as it is or compressed by gzip. A file in the format MatrixMarket begins with %%MatrixMarket; any
            other is taken for one in the format SMS: rows, columns and a letter, then row, column and value of each
            entry that is not 0, and three zeros at the end.

    Returns:
        A `SparseMatrix`; for MatrixMarket's format "array" an array.

    Raises:
        TensorRankError: naming the file and the place, if it cannot be read, has another format, breaks off, gives an
            entry twice or outside the matrix, or has numbers of another kind than it says.

    Sources: Boisvert, Pozo, Remington, The Matrix Market Exchange Formats (NISTIR 5935, 1996); Dumas, Sparse Integer
    Matrices Collection, for SMS.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import tensorrank as tr
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/m.sms").write_text("2 3 M 1 1 5  1 3 -2  2 3 4  0 0 0")
    ...     matrix = read_matrix(f"{folder}/m.sms")
    >>> matrix, tr.rank_mod_p(matrix, 7), tr.rational_rank(matrix).value
    (SparseMatrix(2 x 3, 3 entries), 2, 2)
    """
    checked = file_path("the path of the matrix", path)
    with named_in_errors(checked):
        text = text_of(checked, _EXPECTED, packed=True)
        return _market(text) if text[: len(_MARK)].lower() == _MARK.lower() else _sms(text)


def _sms(text: str) -> SparseMatrix:
    words = text.split()
    if len(words) < 3 or not (words[2].isalpha() and len(words[2]) == 1):
        shown = in_a_line(" ".join(words[:3]))
        raise TensorRankError(f"it begins with {shown!r}; expected {_EXPECTED}: %%MatrixMarket, or rows, columns and a letter")
    shape = _length("the number of rows", words[0]), _length("the number of columns", words[1])
    if words[-3:] != ["0", "0", "0"] or len(words) % 3:
        raise TensorRankError(f"it ends with {in_a_line(' '.join(words[3:][-3:]))!r}; expected three zeros: it may break off")
    found = []
    for number, start in enumerate(range(3, len(words) - 3, 3), 1):
        row, column, value = words[start : start + 3]
        where = f"entry {number}"
        found.append(_Entry(where, _index(where, row), _index(where, column), _ratio(where, value)))
    return _sparse(shape, found)


def _market(text: str) -> Array | SparseMatrix:
    lines = text.splitlines()
    header = lines[0].lower().split()
    known = len(header) == 5 and header[1] == "matrix" and header[2] in ("coordinate", "array")
    if not known or header[3] not in _FIELDS or header[4] not in _SYMMETRIES or header[2:4] == ["array", "pattern"]:
        raise TensorRankError(
            f"line 1 is {in_a_line(lines[0])!r}; expected {_MARK} matrix, coordinate or array, one of {', '.join(_FIELDS)}, "
            f"and one of {', '.join(_SYMMETRIES)}"
        )
    _, _, layout, field, symmetry = header
    body = ((f"line {number}", line.split()) for number, line in enumerate(lines[1:], 2) if line[:1] != "%" and line.strip())
    where, sizes = next(body, ("line 1", []))
    if len(sizes) != (3 if layout == "coordinate" else 2):
        expected = "the numbers of rows, columns and entries" if layout == "coordinate" else "the numbers of rows and columns"
        raise TensorRankError(f"{where} has {len(sizes)} numbers; expected {expected}")
    rows, columns = (_length(f"a size in {where}", word) for word in sizes[:2])
    if symmetry != "general" and rows != columns:
        raise TensorRankError(f"{where} says {rows} rows and {columns} columns; expected as many for a {symmetry} matrix")
    if layout == "array":
        return _dense(rows, columns, _column_by_column(rows, columns, symmetry, body, field), symmetry)
    found = [_placed(at, words, field) for at, words in body]
    count = _length(f"a size in {where}", sizes[2])
    if len(found) != count:
        raise TensorRankError(f"it has {len(found)} entries; expected {count}, as {where} says")
    return _sparse((rows, columns), [*found, *_mirrored(found, symmetry)])


def _placed(where: str, words: list[str], field: str) -> _Entry:
    if len(words) < 2:
        raise TensorRankError(f"{where} is {in_a_line(' '.join(words))!r}; expected a row, a column and a value")
    return _Entry(where, _index(where, words[0]), _index(where, words[1]), _value(where, words[2:], field))


def _column_by_column(
    rows: int, columns: int, symmetry: str, body: Iterator[tuple[str, list[str]]], field: str
) -> list[_Entry]:
    """The entries of a dense matrix, of which the file has the values alone, of a symmetric one half of them."""
    refuse_beyond(memory_limit(None), 100 * rows * columns, f"a dense matrix of {rows} x {columns}", "a sparse one")
    places = [
        (row, column)
        for column in range(1, columns + 1)
        for row in range(1, rows + 1)
        if symmetry == "general" or row > column or (row == column and symmetry != "skew-symmetric")
    ]
    values = list(body)
    if len(values) != len(places):
        raise TensorRankError(
            f"it has {len(values)} values; expected {len(places)} for a {symmetry} matrix of {rows} x {columns}"
        )
    return [
        _Entry(where, row, column, _value(where, words, field))
        for (row, column), (where, words) in zip(places, values, strict=True)
    ]


def _mirrored(found: list[_Entry], symmetry: str) -> Iterator[_Entry]:
    """The entries on the other side of the diagonal, which a file of a symmetric matrix leaves out."""
    if symmetry == "general":
        return
    for entry in found:
        if entry.row != entry.column:
            value = entry.value.conjugate() if symmetry == "hermitian" else entry.value
            yield _Entry(entry.where, entry.column, entry.row, -value if symmetry == "skew-symmetric" else value)
        elif symmetry == "skew-symmetric" and entry.value:
            raise TensorRankError(f"{entry.where} lies on the diagonal; expected 0 there, as the matrix is skew-symmetric")


def _sparse(shape: tuple[int, int], found: list[_Entry]) -> SparseMatrix:
    for entry in found:
        if not (1 <= entry.row <= shape[0] and 1 <= entry.column <= shape[1]):
            raise TensorRankError(
                f"{entry.where} is at row {entry.row}, column {entry.column}; expected a place in a matrix of {shape[0]} x "
                f"{shape[1]}, counted from 1"
            )
    rows, columns = (np.array([getattr(one, name) for one in found], dtype=np.int64) - 1 for name in ("row", "column"))
    order = np.lexsort((columns, rows))
    again = np.flatnonzero((np.diff(rows[order]) == 0) & (np.diff(columns[order]) == 0))
    if again.size:
        first, second = sorted((order[again[0]], order[again[0] + 1]))
        raise TensorRankError(f"{found[second].where} is at the place of {found[first].where}; expected each place once")
    entries = _numbers([one.value for one in found])
    return SparseMatrix(shape, rows[order], columns[order], entries[order]).mapped(lambda same: same)


def _dense(rows: int, columns: int, found: list[_Entry], symmetry: str) -> Array:
    all_of_them = [*found, *_mirrored(found, symmetry)]
    values = _numbers([one.value for one in all_of_them])
    dense = np.zeros((rows, columns), dtype=values.dtype)
    for entry, value in zip(all_of_them, values, strict=True):
        dense[entry.row - 1, entry.column - 1] = value
    return dense


def _numbers(values: list[Number]) -> Array:
    """The values in the smallest type that holds them as they are."""
    if any(isinstance(value, complex) for value in values):
        return np.array(values, dtype=np.complex128)
    if all(isinstance(value, int) and abs(value) < 2**63 for value in values):
        return np.array(values, dtype=np.int64)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _length(what: str, word: str) -> int:
    if not (word.isascii() and word.isdigit()) or from_text(word) > _MOST_LINES:
        raise TensorRankError(f"{what} is {in_a_line(word)!r}; expected a whole number, of at most 2^62")
    return from_text(word)


def _index(where: str, word: str) -> int:
    return _length(f"a row or column of {where}", word)


def _value(where: str, words: list[str], field: str) -> Number:
    """The value of an entry in a file of a field, from the words behind its place."""
    count = {"pattern": 0, "complex": 2}.get(field, 1)
    if len(words) != count:
        raise TensorRankError(f"{where} has {len(words)} words for a value; expected {count}, as the matrix is {field}")
    if field == "pattern":
        return 1
    if field == "complex":
        parts = [as_float(_decimal(where, word)) for word in words]
        if not all(map(math.isfinite, parts)):
            raise TensorRankError(f"the value of {where} is beyond all floats; expected complex numbers of floats")
        return complex(*parts)
    return _decimal(where, words[0]) if field == "real" else _ratio(where, words[0], fractions=False)


def _ratio(where: str, word: str, *, fractions: bool = True) -> int | Fraction:
    found = _RATIO.fullmatch(word)
    if found is None or (found[2] and (not fractions or not from_text(found[2]))):
        kind = "a whole number or a fraction" if fractions else "a whole number"
        raise TensorRankError(f"the value of {where} is {in_a_line(word)!r}; expected {kind}")
    return _as_whole(Fraction(from_text(found[1]), from_text(found[2] or "1")))


def _decimal(where: str, word: str) -> int | Fraction:
    if not _DECIMAL.fullmatch(word):
        raise TensorRankError(f"the value of {where} is {in_a_line(word)!r}; expected a decimal number")
    return _as_whole(Fraction(word))


def _as_whole(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value

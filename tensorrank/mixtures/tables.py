"""Tables of probabilities as users give them: fractions or floats, nonnegative, with rows that sum to one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import fsum, lcm, log10, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, true_or_false
from tensorrank.arithmetic.given_arrays import as_given, as_written
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import LARGEST_EXPONENT, fraction_from_text

# float64, or Python objects: all of them Fractions.
Table = NDArray[Any]

# The most by which sums of floats may differ from one. Tables are kept as given, never rescaled.
TOLERANCE = 1e-6
# Tables of fewer entries fit wherever anything does.
_FEW_ENTRIES = 2**16
_FLOAT_BYTES, _FRACTION_BYTES = 32, 400
# What a node takes with its name, its children and a small table.
_OBJECT_BYTES = 1000
# Fractions whose denominators have fewer bits together are added one by one.
_LONG_SUM = 2**16
_MOST_COMMON_BITS = 2**18
# Fractions of fewer bits are written out in messages.
_MOST_BITS = 300


def nonnegative(given: ArrayLike, what: str, axes: Sequence[str]) -> Table:
    """A read-only copy of a table: Fractions if all entries are whole numbers or fractions, float64 otherwise.

    A table that was made here before is returned as it is. Messages call the table `what`; the axes say what each of
    its dimensions numbers. Entries that are negative, infinite or no numbers are refused.

    >>> nonnegative([0, "1/3"], "the weights", ["component"])
    array([Fraction(0, 1), Fraction(1, 3)], dtype=object)
    """
    array = real_numbers(given, what, axes)
    _refuse_where(array < 0, "nonnegative", array, what, axes)
    return array


def real_numbers(given: ArrayLike, what: str, axes: Sequence[str]) -> Table:
    """A table as of `nonnegative` whose entries may have any sign: amplitudes, as of squared mixtures.

    >>> real_numbers([-1, "1/3"], "the prior", ["state"])
    array([Fraction(-1, 1), Fraction(1, 3)], dtype=object)
    """
    array = as_written(given, what)
    _refuse_other_order(given, what)
    if array.ndim != len(axes) or not array.size:
        raise TensorRankError(f"{what} has the shape {array.shape}; expected ({', '.join(axes)}), none of them empty")
    if array.dtype.kind in "iu":
        array = array.astype(object)
    if array.dtype.kind in "OUS":
        entries = [_number(entry, what) for entry in array.flat]
        exact = not any(isinstance(entry, float) for entry in entries)
        if not exact or any(new is not old for new, old in zip(entries, array.flat, strict=True)):
            try:
                array = np.array(entries, dtype=object if exact else np.float64).reshape(array.shape)
            except OverflowError as error:
                raise TensorRankError(f"{what} holds floats and a number too large for one; expected probabilities") from error
    elif array.dtype.kind == "f":
        array = array.astype(np.float64, copy=False)
    else:
        raise TensorRankError(f"{what} holds entries of type {array.dtype}; expected whole numbers, fractions or floats")
    endless = np.zeros(array.shape, dtype=bool) if array.dtype == object else ~np.isfinite(array)
    _refuse_where(endless, "finite", array, what, axes)
    if array.dtype != object and np.signbit(array).any():
        array = array + 0.0  # -0.0 is 0.0, so that equal tables are the same text
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.setflags(write=False)
    return array


def _refuse_where(odd: NDArray[np.bool_], expected: str, array: Table, what: str, axes: Sequence[str]) -> None:
    """Refuse a table with odd entries, naming the first of them."""
    if odd.any():
        where = tuple(int(i) for i in np.argwhere(odd)[0])
        raise TensorRankError(f"{what} is {_in_words(array[where])} at {_place(axes, where)}; expected {expected} numbers")


def distributions(given: ArrayLike, what: str, axes: Sequence[str]) -> Table:
    """A table checked as by `nonnegative`, whose entries are probabilities along the last axis.

    They have to sum to one: exactly for fractions, within TOLERANCE for floats.
    """
    array = nonnegative(given, what, axes)
    with np.errstate(over="ignore"):  # an infinite sum is not 1
        sums = _exact_sums(array, what) if holds_fractions(array) else array.sum(axis=-1)
    odd = np.asarray(sums != 1 if holds_fractions(array) else np.abs(sums - 1) > TOLERANCE)
    if odd.any():
        where = tuple(int(i) for i in np.argwhere(odd)[0])
        place = f" at {_place(axes[:-1], where)}" if where else ""
        total = np.asarray(sums)[where]
        near = "" if holds_fractions(array) else f", within {TOLERANCE:g}"
        raise TensorRankError(f"{what} sums to {_in_words(total)}{place} over {axes[-1]}; expected 1{near}")
    return array


def _refuse_other_order(given: Any, what: str) -> None:
    """Refuse a frame, as pandas has them, whose rows and columns have the same labels in different orders."""
    if not isinstance(given, np.ndarray | list | tuple) and hasattr(given, "index") and hasattr(given, "columns"):
        rows, columns = list(given.index), list(given.columns)
        if rows != columns and len(set(rows)) == len(rows) == len(columns) and set(rows) == set(columns):
            raise TensorRankError(
                f"the rows of {what} are labelled {', '.join(map(shown, rows))} and its columns "
                f"{', '.join(map(shown, columns))}; expected one order, as only places are read: frame[frame.index] has it"
            )


def _exact_sums(array: Table, what: str) -> Table:
    """The sums of fractions along the last axis; a float where long fractions are far from one."""
    rows = array.reshape(-1, array.shape[-1])
    sums = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        bits = sum(entry.denominator.bit_length() for entry in row)
        sums[place] = row.sum() if bits < _LONG_SUM else _long_sum(row, what)
    return sums.reshape(array.shape[:-1])


def _long_sum(row: Table, what: str) -> Fraction | float:
    """The sum of fractions over their common denominator, which takes time with its square and so is bounded."""
    # Entries above one need no float, which might not hold them.
    near = fsum(float(entry) if entry <= 1 else 2.0 for entry in row)
    if abs(near - 1) > TOLERANCE:
        return near
    common = 1
    for entry in row:
        common = lcm(common, entry.denominator)
        if common.bit_length() > _MOST_COMMON_BITS:
            raise TensorRankError(
                f"{what} has fractions whose common denominator is longer than {_MOST_COMMON_BITS} bits; expected "
                "shorter ones, or floats"
            )
    return Fraction(sum(entry.numerator * (common // entry.denominator) for entry in row), common)


def listed_tables(given: ArrayLike | Sequence[Table], what: str) -> list[ArrayLike] | None:
    """The tables of a list or an array of three dimensions; None if the rows of a single table were given."""
    if isinstance(given, list | tuple):
        return list(given) if not given or as_given(given[0], what).ndim >= 2 else None
    array = as_given(given, what)
    return list(array) if array.ndim == 3 else None


def image_of(image: Callable[[Table], Table], tables: Table | tuple[Table, ...]) -> Table | tuple[Table, ...]:
    """The image of a table, or of each of several."""
    return tuple(map(image, tables)) if isinstance(tables, tuple) else image(tables)


def check_total(total: Any, what: str) -> None:
    """Refuse a model that does not sum to one over all values: exactly for a fraction, within TOLERANCE for a float."""
    fraction = isinstance(total, Fraction)
    if not abs(total - 1) <= (0 if fraction else TOLERANCE):
        near = "" if fraction else f", within {TOLERANCE:g}"
        raise TensorRankError(f"{what} sums to {_in_words(total)} over all values; expected 1{near}")


def holds_fractions(table: Table) -> bool:
    """Whether the entries of a table are Fractions; otherwise they are floats."""
    return table.dtype == object


def floats(table: Table) -> NDArray[np.float64]:
    """The table with each entry rounded to the nearest float64."""
    return np.asarray(table, dtype=np.float64)


def free_parameters(tables: Iterable[Table]) -> int:
    """The number of entries of some tables, less one for each distribution along the last axis.

    >>> free_parameters([np.ones((2, 3)) / 3])
    4
    """
    return sum(int(table.size - prod(table.shape[:-1])) for table in tables)


def check_entries(entries: int, what: str, *, fractions: bool = False) -> None:
    """Refuse tables of so many entries, which may be a whole number of any size, where they would not fit in memory."""
    if entries > _FEW_ENTRIES:
        refuse_beyond(memory_limit(None), entries * entry_bytes(fractions=fractions), what, "fewer states, values or variables")


def entry_bytes(*, fractions: bool) -> int:
    """The bytes that an entry of a table takes while the table is made and checked."""
    return _FRACTION_BYTES if true_or_false("fractions", fractions) else _FLOAT_BYTES


def check_objects(count: int, what: str) -> None:
    """Refuse so many nodes, each an object of its own, where they would not fit in memory."""
    if count > _FEW_ENTRIES:
        refuse_beyond(memory_limit(None), count * _OBJECT_BYTES, what, "fewer variables or states")


def random_distributions(shape: tuple[int, ...], rng: np.random.Generator, *, fractions: bool = False) -> Table:
    """Positive random probabilities along the last axis: uniform on the simplex, or fractions of random whole numbers.

    >>> random_distributions((2,), np.random.default_rng(0), fractions=True)
    array([Fraction(425, 743), Fraction(318, 743)], dtype=object)
    """
    true_or_false("fractions", fractions)
    check_entries(prod(shape), f"a table of the shape ({', '.join(map(shown, shape))})", fractions=fractions)
    if not fractions:
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    counts = rng.integers(1, 500, shape).astype(object)
    return np.asarray(counts * Fraction(1) / counts.sum(axis=-1, keepdims=True))


def _number(entry: Any, what: str) -> float | Fraction:
    if isinstance(entry, np.generic):
        entry = entry.item()
    if isinstance(entry, float | Fraction):
        return entry
    try:
        if isinstance(entry, bool):
            raise TypeError
        if isinstance(entry, str):
            return fraction_from_text(entry)
        if isinstance(entry, Decimal) and entry.is_finite() and abs(entry.adjusted()) > LARGEST_EXPONENT:
            raise OverflowError
        return Fraction(entry)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise TensorRankError(f"{what} contains {shown(entry)}; expected whole numbers, fractions or floats") from None


def _in_words(number: Any) -> str:
    """A number as messages show it; of a fraction too long for a line only its length."""
    if not isinstance(number, Fraction):
        return str(number)
    bits = number.numerator.bit_length() + number.denominator.bit_length()
    return str(number) if bits < _MOST_BITS else f"a fraction of some {int(bits * log10(2))} digits"


def _place(axes: Sequence[str], where: tuple[int, ...]) -> str:
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes, where, strict=True))

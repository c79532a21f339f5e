"""Tables of probabilities as users give them: fractions or floats, nonnegative, with rows that sum to one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.errors import TensorRankError

# float64, or Python objects: all of them Fractions.
Table = NDArray[Any]

# The most by which sums of floats may differ from one. Tables are kept as given, never rescaled.
TOLERANCE = 1e-6


def nonnegative(given: ArrayLike, what: str, axes: Sequence[str]) -> Table:
    """A read-only copy of a table: Fractions if all entries are whole numbers or fractions, float64 otherwise.

    A table that was made here before is returned as it is. Messages call the table `what`; the axes say what each of
    its dimensions numbers. Entries that are negative, infinite or no numbers are refused.

    >>> nonnegative([0, "1/3"], "the weights", ["component"])
    array([Fraction(0, 1), Fraction(1, 3)], dtype=object)
    """
    array = as_given(given)
    if array.dtype.kind in "US" and not isinstance(given, np.ndarray):
        # Of texts beside floats numpy makes texts.
        array = np.array(given, dtype=object)
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
    for name, odd in (("finite", endless), ("nonnegative", array < 0)):
        if odd.any():
            where = tuple(int(i) for i in np.argwhere(odd)[0])
            raise TensorRankError(f"{what} is {array[where]} at {_place(axes, where)}; expected {name} numbers")
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.setflags(write=False)
    return array


def distributions(given: ArrayLike, what: str, axes: Sequence[str]) -> Table:
    """A table checked as by `nonnegative`, whose entries are probabilities along the last axis.

    They have to sum to one: exactly for fractions, within TOLERANCE for floats.
    """
    array = nonnegative(given, what, axes)
    sums = array.sum(axis=-1)
    odd = np.asarray(sums != 1 if holds_fractions(array) else np.abs(sums - 1) > TOLERANCE)
    if odd.any():
        where = tuple(int(i) for i in np.argwhere(odd)[0])
        place = f" at {_place(axes[:-1], where)}" if where else ""
        total = sums[where] if where else sums
        near = "" if holds_fractions(array) else f", within {TOLERANCE:g}"
        raise TensorRankError(f"{what} sums to {total}{place} over {axes[-1]}; expected 1{near}")
    return array


def listed_tables(given: ArrayLike | Sequence[Table]) -> list[ArrayLike] | None:
    """The tables of a list or an array of three dimensions; None if the rows of a single table were given."""
    if isinstance(given, np.ndarray):
        return list(given) if given.ndim == 3 else None
    tables = list(given) if isinstance(given, list | tuple) else [given]
    return None if tables and as_given(tables[0]).ndim < 2 else tables


def image_of(image: Callable[[Table], Table], tables: Table | tuple[Table, ...]) -> Table | tuple[Table, ...]:
    """The image of a table, or of each of several."""
    return tuple(map(image, tables)) if isinstance(tables, tuple) else image(tables)


def check_total(total: Any, what: str) -> None:
    """Refuse a model that does not sum to one over all values: exactly for a fraction, within TOLERANCE for a float."""
    fraction = isinstance(total, Fraction)
    if not abs(total - 1) <= (0 if fraction else TOLERANCE):
        near = "" if fraction else f", within {TOLERANCE:g}"
        raise TensorRankError(f"{what} sums to {total} over all values; expected 1{near}")


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


def random_distributions(shape: tuple[int, ...], rng: np.random.Generator, *, fractions: bool = False) -> Table:
    """Positive random probabilities along the last axis: uniform on the simplex, or fractions of random whole numbers.

    >>> random_distributions((2,), np.random.default_rng(0), fractions=True)
    array([Fraction(425, 743), Fraction(318, 743)], dtype=object)
    """
    if not fractions:
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    counts = rng.integers(1, 500, shape).astype(object)
    return np.asarray(counts * Fraction(1) / counts.sum(axis=-1, keepdims=True))


def _number(entry: Any, what: str) -> float | Fraction:
    if isinstance(entry, np.generic):
        entry = entry.item()
    if isinstance(entry, bool):
        raise TensorRankError(f"{what} contains {entry!r}; expected whole numbers, fractions or floats")
    if isinstance(entry, float | Fraction):
        return entry
    try:
        return Fraction(entry)
    except (TypeError, ValueError, ZeroDivisionError):
        raise TensorRankError(f"{what} contains {entry!r}; expected whole numbers, fractions or floats") from None


def _place(axes: Sequence[str], where: tuple[int, ...]) -> str:
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes, where, strict=True))

"""Arrays of the numbers that users give, from whatever holds them; what makes no array is refused in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import as_float, as_real_number, shown
from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError

# What numpy raises for lists that make no array, and objects such as torch's tensors that have no array to give.
_NO_ARRAY = (TypeError, ValueError, OverflowError, RuntimeError, RecursionError)
# Deeper lists make no array of numpy's.
_MOST_DIMENSIONS = 64
# What an entry of a list takes: its place there, and a float.
_ENTRY_BYTES = 32
# Views of fewer bytes, and lists of fewer entries, are not asked whether they would fit in memory.
_SMALL = 2**24


def as_array(values: ArrayLike, name: str = "the array") -> Array:
    """An array of what a user gave, its entries of whatever type numpy finds.

    Lists, tuples, arrays, and all that has an array to give, such as DataFrames and tensors, are accepted. Refused are
    lists of unequal lengths, sparse matrices, iterators, dictionaries, sets and other objects, and masked arrays in
    which an entry is masked. Functions in which a masked entry means a missing value take it by `with_masks`.

    Args:
        values: what was given.
        name: what messages call it.

    Raises:
        TensorRankError: if it makes no array.

    >>> as_array([[1, 2], [3]], "the table")
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: lists of unequal lengths were given as the table; expected rows of equal length
    """
    array = with_masks(values, name)
    if not isinstance(array, np.ma.MaskedArray):
        return array
    masked = int(np.count_nonzero(np.ma.getmaskarray(array)))
    if masked:
        raise TensorRankError(
            f"an array with {masked} masked entr{'y' if masked == 1 else 'ies'} was given as {name}; expected every entry, "
            "for nothing can be missing there: fill the entries, for example by filled(0)"
        )
    return np.asarray(array.data)


def with_masks(values: ArrayLike, name: str = "the array") -> Array:
    """An array as by `as_array`; if a user gave a masked one, or lists with masked entries, a masked one.

    >>> np.ma.getmaskarray(with_masks([1, np.ma.masked, 3]))
    array([False,  True, False])
    """
    if isinstance(values, range):
        length = max(0, (values.stop - values.start) // values.step)
        refuse_beyond(memory_limit(None), 8 * length, f"{shown(values)}, given as {name},", "fewer numbers")
    elif isinstance(values, list | tuple):
        _refuse_lists_beyond_memory(values, name)
    try:
        if isinstance(values, np.ma.MaskedArray):
            array: Array = values
        elif isinstance(values, list | tuple) and _holds_masks(values):
            array = _of_masked_entries(values)
        else:
            array = np.asarray(values)
    except _NO_ARRAY as error:
        raise _no_array(values, name, error) from error
    except MemoryError as error:  # numpy asks for all at once, so nothing was taken
        raise TensorRankError(f"what was given as {name} does not fit in memory ({error}). Try fewer entries") from error
    if array.ndim == 0 and array.dtype == object and not isinstance(values, Number | Decimal | np.ndarray):
        raise _no_array(values, name, None)
    if 0 in array.strides and array.nbytes > _SMALL:
        # A view that shows one number in many places: a copy would hold them all.
        what = f"an array of the shape {array.shape}, given as {name},"
        refuse_beyond(memory_limit(None), array.nbytes, what, "fewer entries")
    return array


def as_given(values: ArrayLike, name: str = "the array") -> Array:
    """An array as by `as_array`, in which lists that numpy would round to floats keep their entries.

    >>> as_given([2**60 + 1, 0.5])
    array([1152921504606846977, 0.5], dtype=object)
    """
    array = as_array(values, name)
    # What has a type for all its entries has nothing that was rounded.
    if array.dtype.kind == "f" and not hasattr(values, "dtype"):
        return np.asarray(values, dtype=object)
    return array


def as_written(values: ArrayLike, name: str = "the array") -> Array:
    """An array as by `as_given`, in which texts beside numbers leave these numbers, where numpy would make texts.

    >>> as_written(["1/2", 0.1])
    array(['1/2', 0.1], dtype=object)
    """
    array = as_given(values, name)
    if array.dtype.kind in "US" and not hasattr(values, "dtype"):
        return np.asarray(values, dtype=object)
    return array


def as_floats(values: ArrayLike, name: str = "the array", *, finite: bool = False) -> Floats:
    """An array of floats of what a user gave, real numbers of any type; refused is what is none.

    Args:
        values: what was given; floats of 64 bits are not copied.
        name: what messages call it.
        finite: refuse truth values, NaN and numbers beyond floats, too.

    >>> as_floats([["1"]], "the inputs")
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: an entry of the inputs is '1'; expected real numbers
    """
    array = as_array(values, name)
    if 8 * array.size > _SMALL:
        refuse_beyond(memory_limit(None), 8 * array.size, f"{array.size} floats, given as {name},", "fewer")
    if array.dtype.kind in "iuf" or (array.dtype.kind == "b" and not finite):
        floats = array.astype(np.float64, copy=False)
    else:
        for entry in array.ravel().tolist():
            if as_real_number(entry) is None:
                raise TensorRankError(f"an entry of {name} is {shown(entry)}; expected real numbers")
        floats = np.array([as_float(entry) for entry in array.flat], dtype=np.float64).reshape(array.shape)
    if finite and not np.isfinite(floats).all():
        place = tuple(np.argwhere(~np.isfinite(floats))[0].tolist())
        raise TensorRankError(f"the entry {place} of {name} is {floats[place]}; expected finite numbers")
    return floats


def _refuse_lists_beyond_memory(values: list[Any] | tuple[Any, ...], name: str) -> None:
    """Refuse lists that hold each other so often that together they have more entries than any memory."""
    entries, first = 1, values
    for _ in range(_MOST_DIMENSIONS):
        if not isinstance(first, list | tuple) or not first:
            break
        entries, first = entries * len(first), first[0]
    if entries > _SMALL:
        refuse_beyond(memory_limit(None), _ENTRY_BYTES * entries, f"lists of {entries} entries, given as {name},", "fewer")


def _holds_masks(values: list[Any] | tuple[Any, ...]) -> bool:
    """Whether lists have masked arrays, or single masked entries, at any depth."""
    lists: Sequence[Any] = [values]
    for _ in range(_MOST_DIMENSIONS):
        # Looked at by their types, of which there are few.
        kinds = set(map(type, chain.from_iterable(lists)))
        if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
            return True
        if not any(issubclass(kind, list | tuple) for kind in kinds):
            return False
        inner = list(chain.from_iterable(lists))
        lists = inner if kinds <= {list, tuple} else [one for one in inner if isinstance(one, list | tuple)]
    return False


def _of_masked_entries(values: Any) -> Array:
    """The masked array of lists that hold masked arrays or masked entries; entries that are masked are 0."""
    entries = np.array(_unmasked(values), dtype=object)
    missing = np.array([entry is np.ma.masked for entry in entries.flat], dtype=bool).reshape(entries.shape)
    entries[missing] = 0
    return np.ma.MaskedArray(entries, missing)


def _unmasked(values: Any) -> Any:
    """Lists in which masked arrays have become lists, with the constant `np.ma.masked` where an entry is masked."""
    if values is np.ma.masked or not isinstance(values, list | tuple | np.ma.MaskedArray):
        return values
    return [_unmasked(one) for one in values]


def _no_array(values: Any, name: str, error: Exception | None) -> TensorRankError:
    kind, expected = type(values).__name__, "expected numbers in an array, or in lists of equal length"
    if isinstance(values, list | tuple) and isinstance(error, ValueError):
        deep = "maximum number of dimension" in str(error)
        found = f"lists nested more than {_MOST_DIMENSIONS} deep" if deep else "lists of unequal lengths"
        return TensorRankError(f"{found} were given as {name}; expected rows of equal length")
    if error is not None:
        return TensorRankError(f"an object of the type {kind} that makes no array ({error}) was given as {name}; {expected}")
    advice = ""
    if hasattr(values, "toarray"):
        advice = ": try its toarray()"
    elif isinstance(values, Iterator | set | frozenset):
        advice = ": try list(...) of it"
    return TensorRankError(f"an object of the type {kind} was given as {name}; {expected}{advice}")

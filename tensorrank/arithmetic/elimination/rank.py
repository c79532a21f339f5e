"""Rank over GF(p) of a matrix that a user gives, of one in memory that may be consumed, and of one made slab by slab.

In memory a matrix is eliminated in the room that it takes (`columns`); one that has no room there, over files
(`files`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.elimination.columns import AnyProducts, Elimination
from tensorrank.arithmetic.elimination.costs import Tally, elimination_bytes, elimination_work
from tensorrank.arithmetic.elimination.device_engines import DeviceEngine
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import AnyEngine, EngineName, engine_for, products_of
from tensorrank.arithmetic.elimination.engines import Balanced, Engine, Part, storage
from tensorrank.arithmetic.elimination.files import rank_of_strips, strip_columns
from tensorrank.arithmetic.given_matrices import MatrixLike, as_matrix, exact_entries, holds_fractions
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.progress import Progress, ProgressLike, reporter, silent, with_progress
from tensorrank.arithmetic.resources import Workers, amount, memory_limit, worker_threads
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError

# Entries of a given matrix that a thread converts at a time, for a strip.
_ENTRIES_AT_ONCE = 2**16


@checked
@with_progress
def rank_mod_p(
    matrix: MatrixLike,
    prime: int,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    memory: int | str | None = None,
    scratch: str | Path | None = None,
    progress: ProgressLike = None,
    engine: EngineName = "auto",
    device: str = HOST,
) -> int:
    """The rank over GF(p) of a matrix of whole numbers or fractions, exact.

    Args:
        matrix: whole numbers of any size, or fractions, of shape (rows, columns); zero-size matrices have rank 0.
            Floats are accepted if they are whole numbers, such as the balanced residues of `PrimeField.balanced`, and
            complex ones if their parts are; i then becomes a square root of -1. With `scratch` the matrix may be a
            `numpy.memmap` far larger than memory: it is read strip by strip. A sparse matrix of scipy, or of
            `read_matrix`, is reduced to blocks without single entries in a row or column, which are eliminated as dense
            matrices one by one.
        prime: the modulus, a prime below 2**31. The rank mod p never exceeds the rank over the rationals.
        threads: how many threads to use; all processors by default. The answer does not depend on it.
        overwrite: allow a C-contiguous float64 matrix to be destroyed instead of copied: then the rank takes little
            memory beside it.
        memory: the bytes that the elimination may take beside the matrix given, a number or a text such as "4GiB". By
            default 60 % of what is available if there is a `scratch` folder, and unlimited if there is none.
        scratch: a folder on a disk. A matrix whose elimination would take more than `memory` is eliminated over a
            temporary file there, of at most about 4 rows (columns - rows / 2) bytes for rows <= columns; it vanishes
            whatever happens.
        progress: called now and then, from this thread, with the floating point operations done, those that full rank
            would take in all, and what is under way in words; at the end the two numbers are equal.
        engine: what multiplies: "bytes" (8-bit integer units, primes up to 16253), "float32" (primes up to 1021),
            "float64" (all primes), or "auto", the default, which takes the fastest of those that serve the prime. All
            engines give the same rank.
        device: where: "cpu", the default; or with PyTorch installed (`pip install 'tensorrank[torch]'`) "cuda", or one
            of several, such as "cuda:1". Its engines are "bytes" and "float64"; "auto" leaves matrices too small
            to gain from a device to the processors. The matrix has to fit the device's memory.

    Raises:
        PrimeError: if the modulus is not a supported prime, divides a denominator, or is 3 modulo 4 and entries are
            complex.
        TensorRankError: if it is no matrix of whole numbers or fractions; if its elimination takes more than `memory`
            and there is no `scratch`; if even a narrow strip of it takes more; if the folder cannot be written to, for
            example because the disk is full; if the engine is not installed or does not take the prime; or if the
            device is not there, is too small, or is given together with `scratch`.

    >>> rank_mod_p([[1, 2], [3, 4]], 5), rank_mod_p([[1, 2], [3, 6]], 5)
    (2, 1)

    A matrix of 64 MB as int32, eliminated in 16 MB of memory:

    >>> import tempfile
    >>> rows, columns = np.ogrid[:4000, :4000]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rank_mod_p((rows * columns) % 7, 101, memory="16MB", scratch=folder, threads=1)
    4
    """
    field, array = PrimeField(prime), as_matrix(matrix)
    if isinstance(array, SparseMatrix):
        pivots, blocks = array.mapped(partial(_residues, field=field)).reduced()
        further: Any = {"threads": threads, "memory": memory, "scratch": scratch, "engine": engine, "device": device}
        return pivots + sum(rank_mod_p(block.toarray(), prime, progress=progress, **further) for block in blocks)
    if array.size == 0:
        return 0
    if not (array.dtype == np.float64 and kernels.are_balanced(array, field.prime)) and array.dtype.kind not in "iub":
        array = _residues(array, field)
    refuse_scratch(device, scratch)
    chosen = engine_for(field, engine, elimination_work(*array.shape), device)
    with worker_threads(threads) as pool:
        if memory is not None or scratch is not None:
            limit, taken = memory_limit(memory), _bytes_in_memory(array, overwrite, chosen)
            if taken > limit and scratch is None:
                raise TensorRankError(
                    f"the elimination of a matrix of shape {array.shape} takes {amount(taken)} and the memory limit is "
                    f"{amount(limit)}; give more memory, or a scratch folder to eliminate it over files there"
                )
            if taken > limit and not isinstance(chosen, DeviceEngine):
                return _rank_over_files(array, field, chosen, pool, limit, Path(str(scratch)), reporter(progress))
        return rank_in_place(_wide(array, field, pool, overwrite), chosen, pool, reporter(progress))


def _residues(array: Array, field: PrimeField) -> Residues:
    """The images of exact entries in GF(p)."""
    if array.dtype.kind == "c":
        return (_residues(array.real, field) + field.imaginary_unit * _residues(array.imag, field)) % field.prime
    entries = exact_entries(array)
    return field.image(entries) if holds_fractions(entries) else field.reduce(entries)


def refuse_scratch(device: str, scratch: str | Path | None) -> None:
    """Raise an error if scratch files are given together with a device."""
    if device != HOST and scratch is not None:
        raise TensorRankError(
            f"a scratch folder was given together with the device {shown(device)}; eliminations over files run on the "
            f"device '{HOST}' only. Give one of the two"
        )


def _bytes_in_memory(array: Array, overwrite: bool, engine: AnyEngine) -> float:
    """The bytes that an elimination in memory takes beside the matrix given."""
    entry = engine.storage.itemsize
    taken = elimination_bytes(array.shape[0], array.shape[1], entry)
    if array.dtype == np.float64:
        return taken - entry * array.size if _consumable(array, overwrite) else taken
    # Residues as int64, and those before they are reduced.
    return taken if np.can_cast(array.dtype, np.int64) else max(taken, (16 + entry) * array.size)


def _consumable(array: Array, overwrite: bool) -> bool:
    return overwrite and array.flags.c_contiguous and array.flags.writeable


def _wide(array: Array, field: PrimeField, pool: Workers, overwrite: bool) -> Balanced:
    """The residues of a matrix or its transpose, no higher than wide; in its own memory if it may be overwritten."""
    tall = array.shape[0] > array.shape[1]
    if array.dtype != np.float64:
        integers = array if np.can_cast(array.dtype, np.int64) else field.reduce(array)
        return balanced(integers.T if tall else integers, field, pool)
    kind = storage(field.prime)
    if not _consumable(array, overwrite):
        return np.array(array.T if tall else array, dtype=kind, order="C")
    # Residues take at most half the room of a float64: the other half has room for the transpose.
    pieces: Balanced = array.reshape(-1).view(kind).reshape(8 // kind.itemsize, -1)
    kernels.narrow_in_place(array.reshape(-1), pieces[0])
    given: Balanced = pieces[0].reshape(array.shape)
    if not tall:
        return given
    result: Balanced = pieces[1].reshape(array.shape[::-1])
    kernels.transpose(given, result)
    return result


def balanced(array: Residues, field: PrimeField, pool: Workers) -> Balanced:
    """Whole numbers of up to 64 bits as balanced residues, C-contiguous, made a few rows at a time."""
    result = np.empty(array.shape, dtype=storage(field.prime))
    step = max(1, _ENTRIES_AT_ONCE // max(1, array.shape[1]))

    def convert(start: int) -> None:
        rows = slice(start, start + step)
        kernels.balance(np.ascontiguousarray(array[rows], dtype=np.int64), field.prime, result[rows])

    pool.map(convert, range(0, len(array), step))
    return result


def _rank_over_files(
    array: Array, field: PrimeField, engine: Engine, pool: Workers, memory: int, scratch: Path, progress: Progress
) -> int:
    """The rank by strips along the longer side; of a square matrix along the side that memory holds in one piece."""
    if array.flags.f_contiguous:
        array = array.T
    along_rows = array.shape[0] >= array.shape[1]
    length, height = array.shape if along_rows else array.shape[::-1]
    most = strip_columns(height, memory, engine, pool.count)
    count = -(-length // most)
    ends = [length * number // count for number in range(count + 1)]

    def strips() -> Iterator[Callable[[], Balanced]]:
        for start, end in pairwise(ends):
            part = array[start:end] if along_rows else array[:, start:end]
            yield partial(_strip, part, along_rows, field, pool)

    rank, _ = rank_of_strips(strips(), height, length, engine, pool, scratch, progress=progress)
    return rank


def _strip(part: Array, transposed: bool, field: PrimeField, pool: Workers) -> Balanced:
    """A piece of a given matrix, or its transpose, as balanced residues, converted a few rows at a time."""
    result: Balanced = np.empty(part.shape[::-1] if transposed else part.shape, dtype=storage(field.prime))
    target = result.T if transposed else result

    def convert(rows: slice) -> None:
        given = part[rows]
        if given.dtype == np.float64:
            target[rows] = given
            return
        integers = given.astype(np.int64) if np.can_cast(given.dtype, np.int64) else field.reduce(given)
        residues = np.empty(integers.shape, dtype=result.dtype)
        kernels.balance(np.ascontiguousarray(integers), field.prime, residues)
        target[rows] = residues

    step = max(1, _ENTRIES_AT_ONCE // part.shape[1])
    pool.map(convert, (slice(start, start + step) for start in range(0, len(part), step)))
    return result


def rank_in_place(matrix: Balanced, engine: AnyEngine, pool: Workers, progress: Progress = silent) -> int:
    """The rank of a C-contiguous matrix of balanced residues, which is consumed; best with rows <= columns.

    Progress is told from this thread: the operations done and those that full rank would take in all, in the unit of
    `elimination_work`. At the end the two are equal.
    """
    tally = Tally(len(matrix), matrix.shape[1], progress)
    products = products_of(engine, pool)
    with products.alone():
        rank = Elimination(matrix, products, tally).rank() if matrix.size else 0
    tally.finish()
    return rank


def rank_of_slabs(
    slabs: Iterable[Callable[[], Balanced]],
    engine: AnyEngine,
    pool: Workers,
    affordable: Callable[[int], bool] = lambda missing: True,
    progress: Progress = silent,
) -> tuple[int, bool]:
    """The rank of a matrix given as slabs of columns, each made only if the slabs before it do not decide the rank.

    If the first slab has rank r and fewer pivots than rows, all others matter only through its left kernel K: the rank
    is r + rank(K x the others). The products with K are again slabs, of few rows if few pivots are missing.

    Each slab makes a C-contiguous matrix of balanced residues with the same rows, which is consumed. After the first,
    `affordable` is told the number of rows without a pivot, and says whether to go on. Returned are the rank of the
    slabs used, and whether that is the rank of all. Progress is that of `rank_in_place`, with the total of the slabs
    up to the present one.
    """
    products, following = products_of(engine, pool), iter(slabs)
    # The first slab is made before a device is waited for; it is held by nobody once it is taken out of the list.
    made = [make() for make in islice(following, 1)]
    with products.alone():
        return _rank_of_slabs(chain([made.pop] * len(made), following), products, affordable, progress)


def _rank_of_slabs(
    waiting: Iterator[Callable[[], Balanced]], products: AnyProducts, affordable: Callable[[int], bool], progress: Progress
) -> tuple[int, bool]:
    """The rank of slabs by products that this thread has to itself; nothing of them is left there at its end."""
    rank, kernels_so_far, asked, tally = 0, list[Any](), False, Tally(0, 0, progress)
    following = next(waiting, None)
    complete = True
    while following is not None:
        matrix: Any = following()
        before = tally.done
        for kernel in kernels_so_far:
            before += 2.0 * len(kernel) * kernel.shape[1] * matrix.shape[1]
            matrix = _product(products, kernel, matrix)
        following = next(waiting, None)
        if 0 in matrix.shape:
            continue
        tally = Tally(len(matrix), matrix.shape[1], progress, before)
        elimination = Elimination(matrix, products, tally)
        del matrix
        found = elimination.rank()
        rank += found
        missing = len(elimination.matrix) - found
        if missing == 0 or following is None:
            break
        if not asked and not affordable(missing):
            complete = False
            break
        asked = True
        if found:
            kernels_so_far.append(elimination.left_kernel(found))
        del elimination
    tally.finish()
    return rank, complete


def product(left: Balanced, right: Balanced, engine: AnyEngine, pool: Workers) -> Balanced:
    """The product of two matrices of balanced residues, C-contiguous."""
    products = products_of(engine, pool)
    with products.alone():
        return products.given_back(_product(products, left, right))


def _product(products: AnyProducts, left: Any, right: Any) -> Any:
    """The product of two matrices, where the products are made."""
    result = products.zeros(len(left), right.shape[1])
    products.subtract(Part.whole(result), Part.whole(products.taken(left)), Part.whole(products.taken(right)))
    result *= -1
    return result

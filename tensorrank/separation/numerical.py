"""Numerical separation ranks, of what is known only by its values: any Python function, or a PyTorch module."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from math import prod
from typing import Any, Literal, Unpack, get_args

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond, silent, worker_threads
from tensorrank.arithmetic.spectrum import NumericalRank, rank_of_spectrum, singular_values, step_of
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import KnownByValues, Weights
from tensorrank.separation.called import called
from tensorrank.separation.distinct import DistinctInputs
from tensorrank.separation.options import NumericalOptions, checked_options, takes
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.sample_sizes import SampleSize

Form = Literal["inputs", "pairs"]
Sampler = Callable[[np.random.Generator, tuple[int, ...]], ArrayLike]
Size = tuple[int, int]

_FIRST_SAMPLE = 64
# Inputs are put together for so many pairs at a time, and not beyond so many bytes.
_PAIRS, _CHUNK = 2**14, 2**24
# The corner of the first sample that is asked for a second time.
_CORNER = 4


class NumericalArchitecture(KnownByValues, ABC):
    """Base of architectures whose values are computed in floating point only, such as softmax attention."""

    @abstractmethod
    def numerical_model(self, seed: int | np.random.Generator = 0, *, weights: Weights | None = None) -> NumericalModel:
        """The function of this architecture with random weights, or with the weights given."""

    @abstractmethod
    def value_work(self) -> float:
        """The operations that one value takes."""


@checked
@dataclass(frozen=True)
class NumericalModel(KnownByValues):
    """A function of several sites that is known only by its values, such as a trained network.

    Args:
        function: the function f, called in one of two ways. With form "inputs", f(inputs) gives values of shape
            (count,) or (count, 1), for inputs of shape (count, sites, *site_shape) with the sites in order. With form
            "pairs", f(batch_a, batch_b) gives a matrix of shape (m, n): the values at all pairs of an input of side A,
            of shape (m, |A|, *site_shape), and an input of side B, of shape (n, |B|, *site_shape). The sites of a side
            come in the order in which the partition lists them.
            A torch.nn.Module gets tensors of the type and on the device of its parameters (whole numbers stay whole),
            in evaluation mode and without gradients. Values may be real or complex, of single precision or better.
        sites: the number of sites, at least 2.
        site_shape: the shape of the input at one site; () for a number, an int or a tuple otherwise.
        form: "inputs" or "pairs".
        sampler: sampler(rng, shape) gives random inputs of that shape, such as whole numbers for categorical sites;
            inputs are standard normal by default.

    Raises:
        TensorRankError: if the function cannot be called, or sites, shape or form make no sense.

    >>> model = NumericalModel(lambda x: x[:, 0] * x[:, 1], sites=2)
    >>> model.grid(Bipartition((0,), (1,)), np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]))
    array([[3., 4.],
           [6., 8.]])
    """

    function: Callable[..., Any]
    sites: int
    _: KW_ONLY
    site_shape: tuple[int, ...] = ()
    form: Form = "inputs"
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        for name, given in (("function", self.function), ("sampler", self.sampler)):
            if not callable(given) and not (name == "sampler" and given is None):
                raise TensorRankError(f"the {name} is {shown(given)}; expected something that can be called")
        if not isinstance(self.form, str) or self.form not in get_args(Form):
            expected = "'inputs', f(inputs) -> values, or 'pairs', f(batch_a, batch_b) -> matrix"
            raise TensorRankError(f"the form is {shown(self.form)}; expected {expected}")
        shape: Any = self.site_shape
        lengths = things(shape) if isinstance(shape, Sequence) else (shape,)
        if lengths is None:
            raise TensorRankError(f"site_shape is {shown(shape)}; expected a whole number or a tuple of them")
        object.__setattr__(self, "sites", whole_number("sites", self.sites, 2))
        object.__setattr__(self, "site_shape", tuple(whole_number("a length in site_shape", n, 1) for n in lengths))

    def __str__(self) -> str:
        # A function's own text would be its address.
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return f"NumericalModel({name}, sites={self.sites})"

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Array:
        """Sample `count` random inputs of the given sites: an array of shape (count, len(sites), *site_shape).

        Raises:
            TensorRankError: if the sampler gives another shape, or no numbers.
        """
        shape = (whole_number("count", count, 1), len(sites), *self.site_shape)
        refuse_beyond(memory_limit(None), 8 * prod(shape), f"{shown(count)} inputs", "fewer")
        if self.sampler is None:
            return rng.standard_normal(shape)
        drawn = np.asarray(self.sampler(rng, shape))
        if drawn.shape != shape or drawn.dtype.kind not in "biufc":
            raise TensorRankError(
                f"the sampler gave {drawn.dtype} values of shape {drawn.shape}; expected numbers of the shape asked "
                f"for, {shape} (count, sites of the side, *site_shape)"
            )
        return drawn

    def grid(self, partition: Bipartition, rows: Array, columns: Array) -> Array:
        """The matrix of values at all pairs of a row (side A) and a column (side B), in the precision they come in.

        Raises:
            TensorRankError: if the function gives another shape than it should, no numbers, or half precision.
        """
        rows, columns = (self._inputs(*side) for side in (("rows", rows, partition.a), ("columns", columns, partition.b)))
        if self.form == "pairs":
            # Copies, so that a function that works in place spoils nothing.
            return self._values((rows.copy(), columns.copy()), (len(rows), len(columns)), "one for each pair")
        pairs = len(rows) * len(columns)
        each = self.sites * prod(self.site_shape) * np.result_type(rows, columns).itemsize
        step = max(1, min(_PAIRS, _CHUNK // each))
        chunks = [np.arange(start, min(start + step, pairs)) for start in range(0, pairs, step)]
        values = np.concatenate([self._at_pairs(partition, rows, columns, chunk) for chunk in chunks])
        return values.reshape(len(rows), len(columns))

    def _inputs(self, name: str, given: Array, sites: Sequence[int]) -> Array:
        array, shape = as_array(given, name), (len(sites), *self.site_shape)
        if array.shape[1:] != shape or array.dtype.kind not in "biufc" or not len(array):
            raise TensorRankError(
                f"{name} are of the shape {array.shape} and type {array.dtype}; expected numbers of shape (count, "
                f"{', '.join(map(str, shape))}): inputs at {len(sites)} sites"
            )
        return array

    def _at_pairs(self, partition: Bipartition, rows: Array, columns: Array, pairs: Array) -> Array:
        row, column = np.divmod(pairs, len(columns))
        inputs = np.empty((len(pairs), self.sites, *self.site_shape), dtype=np.result_type(rows, columns))
        inputs[:, partition.a] = rows[row]
        inputs[:, partition.b] = columns[column]
        return self._values((inputs,), (len(pairs),), "one for each input")

    def _values(self, arrays: tuple[Array, ...], shape: tuple[int, ...], meaning: str) -> Array:
        asked = " and ".join(str(array.shape) for array in arrays)
        try:
            given = called(self.function, arrays)
        except Exception as error:
            error.add_note(
                f"raised by the function given to NumericalModel, for inputs of shape {asked} (form={shown(self.form)}: "
                f"{'f(inputs) -> values' if self.form == 'inputs' else 'f(batch_a, batch_b) -> matrix'})"
            )
            raise
        try:
            values = np.asarray(given)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TensorRankError(
                f"the function gave a {type(given).__name__} that makes no array ({error}); expected values of shape "
                f"{shape}, {meaning}, in single or double precision"
            ) from error
        if len(shape) == 1 and values.shape == (*shape, 1):
            values = values[:, 0]
        if values.shape != shape:
            raise TensorRankError(
                f"the function gave values of shape {values.shape} for inputs of shape {asked}; expected {shape}, "
                f"{meaning}. If it gives several coordinates, choose one; the other calling form is "
                f"form={'inputs' if self.form == 'pairs' else 'pairs'!r}"
            )
        if values.dtype.kind not in "biufc" or values.dtype == np.float16:
            raise TensorRankError(
                f"the function gave values of type {values.dtype}; expected real or complex numbers in single or "
                "double precision (half precision resolves three digits, too few to read a rank)"
            )
        if values.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
            values = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
        return values


@takes(NumericalOptions)
def numerical_separation_rank(
    model: NumericalModel | NumericalArchitecture, partition: PartitionLike | None = None, **options: Unpack[NumericalOptions]
) -> SeparationRank:
    """The separation rank of a function as far as floating point can tell: standing "numerical", never exact.

    The rank is the number of singular values above a tolerance, of a matrix of values at random inputs of both sides,
    no two of them equal. The sample begins with 64 inputs a side (half of the most allowed, if that is less), and
    doubles. It ends when the rank is the same twice and at most half of the sample, or when it may not grow further. A
    rank that still grew with the last sample is called ambiguous, and so is one at a tolerance below rounding.

    Where the sampler offers only finitely many inputs, the sample ends with all that were found, and `reason` says so.

    Args:
        model: a `NumericalModel`, for a function of your own, or `SoftmaxAttention`.
        partition: the two sides: a `Bipartition`, "halves" (the default), "interleaved", or the sites of side A.
        rtol: the tolerance relative to the largest singular value. By default it is 0 if `atol` is given, and otherwise
            the sample times the machine epsilon of the values' precision. For a function that computes less precisely
            than its values are stored, give its precision.
        atol: the absolute tolerance; 0 by default.
        samples: the most inputs a side, which have to fit the memory; 512 by default, or as many as fit.
        weights: particular weights of `SoftmaxAttention`; random ones by default. A `NumericalModel` takes none.
        seed: a whole number, 0 by default, or a numpy Generator; the same seed gives the same inputs and weights.
        memory: bytes, or a text such as "4GiB", for the matrix and the inputs; by default 60 % of what is available.
        work: a limit on the operations, of which a processor makes about 10^9 a second: those of the singular values,
            and for `SoftmaxAttention` those of its values. It makes the sample smaller; none by default.
        threads: how many threads share the work; by default as many as there are processors.
        progress: called with the number of values computed, the number expected so far, and what is under way in words;
            nothing is told by default.

    Returns:
        A `SeparationRank` with the singular values in `spectrum`, whose gap, `ambiguous` and effective rank tell how
        far the value can be trusted.

    Raises:
        TensorRankError: for a model or partition of the wrong kind, unknown options, limits or tolerances that make no
            sense, samples that do not fit the memory, work that allows next to none, values of the wrong shape, values
            that are not finite, and a function that answers the same input in different ways.

    Source: grid matrix, Levine et al. (NeurIPS 2020, arXiv 2006.12467); numerical rank, Golub and Van Loan, Matrix
    Computations, section 5.4.

    >>> rank = numerical_separation_rank(NumericalModel(lambda x: x[:, 0] * x[:, 1] + x[:, 2], sites=3))
    >>> rank.value, rank.standing, rank.spectrum.ambiguous
    (2, 'numerical', False)
    """
    started = time.perf_counter()
    chosen = checked_options("numerical_separation_rank", options, NumericalOptions)
    asked, seed, weights = model, chosen["seed"], chosen["weights"]
    value_work = 0.0
    if isinstance(model, NumericalArchitecture):
        value_work = model.value_work()
        model = model.numerical_model(seed, weights=weights)
    elif not isinstance(model, NumericalModel):
        raise TensorRankError(
            f"the model is {shown(model)}; expected a NumericalModel(function, sites) or SoftmaxAttention. Architectures, "
            "networks and mixtures have a separation_rank, over finite fields"
        )
    elif weights is not None:
        raise TensorRankError(f"weights were given for {model}, whose function holds its own; expected None")
    split = checked_partition(model.sites, partition)
    allowed = SampleSize.allowed(
        chosen["samples"],
        numbers=model.sites * prod(model.site_shape),
        value_work=value_work,
        memory=chosen["memory"],
        work=chosen["work"],
        what=str(asked),
    )
    with worker_threads(chosen["threads"]):
        found, reason, size = _settled(model, split, allowed, chosen)
    return SeparationRank(
        value=found.value,
        lower=0,
        upper=None,
        standing="numerical",
        by_degree=None,
        method="grid",
        primes=(),
        seeds=() if isinstance(seed, np.random.Generator) else (int(seed),),
        samples=size,
        failure_probability=None,
        seconds=time.perf_counter() - started,
        reason=reason,
        spectrum=found,
        model=str(asked),
        partition=tuple(sorted(split.a)),
    )


def _settled(
    model: NumericalModel, partition: Bipartition, allowed: SampleSize, options: NumericalOptions
) -> tuple[NumericalRank, str, Size]:
    """The rank of a sample that grew until the rank settled, what the rank is worth in words, and the sample's size."""
    rtol, atol, most = options["rtol"], options["atol"], allowed.most
    rng = random_stream(options["seed"])
    progress = options["progress"] or silent
    sides = [DistinctInputs(partial(model.sample, side, rng=rng)) for side in (partition.a, partition.b)]
    count = min(_FIRST_SAMPLE, max(1, most // 2))
    rows, columns = (side.take(count) for side in sides)

    def report(done: int, total: int) -> None:
        progress(done, total, f"sample of {len(rows)} x {len(columns)}")

    matrix = model.grid(partition, rows, columns)
    _check_finite(matrix)
    _check_repeatable(model, partition, rows, columns, matrix)
    epsilon, step = float(np.finfo(matrix.dtype).eps), step_of(matrix.dtype)
    before: int | None = None
    while True:
        spectrum, errors = singular_values(matrix), max(matrix.shape)
        found = rank_of_spectrum(spectrum, epsilon, errors, step=step, rtol=rtol, atol=atol)
        # Whether all inputs of a side have been found is known only once more are asked for.
        following = min(2 * count, most)
        open_sides = [side for side in sides if not side.exhausted]
        settled = found.value == before and all(2 * found.value <= side.found for side in open_sides)
        if settled or count == most or not open_sides or _bounded(found, sides):
            report(matrix.size, matrix.size)
            break
        before = found.value
        report(matrix.size, following**2)
        more_rows, more_columns = (side.take(following - side.found) for side in sides)
        count = following
        for axis, block, total in _grown(model, partition, (rows, columns), (more_rows, more_columns)):
            epsilon, step = max(epsilon, float(np.finfo(block.dtype).eps)), max(step, step_of(block.dtype))
            matrix = np.concatenate([matrix, block], axis=axis)
            report(matrix.size, total)
        rows, columns = np.concatenate([rows, more_rows]), np.concatenate([columns, more_columns])
        _check_finite(matrix)
    grew = before is not None and found.value > before
    whole = all(side.exhausted for side in sides) or _bounded(found, sides)
    reason = _reason(found, sides, allowed.limit, grew=grew, whole=whole)
    if not whole and (found.value == min(matrix.shape) or grew):
        # A gap may belong to the sample alone. Only a rank that a sample twice as large repeats is believed.
        found = replace(found, ambiguous=True)
    return found, reason, (len(rows), len(columns))


def _grown(
    model: NumericalModel, partition: Bipartition, known: tuple[Array, Array], more: tuple[Array, Array]
) -> Iterator[tuple[int, Array, int]]:
    """The blocks that further inputs add to a matrix of values: to its right, then below, and the size in the end.

    A side whose inputs are exhausted adds none.
    """
    (rows, columns), (more_rows, more_columns) = known, more
    total = (len(rows) + len(more_rows)) * (len(columns) + len(more_columns))
    if len(more_columns):
        yield 1, model.grid(partition, rows, more_columns), total
    if len(more_rows):
        yield 0, model.grid(partition, more_rows, np.concatenate([columns, more_columns])), total


def _bounded(found: NumericalRank, sides: list[DistinctInputs]) -> bool:
    """True if the rank is as large as the number of all inputs of a side, so that no further ones can raise it."""
    return any(side.exhausted and found.value >= side.found for side in sides)


def _reason(found: NumericalRank, sides: list[DistinctInputs], limit: str, *, grew: bool, whole: bool) -> str:
    count = min(side.found for side in sides)
    if found.below_rounding and found.doubt is not None:
        return found.doubt
    if not whole and found.value == count:
        return f"the rank may be larger; more {limit} would tell"
    if found.ambiguous:
        return "no gap at the tolerance: another tolerance gives another rank"
    if whole:
        taken = [
            f"all {side.found} inputs found of side {name}" for name, side in zip("AB", sides, strict=True) if side.exhausted
        ]
        return f"{' and '.join(taken)} were used; floating point proves no rank"
    if grew:
        return f"the rank still grew with the sample; more {limit} would tell"
    if 2 * found.value > count:
        return f"more than half of a sample of {count} rows and columns; more {limit} would confirm it"
    return "a clear gap, but floating point proves no rank"


def _check_finite(matrix: Array) -> None:
    wrong = np.argwhere(~np.isfinite(matrix))
    if len(wrong):
        row, column = wrong[0]
        raise TensorRankError(
            f"the function gave {matrix[row, column]} at row {row}, column {column} of the sample, and {len(wrong)} of "
            f"{matrix.size} values are not finite; expected finite numbers. Keep the inputs where it is defined, with "
            "a sampler"
        )


def _check_repeatable(model: NumericalModel, partition: Bipartition, rows: Array, columns: Array, matrix: Array) -> None:
    """Refuse dropout, other noise, and batches whose inputs see each other: all of them would pass for rank."""
    again = model.grid(partition, rows[:_CORNER], columns[:_CORNER])
    before = matrix[:_CORNER, :_CORNER]
    # Batches of another size are rounded in another order.
    allowed = float(np.finfo(again.dtype).eps) ** 0.5 * float(np.abs(matrix).max())
    wrong = np.argwhere(np.abs(again - before) > allowed)
    if len(wrong):
        row, column = wrong[0]
        raise TensorRankError(
            f"the function gave {before[row, column]} and then, in a smaller batch, {again[row, column]} for the same "
            f"input (row {row}, column {column} of the sample); expected the same value. Turn off dropout and other "
            "randomness inside it, and whatever lets the inputs of a batch see each other"
        )

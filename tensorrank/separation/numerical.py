"""Numerical separation ranks, of what is known only by its values: any Python function, or a PyTorch module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Unpack

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.progress import Progress, reporting
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.arithmetic.spectrum import NumericalRank, rank_of_spectrum, singular_values, step_of
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import StandsForModels
from tensorrank.separation.distinct import MOST_LISTED, DistinctInputs, ListedInputs
from tensorrank.separation.numerical_model import NumericalArchitecture, NumericalModel
from tensorrank.separation.options import NumericalOptions, checked_options, takes
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.sample_sizes import SampleSize

Size = tuple[int, int]
Sides = Sequence[DistinctInputs | ListedInputs]

_FIRST_SAMPLE = 64
# The corner of the first sample that is asked for a second time.
_CORNER = 4


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
    Of a categorical model as many inputs as are allowed are used at once: all of a side, if there are no more.

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
        progress: True shows a line in a terminal or a notebook; a function is called with the number of values
            computed, the number expected so far, and what is under way in words. Nothing is told by default.

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
    seconds = stopwatch()
    chosen = checked_options("numerical_separation_rank", options, NumericalOptions)
    asked, seed, weights = model, chosen["seed"], chosen["weights"]
    value_work = 0.0
    if isinstance(model, NumericalArchitecture):
        value_work = model.value_work()
        model = model.numerical_model(seed, weights=weights)
    elif isinstance(model, StandsForModels):
        raise TensorRankError(f"the model is {shown(model)}; expected one of numbers: {model.way_round}")
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
    with worker_threads(chosen["threads"]), reporting(chosen["progress"]) as tell:
        found, reason, size = _settled(model, split, allowed, chosen, tell)
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
        seconds=seconds(),
        reason=reason,
        spectrum=found,
        model=str(asked),
        partition=tuple(sorted(split.a)),
    )


def _settled(
    model: NumericalModel, partition: Bipartition, allowed: SampleSize, options: NumericalOptions, progress: Progress
) -> tuple[NumericalRank, str, Size]:
    """The rank of a sample that grew until the rank settled, what the rank is worth in words, and the sample's size."""
    rtol, atol, most = options["rtol"], options["atol"], allowed.most
    rng = random_stream(options["seed"])
    sides = [_inputs(model, side, rng) for side in (partition.a, partition.b)]
    # Finitely many inputs are not generic: those left out may raise the rank, so as many as may be are used at once.
    count = most if model.categorical is not None else min(_FIRST_SAMPLE, max(1, most // 2))
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


def _inputs(model: NumericalModel, sites: Sequence[int], rng: np.random.Generator) -> DistinctInputs | ListedInputs:
    """The inputs of these sites, each once: listed in random order where they are few, otherwise random."""
    if isinstance(model.categorical, tuple):
        kinds = [model.categorical[site] for site in sites]
        if prod(kinds) <= MOST_LISTED:
            return ListedInputs(kinds, rng)
    return DistinctInputs(partial(model.sample, sites, rng=rng))


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


def _bounded(found: NumericalRank, sides: Sides) -> bool:
    """True if the rank is as large as the number of all inputs of a side, so that no further ones can raise it."""
    return any(side.exhausted and found.value >= side.found for side in sides)


def _reason(found: NumericalRank, sides: Sides, limit: str, *, grew: bool, whole: bool) -> str:
    count = min(side.found for side in sides)
    if found.below_rounding and found.doubt is not None:
        return found.doubt
    if not whole and found.value == count:
        return f"the rank may be larger; more {limit} would tell"
    if found.ambiguous:
        return "no gap at the tolerance: another tolerance gives another rank"
    if whole:
        taken = [
            f"all {side.found} inputs {'' if isinstance(side, ListedInputs) else 'found '}of side {name}"
            for name, side in zip("AB", sides, strict=True)
            if side.exhausted
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

"""What is known only by its values: functions of several sites, and architectures that floating point computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from math import prod
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import KnownByValues, Weights
from tensorrank.separation.called import called, held_by, token_kinds
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition

Form = Literal["inputs", "pairs"]
Sampler = Callable[[np.random.Generator, tuple[int, ...]], ArrayLike]

# Inputs are put together for so many pairs at a time, and not beyond so many bytes.
_PAIRS, _CHUNK = 2**14, 2**24
# The values of a site are 64-bit whole numbers.
MOST_VALUES = 2**62


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
        sampler: sampler(rng, shape) gives random inputs of that shape; inputs are standard normal by default.
        categorical: V, where the inputs are the whole numbers 0..V-1 instead, such as the ids of tokens; or a list with
            such a number for each site. If there are no more inputs of a side than the samples allowed, all are used.
            By default V is the number of tokens of the embedding in which a torch.nn.Module looks up its inputs, which
            it is called once to see, and None otherwise.

    Raises:
        TensorRankError: if the function cannot be called, sites, shape or form make no sense, or categorical comes with
            a sampler or a site_shape.

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
    categorical: int | Sequence[int] | None = None

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
        object.__setattr__(self, "categorical", self._categories())

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
        if isinstance(self.categorical, tuple):
            return rng.integers([self.categorical[site] for site in sites], size=shape)
        if self.sampler is None:
            return rng.standard_normal(shape)
        drawn = as_array(self.sampler(rng, shape), "what the sampler gave")
        if drawn.shape != shape or drawn.dtype.kind not in "biufc":
            raise TensorRankError(
                f"the sampler gave {drawn.dtype} values of shape {drawn.shape}; expected numbers of the shape asked "
                f"for, {shape} (count, sites of the side, *site_shape)"
            )
        return drawn

    def _categories(self) -> tuple[int, ...] | None:
        """The number of values of each site, checked; None for sites that are not categorical."""
        given: Any = self.categorical
        if given is None and self.sampler is None and not self.site_shape:
            half = self.sites // 2
            given = token_kinds(self.function, *((self.sites,) if self.form == "inputs" else (half, self.sites - half)))
        if given is None:
            return None
        if self.sampler is not None or self.site_shape:
            other = "a sampler" if self.sampler is not None else f"site_shape {self.site_shape}"
            raise TensorRankError(
                f"categorical is {shown(given)} with {other}; expected one of the two: categorical inputs are one whole "
                "number a site"
            )
        each = things(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,) * self.sites
        if each is None or len(each) != self.sites:
            raise TensorRankError(
                f"categorical is {shown(given)}; expected a whole number, or one for each of the {self.sites} sites"
            )
        return tuple(whole_number("a number of values in categorical", n, 1, MOST_VALUES) for n in each)

    def grid(self, partition: PartitionLike, rows: Array, columns: Array) -> Array:
        """The matrix of values at all pairs of a row (side A) and a column (side B), in the precision they come in.

        Raises:
            TensorRankError: if the function gives another shape than it should, no numbers, or half precision.
        """
        split = checked_partition(self.sites, partition)
        rows, columns = (self._inputs(*side) for side in (("rows", rows, split.a), ("columns", columns, split.b)))
        if self.form == "pairs":
            # Copies, so that a function that works in place spoils nothing.
            return self._values((rows.copy(), columns.copy()), (len(rows), len(columns)), "one for each pair")
        pairs = len(rows) * len(columns)
        each = self.sites * prod(self.site_shape) * np.result_type(rows, columns).itemsize
        step = max(1, min(_PAIRS, _CHUNK // each))
        chunks = [np.arange(start, min(start + step, pairs)) for start in range(0, pairs, step)]
        values = np.concatenate([self._at_pairs(split, rows, columns, chunk) for chunk in chunks])
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
                f"raised by the function given to NumericalModel, for {arrays[0].dtype} inputs of shape {asked} "
                f"(form={shown(self.form)}: "
                f"{'f(inputs) -> values' if self.form == 'inputs' else 'f(batch_a, batch_b) -> matrix'})"
            )
            raise
        try:
            values = as_array(given, "what the function gave")
        except (TypeError, ValueError, RuntimeError) as error:
            raise TensorRankError(
                f"the function gave a {type(given).__name__} that makes no array ({error}); expected values of shape "
                f"{shape}, {meaning}, in single or double precision{held_by(given)}"
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

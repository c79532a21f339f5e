"""Weights by name, for every architecture alike: drawn, checked, and mapped exactly to GF(p)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import named, shown
from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.heights import Height, height
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import WeightsError
from tensorrank.given_files.array_archives import array_of
from tensorrank.records import Record
from tensorrank.separation.architecture import Architecture, Weights
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.rounding import FloatMatrix, Shake, measured, rounding_in, sample_size

# For every name, the array's axes in words and its shape.
Shapes = Mapping[str, tuple[str, tuple[int, ...]]]


class WeightedArchitecture(Record, Architecture):
    """An architecture that plain arguments make, its fields, and whose weights are arrays with names."""

    @property
    @abstractmethod
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(math.prod(shape) for _, shape in self.shapes.values())

    def entries(self, weights: Weights | None = None) -> list[Array | str]:
        """The weights given, each after its name."""
        given = {} if weights is None else checked_weights(weights, self.shapes)
        return [repr(self), *(part for name in sorted(given) for part in (name, given[name]))]

    def in_floats(self, partition: Bipartition, weights: Weights | None, work: float, rank: int) -> FloatMatrix | None:
        """A sample of the values with the weights given, if some of them are floats."""
        if weights is None:
            return None
        arrays = checked_weights(weights, self.shapes)
        epsilon = rounding_in(arrays.values())
        if epsilon is None:
            return None
        count = sample_size(work, self.value_work(partition), rank)
        try:
            floats = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
        except OverflowError:
            return None  # a whole number or a fraction, of any size, among the floats

        def values(shake: Shake) -> Floats | None:
            with np.errstate(all="ignore"):  # values beyond floats say nothing, and are not looked at
                shaken = {name: shake(array) for name, array in floats.items()}
                return self.float_grid(shaken, partition, count, np.random.default_rng(0))

        return measured(values, epsilon, rank, whole=False)

    def float_grid(
        self, weights: dict[str, Floats], partition: Bipartition, count: int, rng: np.random.Generator
    ) -> Floats | None:
        """The values in floats at all pairs of `count` random inputs of side A (rows) and of side B (columns).

        A side that has fewer inputs is taken whole. By default there are no values in floats.
        """
        return None

    def identity(self) -> dict[str, Any]:
        """The arguments that make this architecture, as `to_dict` gives them."""
        return self.to_dict()


def refuse_large(shapes: Shapes) -> None:
    """Raise an error if weights of these shapes, of eight bytes each, do not fit into the memory available."""
    count = sum(math.prod(shape) for _, shape in shapes.values())
    refuse_beyond(memory_limit(None), 8 * count, "the weights of the architecture", "smaller sizes")


def checked_weights(weights: Mapping[str, ArrayLike], shapes: Shapes) -> dict[str, NDArray[Any]]:
    """Check the weights given (a dictionary, or what numpy.load gives), and return them as arrays."""
    if not isinstance(weights, Mapping):
        raise WeightsError(f"weights of type {type(weights).__name__} were given; expected a mapping of names to arrays")
    if set(weights) != set(shapes):
        modules = any(isinstance(name, str) and name.endswith("weight") for name in weights)
        hint = "; from_torch reads the weights of PyTorch's modules" if modules else ""
        raise WeightsError(f"weights named {named(weights)} were given; expected {', '.join(shapes)}{hint}")
    arrays = {}
    for name, (axes, expected) in shapes.items():
        if isinstance(weights, NpzFile):
            array = array_of(weights, name, expected, axes)
        else:
            array = as_given(weights[name], f"weights {shown(name)}")
        if array.shape != expected:
            raise WeightsError(f"weights {shown(name)} have shape {array.shape}; expected {expected} ({axes})")
        if array.dtype.kind not in "biufO":
            raise WeightsError(f"weights {shown(name)} are of type {array.dtype}; expected whole numbers, fractions or floats")
        endless = ~np.isfinite(array) if array.dtype.kind != "O" else np.vectorize(_is_endless, otypes=[bool])(array)
        if endless.any():
            where = tuple(int(i) for i in np.argwhere(endless)[0])
            raise WeightsError(f"weights {shown(name)} are {array[where]} at {where}; expected finite numbers")
        arrays[name] = array
    return arrays


def drawn_or_given(
    weights: Mapping[str, ArrayLike] | None, shapes: Shapes, field: PrimeField, rng: np.random.Generator
) -> dict[str, Residues]:
    """Draw uniform residues, or map the weights given exactly to GF(p), whose p must divide no denominator."""
    if weights is None:
        refuse_large(shapes)
        return {name: field.random(shape, rng) for name, (_, shape) in shapes.items()}
    return {name: field.image(array) for name, array in checked_weights(weights, shapes).items()}


def heights_of(weights: Mapping[str, ArrayLike] | None, shapes: Shapes) -> dict[str, Height]:
    """The heights of the weights given, by name; empty if none are given."""
    return {} if weights is None else {name: height(array) for name, array in checked_weights(weights, shapes).items()}


def _is_endless(entry: Any) -> bool:
    if isinstance(entry, Decimal):
        return not entry.is_finite()
    return isinstance(entry, float | np.floating) and not math.isfinite(entry)

"""Engines of a device: exact products of tiles as tensors of PyTorch, on 8-bit tensor cores or in float64.

- `DeviceBytes`: bytes with 32-bit sums (`torch._int_mm`), in one digit for primes up to 251 and in two up to 16253, by
  the formula in `byte_products`;
- `DeviceDoubles`: float64, any prime below 2^31, its left factors cut in two where the field splits.

Before its first product on a device an engine multiplies numbers whose product is known, extreme ones among them.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from math import isqrt
from typing import Any

import numpy as np

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.elimination.byte_products import TRIED, digit_scale, known_answers
from tensorrank.arithmetic.elimination.devices import HOST, Device
from tensorrank.arithmetic.elimination.engines import storage
from tensorrank.arithmetic.prime_field import FEWEST_TERMS, SPLIT_BIT, PrimeField
from tensorrank.arithmetic.primes import LARGEST_PRIME
from tensorrank.errors import TensorRankError

# A tensor of PyTorch, which need not be installed where types are checked.
Tensor = Any

# Float64 holds every whole number below this.
_EXACT = 2**53
# Sides of byte operands are multiples of this: the library of NVIDIA's devices refuses some others.
_MULTIPLE = 32


class DeviceEngine(ABC):
    """One way to multiply tiles over one field on a device.

    Attributes:
        name: the kind and the device, such as "bytes on cuda".
        device: where.
        prime: p.
        storage: the type of the residues in memory, on the host and on the device.
        split: the scale at which compiled loops in float64 cut residues; 0 if they need not.
        side: the most rows and columns of a tile.
        terms: the most terms of a product of tiles.
    """

    kind: str
    # Operands, products and what reducing takes stay below `devices.SCRATCH`.
    side: int
    most_terms: int

    def __init__(self, field: PrimeField, device: Device) -> None:
        self.name = f"{self.kind} on {device.name}"
        self.device, self.torch = device, device.torch
        self.prime, self.split = float(field.prime), field.constants[1]
        self.storage = storage(field.prime)
        self.terms = self.most_terms

    @abstractmethod
    def left(self, part: Tensor) -> list[Tensor]:
        """The operands of a tile on the left of products."""

    @abstractmethod
    def right(self, part: Tensor) -> list[Tensor]:
        """The operands of a tile on the right of products."""

    @abstractmethod
    def product(self, left: list[Tensor], right: list[Tensor]) -> Tensor:
        """The product of two tiles, by their operands, modulo p.

        It has whole numbers in a tensor of its own, with room for the sum with a residue, and may have more rows and
        columns than the tiles.
        """

    @abstractmethod
    def reduce(self, numbers: Tensor) -> None:
        """Replace such whole numbers by their balanced residues."""


class DeviceBytes(DeviceEngine):
    """Products of bytes with 32-bit sums, on 8-bit tensor cores where the device has them."""

    kind = "bytes"
    # Sums of 2^14 products within 2^14 stay below 2^28.
    side, most_terms = 8192, 2**14

    def __init__(self, field: PrimeField, device: Device) -> None:
        super().__init__(field, device)
        bound = bytes_exact_within(device)
        self._scale = digit_scale(field, bound)
        if self._scale > 1:
            s = self._scale
            self._weights = field.balanced([s * s - s, 1 - s, s]).astype(int).tolist()
            # Each operand has three digits, and a total stands beside the product.
            self.side, self.terms = self.side // 2, self.terms // 2

    def left(self, part: Tensor) -> list[Tensor]:
        """The residues or their digits, as bytes."""
        return [byte_operand(self.torch, digit) for digit in self._digits(part)]

    def right(self, part: Tensor) -> list[Tensor]:
        """The residues or their digits, as bytes, by columns."""
        return [byte_operand(self.torch, digit.t()) for digit in self._digits(part)]

    def product(self, left: list[Tensor], right: list[Tensor]) -> Tensor:
        """The product of the residues, or the weighted sum of those of their digits, each reduced: below 3 (p/2)^2."""
        if self._scale == 1:
            return byte_product(self.torch, left[0], right[0])
        total: Tensor = None
        for weight, one, other in zip(self._weights, left, right, strict=True):
            found = byte_product(self.torch, one, other)
            self.reduce(found)
            found *= weight
            total = found if total is None else total.add_(found)
        return total

    def reduce(self, numbers: Tensor) -> None:
        """Replace 32-bit whole numbers by their balanced residues."""
        prime = int(self.prime)
        half = prime // 2
        numbers.add_(half).remainder_(prime).sub_(half)

    def _digits(self, residues: Tensor) -> tuple[Tensor, ...]:
        if self._scale == 1:
            return (residues,)
        scale = self._scale
        high = self.torch.div(residues + scale // 2, scale, rounding_mode="floor")
        low = residues - high * scale
        return high, low, high + low


class DeviceDoubles(DeviceEngine):
    """Products in float64: sums of whole numbers stay below 2^53."""

    kind = "float64"
    side, most_terms = 4096, 2**12

    def __init__(self, field: PrimeField, device: Device) -> None:
        super().__init__(field, device)
        self.terms = min(field.terms, self.most_terms)

    def left(self, part: Tensor) -> list[Tensor]:
        """The residues as float64, in two digits if the field splits."""
        factors = part.to(self.torch.float64)
        if not self.split:
            return [factors]
        high = (factors / self.split).round_()
        return [high, factors.sub_(high, alpha=self.split)]

    def right(self, part: Tensor) -> list[Tensor]:
        """The residues as float64."""
        return [part.to(self.torch.float64)]

    def product(self, left: list[Tensor], right: list[Tensor]) -> Tensor:
        """The sum of products, whole or with the left factors cut in two."""
        total = left[0] @ right[0]
        if self.split:
            self.reduce(total)
            total *= self.split
            total += left[1] @ right[0]
        return total

    def reduce(self, numbers: Tensor) -> None:
        """Replace whole numbers in float64 by their balanced residues."""
        numbers.sub_((numbers / self.prime).round_(), alpha=self.prime)


def byte_operand(torch: Any, source: Tensor) -> Tensor:
    """Numbers that are bytes as an operand, with zeros in the rows and columns that it has more.

    It has memory of its own, since libraries take operands to begin at multiples of 256 bytes.
    """
    padded = [max(_MULTIPLE, -(-length // _MULTIPLE) * _MULTIPLE) for length in source.shape]
    room = torch.zeros(padded, dtype=torch.int8, device=source.device)
    room[: source.shape[0], : source.shape[1]] = source
    return room


def byte_product(torch: Any, left: Tensor, right: Tensor) -> Tensor:
    """The product of two operands with 32-bit sums, the right one given by columns, as tensor cores read it."""
    return torch._int_mm(left, right.t())


def device_engine(field: PrimeField, name: str, device: Device) -> DeviceEngine:
    """The engine of a name on a device, or for "auto" bytes where they serve the prime and are exact there.

    Raises:
        TensorRankError: if there is no such engine for devices, or it is not exact there, or not made for the prime.
    """
    refuse_engine(name, device.name)
    if name != "float64":
        bound = bytes_exact_within(device)
        if bound and digit_scale(field, bound):
            return DeviceBytes(field, device)
        if name == "bytes":
            why = (
                f"the modulus {field.prime} is too large for the engine 'bytes'"
                if bound
                else f"the engine 'bytes' does not multiply exactly on the device '{device.name}'"
            )
            raise TensorRankError(f"{why}; engine 'auto' takes one that serves, 'float64' serves every prime")
    if not _doubles_are_exact(device):
        raise TensorRankError(
            f"the device '{device.name}' does not multiply whole numbers in float64 exactly, as if its library made them up of "
            f"shorter numbers; try the device '{HOST}'"
        )
    return DeviceDoubles(field, device)


def refuse_engine(name: str, device: str) -> None:
    """Raise an error if devices, such as the one of this name, have no such engine."""
    if name == "float32":
        raise TensorRankError(
            f"the engine 'float32' multiplies on processors only; expected 'auto', 'bytes' or 'float64' with the device "
            f"'{device}', or the device '{HOST}'"
        )


@functools.cache
def bytes_exact_within(device: Device) -> int:
    """The bound within which a device multiplies bytes exactly: 127, or 0 if it does not, or has no such products."""
    torch = device.torch

    def multiplied(left: Array, right: Array) -> Array:
        one, other = (_moved(device, side.astype(np.int8)) for side in (left, right))
        found = byte_product(torch, byte_operand(torch, one), byte_operand(torch, other.t()))
        return _back(found[: len(left), : right.shape[1]])

    with device.alone():
        try:
            return 127 if known_answers(127, multiplied, _with(DeviceBytes.most_terms)) else 0
        except RuntimeError as error:  # the device or its library has no products of bytes
            if device.ran_out(error):
                raise
            return 0


@functools.cache
def _doubles_are_exact(device: Device) -> bool:
    def multiplied(left: Array, right: Array) -> Array:
        one, other = (_moved(device, side.astype(np.float64)) for side in (left, right))
        return _back(one @ other)

    def exact(left: int, right: int, terms: int) -> bool:
        return known_answers(left, multiplied, _with(terms), right)

    most, residue = DeviceDoubles.most_terms, LARGEST_PRIME // 2
    with device.alone():
        return (
            # The longest sums, and those of the largest residues that are multiplied whole; left factors cut in two.
            all(exact(isqrt(_EXACT // terms), isqrt(_EXACT // terms), terms) for terms in (most, FEWEST_TERMS))
            and all(exact(digit, residue, _EXACT // (digit * residue)) for digit in (2**SPLIT_BIT, 2 ** (SPLIT_BIT - 1)))
        )


def _with(terms: int) -> tuple[tuple[int, int, int], ...]:
    """The sides of products that are tried, none with more terms than these, and one with exactly as many."""
    return *(sides for sides in TRIED if sides[1] <= terms), (40, terms, 40)


def _moved(device: Device, array: Array) -> Tensor:
    return device.torch.from_numpy(array).to(device.place)


def _back(tensor: Tensor) -> Array:
    array: Array = tensor.cpu().numpy()
    return array

"""Numbers modulo a prime, many at once, for programs that are written for one number at a time."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Residues:
    """Whole numbers modulo a prime below 2^31, one for each of many points.

    Attributes:
        values: of shape (points,), from 0 to prime - 1.
        prime: the modulus.
    """

    values: np.ndarray
    prime: int

    def __add__(self, other: "Residues | int") -> "Residues":
        return Residues((self.values + self._image(other)) % self.prime, self.prime)

    def __mul__(self, other: "Residues | int") -> "Residues":
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy multiplies each entry
        return Residues(self.values * self._image(other) % self.prime, self.prime)

    __radd__, __rmul__ = __add__, __mul__

    def _image(self, other: "Residues | int") -> np.ndarray | int:
        return other.values if isinstance(other, Residues) else int(other) % self.prime


def residues(values: np.ndarray, prime: int) -> np.ndarray:
    """An array with the last axes of another, whose entries hold what the first axis has, modulo a prime."""
    array = np.empty(values.shape[1:], dtype=object)
    for place in np.ndindex(array.shape):
        array[place] = Residues(values[(slice(None), *place)] % prime, prime)
    return array

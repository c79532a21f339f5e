"""Distinct inputs: an input that has been taken is not taken again.

Two equal inputs make two equal rows, which lower the rank of a sample below full for a reason that has nothing to do
with the function. So random inputs are asked for until enough of them differ. Where a sampler offers only finitely many
inputs, no new ones come after a while; the inputs found so far are then all there are. Categorical inputs are known
beforehand, and are listed where they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import prod

import numpy as np

from tensorrank.arithmetic.arrays import Array

# After so many inputs without a new one, and after so many times the number of those known, no more are expected. An
# input as probable as the average one is then missed with probability exp(-8).
_PATIENCE, _PATIENCE_PER_INPUT = 64, 8
# Inputs of a side that are listed in random order, if there are finitely many.
MOST_LISTED = 2**22
# The share of the binary digits of floating-point inputs that are compared: those that agree there differ by rounding.
_COMPARED = 0.75


class DistinctInputs:
    """Takes random inputs of one side, each of them once.

    Floating-point inputs that agree to three quarters of their digits (12 decimal ones in double precision) count as
    equal: their rows would differ by rounding only.

    Attributes:
        found: how many have been taken.
        exhausted: True once no new inputs come, so that all have been taken.

    >>> rng = np.random.default_rng(0)
    >>> dice = DistinctInputs(lambda count: rng.integers(1, 7, (count, 1)))
    >>> len(dice.take(4)), len(dice.take(4)), dice.exhausted
    (4, 2, True)
    """

    def __init__(self, sample: Callable[[int], Array]) -> None:
        self._sample = sample
        self._seen: set[bytes] = set()
        self.exhausted = False

    @property
    def found(self) -> int:
        """The number of inputs taken so far."""
        return len(self._seen)

    def take(self, count: int) -> Array:
        """Take so many further inputs; fewer if no new ones come, and at first at least one."""
        taken = self._new(self._sample(count))
        missing, in_vain = count - len(taken), 0
        batches = [taken]
        while missing and not self.exhausted:
            more = self._new(self._sample(missing))
            in_vain = 0 if len(more) else in_vain + missing
            batches.append(more)
            missing -= len(more)
            self.exhausted = in_vain >= max(_PATIENCE, _PATIENCE_PER_INPUT * self.found)
        return taken if len(batches) == 1 else np.concatenate(batches)

    def _new(self, inputs: Array) -> Array:
        """The inputs that have not been taken before, in their order."""
        kept = []
        for number, one in enumerate(inputs):
            digest = blake2b(_coarse(one).tobytes(), digest_size=16).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                kept.append(number)
        return inputs if len(kept) == len(inputs) else inputs[kept]


class ListedInputs:
    """Takes the inputs of sites of so many values each, in random order, each of them once.

    Attributes:
        found: how many have been taken.

    >>> two_bits = ListedInputs([2, 2], np.random.default_rng(0))
    >>> sorted(two_bits.take(3).tolist() + two_bits.take(3).tolist()), two_bits.exhausted
    ([[0, 0], [0, 1], [1, 0], [1, 1]], True)
    """

    def __init__(self, kinds: Sequence[int], rng: np.random.Generator) -> None:
        self._kinds, self._order = tuple(kinds), rng.permutation(prod(kinds))
        self.found = 0

    @property
    def exhausted(self) -> bool:
        """True once all inputs have been taken."""
        return self.found == len(self._order)

    def take(self, count: int) -> Array:
        """Take so many further inputs, or all that are left: whole numbers of shape (count, sites)."""
        numbers = self._order[self.found : self.found + count]
        self.found += len(numbers)
        return np.stack(np.unravel_index(numbers, self._kinds), axis=1)


def _coarse(inputs: Array) -> Array:
    """The inputs, floating-point ones rounded to three quarters of their digits; 0 for -0."""
    if inputs.dtype.kind not in "fc":
        return inputs
    if inputs.dtype.kind == "c":
        return np.stack([_coarse(inputs.real), _coarse(inputs.imag)], axis=-1)
    mantissas, exponents = np.frexp(inputs.astype(np.float64, copy=False))
    kept = int(_COMPARED * np.finfo(inputs.dtype).nmant)
    coarse: Array = np.ldexp(np.rint(np.ldexp(mantissas, kept)), exponents - kept) + 0.0
    return coarse

"""How large a number a difference between two models can be: few primes divide it, so a random one hardly ever does.

The density of a circuit is a polynomial in the values of its components. Each of its coefficients is a sum of products
of entries, one entry from each of some tables. A common denominator of all coefficients is thus a product of the
denominators of the tables, each taken as often as one such product can take an entry of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from tensorrank.arithmetic.heights import bits, height
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, operands
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tables import Table, holds_fractions

# Denominators of so many bits together are united to their least common multiple; of larger ones the product will do.
_UNITED = 2**14


@dataclass(frozen=True)
class DifferenceHeight:
    """Bounds for two models that are different.

    Attributes:
        bits: log2 of a bound on the numerator of any coefficient of their difference. If one is not zero, at most
            bits / 30 primes above 2^30 divide it.
        excluded: log2 of a bound on the part of the denominators that is no power of 2; at most excluded / 30 primes
            above 2^30 divide a denominator.
    """

    bits: float
    excluded: float


def difference_height(source: Mixture, target: Mixture) -> DifferenceHeight:
    """The height of the difference of two models, from the sizes of their entries.

    A coefficient of a model is a number between 0 and its total mass. So a difference of coefficients is at most the
    larger mass, and its numerator at most that mass times a common denominator of both models.

    >>> from tensorrank.mixtures.latent_class import LatentClass
    >>> one, other = (LatentClass([1], [[[p, 1 - p]]]) for p in (0.25, 0.125))
    >>> 3 <= difference_height(one, other).bits < 5
    True
    """
    found = [_Denominator.of(model.circuit, model.sites) for model in (source, target)]
    odd = sum(max(one.odd[key] for one in found) * size for key, size in {**found[0].sizes, **found[1].sizes}.items())
    mass = max(_mass_bits(model) for model in (source, target))
    return DifferenceHeight(mass + max(one.twos for one in found) + odd, odd)


@dataclass(frozen=True)
class _Denominator:
    """A common denominator of a model's coefficients: 2^twos times a product of other numbers.

    Attributes:
        twos: the exponent of 2 that tables of floats contribute.
        odd: how often each other number is a factor.
        sizes: log2 of a bound on each of these numbers.
    """

    twos: float
    odd: Counter[Hashable]
    sizes: dict[Hashable, float]

    @classmethod
    def of(cls, circuit: Circuit, sites: int) -> _Denominator:
        twos, odd, sizes = 0.0, Counter[Hashable](), dict[Hashable, float]()
        known: dict[int, tuple[Hashable, float]] = {}
        for table, times in zip(_tables(circuit), _most_uses(circuit, sites), strict=True):
            if table is None:
                continue
            if id(table) not in known:
                known[id(table)] = _common_denominator(table) if holds_fractions(table) else (None, height(table).denominator)
            key, size = known[id(table)]
            if key is None:
                twos += times * size
            else:
                odd[key] += times
                sizes[key] = size
        return cls(twos, odd, sizes)


def _tables(circuit: Circuit) -> list[Table | None]:
    return [None if isinstance(block, Products) else block.table for block in circuit.blocks]


def _common_denominator(table: Table) -> tuple[Hashable, float]:
    """A common denominator of fractions, or, where it would be long, the numbers of which it is the product."""
    different = {entry.denominator for entry in table.flat}
    sizes = [bits(number) for number in different]
    if sum(sizes) <= _UNITED:
        common = math.lcm(*different)
        return common, bits(common)
    return frozenset(different), sum(sizes)


def _most_uses(circuit: Circuit, sites: int) -> list[int]:
    """The most entries of each block's table that one product of entries takes.

    Such a product has one leaf of each variable, since a density is linear in each, so it takes one slot only of those
    that all have a certain variable. Slots of one block lie beside each other, never one below another, so without such
    a variable it takes at most as many as there are slots, or variables.
    """
    owned: list[int] = []  # for each slot the variables that all its products have, as bits
    found = []
    for block in circuit.blocks:
        if isinstance(block, Leaves):
            common = 1 << block.site
            owned += [common] * block.size
        elif isinstance(block, Products):
            columns = [[owned[slot] for slot in column] for column in operands(block)]
            united: dict[tuple[int, ...], int] = {}
            rows = [united.setdefault(row, reduce(or_, row)) for row in zip(*columns, strict=True)]
            common = reduce(and_, set(rows))
            owned += rows
        else:
            common = reduce(and_, {owned[slot] for slot in block.terms})
            owned += [common] * block.size
        found.append(1 if common else min(block.size, sites))
    return found


def _mass_bits(model: Mixture) -> float:
    """log2 of a bound on the total mass, which is 1 but for rounding."""
    return max(0.0, math.log2(model.marginal([]))) + 1

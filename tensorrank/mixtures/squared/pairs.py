"""Tables of pairs of states: the squared tree as a tree again, linear in its tables, without rounding.

The sum over s and t of f_s * f_t * M[s, t], with M symmetric, is a sum over the r (r + 1) / 2 pairs s <= t. So where a
hidden variable of r states has amplitudes, it has so many pairs in the squared tree; where it is summed after squaring,
only the r pairs of equal states are left. No cut of the squared tree has a larger rank than it has pairs.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.mixtures.tables import Table, holds_fractions


class Pairs(NamedTuple):
    """The pairs of states that matter of a node: (first[i], second[i]).

    Attributes:
        first: the smaller state of each pair.
        second: the larger one.
    """

    first: Integers
    second: Integers

    @classmethod
    def of(cls, states: int, *, equal: bool) -> Pairs:
        """All pairs of states without regard to order, or only those of equal states.

        >>> Pairs.of(2, equal=False)
        Pairs(first=array([0, 0, 1]), second=array([0, 1, 1]))
        """
        if equal:
            return cls(np.arange(states), np.arange(states))
        return cls(*np.triu_indices(states))


def pairs_count(states: int, *, equal: bool) -> int:
    """The number of pairs of so many states."""
    return states if equal else states * (states + 1) // 2


def pair_table(table: Table, parent: Pairs, child: Pairs) -> Table:
    """The table of amplitudes squared: entries for each pair of the parent's states and each of the child's, exact.

    >>> pair_table(np.array([[Fraction(2), Fraction(-3)]]), Pairs.of(1, equal=True), Pairs.of(2, equal=False))
    array([[Fraction(4, 1), Fraction(-12, 1), Fraction(9, 1)]], dtype=object)
    """
    exact = as_fractions(table)
    one, other = exact[parent.first], exact[parent.second]
    straight = one[:, child.first] * other[:, child.second]
    crossed = one[:, child.second] * other[:, child.first]
    return np.asarray(straight + crossed * (child.first != child.second).astype(object))


def as_fractions(table: Table) -> Table:
    """The entries as Fractions: floats are the fractions that they store."""
    if holds_fractions(table):
        return table
    found = np.empty(table.shape, dtype=object)
    found.reshape(-1)[:] = [Fraction(entry) for entry in table.flat]
    return found

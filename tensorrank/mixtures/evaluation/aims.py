"""Aims: in each row one entry of a circuit's tables that is made to outweigh all else.

An entry that is hardly ever used, because a hidden state is rare, hardly changes a density. To find out where it does,
one compares the density with another in which this entry is multiplied by a huge number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers

# The logarithm by which an entry is enlarged: more than any density falls short of its largest, and few enough digits
# of a float.
LOG_ENLARGED = 1e4


@dataclass(frozen=True, eq=False)
class Aims:
    """An entry for each row: table[slot, entry] of a block of leaves or sums, times 1 + exp(LOG_ENLARGED).

    Attributes:
        blocks: the number of the block, of shape (rows,).
        slots: the row of its table.
        entries: the column of its table.
    """

    blocks: Integers
    slots: Integers
    entries: Integers

    def rows(self, rows: Integers) -> Aims:
        """The aims of some of the rows."""
        return Aims(self.blocks[rows], self.slots[rows], self.entries[rows])

    def enlarge_values(self, block: int, table: Floats, operand: Floats, values: Floats) -> None:
        """Add what the entries of a block gain to the logarithms of its slots, (slots, rows).

        Args:
            block: the number of the block.
            table: its table.
            operand: the logarithms of what the table is multiplied with, (entries, rows).
            values: the logarithms of its slots, changed in place.
        """
        (here,) = np.nonzero(self.blocks == block)
        slots, entries = self.slots[here], self.entries[here]
        gained = operand[entries, here] + np.log(table[slots, entries]) + LOG_ENLARGED
        values[slots, here] = np.logaddexp(values[slots, here], gained)

    def enlarge_derivatives(self, block: int, table: Floats, derivatives: Floats, numbers: Integers, found: Floats) -> None:
        """Add what the entries of a block gain to the logarithms of the derivatives by what it takes.

        Args:
            block: the number of the block.
            table: its table.
            derivatives: the logarithms of the derivatives by its slots, (slots, rows).
            numbers: for each column of the table the row of `found` that it belongs to.
            found: the logarithms of the derivatives by what it takes, changed in place.
        """
        (here,) = np.nonzero(self.blocks == block)
        slots, entries = self.slots[here], self.entries[here]
        gained = derivatives[slots, here] + np.log(table[slots, entries]) + LOG_ENLARGED
        places = numbers[entries]
        found[places, here] = np.logaddexp(found[places, here], gained)

"""Blocks of slots as compiled code keeps them: mostly with exponents in common, else with one for each slot.

Densities of many variables are too small for floats, and logarithms of every slot are slow. So slots are extended
floats. The slots of a block mostly share their exponents: the block is then *even*, sums are products of matrices
of plain floats, and nothing is lost. Bounds on the mantissas of an even block, which follow from those of tables, tell
when it has to be rescaled. Where slots of a lane are too far apart, each has an exponent of its own.

All numbers are in one array, (numbers, lanes), since compiled functions take few arrays far faster than many; there are
as many lanes as rows that are taken at once. Its first rows are the mantissas of the slots, and of the densities of a
variable's components, which are slots of a block more. `places` says where other things begin.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled
from tensorrank.mixtures.evaluation.extended_floats import scaled, settled
from tensorrank.mixtures.evaluation.plan import LEAST, MOST, PLAIN, REACH

# What `places` says: where the densities of components are among the slots; where the exponents of all slots begin;
# where room begins for the exponents of aligned terms, for the largest and for the smallest slots of a block, for
# aligned terms, for shares of terms, and for ratios of sums.
DENSITIES, EXPONENTS, TOP, LARGEST, SMALLEST, ALIGNED, SHARES, RATIOS = range(8)
# The columns of `bounds` are LEAST and MOST, of the binary logarithms of a block's mantissas but 0, as of tables, and
# whether it is even.
EVEN = PLAIN
# Products whose binary logarithms are within this of 0 are normal floats.
NORMAL = 1000.0
# Slots of a lane are too far apart to be even if one is so many binary digits smaller than the largest.
WIDE = 900.0
LEAST_SHARE = 2.0**-WIDE
# Terms smaller than the largest by so many binary digits are left out at first.
FAR = 300.0
# Sums of smaller binary logarithms, beside terms of which the largest is 1, may lack terms that were left out.
FAINT = -240.0
FAINT_SUM = 2.0**FAINT

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(within_callers=True)
def copy_row(one, other):  # type: ignore[no-untyped-def]
    """Write a row to another."""
    for lane in range(len(one)):
        other[lane] = one[lane]


@compiled(within_callers=True)
def set_apart(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Give each slot of an even block an exponent of its own, and settle it."""
    bounds[block, EVEN], bounds[block, LEAST], bounds[block, MOST] = 0.0, -1.0, 0.0
    for slot in range(start + size - 1, start - 1, -1):
        rows[slot] = places[EXPONENTS] + slot
        value, power, shift = values[slot], values[rows[slot]], values[places[EXPONENTS] + start]
        for lane in range(len(value)):
            value[lane], power[lane] = settled(value[lane], shift[lane])


@compiled()
def rescale(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Make the largest slot of each lane of an even block at least 1/2 and below 1, or give up that it is even."""
    shift, largest, smallest = values[places[EXPONENTS] + start], values[places[LARGEST]], values[places[SMALLEST]]
    largest[:] = 0.0
    smallest[:] = np.inf
    for slot in range(start, start + size):
        value = values[slot]
        for lane in range(len(shift)):
            largest[lane] = value[lane] if value[lane] > largest[lane] else largest[lane]
        for lane in range(len(shift)):
            positive = value[lane] if value[lane] > 0.0 else np.inf
            smallest[lane] = positive if positive < smallest[lane] else smallest[lane]
    least = 1.0
    for lane in range(len(shift)):
        if largest[lane] > 0.0:
            least = min(least, smallest[lane] / largest[lane])
    if least < LEAST_SHARE:
        set_apart(block, start, size, values, rows, bounds, places)
        return
    bounds[block, LEAST], bounds[block, MOST] = np.log2(least) - 1.0, 0.0
    for lane in range(len(shift)):
        _, power = settled(largest[lane], 0.0)
        shift[lane] += power
        # A factor beyond the floats comes in two parts.
        largest[lane], smallest[lane] = scaled(1.0, -power // 2), scaled(1.0, -power - (-power // 2))
    for slot in range(start, start + size):
        value = values[slot]
        for lane in range(len(shift)):
            value[lane] = value[lane] * largest[lane] * smallest[lane]


@compiled(within_callers=True)
def begin(block, start, size, least, most, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Mark a block as even, with these bounds; its exponents are those of the first slot."""
    bounds[block, EVEN], bounds[block, LEAST], bounds[block, MOST] = 1.0, least, most
    for slot in range(start, start + size):
        rows[slot] = places[EXPONENTS] + start


@compiled(within_callers=True)
def end(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Rescale an even block whose mantissas might be too large or too small."""
    if bounds[block, LEAST] < -WIDE or bounds[block, MOST] > REACH:
        rescale(block, start, size, values, rows, bounds, places)


@compiled()
def bounded(slots, values, rows, bounds, owners):  # type: ignore[no-untyped-def]
    """Whether slots of several blocks share their exponents, and bounds of the binary logarithms of their mantissas."""
    least, most, apart = 0.0, 0.0, 0
    first = values[rows[slots[0]]]
    for t in range(len(slots)):
        power = values[rows[slots[t]]]
        least, most = min(least, bounds[owners[slots[t]], LEAST]), max(most, bounds[owners[slots[t]], MOST])
        for lane in range(len(first)):
            apart += power[lane] != first[lane]
    return apart == 0, least, most


@compiled()
def align_apart(slots, apart, values, rows, places):  # type: ignore[no-untyped-def]
    """Write slots of different exponents beside the largest slot of each lane; say whether some were left out.

    The slots are settled if they are `apart`, slots of a block that is not even.
    """
    lacking, top = 0, values[places[TOP]]
    top[:] = -np.inf
    for t in range(len(slots)):
        value, power = values[slots[t]], values[rows[slots[t]]]
        for lane in range(len(top)):
            exponent = power[lane] if apart else settled(value[lane], power[lane])[1]
            if value[lane] > 0.0 and exponent > top[lane]:
                top[lane] = exponent
    for lane in range(len(top)):
        top[lane] = top[lane] if top[lane] > -np.inf else 0.0
    for t in range(len(slots)):
        value, power, out = values[slots[t]], values[rows[slots[t]]], values[places[ALIGNED] + t]
        for lane in range(len(top)):
            below = power[lane] - top[lane] if apart else settled(value[lane], power[lane])[1] - top[lane]
            out[lane] = scaled(value[lane], power[lane] - top[lane]) if below > -FAR else 0.0
            lacking += (below <= -FAR) & (value[lane] > 0.0)
    return lacking > 0


@compiled(within_callers=True)
def align(slots, source, values, rows, bounds, owners, places):  # type: ignore[no-untyped-def]
    """Write some slots as plain floats with common exponents, to the rows ALIGNED and TOP.

    The slots are all of the block `source`, if this is not negative.

    Returns:
        Lower and upper bounds of their binary logarithms, and whether terms that are too small were left out.
    """
    same = source >= 0 and bounds[source, EVEN] == 1.0
    if same:
        least, most = bounds[source, LEAST], bounds[source, MOST]
    else:
        same, least, most = bounded(slots, values, rows, bounds, owners)
    if not same:
        return -FAR, 0.0, align_apart(slots, source >= 0, values, rows, places)
    copy_row(values[rows[slots[0]]], values[places[TOP]])
    for t in range(len(slots)):
        copy_row(values[slots[t]], values[places[ALIGNED] + t])
    return least, most, False

"""The compiled pass from the leaves up: the values of all slots, for as many rows at once as there are lanes.

Densities of many variables are too small for floats, and logarithms of every slot are slow. So slots are extended
floats. The slots of a block mostly share their exponents: the block is then *even*, sums are products of matrices
of plain floats, and nothing is lost. Bounds on the mantissas of an even block, which follow from those of tables, tell
when it has to be rescaled. Where slots of a lane are too far apart, each has an exponent of its own, and sums that
might lack something are done again term by term.

All numbers are in one array, (numbers, lanes), since compiled functions take few arrays far faster than many. Its first
rows are the mantissas of the slots, and of the densities of a variable's components, which are slots of a block more.
`places` says where other things begin.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled
from tensorrank.mixtures.evaluation.extended_floats import from_log, scaled, settled, times
from tensorrank.mixtures.evaluation.plan import (
    ACROSS,
    DOWN,
    IDENTITY,
    KIND,
    LEAST,
    LEAVES,
    MOST,
    PLAIN,
    PRODUCTS,
    REACH,
    RUN,
    SITE,
    SIZE,
    START,
    TABLE,
    TAKEN,
    WIDTH,
)

# What `places` says: where the densities of components are among the slots; where the exponents of all slots begin;
# where room begins for the exponents of aligned terms, for the largest and for the smallest slots of a block, for
# aligned terms, for shares of terms, and for ratios of sums.
DENSITIES, EXPONENTS, TOP, LARGEST, SMALLEST, ALIGNED, SHARES, RATIOS = range(8)
# The columns of `bounds`, of each block: bounds of the binary logarithms of its mantissas but 0, as of tables, and
EVEN = PLAIN
# Products whose binary logarithms are within this of 0 are normal floats.
_NORMAL = 1000.0
# Slots of a lane are too far apart to be even if one is smaller than this share of the largest.
_NEAR = 2.0**-270
# Terms smaller than the largest by so many binary digits are left out at first.
_FAR = 300.0
# Sums of smaller binary logarithms, beside terms of which the largest is 1, may lack terms that were left out.
FAINT = -240.0

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(within_callers=True)
def _copy(one, other):  # type: ignore[no-untyped-def]
    """Write a row to another."""
    for lane in range(len(one)):
        other[lane] = one[lane]


@compiled(within_callers=True)
def _apart(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Give each slot of an even block an exponent of its own, and settle it."""
    bounds[block, EVEN], bounds[block, LEAST], bounds[block, MOST] = 0.0, -1.0, 0.0
    for slot in range(start + size - 1, start - 1, -1):
        rows[slot] = places[EXPONENTS] + slot
        value, power, shift = values[slot], values[rows[slot]], values[places[EXPONENTS] + start]
        for lane in range(len(value)):
            value[lane], power[lane] = settled(value[lane], shift[lane])


@compiled()
def _rescale(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
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
    if least < _NEAR:
        _apart(block, start, size, values, rows, bounds, places)
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
def _begin(block, start, size, least, most, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Mark a block as even, with these bounds; its exponents are those of the first slot."""
    bounds[block, EVEN], bounds[block, LEAST], bounds[block, MOST] = 1.0, least, most
    for slot in range(start, start + size):
        rows[slot] = places[EXPONENTS] + start


@compiled(within_callers=True)
def _end(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Rescale an even block whose mantissas might be too large or too small."""
    if bounds[block, LEAST] < -REACH or bounds[block, MOST] > REACH:
        _rescale(block, start, size, values, rows, bounds, places)


@compiled()
def _bounded(slots, values, rows, bounds, owners):  # type: ignore[no-untyped-def]
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
def _align_apart(slots, values, rows, places):  # type: ignore[no-untyped-def]
    """Write slots of different exponents beside the largest slot of each lane; say whether some were left out."""
    lacking = 0
    for lane in range(values.shape[1]):
        top = -np.inf
        for t in range(len(slots)):
            value, power = settled(values[slots[t], lane], values[rows[slots[t]], lane])
            if value > 0.0:
                top = max(top, power)
        values[places[TOP], lane] = top if top > -np.inf else 0.0
        for t in range(len(slots)):
            value, power = settled(values[slots[t], lane], values[rows[slots[t]], lane])
            power -= values[places[TOP], lane]
            values[places[ALIGNED] + t, lane] = scaled(value, power) if power > -_FAR else 0.0
            lacking += (power <= -_FAR) & (value > 0.0)
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
        same, least, most = _bounded(slots, values, rows, bounds, owners)
    if not same:
        return -_FAR, 0.0, _align_apart(slots, values, rows, places)
    _copy(values[rows[slots[0]]], values[places[TOP]])
    for t in range(len(slots)):
        _copy(values[slots[t]], values[places[ALIGNED] + t])
    return least, most, False


@compiled()
def _one_sum(row, slots, lane, largest, values, rows):  # type: ignore[no-untyped-def]
    """One sum, or the largest of its terms, with care for weights and terms of any size."""
    top = -np.inf
    for t in range(len(slots)):
        if row[t] > 0.0 and values[slots[t], lane] > 0.0:
            _, power = times(row[t], values[slots[t], lane], values[rows[slots[t]], lane])
            top = max(top, power)
    total = 0.0
    for t in range(len(slots)):
        if row[t] > 0.0 and values[slots[t], lane] > 0.0:
            value, power = times(row[t], values[slots[t], lane], values[rows[slots[t]], lane])
            value = scaled(value, power - top)
            total = max(total, value) if largest else total + value
    return settled(total, top) if total > 0.0 else (0.0, 0.0)


@compiled()
def _careful_sums(table, slots, plain, largest, block, start, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Do sums again, term by term, that may lack something; all sums of a table that is not plain."""
    _apart(block, start, len(table), values, rows, bounds, places)
    for s in range(len(table)):
        slot = start + s
        for lane in range(values.shape[1]):
            small = values[rows[slot], lane] - values[places[TOP], lane] < FAINT
            if not plain or small or values[slot, lane] == 0.0:
                values[slot, lane], values[rows[slot], lane] = _one_sum(table[s], slots, lane, largest, values, rows)


@compiled(within_callers=True)
def _largest_terms(table, terms, out):  # type: ignore[no-untyped-def]
    """Write the largest products of entries of each row of the table and terms; a product of matrices has sums."""
    for s in range(len(table)):
        found = out[s]
        found[:] = 0.0
        for t in range(table.shape[1]):
            weight, term = table[s, t], terms[t]
            if weight > 0.0:
                for lane in range(len(found)):
                    product = weight * term[lane]
                    found[lane] = product if product > found[lane] else found[lane]


@compiled(within_callers=True)
def _sums(  # type: ignore[no-untyped-def]
    block, numbers, slots, source, neighbours, largest, entries, limits, values, rows, bounds, owners, places
):
    """Write a block of sums, or of the largest terms of each: a table times some slots.

    The slots are all of the block `source`, if this is not negative.
    """
    start, size, width = numbers[START], numbers[SIZE], len(slots)
    table = entries[numbers[DOWN] : numbers[DOWN] + size * width].reshape(size, width)
    plain, lacking, shift, first = limits[PLAIN] == 1.0, False, rows[slots[0]], places[ALIGNED]
    if neighbours and source >= 0 and bounds[source, EVEN] == 1.0:
        least, most, first = bounds[source, LEAST], bounds[source, MOST], slots[0]
    else:
        least, most, lacking = align(slots, source, values, rows, bounds, owners, places)
        shift = places[TOP]
    given, out = values[first : first + width], values[start : start + size]
    _copy(values[shift], values[places[EXPONENTS] + start])
    _begin(block, start, size, least + limits[LEAST], most + limits[MOST], rows, bounds, places)
    if largest:
        _largest_terms(table, given, out)
    else:
        np.dot(table, given, out)
    if plain and not lacking:
        _end(block, start, size, values, rows, bounds, places)
    else:
        _careful_sums(table, slots, plain, largest, block, start, values, rows, bounds, places)


@compiled(within_callers=True)
def _products(block, numbers, taken, runs, values, rows, bounds, owners, places):  # type: ignore[no-untyped-def]
    """Write a block of products: as plain floats as far as these reach, where factors share their exponents."""
    start, size, shift = numbers[START], numbers[SIZE], places[EXPONENTS] + numbers[START]
    _begin(block, start, size, 0.0, 0.0, rows, bounds, places)
    values[shift] = 0.0
    for factor in range(numbers[WIDTH]):
        place, source = numbers[TAKEN] + factor * size, runs[numbers[RUN] + factor, 0]
        slots = taken[place : place + size]
        same = source >= 0 and bounds[source, EVEN] == 1.0
        if same:
            least, most = bounds[source, LEAST], bounds[source, MOST]
        else:
            same, least, most = _bounded(slots, values, rows, bounds, owners)
        if bounds[block, LEAST] + least < -_NORMAL or bounds[block, MOST] + most > _NORMAL:
            _rescale(block, start, size, values, rows, bounds, places)
        if factor == 0:
            for s in range(size):
                if same:
                    _copy(values[slots[s]], values[start + s])
                else:
                    values[start + s] = 1.0
        if bounds[block, EVEN] == 1.0 and not same:
            _apart(block, start, size, values, rows, bounds, places)
        if factor > 0 or not same:
            for s in range(size):
                value, more = values[start + s], values[slots[s]]
                for lane in range(len(value)):
                    value[lane] *= more[lane]
        if bounds[block, EVEN] == 1.0:
            power, more = values[shift], values[rows[slots[0]]]
            for lane in range(len(power)):
                power[lane] += more[lane]
            bounds[block, LEAST] += least
            bounds[block, MOST] += most
            continue
        for s in range(size):
            value, power, more = values[start + s], values[rows[start + s]], values[rows[slots[s]]]
            for lane in range(len(power)):
                value[lane], power[lane] = settled(value[lane], power[lane] + more[lane])
    if bounds[block, EVEN] == 1.0:
        _end(block, start, size, values, rows, bounds, places)


@compiled(within_callers=True)
def _looked_up(block, numbers, columns, entries, limits, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Write leaves of a categorical variable: in each lane a column of the table."""
    start, size, across = numbers[START], numbers[SIZE], numbers[ACROSS]
    for s in range(size):
        value = values[start + s]
        for lane in range(len(value)):
            value[lane] = entries[across + columns[lane] * size + s]
    values[places[EXPONENTS] + start] = 0.0
    _begin(block, start, size, limits[LEAST], limits[MOST], rows, bounds, places)
    _end(block, start, size, values, rows, bounds, places)


@compiled()
def densities(given, lanes, site, first, width, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Write the densities of a variable's components as slots of a block more; 1 for all of a categorical variable."""
    block, start, least, far = len(bounds) - 1, places[DENSITIES], 1.0, False
    logs, mantissas, exponents = given
    _begin(block, start, width, 0.0, 1.0, rows, bounds, places)
    values[places[EXPONENTS] + start] = 0.0
    if logs.shape[1] == 0:
        values[start : start + width] = 1.0
        return
    for lane in range(len(lanes)):
        row = lanes[lane]
        values[places[EXPONENTS] + start, lane] = exponents[row, site]
        for t in range(width):
            value = mantissas[row, first + t]
            values[start + t, lane] = value
            if value >= _NEAR:
                least = min(least, value)
            else:
                far = far or logs[row, first + t] > -np.inf
    bounds[block, LEAST] = np.log2(least)
    if far:
        _apart(block, start, width, values, rows, bounds, places)
        for t in range(width):
            for lane in range(len(lanes)):
                if mantissas[lanes[lane], first + t] < _NEAR:
                    values[start + t, lane], values[rows[start + t], lane] = from_log(logs[lanes[lane], first + t])


@compiled()
def _copied(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Write the densities of components as a block of leaves, each of which has one component."""
    own, first, last = places[EXPONENTS] + start, places[DENSITIES], len(bounds) - 1
    _begin(block, start, size, bounds[last, LEAST], bounds[last, MOST], rows, bounds, places)
    for s in range(size):
        _copy(values[first + s], values[start + s])
        _copy(values[rows[first + s]], values[own + s])
    if bounds[last, EVEN] == 0.0:
        bounds[block, EVEN] = 0.0
        for s in range(size):
            rows[start + s] = own + s


@compiled()
def rise(  # type: ignore[no-untyped-def]
    blocks, taken, runs, owners, entries, limits, largest, components, given, columns, lanes, places, values, rows, bounds
):
    """Find the value of every slot, from the leaves up.

    Args:
        blocks: as of a plan.
        taken: as of a plan.
        runs: as of a plan.
        owners: as of a plan.
        entries: of the tables of a plan.
        limits: the bounds of these tables.
        largest: for each block whether sums are replaced by the largest of their terms.
        components: where the components of each variable begin among those of all.
        given: the log-densities of components, (all rows, components), the mantissas of the densities, and their
            exponents, (all rows, variables); no columns for categorical variables.
        columns: (variables, lanes), the value of each categorical variable, where it is missing its number of values.
        lanes: the row of each lane.
        places: where numbers are in `values`.
        values: (numbers, lanes), which are written.
        rows: (slots,), the row of `values` with the exponents of each slot, which are written.
        bounds: (blocks + 1, 3), which are written.
    """
    for block in range(len(blocks)):
        numbers = blocks[block]
        if numbers[KIND] == PRODUCTS:
            _products(block, numbers, taken, runs, values, rows, bounds, owners, places)
            continue
        source, neighbours, first, width, limit = len(blocks), 1, numbers[TAKEN], numbers[WIDTH], limits[numbers[TABLE]]
        if numbers[KIND] != LEAVES:
            source, neighbours = runs[numbers[RUN], 0], runs[numbers[RUN], 1]
        elif given[0].shape[1] == 0:
            _looked_up(block, numbers, columns[numbers[SITE]], entries, limit, values, rows, bounds, places)
            continue
        else:
            site = numbers[SITE]
            densities(given, lanes, site, components[site], width, values, rows, bounds, places)
            if limit[IDENTITY] == 1.0:
                _copied(block, numbers[START], width, values, rows, bounds, places)
                continue
            # The last numbers that are taken are those of the densities.
            first = len(taken) - (places[EXPONENTS] - places[DENSITIES])
        slots = taken[first : first + width]
        _sums(block, numbers, slots, source, neighbours, largest[block], entries, limit, values, rows, bounds, owners, places)

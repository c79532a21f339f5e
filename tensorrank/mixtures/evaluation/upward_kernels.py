"""The compiled pass from the leaves up: the values of all slots, for as many rows at once as there are lanes.

Sums of even blocks are products of matrices. Where terms are too far apart for that, sums that might lack something are
done again term by term.
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
    RUN,
    SITE,
    SIZE,
    START,
    TABLE,
    TAKEN,
    WIDTH,
)
from tensorrank.mixtures.evaluation.slot_blocks import (
    ALIGNED,
    DENSITIES,
    EVEN,
    EXPONENTS,
    FAINT,
    FAINT_SUM,
    FAR,
    LEAST_SHARE,
    NORMAL,
    SMALLEST,
    TOP,
    align,
    align_apart,
    begin,
    bounded,
    copy_row,
    end,
    rescale,
    set_apart,
)

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


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
    small = 0
    for s in range(len(table)):
        value = values[start + s]
        for lane in range(len(value)):
            small += value[lane] < FAINT_SUM
    if plain and small == 0:
        bounds[block, LEAST] = FAINT
        end(block, start, len(table), values, rows, bounds, places)
        return
    set_apart(block, start, len(table), values, rows, bounds, places)
    for s in range(len(table)):
        slot = start + s
        for lane in range(values.shape[1]):
            faint = values[rows[slot], lane] - values[places[TOP], lane] <= FAINT
            if not plain or faint or values[slot, lane] == 0.0:
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
    if _beyond(least + limits[LEAST], most + limits[MOST]):
        least, most, lacking = -FAR, 0.0, align_apart(slots, False, values, rows, places)
        shift, first = places[TOP], places[ALIGNED]
    given, out = values[first : first + width], values[start : start + size]
    copy_row(values[shift], values[places[EXPONENTS] + start])
    begin(block, start, size, least + limits[LEAST], most + limits[MOST], rows, bounds, places)
    if largest:
        _largest_terms(table, given, out)
    else:
        np.dot(table, given, out)
    if plain and not lacking:
        end(block, start, size, values, rows, bounds, places)
    else:
        _careful_sums(table, slots, plain, largest, block, start, values, rows, bounds, places)


@compiled(within_callers=True)
def _beyond(least, most):  # type: ignore[no-untyped-def]
    """Whether numbers with these bounds of their binary logarithms may be no normal floats."""
    return least < -NORMAL or most > NORMAL


@compiled(within_callers=True)
def _products(block, numbers, blocks, taken, runs, values, rows, bounds, owners, places):  # type: ignore[no-untyped-def]
    """Write a block of products: as plain floats as far as these reach, where factors share their exponents."""
    start, size, shift = numbers[START], numbers[SIZE], places[EXPONENTS] + numbers[START]
    begin(block, start, size, 0.0, 0.0, rows, bounds, places)
    values[shift] = 0.0
    for factor in range(numbers[WIDTH]):
        place, source = numbers[TAKEN] + factor * size, runs[numbers[RUN] + factor, 0]
        slots = taken[place : place + size]
        same = source >= 0 and bounds[source, EVEN] == 1.0
        if same:
            least, most = bounds[source, LEAST], bounds[source, MOST]
        else:
            same, least, most = bounded(slots, values, rows, bounds, owners)
        if _beyond(bounds[block, LEAST] + least, bounds[block, MOST] + most):
            # Bounds may be far from what the slots are, of the factors as well.
            rescale(block, start, size, values, rows, bounds, places)
            if source >= 0 and same:
                rescale(source, blocks[source, START], blocks[source, SIZE], values, rows, bounds, places)
                same, least, most = bounds[source, EVEN] == 1.0, bounds[source, LEAST], bounds[source, MOST]
            if bounds[block, EVEN] == 1.0 and _beyond(bounds[block, LEAST] + least, bounds[block, MOST] + most):
                set_apart(block, start, size, values, rows, bounds, places)
        if factor == 0:
            for s in range(size):
                if same:
                    copy_row(values[slots[s]], values[start + s])
                else:
                    values[start + s] = 1.0
        if bounds[block, EVEN] == 1.0 and not same:
            set_apart(block, start, size, values, rows, bounds, places)
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
        end(block, start, size, values, rows, bounds, places)


@compiled(within_callers=True)
def _looked_up(block, numbers, columns, entries, limits, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Write leaves of a categorical variable: in each lane a column of the table."""
    start, size, across = numbers[START], numbers[SIZE], numbers[ACROSS]
    for s in range(size):
        value = values[start + s]
        for lane in range(len(value)):
            value[lane] = entries[across + columns[lane] * size + s]
    values[places[EXPONENTS] + start] = 0.0
    begin(block, start, size, limits[LEAST], limits[MOST], rows, bounds, places)
    end(block, start, size, values, rows, bounds, places)


@compiled()
def densities(given, lanes, site, first, width, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Write the densities of a variable's components as slots of a block more; 1 for all of a categorical variable."""
    block, start, far, smallest = len(bounds) - 1, places[DENSITIES], 0, values[places[SMALLEST]]
    logs, mantissas, exponents = given
    begin(block, start, width, 0.0, 1.0, rows, bounds, places)
    values[places[EXPONENTS] + start] = 0.0
    if len(logs) == 0:
        values[start : start + width] = 1.0
        return
    smallest[:] = 1.0
    for lane in range(len(lanes)):
        values[places[EXPONENTS] + start, lane] = exponents[site, lanes[lane]]
    for t in range(width):
        value, mantissa = values[start + t], mantissas[first + t]
        for lane in range(len(lanes)):
            value[lane] = mantissa[lanes[lane]]
        for lane in range(len(lanes)):
            near = value[lane] if value[lane] >= LEAST_SHARE else 1.0
            smallest[lane] = near if near < smallest[lane] else smallest[lane]
            far += value[lane] < LEAST_SHARE
    bounds[block, LEAST] = np.log2(smallest.min())
    if far == 0:
        return
    far = 0
    for t in range(width):
        for lane in range(len(lanes)):
            far += values[start + t, lane] < LEAST_SHARE and logs[first + t, lanes[lane]] > -np.inf
    if far == 0:
        return
    set_apart(block, start, width, values, rows, bounds, places)
    for t in range(width):
        for lane in range(len(lanes)):
            if mantissas[first + t, lanes[lane]] < LEAST_SHARE:
                values[start + t, lane], values[rows[start + t], lane] = from_log(logs[first + t, lanes[lane]])


@compiled()
def _copied(block, start, size, values, rows, bounds, places):  # type: ignore[no-untyped-def]
    """Write the densities of components as a block of leaves, each of which has one component."""
    own, first, last = places[EXPONENTS] + start, places[DENSITIES], len(bounds) - 1
    begin(block, start, size, bounds[last, LEAST], bounds[last, MOST], rows, bounds, places)
    for s in range(size):
        copy_row(values[first + s], values[start + s])
        copy_row(values[rows[first + s]], values[own + s])
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
        given: the log-densities of components, (components, all rows), the mantissas of the densities, and their
            exponents, (variables, all rows); no rows for categorical variables.
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
            _products(block, numbers, blocks, taken, runs, values, rows, bounds, owners, places)
            continue
        source, neighbours, first, width, limit = len(blocks), 1, numbers[TAKEN], numbers[WIDTH], limits[numbers[TABLE]]
        if numbers[KIND] != LEAVES:
            source, neighbours = runs[numbers[RUN], 0], runs[numbers[RUN], 1]
        elif len(given[0]) == 0:
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

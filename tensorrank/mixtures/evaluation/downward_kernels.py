"""The compiled passes from the root down, for what the pass upward has found: flows of slots, and choices of terms."""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled
from tensorrank.mixtures.evaluation.extended_floats import scaled, settled, times
from tensorrank.mixtures.evaluation.plan import (
    ACROSS,
    DOWN,
    IDENTITY,
    KIND,
    LEAST,
    LEAVES,
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
    LARGEST,
    RATIOS,
    SHARES,
    SMALLEST,
    TOP,
    align,
    rescale,
)
from tensorrank.mixtures.evaluation.upward_kernels import densities

# Terms count as equal if one is this share of the other, since equal ones may be rounded otherwise.
_EQUAL = 1.0 - 1e-12

# Products of entries and terms that are larger have all their digits.
_CERTAIN = 2.0**-1000

# Terms are at most the sums that count them divided by the least entry of a plain table.
_UNCOUNTED = 2.0**500

# Weights divided by sums whose binary logarithms are at least this below 0 are floats.
_FAR_DOWN = 500.0

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(within_callers=True)
def _add(one, other):  # type: ignore[no-untyped-def]
    """Add a row to another."""
    for lane in range(len(one)):
        other[lane] += one[lane]


@compiled(within_callers=True)
def _even_ratios(start, size, width, flows, values, places):  # type: ignore[no-untyped-def]
    """Write the flows of an even block divided by its sums; scale the aligned terms to the exponents of the sums."""
    top, shift, apart = values[places[TOP]], values[places[EXPONENTS] + start], 0
    one, other = values[places[LARGEST]], values[places[SMALLEST]]
    for lane in range(len(top)):
        apart += top[lane] != shift[lane]
    if apart > 0:
        for lane in range(len(top)):
            # A factor beyond the floats comes in two parts.
            power = top[lane] - shift[lane]
            one[lane], other[lane] = scaled(1.0, power // 2), scaled(1.0, power - power // 2)
        for t in range(width):
            term = values[places[ALIGNED] + t]
            for lane in range(len(top)):
                # Only a term that no sum counts can be that large.
                term[lane] = min(term[lane] * one[lane] * other[lane], _UNCOUNTED)
    for s in range(size):
        value, flow, ratio = values[start + s], flows[start + s], values[places[RATIOS] + s]
        for lane in range(len(flow)):
            ratio[lane] = flow[lane] / value[lane] if value[lane] > 0.0 else 0.0


@compiled()
def _ratios(start, size, flows, values, rows, places):  # type: ignore[no-untyped-def]
    """Write flows divided by sums as plain floats beside the exponents of terms; say whether some are too small."""
    faint = False
    for s in range(size):
        for lane in range(values.shape[1]):
            value, power = settled(values[start + s, lane], values[rows[start + s], lane] - values[places[TOP], lane])
            small = power < FAINT or value == 0.0
            faint = faint or (small and flows[start + s, lane] > 0.0)
            values[places[RATIOS] + s, lane] = 0.0 if small else flows[start + s, lane] / scaled(value, power)
    return faint


@compiled()
def _share_one_by_one(start, table, slots, weights, counts, flows, values, rows, places):  # type: ignore[no-untyped-def]
    """Share what `_shared` has not: all flow of sums without a ratio, and that of terms that were left out."""
    for s in range(len(table)):
        for lane in range(len(weights)):
            flow, alone = flows[start + s, lane], values[places[RATIOS] + s, lane] == 0.0
            if not flow > 0.0:
                continue
            value, power = settled(values[start + s, lane], values[rows[start + s], lane])
            for t in range(len(slots)):
                term = values[slots[t], lane]
                if table[s, t] > 0.0 and term > 0.0 and (alone or values[places[ALIGNED] + t, lane] == 0.0):
                    term, above = times(table[s, t], term, values[rows[slots[t]], lane] - power)
                    share = flow * scaled(term / value, above)
                    values[places[SHARES] + t, lane] += share
                    if len(counts) > 0 and alone:
                        counts[s * len(slots) + t] += weights[lane] * share


@compiled(within_callers=True)
def _shared(  # type: ignore[no-untyped-def]
    block, numbers, slots, source, entries, plain, weights, counts, used, flows, values, rows, bounds, owners, places
):
    """Write to the rows SHARES the flows of a block's sums, shared among their terms in proportion to what they add.

    Counts, by rows of the table, grow by the weighted shares of all entries; there may be none.
    """
    start, size, width = numbers[START], numbers[SIZE], len(slots)
    table = entries[numbers[DOWN] : numbers[DOWN] + size * width].reshape(size, width)
    across = entries[numbers[ACROSS] : numbers[ACROSS] + size * width].reshape(width, size)
    shares = values[places[SHARES] : places[SHARES] + width]
    given, ratios = values[places[ALIGNED] : places[ALIGNED] + width], values[places[RATIOS] : places[RATIOS] + size]
    _, _, lacking = align(slots, source, values, rows, bounds, owners, places)
    faint = False
    if bounds[block, LEAST] < -_FAR_DOWN:
        rescale(block, start, size, values, rows, bounds, places)
    if bounds[block, EVEN] == 1.0 and bounds[block, LEAST] >= -_FAR_DOWN and not lacking:
        _even_ratios(start, size, width, flows, values, places)
    else:
        faint = _ratios(start, size, flows, values, rows, places)
    if not plain:
        ratios[:] = 0.0
    np.dot(across, ratios, shares)
    for t in range(width):
        share, term = shares[t], given[t]
        for lane in range(len(weights)):
            share[lane] *= term[lane]
    if len(counts) > 0:
        for s in range(size):
            ratio = ratios[s]
            for lane in range(len(weights)):
                ratio[lane] *= weights[lane]
        uses = used[: size * width].reshape(size, width)
        np.dot(ratios, given.T, uses)
        for s in range(size):
            for t in range(width):
                # What an entry of 0 is multiplied by may be infinite.
                if table[s, t] > 0.0:
                    counts[s * width + t] += uses[s, t] * table[s, t]
    # For expected uses, terms that far below others are nothing; as posteriors they are numbers like others.
    if not plain or faint or (lacking and len(counts) == 0):
        _share_one_by_one(start, table, slots, weights, counts, flows, values, rows, places)


@compiled(within_callers=True)
def _count_values(columns, lanes, weights, flows, width, counts, chosen, found, first):  # type: ignore[no-untyped-def]
    """Add the flows of leaves to the uses and the flows of the values that lanes have; say whether one is missing."""
    missing = False
    for lane in range(len(lanes)):
        missing = missing or columns[lane] == width
    if len(counts) > 0 and width <= min(len(flows), chosen.shape[1]):
        picked = chosen.ravel()[: len(lanes) * width].reshape(len(lanes), width)
        picked[:] = 0.0
        for lane in range(len(lanes)):
            if columns[lane] < width:
                picked[lane, columns[lane]] = weights[lane]
        counts += np.dot(flows, picked).ravel()
    elif len(counts) > 0:
        for s in range(len(flows)):
            for lane in range(len(lanes)):
                if columns[lane] < width:
                    counts[s * width + columns[lane]] += weights[lane] * flows[s, lane]
    if len(found) > 0:
        for lane in range(len(lanes)):
            if columns[lane] < width:
                for s in range(len(flows)):
                    found[first + columns[lane], lanes[lane]] += flows[s, lane]
    return missing


@compiled()
def _count_components(lanes, weights, flows, counts, found, first):  # type: ignore[no-untyped-def]
    """Add the flows of leaves, each of which has one component, to the uses and to the flows of components."""
    for s in range(len(flows)):
        for lane in range(len(lanes)):
            found[first + s, lanes[lane]] += flows[s, lane]
            if len(counts) > 0:
                counts[s * len(flows) + s] += weights[lane] * flows[s, lane]


@compiled()
def fall(  # type: ignore[no-untyped-def]
    blocks,
    taken,
    runs,
    owners,
    entries,
    limits,
    components,
    given,
    columns,
    lanes,
    places,
    values,
    rows,
    bounds,
    known,
    weights,
    counts,
    used,
    chosen,
    flows,
    found,
):
    """Find the flow of every slot, from the root down: the probability that the slot is part of the row.

    A factor has the flow of its product, and the terms of a sum share its flow in proportion to what they add. The
    arguments up to `bounds` are those of `rise`, after it. The others are

    - known: (slots, lanes), 1 if a variable below is known, else 0: no flow; or no slots, if all are;
    - weights: how often the row of each lane counts;
    - counts: for each entry of a table, by rows, the expected number of uses, to which these are added; or none;
    - used: room for as many numbers as the largest table has entries;
    - chosen: (lanes, most), room for tables of at most so many columns;
    - flows: (slots, lanes), of which the last is given; the others are written;
    - found: (components, all rows), to which the flows of components are added; or no rows. Real variables whose
      uses are counted need it.
    """
    flows[:-1] = 0.0
    real, first_counted = len(given[0]) > 0, len(entries) - len(counts)
    for block in range(len(blocks) - 1, -1, -1):
        numbers = blocks[block]
        start, size, width, first = numbers[START], numbers[SIZE], numbers[WIDTH], numbers[TAKEN]
        if len(known) > 0:
            for slot in range(start, start + size):
                flow, seen = flows[slot], known[slot]
                for lane in range(len(lanes)):
                    flow[lane] *= seen[lane]
        if numbers[KIND] == PRODUCTS:
            for factor in range(width):
                for s in range(size):
                    _add(flows[start + s], flows[taken[first + factor * size + s]])
            continue
        counted = counts
        if len(counts) > 0:
            counted = counts[numbers[DOWN] - first_counted : numbers[DOWN] - first_counted + size * width]
        leaves, source, plain, component = numbers[KIND] == LEAVES, len(blocks), limits[numbers[TABLE], PLAIN] == 1.0, 0
        if not leaves:
            source = runs[numbers[RUN], 0]
        else:
            site, component = numbers[SITE], components[numbers[SITE]]
            if not real:
                own = flows[start : start + size]
                if not _count_values(columns[site], lanes, weights, own, width, counted, chosen, found, component):
                    continue
                counted = counted[:0]
            if len(found) == 0:
                continue
            if real and limits[numbers[TABLE], IDENTITY] == 1.0:
                _count_components(lanes, weights, flows[start : start + size], counted, found, component)
                continue
            densities(given, lanes, site, component, width, values, rows, bounds, places)
            first = len(taken) - (places[EXPONENTS] - places[DENSITIES])
        slots = taken[first : first + width]
        _shared(
            block, numbers, slots, source, entries, plain, weights, counted, used, flows, values, rows, bounds, owners, places
        )
        for t in range(width):
            if not leaves:
                _add(values[places[SHARES] + t], flows[slots[t]])
                continue
            for lane in range(len(lanes)):
                if real or columns[numbers[SITE], lane] == width:
                    found[component + t, lanes[lane]] += values[places[SHARES] + t, lane]


@compiled(within_callers=True)
def _largest_term(entries, down, width, even, taken, first, lane, values, rows):  # type: ignore[no-untyped-def]
    """The number of the term that adds most to a sum, the first of equal ones.

    The weights are entries from `down` on, and the terms slots that are taken from `first` on. If these are `even`,
    plain floats tell, as far as these reach.
    """
    highest, top = 0.0, -np.inf
    if even:
        for t in range(width):
            highest = max(highest, entries[down + t] * values[taken[first + t], lane])
        for t in range(width if highest >= _CERTAIN else 0):
            if entries[down + t] * values[taken[first + t], lane] >= highest * _EQUAL:
                return t
        highest = 0.0
    for t in range(width):
        slot = taken[first + t]
        term, exponent = times(entries[down + t], values[slot, lane], values[rows[slot], lane])
        if term > 0.0 and (exponent > top or (exponent == top and term > highest)):
            highest, top = term, exponent
    for t in range(width):
        slot = taken[first + t]
        term, exponent = times(entries[down + t], values[slot, lane], values[rows[slot], lane])
        if scaled(term, exponent - top) >= highest * _EQUAL:
            return t
    return 0


@compiled()
def trace(  # type: ignore[no-untyped-def]
    blocks,
    taken,
    runs,
    owners,
    entries,
    limits,
    codes,
    lane,
    values,
    rows,
    bounds,
    variables,
    numbers,
    stack,
    states,
    completed,
):
    """Find the most probable induced tree of one lane, from the root down.

    Of each sum that is met the term that adds most is chosen, of equal ones the first. Of a slot that is met the number
    is written as the state of its hidden variable, if it has one. The value of largest probability of a leaf that is
    met, the lowest of equal ones, is written for a missing value, if completions are asked for.

    Arguments up to `bounds` are as of `rise`. The others are

    - variables: for each slot the number of its hidden variable, or -1;
    - numbers: for each slot the number of the state;
    - stack: room for as many slots as there are;
    - states: (hidden variables,), which are written;
    - completed: (variables,), which are written; or none.
    """
    stack[0], waiting = len(variables) - 1, 1
    while waiting > 0:
        waiting -= 1
        slot = stack[waiting]
        if variables[slot] >= 0:
            states[variables[slot]] = numbers[slot]
        block = owners[slot]
        s, size, width, first = slot - blocks[block, START], blocks[block, SIZE], blocks[block, WIDTH], blocks[block, TAKEN]
        down = blocks[block, DOWN] + s * width
        if blocks[block, KIND] == PRODUCTS:
            for factor in range(width):
                stack[waiting] = taken[first + factor * size + s]
                waiting += 1
        elif blocks[block, KIND] != LEAVES:
            source = runs[blocks[block, RUN], 0]
            even = source >= 0 and bounds[source, EVEN] == 1.0 and limits[blocks[block, TABLE], PLAIN] == 1.0
            term = _largest_term(entries, down, width, even, taken, first, lane, values, rows)
            stack[waiting] = taken[first + term]
            waiting += 1
        elif len(completed) > 0 and codes[blocks[block, SITE]] < 0:
            completed[blocks[block, SITE]] = np.argmax(entries[down : down + width])


@compiled()
def known_below(blocks, taken, known, lanes, below):  # type: ignore[no-untyped-def]
    """Write 1 for each slot, (slots, lanes), below which a variable is known, else 0; by (all rows, variables)."""
    for block in range(len(blocks)):
        numbers = blocks[block]
        start, size, first = numbers[START], numbers[SIZE], numbers[TAKEN]
        for lane in range(len(lanes)):
            if numbers[KIND] == LEAVES:
                below[start : start + size, lane] = 1.0 if known[lanes[lane], numbers[SITE]] else 0.0
            elif numbers[KIND] == PRODUCTS:
                for s in range(size):
                    below[start + s, lane] = 0.0
                    for factor in range(numbers[WIDTH]):
                        slot = taken[first + factor * size + s]
                        below[start + s, lane] = max(below[start + s, lane], below[slot, lane])
            else:
                # All terms of a sum have the same variables.
                below[start : start + size, lane] = below[taken[first], lane]

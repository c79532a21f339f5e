"""Compiled passes over a circuit for any number of rows, as many at a time as there are lanes.

Their first arguments, up to `bounds`, are those of `rise`, with the values of categorical variables as codes,
(rows, variables), negative where missing.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled
from tensorrank.mixtures.evaluation.downward_kernels import fall, known_below, trace
from tensorrank.mixtures.evaluation.extended_floats import log_of
from tensorrank.mixtures.evaluation.upward_kernels import rise

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _next_rows(start, count, codes, components, lanes, columns):  # type: ignore[no-untyped-def]
    """Write the next rows, one for each lane, and their values as columns of tables, (variables, lanes).

    Where no row is left, the last one is written again. How many there are is returned.
    """
    for lane in range(len(lanes)):
        lanes[lane] = min(start + lane, count - 1)
        for site in range(len(columns)):
            code = codes[lanes[lane], site]
            columns[site, lane] = code if code >= 0 else components[site + 1] - components[site]
    return min(len(lanes), count - start)


@compiled()
def _log(values, rows, places, lane):  # type: ignore[no-untyped-def]
    """The natural logarithm of the last slot of the circuit."""
    return log_of(values[places[0] - 1, lane], values[rows[places[0] - 1], lane])


@compiled()
def rise_rows(  # type: ignore[no-untyped-def]
    blocks, taken, runs, owners, entries, limits, largest, components, codes, given, places, values, rows, bounds, found
):
    """Write the logarithm of the last slot in each row, (rows,)."""
    lanes, columns = np.empty(values.shape[1], dtype=np.int64), np.empty((codes.shape[1], values.shape[1]), dtype=np.int64)
    for start in range(0, len(found), len(lanes)):
        count = _next_rows(start, len(found), codes, components, lanes, columns)
        rise(
            blocks,
            taken,
            runs,
            owners,
            entries,
            limits,
            largest,
            components,
            given,
            columns,
            lanes,
            places,
            values,
            rows,
            bounds,
        )
        for lane in range(count):
            found[lanes[lane]] = _log(values, rows, places, lane)


@compiled()
def fall_rows(  # type: ignore[no-untyped-def]
    blocks,
    taken,
    runs,
    owners,
    entries,
    limits,
    largest,
    components,
    codes,
    given,
    places,
    values,
    rows,
    bounds,
    flows,
    used,
    chosen,
    known,
    weights,
    counts,
    wanted,
    hidden,
    found,
    densities,
):
    """Write the flows of some slots, (rows, slots), those of all components, and the logarithm of the last slot.

    Other arguments are as of `fall`, with weights of all rows, (rows,). Known variables are given, (rows, variables),
    or none where all are. A row of density 0 has no flows, and changes no counts.
    """
    lanes, columns = np.empty(values.shape[1], dtype=np.int64), np.empty((codes.shape[1], values.shape[1]), dtype=np.int64)
    below = np.empty(flows.shape if known.size else (0, 0))
    found[:] = 0.0
    for start in range(0, len(densities), len(lanes)):
        count = _next_rows(start, len(densities), codes, components, lanes, columns)
        rise(
            blocks,
            taken,
            runs,
            owners,
            entries,
            limits,
            largest,
            components,
            given,
            columns,
            lanes,
            places,
            values,
            rows,
            bounds,
        )
        if len(below) > 0:
            known_below(blocks, taken, known, lanes, below)
        for lane in range(len(lanes)):
            possible = values[places[0] - 1, lane] > 0.0
            flows[-1, lane] = 1.0 if possible and lane < count else 0.0
        fall(
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
            below,
            weights[lanes],
            counts,
            used,
            chosen,
            flows,
            found,
        )
        for lane in range(count):
            densities[lanes[lane]] = _log(values, rows, places, lane)
            for number in range(len(wanted)):
                hidden[lanes[lane], number] = flows[wanted[number], lane]


@compiled()
def trace_rows(  # type: ignore[no-untyped-def]
    blocks,
    taken,
    runs,
    owners,
    entries,
    limits,
    largest,
    components,
    codes,
    given,
    places,
    values,
    rows,
    bounds,
    variables,
    numbers,
    states,
    completed,
    weights,
):
    """Write the states of hidden variables on the most probable induced tree, and its logarithm, for each row.

    Other arguments are as of `trace`, with a row for each row. The state of a variable that is not in the tree is -1,
    and so are all states in a row of density 0.
    """
    lanes, columns = np.empty(values.shape[1], dtype=np.int64), np.empty((codes.shape[1], values.shape[1]), dtype=np.int64)
    stack = np.empty(places[0], dtype=np.int64)
    for start in range(0, len(weights), len(lanes)):
        count = _next_rows(start, len(weights), codes, components, lanes, columns)
        rise(
            blocks,
            taken,
            runs,
            owners,
            entries,
            limits,
            largest,
            components,
            given,
            columns,
            lanes,
            places,
            values,
            rows,
            bounds,
        )
        for lane in range(count):
            row = lanes[lane]
            weights[row] = _log(values, rows, places, lane)
            states[row] = -1
            if weights[row] > -np.inf:
                trace(
                    blocks,
                    taken,
                    runs,
                    owners,
                    entries,
                    limits,
                    codes[row],
                    lane,
                    values,
                    rows,
                    bounds,
                    variables,
                    numbers,
                    stack,
                    states[row],
                    completed[row],
                )

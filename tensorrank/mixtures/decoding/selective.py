"""Sums of which one term at most is positive, whatever the values: their maximum is their sum."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Sums

# Slots times values of variables that are looked at; of larger circuits no sum is found to be selective.
_MOST_LOOKED_AT = 2**28


def selective_blocks(circuit: Circuit) -> NDArray[np.bool_]:
    """For each block whether all of its sums are selective, as far as single variables tell.

    Two terms are never positive together if the values of one variable that occur in them differ. A network whose sums
    are all selective is called deterministic or selective. That single variables tell is sufficient, not necessary.

    Source: Peharz, Gens, Domingos, Learning Selective Sum-Product Networks (ICML workshop on learning tractable
    probabilistic models, 2014).

    >>> leaves, half = Leaves(0, np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])), np.array([[0.5, 0.5]])
    >>> selective_blocks(Circuit((leaves, Sums(half, np.array([0, 1])), Sums(half, np.array([1, 2])))))
    array([False,  True, False])
    """
    found = np.zeros(len(circuit.blocks), dtype=np.bool_)
    tables = circuit.float_tables
    # Only variables that are kept from some value somewhere tell terms apart.
    telling = {
        block.site: table.shape[1]
        for block, table in zip(circuit.blocks, tables, strict=True)
        if isinstance(block, Leaves) and not table.all()
    }
    starts = dict(zip(telling, accumulate(telling.values(), initial=0), strict=False))
    values = sum(telling.values())
    if circuit.slots * values > _MOST_LOOKED_AT:
        return found
    places = np.array(list(starts.values()), dtype=np.int64)
    # For each slot the values at which it can be positive; none of a variable that it does not have.
    positive = np.zeros((circuit.slots, values), dtype=np.bool_)
    for number, (out, block, table, parts) in enumerate(circuit.steps(tables)):
        match block:
            case Leaves() if block.site in telling:
                first = starts[block.site]
                positive[out, first : first + telling[block.site]] = table > 0
            case Products():
                for part in parts:
                    positive[out] |= positive[part]
            case Sums():
                terms = positive[parts[0]]
                positive[out] = (table > 0) @ terms
                found[number] = _never_together(terms, table > 0, places)
    return found


def _never_together(terms: NDArray[np.bool_], weighted: NDArray[np.bool_], places: NDArray[np.int64]) -> bool:
    """Whether no two terms of a sum are positive together, for each row of `weighted`, the terms that count."""
    if (weighted.sum(axis=1) <= 1).all():
        return True
    if not len(places):
        return False
    own = np.logical_or.reduceat(terms.any(axis=0), places)
    for one in range(len(terms)):
        beside = weighted[weighted[:, one], one + 1 :].any(axis=0)
        if not beside.any():
            continue
        common = np.logical_or.reduceat(terms[one + 1 :][beside] & terms[one], places, axis=1)
        if (common | ~own).all(axis=1).any():
            return False
    return True

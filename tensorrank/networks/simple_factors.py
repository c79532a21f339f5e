"""Factors made as few and small as can be without a change of rank: statements 1 and 3 of `value_classes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tensorrank.networks.factors import Factor


def simplified(factors: Sequence[Factor], sides: Mapping[str, int]) -> list[Factor] | None:
    """Factors with the same rank between the legs of side 0 and of side 1; none of them for rank 1, None for rank 0.

    >>> from tensorrank.networks.network import Tensor
    >>> weights = Factor.of(Tensor("weights", ("x",), [0.5, 0, 2]))
    >>> pairs = Factor.of(Tensor("pairs", ("x", "y"), [[1, 2], [5, 5], [3, 4]]))
    >>> [factor.exact.tolist() for factor in simplified([weights, pairs], {"x": 0, "y": 1})]
    [[[1, 2], [3, 4]]]
    """
    found = list(factors)
    while True:
        if not all(factor.nonzero.any() for factor in found):
            return None
        before = found[:]
        found = _without_one_sided(found, sides)
        if not _with_used_values(found):
            return None
        _with_small_lonely_legs(found, sides)
        found = _merged([factor for factor in found if factor.legs])
        if found == before:
            return found


def _without_one_sided(found: list[Factor], sides: Mapping[str, int]) -> list[Factor]:
    """Without the factors of one side that have no zeros; of others of one side only the places of zeros are kept."""
    kept = []
    for factor in found:
        if len({sides[leg] for leg in factor.legs}) > 1:
            kept.append(factor)
        elif not factor.nonzero.all():
            ones = (factor.exact == 1) | (factor.exact == 0)
            kept.append(factor if ones.all() else Factor.indicator(factor.legs, factor.nonzero))
    return kept


def _with_used_values(found: list[Factor]) -> bool:
    """Leave out values of legs at which a factor vanishes, in place; False if a leg has no value left."""
    for leg in dict.fromkeys(leg for factor in found for leg in factor.legs):
        holders = [number for number, factor in enumerate(found) if leg in factor.legs]
        used = np.logical_and.reduce([found[number].values_used(leg) for number in holders])
        chosen = np.flatnonzero(used)
        if not len(chosen):
            return False
        if len(chosen) < len(used) or len(used) == 1:
            for number in holders:
                found[number] = found[number].at(leg, chosen)
    return True


def _with_small_lonely_legs(found: list[Factor], sides: Mapping[str, int]) -> None:
    """Make legs that a single factor holds small, in place: parallel slices are one, and one-sided legs are nothing."""
    holders: dict[str, list[int]] = {}
    for number, factor in enumerate(found):
        for leg in factor.legs:
            holders.setdefault(leg, []).append(number)
    for leg, numbers in holders.items():
        if len(numbers) > 1:
            continue
        factor = found[numbers[0]]
        if len({sides[other] for other in factor.legs}) == 1:
            found[numbers[0]] = factor.projected(leg)
            continue
        _, first = np.unique(factor.classes((leg,)), return_index=True)
        if len(first) < factor.size(leg):
            found[numbers[0]] = factor.at(leg, np.sort(first))


def _merged(found: list[Factor]) -> list[Factor]:
    """Factors none of which has all its legs in another: those are multiplied together."""
    kept: list[Factor] = []
    for factor in sorted(found, key=lambda factor: -len(factor.legs)):
        place = next((number for number, other in enumerate(kept) if set(factor.legs) <= set(other.legs)), None)
        if place is None:
            kept.append(factor)
        else:
            kept[place] = kept[place].times(factor)
    return kept

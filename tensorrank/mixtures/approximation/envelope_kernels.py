"""The compiled loop of envelopes, which finds the vectors that are below no other one."""

from __future__ import annotations

from tensorrank.arithmetic.compiled import compiled

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def maximal(vectors, most, kept):  # type: ignore[no-untyped-def]
    """Find the vectors that no other is at least as large as in every coordinate; of equal ones the first is kept.

    Vectors, (n, coordinates), are in the order of falling sums. Their numbers are written to kept, (n,). How many there
    are is returned, or most + 1 if there are more than that.
    """
    found = 0
    for i in range(len(vectors)):
        below = False
        for place in range(found):
            j = kept[place]
            below = True
            for coordinate in range(vectors.shape[1]):
                if vectors[j, coordinate] < vectors[i, coordinate]:
                    below = False
                    break
            if below:
                break
        if not below:
            kept[found] = i
            found += 1
            if found > most:
                break
    return found

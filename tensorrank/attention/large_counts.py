"""The moment bound of networks as large as those in use, in logarithms: whole numbers would have billions of digits."""

from __future__ import annotations

import math

from scipy.special import betaln

from tensorrank.errors import whole_number

# Beyond it a degree is no float.
_LARGEST_FLOAT = 2**1000


def log_monomial_count(variables: int, degree: int) -> float:
    """The natural logarithm of ((n, k)) = C(n+k-1, k), the monomials of degree k in n variables.

    >>> from math import comb, log
    >>> abs(log_monomial_count(6, 10) - log(comb(15, 10))) < 1e-12
    True
    """
    if variables == 1:
        return 0.0
    if degree < _LARGEST_FLOAT:
        return float(-math.log(variables + degree) - betaln(float(variables), float(degree + 1)))
    # Far more degrees than variables: k^(n-1) / (n-1)!, wrong by a factor of about 1 + n^2 / 2k.
    return (variables - 1) * math.log(degree) - math.lgamma(variables)


def log3_moment_bound(depth: int, width: int) -> float:
    """log3 of the moment bound for many tokens (at least d a side), for depths and widths of any size.

    Beyond the crossing of A_k and B_(C-k) all terms are of one side, and each side's terms sum to a single count:
    d ((D+1, k)) + ((D+1, C-k-1)).

    Args:
        depth: L.
        width: d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: docs/method.md; right to about 10 digits. `moment_bound` has the whole number where that is not too large.

    >>> [round(3 ** log3_moment_bound(depth, 2)) for depth in (1, 2, 3, 4)]
    [3, 18, 232, 4538]
    >>> f"{log3_moment_bound(96, 12288):.4g}"
    '5.975e+09'
    """
    depth, width = whole_number("depth", depth, 1), whole_number("width", width, 1)
    degree, entries = (3**depth - 1) // 2, width * (width + 1) // 2
    low, high = -1, degree
    while low < high:
        middle = (low + high + 1) // 2
        if math.log(width) + log_monomial_count(entries, middle) <= log_monomial_count(entries, degree - middle):
            low = middle
        else:
            high = middle - 1
    sides = []
    if low >= 0:
        sides.append(math.log(width) + log_monomial_count(entries + 1, low))
    if low < degree:
        sides.append(log_monomial_count(entries + 1, degree - low - 1))
    largest = max(sides)
    return (largest + math.log(math.fsum(math.exp(side - largest) for side in sides))) / math.log(3)

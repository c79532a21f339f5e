"""The regimes of growth with depth: growing, turning, saturated, told by the factor that one more layer brings.

**The rule.** Let s be the logarithm of the separation rank, or of its moment bound, at depth L, and s' at depth L + 1.
The growth factor is s' / s. Networks of this depth are

- *growing* if it is at least 2: another layer at least doubles the logarithm, and the rank grows double-exponentially;
- *saturated* if it is at most 3/2: another layer adds at most half of what is there;
- *turning* between the two.

**Why these numbers.** A network of depth L has the degree C = (3^L - 1) / 2. The logarithm of the number of functions
of degree up to C grows no faster than C, so the factor is at most (3^(L+1) - 1) / (3^L - 1) = 4, 3.25, 3.08, ..., which
tends to 3. For one token a side this is proved: the bound is binom(d+C, d), a product of C factors 1 + d/j that fall
with j. For many tokens it was found so wherever it was computed. At great depth each layer adds the same, the number V
of free variables, and the factor tends to 1.

Between the two the bound follows one curve for all widths: s is about V phi(t) for large V, with `rank_curve`
phi(t) = (1 + t) log3(1 + t) - t log3(t), where t triples with every layer and is 1 at the knee. Since phi(1/t) is
phi(t) / t, the factors f(t) = phi(3t) / phi(t) at t and at 1 / (3t) multiply to 3. So 2 and 3/2 are mirror images: a
network is as far from the first regime where it begins to turn as it is from the last where it ends. On the curve the
factor is 2 at 1.65 layers before the knee, and 3/2 at 0.65 layers behind it, where a layer adds 88 % of V.

Where ranks are known, the rule takes them instead of the bound: heads that are too narrow to reach the bound have other
limits than V, and saturate nevertheless.
"""

from __future__ import annotations

from typing import Literal

from tensorrank.arguments import finite_number, whole_number
from tensorrank.attention.large_counts import LARGEST, checked_size, log3_moment_bound

Regime = Literal["growing", "turning", "saturated"]

# Mirror images of each other: their product is 3.
_DOUBLED, _HALF_MORE = 2.0, 1.5


def growth_factor(depth: int, width: int, side_tokens: int | None = None) -> float:
    """The factor by which another layer multiplies the logarithm of the moment bound.

    Args:
        depth: L; the factor is that from L to L + 1.
        width: d.
        side_tokens: n, the tokens on the smaller side; many (at least d) by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the bound of so many tokens would take
            minutes to count.

    >>> [round(growth_factor(depth, 64), 2) for depth in (1, 2, 6, 8, 12)]
    [3.51, 2.97, 2.12, 1.67, 1.21]
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    side = width if side_tokens is None else whole_number("side_tokens", side_tokens, 1)
    # The largest depth of all has no layer beyond; there the factor is 1 in every digit.
    last = min(depth, LARGEST - 1)
    logs = [log3_moment_bound(layers, width, side, side) for layers in (last, last + 1)]
    return logs[1] / logs[0]


def regime(depth: int, width: int, side_tokens: int | None = None) -> Regime:
    """The regime in which a depth lies, by `growth_factor`: "growing", "turning" or "saturated".

    >>> [regime(depth, 2) for depth in (1, 2, 3, 4)]
    ['growing', 'turning', 'turning', 'saturated']
    >>> [regime(depth, 64) for depth in (6, 7, 8, 9)]
    ['growing', 'turning', 'turning', 'saturated']
    """
    return regime_of_factor(growth_factor(depth, width, side_tokens))


def regime_of_factor(factor: float) -> Regime:
    """The regime in which another layer multiplies the logarithm of the rank by a factor.

    Args:
        factor: log sep(L + 1) / log sep(L), a number of at least 0.

    Raises:
        TensorRankError: if the factor is no finite number of at least 0.

    >>> [regime_of_factor(factor) for factor in (3, 2, 1.8, 1.5, 1.1)]
    ['growing', 'growing', 'turning', 'saturated', 'saturated']
    """
    given = finite_number("factor", factor, least=0)
    if given >= _DOUBLED:
        return "growing"
    return "turning" if given > _HALF_MORE else "saturated"

"""Two results for the same question: whether they contradict each other, and which of them tells more."""

from __future__ import annotations

from tensorrank.separation.result import SeparationRank


def contradict(one: SeparationRank, other: SeparationRank) -> bool:
    """True if both cannot hold: the certified lower bound of one exceeds the proven upper bound of the other.

    An exact rank is a bound on both sides, so two exact ranks that differ contradict each other, and so does whatever
    is certified above an exact rank. A rank below another's lower bound that is only probable is no contradiction: it
    was unlucky, and the other tells more.

    >>> import tensorrank as tr
    >>> exact = tr.separation_rank(tr.SelfAttention(depth=1, width=2))
    >>> contradict(exact, exact), contradict(exact, tr.separation_rank(tr.SelfAttention(depth=2, width=2)))
    (False, True)
    """
    return any(a.upper is not None and b.lower > a.upper for a, b in ((one, other), (other, one)))


def worth(result: SeparationRank) -> tuple[bool, int, bool]:
    """What results that tell more have more of: exact ones win, then a higher certified bound, then a probable one."""
    return result.standing == "exact", result.lower, result.standing == "probable"

"""What speaks against a rank that somebody claims: what is proved of its model in closed form."""

from __future__ import annotations

from tensorrank.atlas.entry import Entry
from tensorrank.whole_numbers import abbreviated


def beyond_proof(entry: Entry) -> str | None:
    """What an entry claims beyond what is proved of its model in closed form, in words; None for nothing.

    No rank is above the proven upper bound, an exact one meets it, and none comes with a smaller upper bound.
    """
    rank, upper = entry.rank, entry.model.rank_bound(entry.partition)
    if upper is not None and rank.value > upper:
        return f"is beyond a proven bound: the rank is at most {abbreviated(upper)}"
    if rank.upper is None or (upper is not None and rank.upper >= upper):
        return None
    what = "is not exact" if rank.standing == "exact" else f"comes with the upper bound {abbreviated(rank.upper)}"
    return f"{what}: {'no upper bound is proved' if upper is None else f'the proven upper bound is {abbreviated(upper)}'}"


def below_proof(entry: Entry) -> str | None:
    """That a probable rank is below what is proved of its model, in words; None if it is not.

    Of two draws that were unlucky no certificate is wrong, and a file that has such a rank can be read.
    """
    if entry.rank.standing != "probable":
        return None
    lower = entry.model.generic_lower_bound(entry.partition)
    return f"is below a proven bound: the rank is at least {abbreviated(lower)}" if entry.rank.value < lower else None

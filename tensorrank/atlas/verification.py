"""An entry of an atlas, computed again: whether the computation repeats it, refutes it, or leaves it undecided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tensorrank.atlas.entry import Entry
from tensorrank.records import Record
from tensorrank.separation.result import SeparationRank
from tensorrank.whole_numbers import abbreviated

Outcome = Literal["repeated", "refuted", "undecided"]


@dataclass(frozen=True)
class Verification(Record):
    """An entry of an atlas and the rank that was computed for it anew.

    Attributes:
        entry: the entry.
        rank: the rank that was computed.
    """

    derived: ClassVar = ("outcome", "sentence")
    entry: Entry
    rank: SeparationRank

    @property
    def outcome(self) -> Outcome:
        """Whether the entry was "repeated", is "refuted", or "undecided", since less was computed than it says.

        - An entry is repeated by a rank of its value, and of its standing or a better one; if it is a lower bound, by
          any certified bound of at least as much.
        - It is refuted by a larger certified bound, unless it is a lower bound itself; by a smaller rank that was
          computed whole; by a proven bound that an exact rank does not meet; and by other ranks of its degrees.
        """
        known, found = self.entry.rank, self.rank
        whole = found.standing != "lower bound"
        if known.standing == "lower bound":
            smaller = found.lower < known.lower
            return "repeated" if not smaller else "refuted" if whole else "undecided"
        if found.lower > known.value or (whole and found.value < known.value) or self._difference is not None:
            return "refuted"
        return "repeated" if whole and found.value == known.value else "undecided"

    @property
    def sentence(self) -> str:
        """What came out, in one sentence; of a repeated entry with the primes that repeated it."""
        entry, found, outcome = self.entry, self.rank, self.outcome
        claim = f"{found.brief()} ({found.standing})"
        how = f"modulo {_listed(found.primes)}" if found.primes else "without a prime"
        if outcome == "repeated":
            more = f"; {claim} was found" if found.value > entry.rank.value else ""
            why = f", {found.reason}" if found.reason and not found.primes else ""
            return f"{entry.name} is {entry.claim}: repeated {how}{why}{more}"
        if outcome == "undecided":
            why = f": {found.reason}" if found.reason else ""
            return f"{entry.name} is {entry.claim} in the atlas, but only {claim} was computed {how}{why}"
        difference = self._difference if found.value == entry.rank.value else None
        if difference is not None:
            return f"{entry.name} is {entry.claim} {difference} {how}"
        return f"{entry.name} is {entry.claim} in the atlas, but {claim} was computed {how}"

    @property
    def _difference(self) -> str | None:
        """How what was computed differs from the entry beside the value, in words; None where it does not."""
        known, found = self.entry.rank, self.rank
        if found.value != known.value:
            return None
        if known.standing == "exact" and found.upper != known.value:
            bound = "no upper bound is known" if found.upper is None else f"the proven bound is {abbreviated(found.upper)}"
            return f"in the atlas, but {bound}, and its value was computed"
        ours, theirs = known.by_degree, found.by_degree
        if ours is None or theirs is None or ours == theirs:
            return None
        if len(ours) != len(theirs):
            return f"with {len(ours)} degrees in the atlas, but {len(theirs)} were computed"
        k = next(k for k, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
        return f"with rank {ours[k]} in degree {k} in the atlas, but {theirs[k]} was computed there"


def _listed(primes: tuple[int, ...]) -> str:
    *first, last = map(str, primes)
    return f"{', '.join(first)} and {last}" if first else last

"""Bipartitions of the sites of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise
from typing import Annotated, Any, Literal

from tensorrank.arguments import MOST_LISTED, MOST_THINGS, as_whole_number, listed, meant, shown, things
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import PartitionError
from tensorrank.notebook_tables import cell
from tensorrank.short_reprs import ShortRepr


@dataclass(frozen=True)
class Bipartition(ShortRepr):
    """A split of the sites 0..n-1 into two parts, A and B, neither of them empty.

    The order of the sites of a side is that of the inputs in a grid, and of the digits in an unfolding; no rank depends
    on it, and results list the sites in ascending order.

    Raises:
        PartitionError: if a site repeats, is missing, or a side is empty.

    >>> Bipartition((0, 1), (2, 3)) == Bipartition.halves(4)
    True
    >>> Bipartition.interleaved(5)
    Bipartition(a=(0, 2, 4), b=(1, 3))
    """

    a: tuple[int, ...]
    b: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", _sites(self.a, "A"))
        object.__setattr__(self, "b", _sites(self.b, "B"))
        seen = sorted(self.a + self.b)
        for side, sites in (("A", self.a), ("B", self.b)):
            if not sites:
                raise PartitionError(f"side {side} of the partition has no sites; expected at least one on each side")
        repeated = sorted({site for site, following in pairwise(seen) if site == following})
        if repeated:
            raise PartitionError(f"the partition repeats {_named(repeated)}; expected each site once, in A or in B")
        absent = seen[-1] + 1 - len(seen)
        if absent:
            inside = set(seen)
            # The largest site may be any number: no more of what is missing is listed than is shown.
            first = list(islice((site for site in count() if site not in inside), min(absent, MOST_LISTED)))
            raise PartitionError(
                f"the partition misses {_named(first, absent)}; expected every site from 0 to {shown(seen[-1])}, in A or in B"
            )

    def _in_a_cell(self) -> str:
        return f"{cell(self.a)} | {cell(self.b)}"

    @property
    def sites(self) -> int:
        """The number of sites on both sides together."""
        return len(self.a) + len(self.b)

    @classmethod
    def halves(cls, sites: int) -> Bipartition:
        """The first half of the sites (rounded down) against the rest: the default everywhere."""
        return cls.of(sites, range(_enough(sites) // 2))

    @classmethod
    def interleaved(cls, sites: int) -> Bipartition:
        """The even sites against the odd ones."""
        return cls.of(sites, range(0, _enough(sites), 2))

    @classmethod
    def of(cls, sites: int, a: Iterable[int]) -> Bipartition:
        """The given sites, side A, against all others among 0..sites-1.

        Raises:
            PartitionError: if a site is not among 0..sites-1, or as the class does.
        """
        sites, side = _enough(sites), _sites(a, "A")
        outside = [site for site in side if site >= sites]
        if outside:
            raise PartitionError(f"the partition names {_named(outside)}; the model has sites 0 to {sites - 1}")
        inside = set(side)
        return cls(side, tuple(site for site in range(sites) if site not in inside))

    def __str__(self) -> str:
        return f"{','.join(map(str, self.a))} | {','.join(map(str, self.b))}"


# The names of sites in their order. Only texts are names that users give: whole numbers are the numbers of sites.
SiteNames = Sequence[int | str]

# What is taken wherever a partition is: one itself, the name of one, or the sites of side A: numbers or names.
PartitionLike = Annotated[Bipartition | Literal["halves", "interleaved"] | Iterable[int | str], CHECKED_WHERE_USED]


def checked_partition(sites: int, partition: PartitionLike | None, names: SiteNames = ()) -> Bipartition:
    """The bipartition of so many sites that is meant by what a user gives; the halves if nothing is given.

    Args:
        sites: the number of sites.
        partition: what was given. Sites of side A are numbers or, where sites have names that are texts, these.
        names: the names of the sites, in their order; none by default.

    >>> checked_partition(4, "interleaved") == checked_partition(4, [0, 2]) == Bipartition((0, 2), (1, 3))
    True
    >>> checked_partition(3, ["rain", 2], ("sun", "rain", "wind"))
    Bipartition(a=(1, 2), b=(0,))
    """
    if isinstance(partition, Bipartition):
        if (own := partition.sites) != sites:
            raise PartitionError(f"the partition covers {own} sites; the model has {sites} (0 to {sites - 1})")
        return partition
    if partition is None or (isinstance(partition, str) and partition == "halves"):
        return Bipartition.halves(sites)
    if isinstance(partition, str) and partition == "interleaved":
        return Bipartition.interleaved(sites)
    if isinstance(partition, Mapping):
        raise PartitionError(
            f"the partition is {shown(partition)}; expected two sides. If these are weights, give them by name: weights=..."
        )
    side = things(partition)
    if side is None:
        raise PartitionError(
            f"the partition is {shown(partition)}; expected 'halves', 'interleaved', the sites of side A, or a Bipartition, "
            f"such as Bipartition.halves({shown(sites)})"
        )
    return Bipartition.of(sites, [numbered(site, names) for site in side])


def numbered(site: Any, names: SiteNames) -> Any:
    """The number of a site that a user gave by its name; what is no text is returned as it is.

    Raises:
        PartitionError: for a text that names no site.

    >>> numbered("rain", ("sun", "rain")), numbered(1, ("sun", "rain"))
    (1, 1)
    """
    if not isinstance(site, str):
        return site
    known = [name for name in names if isinstance(name, str)]
    if site in known:
        return names.index(site)
    if not known:
        raise PartitionError(f"the site {shown(site)} was given; expected a whole number from 0, for these sites have no names")
    raise PartitionError(
        f"the site {shown(site)} was given; expected one of {listed(known)}, or its number{meant(site, known)}"
    )


def _sites(sites: Iterable[int], side: str) -> tuple[int, ...]:
    found = things(sites)
    if found is None:
        raise PartitionError(f"side {side} of the partition is {shown(sites)}; expected a list of sites, such as (0, 1)")
    numbers = []
    for site in found:
        number = site if type(site) is int else as_whole_number(site)
        if number is None or number < 0:
            raise PartitionError(f"side {side} of the partition names {shown(site)}; sites are whole numbers from 0")
        numbers.append(number)
    return tuple(numbers)


def _enough(sites: int) -> int:
    number = as_whole_number(sites)
    if number is None or not 2 <= number <= MOST_THINGS:
        many = "at least 2" if number is None or number < 2 else f"at most {MOST_THINGS}, since it lists all sites"
        raise PartitionError(f"a bipartition of {shown(sites)} sites was asked for; expected {many}")
    return number


def _named(sites: list[int], count: int | None = None) -> str:
    return f"site{'s' if len(sites) > 1 else ''} {listed(sites, count)}"

"""Lower bounds of models that contain others: the larger model has at least the rank of the smaller.

An architecture says which others it contains (`Architecture.contains`), with a proof. Whoever computes the ranks of
several models passes them through `all_raised`, or one after the other through `raised`, so that no bound that is shown
is below one shown beside it. What is raised names the model that its bound comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tensorrank.separation.architecture import Model, as_architecture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.whole_numbers import abbreviated


@dataclass(frozen=True)
class Ranked:
    """A model with its separation rank for almost all weights.

    Attributes:
        model: the model, whose weights were drawn.
        partition: the two sides.
        rank: its separation rank.
    """

    model: Model
    partition: Bipartition
    rank: SeparationRank


def raised(one: Ranked, others: Sequence[Ranked]) -> SeparationRank:
    """The rank of a model, no less than what is certified of the others that it contains.

    A bound that is raised has the standing "lower bound", or "exact" where it meets the upper bound, and its reason
    names the model that it comes from. Upper bounds stay. Numerical ranks prove nothing, and are left as they are.

    Raises:
        TensorRankError: if the bound that is certified of a contained model exceeds the proven upper bound of this one,
            which means that one of them is wrong.

    >>> import tensorrank as tr
    >>> wide, narrow = (tr.SelfAttention(2, 4 * heads, heads=heads, tokens=8) for heads in (2, 1))
    >>> halves = Bipartition.halves(8)
    >>> bound, exact = tr.separation_rank(wide, work=1), tr.separation_rank(narrow)
    >>> found = raised(Ranked(wide, halves, bound), [Ranked(narrow, halves, exact)])
    >>> bound.value < exact.value, found.value, found.standing
    (True, 110, 'lower bound')
    >>> found.reason
    'contains SelfAttention(depth=2, width=4, heads=1, head_dim=4, tokens=8), whose rank is 110 (exact)'
    """
    larger = [other for other in others if other.rank.lower > one.rank.lower]
    if one.rank.standing == "numerical" or not larger:
        return one.rank
    contains = as_architecture(one.model).contains
    # The first that is contained has the largest bound.
    larger.sort(key=lambda other: -other.rank.lower)
    source = next((other for other in larger if contains(one.partition, other.model, other.partition)), None)
    if source is None:
        return one.rank
    certified = source.rank.lower
    met = certified == one.rank.upper
    known = f"{abbreviated(certified)} (exact)" if source.rank.standing == "exact" else f"at least {abbreviated(certified)}"
    return replace(
        one.rank,
        value=certified,
        lower=certified,
        standing="exact" if met else "lower bound",
        by_degree=None,
        failure_probability=0.0 if met else None,
        reason=f"contains {source.model}, whose rank is {known}",
    )


def all_raised(ranked: Sequence[Ranked]) -> list[SeparationRank]:
    """The ranks of several models, in their order: none is less than what is certified of a model that it contains.

    Raises:
        TensorRankError: as `raised` does.
    """
    found = list(ranked)
    news = found
    while news:
        # Usually once: a model contains what is inside of those that it contains.
        before, found = found, [replace(one, rank=raised(one, news)) for one in found]
        news = [one for one, old in zip(found, before, strict=True) if one.rank.lower > old.rank.lower]
    return [one.rank for one in found]

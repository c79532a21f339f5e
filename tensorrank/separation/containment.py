"""Lower bounds of models that contain others: the larger model has at least the rank of the smaller.

An architecture says which others it contains (`Architecture.contains`), with a proof. Whoever computes ranks of several
models together passes them through `raised`, so that no bound that is printed is below one printed beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tensorrank.separation.architecture import Model, as_architecture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank


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
    names the model that it comes from. Numerical ranks prove nothing, and are left as they are.

    >>> import tensorrank as tr
    >>> wide, narrow = (tr.SelfAttention(2, width, tokens=6) for width in (16, 3))
    >>> halves = Bipartition.halves(6)
    >>> bound, exact = tr.separation_rank(wide, work=1e7), tr.separation_rank(narrow)
    >>> found = raised(Ranked(wide, halves, bound), [Ranked(narrow, halves, exact)])
    >>> bound.value < exact.value, found.value, found.standing
    (True, 49, 'lower bound')
    """
    best, source = one.rank, None
    if one.rank.standing == "numerical":
        return best
    architecture = as_architecture(one.model)
    for other in others:
        certified = other.rank.lower
        if certified > best.lower and architecture.contains(one.partition, other.model, other.partition):
            source = other
            best = replace(
                best,
                value=certified,
                lower=certified,
                standing="exact" if certified == best.upper else "lower bound",
                by_degree=None,
                failure_probability=0.0 if certified == best.upper else None,
            )
    if source is None:
        return best
    return replace(best, reason=None if best.standing == "exact" else f"{source.model}, which it contains, has at least that")

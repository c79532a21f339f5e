"""Why a model has no small form of some kind: the rank of an unfolding that every such form would have to reach."""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.arguments import listed
from tensorrank.mixtures.kinds import unit_of
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import AnyGoal
from tensorrank.mixtures.reductions.unfoldings import Unfolding
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.rounding import RoundedRank, allowance, rounded_rank


@dataclass(frozen=True)
class Obstruction(Record):
    """The answer of `reduce` where the result would be too large: what every form of the kind wanted needs at least.

    Attributes:
        source: the kind of the model that was given.
        target: the kind that was asked for.
        states: every such form has at least so many classes, or hidden states at one place; it may need more.
        size: every such form therefore has at least so many table entries; of a sum-product network, edges.
        unfolding: the unfolding whose rank forbids fewer states; None where only the number of variables was used.
        numerical: the numerical rank of this unfolding, where tables are floats and it is smaller. Then a form of fewer
            states may be equal within rounding, as `check_reduction` judges. None otherwise, and for networks with
            loops, whose values in floats are not looked at.
        needed: the size of the form that is known, which is larger than the limit.
        limit: the size that was allowed.
        theorem: why, in a sentence.

    Sources: the rank of an unfolding bounds nonnegative ranks, Cohen, Shashua, Inductive bias of deep convolutional
    networks through pooling geometry (ICLR 2017); Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural
    networks (ICLR 2018).

    >>> import tensorrank as tr
    >>> found = tr.reduce(tr.HiddenMarkov.random(2, 2, length=8, seed=0), "latent_class", limit=100)
    >>> found.states, found.size, found.needed
    (16, 272, 272)
    """

    source: str
    target: str
    states: int
    size: int
    unfolding: Unfolding | None
    needed: int
    limit: int
    theorem: str
    numerical: RoundedRank | None = None

    def __str__(self) -> str:
        unit = unit_of(self.target)
        return (
            f"no {self.target} of at most {self.limit} {unit} was made of this {self.source}: the one known has "
            f"{self.needed} {unit}; {self.theorem}"
        )


def obstruction(model: Mixture, goal: AnyGoal, needed: int, limit: int, *, step: int | None = None) -> Obstruction:
    """What every form of a model has at least, if it is of the kind of the goal.

    The size of the form that is known, `needed`, is beyond the limit. A chain is expected to need the most states at
    the step; several steps are tried if None.
    """
    least = goal.least(model, step)
    found = least.unfolding
    numerical = None
    states = 1 if found is None else found.rank if least.states is None else least.states
    if found is None:
        theorem = f"at least {least.size} {least.what}"
    else:
        of = "" if len(found.variables) == model.sites else f" of the marginal of {len(found.variables)} variables"
        reason = "no smaller rank" if states == found.rank else f"the rank {found.rank}, at most r (r + 1) / 2 of r states"
        theorem = f"at least {states} {least.what}: the unfolding{of} with {listed(found.a)} on one side has {reason}"
        numerical = _within_rounding(model, found)
        if numerical is not None:
            theorem += f"; that holds for the tables as stored, but {numerical.sentence}"
    return Obstruction(model.kind, goal.model.kind, states, least.size, found, needed, limit, theorem, numerical)


def _within_rounding(model: Mixture, found: Unfolding) -> RoundedRank | None:
    """The numerical rank of an unfolding of floats, if it is below the exact one and does not cost much."""
    if model.over_fractions or model.has_loops or found.rank == 1:
        return None
    whole = len(found.variables) == model.sites
    function = model.architecture() if whole else model.marginal_network(found.variables).architecture()
    split = Bipartition.of(len(found.variables), [found.variables.index(site) for site in found.a])
    return rounded_rank(function.in_floats(split, None, allowance(0), found.rank), found.rank)

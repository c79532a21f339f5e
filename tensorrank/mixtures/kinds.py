"""The kinds of mixtures by the names that files and the command line give them."""

from __future__ import annotations

from tensorrank.mixtures.reductions.goal import AnyGoal
from tensorrank.mixtures.reductions.to_hidden_markov import HiddenMarkovGoal
from tensorrank.mixtures.reductions.to_hierarchical import HierarchicalGoal
from tensorrank.mixtures.reductions.to_latent_class import LatentClassGoal
from tensorrank.mixtures.reductions.to_latent_tree import LatentTreeGoal
from tensorrank.mixtures.reductions.to_squared import SquaredGoal
from tensorrank.mixtures.reductions.to_sum_product import SumProductGoal
from tensorrank.mixtures.reductions.to_tensorial_mixture import TensorialMixtureGoal

# Each kind with its class, `KINDS[name].model`, and with what other kinds need to know to be reduced to it.
KINDS: dict[str, AnyGoal] = {
    "latent_class": LatentClassGoal(),
    "hidden_markov": HiddenMarkovGoal(),
    "latent_tree": LatentTreeGoal(),
    "tensorial_mixture": TensorialMixtureGoal(),
    "hierarchical": HierarchicalGoal(),
    "sum_product": SumProductGoal(),
    "squared": SquaredGoal(),
}


def unit_of(kind: str) -> str:
    """In what sizes of a kind of model are counted; entries, of tables, for a kind that is not known here.

    >>> unit_of("sum_product"), unit_of("hidden_markov")
    ('edges', 'entries')
    """
    return KINDS[kind].model.unit if kind in KINDS else "entries"

"""The kinds of mixtures by the names that files and the command line give them."""

from __future__ import annotations

from tensorrank.mixtures.reductions.goal import AnyGoal
from tensorrank.mixtures.reductions.to_hidden_markov import HiddenMarkovGoal
from tensorrank.mixtures.reductions.to_hierarchical import HierarchicalGoal
from tensorrank.mixtures.reductions.to_latent_class import LatentClassGoal
from tensorrank.mixtures.reductions.to_latent_tree import LatentTreeGoal
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
}

"""What the theory says about the size of a model's other forms."""

from __future__ import annotations

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import SizeBound, latent_tree_of


def size_bound(source: Mixture, target: Mixture) -> SizeBound:
    """The bound on the size of the target's kind of form of the source, from the sizes of the source alone.

    Raises:
        TensorRankError: if the target is of no registered kind.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), for linear sizes; Khrulkov, Novikov,
    Oseledets, Expressive power of recurrent neural networks (ICLR 2018), for ranks of chains and balanced trees.
    """
    if target.kind not in KINDS:
        raise TensorRankError(f"the model is {target!r}; expected one of the kinds {', '.join(KINDS)}")
    goal, way = KINDS[target.kind], source.way()
    bound = goal.shortcut_bound(source, target)
    if bound is not None:
        return bound
    if way.classes is None:
        bound = goal.bound(latent_tree_of(source), source, target)
    else:
        bound = goal.bound_of_classes(way.classes, source, target)
    return SizeBound(bound.size, way.words + bound.theorem)

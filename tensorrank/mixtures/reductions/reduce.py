"""`reduce`: one mixture model as another, with the tables copied wherever the theory allows."""

from __future__ import annotations

from itertools import pairwise

from tensorrank.arguments import nearest, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.balanced import (
    chain_of_classes,
    check_power_of_two,
    is_balanced,
    mixture_of_tree,
    tree_of_classes,
)
from tensorrank.mixtures.reductions.chain_to_balanced import balanced_entries, balanced_of
from tensorrank.mixtures.reductions.class_counts import fewest_classes
from tensorrank.mixtures.reductions.copied import hierarchical_entries, hierarchical_of, sum_product_of
from tensorrank.mixtures.reductions.obstruction import Obstruction, obstruction
from tensorrank.mixtures.reductions.pair_latents import latent_tree_of, pair_entries
from tensorrank.mixtures.reductions.tree_to_chain import chain_states, hidden_markov_of
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.mixtures.tree_shaped import TreeShaped

# Without a limit of the user's, sizes up to this, or twice the model's own, are built.
_LIMIT = 10**6


class _TooLargeError(Exception):
    """A form, on the way or at the end, that is larger than allowed; of a chain the step of most states."""

    def __init__(self, size: int, step: int | None = None) -> None:
        super().__init__(size)
        self.size = size
        self.step = step


def reduce(model: Mixture, to: str, *, tree: str = "own", limit: int | None = None) -> Mixture | Obstruction:
    """The same density as a model of another kind, or the lower bound that forbids a small one.

    Hidden Markov models, latent class models and tensorial mixtures are latent trees; those go to the hierarchical
    format and to sum-product networks with the same tables. The hierarchical format becomes a latent tree of the pairs
    of functions at its nodes, a self-similar network its dimension tree. Chains go to the balanced tree with ranks of
    at most r^2, trees to chains through sets of hidden variables that separate them. A latent class model needs a class
    for each state of the hidden variables that separate all others: exponentially many in general. Other reductions go
    by way of these.

    Args:
        model: one of the mixture models.
        to: the kind wanted: "latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "hierarchical" or
            "sum_product".
        tree: for the hierarchical format, "own" keeps the model's tree, "balanced" takes the balanced one over the
            variables in their order.
        limit: the largest size of the result: table entries, or edges; 10^6, or twice the model's own size, if None.

    Returns:
        The model itself if it is of this kind already; else a model, equal for exact tables and, where all tables are
        copied, for floats; see `check_reduction`. An `Obstruction` where the result would be larger than the limit:
        what every model of the kind needs at least.

    Raises:
        TensorRankError: for another kind or tree, or variables that a tensorial mixture cannot have.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018); Khrulkov, Novikov, Oseledets (ICLR
    2018) for ranks of chains and balanced trees.

    >>> chain = HiddenMarkov.random(2, 2, length=8, seed=0)
    >>> reduce(chain, "sum_product")
    SumProduct(8 variables, 45 nodes, 58 edges)
    >>> reduce(chain, "latent_class")
    LatentClass(8 variables, 16 classes, 2 values)
    >>> reduce(chain, "latent_class", limit=100).states
    16
    """
    if to not in KINDS:
        raise TensorRankError(f"the kind {to!r} is unknown; {nearest(str(to), KINDS)}")
    if tree not in ("own", "balanced"):
        raise TensorRankError(f"the tree is {tree!r}; expected 'own' or 'balanced'")
    if tree == "balanced" and to != "hierarchical":
        raise TensorRankError(f"a balanced tree was asked for with {to}; expected the kind hierarchical, or 'own'")
    if not isinstance(model, Mixture):
        raise TensorRankError(f"the model is {model!r}; expected a mixture model, such as HiddenMarkov")
    if isinstance(model, KINDS[to]) and tree == "own":
        return model
    if to == "tensorial_mixture":
        check_power_of_two(model.sites)
    limit = max(_LIMIT, 2 * model.size) if limit is None else whole_number("limit", limit, 1)
    try:
        found = _reduced(model, to, tree, limit)
        if found.size <= limit:
            return found
        raise _TooLargeError(found.size)
    except _TooLargeError as error:
        return obstruction(model, to, error.size, limit, on_balanced_tree=tree == "balanced", step=error.step)


def _reduced(model: Mixture, to: str, tree: str, limit: int) -> Mixture:
    if to == "latent_class":
        return _as_classes(model, limit)
    if isinstance(model, SumProduct):
        model = model.dimension_tree or _as_classes(model, limit)
    match to:
        case "latent_tree":
            return _as_tree(model, limit)
        case "sum_product":
            return sum_product_of(_as_tree(model, limit))
        case "hidden_markov":
            return _as_chain(model, limit)
        case "tensorial_mixture":
            return _as_balanced(model, limit)
        case _:
            if tree == "balanced":
                return _on_the_balanced_tree(model, limit)
            return model if isinstance(model, Hierarchical) else _copied(_as_tree(model, limit), limit)


def _copied(tree: LatentTree, limit: int) -> Hierarchical:
    if hierarchical_entries(tree) > limit:
        raise _TooLargeError(hierarchical_entries(tree))
    return hierarchical_of(tree)


def _as_tree(model: Mixture, limit: int) -> LatentTree:
    """The model as a latent tree."""
    match model:
        case LatentTree() | TreeShaped():
            return model.latent_tree()
        case Hierarchical():
            return _of_pairs(model, limit)
    raise TensorRankError(f"the model is {model!r}; expected one of the kinds {', '.join(KINDS)}")


def _of_pairs(model: Hierarchical, limit: int) -> LatentTree:
    entries = pair_entries(model)
    if entries > limit:
        raise _TooLargeError(entries)
    return latent_tree_of(model)


def _as_classes(model: Mixture, limit: int) -> LatentClass:
    if isinstance(model, Hierarchical) and pair_entries(model) > limit:
        raise _TooLargeError(pair_entries(model))
    found = fewest_classes(model)
    entries = found.count * (1 + sum(model.shape))
    if entries > limit:
        raise _TooLargeError(entries)
    return found.build()


def _as_chain(model: Mixture, limit: int) -> HiddenMarkov:
    if isinstance(model, HiddenMarkov):
        return model
    if isinstance(model, LatentClass):
        return chain_of_classes(model)
    tree = _as_tree(model, limit)
    states = chain_states(tree)
    entries = states[0] + sum(a * b for a, b in pairwise(states))
    entries += sum(a * k for a, k in zip(states, model.shape, strict=True))
    if entries > limit:
        raise _TooLargeError(entries, states.index(max(states)))
    return hidden_markov_of(tree)


def _on_the_balanced_tree(model: Mixture, limit: int) -> Hierarchical:
    if isinstance(model, LatentClass):
        return _copied(tree_of_classes(model), limit)
    if isinstance(model, Hierarchical) and is_balanced(model):
        return model
    if not isinstance(model, HiddenMarkov):
        tree = _as_tree(model, limit)
        if is_balanced(tree):
            return _copied(tree, limit)
    return _by_a_chain(model, limit, binary=False)


def _by_a_chain(model: Mixture, limit: int, *, binary: bool) -> Hierarchical:
    chain = _as_chain(model, limit)
    entries = balanced_entries(chain)
    if entries > limit:
        raise _TooLargeError(entries)
    return balanced_of(chain, binary=binary)


def _as_balanced(model: Mixture, limit: int) -> TensorialMixture:
    tree = tree_of_classes(model) if isinstance(model, LatentClass) else _as_tree(model, limit)
    found = mixture_of_tree(tree) or mixture_of_tree(_of_pairs(_by_a_chain(model, limit, binary=True), limit))
    if found is None:
        raise AssertionError("the balanced format is on the balanced tree")
    return found

"""`reduce`: one mixture model as another, with the tables copied wherever the theory allows."""

from __future__ import annotations

from typing import Annotated, Literal

from tensorrank.arguments import nearest, one_of, shown, whole_number
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import AnyGoal
from tensorrank.mixtures.reductions.obstruction import Obstruction, obstruction
from tensorrank.mixtures.reductions.to_hierarchical import BalancedGoal
from tensorrank.mixtures.tables import entry_bytes
from tensorrank.mixtures.way import TooLargeError
from tensorrank.whole_numbers import abbreviated

Kind = Annotated[
    Literal["latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "hierarchical", "sum_product", "squared"],
    CHECKED_WHERE_USED,
]
Tree = Annotated[Literal["own", "balanced"], CHECKED_WHERE_USED]
# The largest size that is built where the user gives no limit, unless twice the model's own is larger.
_LIMIT = 10**6


def reduce(model: Mixture, to: Kind, *, tree: Tree = "own", limit: int | None = None) -> Mixture | Obstruction:
    """A model of another kind with the same density, or the lower bound that forbids a small one.

    Most reductions lead through a latent tree. Hidden Markov models, latent class models and tensorial mixtures are
    latent trees. The hierarchical format becomes a tree of the pairs of functions at its nodes. A self-similar
    sum-product network becomes its dimension tree, another one a latent class model of its induced trees.

    From a latent tree the hierarchical format and sum-product networks are made with the same tables. Hidden Markov
    models are made with sets of hidden variables that separate the steps, latent class models with a class for each
    state of hidden variables that separate all others: exponentially many in general. Chains go to the balanced tree
    directly, with ranks of at most r^2. A latent tree is a squared mixture with the same tables, all of whose hidden
    variables are summed. Of other squared mixtures no small model without signs is known: they become latent class
    models of their joint values, where these are few.

    Args:
        model: one of the mixture models.
        to: the kind wanted: "latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "hierarchical",
            "sum_product" or "squared".
        tree: for the hierarchical format, "own" keeps the model's tree, "balanced" takes the balanced one over the
            variables in their order.
        limit: the largest size of the result: table entries, or edges; 10^6, or twice the model's own size, if None.

    Returns:
        The model itself if it is of this kind already. Otherwise a model of the same density: without rounding for
        fractions, and for floats where all tables are copied (see `check_reduction`). An `Obstruction`, what every
        model of the kind needs at least, where the result would be larger than the limit.

    Raises:
        TensorRankError: for another kind or tree, variables that a tensorial mixture cannot have, or a result within
            the limit that would not fit in memory.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018); Khrulkov, Novikov, Oseledets (ICLR
    2018) for ranks of chains and balanced trees.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> chain = HiddenMarkov.random(2, 2, length=8, seed=0)
    >>> reduce(chain, "sum_product")
    SumProduct(8 variables, 45 nodes, 58 edges)
    >>> reduce(chain, "latent_class")
    LatentClass(8 variables, 16 classes, 2 values)
    >>> reduce(chain, "latent_class", limit=100).states
    16
    """
    if not isinstance(to, str) or to not in KINDS:
        name = to.kind if isinstance(to, type) and issubclass(to, Mixture) else to
        raise TensorRankError(f"the kind {shown(to)} is unknown; {nearest(name, KINDS)}")
    one_of("the tree", tree, ("own", "balanced"))
    if tree == "balanced" and to != BalancedGoal.model.kind:
        raise TensorRankError(f"a balanced tree was asked for with {to}; expected the kind hierarchical, or 'own'")
    if not isinstance(model, Mixture):
        raise TensorRankError(f"the model is {shown(model)}; expected a mixture model, such as HiddenMarkov")
    goal = BalancedGoal() if tree == "balanced" else KINDS[to]
    if isinstance(model, goal.model) and tree == "own":
        return model
    limit = max(_LIMIT, 2 * model.size) if limit is None else whole_number("limit", limit, 1)
    memory, entry = memory_limit(None), entry_bytes(fractions=model.over_fractions)
    try:
        found = _reduced(model, goal, min(limit, memory // entry))
        if found.size <= limit:
            return found
        raise TooLargeError(found.size)
    except TooLargeError as error:
        if error.size <= limit:
            what = f"a {goal.model.kind} of {abbreviated(error.size)} {goal.model.unit}"
            refuse_beyond(memory, error.size * entry, what, "a smaller limit, to be told what a small one would need")
        return obstruction(model, goal, error.size, limit, step=error.step)


def _reduced(model: Mixture, goal: AnyGoal, limit: int) -> Mixture:
    """The model in the goal's form, by a shortcut of the goal or one step nearer to a latent tree."""
    found: Mixture | None = goal.shortcut(model, limit)
    if found is not None:
        return found
    if isinstance(model, LatentTree):
        made: Mixture = goal.of_tree(model, limit)
        return made
    return _reduced(model.toward_tree(limit), goal, limit)

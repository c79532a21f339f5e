"""The oracle of conditional gradients: the largest entries of a coefficient tensor, and how far they are proved."""

from __future__ import annotations

from typing import Literal, get_args

from tensorrank.arguments import one_of, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.best_first import best_first
from tensorrank.mixtures.approximation.best_of_tree import Best, best_of_tree
from tensorrank.mixtures.approximation.envelopes import is_tree
from tensorrank.mixtures.mixture import Mixture

Oracle = Literal["auto", "tree", "best first"]
ORACLES = get_args(Oracle)


def best_entries(model: Mixture, count: int, *, oracle: str = "auto", nodes: int = 200_000) -> Best:
    """The largest entries of a model's coefficient tensor W; exact where the search closes.

    With hidden variables the problem is marginal MAP, for which no fast method is known in general. On trees, bounds
    from both sides of each node nearly always close (`best_of_tree`). Any other model is searched best first
    (`best_first`).

    Entries are numbered by components if the model has Gaussian ones. There are fewer entries than asked for where no
    others are positive. `approximate` says what the oracle and nodes are.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> best_entries(HiddenMarkov.random(2, 3, length=64, seed=0), 100).proved
    100
    """
    count = whole_number("count", count, 1)
    check_search(oracle, nodes)
    tree = is_tree(model.circuit)
    if oracle == "tree" and not tree:
        raise TensorRankError(f"the oracle 'tree' was asked for {model!r}, whose parts are shared; try 'best first'")
    if tree and oracle != "best first":
        return best_of_tree(model.circuit, count)
    return best_first(model.circuit, model.shape, count, nodes=nodes)


def check_search(oracle: str, nodes: int) -> None:
    """Checks the oracle and the number of nodes of a search."""
    whole_number("nodes", nodes, 1)
    one_of("the oracle", oracle, ORACLES)

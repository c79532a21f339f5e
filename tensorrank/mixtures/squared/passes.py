"""Passes over a tree of amplitudes: densities from the leaves up, and from the root down posteriors and samples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.rooted_tree import RootedTree
from tensorrank.mixtures.squared.messages import LogTable, Message, at_values, known_values, product, through

# What a leaf tells its parent, given its name and the matrix over its values of everything else.
AtLeaf = Callable[[Name, Message], Message]


@dataclass
class _Frame:
    """A hidden variable whose children are being visited, one after the other.

    Attributes:
        name: the hidden variable.
        outside: the matrix over its states of everything that is not below it.
        children: those that are left.
        after: for each of them what the children after it tell.
        inside: what the children tell that were visited, as one message at most.
    """

    name: Name
    outside: Message
    children: list[Name]
    after: list[Message | None]
    inside: list[Message] = field(default_factory=list)


class SquaredPasses:
    """Passes over a rooted tree of amplitudes, in which some hidden variables are summed after squaring.

    Attributes:
        tree: the tree.
        summed: the names of the hidden variables that are summed.
    """

    def __init__(self, tree: RootedTree, summed: Collection[Name], weighted: Callable[[Name], bool]) -> None:
        self.tree, self.summed = tree, frozenset(summed)
        self._site = {name: site for site, name in enumerate(tree.leaves)}
        known: dict[tuple[int, bool], LogTable] = {}
        self._tables: dict[Name, LogTable] = {}
        for name in tree.order:
            table, weights = tree.table(name), weighted(name)
            key = (id(tree.prior if name == tree.root else table), weights)
            if key not in known:
                known[key] = LogTable.of(table, weights=weights)
            self._tables[name] = known[key]

    def logs(self, codes: Integers) -> Floats:
        """The logarithm of the sum of squares in each row of codes, (rows, variables), MISSING where unknown."""
        found = np.empty(len(codes))
        whole = (codes != MISSING).all(axis=1)
        # Where all is known a matrix is a single column, the amplitudes.
        for rows in (np.flatnonzero(whole), np.flatnonzero(~whole)):
            if rows.size:
                found[rows] = 2 * self._upward(codes[rows])
        return found

    def posteriors(self, codes: Integers) -> tuple[dict[Name, Floats], Floats]:
        """The probabilities of the values of each variable, and of the states of each summed one, given each row.

        Returns:
            By name an array (rows, states), of no meaning in rows of density 0; and the logarithms of `logs`.
        """
        told: dict[Name, Message] = {}
        logs = 2 * self._upward(codes, told)
        found: dict[Name, Floats] = {}

        def known(name: Name, others: Message) -> Message:
            values = known_values(codes[:, self._site[name]], others.logs.shape[1])
            found[name] = _shares(others.logs + values.logs)
            return told[name]

        self._downward(told, known, found)
        return found, logs

    def sample(self, count: int, rng: np.random.Generator) -> Integers:
        """Rows sampled from the density, (count, variables), one variable after the other given those before."""
        told: dict[Name, Message] = {}
        self._upward(np.full((1, len(self._site)), MISSING), told)
        codes = np.empty((count, len(self._site)), dtype=np.int64)

        def chosen(name: Name, others: Message) -> Message:
            cumulative = np.cumsum(_shares(others.logs), axis=1)
            least = rng.random(count) * cumulative[:, -1]
            picked: Integers = (cumulative <= least[:, None]).sum(axis=1)
            # What rounds up to the total must not fall on a last value of 0.
            last = others.logs.shape[1] - 1 - np.argmax(np.isfinite(others.logs)[:, ::-1], axis=1)
            codes[:, self._site[name]] = np.minimum(picked, last)
            return self._at_leaf(name, codes)

        self._downward(told, chosen, {})
        return codes

    def _upward(self, codes: Integers, told: dict[Name, Message] | None = None) -> Floats:
        """Half the logarithm of the whole in each row; what each node tells its parent is added to `told`."""
        waiting: dict[Name, Message] = {}
        for name in reversed(self.tree.order):
            if name in self._site:
                waiting[name] = self._at_leaf(name, codes)
            else:
                waiting[name] = self._sent(name, product([waiting.pop(child) for child in self.tree.children[name]]))
            if told is not None:
                told[name] = waiting[name]
        return waiting[self.tree.root].logs[:, 0]

    def _at_leaf(self, name: Name, codes: Integers) -> Message:
        return at_values(self._tables[name], codes[:, self._site[name]], diagonal=self._below_summed(name))

    def _sent(self, name: Name, inside: Message) -> Message:
        return through(self._tables[name], inside, summed=name in self.summed, diagonal=self._below_summed(name))

    def _below_summed(self, name: Name) -> bool:
        return name != self.tree.root and self.tree.parent(name) in self.summed

    def _downward(self, told: Mapping[Name, Message], at_leaf: AtLeaf, found: dict[Name, Floats]) -> None:
        """Visit all nodes from the root down, in order of depth, the children of a node one after the other.

        What a leaf tells in the end, `at_leaf` says; what is found of summed variables on the way is added to `found`.
        """
        one = Message(np.zeros((1, 1)), np.ones((1, 1, 1)))
        frames = [self._frame(self.tree.root, self._reached(self.tree.root, one, summed=False), told, found)]
        while frames:
            frame = frames[-1]
            if not frame.children:
                frames.pop()
                if frames:
                    frames[-1].inside.append(self._sent(frame.name, product(frame.inside)))
                continue
            child, after = frame.children.pop(), frame.after.pop()
            others = product([frame.outside, *_joined(frame.inside), *([] if after is None else [after])])
            below = self._reached(child, others, summed=frame.name in self.summed)
            if child in self._site:
                frame.inside.append(at_leaf(child, below))
            else:
                frames.append(self._frame(child, below, told, found))

    def _reached(self, name: Name, outside: Message, *, summed: bool) -> Message:
        """The matrix over a node's states from that over its parent's, of everything that is not below the node."""
        apart = name in self.summed or name in self._site
        return through(self._tables[name].transposed, outside, summed=summed, diagonal=apart)

    def _frame(self, name: Name, outside: Message, told: Mapping[Name, Message], found: dict[Name, Floats]) -> _Frame:
        children = list(reversed(self.tree.children[name]))
        after: list[Message | None] = [None]
        for child in children[:-1]:
            after.append(told[child] if after[-1] is None else product([after[-1], told[child]]))
        if name in self.summed:
            whole = [outside, told[children[-1]], *([] if after[-1] is None else [after[-1]])]
            found[name] = _shares(product(whole).logs)
        return _Frame(name, outside, children, after)


def _joined(messages: list[Message]) -> list[Message]:
    """The messages as one at most, which takes their place."""
    if len(messages) > 1:
        messages[:] = [product(messages)]
    return messages


def _shares(logs: Floats) -> Floats:
    """The shares of squares whose halved logarithms are given, (rows, states)."""
    top = logs.max(axis=1, keepdims=True)
    squares = np.exp(2 * (logs - np.where(np.isneginf(top), 0.0, top)))
    total = squares.sum(axis=1, keepdims=True)
    return np.asarray(squares / np.where(total > 0, total, 1.0))

"""Contractions as expressions: their legs, the path of pairs that contracts them, what it costs, and its evaluation."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from math import prod
from typing import Any

from opt_einsum import contract_path, get_symbol
from opt_einsum.paths import PathOptimizer, greedy

from tensorrank.networks.contraction import Operand, contracted
from tensorrank.networks.contraction_order import greedy_pairs

Legs = tuple[str, ...]
Path = tuple[tuple[int, ...], ...]

# What a message tells to try where a contraction does not fit into memory.
SMALLER = "a grid of fewer rows and columns, smaller bond dimensions, or more memory"

_ENTRY_BYTES = 8
# Paths are sought with dimensions capped at each of these; the first cap leaves them as they are.
_CAPS = (2**62, 64, 16, 4, 2)
# opt_einsum's time grows faster than the square of the operands, so more of them than this are left to our own search,
# with such caps: with others it finds hardly anything better, in more time.
_MOST_SEARCHED = 64
_CAPS_OF_MANY = (4, 2)


@dataclass(frozen=True)
class ContractionStep:
    """One pairwise contraction of a path; for a single tensor, the ordering of its legs.

    Attributes:
        operands: the numbers of the two that are contracted: the expression's operands come first, then the results of
            earlier steps.
        legs: the legs of the result.
        entries: the size of the result.
        operations: multiplications and additions.
        batched: whether legs that both operands have are kept, so that the step is no single matrix product.
    """

    operands: tuple[int, ...]
    legs: Legs
    entries: int
    operations: int
    batched: bool


@dataclass(frozen=True)
class Expression:
    """A sum of products of operands over all legs that are not in the output, with the path of its contraction.

    Attributes:
        operands: the legs of each operand.
        output: the legs of the result, in order.
        sizes: the dimension of each leg, as pairs.
        path: for each step the positions of its operands among those not yet contracted, as opt_einsum writes it.

    >>> chain = Expression.of([("i", "j"), ("j", "k"), ("k",)], ("i",), {"i": 4, "j": 3, "k": 2})
    >>> [(step.operands, step.legs, step.operations) for step in chain.steps]
    [((1, 2), ('j',), 12), ((0, 3), ('i',), 24)]
    """

    operands: tuple[Legs, ...]
    output: Legs
    sizes: tuple[tuple[str, int], ...]
    path: Path

    @classmethod
    def of(cls, operands: Sequence[Legs], output: Legs, sizes: Mapping[str, int]) -> Expression:
        """The expression with the best path found for it: by opt_einsum, or by `greedy_pairs` for many operands."""
        legs = sorted(set(chain(*operands)))
        search = _best if len(operands) <= _MOST_SEARCHED else _best_of_many
        return search(tuple(operands), output, tuple((leg, sizes[leg]) for leg in legs))

    def resized(self, sizes: Mapping[str, int]) -> Expression:
        """The expression with other dimensions of some legs, by the same path."""
        return replace(self, sizes=tuple((leg, sizes.get(leg, size)) for leg, size in self.sizes))

    @cached_property
    def steps(self) -> tuple[ContractionStep, ...]:
        """The steps of the path, with what each costs."""
        sizes = dict(self.sizes)
        output = set(self.output)
        waiting = list(enumerate(self.operands))
        # How many of those that wait have each leg.
        holders = Counter(chain(*self.operands))
        steps: list[ContractionStep] = []
        for positions in self.path:
            taken = [waiting.pop(position) for position in sorted(positions, reverse=True)][::-1]
            present = Counter(chain(*(legs for _, legs in taken)))
            holders.subtract(present)
            kept = tuple(leg for leg in present if leg in output or holders[leg]) if waiting else self.output
            holders.update(kept)
            entries, products = (prod(sizes[leg] for leg in legs) for legs in (kept, present))
            shared = {leg for leg, count in present.items() if count == len(taken)}
            steps.append(
                ContractionStep(
                    operands=tuple(number for number, _ in taken),
                    legs=kept,
                    entries=entries,
                    # A sum of n terms has n - 1 additions; opt_einsum counts n, and so do we.
                    operations=products * (len(taken) - 1 + (len(present) > len(kept))),
                    batched=len(taken) > 1 and not shared.isdisjoint(kept),
                )
            )
            waiting.append((len(self.operands) + len(steps) - 1, kept))
        return tuple(steps)

    @property
    def operations(self) -> int:
        """Multiplications and additions of the whole path."""
        return sum(step.operations for step in self.steps)

    @property
    def largest(self) -> int:
        """Entries of the largest result of a step."""
        return max(step.entries for step in self.steps)

    @property
    def result_bytes(self) -> int:
        """The bytes of the result."""
        return _ENTRY_BYTES * self.steps[-1].entries

    @property
    def peak_bytes(self) -> int:
        """An estimate of the bytes in use at the worst step.

        The estimate counts the operands and results that still wait. For the step itself it counts the two operands in
        matrix order, the result, and the result once more for reducing or reordering it.
        """
        sizes = dict(self.sizes)
        live = {number: prod(sizes[leg] for leg in legs) for number, legs in enumerate(self.operands)}
        peak, waiting = 0, sum(live.values())
        for number, step in enumerate(self.steps, len(live)):
            used = sum(live.pop(operand) for operand in step.operands)
            peak = max(peak, waiting + used + 2 * step.entries)
            waiting += step.entries - used
            live[number] = step.entries
        return _ENTRY_BYTES * peak

    def evaluate(self, operands: Sequence[Operand]) -> Operand:
        """The result for these operands, a view with its legs in the order of the output."""
        waiting = {number: (legs, operand) for number, (legs, operand) in enumerate(zip(self.operands, operands, strict=True))}
        for number, step in enumerate(self.steps, len(operands)):
            legs, taken = zip(*(waiting.pop(operand) for operand in step.operands), strict=True)
            waiting[number] = (step.legs, contracted(taken, legs, step.legs))
        ((_, result),) = waiting.values()
        return result

    def parts(self, outputs: Mapping[int, Legs]) -> list[tuple[Expression, tuple[int, ...]]]:
        """Expressions for what some of the steps find, or for single operands, and the numbers of the operands in each.

        The outputs are the legs of these results in the order wanted, by the number of the result as in the steps. No
        result may be part of another.
        """
        sizes, first = dict(self.sizes), len(self.operands)
        parts = []
        for result, output in outputs.items():
            inner, leaves, waiting = [], [], [result]
            while waiting:
                number = waiting.pop()
                if number < first:
                    leaves.append(number)
                else:
                    inner.append(number)
                    waiting += self.steps[number - first].operands
            leaves.sort()
            operands = [self.operands[leaf] for leaf in leaves]
            if first <= _MOST_SEARCHED:
                part = Expression.of(operands, output, sizes)
            else:
                inner.sort()
                new = {old: number for number, old in enumerate([*leaves, *inner])}
                pairs = [tuple(new[operand] for operand in self.steps[number - first].operands) for number in inner]
                own = tuple((leg, sizes[leg]) for leg in sorted(set(chain(*operands))))
                part = Expression(tuple(operands), output, own, _path(pairs, len(operands)))
            parts.append((part, tuple(leaves)))
        return parts


def _path(pairs: Sequence[tuple[int, ...]], operands: int) -> Path:
    """The path of pairs that are given by number, operands first: positions among those that still wait."""
    if not pairs:
        return ((0,),)
    waiting = list(range(operands))
    path = []
    for number, pair in enumerate(pairs, operands):
        # Those that wait are in order, so that the position of each is soon found.
        path.append(tuple(sorted(bisect_left(waiting, one) for one in pair)))
        for position in reversed(path[-1]):
            del waiting[position]
        waiting.append(number)
    return tuple(path)


def _subscripts(expression: Expression) -> tuple[str, list[tuple[int, ...]]]:
    sizes = dict(expression.sizes)
    symbols = {leg: get_symbol(number) for number, leg in enumerate(sizes)}
    terms = ["".join(symbols[leg] for leg in legs) for legs in (*expression.operands, expression.output)]
    return f"{','.join(terms[:-1])}->{terms[-1]}", [tuple(sizes[leg] for leg in legs) for legs in expression.operands]


@lru_cache(maxsize=512)
def _best(operands: tuple[Legs, ...], output: Legs, sizes: tuple[tuple[str, int], ...]) -> Expression:
    """The expression by the path of fewest operations, among paths found with the dimensions given and capped ones.

    A search that shrinks large operands first does badly beside a batch leg of thousands: it would contract all small
    tensors to a dense one before it touches the inputs. With capped dimensions it does not.
    """
    found: dict[Path, Expression] = {}
    for cap in _CAPS:
        capped = Expression(operands, output, tuple((leg, min(size, cap)) for leg, size in sizes), ())
        subscripts, shapes = _subscripts(capped)
        # Neither search draws at random: the random ones of opt_einsum would seed Python's global generator.
        for search in ("auto", _Frugal()):
            path = tuple(contract_path(subscripts, *shapes, shapes=True, optimize=search)[0])
            found[path] = Expression(operands, output, sizes, path)
    return min(found.values(), key=lambda expression: (expression.operations, expression.path))


@lru_cache(maxsize=64)
def _best_of_many(operands: tuple[Legs, ...], output: Legs, sizes: tuple[tuple[str, int], ...]) -> Expression:
    """The expression by the path of fewest operations, among paths found in time that grows like the expression."""
    found = []
    for cap in _CAPS_OF_MANY:
        pairs = greedy_pairs(operands, output, {leg: min(size, cap) for leg, size in sizes})
        found.append(Expression(operands, output, sizes, _path(pairs, len(operands))))
    return min(found, key=lambda expression: expression.operations)


# opt_einsum has no types.
class _Frugal(PathOptimizer):  # type: ignore[misc]
    """opt_einsum's greedy search with a price on large results: a chain is taken from its ends, not in the middle."""

    def __call__(self, inputs: Any, output: Any, size_dict: Any, memory_limit: int | None = None) -> Any:
        def cost(result: int, left: int, right: int, *legs: object) -> float:
            return result - (left + right) / 2

        return greedy(inputs, output, size_dict, memory_limit, cost_fn=cost)

"""Contractions as expressions: their legs, opt_einsum's path, what the path costs, and their evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from math import prod
from typing import Any

from opt_einsum import contract_expression, contract_path, get_symbol
from opt_einsum.paths import PathOptimizer, greedy

from tensorrank.networks.contraction import BACKEND, Operand

Legs = tuple[str, ...]
Path = tuple[tuple[int, ...], ...]

# What a message tells to try where a contraction does not fit into memory.
SMALLER = "a grid of fewer rows and columns, smaller bond dimensions, or more memory"

_ENTRY_BYTES = 8
# Paths are sought with dimensions capped at each of these; the first cap leaves them as they are.
_CAPS = (2**62, 64, 16, 4, 2)


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
        """The expression with the best path that opt_einsum finds for it."""
        legs = sorted(set(chain(*operands)))
        return _best(tuple(operands), output, tuple((leg, sizes[leg]) for leg in legs))

    def resized(self, sizes: Mapping[str, int]) -> Expression:
        """This expression with other dimensions of some legs, by the same path."""
        return replace(self, sizes=tuple((leg, sizes.get(leg, size)) for leg, size in self.sizes))

    @cached_property
    def steps(self) -> tuple[ContractionStep, ...]:
        """The steps of the path, with what each costs."""
        sizes = dict(self.sizes)
        waiting = list(enumerate(self.operands))
        steps: list[ContractionStep] = []
        for positions in self.path:
            taken = [waiting.pop(position) for position in sorted(positions, reverse=True)][::-1]
            needed = set(self.output).union(*(legs for _, legs in waiting))
            present = list(dict.fromkeys(chain(*(legs for _, legs in taken))))
            kept = tuple(leg for leg in present if leg in needed) if waiting else self.output
            entries, products = (prod(sizes[leg] for leg in legs) for legs in (kept, present))
            shared = set(taken[0][1]).intersection(*(legs for _, legs in taken[1:]))
            steps.append(
                ContractionStep(
                    operands=tuple(number for number, _ in taken),
                    legs=kept,
                    entries=entries,
                    # A sum of n terms has n - 1 additions; opt_einsum counts n, and so do we.
                    operations=products * (len(taken) - 1 + (len(present) > len(kept))),
                    batched=len(taken) > 1 and bool(shared & set(kept)),
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
        peak = 0
        for number, step in enumerate(self.steps, len(live)):
            used = sum(live[operand] for operand in step.operands)
            peak = max(peak, sum(live.values()) + used + 2 * step.entries)
            for operand in step.operands:
                del live[operand]
            live[number] = step.entries
        return _ENTRY_BYTES * peak

    def evaluate(self, operands: Sequence[Operand]) -> Operand:
        """The result for these operands, a view with its legs in the order of the output."""
        result: Operand = _compiled(self.operands, self.output, self.path)(*operands, backend=BACKEND)
        return result


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


# opt_einsum has no types.
class _Frugal(PathOptimizer):  # type: ignore[misc]
    """opt_einsum's greedy search with a price on large results: a chain is taken from its ends, not in the middle."""

    def __call__(self, inputs: Any, output: Any, size_dict: Any, memory_limit: int | None = None) -> Any:
        def cost(result: int, left: int, right: int, *legs: object) -> float:
            return result - (left + right) / 2

        return greedy(inputs, output, size_dict, memory_limit, cost_fn=cost)


@lru_cache(maxsize=512)
def _compiled(operands: tuple[Legs, ...], output: Legs, path: Path) -> Any:
    # The compiled contraction takes operands of all dimensions; those named here only direct the search, which is over.
    legs = sorted(set(chain(*operands)))
    subscripts, shapes = _subscripts(Expression(operands, output, tuple((leg, 2) for leg in legs), path))
    return contract_expression(subscripts, *shapes, optimize=path)

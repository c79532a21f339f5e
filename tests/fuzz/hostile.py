"""Values that no function expects, as Python expressions: an input that fails is then a test as it stands."""

import ast
import warnings
from enum import IntEnum
from functools import cache
from math import prod
from random import Random
from typing import Any

from fuzz.good_calls import namespace
from fuzz.lists import lines

EVERYTHING = tuple(map(lines, ("numbers", "texts", "objects", "containers", "arrays")))
WRAPPED = ("[{}]", "({},)", "[{0}, {0}]", "{{'x': {}}}", "np.array({})", "[[{}]]", "iter([{}])")
# The largest number that may be a size, and the most entries that may be copied.
_LARGEST, _MOST_ENTRIES = 100, 10**6


class Freedom(IntEnum):
    """How much Python, before the library is called, may do with a value.

    Attributes:
        SIZE: Python computes with it: `2 ** value`, `[0] * value`, `np.ones(value)`. It holds no number beyond 100.
        COPIED: its entries are copied, as by `np.array(value)`. It has at most a million.
        ANY: nothing; only the library looks at it.
    """

    SIZE = 0
    COPIED = 1
    ANY = 2


def hostile(stream: Random, freedom: Freedom = Freedom.ANY) -> str:
    """An expression of a value that is likely unexpected."""
    chosen = stream.choice(stream.choice(lists(freedom)))
    if stream.random() >= 0.08:
        return chosen
    wrapped = stream.choice(WRAPPED)
    if "np." in wrapped:
        chosen = stream.choice(stream.choice(lists(min(freedom, Freedom.COPIED))))
    return wrapped.format(chosen)


@cache
def lists(freedom: Freedom) -> tuple[tuple[str, ...], ...]:
    """The lists of values, with what such a place may hold."""
    return tuple(tuple(text for text in some if _freedom_asked(text) <= freedom) for some in EVERYTHING)


@cache
def callable_values() -> frozenset[str]:
    """The values that can be called."""
    return frozenset(text for some in EVERYTHING for text in some if callable(_value(text)))


def _freedom_asked(text: str) -> Freedom:
    nodes = list(ast.walk(ast.parse(text, mode="eval")))
    numbers = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, int)]
    if not any(isinstance(node, ast.BinOp) for node in nodes) and all(number <= _LARGEST for number in numbers):
        return Freedom.SIZE
    return Freedom.COPIED if _entries(_value(text)) <= _MOST_ENTRIES else Freedom.ANY


def _value(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy, for matrices
        return eval(text, dict(namespace()))


def _entries(value: Any) -> int:
    if isinstance(value, type):
        return 1
    return prod(value.shape) if hasattr(value, "shape") else len(value) if hasattr(value, "__len__") else 1

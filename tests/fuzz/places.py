"""Places within an argument that may hold other values, and what Python does with these before the library is called.

Python computes operators and calls of other libraries by itself: `2 ** x`, `[0] * x` and `np.ones(x)` hang or take
gigabytes where x is large, and would say nothing of tensorrank.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fuzz.hostile import Freedom

# Where calls of the library begin.
_OURS = frozenset({"tr", "reduced", "summed", "series"})
# What copies the entries given, and makes nothing larger of them.
_COPIES = frozenset(
    {"np.array", "np.asmatrix", "np.ma.array", "pd.DataFrame", "pd.Series", "pd.array", "frozenset", "collections.deque"}
)
# What is left as it is: numpy's generator ends the process where its seed is a matrix.
_LEFT = frozenset({"np.random.default_rng"})
# What holds a value, or hands it on, as it is.
_HOLDS = (
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.keyword, ast.Attribute),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


@dataclass(frozen=True)
class Place:
    """A part of an expression: a field of a node, or an item of a field that is a list."""

    node: ast.AST
    field: str
    number: int | None
    freedom: Freedom

    def put(self, value: ast.expr) -> None:
        """Replace the part."""
        if self.number is None:
            setattr(self.node, self.field, value)
        else:
            getattr(self.node, self.field)[self.number] = value


def places(node: ast.AST, freedom: Freedom = Freedom.ANY) -> Iterator[Place]:
    """The places beneath a node that may itself hold a value of such freedom."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in _LEFT:
        return
    within = min(freedom, freedom_beneath(node))
    for field, value in ast.iter_fields(node):
        parts = enumerate(value) if isinstance(value, list) else [(None, value)]
        for number, part in parts:
            if not isinstance(part, ast.AST) or field == "target":
                continue
            if isinstance(part, ast.expr) and _is_a_value(node, field):
                yield Place(node, field, number, within)
            yield from places(part, within)


def _is_a_value(node: ast.AST, field: str) -> bool:
    """True if the part is a value that something else can stand for: no function, no index, no name that is set."""
    return field not in ("func", "slice") and not isinstance(
        node, ast.Lambda | ast.Attribute | ast.comprehension | ast.arguments
    )


def freedom_beneath(node: ast.AST) -> Freedom:
    """What Python does with the values directly beneath a node."""
    if isinstance(node, ast.Call):
        function = ast.unparse(node.func)
        if function in _COPIES:
            return Freedom.COPIED
        return Freedom.ANY if re.split(r"\W", function)[0] in _OURS else Freedom.SIZE
    return Freedom.ANY if isinstance(node, _HOLDS) else Freedom.SIZE

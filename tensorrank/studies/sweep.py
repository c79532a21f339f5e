"""Sweeps: the models of one kind for all combinations of sizes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from inspect import signature
from itertools import product
from typing import Any, TypeVar

from tensorrank.arguments import nearest, shown, things
from tensorrank.errors import CombinationError, TensorRankError

M = TypeVar("M")


def combinations(kind: Callable[..., M], sizes: Mapping[str, Any], others: Collection[str] = ()) -> tuple[list[M], list[str]]:
    """The models for all combinations of sizes, and why some combinations make none.

    Args:
        kind: the class of the models.
        sizes: for each of its arguments by name one value or several; the last varies fastest.
        others: names that were given and taken for something else, which no argument may have.

    Raises:
        TensorRankError: if the class has no argument of such a name, no value is given for one, a value is impossible
            whatever the others are, or no combination makes a model.
    """
    if not callable(kind):
        raise TensorRankError(f"the kind is {shown(kind)}; expected a class of models, such as SelfAttention")
    try:
        known = signature(kind).parameters
    except (TypeError, ValueError):  # what is built into Python does not tell its arguments
        raise TensorRankError(f"the kind is {shown(kind)}; expected a class of models, such as SelfAttention") from None
    for name in others:
        if name in known:
            raise TensorRankError(
                f"{name} is an argument of {kind.__qualname__} and an option of the study, which cannot be told apart; make "
                f"the models yourself, and give Study a list of them"
            )
    values = []
    for name, given in sizes.items():
        if name not in known:
            raise TensorRankError(f"{kind.__name__} has no size {shown(name)}; {nearest(name, list(known))}")
        found = things(given)
        values.append((given,) if found is None else found)
        if not values[-1]:
            raise TensorRankError(f"no {name} is given; expected at least one")
    missing = [name for name, size in known.items() if size.default is size.empty and name not in sizes]
    if missing:
        raise TensorRankError(f"{kind.__name__} also needs {' and '.join(missing)}; give at least one value of each")
    models, left_out = [], []
    for combination in product(*values):
        try:
            models.append(kind(**dict(zip(sizes, combination, strict=True))))
        except CombinationError as error:
            left_out.append(str(error))
    # Sizes that do not matter for why a combination is impossible would repeat the reason.
    left_out = list(dict.fromkeys(left_out))
    if not models:
        raise TensorRankError(f"no combination of the sizes makes a model: {'; '.join(left_out)}")
    return models, left_out

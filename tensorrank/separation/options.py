"""The keyword arguments of `plan`, `separation_rank` and `numerical_separation_rank`, each named once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, cast

import numpy as np

from tensorrank.arguments import nearest, shown
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName
from tensorrank.arithmetic.progress import ProgressLike
from tensorrank.checked import checked_values
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Weights

Method = Literal["auto", "catalecticant", "grid"]
F = TypeVar("F", bound=Callable[..., Any])
Options = TypeVar("Options", bound=Mapping[str, object])


class PlanOptions(TypedDict, total=False):
    """The keyword arguments of `plan`: what decides how a rank is computed."""

    method: Method
    weights: Weights | None
    primes: Sequence[int] | None
    memory: int | str | None
    work: float | None
    scratch: str | Path | None
    engine: EngineName
    device: str


class ComputationOptions(PlanOptions, total=False):
    """The keyword arguments of `computation`: all that decides what comes out."""

    seed: int | np.random.Generator
    draws: int


class RankOptions(ComputationOptions, total=False):
    """The keyword arguments of `separation_rank`, which says what they mean."""

    threads: int | None
    progress: ProgressLike


class NumericalOptions(TypedDict, total=False):
    """The keyword arguments of `numerical_separation_rank`, which says what they mean."""

    rtol: float | None
    atol: float | None
    samples: int | None
    weights: Weights | None
    seed: int | np.random.Generator
    memory: int | str | None
    work: float | None
    threads: int | None
    progress: ProgressLike


# Options that are not None where they are not given.
DEFAULTS: dict[str, Any] = {"method": "auto", "seed": 0, "draws": 2, "engine": "auto", "device": HOST}
# Options that their annotations say all about; what the others may be is known where they are used.
_BY_ANNOTATION = ("scratch", "progress", "device")
# The other door for options that one does not have, and why it has not.
_OTHER = {
    "separation_rank": ("numerical_separation_rank", NumericalOptions, "it computes over finite fields, exactly"),
    "plan": ("separation_rank", RankOptions, "a plan depends on none of it"),
    "numerical_separation_rank": ("separation_rank", RankOptions, "it reads the rank off values in floating point"),
}


def takes(options: type) -> Callable[[F], F]:
    """Show the keyword arguments of a function with their defaults to `help` and to completion, instead of **options.

    The options are PlanOptions, RankOptions or NumericalOptions, which the function takes.
    """

    def shown(function: F) -> F:
        known = signature(function)
        named = [one for one in known.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
        named += [
            Parameter(name, Parameter.KEYWORD_ONLY, default=DEFAULTS.get(name), annotation=given.__forward_arg__)
            for name, given in options.__annotations__.items()
        ]
        # Functions have a signature that may be replaced, which type checkers do not know.
        function.__signature__ = known.replace(parameters=named)  # type: ignore[attr-defined]
        return function

    return shown


def checked_options(door: str, given: Options, known: type[Options]) -> Options:
    """All keyword arguments of a door, with the defaults of those that are not given.

    A name that the door does not have is refused, with the other door or the name that may be meant.
    """
    for name in given:
        if name in known.__annotations__:
            continue
        other, options, why = _OTHER[door]
        hint = f"{why}. {other} has it" if name in options.__annotations__ else nearest(name, known.__annotations__)
        raise TensorRankError(f"{door} has no option {shown(name)}; {hint}")
    checked_values({name: value for name, value in given.items() if name in _BY_ANNOTATION}, known)
    return cast(Options, {name: given.get(name, DEFAULTS.get(name)) for name in known.__annotations__})

"""Bundles: options that several verbs share, written once as a frozen dataclass and taken by a verb as one argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from inspect import Parameter
from typing import Any


def unbundled(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb as typer reads it: with every option of a bundle as an option of its own, in the bundle's place.

    An argument is a bundle if its annotation is a dataclass, whose fields are annotated as options for typer are.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Limits:
    ...     memory: str = "1GiB"
    >>> @unbundled
    ... def verb(width: int, *, limits: Limits) -> None:
    ...     print(width, limits)
    >>> list(inspect.signature(verb).parameters)
    ['width', 'memory']
    >>> verb(width=2, memory="2GiB")
    2 Limits(memory='2GiB')
    """
    signature = inspect.signature(verb, eval_str=True)
    bundles: dict[str, Any] = {}
    options: list[Parameter] = []
    for name, taken in signature.parameters.items():
        if is_dataclass(taken.annotation):
            bundles[name] = taken.annotation
            options += inspect.signature(bundles[name], eval_str=True).parameters.values()
        else:
            options.append(taken)

    @functools.wraps(verb)
    def with_bundles(**given: Any) -> None:
        for name, bundle in bundles.items():
            given[name] = bundle(**{field.name: given.pop(field.name) for field in fields(bundle)})
        verb(**given)

    keywords = [option.replace(kind=Parameter.KEYWORD_ONLY) for option in options]
    # Functions have a signature that may be replaced, which type checkers do not know.
    with_bundles.__signature__ = signature.replace(parameters=keywords)  # type: ignore[attr-defined]
    with_bundles.__annotations__ = {option.name: option.annotation for option in options}
    return with_bundles

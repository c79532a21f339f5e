"""Bundles: options that several verbs share, written once as a frozen dataclass and taken by a verb as one argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter
from typing import Any, get_type_hints


def unbundled(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb as typer reads it: with every option of a bundle as an option of its own, in the bundle's place.

    Args:
        verb: a function whose keyword-only arguments may be annotated by bundles: dataclasses whose fields are
            annotated as arguments for typer are. Options of no bundle stay what they are.

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
            options += _options(taken.annotation)
        else:
            options.append(taken.replace(kind=Parameter.KEYWORD_ONLY))

    @functools.wraps(verb)
    def with_bundles(**given: Any) -> None:
        made = {
            name: bundle(**{field.name: given.pop(field.name) for field in fields(bundle)})
            for name, bundle in bundles.items()
        }
        verb(**given, **made)

    with_bundles.__signature__ = signature.replace(parameters=options)  # type: ignore[attr-defined]
    with_bundles.__annotations__ = {option.name: option.annotation for option in options}
    return with_bundles


def _options(bundle: Any) -> list[Parameter]:
    kinds = get_type_hints(bundle, include_extras=True)
    return [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=kinds[field.name],
        )
        for field in fields(bundle)
    ]

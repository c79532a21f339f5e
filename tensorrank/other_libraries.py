"""Other libraries whose objects users bring: imported only when one is brought."""

from __future__ import annotations

import importlib
from typing import Any

from tensorrank.errors import TensorRankError


def imported(package: str, module: str) -> Any:
    """A module of a library that a user has installed.

    Args:
        package: what `pip install` calls the library, or its address.
        module: the module's name.

    Raises:
        TensorRankError: if it cannot be imported.

    >>> imported("no-such-library", "no_such_library")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: no-such-library cannot be imported (...); try: pip install no-such-library
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = package.rsplit("/", 1)[-1]
        raise TensorRankError(f"{library} cannot be imported ({error}); try: pip install {package}") from error


def of_another_type(given: Any, expected: str) -> TensorRankError:
    """The error for an object that is of none of the types an adapter takes.

    >>> str(of_another_type(3, "a CategoricalHMM of hmmlearn"))
    'an object of the type int was given; expected a CategoricalHMM of hmmlearn'
    """
    return TensorRankError(f"an object of the type {type(given).__name__} was given; expected {expected}")

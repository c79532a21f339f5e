"""What is fuzzed: a target makes inputs from a random stream and consumes one at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Target:
    """A door of the library.

    Attributes:
        name: as `make fuzz TARGET=...` takes it.
        generate: an input from a random stream; its `repr` repeats it.
        consume: what a user does with the input. It returns a result, or raises what the library raises.
        cases: how many inputs `make test` tries.
    """

    name: str
    generate: Callable[[Random], Any]
    consume: Callable[[Any], object]
    cases: int

    def given(self, seed: int, case: int) -> Any:
        """The input of a case, for every process and version of Python alike."""
        return self.generate(Random(f"{self.name} {seed} {case}"))

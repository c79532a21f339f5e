"""One configuration as a family reads it: its keys by the family's names, each checked as it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tensorrank.arguments import shown, whole_number
from tensorrank.errors import TensorRankError, UnknownFamilyError

# No number of a network is larger, and counts of parameters stay within what a float holds.
LARGEST = 10**12
_NOTHING = object()

# A text names a key, or several of one meaning with | between them; a pair adds what holds where none is there.
Whole = int | str | tuple[str, int | None] | Callable[["Reading"], int | None] | None
Flag = bool | str | tuple[str, bool] | Callable[["Reading"], bool]
# A size is a number, the name of one of the family's sizes, or computed of them.
Size = int | str | Callable[["Reading"], int]


class Reading:
    """The content of a config.json, whose values are checked as they are read, and the keys read so far.

    Attributes:
        content: the configuration.
        read: the keys that have been read.
    """

    def __init__(self, content: Mapping[str, Any], sizes: Mapping[str, Whole]) -> None:
        """Keep the content and, by name, where its sizes stand."""
        self.content = content
        self.read: set[str] = set()
        self._sizes = sizes
        self._found: dict[str, int | None] = {}

    def size(self, size: Size) -> int:
        """A size that has to be known: a number, one of the family's sizes by its name, or computed."""
        found = self.known(size) if isinstance(size, str) else size(self) if callable(size) else size
        if found is None:
            raise TensorRankError(f"the size {size} is not known; expected a key that says it")
        return found

    def known(self, name: str) -> int | None:
        """One of the family's sizes by its name; None where it is open."""
        if name not in self._found:
            self._found[name] = self.whole(self._sizes[name])
        return self._found[name]

    def whole(self, fact: Whole, least: int = 1, *, null_counts: bool = False) -> int | None:
        """A whole number, or None where it is open.

        Null counts as a key left out, or, if it counts itself, leaves the number open.
        """
        if not isinstance(fact, str | tuple):
            return fact(self) if callable(fact) else fact
        keys, absent = (fact, _NOTHING) if isinstance(fact, str) else fact
        name, given = self._given(keys, null_counts)
        if given is _NOTHING:
            if absent is _NOTHING:
                raise TensorRankError(f"the key {name} is missing; expected a whole number")
            return absent  # type: ignore[return-value] # of the pair
        return None if given is None else whole_number(name, given, least, LARGEST)

    def flag(self, fact: Flag) -> bool:
        """A truth value; null counts as a key left out, and is refused where that is true.

        To the code that builds models null is false, if it takes it at all.
        """
        if not isinstance(fact, str | tuple):
            return fact(self) if callable(fact) else fact
        keys, absent = (fact, False) if isinstance(fact, str) else fact
        name, given = self._given(keys)
        if given is _NOTHING:
            if absent and any(one in self.content for one in keys.split("|")):
                raise UnknownFamilyError(f"{name} is null; expected true or false, or the key left out, which is true")
            return absent
        if not isinstance(given, bool):
            raise TensorRankError(f"{name} is {shown(given)}; expected true or false")
        return given

    def text(self, keys: str, absent: str) -> str:
        """A text; null counts as a key left out."""
        name, given = self._given(keys)
        if given is _NOTHING:
            return absent
        if not isinstance(given, str):
            raise TensorRankError(f"{name} is {shown(given)}; expected a text")
        return given

    def texts(self, keys: str) -> tuple[str, ...]:
        """A list of texts; null counts as a key left out, which is an empty list."""
        name, given = self._given(keys)
        if given is _NOTHING:
            return ()
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise TensorRankError(f"{name} is {shown(given)}; expected a list of texts")
        return tuple(given)

    def part(self, key: str) -> Mapping[str, Any]:
        """A part of the configuration that is an object of its own; null counts as a key left out, an empty part."""
        name, given = self._given(key)
        if given is _NOTHING:
            return {}
        if not isinstance(given, Mapping):
            raise TensorRankError(f"{name} is {shown(given)}; expected an object")
        return given

    def value(self, key: str, absent: Any) -> Any:
        """Any value; null counts as a key left out."""
        _, given = self._given(key)
        return absent if given is _NOTHING else given

    def _given(self, keys: str, null_counts: bool = False) -> tuple[str, Any]:
        """The first of some keys that is there, with its value; several that are there have to agree."""
        names = keys.split("|")
        self.read.update(names)
        there = [name for name in names if name in self.content and (null_counts or self.content[name] is not None)]
        if not there:
            return names[0], _NOTHING
        first = self.content[there[0]]
        for other in there[1:]:
            if self.content[other] != first:
                raise TensorRankError(
                    f"{there[0]} is {shown(first)}, but {other}, which means the same, is {shown(self.content[other])}; "
                    "expected one of them, or equal ones"
                )
        return there[0], first

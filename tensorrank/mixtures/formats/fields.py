"""The fields of a model file, each read by a method that says in messages where something is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tensorrank.arguments import nearest, shown
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import EXPECTED_NAME, is_name
from tensorrank.mixtures.formats.written_tables import read_table, read_tables
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.tables import Table

# What the file of every kind of model begins with, and what it may end with.
_HEAD = ("model", "version")
_TAIL = ("densities",)


@dataclass(frozen=True)
class Fields:
    """An object of a model file: the value of each field."""

    values: Mapping[str, Any]
    # What the object is called in messages, such as "edges[0]"; empty for the model itself.
    where: str = ""

    @classmethod
    def within(cls, given: Any, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Fields:
        """An object inside a model file, with its names checked."""
        if not isinstance(given, Mapping):
            raise TensorRankError(f"{where} is {shown(given)}; expected an object with {', '.join(map(repr, required))}")
        found = cls(given, where)
        found.check(*required, optional=optional)
        return found

    def check(self, *required: str, optional: tuple[str, ...] = ()) -> None:
        """Refuse unknown and missing fields. A model's own fields may be joined by those that every kind has."""
        if not self.where:
            required, optional = (*_HEAD, *required), (*optional, *_TAIL)
        place = f"{self.where}: " if self.where else ""
        known = (*required, *optional)
        for name in self.values:
            if name not in known:
                raise TensorRankError(f"{place}unknown field {shown(name)}; {nearest(name, known)}")
        missing = [name for name in required if name not in self.values]
        if missing:
            raise TensorRankError(f"{place}the field {missing[0]!r} is missing; expected {', '.join(required)}")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str) -> Any:
        """The value of a field that may be missing, None if it is."""
        return self.values.get(name)

    def table(self, name: str) -> Table:
        """The table of a field."""
        return read_table(self[name], self._called(name))

    def table_or_tables(self, name: str) -> Table | tuple[Table, ...]:
        """The table of a field, or a tuple of them if lists are nested three deep or empty."""
        return read_tables(self[name], self._called(name))

    def sequence(self, name: str) -> list[Any]:
        """The list of a field."""
        if not isinstance(self[name], list):
            place = f" of {self.where}" if self.where else ""
            raise TensorRankError(f"the field {name!r}{place} is {shown(self[name])}; expected a list")
        return [*self[name]]

    def entries(self, name: str) -> Iterator[tuple[str, Any]]:
        """The entries of a list, each with what it is called in messages."""
        return ((f"{name}[{number}]", entry) for number, entry in enumerate(self.sequence(name)))

    def name(self, name: str) -> int | str:
        """The name of a node in a field."""
        return checked_name(self[name], f"the {name} of {self.where}" if self.where else f"the {name}")

    def densities(self) -> Gaussians | None:
        """The Gaussian components of a model, None if it has none."""
        if "densities" not in self:
            return None
        given = Fields.within(self["densities"], "densities", ("type", "means", "covariances"))
        arrays = {name: read_table(given[name], f"the field {name!r}") for name in ("means", "covariances")}
        return Gaussians.from_dict({"type": given["type"], **arrays})

    def _called(self, name: str) -> str:
        return f"the {name} of {self.where}" if self.where else f"the field {name!r}"


def checked_name(given: Any, what: str) -> int | str:
    """The name of a node: a whole number or a text."""
    if not is_name(given):
        raise TensorRankError(f"{what} is {shown(given)}; expected a name, {EXPECTED_NAME}")
    name: int | str = given
    return name

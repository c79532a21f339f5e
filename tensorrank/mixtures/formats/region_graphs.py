"""Region graphs: which sets of variables a circuit has units for, and how each is split; files of cirkit hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from tensorrank.arguments import as_whole_number, file_path, listed, shown, things, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import CHECKED_WHERE_USED, checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.given_files.json_values import read_json
from tensorrank.given_files.paths import named_in_errors
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, ProductNode, SumNode
from tensorrank.mixtures.tables import check_entries, check_objects, random_distributions
from tensorrank.short_reprs import ShortRepr
from tensorrank.whole_files import write_whole

# What `json.dumps` is called with in cirkit, so that files look alike.
_INDENT = 4


@dataclass(frozen=True)
class Split(ShortRepr):
    """A partition of a region: the region that is split, and its parts, by their numbers.

    Attributes:
        region: the region that is split.
        parts: at least two regions, whose variables together are those of the region.
    """

    region: int
    parts: tuple[int, ...]


@checked
@dataclass(frozen=True, eq=False)
class RegionGraph(EqualByValue, ShortRepr):
    """A region graph: sets of variables, and for each how it is split in other sets, in one way or several.

    A circuit of this structure is smooth and decomposable, because the parts of a split are disjoint and together are
    the region. `sum_product` makes such a circuit, whose ranks at every cut are those that the structure allows.

    Attributes:
        regions: the variables of each region, by its number.
        splits: pairs of a region and its parts, such as (0, (1, 2)), kept as `Split`. A region that is not split is a
            product of functions of its variables.
        root: the region of all variables.

    Raises:
        TensorRankError: naming the region, if a split is not disjoint (not decomposable) or has not just the variables
            of its region (not smooth), a region is unknown or not reached from the root, or the root has not the
            variables 0 to N - 1.

    Source: Dennis, Ventura, Learning the Architecture of Sum-Product Networks Using Clustering on Variables (NIPS
    2012); the files are those that cirkit writes, https://github.com/april-tools/cirkit.

    >>> import tensorrank as tr
    >>> regions = {0: (0, 1, 2), 1: (0,), 2: (1, 2), 3: (1,), 4: (2,)}
    >>> chain = tr.RegionGraph(regions, ((0, (1, 2)), (2, (3, 4))), root=0)
    >>> [tr.separation_rank(chain.sum_product(units=2, symbols=3, seed=0), [site]).value for site in (0, 1, 2)]
    [2, 2, 2]
    """

    regions: Annotated[Mapping[int, Sequence[int]], CHECKED_WHERE_USED]
    splits: Annotated[Sequence[Split | tuple[int, Sequence[int]]], CHECKED_WHERE_USED]
    root: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", _regions(self.regions))
        given = things(self.splits)
        if given is None:
            raise TensorRankError(f"splits are {shown(self.splits)}; expected a list of a region and its parts each")
        object.__setattr__(self, "splits", tuple(_split(one, place) for place, one in enumerate(given)))
        object.__setattr__(self, "root", whole_number("the root", self.root, 0))
        for split in self._splits:
            self._check_split(split)
        variables = sorted(self._variables(self.root, "the root"))
        if variables != list(range(len(variables))):
            raise TensorRankError(f"region {self.root}, the root, has the variables {listed(variables)}; expected 0 to N - 1")
        apart = next((region for region in self.regions if region not in self._order), None)
        if apart is not None:
            raise TensorRankError(f"region {apart} is not reached from the root, region {self.root}; expected all below it")

    @property
    def sites(self) -> int:
        """The number of variables."""
        return len(self.regions[self.root])

    @classmethod
    def load(cls, path: str | Path) -> RegionGraph:
        """The region graph in a JSON file, as `RegionGraph.dump` of cirkit writes it.

        Args:
            path: an object of `regions` (for each number its `scope`), `roots` (one of them), and `graph` (a list of
                the `inputs` and the `output` of each partition).

        Raises:
            TensorRankError: naming the file, if it cannot be read, or as the class.
        """
        checked_path = file_path("the path of the region graph", path)
        with named_in_errors(checked_path):
            return cls.from_dict(read_json(checked_path, "a region graph of cirkit (JSON)"))

    def save(self, path: str | Path) -> None:
        """Write the file that `RegionGraph.load` of cirkit reads, whole or not at all.

        Raises:
            TensorRankError: if the file cannot be written.
        """
        file_path("the path of the region graph", path)
        content = json.dumps(self.to_dict(), indent=_INDENT).encode()
        write_whole(path, lambda file: file.write(content))

    @classmethod
    def from_dict(cls, values: Annotated[Mapping[str, Any], CHECKED_WHERE_USED]) -> RegionGraph:
        """The region graph in the plain values of a file.

        Raises:
            TensorRankError: if fields are missing or unknown, or as the class.

        >>> parts = {"0": {"scope": [0, 1]}, "1": {"scope": [0]}, "2": {"scope": [1]}}
        >>> RegionGraph.from_dict({"regions": parts, "roots": ["0"], "graph": [{"output": 0, "inputs": [1, 2]}]}).sites
        2
        """
        fields = Fields.within(values, "the region graph", ("regions", "roots", "graph"))
        given = fields["regions"]
        if not isinstance(given, Mapping):
            raise TensorRankError(f"the field 'regions' is {shown(given)}; expected an object of a scope for each number")
        regions = {}
        for name, entry in given.items():
            scope = Fields.within(entry, f"region {shown(name)}", ("scope",)).sequence("scope")
            regions[_number(name, "a region")] = scope
        roots = fields.sequence("roots")
        if len(roots) != 1:
            raise TensorRankError(f"the region graph has {len(roots)} roots; expected one")
        splits = []
        for where, entry in fields.entries("graph"):
            split = Fields.within(entry, where, ("inputs", "output"))
            parts = [_number(part, f"an input of {where}") for part in split.sequence("inputs")]
            splits.append(Split(_number(split["output"], f"the output of {where}"), tuple(parts)))
        return cls(regions, tuple(splits), _number(roots[0], "the root"))

    def to_dict(self) -> dict[str, Any]:
        """The region graph as plain values, in the fields that files of cirkit have."""
        return {
            "regions": {str(region): {"scope": list(scope)} for region, scope in self.regions.items()},
            "roots": [str(self.root)],
            "graph": [{"output": split.region, "inputs": list(split.parts)} for split in self._splits],
        }

    def sum_product(self, units: int, symbols: int, seed: int | np.random.Generator, *, fractions: bool = False) -> SumProduct:
        """A sum-product network of this structure, with random distributions.

        A region has so many units, the root one. Unit k of a split is the product of the units k of its parts; a unit
        of a region is a sum over all units of all its splits; a region without splits has products of leaves.

        Args:
            units: the units of a region.
            symbols: the number of values of each variable.
            seed: a whole number or a numpy Generator.
            fractions: whether probabilities are exact fractions; floats by default.

        Raises:
            TensorRankError: if a number is out of range, or the network would not fit in memory.
        """
        count, k = whole_number("units", units, 1), whole_number("symbols", symbols, 1)
        rng = random_stream(seed)
        made = count * (len(self.regions) + len(self._splits))
        check_objects(made, f"a network of {len(self.regions)} regions with {shown(count)} units")
        entries = count * sum(map(len, self.regions.values())) * k + count**2 * len(self._splits)
        check_entries(entries, f"a network of {shown(count)} units a region", fractions=fractions)
        nodes: dict[Name, Node] = {}
        for region in self._order:
            number = 1 if region == self.root else count
            splits = [split for split in self._splits if split.region == region]
            if splits:
                weights = random_distributions((number, len(splits) * count), rng, fractions=fractions)
                terms = tuple(_products(nodes, region, splits, count))
                nodes.update({f"{region}.{unit}": SumNode(terms, row) for unit, row in enumerate(weights)})
                continue
            for unit in range(number):
                tables = random_distributions((len(self.regions[region]), k), rng, fractions=fractions)
                nodes.update(_leaves(f"{region}.{unit}", self.regions[region], tables))
        return SumProduct(nodes, f"{self.root}.0")

    @property
    def _splits(self) -> tuple[Split, ...]:
        return tuple(one for one in self.splits if isinstance(one, Split))

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """The regions that are reached from the root, parts before what is split; parts have fewer variables."""
        parts: dict[int, set[int]] = {}
        for split in self._splits:
            parts.setdefault(split.region, set()).update(split.parts)
        found, waiting = {self.root}, [self.root]
        while waiting:
            fresh = parts.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        return tuple(sorted(found, key=lambda region: (len(self.regions[region]), region)))

    def _variables(self, region: int, what: str) -> frozenset[int]:
        if region not in self.regions:
            known = listed(sorted(self.regions))
            raise TensorRankError(f"{what} is region {shown(region)}; expected one of the regions {known}")
        return frozenset(self.regions[region])

    def _check_split(self, split: Split) -> None:
        whole = self._variables(split.region, "what a split is of")
        parts = {part: self._variables(part, f"a part of region {split.region}") for part in split.parts}
        for one, other in combinations(parts, 2):
            if shared := sorted(parts[one] & parts[other]):
                raise TensorRankError(
                    f"region {split.region} is not decomposable: its parts {one} and {other} share the variables "
                    f"{listed(shared)}; expected different ones"
                )
        together = frozenset().union(*parts.values())
        if together != whole:
            raise TensorRankError(
                f"region {split.region} is not smooth: its parts {listed(list(parts))} have the variables "
                f"{listed(sorted(together))}, the region {listed(sorted(whole))}; expected the same"
            )


def _products(nodes: dict[Name, Node], region: int, splits: Sequence[Split], count: int) -> list[str]:
    """The names of the products of every split of a region, which are added to the nodes."""
    names = []
    for place, split in enumerate(splits):
        for unit in range(count):
            names.append(f"{region}.split {place}.{unit}")
            nodes[names[-1]] = ProductNode(tuple(f"{part}.{unit}" for part in split.parts))
    return names


def _leaves(name: str, variables: Sequence[int], tables: Any) -> dict[Name, Node]:
    """A leaf of one variable, or a product of leaves."""
    if len(variables) == 1:
        return {name: LeafNode(variables[0], tables[0])}
    leaves: dict[Name, Node] = {f"{name} x{v}": LeafNode(v, table) for v, table in zip(variables, tables, strict=True)}
    return {**leaves, name: ProductNode(tuple(leaves))}


def _regions(given: Any) -> dict[int, tuple[int, ...]]:
    if not isinstance(given, Mapping) or not given:
        raise TensorRankError(f"regions are {shown(given)}; expected a mapping from numbers to variables, not empty")
    regions = {}
    for region, scope in given.items():
        number = _number(region, "a region")
        variables = things(scope)
        found = [] if variables is None else [whole_number(f"a variable of region {number}", one, 0) for one in variables]
        if not found or len(set(found)) < len(found):
            raise TensorRankError(f"the variables of region {number} are {shown(scope)}; expected different ones, not none")
        regions[number] = tuple(found)
    return regions


def _split(given: Any, place: int) -> Split:
    pair = (given.region, given.parts) if isinstance(given, Split) else things(given)
    parts = things(pair[1]) if pair is not None and len(pair) == 2 else None
    if pair is None or parts is None:
        raise TensorRankError(f"splits[{place}] is {shown(given)}; expected a region and its parts, such as (0, (1, 2))")
    region = _number(pair[0], f"the region of splits[{place}]")
    numbers = tuple(_number(part, f"a part of region {region}") for part in parts)
    if len(set(numbers)) < max(2, len(numbers)):
        raise TensorRankError(f"region {region} is split in {listed(list(numbers)) or 'nothing'}; expected two or more parts")
    return Split(region, numbers)


def _number(given: Any, what: str) -> int:
    """The number of a region, which files have as a text where it is a key."""
    text = isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 19
    number = int(given) if text else as_whole_number(given)
    if number is None or number < 0:
        raise TensorRankError(f"{what} is {shown(given)}; expected the number of a region, from 0")
    return number

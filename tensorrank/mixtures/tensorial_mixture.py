"""Tensorial mixture models: latent trees on the balanced binary tree, level by level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import several, shown, true_or_false, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.skeletons import Skeletons, uniform
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.formats.written_tables import read_tables, written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_tree import Edge, LatentTree, Name
from tensorrank.mixtures.tables import Table, check_entries, distributions, image_of, listed_tables, random_distributions
from tensorrank.mixtures.tree_shaped import TreeShaped

Level = Table | tuple[Table, ...]

# A level that shares its table could stand for any number of variables, and each is a part of every evaluation.
_MOST_LEVELS = 20


@dataclass(frozen=True, eq=False, repr=False)
class TensorialMixture(TreeShaped):
    """A latent tree on the balanced binary tree over N = 2^L variables: a hidden variable at each inner node.

    Attributes:
        prior: the distribution of the root's states.
        levels: L levels of tables P(child | parent), from the root down: level l holds one table that all edges of the
            level share, or 2^(l + 1) tables from left to right. The last level's columns are the values, k (the mode
            size), of variables 0, 1, ...
        densities: Gaussian components, of which the mode size is the number; categorical variables if None.

    Raises:
        TensorRankError: if a level has another number of tables, or tables do not fit each other, are negative or have
            rows that do not sum to one (exactly for fractions, within 1e-6 for floats).

    Source: Sharir, Tamari, Cohen, Shashua, Tensorial Mixture Models (2016, arXiv 1610.04167), the hierarchical model.

    >>> coin = [[0.9, 0.1], [0.2, 0.8]]
    >>> mixture = TensorialMixture([0.5, 0.5], [coin, coin])
    >>> mixture
    TensorialMixture(4 variables, 2 levels of at most 2 states, mode size 2, shared tables)
    >>> mixture.parameters, mixture.table_entries
    (5, 26)
    """

    kind: ClassVar[str] = "tensorial_mixture"

    prior: Table
    levels: tuple[Level, ...]
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", distributions(self.prior, "the prior of the root", ["state"]))
        given = several("levels", self.levels, "tables for at least one level")
        if len(given) > _MOST_LEVELS:
            raise TensorRankError(
                f"{len(given)} levels were given, over 2^{len(given)} variables; expected at most {_MOST_LEVELS} levels"
            )
        levels = tuple(_level(tables, number) for number, tables in enumerate(given))
        object.__setattr__(self, "levels", levels)
        # The states of each node of the level above, from left to right.
        above = [len(self.prior)]
        for number in range(len(levels)):
            tables = self.tables(number)
            for place, table in enumerate(tables):
                if table.shape[0] != above[place // 2]:
                    raise TensorRankError(
                        f"table {place} of level {number} has {table.shape[0]} rows; expected one for each of the "
                        f"{above[place // 2]} states above"
                    )
            above = [table.shape[1] for table in tables]
        self._check_densities()

    def __repr__(self) -> str:
        shared = [not isinstance(level, tuple) for level in self.levels]
        tables = "shared tables" if all(shared) else "some tables shared" if any(shared) else "tables for each edge"
        return (
            f"TensorialMixture({self.sites} variables, {self.depth} level{'s' * (self.depth > 1)} of at most "
            f"{self.states} states, mode size {max(self.shape)}, {tables})"
        )

    @property
    def depth(self) -> int:
        """The number of levels, L = log2 N."""
        return len(self.levels)

    def tables(self, level: int) -> tuple[Table, ...]:
        """The tables of a level, one for each edge from left to right.

        Raises:
            TensorRankError: if there is no such level.
        """
        given = self.levels[whole_number("level", level, 0, self.depth - 1)]
        return given if isinstance(given, tuple) else (given,) * 2 ** (level + 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """The mode size, k, of each variable."""
        return tuple(table.shape[1] for table in self.tables(self.depth - 1))

    @cached_property
    def _tree(self) -> LatentTree:
        below = [[f"{first}-{first + width - 1}" for first in range(0, self.sites, width)] for width in self._widths]
        names: list[Sequence[Name]] = [*below, range(self.sites)]
        edges = tuple(
            Edge(names[level][place // 2], names[level + 1][place], table)
            for level in range(self.depth)
            for place, table in enumerate(self.tables(level))
        )
        return LatentTree(names[0][0], self.prior, edges, densities=self.densities)

    @property
    def _widths(self) -> list[int]:
        return [2 ** (self.depth - level) for level in range(self.depth)]

    def fields(self) -> dict[str, Any]:
        """The prior, and the tables of each level: one that is shared, or a list."""
        return {"prior": written(self.prior), "levels": [written(level) for level in self.levels]}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("prior", "levels")
        levels = tuple(read_tables(level, what) for what, level in fields.entries("levels"))
        return cls(fields.table("prior"), levels, densities=fields.densities())

    @property
    def states(self) -> int:
        """The most states of a hidden variable."""
        return max(int(table.shape[0]) for level in range(self.depth) for table in self.tables(level))

    def own_sizes(self) -> dict[str, Any]:
        """The number of levels, and the most states of a hidden variable."""
        return {"depth": self.depth, "states": self.states}

    def own_lines(self) -> list[tuple[str, str]]:
        """The states of hidden variables, and on how many levels these are."""
        return [("hidden states", f"at most {self.states}, on {self.depth} level{'s' * (self.depth > 1)}")]

    def replaced(self, image: Callable[[Table], Table], densities: Gaussians | None) -> Self:
        """The model with the image of each table in its place, and with these components."""
        levels = tuple(image_of(image, level) for level in self.levels)
        return type(self)(image(self.prior), levels, densities=densities)

    @classmethod
    def fit_report(
        cls,
        data: ArrayLike,
        states: int = 2,
        random_state: int | np.random.Generator = 0,
        *,
        shared: bool = False,
        **options: Unpack[FitOptions],
    ) -> FitReport[Self]:
        """Fits a tensorial mixture model to data by expectation-maximisation (EM).

        Args:
            data: whole numbers or real numbers of shape (rows, 2^L), or real numbers of shape (rows, 2^L, features).
                Missing values, as of `log_density`, are summed out: fill up a smaller number of variables with
                them.
            states: the number of states of each hidden variable.
            random_state: a whole number or a numpy Generator.
            shared: whether the edges of a level share their table, and variables their Gaussian components.
            **options: the options of every fit, which `FitOptions` names.

        >>> TensorialMixture.fit([[0, 0, 1, 1]] * 5 + [[1, 1, 0, 0]] * 5).marginal([0, 2]).round(2)
        array([[0. , 0.5],
               [0.5, 0. ]])
        """
        made, shared = Skeletons.of(data, options), true_or_false("shared", shared)
        depth = made.sites.bit_length() - 1
        if depth < 1 or made.sites != 2**depth:
            raise TensorRankError(
                f"the data has {made.sites} variables; expected 2, 4, 8, ...: try further ones that are all missing, "
                "or LatentTree.fit"
            )
        r = made.states("states", states, shared=shared, joints=depth if shared else made.sites)
        levels: list[Level] = []
        for level in range(depth):
            last = level == depth - 1
            if shared:
                levels.append(made.emission(r, None) if last else uniform(r, r))
            else:
                places = range(2 ** (level + 1))
                levels.append(tuple(made.emission(r, place) if last else uniform(r, r) for place in places))
        skeleton = cls(uniform(r), tuple(levels), densities=made.components(r, shared=shared))
        return made.fit(skeleton, random_state)

    @classmethod
    def random(
        cls,
        depth: int,
        states: int,
        symbols: int,
        seed: int | np.random.Generator,
        *,
        shared: bool = False,
        fractions: bool = False,
    ) -> TensorialMixture:
        """Random tables.

        Args:
            depth: the number of levels, L, over 2^L variables, at most 20.
            states: the number of states of hidden variables, r.
            symbols: the mode size, k.
            seed: a whole number or a numpy Generator.
            shared: whether the edges of a level share their table.
            fractions: whether entries are fractions.

        Raises:
            TensorRankError: if a number is not a whole number of at least 1, there are more than 20 levels, or the
                tables would not fit in memory.
        """
        rng = random_stream(seed)
        depth = whole_number("depth", depth, 1, _MOST_LEVELS)
        r, k = whole_number("states", states, 1), whole_number("symbols", symbols, 1)
        edges = depth if true_or_false("shared", shared) else 2 ** (depth + 1)
        entries = edges * r * max(r, k)
        check_entries(entries, f"the tables of {shown(r)} states and {shown(k)} symbols on {depth} levels", fractions=fractions)
        levels = []
        for level in range(depth):
            shape = (r, k if level == depth - 1 else r)
            count = 1 if shared else 2 ** (level + 1)
            tables = tuple(random_distributions(shape, rng, fractions=fractions) for _ in range(count))
            levels.append(tables[0] if shared else tables)
        return cls(random_distributions((r,), rng, fractions=fractions), tuple(levels))


def _level(given: ArrayLike | tuple[Table, ...], number: int) -> Level:
    axes, tables = ["state above", "state"], listed_tables(given, f"level {number}")
    if tables is None:
        return distributions(given, f"the table of level {number}", axes)
    if len(tables) != 2 ** (number + 1):
        raise TensorRankError(
            f"level {number} has {len(tables)} tables; expected one that its edges share, or {2 ** (number + 1)}"
        )
    return tuple(distributions(table, f"table {place} of level {number}", axes) for place, table in enumerate(tables))

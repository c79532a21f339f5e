"""Latent class models: one hidden class, given which the variables are independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import several, shown, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.skeletons import Skeletons, uniform
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.formats.written_tables import read_table, written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.mixtures.tables import Table, check_entries, distributions, random_distributions
from tensorrank.mixtures.tree_shaped import TreeShaped
from tensorrank.mixtures.way import Way


@dataclass(frozen=True, eq=False, repr=False)
class LatentClass(TreeShaped):
    """A shallow mixture: `P(x) = sum over c of weights[c] * product over i of components[i][c, x_i]`.

    Its coefficient tensor is a nonnegative canonical polyadic format of as many terms as there are classes.

    Attributes:
        weights: the distribution of the classes, of shape (classes,).
        components: for each variable a table P(x_i | class) of shape (classes, values).
        densities: Gaussian components, of which `values` is the number; categorical variables if None.

    Raises:
        TensorRankError: if tables do not fit the weights, are negative or have rows that do not sum to one (exactly
            for fractions, within 1e-6 for floats).

    Sources: Lazarsfeld, Henry, Latent Structure Analysis (1968); Jaini, Poupart, Yu (NeurIPS 2018).

    >>> table = [["9/10", "1/10"], ["1/5", "4/5"]]
    >>> pair = LatentClass(["1/2", "1/2"], [table, table])
    >>> pair.probability([[0, 0], [1, 1]])
    array([Fraction(17, 40), Fraction(13, 40)], dtype=object)
    """

    kind: ClassVar[str] = "latent_class"

    weights: Table
    components: tuple[Table, ...]
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", distributions(self.weights, "the array of weights", ["class"]))
        given = several("components", self.components, "a table for each variable")
        tables = tuple(
            distributions(table, f"the table of variable {site}", ["class", "value"]) for site, table in enumerate(given)
        )
        object.__setattr__(self, "components", tables)
        for site, table in enumerate(tables):
            if table.shape[0] != self.classes:
                raise TensorRankError(
                    f"the table of variable {site} has {table.shape[0]} rows; expected one for each of the "
                    f"{self.classes} classes"
                )
        self._check_densities()

    def __repr__(self) -> str:
        return f"LatentClass({self.sites} variables, {self.classes} classes, {self._values('values')})"

    @property
    def classes(self) -> int:
        """The number of classes, r."""
        return len(self.weights)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values (components) of each variable."""
        return tuple(table.shape[1] for table in self.components)

    @cached_property
    def _tree(self) -> LatentTree:
        edges = tuple(Edge("class", site, table) for site, table in enumerate(self.components))
        return LatentTree("class", self.weights, edges, densities=self.densities)

    def fields(self) -> dict[str, Any]:
        """The weights, and the components of each variable."""
        return {"weights": written(self.weights), "components": written(self.components)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("weights", "components")
        tables = tuple(read_table(table, what) for what, table in fields.entries("components"))
        return cls(fields.table("weights"), tables, densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The number of classes."""
        return {"classes": self.classes}

    def way(self) -> Way:
        """A model of these classes already."""
        return Way(classes=self.classes)

    def replaced(self, image: Callable[[Table], Table], densities: Gaussians | None) -> Self:
        """The model with the image of each table in its place, and with these components."""
        return type(self)(image(self.weights), tuple(map(image, self.components)), densities=densities)

    @classmethod
    def fit_report(
        cls, data: ArrayLike, classes: int = 2, random_state: int | np.random.Generator = 0, **options: Unpack[FitOptions]
    ) -> FitReport[Self]:
        """Fits a latent class model to data by expectation-maximisation (EM).

        Args:
            data: whole numbers or real numbers of shape (rows, sites), or real numbers of shape (rows, sites,
                features). Missing values, as of `log_density`, are summed out.
            classes: the number of classes.
            random_state: a whole number or a numpy Generator.
            **options: the options of every fit, which `FitOptions` names.

        >>> answers = [[0, 0, 0]] * 30 + [[1, 1, 1]] * 10
        >>> np.sort(LatentClass.fit(answers).weights).round(2)
        array([0.25, 0.75])
        """
        made = Skeletons.of(data, options)
        classes = made.states("classes", classes, shared=False, joints=0)
        tables = tuple(made.emission(classes, site) for site in range(made.sites))
        skeleton = cls(uniform(classes), tables, densities=made.components(classes, shared=False))
        return made.fit(skeleton, random_state)

    @classmethod
    def random(
        cls, shape: Sequence[int], classes: int, seed: int | np.random.Generator, *, fractions: bool = False
    ) -> LatentClass:
        """Random weights and tables.

        Args:
            shape: the number of values of each variable.
            classes: the number of classes, r.
            seed: a whole number or a numpy Generator.
            fractions: whether entries are fractions.

        Raises:
            TensorRankError: if a number is not a whole number of at least 1, or the tables would not fit in memory.
        """
        rng = random_stream(seed)
        r = whole_number("classes", classes, 1)
        shape = several("numbers of values", shape, "one for each variable")
        sizes = [whole_number("the number of values", k, 1) for k in shape]
        check_entries(r * (1 + sum(sizes)), f"the tables of {shown(r)} classes", fractions=fractions)
        weights = random_distributions((r,), rng, fractions=fractions)
        return cls(weights, tuple(random_distributions((r, k), rng, fractions=fractions) for k in sizes))

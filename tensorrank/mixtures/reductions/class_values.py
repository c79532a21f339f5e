"""Two models as functions of the same things: the values of classes of equal components, a vector for each variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.aims import Aims
from tensorrank.mixtures.evaluation.circuit import Circuit
from tensorrank.mixtures.evaluation.inference import log_component_derivatives, log_derivatives, log_values
from tensorrank.mixtures.mixture import Mixture

# For each variable the logarithms of the values of its classes, of shape (classes, rows).
ClassValues: TypeAlias = "list[Floats]"


def component_classes(source: Mixture, target: Mixture) -> tuple[list[Integers], list[Integers]]:
    """For each model and variable the classes of its components, where equal densities of both models are one class."""
    found: tuple[list[Integers], list[Integers]] = ([], [])
    shapes = (source.shape, target.shape)
    for site in range(source.sites):
        classes: dict[object, int] = {}
        for model, shape, own in zip((source, target), shapes, found, strict=True):
            keys = range(shape[site]) if model.densities is None else model.densities.keys(site)
            own.append(np.array([classes.setdefault(key, len(classes)) for key in keys]))
    return found


@dataclass(frozen=True, eq=False)
class ByClass:
    """A model as a function of the values of classes, linear in the vector of each variable.

    Attributes:
        circuit: the model's circuit.
        classes: for each variable the class of each of its components.
        counts: for each variable the number of classes, of which this model may have only some.
    """

    circuit: Circuit
    classes: Sequence[Integers]
    counts: Sequence[int]

    @property
    def numbers(self) -> int:
        """How many numbers a row has: the slots, and the values of all classes."""
        return self.circuit.slots + sum(self.counts)

    def log_values(self, values: ClassValues, aims: Aims | None = None) -> Floats:
        """The logarithms of all slots, (slots, rows); the last is the model."""
        return log_values(self.circuit, [value[own] for value, own in zip(values, self.classes, strict=True)], aims)

    def log_derivatives(self, logs: Floats, aims: Aims | None = None) -> ClassValues:
        """The logarithms of the derivatives by the values of classes: the model with one class for that variable."""
        sizes = [len(own) for own in self.classes]
        by_component = log_component_derivatives(self.circuit, log_derivatives(self.circuit, logs, aims), sizes, aims)
        return [self._merged(site, found) for site, found in enumerate(by_component)]

    def _merged(self, site: int, by_component: Floats) -> Floats:
        """The derivatives by the values of classes, from the ones by the values of components."""
        own = self.classes[site]
        if len(own) == self.counts[site] and (own == np.arange(len(own))).all():
            return by_component
        found = np.full((self.counts[site], by_component.shape[1]), -np.inf)
        np.logaddexp.at(found, own, by_component)
        return found


def by_class(source: Mixture, target: Mixture) -> tuple[ByClass, ByClass]:
    """Both models as functions of the values of their common classes."""
    classes = component_classes(source, target)
    counts = [1 + int(max(*one, *other)) for one, other in zip(*classes, strict=True)]
    first, second = (ByClass(model.circuit, own, counts) for model, own in zip((source, target), classes, strict=True))
    return first, second


def least_shape(model: Mixture) -> tuple[int, ...]:
    """The fewest components that each variable has in any model of this density.

    Values of categorical variables are given. Different normal densities are linearly independent, so every model of
    the density has those that are used here, each of them once at least. Those that are never used may be left out.

    Source: Yakowitz & Spragins, On the Identifiability of Finite Mixtures (Ann. Math. Statist. 39, 1968).

    >>> from tensorrank.mixtures.gaussian import Gaussians
    >>> from tensorrank.mixtures.latent_class import LatentClass
    >>> densities = Gaussians([0, 0, 1, 2], [1, 1, 1, 1])
    >>> least_shape(LatentClass([1], [[[0.25, 0.25, 0.5, 0]]] * 2, densities=densities))
    (2, 2)
    """
    if model.densities is None:
        return model.shape
    one, _ = by_class(model, model)
    everything = single_classes(np.full((1, model.sites), -1), one.counts)
    logs = one.log_derivatives(one.log_values(everything))
    return tuple(int(np.count_nonzero(found[:, 0] > -np.inf)) for found in logs)


def single_classes(chosen: Integers, counts: Sequence[int]) -> ClassValues:
    """The values at which each variable has a single class: 1 for it, 0 for others; -1 stands for 1 for all.

    Args:
        chosen: the classes, of shape (rows, variables).
        counts: the number of classes of each variable.
    """
    values = []
    for numbers, count in zip(chosen.T, counts, strict=True):
        one = np.full((count, len(chosen)), -np.inf)
        one[numbers, np.arange(len(chosen))] = 0.0
        one[:, numbers < 0] = 0.0
        values.append(one)
    return values

"""Random streams that depend on the models which they test: no model can be made for the numbers that it will meet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.randomness import hardened_stream
from tensorrank.mixtures.evaluation.circuit import Leaves, operands
from tensorrank.mixtures.mixture import Mixture


def stream_of(seed: int | np.random.Generator, *models: Mixture) -> np.random.Generator:
    """The stream of a seed and of everything that decides the densities of some models.

    >>> from tensorrank.mixtures.latent_class import LatentClass
    >>> one, other = (LatentClass([1], [[[p, 1 - p]]]) for p in (0.25, 0.5))
    >>> stream_of(0, one).random() == stream_of(0, other).random()
    False
    """
    return hardened_stream(seed, (entry for model in models for entry in _decisive(model)))


def _decisive(model: Mixture) -> Iterator[Array | str]:
    """The kind and the shape of a model, the blocks of its circuit with their tables, and its Gaussian components."""
    yield model.kind
    yield np.array(model.shape)
    met: dict[int, int] = {}
    for block in model.circuit.blocks:
        yield type(block).__name__
        yield from operands(block)
        if isinstance(block, Leaves):
            yield np.array(block.site)
        table = getattr(block, "table", None)
        if table is not None and id(table) in met:
            # A table that several blocks share is read once.
            yield f"table {met[id(table)]}"
        elif table is not None:
            met[id(table)] = len(met)
            yield table
    if model.densities is not None:
        yield model.densities.means
        yield model.densities.covariances

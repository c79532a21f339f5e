"""Names that a shell completes behind an option. Where there are none to offer, shells complete files."""

from __future__ import annotations

from collections.abc import Callable

PARTITIONS = ("halves", "interleaved")
ENGINES = ("auto", "bytes", "float32", "float64")
DEVICES = ("cpu", "cuda")
METHODS = ("auto", "catalecticant", "grid")
ARCHITECTURES = ("attention", "higher-order", "recurrent", "convolutional", "gated", "graph")
# Architectures that are compared at equal size.
FAMILIES = ("attention", "recurrent", "convolutional")
EMBEDDINGS = ("one-hot", "angle", "moments", "vectors")
# What the names of graphs begin with.
GRAPHS = ("path:", "cycle:", "complete:", "star:", "grid:")
GATES = ("inputs", "constant", "none")
# A name with a blank, such as "lower bound", would be two words to a shell.
STANDINGS = ("exact", "probable")
MIXTURES = ("latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "hierarchical", "sum_product", "squared")
PICTURES = ("png", "svg", "pdf", "eps", "ps", "pgf", "jpg", "tif", "webp")

Completion = Callable[[str], list[str]]


def offered(*names: str) -> Completion:
    """What completes one of some names.

    The names are written here once more, so that a shell waits for no heavy module; tests hold them against these.

    >>> offered("halves", "interleaved")("in")
    ['interleaved']
    """

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def listed(*names: str) -> Completion:
    """What completes a list of some names, with commas between them, each name once.

    >>> listed("png", "pdf", "svg")("png,p")
    ['png,pdf']
    """

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in before.split(",")]

    return complete

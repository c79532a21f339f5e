"""Depth and width of models that people know, and the depths that were published as better for those of GPT-3."""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.checked import checked
from tensorrank.records import Record


@checked
@dataclass(frozen=True)
class KnownModel(Record):
    """A model as its authors describe it.

    Attributes:
        name: the name by which people know the model.
        depth: the number of layers, L.
        width: the dimension of a token, d.
        source: the report that gives the shape.

    >>> KNOWN_MODELS[3].name, KNOWN_MODELS[3].depth, KNOWN_MODELS[3].width
    ('GPT-3', 96, 12288)
    """

    name: str
    depth: int
    width: int
    source: str


@checked
@dataclass(frozen=True)
class Projection(Record):
    """A row of the published projections.

    Attributes:
        name: the model of GPT-3, or a size.
        parameters: the size without embeddings; 12 L d^2 for a model that was trained.
        trained: depth and width as trained; None for a size alone.
        published: the depth and width projected to be optimal, as the authors rounded them.

    >>> PUBLISHED_PROJECTIONS[-1].name, PUBLISHED_PROJECTIONS[-1].published
    ('one trillion', (95, 30100))
    """

    name: str
    parameters: float
    trained: tuple[int, int] | None
    published: tuple[int, int]


def _trained(name: str, depth: int, width: int, published: tuple[int, int]) -> Projection:
    return Projection(name, 12.0 * depth * width**2, (depth, width), published)


# Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3), table 1.
PUBLISHED_PROJECTIONS = (
    _trained("GPT-3 Small (125M)", 12, 768, (23, 555)),
    _trained("GPT-3 Medium (350M)", 24, 1024, (32, 886)),
    _trained("GPT-3 Large (760M)", 24, 1536, (38, 1220)),
    _trained("GPT-3 XL (1.3B)", 24, 2048, (42, 1550)),
    _trained("GPT-3 2.7B", 32, 2560, (47, 2110)),
    _trained("GPT-3 6.7B", 32, 4096, (54, 3150)),
    _trained("GPT-3 13B", 40, 5140, (60, 4200)),
    _trained("GPT-3 175B", 96, 12288, (80, 13500)),
    Projection("one trillion", 1e12, None, (95, 30100)),
)

KNOWN_MODELS = (
    KnownModel("BERT base", 12, 768, "Devlin et al. 2019, arXiv 1810.04805"),
    KnownModel("BERT large", 24, 1024, "Devlin et al. 2019, arXiv 1810.04805"),
    KnownModel("GPT-2 XL", 48, 1600, "Radford et al. 2019"),
    KnownModel("GPT-3", 96, 12288, "Brown et al. 2020, arXiv 2005.14165"),
    KnownModel("Jurassic-1", 76, 13824, "Lieber, Sharir, Lenz, Shoham 2021"),
    KnownModel("Gopher", 80, 16384, "Rae et al. 2021, arXiv 2112.11446"),
    KnownModel("MT-NLG 530B", 105, 20480, "Smith et al. 2022, arXiv 2201.11990"),
    KnownModel("LLaMA 7B", 32, 4096, "Touvron et al. 2023, arXiv 2302.13971"),
    KnownModel("LLaMA 65B", 80, 8192, "Touvron et al. 2023, arXiv 2302.13971"),
    KnownModel("Llama 3 405B", 126, 16384, "Grattafiori et al. 2024, arXiv 2407.21783"),
)

"""Experiments: one file a question, answered by measured rows and findings in words.

- What do chains and trees represent that a shallow mixture does not? `interleaved_ranks`, `level_sizes` with `cut_to`.
- What do the formats of tensors need of one another? `format_ranks`, `perfect_matching_states`, `measure_hierarchy`.
- How well do shallow mixtures approximate deep ones? `shallow_approximations`, `wall_of`, `growing_depth`.
- What does depth buy on data? `compare_depths` of a `MixtureFamily`.
- Which architecture makes the most of its parameters? `compare` of `contenders`.
- What does sparse averaging ask of a model? `error_by_dimension`, `least_dimensions`, `bits_by_dimension`,
  `model_sizes`.
- What does finding triples ask of attention? `detect_triples`.
- How do the ranks of a task grow with its size? `communication_growth`.

Every result is a frozen record with `to_dict`; `tensorrank.figures` has a picture of each.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorrank.experiments.approximation import (
        ApproximationRun,
        ApproximationTarget,
        ShallowApproximations,
        Wall,
        growing_depth,
        informative_parts,
        shallow_approximations,
        wall_of,
    )
    from tensorrank.experiments.communication import CommunicationGrowth, communication_growth
    from tensorrank.experiments.comparison import Compared, Contender, compare, contenders
    from tensorrank.experiments.depth_families import MixtureFamily, z_order
    from tensorrank.experiments.depth_on_data import DepthOnData, FamilyScores, compare_depths, peaked
    from tensorrank.experiments.formats import FormatRanks, format_ranks
    from tensorrank.experiments.hierarchy import Hierarchy, measure_hierarchy
    from tensorrank.experiments.interleaved import InterleavedRanks, interleaved_ranks
    from tensorrank.experiments.levels import LevelSizes, cut_to, level_sizes
    from tensorrank.experiments.perfect_matchings import PerfectMatchingStates, perfect_matching_states
    from tensorrank.experiments.sparse_averaging import (
        ErrorByDimension,
        LeastDimensions,
        error_by_dimension,
        least_dimensions,
    )
    from tensorrank.experiments.sparse_averaging_bits import BitsByDimension, bits_by_dimension
    from tensorrank.experiments.sparse_averaging_models import ModelSizes, model_sizes
    from tensorrank.experiments.triples import HistogramUnit, Triples, detect_triples

# The file of each public name; files are loaded when a name is first used.
_FILES = {
    "approximation": "ApproximationRun ApproximationTarget ShallowApproximations Wall growing_depth "
    "informative_parts shallow_approximations wall_of",
    "communication": "CommunicationGrowth communication_growth",
    "comparison": "Compared Contender compare contenders",
    "depth_families": "MixtureFamily z_order",
    "depth_on_data": "DepthOnData FamilyScores compare_depths peaked",
    "formats": "FormatRanks format_ranks",
    "hierarchy": "Hierarchy measure_hierarchy",
    "interleaved": "InterleavedRanks interleaved_ranks",
    "levels": "LevelSizes cut_to level_sizes",
    "perfect_matchings": "PerfectMatchingStates perfect_matching_states",
    "sparse_averaging": "ErrorByDimension LeastDimensions error_by_dimension least_dimensions",
    "sparse_averaging_bits": "BitsByDimension bits_by_dimension",
    "sparse_averaging_models": "ModelSizes model_sizes",
    "triples": "HistogramUnit Triples detect_triples",
}
_HOMES = {name: file for file, names in _FILES.items() for name in names.split()}

__all__ = [
    "ApproximationRun",
    "ApproximationTarget",
    "BitsByDimension",
    "CommunicationGrowth",
    "Compared",
    "Contender",
    "DepthOnData",
    "ErrorByDimension",
    "FamilyScores",
    "FormatRanks",
    "Hierarchy",
    "HistogramUnit",
    "InterleavedRanks",
    "LeastDimensions",
    "LevelSizes",
    "MixtureFamily",
    "ModelSizes",
    "PerfectMatchingStates",
    "ShallowApproximations",
    "Triples",
    "Wall",
    "bits_by_dimension",
    "communication_growth",
    "compare",
    "compare_depths",
    "contenders",
    "cut_to",
    "detect_triples",
    "error_by_dimension",
    "format_ranks",
    "growing_depth",
    "informative_parts",
    "interleaved_ranks",
    "least_dimensions",
    "level_sizes",
    "measure_hierarchy",
    "model_sizes",
    "peaked",
    "perfect_matching_states",
    "shallow_approximations",
    "wall_of",
    "z_order",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

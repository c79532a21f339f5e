"""Figures: each takes findings and returns (figure, axes); nothing is shown or written unless asked.

>>> import tensorrank as tr
>>> rank = tr.numerical_separation_rank(tr.SoftmaxAttention(depth=1, width=2))
>>> figure, axes = tr.figures.spectra(rank)
>>> [one.get_xlabel() != "" for one in axes]
[True, True]
"""

from tensorrank.figures.ablations import ablation
from tensorrank.figures.approximations import approximation
from tensorrank.figures.communication import communication_growth
from tensorrank.figures.comparisons import comparison
from tensorrank.figures.depth_and_structure import formats, interleaved, levels, perfect_matchings
from tensorrank.figures.depths_on_data import depth_on_data
from tensorrank.figures.depths_and_widths import depth_width
from tensorrank.figures.hierarchies import hierarchy
from tensorrank.figures.increments_over_depth import increments
from tensorrank.figures.equal_parameters import iso_parameters
from tensorrank.figures.sizes_of_models import model_sizes
from tensorrank.figures.ranks_over_depth import rank_vs_depth
from tensorrank.figures.sparse_averaging import (
    sparse_averaging_bits,
    sparse_averaging_dimensions,
    sparse_averaging_errors,
)
from tensorrank.figures.spectra import spectrum
from tensorrank.figures.style import save
from tensorrank.figures.triple_detection import triples

__all__ = [
    "ablation",
    "approximation",
    "communication_growth",
    "comparison",
    "depth_on_data",
    "depth_width",
    "formats",
    "hierarchy",
    "increments",
    "interleaved",
    "iso_parameters",
    "levels",
    "model_sizes",
    "perfect_matchings",
    "rank_vs_depth",
    "save",
    "sparse_averaging_bits",
    "sparse_averaging_dimensions",
    "sparse_averaging_errors",
    "spectrum",
    "triples",
]

"""Figures: each takes findings and returns (figure, axes); nothing is shown or written unless asked."""

from tensorrank.figures.approximation import approximation
from tensorrank.figures.comparison import compare
from tensorrank.figures.depth_on_data import depth_on_data
from tensorrank.figures.hierarchy import hierarchy
from tensorrank.figures.increments import increments
from tensorrank.figures.iso_parameters import iso_parameters
from tensorrank.figures.rank_vs_depth import rank_vs_depth
from tensorrank.figures.separations import formats, interleaved, levels, matchings
from tensorrank.figures.spectrum import spectrum
from tensorrank.figures.style import save

__all__ = [
    "approximation",
    "compare",
    "depth_on_data",
    "formats",
    "hierarchy",
    "increments",
    "interleaved",
    "iso_parameters",
    "levels",
    "matchings",
    "rank_vs_depth",
    "save",
    "spectrum",
]

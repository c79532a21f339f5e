"""Figures: each takes findings and returns (figure, axes); nothing is shown or written unless asked."""

from tensorrank.figures.comparison import compare
from tensorrank.figures.increments import increments
from tensorrank.figures.iso_parameters import iso_parameters
from tensorrank.figures.rank_vs_depth import rank_vs_depth
from tensorrank.figures.spectrum import spectrum
from tensorrank.figures.style import save

__all__ = ["compare", "increments", "iso_parameters", "rank_vs_depth", "save", "spectrum"]

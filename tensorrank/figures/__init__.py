"""Figures: each takes findings and returns (figure, axes); nothing is shown or written unless asked."""

from tensorrank.figures.increments import increments
from tensorrank.figures.rank_vs_depth import rank_vs_depth
from tensorrank.figures.style import save

__all__ = ["increments", "rank_vs_depth", "save"]

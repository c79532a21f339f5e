"""Figures: each takes findings and returns (figure, axes); nothing is shown or written unless asked.

>>> import tensorrank as tr
>>> rank = tr.numerical_separation_rank(tr.SoftmaxAttention(depth=1, width=2))
>>> figure, axes = tr.figures.spectrum(rank)
>>> [one.get_xlabel() != "" for one in axes]
[True, True]
"""

import lazy_loader

from tensorrank.font_folder import importing_matplotlib

with importing_matplotlib():
    import matplotlib.figure  # noqa: F401  # here first, for every file of this folder

# A file that had the name of its function would stand in its place once it is imported.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

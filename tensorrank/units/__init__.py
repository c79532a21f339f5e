"""Attention units: one layer of softmax attention, the explicit ones that solve tasks, and what a head cannot do.

>>> import tensorrank as tr
>>> unit = tr.units.match3_unit(tokens=5, modulus=7)  # attention of third order, in five dimensions
>>> tr.units.check_unit(unit).wrong  # on all 7^5 inputs
0
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

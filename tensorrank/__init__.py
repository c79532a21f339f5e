"""tensorrank: how much correlation between two parts of its input can an architecture represent?

The package computes separation ranks exactly over finite fields and certifies them against proven bounds.

>>> import tensorrank as tr
>>> tr.separation_rank(tr.SelfAttention(depth=2, width=2)).value
18
"""

import lazy_loader

from tensorrank.version import __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]

"""Attention units: layers of softmax attention, the explicit ones that solve tasks, and what a head cannot do.

- `AttentionUnit` is softmax attention of any order, in float64, float32 or fixed point (`Precision`).
- `match2_unit`, `match3_unit`, `bigram_units` and `local_unit` solve tasks of residues: each gives a `Construction`.
- `RestrictedIsometryUnit` and `MomentCurveUnit` average q chosen tokens; `least_dimension` and `least_bits` say at what
  size.
- `check_unit` and `check_units` hold units against the right answers, `least_bits_for` finds the bits they need.
- `least_head_dimension`, `head_for` and `bottleneck_table` are about the softmax bottleneck: which attention patterns a
  head can produce. `CutSamples` has the ranks of a head across a cut of its tokens.

The tasks themselves are in `tensorrank.tasks`.

>>> import tensorrank as tr
>>> unit = tr.units.match3_unit(tokens=5, modulus=7)  # attention of third order, in five dimensions
>>> tr.units.check_unit(unit).wrong  # on all 7^5 inputs
0
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

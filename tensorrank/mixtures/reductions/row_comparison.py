"""Whether two models have the same densities within rounding at rows of values, where tables have signs.

Terms of either sign cancel, so that no entry of a table can be aimed at (`float_comparison`). Densities are compared at
rows that either model is likely to have, at rows that all are as likely, and at all that differ from these in a value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.float_comparison import FLOAT_TOLERANCE, FloatComparison

# Values of variables in all rows that are compared, and the fewest and most rows of each sort.
_VALUES, _FEWEST, _MOST = 2**20, 2, 32


def compare_rows(source: Mixture, target: Mixture, rng: np.random.Generator) -> FloatComparison:
    """Compare the densities of two models of the same categorical variables at rows of values.

    Rows are sampled from either model and from the uniform distribution, and one has all values missing. At each of
    them every variable takes each of its values in turn.
    """
    shape = source.shape
    rows = min(_MOST, max(_FEWEST, _VALUES // (3 * source.sites * sum(shape))))
    uniform = rng.integers(0, shape, (rows, source.sites))
    chosen = [np.full((1, source.sites), MISSING), source.sample(rows, rng), target.sample(rows, rng), uniform]
    compared = np.concatenate(chosen)
    largest = _largest(*(model.log_density(_changes(compared, shape)) for model in (source, target)))
    close = largest <= FLOAT_TOLERANCE
    what = f"at {len(compared)} rows, sampled from either model or uniform, and at all changes of one variable there"
    return FloatComparison(close, largest, f"compared {what}" if close else f"one of them shows it, compared {what}")


def _changes(rows: Integers, shape: Sequence[int]) -> Integers:
    """The rows, and all that differ from one of them in the value of one variable."""
    found = [rows]
    for site, values in enumerate(shape):
        changed = np.repeat(rows, values, axis=0)
        changed[:, site] = np.tile(np.arange(values), len(rows))
        found.append(changed)
    return np.concatenate(found)


def _largest(one: Floats, other: Floats) -> float:
    """The largest difference of logarithms, infinite where only one is -inf."""
    with np.errstate(invalid="ignore"):
        return float(np.where(one == other, 0.0, np.abs(one - other)).max())

"""Nonnegative numbers as mantissa * 2**exponent, in compiled code: of any size, where plain floats do not reach.

A settled number has a mantissa of at least 1/2 and below 1, or 0. So equal numbers but 0 are equal in both, and the
larger of two has the larger exponent or, with equal exponents, the larger mantissa. Exponents are floats, which have
room for the logarithm of any float; that of 0 means nothing.
"""

from __future__ import annotations

import math

import numpy as np

from tensorrank.arithmetic.compiled import compiled

LOG_2 = math.log(2.0)

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(within_callers=True)
def settled(value, exponent):  # type: ignore[no-untyped-def]
    """The mantissa and the exponent of value * 2**exponent, for a value of at least 0."""
    mantissa, more = math.frexp(value)
    return mantissa, exponent + more


@compiled(within_callers=True)
def times(weight, mantissa, exponent):  # type: ignore[no-untyped-def]
    """The mantissa and the exponent of a weight times an extended float, both of any size."""
    weight, exponent = settled(weight, exponent)
    mantissa, exponent = settled(mantissa, exponent)
    return settled(weight * mantissa, exponent)


@compiled(within_callers=True)
def scaled(mantissa, exponent):  # type: ignore[no-untyped-def]
    """A number as a plain float, 0 if it is smaller than all of them."""
    return math.ldexp(mantissa, int(max(exponent, -3000.0)))


@compiled(within_callers=True)
def from_log(log):  # type: ignore[no-untyped-def]
    """The mantissa and the exponent of a number whose natural logarithm is given."""
    if log == -np.inf:
        return 0.0, 0.0
    exponent = np.floor(log / LOG_2)
    # Of a logarithm beyond 2**53 the rest has no digit that counts.
    return settled(np.exp(min(max(log - exponent * LOG_2, 0.0), 1.0)), exponent)


@compiled()
def log_of(mantissa, exponent):  # type: ignore[no-untyped-def]
    """The natural logarithm, -inf of 0."""
    if mantissa == 0.0:
        return -np.inf
    return np.log(mantissa) + exponent * LOG_2

"""Bounds on probabilities in words, which never say less than the bound."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

_TWO_DIGITS = Context(prec=2, rounding=ROUND_CEILING)


def at_most(bound: float) -> str:
    """A bound on a probability in two digits, rounded up.

    >>> at_most(1.23e-19), at_most(0.5)
    ('1.3e-19', '5.0e-01')
    """
    return f"{float(_TWO_DIGITS.create_decimal(Decimal(bound))):.1e}"

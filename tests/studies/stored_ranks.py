"""Ranks as a store keeps them, made by hand."""

import tensorrank as tr
from tensorrank.separation.limits import Limits

MODEL = tr.SelfAttention(depth=3, width=2)
LIMITS = Limits(2**30, 1e9)


def rank_of(value, upper, standing="exact", **changes):
    lower = changes.pop("lower", value)
    evidence = {"by_degree": None, "method": "catalecticant", "primes": (8388593,), "seeds": (0,), "samples": (50, 42)}
    return tr.SeparationRank(
        value=value, lower=lower, upper=upper, standing=standing, failure_probability=None, seconds=0.5, **evidence, **changes
    )


def model(depth):
    return tr.SelfAttention(depth=depth, width=2)

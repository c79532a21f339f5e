"""Which engine multiplies over a field: the fastest that is exact on this machine, or the one that a user names."""

from __future__ import annotations

from math import inf
from typing import Literal

from tensorrank.arguments import one_of
from tensorrank.arithmetic.elimination.byte_products import Bytes
from tensorrank.arithmetic.elimination.engines import Doubles, Engine, Singles
from tensorrank.arithmetic.elimination.rates import rate
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError

EngineName = Literal["auto", "bytes", "float32", "float64"]

ENGINES: dict[str, type[Engine]] = {kind.name: kind for kind in (Bytes, Singles, Doubles)}
# Operations below which no engine is looked for: doubles need nothing to be loaded, and take a few milliseconds.
_WORTH_CHOOSING = 5e7


def engine_for(field: PrimeField, name: str = "auto", work: float = inf) -> Engine:
    """The engine of a name over a field, or for "auto" the one that does so many operations fastest.

    Raises:
        TensorRankError: if there is no such engine, or it is not installed, not exact on this machine, or not made for
            the prime; the message says what to install or to use instead.

    >>> engine_for(PrimeField(251), "float32").name, engine_for(PrimeField(251), work=1000).name
    ('float32', 'float64')
    """
    one_of("the engine", name, ("auto", *ENGINES))
    if name != "auto":
        if obstacle := ENGINES[name].obstacle(field):
            raise TensorRankError(f"{obstacle}; engine 'auto' takes the fastest that serves, 'float64' serves every prime")
        return ENGINES[name](field)
    if work < _WORTH_CHOOSING:
        return Doubles(field)
    serving = [(kind, kind(field)) for kind in ENGINES.values() if kind.obstacle(field) is None]
    return max(serving, key=lambda pair: rate(pair[0]) / len(pair[1].weights))[1]

"""Which engine multiplies over a field: the fastest that is exact on this machine, or the one that a user names.

With a device it is an engine of that device. What multiplies whole matrices by an engine is chosen here too.
"""

from __future__ import annotations

from math import inf
from typing import Literal

from tensorrank.arguments import one_of
from tensorrank.arithmetic.elimination.byte_products import MOST_DIGIT, Bytes, digit_scale
from tensorrank.arithmetic.elimination.device_engines import DeviceEngine, device_engine, refuse_engine
from tensorrank.arithmetic.elimination.device_products import DeviceProducts
from tensorrank.arithmetic.elimination.devices import HOST, Device, device_named, refuse_unknown_device
from tensorrank.arithmetic.elimination.engines import Doubles, Engine, Singles
from tensorrank.arithmetic.elimination.products import Products
from tensorrank.arithmetic.elimination.rates import rate
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import Workers
from tensorrank.errors import TensorRankError

EngineName = Literal["auto", "bytes", "float32", "float64"]
AnyEngine = Engine | DeviceEngine

ENGINES: dict[str, type[Engine]] = {kind.name: kind for kind in (Bytes, Singles, Doubles)}
# Operations below which no engine is looked for (1,150 rows and columns): to load one takes longer than doubles do.
WORTH_CHOOSING = 1e9
# Operations below which "auto" leaves a matrix on the processors (2,500 rows and columns): a device would spend
# most of its time on launching and on panels. An estimate, since no device was at hand.
_WORTH_MOVING = 1e10


def engine_for(field: PrimeField, name: str = "auto", work: float = inf, device: str = HOST) -> AnyEngine:
    """The engine of a name over a field on a device, or for "auto" the one that does so many operations fastest.

    For "auto", matrices too small to gain from a device are left to the processors.

    Raises:
        TensorRankError: if there is no such engine, or it is not installed, not exact on this machine, or not made for
            the prime, or the device is not there; the message says what to install or to use instead.

    >>> engine_for(PrimeField(251), "float32").name, engine_for(PrimeField(251), work=1000).name
    ('float32', 'float64')
    """
    checked_choice(name, device)
    if device != HOST and (name != "auto" or work >= _WORTH_MOVING):
        return device_engine(field, name, device_named(device))
    if name != "auto":
        refuse_obstacle(name, field)
        return ENGINES[name](field)
    kinds = ENGINES.values() if work >= WORTH_CHOOSING else [Doubles]
    obstacles = {kind: kind.obstacle(field) for kind in kinds}
    serving = [kind(field) for kind, obstacle in obstacles.items() if obstacle is None]
    if not serving:
        raise TensorRankError("; ".join(str(obstacle) for obstacle in obstacles.values()))
    if len(serving) == 1:
        return serving[0]
    return max(serving, key=lambda engine: rate(ENGINES[engine.name]) / len(engine.weights))


def refuse_obstacle(name: str, field: PrimeField) -> None:
    """Raise an error if an engine of the processors is not installed, not exact here, or not made for the prime."""
    if obstacle := ENGINES[name].obstacle(field):
        raise TensorRankError(f"{obstacle}; engine 'auto' takes the fastest that serves, 'float64' serves every prime")


def preferred_engine(field: PrimeField, name: str, work: float, device: str = HOST) -> AnyEngine:
    """The engine of a name where it takes a prime that the user did not choose, and otherwise the fastest that does."""
    too_large = {"bytes": not digit_scale(field, MOST_DIGIT), "float32": field.prime > Singles.largest_prime()}
    if too_large.get(name, False):
        name = "auto"
    return engine_for(field, name, work, device)


def checked_choice(name: str, device: str) -> Device | None:
    """The device of a choice of engine and device, None for the processors.

    Raises:
        TensorRankError: if there is no such engine or device, or the device has no such engine.
    """
    refuse_unknown(name, device)
    return None if device == HOST else device_named(device)


def refuse_unknown(name: str, device: str) -> None:
    """Raise an error if there is no such engine or device on any machine, or devices have no such engine."""
    one_of("the engine", name, ("auto", *ENGINES))
    if not isinstance(device, str) or device != HOST:
        refuse_unknown_device(device)
        refuse_engine(name, device)


def refuse_missing(name: str, device: str) -> None:
    """Raise an error if an engine is not installed or not exact on this machine, or the device is not there."""
    # Every engine takes the smallest prime.
    field, found = PrimeField(2), checked_choice(name, device)
    if found is not None:
        device_engine(field, name, found)
    elif name != "auto":
        refuse_obstacle(name, field)


def products_of(engine: AnyEngine, pool: Workers) -> Products | DeviceProducts:
    """What multiplies matrices by an engine: tiles on the threads of a pool, or on a device."""
    return DeviceProducts(engine) if isinstance(engine, DeviceEngine) else Products(engine, pool)

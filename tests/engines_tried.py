"""The engines of elimination with primes that each of them takes, for tests that hold for every engine."""

import pytest

from tensorrank.arithmetic.elimination.device_engines import device_engine
from tensorrank.arithmetic.elimination.devices import device_named
from tensorrank.arithmetic.elimination.engine_choice import ENGINES, engine_for
from tensorrank.arithmetic.elimination.engines import Tiling, storage
from tensorrank.arithmetic.prime_field import PrimeField

# PyTorch on the processors stands for a device.
DEVICE = "torch:cpu"
# One digit within 63 and within 127, two digits of small and of large numbers.
EVERY_ENGINE = (2, 127, 251, 509, 16253)
# The largest primes: of one byte within 63 and within 127, of two bytes, and of sums in float32.
_MOST = {"bytes": 16253, "float32": 1021, "float64": 2**31 - 1}


def pairs(primes):
    """All pairs of a prime and the name of an engine that takes it."""
    return [pytest.param(prime, name, id=f"{prime}-{name}") for prime in primes for name in _tried(prime)]


def _tried(prime):
    return [name for name in ENGINES if prime <= _MOST[name]] if prime in EVERY_ENGINE else ["float64"]


def names(prime):
    """The engines that this machine has for a prime: all of them for some small primes, float64 for the others."""
    if prime not in EVERY_ENGINE:
        return ["float64"]
    return [name for name, kind in ENGINES.items() if kind.obstacle(PrimeField(prime)) is None]


def engine(prime, name):
    """The engine over a field; a test is skipped where the machine does not have it."""
    obstacle = ENGINES[name].obstacle(PrimeField(prime))
    if obstacle is not None:
        pytest.skip(obstacle)
    return engine_for(PrimeField(prime), name)


def set_tilings(monkeypatch, **sizes):
    """Give every engine tiles of small sizes."""
    for kind in ENGINES.values():
        monkeypatch.setattr(kind, "tiling", Tiling(*kind.tiling)._replace(**sizes))


def device_engine_of(prime, name):
    """The engine of a name on PyTorch's processors."""
    return device_engine(PrimeField(prime), name, device_named(DEVICE))


def held(matrix, prime):
    """A matrix as balanced residues in the type that holds them."""
    return PrimeField(prime).balanced(matrix).astype(storage(prime))

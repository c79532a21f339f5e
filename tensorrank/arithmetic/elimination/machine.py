"""What a machine offers to eliminations: its processor, threads, memory, engines with their rates, and their primes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from tensorrank.arithmetic.elimination.devices import DeviceHere, devices_here
from tensorrank.arithmetic.elimination.engine_choice import ENGINES, engine_for
from tensorrank.arithmetic.elimination.engines import Engine
from tensorrank.arithmetic.elimination.rates import measured, processor
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import primes_below
from tensorrank.arithmetic.resources import memory_available, thread_count
from tensorrank.records import Record


@dataclass(frozen=True)
class EngineHere(Record):
    """One engine on this machine.

    Attributes:
        name: as users give it.
        rate: operations a second of its products in one thread, two for a multiplication with its addition; None where
            it does not work.
        most: the largest prime that it takes; None where it does not work.
        obstacle: why it does not work, with a remedy; None where it does.
    """

    name: str
    rate: float | None
    most: int | None
    obstacle: str | None


@dataclass(frozen=True)
class Machine(Record):
    """What this machine offers.

    Attributes:
        processor: its name.
        threads: how many a computation takes by default.
        memory: bytes available now.
        engines: all that there are, whether they work here or not.
        chosen: ranges of primes, first and last, with the engine that "auto" takes for large matrices.
        devices: what PyTorch sees beside the processors.
        devices_missing: why devices are not listed, where PyTorch is installed and it or a device fails.
    """

    processor: str
    threads: int
    memory: int
    engines: tuple[EngineHere, ...]
    chosen: tuple[tuple[int, int, str], ...]
    devices: tuple[DeviceHere, ...] = ()
    devices_missing: tuple[str, ...] = ()


def this_machine() -> Machine:
    """Describe this machine; rates are measured anew and kept."""
    engines = tuple(_engine_here(name, kind) for name, kind in ENGINES.items())
    return Machine(processor(), thread_count(None), memory_available(), engines, tuple(_ranges(engines)), *devices_here())


def _engine_here(name: str, kind: type[Engine]) -> EngineHere:
    obstacle = kind.obstacle(PrimeField(2))
    if obstacle is not None:
        return EngineHere(name, None, None, obstacle)
    return EngineHere(name, measured(kind), kind.largest_prime(), None)


def _ranges(engines: tuple[EngineHere, ...]) -> Iterator[tuple[int, int, str]]:
    """The ranges of primes between the numbers where the engines that take a prime, or their digits, change."""
    ends = sorted({engine.most for engine in engines if engine.most is not None} | {127, 251})
    start = 2
    for name, group in groupby(ends, lambda end: engine_for(PrimeField(next(primes_below(end + 1)))).name):
        *_, last = group
        yield start, last, name
        start = last + 1

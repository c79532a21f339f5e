"""`tensorrank machine`: what this machine multiplies with, how fast, and which engine serves which prime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.terminal import Bar, empty_table, print_json, say, wide_console

if TYPE_CHECKING:
    from tensorrank.arithmetic.elimination.machine import Machine


def machine(json: given.Json = False) -> None:
    """What this machine multiplies with: engines, rates, threads, memory, devices, and the engine for each prime.

    Ranks are computed modulo primes. An engine is one way to multiply matrices modulo a prime, exactly: on 8-bit
    integer units ("bytes"), in single precision ("float32") or in double precision ("float64"). The fastest that serves
    a prime is taken, unless --engine of a verb names another. Rates are measured
    anew here, and kept in the cache folder for all other verbs.

    Example: tensorrank machine
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.arithmetic.elimination.machine import this_machine

    with Bar() as bar:
        bar(0, 1, "measuring rates")
        found = this_machine()
    if json:
        print_json(found.to_dict())
    else:
        _print(found)


def _print(found: Machine) -> None:
    from tensorrank.arithmetic.resources import amount

    say(f"{found.processor}; {found.threads} threads; {amount(found.memory)} of memory available")
    table = empty_table("engine", "operations a second, one thread", "primes up to", "state", words=("engine", "state"))
    for engine in found.engines:
        rate = "" if engine.rate is None else f"{engine.rate / 1e9:.0f} x 10^9"
        most: Any = "" if engine.most is None else engine.most
        table.add_row(engine.name, rate, str(most), engine.obstacle or "ready")
    wide_console().print(table)
    for least, most_prime, name in found.chosen:
        say(f"Primes from {least} to {most_prime}: {name}")
    for device in found.devices:
        say(f"--device {device.name}: {device.model}; {amount(device.free)} of {amount(device.memory)} free")
    for why in found.devices_missing:
        say(f"A device is not listed: {why}")

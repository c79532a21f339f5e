"""How fast the engines multiply on this machine: measured once, and kept in the user's cache folder."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from tensorrank.arithmetic.elimination.engines import Engine, Part
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import TensorRankError
from tensorrank.user_folders import user_folder
from tensorrank.whole_files import write_whole

# The side of the products that are measured, and how often; all of them take a fifth of a second.
_SIDE, _TIMES = 768, 3
# A prime that every engine takes in one digit on every processor.
_PRIME = 127
# Units of processors that change a rate; a virtual machine may hide some.
_UNITS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")
# Rates of machines that are kept; a folder may be shared by many.
_MOST_KEPT = 100


@cache
def rate(engine: type[Engine]) -> float:
    """Operations a second of an engine's products in one thread, two for a multiplication with its addition."""
    known = _kept().get(_machine(), {}).get(engine.name)
    return measured(engine) if known is None else known


def measured(engine: type[Engine]) -> float:
    """The rate of an engine, measured now, and kept in the place of an earlier one."""
    found = _measured(engine)
    path, machine, kept = _path(), _machine(), _kept()
    others = [name for name in kept if name != machine][1 - _MOST_KEPT :]
    kept = {name: kept[name] for name in others} | {machine: kept.get(machine, {}) | {engine.name: found}}
    # Without a folder that can be written every process measures for itself.
    if path is not None:
        with suppress(OSError, TensorRankError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, lambda file: file.write(json.dumps(kept, indent=1).encode()))
    return found


def _measured(kind: type[Engine]) -> float:
    engine = kind(PrimeField(_PRIME))
    residues = np.random.default_rng(0).integers(-(_PRIME // 2), _PRIME // 2 + 1, (2, _SIDE, _SIDE)).astype(np.int8)
    (left,), (right,) = engine.left(Part.whole(residues[0])), engine.right(Part.whole(residues[1]))
    with worker_threads(1):
        engine.multiply(left, right)
        times = []
        for _ in range(_TIMES):
            started = time.perf_counter()
            engine.multiply(left, right)
            times.append(time.perf_counter() - started)
    return 2.0 * _SIDE**3 / min(times)


def processor() -> str:
    """The name of this machine's processor."""
    return next(_cpuinfo("model name"), platform.processor() or platform.machine())


def _cpuinfo(name: str) -> Iterator[str]:
    """What Linux says of each processor under a name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(name):
                yield line.split(":", 1)[1].strip()


def _machine() -> str:
    """The processor, its units that matter here, and the libraries: what rates belong to."""
    flags = next(_cpuinfo("flags"), next(_cpuinfo("Features"), "")).split()
    parts = [processor(), *(unit for unit in _UNITS if unit in flags)]
    for name in ("numpy", "onnxruntime"):
        with suppress(PackageNotFoundError):
            parts.append(f"{name} {version(name)}")
    return ", ".join(parts)


def _kept() -> dict[str, dict[str, float]]:
    """The rates in the cache folder by machine and engine; a file that holds anything else counts as none."""
    path = _path()
    try:
        kept = json.loads("{}" if path is None else path.read_text(encoding="utf-8"))
        return {
            str(machine): {str(engine): float(rate) for engine, rate in rates.items() if float(rate) > 0}
            for machine, rates in kept.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _path() -> Path | None:
    """The file in the user's cache folder; None for a user without a home."""
    folder = user_folder("cache")
    return None if folder is None else folder / "engines.json"

"""How fast the engines multiply on this machine: measured once, and kept in the user's cache folder."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.elimination.engines import Engine
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import write_whole

# The side of the products that are measured, and how often; all of them take a fifth of a second.
_SIDE, _TIMES = 768, 3
# A prime that every engine takes in one digit.
_PRIME = 127
# Rates of machines that are kept; a folder may be shared by many.
_MOST_KEPT = 100


@cache
def rate(engine: type[Engine]) -> float:
    """Operations a second of an engine's products in one thread, two for a multiplication with its addition."""
    kept = _kept()
    machine = _machine()
    known = kept.get(machine, {}).get(engine.name)
    if known is not None:
        return known
    measured = _measured(engine)
    kept = {name: rates for name, rates in list(kept.items())[1 - _MOST_KEPT :] if name != machine} | {
        machine: kept.get(machine, {}) | {engine.name: measured}
    }
    path = _path()
    # Without a folder that can be written every process measures for itself.
    with suppress(OSError, TensorRankError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda file: file.write(json.dumps(kept, indent=1).encode()))
    return measured


def _measured(kind: type[Engine]) -> float:
    engine = kind(PrimeField(_PRIME))
    rng = np.random.default_rng(0)
    low, high = (-60, 60) if kind.kinds[1] is np.int8 else (-_PRIME // 2, _PRIME // 2)
    left: Array = (rng.integers(low, high, (_SIDE, _SIDE)) + (128 if kind.kinds[0] is np.uint8 else 0)).astype(kind.kinds[0])
    right: Array = rng.integers(low, high, (_SIDE, _SIDE)).astype(kind.kinds[1])
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
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return name


def _machine() -> str:
    """The processor and the libraries that the rates belong to."""
    libraries = []
    for name in ("numpy", "onnxruntime"):
        with suppress(PackageNotFoundError):
            libraries.append(f"{name} {version(name)}")
    return ", ".join([processor(), *libraries])


def _kept() -> dict[str, dict[str, float]]:
    """The rates in the cache folder by machine and engine; a file that holds anything else counts as none."""
    try:
        kept = json.loads(_path().read_text(encoding="utf-8"))
        return {
            str(machine): {str(engine): float(rate) for engine, rate in rates.items() if float(rate) > 0}
            for machine, rates in kept.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError, RecursionError):
        return {}


def _path() -> Path:
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        folder = "~/Library/Caches"
    else:
        folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(folder).expanduser() / "tensorrank" / "engines.json"

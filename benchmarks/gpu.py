"""Ranks on a GPU, in less than eight minutes, not part of `make bench`.

python benchmarks/gpu.py [--device cuda:1]
python benchmarks/gpu.py --cpu    small sizes on PyTorch's products for processors, which tests the script

Measured are full-rank matrices of growing size, the block of degree 6 of width 5 and depth 3, and the whole ranks of
width 3 and depth 4 and of width 2 and depth 6. Ratios are to the card's own rates of 8-bit and of float64 products,
measured in the same run. Every step is a process of its own with a time of its own. Its figures are printed as they
are found, and in tables at the end.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import tensorrank as tr
from benchmarks.machine import describe, seconds, table
from tensorrank.arithmetic.elimination.columns import Elimination
from tensorrank.arithmetic.elimination.costs import Tally, elimination_work
from tensorrank.arithmetic.elimination.device_engines import device_engine
from tensorrank.arithmetic.elimination.device_products import DeviceProducts
from tensorrank.arithmetic.elimination.devices import Device, device_named
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import amount, worker_threads
from tensorrank.separation.hankel import HankelForm

# Seconds of all steps together, and of each; those that a step leaves go to nobody, so that the whole ends in time.
_ALL = 465.0
# The lattice of the block has 20 million points, at some 2 microseconds a point and thread.
_TIMES = {"rates": 40, "eliminations": 100, "block": 185, "rank 3 4": 70, "rank 2 6": 70}
Row = dict[str, Any]


class Sizes:
    """What is measured: on a card, or small with --cpu."""

    def __init__(self, small: bool) -> None:
        self.product = 512 if small else 8192
        self.bytes = (200, 400) if small else (8000, 16000, 32000, 45000, 60000)
        self.doubles = (200,) if small else (8000, 16000)
        # Width, depth and degree of a block, and pairs of width and depth in the place of (3, 4) and (2, 6).
        self.block = (2, 3, 6) if small else (5, 3, 6)
        self.ranks = {"rank 3 4": (2, 3) if small else (3, 4), "rank 2 6": (2, 4) if small else (2, 6)}
        # "auto" would leave small matrices to the processors.
        self.engine = "float64" if small else "auto"


def rates(device: Device, sizes: Sizes) -> Iterator[Row]:
    """Operations a second of products of bytes and of float64, of square matrices."""
    torch, side = device.torch, sizes.product
    left = torch.randint(-125, 126, (side, side), dtype=torch.int8, device=device.place)
    doubles = left.to(torch.float64)
    for kind, work in (("bytes", lambda: torch._int_mm(left, left.t())), ("float64", lambda: doubles @ doubles)):
        try:
            taken = _timed(device, work, 5)
        except RuntimeError as error:  # a card without such products
            print(f"no products of {kind}: {error}", file=sys.stderr)
            continue
        yield {"kind": kind, "rate": 2 * side**3 / taken}


def eliminations(device: Device, sizes: Sizes) -> Iterator[Row]:
    """Random square matrices that lie on the device already, by both engines."""
    torch = device.torch
    for kind, prime, sides in (("bytes", 251, sizes.bytes), ("float64", 8388593, sizes.doubles)):
        engine = device_engine(PrimeField(prime), kind, device)
        stored = getattr(torch, engine.storage.name)
        for side in (min(2000, sides[0]), *sides):  # the first compiles kernels and wakes the card up
            if side * side * engine.storage.itemsize > device.room():
                print(f"{side} x {side} does not fit: {amount(device.free())} free", file=sys.stderr)
                continue
            half = prime // 2
            matrix = torch.randint(-half, half + 1, (side, side), dtype=stored, device=device.place)
            started = _now(device)
            with device.alone():
                rank = Elimination(matrix, DeviceProducts(engine), Tally(side, side)).rank()
            yield {"kind": kind, "side": side, "rank": rank, "seconds": _now(device) - started}
            del matrix


def block(device: Device, sizes: Sizes) -> Iterator[Row]:
    """One Hankel block mod a small prime, filled on the host: as many rows and columns as its shorter side has."""
    width, depth, degree = sizes.block
    model, field = tr.SelfAttention(depth, width), PrimeField(251)
    rng = np.random.default_rng(0)
    engine = device_engine(field, "bytes", device)
    what = f"width {width}, depth {depth}, degree {degree}"
    with worker_threads(None) as pool:
        started = time.perf_counter()
        instance, variables = model.draw(field, rng), width * (width + 1) // 2
        form = HankelForm.of(instance, field, width, model.moment_degree, variables, pool)
        lattice = time.perf_counter()
        yield {"what": what, "done": "lattice", "seconds": lattice - started}
        side = min(form.rows(degree), form.columns(degree))
        rows, columns = (np.sort(rng.choice(n, side, replace=False)) for n in (form.rows(degree), form.columns(degree)))
        matrix = form.block(degree, pool, rows, columns)
        filled = time.perf_counter()
        yield {"what": what, "done": "filling", "seconds": filled - lattice}
        rank = rank_in_place(matrix, engine, pool)
    taken = _now(device) - filled
    yield {"what": what, "side": side, "rank": rank, "before": [lattice - started, filled - lattice], "seconds": taken}


def whole_rank(width: int, depth: int, device: Device, sizes: Sizes) -> Iterator[Row]:
    """A whole separation rank with its standing, its blocks on the device."""
    found = tr.separation_rank(tr.SelfAttention(depth, width), device=device.name, engine=sizes.engine)
    yield {
        "what": f"width {width}, depth {depth}",
        "rank": found.value,
        "standing": found.standing,
        "largest": found.samples,
        "primes": found.primes,
        "engines": found.engines,
        "seconds": found.seconds,
    }


def _now(device: Device) -> float:
    """The time when the device has done everything."""
    if device.place.type == "cuda":
        device.torch.cuda.synchronize(device.place)
    return time.perf_counter()


def _timed(device: Device, work: Callable[[], object], runs: int) -> float:
    return seconds(lambda: (work(), _now(device)), runs)


def measured(step: str, device: Device, sizes: Sizes) -> Iterator[Row]:
    """The rows of one step."""
    if step in sizes.ranks:
        return whole_rank(*sizes.ranks[step], device, sizes)
    return {"rates": rates, "eliminations": eliminations, "block": block}[step](device, sizes)


def in_its_time(step: str, arguments: list[str], most: float) -> tuple[list[Row], str]:
    """The rows of a step that a process of its own has finished in so many seconds, and what ended it early.

    Every row is printed as soon as it is there.
    """
    command, rows = [sys.executable, __file__, "--step", step, *arguments], list[Row]()
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=PIPE, stderr=said, text=True) as process:
        late = threading.Event()
        timer = threading.Timer(most, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.endswith("}\n"):  # a process that is ended may leave half a line
                    rows.append(json.loads(line))
                    print(f"{step}: {line.strip()}", flush=True)
            process.wait()
        finally:
            timer.cancel()
        said.seek(0)
        words = said.read().strip().splitlines() or ["without a word"]
    if late.is_set():
        return rows, f"{step} was ended after {most:.0f} s"
    return rows, f"{step} failed: {words[-1]}" if process.returncode else ""


def report(name: str, found: dict[str, list[Row]]) -> None:
    """Print the tables."""
    known = {row["kind"]: row["rate"] for row in found["rates"]}
    words = ", ".join(f"{kind} {rate / 1e12:.3g}" for kind, rate in known.items())

    def ratio(kind: str, side: int, taken: float) -> str:
        return f"{taken * known[kind] / elimination_work(side, side):.2f}" if kind in known else ""

    table(
        f"Random n x n matrices on {name}; its products, in 10^12 operations a second: {words}",
        ["engine", "n", "rank", "seconds", "ratio to 2/3 n³ at the rate of its products", "10^12 operations a second"],
        [
            [
                row["kind"],
                str(row["side"]),
                str(row["rank"]),
                f"{row['seconds']:.2f}",
                ratio(row["kind"], row["side"], row["seconds"]),
                f"{elimination_work(row['side'], row['side']) / row['seconds'] / 1e12:.3g}",
            ]
            for row in found["eliminations"]
        ],
    )
    table(
        "A block mod 251",
        ["block", "side", "rank", "lattice, s", "filling, s", "elimination and moving, s", "ratio to 2/3 n³ of bytes"],
        [
            [
                row["what"],
                str(row["side"]),
                str(row["rank"]),
                *(f"{part:.1f}" for part in row["before"]),
                f"{row['seconds']:.1f}",
                ratio("bytes", row["side"], row["seconds"]),
            ]
            for row in found["block"]
            if "side" in row  # what is done before has been printed
        ],
    )
    table(
        "Whole ranks, seed 0",
        ["model", "rank", "standing", "largest matrix", "primes", "engines", "seconds"],
        [
            [
                row["what"],
                str(row["rank"]),
                row["standing"],
                " x ".join(map(str, row["largest"] or ())),
                ", ".join(map(str, row["primes"])),
                ", ".join(row["engines"]),
                f"{row['seconds']:.1f}",
            ]
            for step in ("rank 3 4", "rank 2 6")
            for row in found[step]
        ],
    )


def main() -> None:
    """Measure step by step, or one step in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--cpu", action="store_true", help="small sizes on PyTorch's products for processors")
    parser.add_argument("--step", choices=_TIMES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    name = "torch:cpu" if given.cpu else given.device
    try:
        device = device_named(name)
    except tr.TensorRankError as error:
        raise SystemExit(f"Nothing was measured: {error}.") from None
    sizes = Sizes(given.cpu)
    if given.step:
        for row in measured(given.step, device, sizes):
            print(json.dumps(row), flush=True)
        return
    card = "PyTorch's products for processors" if given.cpu else device.torch.cuda.get_device_name(device.place)
    print(f"{describe()}; PyTorch {device.torch.__version__}; {card}, {amount(device.free())} free", flush=True)
    end, found = time.monotonic() + _ALL, dict[str, list[Row]]()
    for step, most in _TIMES.items():
        left = min(most, end - time.monotonic())
        found[step], ended = in_its_time(step, ["--cpu"] if given.cpu else ["--device", name], max(1.0, left))
        if ended:
            print(f"\n{ended}", flush=True)
    report(card, found)


if __name__ == "__main__":
    main()

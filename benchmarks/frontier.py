"""The largest runs that fit, not part of `make bench`: whole ranks, or one block of a rank out of reach.

python benchmarks/frontier.py rank WIDTH DEPTH    a whole separation rank
python benchmarks/frontier.py block WIDTH DEPTH [MEMORY]    the largest whole block that fits, such as 16GiB
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import tensorrank as tr
from benchmarks.machine import describe, dgemm_rate, table
from tensorrank.arithmetic.elimination.costs import elimination_bytes, elimination_work
from tensorrank.arithmetic.elimination.engine_choice import engine_for
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import primes_below
from tensorrank.arithmetic.resources import memory_limit, worker_threads
from tensorrank.separation.draws import certifying_primes
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.limits import lattice_bytes
from tensorrank.separation.monomials import monomial_count


def peak_gib() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def whole(width: int, depth: int) -> None:
    """A separation rank, with set-up and all draws."""
    started = time.perf_counter()
    result = tr.separation_rank(tr.SelfAttention(depth, width))
    taken = time.perf_counter() - started
    table(
        f"Width {width}, depth {depth}",
        ["rank", "standing", "primes", "engines", "largest matrix", "seconds", "peak GiB"],
        [
            [
                str(result.value),
                result.standing,
                " ".join(map(str, result.primes)),
                " and ".join(result.engines),
                " x ".join(map(str, result.samples or ())),
                f"{taken:.1f}",
                f"{peak_gib():.1f}",
            ]
        ],
    )


def block(width: int, depth: int, memory: str | None = None) -> None:
    """The rank of the largest block that fits whole (as many of the longer side's as the shorter has)."""
    model = tr.SelfAttention(depth, width)
    primes = certifying_primes(model.moment_degree)
    field = PrimeField(8388593 if primes is None else next(primes_below(primes.most)))
    engine = engine_for(field)
    degree, variables = model.moment_degree, width * (width + 1) // 2
    room = memory_limit(memory) - lattice_bytes(monomial_count(variables, degree), width, degree, variables)
    shapes = {k: (width * monomial_count(variables, k), monomial_count(variables, degree - k)) for k in range(degree + 1)}
    sides = {k: min(shape) for k, shape in shapes.items()}
    chosen = max(
        (k for k in sides if elimination_bytes(sides[k], sides[k], engine.storage.itemsize) <= room), key=lambda k: sides[k]
    )
    side = sides[chosen]
    rate = dgemm_rate()
    rng = np.random.default_rng(0)
    with worker_threads(None) as pool:
        started = time.perf_counter()
        form = HankelForm.of(model.draw(field, rng), field, width, degree, variables, pool)
        lattice = time.perf_counter()
        rows, columns = (np.sort(rng.choice(length, side, replace=False)) for length in shapes[chosen])
        matrix = form.block(chosen, pool, rows, columns)
        built = time.perf_counter()
        rank = rank_in_place(matrix, engine, pool)
        taken = time.perf_counter() - built
    rate = (rate + dgemm_rate()) / 2
    table(
        f"Width {width}, depth {depth}, p = {field.prime} ({engine.name}): degree {chosen}, "
        f"{shapes[chosen][0]} x {shapes[chosen][1]}; dgemm {rate / 1e9:.0f} Gflop/s",
        ["side", "rank", "lattice, s", "building, s", "elimination, s", "ratio to 2/3 n³ at dgemm", "peak GiB"],
        [
            [
                str(side),
                str(rank),
                f"{lattice - started:.1f}",
                f"{built - lattice:.1f}",
                f"{taken:.1f}",
                f"{taken * rate / elimination_work(side, side):.2f}",
                f"{peak_gib():.1f}",
            ]
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("rank", "block"):
        raise SystemExit(__doc__)
    print(describe())
    size = int(sys.argv[2]), int(sys.argv[3])
    if sys.argv[1] == "rank":
        whole(*size)
    else:
        block(*size, *sys.argv[4:])

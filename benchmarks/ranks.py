"""Whole separation ranks: the targets, where the time goes, and Macaulay2 on the same blocks."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from math import comb
from pathlib import Path

import numpy as np

import tensorrank as tr
from benchmarks.machine import seconds, table
from tensorrank.arithmetic.elimination.engine_choice import engine_for
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import primes_below
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.separation.draws import certifying_primes
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.interpolation import to_scaled_coefficients

TARGETS = (  # width, depth, seconds allowed on two cores
    (3, 3, 3.0),
    (2, 4, 3.0),
    (2, 5, 0.5),
    (4, 3, 40.0),
    (2, 6, 90.0),
)
FEW_TOKENS = (  # the same, one token a side
    (4, 3, 1.0),
    (2, 6, 10.0),
    (3, 4, 5.0),
    (16, 2, 5.0),
    (5, 3, 30.0),
    (6, 3, 30.0),
    (32, 2, 300.0),
    (4, 4, 300.0),
)


def targets() -> None:
    """The ranks that must be fast."""
    rows = []
    for width, depth, allowed in TARGETS:
        result = tr.separation_rank(tr.SelfAttention(depth, width))
        taken = result.seconds
        if taken < 10:
            taken = seconds(lambda depth=depth, width=width: tr.separation_rank(tr.SelfAttention(depth, width)))
        rows.append(
            [
                str(width),
                str(depth),
                str(result.value),
                result.standing,
                f"{taken:.3f}",
                f"{allowed:g}",
                " and ".join(result.engines),
            ]
        )
    table("Separation ranks", ["width", "depth", "rank", "standing", "seconds", "allowed", "engines"], rows)


def few_tokens() -> None:
    """Ranks between one token a side, of which the theorem says binom(d + C, d)."""
    rows = []
    for width, depth, allowed in FEW_TOKENS:
        model = tr.SelfAttention(depth, width, tokens=2)
        result = tr.separation_rank(model, method="catalecticant")
        taken = result.seconds
        if taken < 10:
            taken = seconds(lambda model=model: tr.separation_rank(model, method="catalecticant"))
        theorem = comb(width + model.moment_degree, width)
        rows.append(
            [str(width), str(depth), str(theorem), f"{result.value} ({result.standing})", f"{taken:.2f}", f"{allowed:g}"]
        )
    table("One token a side", ["width", "depth", "theorem", "computed", "seconds", "allowed"], rows)


def stages(width: int, depth: int) -> None:
    """Lattice and interpolation, block building, and elimination of the largest block."""
    model = tr.SelfAttention(depth, width)
    # The prime at which blocks are tried first.
    primes = certifying_primes(model.moment_degree)
    field = PrimeField(8388593 if primes is None else next(primes_below(primes.most)))
    rng = np.random.default_rng(0)
    instance = model.draw(field, rng)
    variables = width * (width + 1) // 2
    with worker_threads(None) as pool:
        form = HankelForm.of(instance, field, width, model.moment_degree, variables, pool)
        sizes = {k: min(form.rows(k), form.columns(k)) for k in range(model.moment_degree + 1)}
        largest = max(sizes, key=lambda k: sizes[k])
        side = np.arange(sizes[largest])
        both = seconds(lambda: HankelForm.of(instance, field, width, model.moment_degree, variables, pool))
        values = form.coefficients.astype(np.int32) % field.prime
        interpolation = seconds(lambda: to_scaled_coefficients(values.copy(), variables, model.moment_degree, field, pool))
        building = seconds(lambda: form.block(largest, pool, side, side))
        block = form.block(largest, pool, side, side)
        engine = engine_for(field)
        elimination = seconds(lambda: rank_in_place(block.copy(), engine, pool), 1 if len(side) > 4000 else 3)
    stages = {
        "values on the lattice": both - interpolation,
        "interpolation": interpolation,
        "building the block": building,
        "elimination": elimination,
    }
    total = sum(stages.values())
    table(
        f"Stages at width {width}, depth {depth}, p = {field.prime} ({engine.name}): the block of degree {largest}, "
        f"{sizes[largest]} rows and columns",
        ["stage", "seconds", "share"],
        [[name, f"{taken:.3f}", f"{taken / total:.0%}"] for name, taken in stages.items()],
    )


def macaulay2(width: int = 2, depth: int = 4, prime: int = 32003) -> None:
    """All block ranks by Macaulay2, against the whole separation rank here (set-up and certificate included)."""
    program = shutil.which("M2")
    if program is None:
        print("\nMacaulay2 is not installed (Debian package macaulay2): comparison skipped.")
        return
    model, field = tr.SelfAttention(depth, width), PrimeField(prime)
    instance = model.draw(field, np.random.default_rng(0))
    with worker_threads(None) as pool:
        form = HankelForm.of(instance, field, width, model.moment_degree, width * (width + 1) // 2, pool)
        balanced = [form.block(k, pool) for k in range(model.moment_degree + 1)]
        blocks = [block % prime for block in balanced]
        engine = engine_for(field)
        ours = seconds(lambda: [rank_in_place(block.copy(), engine, pool) for block in balanced])
        expected = sum(rank_in_place(block.copy(), engine, pool) for block in balanced)
    lines = [f"R = ZZ/{prime};", "blocks = {"]
    lines += [
        ("," if k else "")
        + f"map(R^{len(b)}, R^{b.shape[1]}, {{"
        + ",".join("{" + ",".join(map(str, row)) + "}" for row in b.tolist())
        + "})"
        for k, b in enumerate(blocks)
    ]
    lines += ["};", "t = elapsedTiming sum apply(blocks, rank);", 'print(toString t#1 | " " | toString t#0);', "exit 0;"]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ranks.m2"
        script.write_text("\n".join(lines))
        done = subprocess.run([program, "--script", str(script)], capture_output=True, text=True, check=True)
    rank, theirs = done.stdout.split()[-2:]
    if int(rank) != expected:
        raise SystemExit(f"Macaulay2 says {rank}, tensorrank {expected}: find out which is wrong")
    started = time.perf_counter()
    result = tr.separation_rank(model)
    whole = time.perf_counter() - started
    taken = float(theirs)
    table(
        f"Width {width}, depth {depth} (rank {result.value}) against Macaulay2, {len(blocks)} blocks mod {prime}",
        ["", "seconds", "Macaulay2 / tensorrank"],
        [
            ["Macaulay2 `rank`, block ranks alone", f"{taken:.2f}", ""],
            ["tensorrank, the same block ranks", f"{ours:.3f}", f"{taken / ours:.0f}"],
            ["tensorrank, the whole separation rank", f"{whole:.3f}", f"{taken / whole:.0f}"],
        ],
    )

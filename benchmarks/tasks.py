"""Tasks that separate architectures: exact ranks of communication matrices, and attention units over all inputs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import describe, seconds, table
from tensorrank.tasks.communication import CommunicationMatrix
from tensorrank.tasks.disjointness import Disjointness, InnerProduct
from tensorrank.tasks.induction_heads import InductionHeads
from tensorrank.tasks.match import Match3
from tensorrank.tasks.sparse_averaging import SparseAveraging
from tensorrank.tasks.token_sets import random_sets
from tensorrank.units.checks import check_unit
from tensorrank.units.match_units import match2_unit, match3_unit
from tensorrank.units.selection_units import RestrictedIsometryUnit


def communication_matrices(runs: int = 3) -> None:
    """Ranks over Q, GF(2) and GF(3), distinct rows and VC dimension, beside numpy's floating-point rank."""
    cases: list[tuple[str, CommunicationMatrix]] = [
        ("disjointness, n = 12", Disjointness(12).communication()),
        ("inner product mod 2, n = 12", InnerProduct(12).communication()),
        ("any of 6 out of 12 chosen", SparseAveraging(12, 6).communication(thresholded=True)),
        ("Match3 mod 13, 4 tokens a side", Match3(9, 13).communication(anchor=1)),
        ("2-hop heads, 8 tokens of 8 symbols, interleaved", InductionHeads(8, 8, hops=2).communication("interleaved")),
        ("Match3 mod 11, 5 tokens a side", Match3(11, 11).communication(anchor=1)),
    ]
    rows = []
    for name, matrix in cases:
        found = matrix.ranks()
        taken = seconds(matrix.ranks, runs)
        entries = matrix.entries.astype(np.float64)
        numpy_rank = np.linalg.matrix_rank(entries)
        numpy_taken = seconds(lambda entries=entries: np.linalg.matrix_rank(entries), 1)
        shape = " x ".join(map(str, matrix.entries.shape))
        fields = ", ".join(map(str, found.fields.values()))
        rows.append(
            [
                name,
                shape,
                fields,
                found.rank.standing,
                f"{taken:.2f}",
                f"{numpy_rank}",
                f"{numpy_taken:.2f}",
                f"{taken / numpy_taken:.2f}",
            ]
        )
    table(
        "Communication matrices: everything that `ranks` finds, beside the floating-point rank alone",
        ["task", "classes", "Q, GF(2), GF(3)", "standing", "seconds", "numpy's rank", "its seconds", "ratio"],
        rows,
    )


def units(runs: int = 3) -> None:
    """What the explicit units must reach, and third-order attention beside one einsum over all triples."""
    rows = []
    for name, allowed, work in (
        ("Match2 unit, all inputs of (N, M) = (4, 16)", "10", lambda: check_unit(match2_unit(4, 16))),
        ("Match3 unit, order 3, all inputs of (5, 7)", "", lambda: check_unit(match3_unit(5, 7))),
        ("sparse averaging, N = 512, 4 of 512, m = 256, 60 choices", "20", _sparse_averaging),
        ("Match3 unit, order 3, N = 512, one asking token", "", lambda: _third_order(512, 1)),
    ):
        rows.append([name, f"{seconds(work, runs):.3f}", allowed])
    table("Attention units", ["", "seconds", "allowed"], rows)
    rows = []
    for tokens in (32, 64, 96):
        ours = seconds(lambda tokens=tokens: _third_order(tokens, tokens), runs)
        dense = seconds(lambda tokens=tokens: _dense(tokens), runs)
        rows.append([str(tokens), f"{ours:.4f}", f"{dense:.4f}", f"{ours / dense:.2f}"])
    table(
        "Third-order attention in blocks, beside numpy.einsum over all triples at once",
        ["N, all asking", "seconds", "einsum's", "ratio"],
        rows,
    )


def _sparse_averaging() -> float:
    unit = RestrictedIsometryUnit(512, 4, 256)
    return float(unit.deviation(random_sets(512, 4, 60)).max())


def _third_order(tokens: int, asking: int) -> None:
    construction = match3_unit(tokens, 2 * tokens + 1)
    construction.answers(np.arange(tokens)[None], asking=range(asking))


def _dense(tokens: int) -> None:
    """The same by the formula: all scores, then all weights."""
    construction = match3_unit(tokens, 2 * tokens + 1)
    unit = construction.unit
    (x,) = construction.embed(np.arange(tokens)[None])
    query, first, second = (x @ weights[0].T for weights in (unit.query, *unit.keys))
    one, other = (x @ weights[0].T for weights in unit.values)
    scores = np.einsum("im,jm,km->ijk", query[:tokens], first, second, optimize=True)
    weights = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    np.einsum("ijk,jd,kd->id", weights, one, other, optimize=True)


if __name__ == "__main__":
    print(describe())
    communication_matrices()
    units()

"""Ranks of the communication matrices of tasks, against their definitions at all inputs of both sides and FLINT."""

import numpy as np
from differential.comparison import Comparison, WrongError
from differential.references import rank_over, rank_over_the_rationals
from tasks.naive_tasks import bigram, composed, hops, local, match2, match3, random_side, raw_matrix

from tensorrank import Bipartition
from tensorrank.tasks import (
    Disjointness,
    FunctionComposition,
    InductionHeads,
    InnerProduct,
    Match2,
    Match3,
    Match3Bigram,
    Match3Local,
)


def _told(matrix, truth: np.ndarray, question: object) -> str:
    found = matrix.ranks((2, 3), threads=1)
    expected = {"Q": rank_over_the_rationals(truth), "GF(2)": rank_over(truth, 2), "GF(3)": rank_over(truth, 3)}
    if found.fields != expected or found.rank.upper < expected["Q"]:
        raise WrongError(f"the ranks are {expected}, not {found.fields}: {question!r}")
    rows, columns = len(np.unique(truth, axis=0)), len(np.unique(truth, axis=1).T)
    if (found.distinct_rows, found.distinct_columns) != (rows, columns):
        raise WrongError(f"there are {rows} x {columns} different rows and columns, not {found}: {question!r}")
    return found.rank.standing


def matches(rng: np.random.Generator) -> str | None:
    """Is there a partner, or are there two: with the asking token anywhere, and any sides."""
    tokens, modulus, window = int(rng.integers(3, 6)), int(rng.integers(2, 6)), int(rng.integers(1, 3))
    asking = int(rng.integers(tokens))
    tasks = (
        (Match2(tokens, modulus), lambda x: match2(x, asking, modulus)),
        (Match3(tokens, modulus), lambda x: match3(x, asking, modulus)),
        (Match3Bigram(tokens, modulus), lambda x: bigram(x, asking, modulus)),
        (Match3Local(tokens, modulus, window), lambda x: local(x, asking, modulus, window)),
    )
    task, value = tasks[rng.integers(len(tasks))]
    side = random_side(rng, tokens)
    others = tuple(site for site in range(tokens) if site not in side)
    if modulus ** max(len(side), len(others)) > 300:
        return None
    truth = raw_matrix(value, modulus, side, others)
    return _told(task.communication(Bipartition(side, others), asking=asking), truth, (task, side, asking))


def bits(rng: np.random.Generator) -> str:
    """Disjointness and inner products."""
    length = int(rng.integers(1, 7))
    sets = np.arange(2**length)
    common = np.array([[int(a & b).bit_count() for b in sets] for a in sets])
    match rng.integers(4):
        case 0:
            return _told(Disjointness(length).communication(), (common == 0).astype(int), length)
        case 1:
            return _told(Disjointness(length, intersecting=True).communication(), (common > 0).astype(int), length)
        case 2:
            modulus = int(rng.integers(2, 5))
            return _told(InnerProduct(length, modulus=modulus).communication(), common % modulus, (length, modulus))
        case _:
            return _told(InnerProduct(length, modulus=None).communication(), common, length)


def words(rng: np.random.Generator) -> str | None:
    """Induction heads with any number of hops, and function composition, at any split."""
    if rng.integers(2):
        points = int(rng.integers(2, 4))
        task, symbols, value = FunctionComposition(points), points, lambda word: composed(word, points)
    else:
        symbols, times = int(rng.integers(2, 5)), int(rng.integers(5))
        task, value = InductionHeads(int(rng.integers(2, 8)), symbols, hops=times), lambda word: hops(word, times)
    side = random_side(rng, task.sites)
    others = tuple(site for site in range(task.sites) if site not in side)
    if symbols ** max(len(side), len(others)) > 300:
        return None
    truth = raw_matrix(value, symbols, side, others)
    return _told(task.communication(Bipartition(side, others)), truth, (task, side))


COMPARISONS = (Comparison("tasks of matching", matches), Comparison("tasks on bits", bits), Comparison("tasks on words", words))

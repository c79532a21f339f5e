"""Every public figure with any number of what it compares, from made-up findings where those are as good."""

from __future__ import annotations

import functools
import math

import numpy as np

import tensorrank as tr
from tensorrank.experiments.approximation import ApproximationTarget, ShallowApproximations, Wall
from tensorrank.experiments.communication import communication_growth
from tensorrank.experiments.comparison import compare, contenders
from tensorrank.experiments.data_cuts import DataCut, DataCuts, ModelCut
from tensorrank.experiments.demands import DemandRow, TaskDemands
from tensorrank.experiments.depth_on_data import DepthOnData, FamilyScores
from tensorrank.experiments.depth_series import series_of
from tensorrank.experiments.formats import CutRow, FormatRanks
from tensorrank.experiments.gates import GateRanks, GateRow
from tensorrank.experiments.hierarchy import ARROWS
from tensorrank.experiments.interleaved import InterleavedRanks, InterleavedRow
from tensorrank.experiments.levels import level_sizes
from tensorrank.experiments.orders import order_ranks
from tensorrank.experiments.perfect_matchings import PerfectMatchingsRow, PerfectMatchingStates
from tensorrank.experiments.sparse_averaging import DimensionRow, ErrorByDimension, ErrorRow, LeastDimensions
from tensorrank.experiments.sparse_averaging_bits import BitsByDimension, BitsRow
from tensorrank.experiments.sparse_averaging_models import MatrixRow, ModelSizes, UnitRow
from tensorrank.experiments.squares import SquaredSeparation, SquaredSeparations
from tensorrank.experiments.triples import OrderRow, RankRow, Triples
from tensorrank.experiments.walks_across import WalkRanks, WalkRow
from tensorrank.guidelines.crossings import Curve
from tensorrank.mixtures.approximation.result import Approximation, ApproximationStep, Estimate
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.reductions.equality import ReductionReport
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.run import Finding
from tensorrank.tasks.registry import NAMED_TASKS

COUNTS = (1, 2, 3, 13)


def rank(value, standing="exact", upper=None):
    upper = value if standing == "exact" else upper
    reason = "as a test has it" if standing == "lower bound" else None
    return SeparationRank(value, value, upper, standing, None, "grid", (7,), (0,), None, None, 0.0, reason)


def series(count):
    """Series of growing width, of many tokens and of two, of every standing, with ranks of an atlas."""
    standings = ("exact", "exact", "exact", "probable", "lower bound")
    found = []
    for width in range(1, count + 1):
        for tokens in (None, 2) if count <= 3 else (2 if width % 2 else None,):
            for depth, standing in enumerate(standings, 1):
                model = tr.SelfAttention(depth, width, tokens=tokens)
                upper = tr.bounds.moment_bound(depth, width, model.tokens // 2)
                found.append(Finding(model, rank(upper, standing, upper), from_atlas=depth == 3))
    return series_of(found)[:count]


def approximations(count):
    def step(place, error, certified):
        guarantee = math.sqrt(8 / (place + 2)) if certified else None
        gap = 0.0 if certified else None
        return ApproximationStep(
            step=place,
            components=place + 1,
            error=error,
            relative_error=error / 0.1,
            guarantee=guarantee,
            certified=certified,
            gap=gap,
            total_variation=Estimate(error, 0.01),
            kl=Estimate(error),
            reverse_kl=Estimate(error),
        )

    def run(atoms, scale):
        steps = tuple(step(i, scale / (i + 1), atoms == "entries") for i in range(9))
        return Approximation("a test", "corrective", atoms, 0.1, steps, LatentClass.random([2, 2], 1, seed=0), 0.0)

    def runs(place):
        return run("entries", 1 + place / 9), run("products", 0.5 + place / 9)

    def wall(parts):
        return Wall(parts, "halves", rank(parts), None, None)

    targets = [
        ApproximationTarget(
            f"model {i}", "a test", 2, 9, 0.1 / (i + 1), wall(4**i), (run("entries", 1 + i / 9), run("products", 0.5 + i / 9))
        )
        for i in range(count)
    ]
    return ShallowApproximations(tuple(targets), 0)


def depth_scores(count):
    def scores(family, depth, mean, budget):
        held_out = (mean, mean - 0.5)
        return FamilyScores(family, depth, budget, 2, budget - 1, 0.1, held_out, held_out, (True, True), 0.0)

    families = (("latent class", 1), ("tree of branching 2", 2), ("tree of branching 3", 4), ("hidden Markov", None))
    rows = [scores(family, depth, -9.0 + i + (depth or 3) / 2, 1000 * 2**i) for i in range(count) for family, depth in families]
    independent = scores("independent", 1, -9.0, 8)
    return DepthOnData("digits", 240, 4, 3, 1, 0, independent, tuple(rows), (9.0, 9.2))


def losses(count):
    sizes = tuple(float(size) for size in np.geomspace(1e4, 1e8, 9))
    curves = [
        Curve(depth, sizes, tuple(0.01 * math.log(size / (3e4 * 3**depth)) ** 2 for size in sizes), (0.001,) * 9, (1,) * 9)
        for depth in range(1, count + 1)
    ]
    return tr.guidelines.Ablation(tuple(curves))


def reports(count):
    return [
        ReductionReport(
            source=source,
            target=target,
            equal=None if i % 3 else True,
            identical=True,
            over_fields=i % 2 == 0,
            tolerance=None if i % 2 == 0 else 1e-9,
            primes=(7,),
            size_before=100,
            size_after=None if i % 3 else 770,
            ratio=None if i % 3 else 7.7,
            bound=678900,
            theorem="as a test has it",
            states_needed=12,
            seconds=0.0,
        )
        for i, (source, target) in enumerate(ARROWS[:count])
    ]


def errors(count):
    rows = [
        ErrorRow(2**n, q, round(m * (1 + n / 9)), (1 / m, 2 / m, 4 / m))
        for q in (2, 4)
        for n in range(4, 4 + count)
        for m in (8, 32, 128)
    ]
    return ErrorByDimension(60, 3, 0, tuple(rows))


def dims(count):
    rows = [DimensionRow(2**n, q, 2 + 10 * q + 3 * n) for n in range(3, 3 + max(count, 2)) for q in (1, 2, 4)]
    return LeastDimensions(0.1, 60, 5, 0, tuple(rows))


def bits(count):
    rows = (BitsRow(4, 18, 3e4), BitsRow(8, 12, 200.0), BitsRow(16, 7, 50.0), BitsRow(30, None, 0.8))
    return [BitsByDimension(16 * (n + 1), 2, 0.2, 496, True, 0, rows) for n in range(count)]


def sizes(count):
    matrices = tuple(MatrixRow(n, n, "exact", 2**n, math.comb(n, 2)) for n in range(4, 4 + count))
    units = tuple(UnitRow(2 ** (2 + n), 10 + 6 * n, 4, 10 + 6 * n) for n in range(count))
    return ModelSizes(2, 0.1, 60, 5, 0, matrices, units)


def triples(count):
    units = [
        OrderRow(2, n, 2 * n + 1, m, wrong, 0, 100, 2 if m > 2 * n else None)
        for n in (2 ** (3 + i) for i in range(count))
        for m, wrong in ((1, 50), (n, 20), (2 * n, 11), (2 * n + 1, 0))
    ]
    units += [OrderRow(3, 2 ** (3 + i), 2 ** (4 + i) + 1, 5, 0, 0, 100, 7 + i) for i in range(count)]
    ranks = [RankRow("Match3", n, 2 * n + 1, 2**n, "exact") for n in range(3, 3 + count)]
    ranks += [
        RankRow("Match3", 20, 41, 2**20, "theorem"),
        RankRow("bigram", 3, 7, 7, "exact"),
        RankRow("bigram", 5, 11, 12, "exact"),
    ]
    return Triples(0, 2, tuple(units), tuple(ranks))


@functools.cache
def _compared():
    found = list(compare(contenders(100), work=1e7))
    return [found[i] for i in sorted(range(len(found)), key=lambda i: (i * 7) % len(found))]


@functools.cache
def _growth():
    disjointness = lambda n: tr.tasks.Disjointness(n).communication()  # noqa: E731
    return communication_growth("disjointness", "elements", [1, 2, 3], disjointness)


def _interleaved(count):
    kinds = ("hidden_markov", "tensorial_mixture")
    standings = ("exact", "probable", "lower bound")
    rows = [
        InterleavedRow(kind, 4 * n, 2, 30 * n, rank(4**n, standings[n % 3], None))
        for kind in kinds
        for n in range(1, count + 1)
    ]
    return InterleavedRanks(2, 2, 0, tuple(rows))


def _squared_separations(count):
    rows = [
        SquaredSeparation(n, n + 1, (n + 1) * (n + 2) // 2, rank(n) if n % 2 else None, 2**n, 2 * n + 1, 3**n)
        for n in range(1, count + 2)
    ]
    return SquaredSeparations(0, tuple(rows))


def _gates(count):
    stacks = {"attention": "none", "constant gates": "constant", "selective": "inputs"}
    stacks |= {"attention below": ("none", "inputs"), "attention above": ("inputs", "none")}
    standings = ("exact", "probable", "lower bound")
    rows = [
        GateRow(stack, equal, cut, tr.GatedRecurrence(2, 2, 2, n, gates=gates), rank(4 * n + place, standings[n % 3], None))
        for place, (stack, gates) in enumerate(stacks.items())
        for equal in ("state", "parameters")
        for cut in ("halves", "interleaved")
        for n in range(2, count + 2)
    ]
    return GateRanks(2, 2, 2, 0, tuple(rows))


def _data_cuts(count):
    orders = ["as given", *(f"order {n}" for n in range(2, count + 1)), "permuted 1", "permuted 2"]
    rows = [
        DataCut(order, level, block, 16 >> level, (5 - level) * (1 + place / 20 + block / 50))
        for place, order in enumerate(orders)
        for level in range(1, 5)
        for block in range(2**level if level > 1 else 1)
    ]
    models = [ModelCut(f"model {n}", level, 2.0 + n / 3) for n in range(count) for level in range(1, 5)]
    return DataCuts("made up", 16, 0, dict.fromkeys(orders, tuple(range(16))), tuple(rows), tuple(models))


def _demands(count):
    rows = [
        DemandRow(name, n, 6, 2**n, "exact", 4**n, n + place, n < 4, place % 3 != 2, 2 + place % 3, 1, 3, 6, 100, 0)
        for place, name in enumerate(list(NAMED_TASKS)[-count:])
        for n in range(2, 5)
    ]
    return TaskDemands(0, tuple(rows))


def _walks(count):
    names, standings = ("path:3", "cycle:4", "star:4", "grid:2x2"), ("exact", "probable", "lower bound")
    rows = [
        WalkRow(
            name, (0,), 1, 5 + n, tr.GraphNetwork(name, 2, 2), rank(4**n + 2, standings[n % 3], None), 4**n + 2 + 40 * (n % 2)
        )
        for name in names[: 1 + count // 3]
        for n in range(1, count + 1)
    ]
    return WalkRanks(2, 2, 0, tuple(rows))


def _formats(count):
    prefixes = [CutRow("tensorial_mixture", 0, last, rank(2 + last % 2), 4) for last in range(7)]
    dyadic = [CutRow("hidden_markov", 2 * i, 2 * i + 1, rank(2, "lower bound"), 4) for i in range(4)]
    dyadic += [CutRow("hidden_markov", 4 * i, 4 * i + 3, rank(2), 4) for i in range(2)]
    return FormatRanks(8, 2, 2, 0, tuple(prefixes), tuple(dyadic))


def _orders(count):
    return order_ranks(range(2, 2 + count), widths=[1, 2], depths=[1], work=1e6)


def _matchings(count):
    methods = ("ranks", "pairs cut", "spectrum")
    rows = [
        PerfectMatchingsRow(6 * 2**i, 66 * 2**i, 2 + i, 4**i + 2, methods[min(2, i)], 2, rank(4) if not i else None)
        for i in range(count)
    ]
    return PerfectMatchingStates(2, 0, tuple(rows))


def _advised(count):
    names = ["small", "medium", "large", "huge", "odd", "flat", "tall", "wide", "long", "short", "deep", "thin", "dense"]
    return [(names[i], tr.guidelines.advise(6 + 7 * i, 256 * (i + 1))) for i in range(count)]


def _train(count):
    return TensorTrain.random((2,) * (count + 1), 3, seed=0).to_network()


def _spectrum(place):
    return tr.numerical_rank(np.diag([4.0, 2.0, 1.0, 10.0 ** -(9 + place % 4), 1e-15]), rtol=10.0 ** -(4 + place % 5))


# What makes each picture, of so many series and with options of matplotlib's.
ONE_AXES = {
    "overlaid_ranks": lambda count, **options: tr.figures.rank_vs_depth(series(count), overlay=True, **options),
    "increments": lambda count, **options: tr.figures.increments(series(count), **options),
    "knee": lambda count, **options: tr.figures.knee(series(count), widths=[2**n for n in range(count)], **options),
    "iso_parameters": lambda count, **options: tr.figures.iso_parameters([100 + 90 * n for n in range(count)], **options),
    "levels": lambda count, **options: tr.figures.levels(level_sizes(range(2, 2 + min(count, 9))), **options),
    "perfect_matchings": lambda count, **options: tr.figures.perfect_matchings(_matchings(count), **options),
    "depth_width": lambda count, **options: tr.figures.depth_width(_advised(count), **options),
    "hierarchy": lambda count, **options: tr.figures.hierarchy(reports(count), **options),
    "sparse_averaging_bits": lambda count, **options: tr.figures.sparse_averaging_bits(bits(count), **options),
    "model_sizes": lambda count, **options: tr.figures.model_sizes(sizes(count), **options),
    "network": lambda count, **options: (
        TensorTrain.random((2,) * (count + 1), 3, seed=0).to_network().picture("halves", **options)
    ),
}
PANELS = {
    "rank_vs_depth": lambda count, **options: tr.figures.rank_vs_depth(series(count), **options),
    "increments_apart": lambda count, **options: tr.figures.increments(series(count), overlay=False, **options),
    "collapse": lambda count, **options: tr.figures.collapse(series(count), widths=[2**n for n in range(count)], **options),
    "comparison": lambda count, **options: tr.figures.comparison(_compared()[:count], **options),
    "interleaved": lambda count, **options: tr.figures.interleaved(_interleaved(count), **options),
    "squared_separations": lambda count, **options: tr.figures.squared_separations(_squared_separations(count), **options),
    "gates": lambda count, **options: tr.figures.gates(_gates(count), **options),
    "data_cuts": lambda count, **options: tr.figures.data_cuts(_data_cuts(count), **options),
    "walks": lambda count, **options: tr.figures.walks(_walks(count), **options),
    "formats": lambda count, **options: tr.figures.formats(_formats(count), **options),
    "orders": lambda count, **options: tr.figures.orders(_orders(count), width=4, **options),
    "depth_on_data": lambda count, **options: tr.figures.depth_on_data(depth_scores(count), **options),
    "ablation": lambda count, **options: tr.figures.ablation(losses(count + 1), **options),
    "approximation": lambda count, **options: tr.figures.approximation(approximations(count), **options),
    "communication_growth": lambda count, **options: tr.figures.communication_growth([_growth()] * count, **options),
    "spectrum": lambda count, **options: tr.figures.spectrum([_spectrum(n) for n in range(count)], **options),
    "sparse_averaging_errors": lambda count, **options: tr.figures.sparse_averaging_errors(errors(count), **options),
    "sparse_averaging_dimensions": lambda count, **options: tr.figures.sparse_averaging_dimensions(dims(count), **options),
    "task_demands": lambda count, **options: tr.figures.task_demands(_demands(count), **options),
    "triples": lambda count, **options: tr.figures.triples(triples(count), **options),
}
FIGURES = ONE_AXES | PANELS

"""Grids of tensor networks over GF(p): the largest one asked for, and the rate beside opt_einsum's in float64."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import opt_einsum

from benchmarks.machine import seconds, table
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import silent
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.networks.expression import Expression
from tensorrank.networks.grid_plan import COLUMN, ROW
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.network import TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.grid import GridSampling
from tensorrank.separation.partition import Bipartition

_SMALL, _LARGE = PrimeField(8388593), PrimeField(2147483629)


def interleaved_train(sites: int = 24) -> None:
    """The rank of the interleaved cut of a train of rank 2: 2**(sites/2), from a sampled matrix."""
    function = TensorTrain.random((2,) * sites, 2, seed=0).to_network().architecture()
    partition = Bipartition.interleaved(sites)
    started = time.perf_counter()
    bound = function.rank_bound(partition)
    instance = function.draw(_SMALL, np.random.default_rng(1))
    with worker_threads(2) as pool:
        found = GridSampling(instance, partition, _SMALL, 2, bound=bound, most=bound + 8)(None, pool, silent)
    taken = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    table(
        f"Interleaved cut of a train of {sites} sites, rank 2, two threads",
        ["rank", "bound", "samples", "seconds", "allowed", "peak MiB of the process", "allowed"],
        [[f"{found.rank}", f"{bound}", f"{found.samples[0]}", f"{taken:.2f}", "30", f"{peak:.0f}", "2048"]],
    )


def rates(count: int = 1024) -> None:
    """Grids over GF(p), beside one contraction of the same expression by opt_einsum in float64 along the same path."""
    ratios = []
    for name, network, partition in _cases():
        times = {}
        with worker_threads(1):
            base = seconds(_opt_einsum(network, partition, count), 1)
            for field in (_SMALL, _LARGE):
                rng = np.random.default_rng(3)
                instance = network.architecture().draw(field, rng)
                rows, columns = (instance.sample(side, count, rng) for side in (partition.a, partition.b))
                times[field.prime] = seconds(partial(instance.grid, partition, rows, columns))
        each = network.grid_plan(partition, (count, count)).operations / count**2
        ratios.append([name, f"{each:.0f}", f"{base:.3f}", *(f"{t:.3f} ({base / t:.2f})" for t in times.values())])
    table(
        f"Grids of {count} x {count} values: seconds on one thread (rate beside opt_einsum in float64, allowed 0.33)",
        ["network, cut", "operations a value", "opt_einsum", f"GF({_SMALL.prime})", f"GF({_LARGE.prime})"],
        ratios,
    )


def _cases() -> list[tuple[str, TensorNetwork, Bipartition]]:
    def train(sites: int, rank: int) -> TensorNetwork:
        return TensorTrain.random((2,) * sites, rank, seed=0).to_network()

    tree = HierarchicalTucker.random((4,) * 8, 4, seed=0).to_network()
    return [
        ("train of 24, rank 2, interleaved", train(24, 2), Bipartition.interleaved(24)),
        ("train of 8, rank 8, interleaved", train(8, 8), Bipartition.interleaved(8)),
        ("train of 16, rank 128, halves", train(16, 128), Bipartition.halves(16)),
        ("balanced tree of 8, rank 4, interleaved", tree, Bipartition.interleaved(8)),
        ("CP of 12, rank 64", CanonicalPolyadic.random((4,) * 12, 64, seed=0).to_network(), Bipartition.halves(12)),
    ]


def _opt_einsum(network: TensorNetwork, partition: Bipartition, count: int) -> Callable[[], object]:
    """One contraction of tensors and inputs to the matrix of values, in float64 by numpy."""
    a, b = (tuple(network.open_legs[site] for site in side) for side in (partition.a, partition.b))
    operands = [*(tensor.legs for tensor in network.tensors), *((ROW, leg) for leg in a), *((COLUMN, leg) for leg in b)]
    whole = Expression.of(operands, (ROW, COLUMN), dict(network.sizes) | {ROW: count, COLUMN: count})
    rng = np.random.default_rng(4)
    sizes = dict(whole.sizes)
    symbols = {leg: opt_einsum.get_symbol(i) for i, leg in enumerate(sizes)}
    terms = ["".join(symbols[leg] for leg in legs) for legs in (*whole.operands, whole.output)]
    arrays = [rng.standard_normal([sizes[leg] for leg in legs]) for legs in whole.operands]
    expression = opt_einsum.contract_expression(
        f"{','.join(terms[:-1])}->{terms[-1]}", *(array.shape for array in arrays), optimize=whole.path
    )
    return partial(expression, *arrays)

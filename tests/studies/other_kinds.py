"""Studies of circuits and mixtures; as a program, a study that kills itself after so many blocks.

    python other_kinds.py CIRCUITS_OR_MIXTURES STORE BLOCKS [WORKERS]

It prints the ranks that it found as JSON, unless it was killed before.
"""

import json
import os
import signal
import sys
from contextlib import ExitStack

import numpy as np

import tensorrank as tr
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.sweep import combinations


def circuits():
    """Recurrent circuits of depth 1 and 2, and convolutional ones."""
    sizes = {"depth": (1, 2), "hidden": (2, 3), "channels": 2, "steps": (4, 6)}
    recurrent, _ = combinations(tr.RecurrentCircuit, sizes)
    widths = {"sites": (4, 8), "channels": 2, "widths": [(2, 2), (3, 2)], "pooling": ("neighbours", "mirror")}
    convolutional, _ = combinations(tr.ConvolutionalCircuit, widths)
    return [*recurrent, *convolutional]


def hidden_markov(seed, states):
    """A chain of four variables of three values."""
    rng = np.random.default_rng(seed)
    shapes = ((states,), (states, states), (states, 3))
    initial, transition, emission = (rng.integers(1, 9, shape).astype(object) for shape in shapes)
    return tr.HiddenMarkov(*(_distributions(table) for table in (initial, transition, emission)), length=4)


def _distributions(table):
    from fractions import Fraction

    totals = table.sum(axis=-1, keepdims=True)
    return np.vectorize(Fraction, otypes=[object])(table, np.broadcast_to(totals, table.shape))


def mixtures():
    """Mixtures of equal and of other sizes, some of which have a smaller rank than their sizes allow."""
    independent = tr.HiddenMarkov(["1/2", "1/2"], [["1/2", "1/2"]] * 2, [["1/3", "1/3", "1/3"]] * 2, length=4)
    chains = [hidden_markov(seed, states) for states in (2, 3) for seed in (1, 2)]
    rng = np.random.default_rng(3)
    classes = [
        tr.LatentClass(
            _distributions(rng.integers(1, 9, count).astype(object)),
            [_distributions(rng.integers(1, 9, (count, 3)).astype(object)) for _ in range(4)],
        )
        for count in (1, 2, 4)
    ]
    return [independent, *chains, *classes]


def main():
    which, path, allowed, *workers = sys.argv[1:]
    study, fresh = tr.Study({"circuits": circuits, "mixtures": mixtures}[which](), threads=1), []

    def observe(event):
        if isinstance(event, BlockFinished) and event.fresh:
            fresh.append(event)
            if len(fresh) == int(allowed):
                os.kill(os.getpid(), signal.SIGKILL)

    with ExitStack() as stack:
        where = None
        if workers:
            from tensorrank.studies.cluster import cluster

            where = stack.enter_context(cluster(workers=int(workers[0]), threads=1))
        store = stack.enter_context(tr.Store(path))
        values = [finding.result.value for finding in study.run(store, observe, scheduler=where)]
    json.dump({"values": values, "computed": len(fresh)}, sys.stdout)


if __name__ == "__main__":
    main()

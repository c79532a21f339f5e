"""Attention and circuits with random and with given weights, against their definitions at sampled or at all inputs.

Attention is evaluated as its layer is written, token by token, modulo a random prime of 31 bits, on a grid that is
larger than the rank found: the rank of that grid, by FLINT, is the true one unless chance fails, and never above it.
"""

from itertools import product

import numpy as np
from as_written import attention_output, gated_output, graph_output, recurrent_output
from differential.comparison import Comparison, WrongError, held
from differential.entries import as_fractions, entries, random_prime
from differential.modular import residues
from differential.references import random_partition, rank_over, rank_over_the_rationals, unfolding

import tensorrank as tr
from tensorrank.errors import CombinationError

# The largest grid that is evaluated, a side.
_LARGEST = 130


def random_attention(rng: np.random.Generator) -> tr.SelfAttention | None:
    """A small network of any variant."""
    depth, tokens = int(rng.choice((1, 1, 1, 2, 2, 3))), int(rng.integers(2, 6))
    width = int(rng.integers(1, 4 if depth < 3 else 3))
    heads = int(rng.integers(1, 4))
    try:
        return tr.SelfAttention(
            depth,
            width,
            heads=heads,
            head_dim=int(rng.integers(1, 3)),
            kv_heads=1 if rng.random() < 0.3 else heads,
            tokens=tokens,
            residual=bool(rng.random() < 0.3),
            causal=bool(rng.random() < 0.3),
            positional=bool(rng.random() < 0.3),
            embedding_rank=int(rng.integers(1, width + 1)) if rng.random() < 0.3 else None,
            output_token=int(rng.integers(tokens)) if rng.random() < 0.3 else None,
        )
    except CombinationError:
        return None


def images(array: np.ndarray, prime: int) -> np.ndarray:
    """The images of numbers of any kind modulo a prime, as Python's whole numbers."""
    image = [one.numerator % prime * pow(one.denominator, -1, prime) % prime for one in as_fractions(np.asarray(array)).flat]
    return np.array(image, dtype=object).reshape(np.shape(array))


def attention_rank(model: tr.SelfAttention, partition: tr.Bipartition, weights: dict, size: int, rng, prime: int) -> int:
    """The rank over GF(p) of a grid of so many random inputs a side, by FLINT."""
    points = np.zeros((size, size, model.tokens, model.input_width), dtype=np.int64)
    points[:, :, list(partition.a)] = rng.integers(0, prime, (size, 1, len(partition.a), model.input_width))
    points[:, :, list(partition.b)] = rng.integers(0, prime, (1, size, len(partition.b), model.input_width))
    mapped = {name: images(array, prime) for name, array in weights.items()}
    tokens = residues(points.reshape(size * size, model.tokens, -1), prime)
    return rank_over(attention_output(model, mapped, tokens).values.reshape(size, size), prime)


def given_or_random(rng: np.random.Generator, model) -> dict | None:
    """Weights of any kind of entries by name, or None for random ones."""
    if rng.random() >= 0.5:
        return None
    return {name: entries(rng, shape) for name, (_, shape) in model.shapes.items()}


def random_weights(rng: np.random.Generator, model, prime: int) -> dict:
    """Random weights modulo a prime by name."""
    return {name: rng.integers(0, prime, shape) for name, (_, shape) in model.shapes.items()}


def answered(model, partition: tr.Bipartition, weights: dict | None, found: tr.SeparationRank, truth: int) -> str | None:
    """What is wrong with a rank and the bounds of its model, given the true rank of weights given or of random ones."""
    question = (model, partition, None if weights is None else {name: array.tolist() for name, array in weights.items()})
    bounds_held(model, partition, truth, generic=weights is None, question=question)
    return held(found, truth, question)


def attention(rng: np.random.Generator) -> str | None:
    """A network with random weights, or with weights of any kind of entries."""
    model = random_attention(rng)
    if model is None:
        return None
    weights = given_or_random(rng, model)
    partition = random_partition(rng, model.tokens)
    found = tr.separation_rank(model, partition, weights=weights, seed=int(rng.integers(9)), threads=1, work=2e9)
    size = found.value + 6
    if size > _LARGEST:
        return None
    prime = random_prime(rng, 31)
    drawn = weights or random_weights(rng, model, prime)
    truth = attention_rank(model, partition, drawn, size, rng, prime)
    return answered(model, partition, weights, found, truth)


def bounds_held(model, partition: tr.Bipartition, truth: int, *, generic: bool, question: object) -> None:
    """Check the bounds that a model states without computing a rank; the lower one is of almost all weights."""
    upper, lower = model.rank_bound(partition), model.generic_lower_bound(partition)
    if upper is not None and upper < truth:
        raise WrongError(f"rank_bound is {upper}; the true rank is {truth}; {question!r}")
    if generic and lower > truth:
        raise WrongError(f"generic_lower_bound is {lower}; the true rank is {truth}; {question!r}")


def _recurrent_values(model: tr.RecurrentCircuit, w: dict) -> np.ndarray:
    """The values at all inputs, by the recurrence."""
    inputs = product(range(model.channels), repeat=model.steps)
    values = [recurrent_output(model, w, categories) for categories in inputs]
    return np.array(values, dtype=object).reshape((model.channels,) * model.steps)


def _convolutional_values(model: tr.ConvolutionalCircuit, w: dict) -> np.ndarray:
    """The values at all one-hot inputs, by the definition; the circuit is linear in each site."""
    one_hot, values = as_fractions(np.eye(model.channels, dtype=int)), []
    for categories in product(range(model.channels), repeat=model.sites):
        units = [one_hot[category] for category in categories]
        for level, windows in enumerate(model.levels):
            matrices = w[f"level {level}"]
            mapped = [(matrices[0] if model.shared else matrices[place]) @ unit for place, unit in enumerate(units)]
            units = [np.prod([mapped[place] for place in window], axis=0) for window in windows]
        values.append(w["output"] @ units[0])
    return np.array(values, dtype=object).reshape((model.channels,) * model.sites)


def circuits(rng: np.random.Generator) -> str | None:
    """A recurrent or convolutional circuit with random weights, or with weights of any kind of entries."""
    if rng.random() < 0.5:
        depth, hidden, channels, steps = (int(n) for n in rng.integers(1, (4, 4, 4, 6)))
        model, values = tr.RecurrentCircuit(depth, hidden, channels, max(2, steps)), _recurrent_values
    else:
        sites, channels = int(rng.integers(2, 7)), int(rng.integers(1, 4))
        widths, left = [], sites
        while left > 1:
            widths.append(int(rng.integers(1, 4)))
            left = (left + 1) // 2
        pooling, shared = str(rng.choice(("neighbours", "mirror"))), bool(rng.random() < 0.4)
        model, values = tr.ConvolutionalCircuit(sites, channels, widths, pooling=pooling, shared=shared), _convolutional_values
    if model.channels**model.sites > 250:
        return None
    shapes = {name: shape for name, (_, shape) in model.shapes.items()}
    weights = {name: entries(rng, shape) for name, shape in shapes.items()} if rng.random() < 0.6 else None
    partition = random_partition(rng, model.sites)
    found = tr.separation_rank(model, partition, weights=weights, seed=int(rng.integers(9)), threads=1)
    drawn = weights or {name: rng.integers(-(10**6), 10**6, shape) for name, shape in shapes.items()}
    table = values(model, {name: as_fractions(np.asarray(array)) for name, array in drawn.items()})
    truth = rank_over_the_rationals(unfolding(table, partition))
    return answered(model, partition, weights, found, truth)


# Sums over all steps that are let in take long.
_LARGEST_RECURRENCE = 22


def recurrences(rng: np.random.Generator) -> str | None:
    """A linear recurrence with gates of any kind, with random weights or with weights of any kind of entries."""
    depth = int(rng.choice((1, 1, 2)))
    sizes = {"width": int(rng.integers(1, 4)), "state": int(rng.integers(1, 4)), "tokens": int(rng.integers(2, 6 - depth))}
    gates = [str(one) for one in rng.choice(("inputs", "constant", "none"), depth)]
    model = tr.GatedRecurrence(depth, **sizes, heads=int(rng.integers(1, 3)), head_dim=1, gates=gates)
    weights = given_or_random(rng, model)
    partition = random_partition(rng, model.tokens)
    found = tr.separation_rank(model, partition, weights=weights, seed=int(rng.integers(9)), threads=1, work=1e9)
    size = found.value + 4
    if size > _LARGEST_RECURRENCE:
        return None
    prime = random_prime(rng, 31)
    drawn = weights or random_weights(rng, model, prime)
    mapped = {name: images(array, prime) for name, array in drawn.items()}
    tokens = np.empty((size, size, model.tokens, model.width), dtype=object)
    for side, axis in ((partition.a, 0), (partition.b, 1)):
        inputs = rng.integers(0, prime, (size, len(side), model.width)).astype(object)
        tokens[:, :, list(side)] = np.expand_dims(inputs, 1 - axis)
    values = [[gated_output(model, mapped, one) % prime for one in row] for row in tokens]
    truth = rank_over(np.array(values, dtype=object), prime)
    return answered(model, partition, weights, found, truth)


# Recursions down to the inputs take long.
_LARGEST_GRAPH = 16


def graphs(rng: np.random.Generator) -> str | None:
    """A graph network on a random graph, with random weights or with weights of any kind of entries."""
    vertices = int(rng.integers(2, 5))
    edges = [(i, j) for i in range(vertices) for j in range(i) if rng.random() < 0.6]
    sizes = {"width": int(rng.integers(1, 4)), "features": int(rng.integers(1, 4)), "vertices": vertices}
    output = int(rng.integers(vertices)) if rng.random() < 0.5 else None
    model = tr.GraphNetwork(edges, int(rng.integers(1, 3)), **sizes, output_vertex=output)
    weights = given_or_random(rng, model)
    partition = random_partition(rng, vertices)
    found = tr.separation_rank(model, partition, weights=weights, seed=int(rng.integers(9)), threads=1, work=1e9)
    size = found.value + 3
    if size > _LARGEST_GRAPH:
        return None
    prime = random_prime(rng, 31)
    drawn = weights or random_weights(rng, model, prime)
    mapped = {name: images(array, prime) for name, array in drawn.items()}
    inputs = np.empty((size, size, vertices, model.features), dtype=object)
    for side, axis in ((partition.a, 0), (partition.b, 1)):
        given = rng.integers(0, prime, (size, len(side), model.features)).astype(object)
        inputs[:, :, list(side)] = np.expand_dims(given, 1 - axis)
    values = [[graph_output(model, mapped, one) % prime for one in row] for row in inputs]
    truth = rank_over(np.array(values, dtype=object), prime)
    return answered(model, partition, weights, found, truth)


COMPARISONS = (
    Comparison("attention", attention),
    Comparison("circuits", circuits),
    Comparison("recurrences", recurrences),
    Comparison("graphs", graphs),
)

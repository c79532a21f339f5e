"""Separation ranks of random tensor networks, trains and trees, against the unfolding of the dense tensor."""

import string
from functools import reduce
from math import prod

import numpy as np
from differential.comparison import Comparison, held
from differential.entries import as_fractions, entries
from differential.references import random_partition, rank_over_the_rationals, unfolding

from tensorrank import DataTensor, Tensor, TensorNetwork, TensorRankError, separation_rank

# Entries of the dense tensor, and the terms of its sum.
_MOST, _MOST_TERMS = 300, 20_000


def dense(network: TensorNetwork) -> np.ndarray:
    """The dense tensor over fractions, by one numpy.einsum."""
    letters = dict(zip(network.sizes, string.ascii_letters, strict=False))
    terms = ",".join("".join(letters[leg] for leg in tensor.legs) for tensor in network.tensors)
    arrays = [as_fractions(np.asarray(tensor.array)) for tensor in network.tensors]
    return np.einsum(f"{terms}->{''.join(letters[leg] for leg in network.open_legs)}", *arrays, optimize=False)


def _ranked(network: TensorNetwork, rng: np.random.Generator) -> str | None:
    sizes = {leg: float(size) for leg, size in network.sizes.items()}
    if prod(sizes[leg] for leg in network.open_legs) > _MOST or prod(sizes.values()) > _MOST_TERMS:
        return None
    partition = random_partition(rng, len(network.open_legs))
    found = separation_rank(network, partition, seed=int(rng.integers(9)), threads=1)
    truth = rank_over_the_rationals(unfolding(dense(network), partition))
    return held(found, truth, ([(t.legs, np.asarray(t.array).tolist()) for t in network.tensors], network.open_legs, partition))


def any_network(rng: np.random.Generator) -> str | None:
    """Tensors with bonds, copied and shared legs."""
    count = int(rng.integers(1, 5))
    holders = [set(rng.permutation(count)[: rng.integers(1, min(3, count) + 1)].tolist()) for _ in range(rng.integers(2, 7))]
    sizes = rng.integers(1, 4, len(holders)).tolist()
    opened = [leg for leg, who in enumerate(holders) if leg < 2 or len(who) == 1 or rng.random() < 0.4]
    tensors = []
    for number in range(count):
        legs = [leg for leg, who in enumerate(holders) if number in who]
        array = entries(rng, tuple(sizes[leg] for leg in legs))
        tensors.append(Tensor(f"t{number}", tuple(f"leg {leg}" for leg in legs), array))
    return _ranked(TensorNetwork(tuple(tensors), tuple(f"leg {leg}" for leg in rng.permutation(opened))), rng)


def train(rng: np.random.Generator) -> str | None:
    """A tensor train with given cores."""
    sites = int(rng.integers(2, 7))
    bonds, sizes = [1, *rng.integers(1, 4, sites - 1).tolist(), 1], rng.integers(1, 4, sites).tolist()
    cores = [
        Tensor(f"core {n}", (f"bond {n}", f"x{n}", f"bond {n + 1}"), entries(rng, (bonds[n], sizes[n], bonds[n + 1])))
        for n in range(sites)
    ]
    ends = [Tensor(name, (leg,), [1]) for name, leg in (("first", "bond 0"), ("last", f"bond {sites}"))]
    return _ranked(TensorNetwork((*cores, *ends), tuple(f"x{n}" for n in range(sites))), rng)


def sum_of_products(rng: np.random.Generator) -> str | None:
    """A canonical polyadic format: one bond that all factors share."""
    sites, terms = int(rng.integers(2, 6)), int(rng.integers(1, 5))
    sizes = rng.integers(1, 4, sites).tolist()
    factors = [Tensor(f"factor {n}", ("term", f"x{n}"), entries(rng, (terms, sizes[n]))) for n in range(sites)]
    return _ranked(TensorNetwork(tuple(factors), tuple(f"x{n}" for n in range(sites))), rng)


def data(rng: np.random.Generator) -> str | None:
    """The tensor of a data set, from a product of vectors for each sample."""
    rows, sites = int(rng.integers(1, 9)), int(rng.integers(2, 6))
    embedding = ("one-hot", "moments", "vectors")[rng.integers(3)]
    labels = entries(rng, (rows,))
    if embedding == "one-hot":
        samples = rng.integers(-1, 3, (rows, sites))
        columns = [np.array([[int(one == other) for other in sorted(set(column))] for one in column]) for column in samples.T]
    elif embedding == "moments":
        samples = entries(rng, (rows, sites))
        columns = [np.stack([np.ones(rows, dtype=object), column], axis=1) for column in as_fractions(samples).T]
    else:
        samples = entries(rng, (rows, sites, 2))
        columns = [as_fractions(samples[:, site]) for site in range(sites)]
    if prod(column.shape[1] for column in columns) > _MOST:
        return None
    terms = (label * reduce(np.multiply.outer, row) for label, *row in zip(as_fractions(labels), *columns, strict=True))
    partition = random_partition(rng, sites)
    try:
        given = DataTensor(samples, labels, embedding=embedding)
    except TensorRankError:
        return None  # complex numbers, and numbers beyond floats
    found = separation_rank(given, partition, seed=int(rng.integers(9)), threads=1)
    truth = rank_over_the_rationals(unfolding(sum(terms), partition))
    return held(found, truth, (samples.tolist(), labels.tolist(), embedding, partition))


COMPARISONS = (
    Comparison("tensor networks", any_network),
    Comparison("tensor trains", train),
    Comparison("sums of products", sum_of_products),
    Comparison("data", data),
)

"""Random sum-product networks: of regions that share nodes, and mixtures of three perfect matchings."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, ProductNode, SumNode
from tensorrank.mixtures.tables import Table, check_entries, check_objects, random_distributions

PerfectMatching = tuple[tuple[int, int], ...]

# The number of ways in which a region is split in two.
_SPLITS = 2


def random_regions(
    sites: int, symbols: int, leaves: Callable[[int, int], Table], rng: np.random.Generator, *, sums: int, fractions: bool
) -> tuple[dict[Name, Node], Name]:
    """The nodes and the root of a network of regions, sets of variables that are each split in two ways.

    A region has `sums` sums over the products of all pairs of nodes of both parts of a split. The distributions of so
    many leaves of a variable, of at most `symbols` values, are what `leaves` makes of the variable and the number.
    """
    # At the most there is a region for each pair of variables: at the bottom those of two, above them fewer and fewer.
    made = sites**2 * (_SPLITS * sums**2 + sums)
    check_objects(made, f"a network of {shown(sites)} variables with {shown(sums)} sums a region")
    check_entries(made + sites * sums * symbols, f"leaves of {shown(symbols)} values", fractions=fractions)
    nodes: dict[Name, Node] = {}
    regions: dict[frozenset[int], list[Name]] = {}

    def add(kind: str, node: Node) -> Name:
        name = f"{kind}{len(nodes)}"
        nodes[name] = node
        return name

    def build(region: frozenset[int], count: int) -> list[Name]:
        if region in regions:
            return regions[region]
        if len(region) == 1:
            (site,) = region
            regions[region] = [add("l", LeafNode(site, table)) for table in leaves(site, count)]
            return regions[region]
        variables = sorted(region)
        splits: list[frozenset[int]] = []
        for _ in range(_SPLITS):
            half = frozenset(variables[i] for i in rng.permutation(len(variables))[: len(variables) // 2])
            if half not in splits and region - half not in splits:
                splits.append(half)
        terms = [
            add("p", ProductNode(pair)) for half in splits for pair in product(build(half, sums), build(region - half, sums))
        ]
        weights = random_distributions((count, len(terms)), rng, fractions=fractions)
        regions[region] = [add("s", SumNode(tuple(terms), row)) for row in weights]
        return regions[region]

    (root,) = build(frozenset(range(sites)), 1)
    return nodes, root


def perfect_matchings(sites: int, seed: int | np.random.Generator) -> tuple[PerfectMatching, PerfectMatching, PerfectMatching]:
    """Three random perfect matchings of the sites whose union is a connected graph of degree 3 without double edges.

    Args:
        sites: an even number of at least 4; 4 sites have just three perfect matchings.
        seed: a whole number or a numpy Generator.

    Raises:
        TensorRankError: if the number of sites is odd or below 4.

    >>> perfect_matchings(6, seed=0)
    (((0, 3), (1, 2), (4, 5)), ((0, 5), (1, 4), (2, 3)), ((0, 1), (2, 5), (3, 4)))
    """
    rng = random_stream(seed)
    n = whole_number("sites", sites, 4)
    if n % 2:
        raise TensorRankError(f"sites is {n}; expected an even number, for a perfect matching pairs all of them")
    check_objects(n, f"perfect matchings of {shown(n)} sites")
    while True:
        found = [rng.permutation(n).reshape(-1, 2) for _ in range(3)]
        pairs = np.sort(np.concatenate(found), axis=1)
        numbered = np.sort(pairs[:, 0] * n + pairs[:, 1])
        if (numbered[1:] == numbered[:-1]).any():
            continue
        union = coo_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(n, n))
        if connected_components(union, directed=False, return_labels=False) == 1:
            first, second, third = map(_matching, found)
            return first, second, third


def perfect_matchings_nodes(
    sites: int, symbols: int, seed: int | np.random.Generator, *, rank: int, fractions: bool
) -> tuple[dict[Name, Node], Name]:
    """The nodes and the root of a sum of three products of pairs; a pair is a sum of `rank` products of two leaves."""
    rng = random_stream(seed)
    n = whole_number("sites", sites, 4)
    check_objects(2 * n * (3 * rank + 1), f"a network of {shown(n)} variables and rank {shown(rank)}")
    check_entries(3 * n * rank * symbols, f"leaves of {shown(symbols)} values", fractions=fractions)
    nodes: dict[Name, Node] = {}
    wholes = []
    for number, matching in enumerate(perfect_matchings(n, rng)):
        pairs = []
        for pair in matching:
            name = f"m{number} {pair[0]}-{pair[1]}"
            for site in pair:
                for term, table in enumerate(random_distributions((rank, symbols), rng, fractions=fractions)):
                    nodes[f"{name} x{site} {term}"] = LeafNode(site, table)
            terms = [f"{name} {term}" for term in range(rank)]
            for term in range(rank):
                nodes[terms[term]] = ProductNode(tuple(f"{name} x{site} {term}" for site in pair))
            nodes[name] = SumNode(tuple(terms), random_distributions((rank,), rng, fractions=fractions))
            pairs.append(name)
        wholes.append(f"m{number}")
        nodes[wholes[-1]] = ProductNode(tuple(pairs))
    nodes["root"] = SumNode(tuple(wholes), random_distributions((3,), rng, fractions=fractions))
    return nodes, "root"


def _matching(pairs: Integers) -> PerfectMatching:
    """The pairs in order, each with its smaller site first."""
    ascending = np.sort(pairs, axis=1)
    return tuple((first, second) for first, second in ascending[np.argsort(ascending[:, 0])].tolist())

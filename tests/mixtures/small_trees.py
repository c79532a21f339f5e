"""Random trees of few nodes with hidden variables of different sizes, and their graphs."""

from fractions import Fraction

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from tensorrank.mixtures.latent_tree import LatentTree


def tree_with(parents, states, seed, *, symbols=2, zeros=0.0, exact=True, variables=None):
    """Node 0 is the root; node i's parent and its states are given; nodes without children are observed."""
    rng = np.random.default_rng(seed)
    hidden = {0, *parents}

    def table(rows, columns):
        counts = rng.integers(1, 9, (rows, columns)).astype(object)
        counts[rng.random((rows, columns)) < zeros] = 0
        counts[counts.sum(axis=1) == 0, 0] = 1
        fractions = counts * Fraction(1) / counts.sum(axis=1, keepdims=True)
        return fractions if exact else fractions.astype(float)

    sizes = [states[node] if node in hidden else symbols for node in range(len(parents) + 1)]
    edges = [(f"n{parent}", f"n{node}", table(sizes[parent], sizes[node])) for node, parent in enumerate(parents, 1)]
    names = None if variables is None else [f"n{node}" for node in variables]
    return LatentTree("n0", table(1, sizes[0])[0], edges, names)


@st.composite
def trees(draw, most_nodes=9, most_states=3, zeros=0.0):
    """Random parents, states from 1 on, and the observed variables in a random order."""
    count = draw(st.integers(1, most_nodes - 1))
    parents = [draw(st.integers(0, node)) for node in range(count)]
    states = draw(st.lists(st.integers(1, most_states), min_size=count + 1, max_size=count + 1))
    leaves = [node for node in range(1, count + 1) if node not in parents]
    order = draw(st.permutations(leaves))
    return tree_with(parents, states, draw(st.integers(0, 2**32)), zeros=zeros, variables=order)


def graph_of(tree):
    return nx.Graph([(edge.parent, edge.child) for edge in tree.edges])

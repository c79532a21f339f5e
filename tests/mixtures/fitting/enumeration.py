"""Expected counts by their definition: a sum over all states of everything hidden."""

import itertools

import numpy as np


def expected_counts(tree, rows, weights):
    """The log-likelihood, and for each node the posterior number of (state of the parent, state of the node).

    Of a node (the root with itself as its parent of one state) below which a row knows nothing there is none.
    """
    counts = {name: np.zeros(tree.table(name).shape) for name in tree.order}
    total = 0.0
    for row, weight in zip(rows, weights, strict=True):
        seen = {name: int(value) for name, value in zip(tree.leaves, row, strict=True) if value != -1}
        states = list(itertools.product(*(range(tree.states[name]) for name in tree.latents)))
        terms = []
        for hidden in states:
            state = dict(zip(tree.latents, hidden, strict=True)) | seen
            term = float(tree.prior[state[tree.root]])
            for name in tree.order[1:]:
                if name in state:
                    term *= float(tree.table(name)[state[tree.parent(name)], state[name]])
            terms.append(term)
        total += weight * np.log(sum(terms))
        known = known_below(tree, seen)
        for hidden, term in zip(states, terms, strict=True):
            state = dict(zip(tree.latents, hidden, strict=True)) | seen
            for name in tree.order:
                if name in known:
                    parent = tree.parent(name)
                    counts[name][0 if parent is None else state[parent], state[name]] += weight * term / sum(terms)
    return total, counts


def known_below(tree, seen):
    found = set()
    for name in seen:
        while name is not None and name not in found:
            found.add(name)
            name = tree.parent(name)
    return found

"""What is decoded, by its definition: all states of the hidden variables of a model, with the weight that each has."""

import itertools
from math import prod

import numpy as np

from tensorrank.mixtures.hierarchical import Hierarchical, Leaf


def all_hidden(model, row):
    """Pairs of the states of all hidden variables, by name, and their joint probability with the row."""
    weigh = _function_weights if isinstance(model, Hierarchical) else _tree_weights
    return weigh(model, row)


def posteriors_of(model, row):
    """For each hidden variable the probabilities of its states."""
    pairs = all_hidden(model, row)
    total = sum(weight for _, weight in pairs)
    found = {name: np.zeros(count) for name, count in counts_of(model).items()}
    for states, weight in pairs:
        for name, state in states.items():
            found[name][state] += weight / total
    return found


def counts_of(model):
    """The number of states of each hidden variable."""
    if isinstance(model, Hierarchical):
        return dict(enumerate(model.ranks[:-1]))
    tree = model.latent_tree()
    return {name: tree.states[name] for name in tree.latents}


def _tree_weights(model, row):
    tree = model.latent_tree()
    leaves = [_leaf(tree, site, value, model.densities) for site, value in enumerate(row)]
    found = []
    for states in itertools.product(*(range(tree.states[name]) for name in tree.latents)):
        state = dict(zip(tree.latents, states, strict=True))
        weight = float(tree.prior[state[tree.root]])
        for name in tree.latents[1:]:
            weight *= float(tree.table(name)[state[tree.parent(name)], state[name]])
        weight *= prod(leaf[state[tree.parent(name)]] for name, leaf in zip(tree.leaves, leaves, strict=True))
        found.append((state, weight))
    return found


def _leaf(tree, site, value, densities):
    """The probability (density) of a value given each state of the parent; 1 if it is missing."""
    table = tree.table(tree.leaves[site]).astype(float)
    if densities is None:
        return np.ones(len(table)) if value < 0 else table[:, int(value)]
    if np.isnan(value):
        return np.ones(len(table))
    means, variances = densities.of_site(site)
    return table @ (np.exp(-((value - means[:, 0]) ** 2) / 2 / variances[:, 0]) / np.sqrt(2 * np.pi * variances[:, 0]))


def _function_weights(model, row):
    found = []
    for functions in itertools.product(*map(range, model.ranks[:-1])):
        chosen = (*functions, 0)
        weight = 1.0
        for number, node in enumerate(model.nodes):
            if isinstance(node, Leaf):
                entries = node.table[chosen[number]].astype(float)
                weight *= entries.sum() if row[node.variable] < 0 else entries[row[node.variable]]
            else:
                weight *= float(node.table[(chosen[number], *(chosen[child] for child in node.children))])
        found.append((dict(enumerate(functions)), weight))
    return found

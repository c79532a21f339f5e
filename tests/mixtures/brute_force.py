"""What mixtures are compared with: their definitions, summed over all states of everything hidden."""

import itertools
from math import prod

import numpy as np

from tensorrank.mixtures.hierarchical import Leaf


def all_states(shape):
    """All rows of values, (rows, sites), the last variable fastest."""
    return np.array(list(itertools.product(*[range(k) for k in shape])))


def latent_tree_table(tree):
    """P(x) as an array of N dimensions: prior and edges multiplied, summed over the states of the hidden variables."""
    return _summed(
        tree.shape,
        [tree.states[name] for name in tree.latents],
        tree.prior.dtype == object and all(edge.table.dtype == object for edge in tree.edges),
        lambda hidden, x: _tree_term(tree, dict(zip((*tree.latents, *tree.leaves), (*hidden, *x), strict=True))),
    )


def hidden_markov_table(model):
    def term(z, x):
        steps = range(1, len(z))
        return (
            model.initial[z[0]]
            * prod(model.transitions[t - 1][z[t - 1], z[t]] for t in steps)
            * prod(model.emissions[t][z[t], x[t]] for t in range(len(z)))
        )

    exact = all(table.dtype == object for table in (model.initial, *model.transitions, *model.emissions))
    return _summed(model.shape, [table.shape[0] for table in model.emissions], exact, term)


def latent_class_table(model):
    def term(hidden, x):
        (c,) = hidden
        return model.weights[c] * prod(table[c, value] for table, value in zip(model.components, x, strict=True))

    exact = all(table.dtype == object for table in (model.weights, *model.components))
    return _summed(model.shape, [model.classes], exact, term)


def tensorial_mixture_table(model):
    """Nodes of a level from left to right; node i's parent is node i // 2 of the level above."""
    levels = [model.tables(level) for level in range(model.depth)]
    sizes = [[len(model.prior)], *([table.shape[1] for table in level] for level in levels)]

    def term(hidden, x):
        values = iter((*hidden, *x))
        states = [[next(values) for _ in level] for level in sizes]
        return model.prior[states[0][0]] * prod(
            table[states[level][place // 2], states[level + 1][place]]
            for level, tables in enumerate(levels)
            for place, table in enumerate(tables)
        )

    exact = all(table.dtype == object for table in itertools.chain([model.prior], *levels))
    return _summed(model.shape, list(itertools.chain(*sizes[:-1])), exact, term)


def hierarchical_table(model):
    """The sum over a function of every node but the root, of which there is one."""

    def term(functions, x):
        chosen = (*functions, 0)
        return prod(
            node.table[chosen[number], x[node.variable]]
            if isinstance(node, Leaf)
            else node.table[(chosen[number], *(chosen[child] for child in node.children))]
            for number, node in enumerate(model.nodes)
        )

    exact = all(node.table.dtype == object for node in model.nodes)
    return _summed(model.shape, [node.table.shape[0] for node in model.nodes[:-1]], exact, term)


def squared_table(model):
    """The sum over the summed variables of weights times a square, that of the sum over the others of amplitudes.

    Weights stand on edges whose two ends are summed or observed, and at a root that is summed.
    """
    apart = {*model.summed, *model.leaves}
    inner = [name for name in model.latents if name not in apart]
    exact = model.over_fractions

    def factor(state, *, weights):
        edges = [edge for edge in model.edges if ({edge.parent, edge.child} <= apart) == weights]
        start = model.prior[state[model.root]] if (model.root in apart) == weights else 1
        return start * prod(edge.table[state[edge.parent], state[edge.child]] for edge in edges)

    def term(outer, x):
        fixed = dict(zip((*model.summed, *model.leaves), (*outer, *x), strict=True))
        # Weights are the same whatever the states of the others.
        ways = itertools.product(*[range(model.states[name]) for name in inner])
        amplitude = sum(factor(fixed | dict(zip(inner, way, strict=True)), weights=False) for way in ways)
        return factor(fixed | dict.fromkeys(inner, 0), weights=True) * amplitude**2

    table = _summed(model.shape, [model.states[name] for name in model.summed], exact, term)
    return table / table.sum()


TABLES = {
    "latent_tree": latent_tree_table,
    "hidden_markov": hidden_markov_table,
    "latent_class": latent_class_table,
    "tensorial_mixture": tensorial_mixture_table,
    "hierarchical": hierarchical_table,
    "squared": squared_table,
}


def probability_table(model):
    """That of a model by its kind."""
    return TABLES[model.kind](model)


def marginal_of(table, sites):
    """The table summed over all other variables, dimensions in the order of the sites."""
    others = tuple(site for site in range(table.ndim) if site not in sites)
    kept = [site for site in range(table.ndim) if site in sites]
    return np.asarray(table.sum(axis=others)).transpose([kept.index(site) for site in sites])


def unfolding(table, sites):
    """The matrix with the values of these sites as rows, of the others as columns."""
    others = [site for site in range(table.ndim) if site not in sites]
    rows = prod(table.shape[site] for site in sites)
    return table.transpose([*sites, *others]).reshape(rows, -1)


def _tree_term(tree, state):
    return tree.prior[state[tree.root]] * prod(edge.table[state[edge.parent], state[edge.child]] for edge in tree.edges)


def _summed(shape, hidden, exact, term):
    table = np.zeros(shape, dtype=object if exact else np.float64)
    for x in itertools.product(*map(range, shape)):
        table[x] = sum(term(states, x) for states in itertools.product(*map(range, hidden)))
    return table

"""The table of all values of a mixture over fractions, kind by kind, from the fields that docs/reference/files.md has.

A part of a model is an array with an axis for its states or functions, and then one for each of its variables.
"""

from fractions import Fraction

import numpy as np

from tensorrank.mixtures.formats.schema import to_dict

# The array of a part, and its variables in the order of the axes.
Part = tuple[np.ndarray, tuple]


def table(model) -> np.ndarray:
    """The probabilities of all values, an axis for each variable; floats count as the fractions that they are."""
    values, variables = _KINDS[model.kind](to_dict(model), model)
    order = list(range(model.sites)) if model.kind not in ("latent_tree", "squared") else list(model.leaves)
    return values[0].transpose([variables.index(one) for one in order])


def _numbers(given) -> np.ndarray:
    array = np.array(given, dtype=object)
    return np.vectorize(Fraction, otypes=[object])(array)


def _leaf(numbers: np.ndarray, variable) -> Part:
    return numbers, (variable,)


def _product(*parts: Part) -> Part:
    """The product of parts that share their states."""
    values, variables = parts[0]
    for other, more in parts[1:]:
        mine, theirs = values.shape + (1,) * len(more), other.shape[:1] + (1,) * len(variables) + other.shape[1:]
        values = values.reshape(mine) * other.reshape(theirs)
        variables = (*variables, *more)
    return values, variables


def _summed(numbers: np.ndarray, part: Part) -> Part:
    """The part with its states summed, with a row of weights for each state above."""
    return np.tensordot(numbers, part[0], axes=([1], [0])), part[1]


def _latent_class(fields, model) -> Part:
    parts = [_leaf(_numbers(one), site) for site, one in enumerate(fields["components"])]
    return _summed(_numbers(fields["weights"])[None], _product(*parts))


def _depth(given) -> int:
    return 1 + _depth(given[0]) if isinstance(given, list) else 0


def _hidden_markov(fields, model) -> Part:
    each = [
        [_numbers(one) for one in given] if _depth(given) == 3 else [_numbers(given)] * count
        for given, count in ((fields["transition"], model.sites - 1), (fields["emission"], model.sites))
    ]
    part = _leaf(each[1][-1], model.sites - 1)
    for site in reversed(range(model.sites - 1)):
        part = _product(_leaf(each[1][site], site), _summed(each[0][site], part))
    return _summed(_numbers(fields["initial"])[None], part)


def _latent_tree(fields, model) -> Part:
    children: dict = {}
    for edge in fields["edges"]:
        children.setdefault(edge["parent"], []).append((edge["child"], _numbers(edge["table"])))

    def below(name) -> Part:
        found = [_leaf(rows, child) if child not in children else _summed(rows, below(child)) for child, rows in children[name]]
        return _product(*found)

    return _summed(_numbers(fields["prior"])[None], below(fields["root"]))


def _tensorial_mixture(fields, model) -> Part:
    levels = []
    for depth, given in enumerate(fields["levels"], 1):
        levels.append([_numbers(one) for one in given] if _depth(given) == 3 else [_numbers(given)] * 2**depth)

    def below(level: int, node: int) -> Part:
        found = []
        for child in (2 * node, 2 * node + 1):
            rows = levels[level][child]
            found.append(_leaf(rows, child) if level + 1 == len(levels) else _summed(rows, below(level + 1, child)))
        return _product(*found)

    return _summed(_numbers(fields["prior"])[None], below(0, 0))


def _hierarchical(fields, model) -> Part:
    parts: list[Part] = []
    for node in fields["nodes"]:
        numbers = _numbers(node["table"])
        if "variable" in node:
            parts.append(_leaf(numbers, node["variable"]))
            continue
        first, *second = (parts[child] for child in node["children"])
        values = np.tensordot(numbers, first[0], axes=([1], [0]))
        variables = first[1]
        if second:
            values = np.tensordot(values, second[0][0], axes=([1], [0]))
            variables = (*variables, *second[0][1])
        parts.append((values, variables))
    return parts[-1]


def _sum_product(fields, model) -> Part:
    nodes = {(type(node["id"]), node["id"]): node for node in fields["nodes"]}
    known: dict = {}

    def below(name) -> Part:
        key = (type(name), name)
        if key in known:
            return known[key]
        node = nodes[key]
        if node["type"] == "leaf":
            found = _leaf(_numbers(node["distribution"])[None], node["variable"])
        elif node["type"] == "product":
            found = _product(*map(below, node["children"]))
        else:
            children = list(map(below, node["children"]))
            order = children[0][1]
            aligned = [values.transpose([0, *(1 + variables.index(one) for one in order)]) for values, variables in children]
            found = sum(weight * one for weight, one in zip(_numbers(node["weights"]), aligned, strict=True)), order
        known[key] = found
        return found

    return below(fields["root"])


def _squared(fields, model) -> Part:
    """By pairs of states (s, t), the pair s * states + t; edges of weights reach from equal states to equal ones."""
    children: dict = {}
    for edge in fields["edges"]:
        children.setdefault(edge["parent"], []).append((edge["child"], _numbers(edge["table"])))
    apart = set(fields.get("summed", []))

    def of_pairs(rows, weights: bool, equal: bool) -> np.ndarray:
        above, below = rows.shape
        if weights:
            found = np.zeros((above, above, below), dtype=object)
            found[np.arange(above), np.arange(above)] = rows
            return found.reshape(above**2, below)
        found = rows[:, None, :, None] * rows[None, :, None, :]
        return (np.diagonal(found, axis1=2, axis2=3) if equal else found).reshape(above**2, -1)

    def told(rows, name, weights: bool) -> Part:
        if name not in children:
            return _leaf(of_pairs(rows, weights, True), name)
        summed = name in apart
        parts = [told(below, child, summed and (child in apart or child not in children)) for child, below in children[name]]
        values, variables = _product(*parts)
        states = children[name][0][1].shape[0]
        return _summed(of_pairs(rows, weights, summed), (values[:: states + 1] if summed else values, variables))

    root = fields["root"]
    values, variables = told(_numbers(fields["prior"])[None], root, root in apart)
    total = values.sum()
    as_given = not model.over_fractions and abs(total - 1) <= Fraction(1, 10**6)
    return values if as_given else values / total, variables


_KINDS = {
    "latent_class": _latent_class,
    "hidden_markov": _hidden_markov,
    "latent_tree": _latent_tree,
    "tensorial_mixture": _tensorial_mixture,
    "hierarchical": _hierarchical,
    "sum_product": _sum_product,
    "squared": _squared,
}

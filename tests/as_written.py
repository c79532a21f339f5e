"""Architectures as their definitions are written, one number at a time, in the arithmetic of the numbers given.

Weights are dictionaries of arrays of Python's whole numbers or fractions, by the names that users give.
"""

from itertools import product

import numpy as np


def attention_output(model, weights, tokens):
    """Coordinate 0 of the output token of self-attention without softmax, in every variant."""
    w = weights
    x = [np.array(token, dtype=object) for token in tokens]
    if "embedding" in w:
        x = [w["embedding"] @ token for token in x]
    if "positions" in w:
        x = [token + position for token, position in zip(x, w["positions"], strict=True)]
    sharing = model.heads // model.kv_heads
    for layer in range(model.depth):
        following = []
        for i, xi in enumerate(x):
            total = xi if model.residual else 0 * xi
            for h in range(model.heads):
                query = w["query"][layer, h] @ xi
                for xj in x[: i + 1] if model.causal else x:
                    score = sum(query * (w["key"][layer, h // sharing] @ xj))
                    total = total + score * (w["output"][layer, h] @ (w["value"][layer, h // sharing] @ xj))
            following.append(total)
        x = following
        if "up" in w:
            forward = [w["down"][layer] @ ((w["up"][layer] @ z) * (w["gate"][layer] @ z)) for z in x]
            x = [z + f if model.residual else f for z, f in zip(x, forward, strict=True)]
    return x[model.output_token][0]


def recurrent_output(circuit, weights, categories):
    """The recurrence of Levine, Sharir, Ziv, Shashua (2018) for one category a step."""
    w = weights
    states = list(w["initial"])
    for category in categories:
        for layer in range(circuit.depth):
            below = w["input"][:, category] if layer == 0 else w["between"][layer - 1] @ states[layer - 1]
            states[layer] = (w["recurrent"][layer] @ states[layer]) * below
    return w["output"] @ states[-1]


def gated_output(model, weights, tokens):
    """Coordinate 0 of the last output of a linear recurrence with gates, as a sum over the steps that are let in.

    What step j adds to row k of a state is its key and value times the gates of row k at all steps since: no state is
    kept.
    """
    w, x = weights, [np.array(token, dtype=object) for token in tokens]
    counts = {"inputs": 0, "constant": 0, "none": 0}
    for layer, kind in enumerate(model.layer_gates):
        following, place = [], counts[kind]
        for t, xt in enumerate(x):
            total = 0 * xt
            for h, k, j in product(range(model.heads), range(model.state), range(t + 1)):
                gates = 1
                for passed in x[j + 1 : t + 1]:
                    if kind == "inputs":
                        gates = gates * (w["gate"][place, h, k] @ passed)
                    if kind == "constant":
                        gates = gates * w["decay"][place, h, k]
                held = (w["key"][layer, h, k] @ x[j]) * (w["value"][layer, h] @ x[j])
                total = total + (w["query"][layer, h, k] @ xt) * gates * (w["output"][layer, h] @ held)
            following.append(total)
        counts[kind] += 1
        x = following
    return x[-1][0]


def graph_output(model, weights, inputs):
    """The output of a graph network with product aggregation, by recursion from the output down to the inputs."""
    w, layers = weights, model.depth
    near = [{i} for i in range(model.vertices)]
    for one, other in model.edges:
        near[one].add(other)
        near[other].add(one)

    def entry(layer, vertex, place):
        """Entry `place` of h^(layer, vertex)."""
        if layer == 0:
            return inputs[vertex][place]
        row = (w["input"] if layer == 1 else w["between"][layer - 2])[place]
        found = 1
        for other in near[vertex]:
            found = found * sum(weight * entry(layer - 1, other, below) for below, weight in enumerate(row))
        return found

    read = range(model.vertices) if model.output_vertex is None else [model.output_vertex]
    total = 0
    for place, weight in enumerate(w["output"]):
        found = weight
        for vertex in read:
            found = found * entry(layers, vertex, place)
        total = total + found
    return total

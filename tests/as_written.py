"""Architectures as their definitions are written, one number at a time, in the arithmetic of the numbers given.

Weights are dictionaries of arrays of Python's whole numbers or fractions, by the names that users give.
"""

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

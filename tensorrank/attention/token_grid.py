"""Values of networks whose tokens pass through the layers, at all pairs of inputs of two sides, over GF(p)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention.lanes import run_steps
from tensorrank.attention.token_steps import MATRICES, TokenSteps
from tensorrank.attention.weights import AttentionWeights


def token_grid(
    weights: AttentionWeights,
    field: PrimeField,
    sides: tuple[Sequence[int], Sequence[int]],
    rows: Residues,
    columns: Residues,
    *,
    output: int,
    residual: bool = False,
    causal: bool = False,
) -> Residues:
    """The values at all pairs of a row's tokens and a column's tokens: coordinate 0 of the output token.

    The sides are the sites of the rows' tokens and of the columns', together 0..N-1. Rows and columns have the shape
    (count, sites of the side, width). `output` is the site whose output is taken; under a mask, sites after it do not
    matter.
    """
    sites = sum(map(len, sides))
    # The output token is first, as the steps want it; under a mask each token sees those listed after it.
    seen = range(output, -1, -1) if causal else sorted(range(sites), key=lambda site: (site != output, site))
    places = np.array([[side.index(site) if site in side else -1 for site in seen] for side in sides])
    layers = TokenSteps(weights.by_head(), field, residual=residual, causal=causal)
    steps, result = layers.steps(len(seen))
    lanes = np.ascontiguousarray(field.balanced(columns).transpose(2, 1, 0))
    values: Residues = np.empty((len(rows), len(columns)), dtype=np.int64)
    given = field.balanced(rows), lanes, places, layers.constants, steps, result
    _token_grid(*given, field.prime, field.constants, layers.lanes(len(seen)), values)
    return values


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _token_grid(rows, columns, places, constants, steps, result, modulus, field, lanes, values):  # type: ignore[no-untyped-def]
    width, tokens = columns.shape[0], places.shape[1]
    side = max(constants.shape[1], tokens)
    for start in range(0, values.shape[1], lanes):
        count = min(lanes, values.shape[1] - start)
        matrices = np.zeros((MATRICES, side, tokens, count))
        upper = np.zeros(count)
        for place in range(tokens):
            if places[1, place] >= 0:
                matrices[0, :width, place] = columns[:, places[1, place], start : start + count]
        for row in range(len(rows)):
            for place in range(tokens):
                if places[0, place] >= 0:
                    for i in range(width):
                        matrices[0, i, place] = rows[row, places[0, place], i]
            run_steps(steps, matrices, constants, 0, 1.0, upper, field)
            for w in range(count):
                value = np.int64(matrices[result, 0, 0, w])
                values[row, start + w] = value + modulus if value < 0 else value

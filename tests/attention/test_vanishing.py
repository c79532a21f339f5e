"""Where functions of one full head vanish: the word of the proof, its degree at such tokens, and choices of places."""

from itertools import combinations

import flint
import numpy as np
import pytest
from attention_by_definition import PRIME, layer, random_layers

from tensorrank.attention.vanishing import _generators, lacking

SMALL = 10007


@pytest.mark.parametrize(("depth", "width"), [(2, 3), (2, 4), (3, 3), (3, 4)])
def test_one_full_head_vanishes_where_the_proof_says(depth, width):
    # Weights are chosen for a given v, which v^T Z v = 0 and w^T v = 0 then hold for.
    rng = np.random.default_rng(2)
    v = rng.integers(1, SMALL, width)
    connected = [rng.integers(0, SMALL, (width, width)) for _ in range(depth)]
    for matrix in connected[:-1]:
        matrix[0, 0] = 0
        matrix[0, 0] = -int(v @ matrix @ v % SMALL) * pow(int(v[0] ** 2 % SMALL), -1, SMALL) % SMALL
    w = rng.integers(0, SMALL, width)
    w[0] = 0
    w[0] = -int(w @ v % SMALL) * pow(int(v[0]), -1, SMALL) % SMALL
    moments, token = rng.integers(0, SMALL, (width, width)), rng.integers(0, SMALL, width)
    moments = moments + moments.T
    degree = (3**depth - 1) // 2
    values = [value_of_word(w, connected, (moments + t * np.outer(v, v)) % SMALL, token) for t in range(degree + 1)]
    above = (3 ** (depth - 1) - 1) // 2
    # Differences of an order beyond the degree in t are zero, and the one at the degree is not.
    differences = [values]
    for _ in range(degree):
        differences.append([(b - a) % SMALL for a, b in zip(differences[-1], differences[-1][1:], strict=False)])
    last = max(order for order, row in enumerate(differences) if any(row))
    assert last == above + (above + 1) // 2


def value_of_word(w, connected, moments, token):
    """The value w^T W_(L-1) Z_L W_(L-2) .. W_0 Z_1 x of one full head a layer, for connecting matrices Z_1, .., Z_L."""
    words = [moments]
    for z in connected[:-1]:
        inner = words[-1]
        for matrix in (z, words[-1], z.T, words[-1]):
            inner = inner @ matrix % SMALL
        words.append(inner)
    row = w
    for word, z in zip(reversed(words), reversed(connected), strict=True):
        row = row @ word % SMALL @ z % SMALL
    return int(row @ token % SMALL)


def test_the_word_of_the_proof_is_the_value_of_attention():
    depth, width = 2, 3
    rng = np.random.default_rng(4)
    layers = random_layers(rng, depth, width, 1, width, 1)
    tokens = rng.integers(0, PRIME, (4, width))
    exact = [[matrix(one) for one in heads[0]] for heads in layers]
    x = [output * value for value, _, _, output in exact]
    y = [key.transpose() * query for _, key, query, _ in exact]
    points = matrix(tokens.T)
    moments = points * points.transpose()
    z = [y[0], x[0].transpose() * y[1] * x[0]]
    words = [moments, moments * z[0] * moments * z[0].transpose() * moments]
    last = matrix(tokens[-1:].T)
    expected = x[1] * x[0] * words[1] * z[1] * words[0] * z[0] * last
    by_definition = tokens[:, :, None]
    for heads in layers:
        by_definition = layer(by_definition, heads, lambda j, at: True)
    assert [int(expected[i, 0]) for i in range(width)] == by_definition[-1, :, 0].tolist()


def matrix(array):
    """An array as FLINT has it."""
    return flint.nmod_mat(*array.shape, [int(entry) for entry in array.flat], PRIME)


# What joins the places: the factor of a chosen first place, of two chosen neighbours, and of a chosen last place.
JOINED = {1: [0], 2: [0, 1, 1, None], 3: [0, 1, 1, 2, 1, 1, 2, 1, 1, None, 1, 1, 2]}


@pytest.mark.parametrize("depth", JOINED)
@pytest.mark.parametrize("output_side", [False, True])
def test_products_of_forms_are_those_of_all_choices_of_places(depth, output_side):
    before = JOINED[depth]
    for chosen in range(len(before) + 1):
        found = set()
        for places in combinations(range(len(before)), chosen):
            forms = [before[place] for place in places if place == 0 or place - 1 in places]
            forms += [1] * (output_side and depth > 1 and len(before) - 1 in places)
            found.add(tuple(forms.count(form) for form in range(depth)))
        least = {one for one in found if not any(other != one and divides(other, one) for other in found)}
        assert _generators(depth, output_side)[chosen] == least


def divides(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True))


# Points in which two conics of a plane meet, and forms of degree 14 on a quartic curve and a quartic surface.
@pytest.mark.parametrize(("width", "missing"), [(4, 4), (5, 4 * 14), (6, 421)])
def test_at_depth_3_seven_moments_of_the_other_side_lack_the_forms_on_an_intersection(width, missing):
    series = [1]
    for factor in [[1, 1], [1, 1]]:
        series = np.convolve(series, factor).tolist()
    for _ in range(width - 3):
        series = np.cumsum([*series, *[0] * (15 - len(series))]).tolist()
    assert lacking(3, width, 7, output_side=False) == series[14] == missing


def test_deep_networks_lack_nothing_that_is_known():
    assert lacking(4, 6, 30, output_side=False) == 0

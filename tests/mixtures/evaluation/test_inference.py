"""Log-densities and derivatives where plain arithmetic fails; fractions and logarithms of them are the reference."""

from fractions import Fraction
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Sums
from tensorrank.mixtures.evaluation.inference import ObservedCodes, log_derivatives, log_matmul, log_values
from tensorrank.mixtures.evaluation.passes import Evidence, Passes
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree


def log_of(fraction):
    """The logarithm of a fraction, however small."""
    if not fraction:
        return -np.inf
    shift = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    return log(fraction / Fraction(2) ** shift) + shift * log(2)


def exact_values(circuit, rows):
    """Every slot in fractions, from the tables as they are."""
    found = []
    for block in circuit.blocks:
        match block:
            case Leaves():
                tables = [[Fraction(entry) for entry in row] for row in block.table]
                found += [[sum(row) if x < 0 else row[x] for x in rows[:, block.site]] for row in tables]
            case Products():
                for row in block.factors:
                    found.append([Fraction(1)] * len(rows))
                    for slot in row:
                        found[-1] = [a * b for a, b in zip(found[-1], found[slot], strict=True)]
            case Sums():
                sums = []
                for row in block.table:
                    terms = [[Fraction(w) * x for x in found[slot]] for w, slot in zip(row, block.terms, strict=True)]
                    sums.append([sum(column) for column in zip(*terms, strict=True)])
                found += sums
    return found


def observed_at(rows):
    return [ObservedCodes(np.ascontiguousarray(column)) for column in rows.T]


def assert_values(circuit, rows):
    """Both ways of evaluation, against fractions."""
    rows = np.asarray(rows)
    expected = np.array([[log_of(value) for value in slot] for slot in exact_values(circuit, rows)])
    np.testing.assert_allclose(log_values(circuit, observed_at(rows)), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(Passes(circuit).log_density(Evidence.of_codes(rows)), expected[-1], rtol=1e-12, atol=1e-12)


def test_long_products_do_not_underflow():
    model = HiddenMarkov.random(2, 500, 150, 0)
    assert_values(model.circuit, model.sample(1, 1))


def test_a_small_value_counts_when_the_large_ones_end():
    """State 1 is 1e-360 beside state 0 until a last step that only state 1 can take."""
    never = [[1.0, 0.0], [0.0, 1.0]]
    model = HiddenMarkov([0.5, 0.5], never, ([[1.0, 0.0], [1e-3, 0.999]],) * 120 + ([[0.0, 1.0], [0.25, 0.75]],))
    rows = np.zeros((3, 121), dtype=int)
    rows[1, -1] = 1
    rows[2, :] = -1
    found = model.log_density(rows)
    np.testing.assert_allclose(found, [log(0.125) + 120 * log(1e-3), log(0.5), 0], rtol=1e-12, atol=1e-12)
    assert_values(model.circuit, rows)
    posterior = model.posteriors(np.where(np.arange(121) < 120, 0, -1)[None])
    np.testing.assert_allclose(posterior[-1], [[0, 1]], atol=1e-300)


@pytest.mark.parametrize("tiny", [1e-300, 5e-324])
def test_tables_of_tiny_entries(tiny):
    model = LatentTree(
        "z",
        [1.0, tiny],
        [("z", "y", [[1.0, 0.0], [tiny, 1.0]]), ("y", 0, [[1.0, 0.0], [tiny, 1.0]]), ("z", 1, [[1, 0], [0, 1.0]])],
    )
    assert_values(model.circuit, [[0, 0], [0, 1], [1, 0], [1, 1], [-1, 1], [1, -1]])


def test_functions_of_any_scale():
    first, second = np.array([[1.0, 3.0], [2.0, 2.0**-200]]), np.array([[0.25, 0.5], [1.0, 0.0]])
    weights = np.array([[0.0, 0.5], [3.0, 2.0**-300]])
    mass = first.sum(axis=1) @ weights @ second.sum(axis=1)
    model = Hierarchical(
        (Leaf(0, first * 2.0**800), Leaf(1, second * 2.0**-700), Transfer((0, 1), weights[None] / mass * 2.0**-100))
    )
    assert_values(model.circuit, [[0, 0], [0, 1], [1, 0], [1, 1], [-1, 0], [0, -1], [-1, -1]])


def test_zero_is_minus_infinity():
    model = LatentClass([0.5, 0.5], [[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [1.0, 0.0]]])
    np.testing.assert_array_equal(model.log_density([[1, 1], [1, 0]]), [-np.inf, log(0.25)])


def test_slots_of_several_blocks_and_rescaled_ones():
    """Sums over slots of different blocks, each of them far below 1 by another amount."""
    rng = np.random.default_rng(0)
    blocks, slots, size = [], [], 0
    tables = [rng.dirichlet(np.ones(4), 1) * 2.0**-shift for shift in (0, 400, 470, 470, 3, 30)]
    for site, table in enumerate(tables):
        blocks.append(Leaves(site, table))
        slots.append(size)
        size += 1
    blocks.append(Products(np.array([slots[:3], slots[1:4]])))
    blocks.append(Products(np.array([[slots[4], size], [size + 1, slots[5]]])))
    blocks.append(Sums(np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]), np.array([slots[4], size, size + 3])))
    blocks.append(Sums(np.array([[0.0, 0.5]]), np.array([size + 4, size + 5])))
    rows = rng.integers(-1, 4, (50, 6))
    assert_values(Circuit(tuple(blocks)), rows)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 25), st.integers(0, 300))
def test_tables_of_all_scales(seed, length, decades):
    """Zeros and entries down to 10**-decades."""
    rng = np.random.default_rng(seed)

    def table(*shape):
        entries = 10.0 ** rng.uniform(-decades, 0, shape) * (rng.random(shape) < 0.7)
        entries[..., 0] += (entries.sum(axis=-1) == 0) * 1.0
        return entries / entries.sum(axis=-1, keepdims=True)

    model = HiddenMarkov(table(3), [table(3, 3) for _ in range(length - 1)], [table(3, 2) for _ in range(length)], length)
    assert_values(model.circuit, rng.integers(-1, 2, (4, length)))


def test_derivatives_of_every_slot():
    """The density is multilinear in the slots of a tree: derivatives by differences, in fractions."""
    model = LatentTree.random([0, 0, 1, 1, 2, 2], 2, 2, 0)
    rows = np.array([[0, 1, -1, 0]])
    circuit = model.circuit
    logs = log_values(circuit, observed_at(rows))
    found = log_derivatives(circuit, logs)[:, 0]
    values = [slot[0] for slot in exact_values(circuit, rows)]
    for slot in range(circuit.slots):
        assert found[slot] == pytest.approx(log_of(_derivative(circuit, values, slot)), rel=1e-12, abs=1e-12)


def _derivative(circuit, values, slot):
    """The last slot with this one a unit larger, less what it is."""
    changed = list(values)
    changed[slot] += 1
    for start, block in zip(circuit.starts, circuit.blocks, strict=False):
        for place in range(block.size):
            if start + place <= slot or isinstance(block, Leaves):
                continue
            if isinstance(block, Products):
                changed[start + place] = Fraction(1)
                for factor in block.factors[place]:
                    changed[start + place] *= changed[factor]
            else:
                changed[start + place] = sum(
                    Fraction(w) * changed[term] for w, term in zip(block.table[place], block.terms, strict=True)
                )
    return changed[-1] - values[-1]


def test_components_far_apart():
    """Densities of e**-5000 beside others; the exponents are summed by hand."""
    never = np.eye(2)
    gaussians = Gaussians([0.0, 100.0], [1.0, 1.0])
    model = HiddenMarkov([0.5, 0.5], never, never, 2, densities=gaussians)
    constant = -log(2 * np.pi)
    # State 0 or state 1 throughout; the other is nothing beside it.
    data = [[0.0, 0.0], [0.0, 90.0], [40.0, 55.0], [100.0, 99.0]]
    states = np.array([[-sum((x - mean) ** 2 for x in row) / 2 for mean in (0, 100)] for row in data])
    expected = log(0.5) + constant + np.logaddexp(states[:, 0], states[:, 1])
    np.testing.assert_allclose(model.log_density(data), expected, rtol=1e-12)
    post = model.posteriors(data)
    expected = np.exp(states - np.logaddexp(states[:, :1], states[:, 1:]))
    for site in range(2):
        np.testing.assert_allclose(post[site], expected, rtol=1e-9, atol=1e-300)


def test_many_rows_are_each_what_they_are_alone():
    model = HiddenMarkov.random(4, 3, 12, 0)
    rows = model.sample(40000, 0)
    whole = model.log_density(rows)
    for number in (0, 16383, 16384, 39999):
        assert whole[number] == pytest.approx(model.log_density(rows[[number]])[0], rel=1e-13)


def test_sums_of_terms_that_are_no_normal_floats():
    # log(1e-200 * exp(-300)), which is below the least float.
    with np.errstate(divide="ignore"):
        found = log_matmul(np.array([[1e-200, 0.0]]), np.array([[-300.0], [0.0]]))
    assert found == pytest.approx(-300 - 200 * np.log(10))


def test_posteriors_of_tiny_tables_are_probabilities():
    chain = HiddenMarkov(
        [1e-140, 1.0],
        ([[0.0, 1.0], [1e-30, 1.0]], [[0.5, 0.5], [1.0, 1e-70]]),
        ([[1.0, 1e-140], [1.0, 0.0]], [[1.0, 1e-30], [1e-70, 1.0]], [[1.0, 1e-30], [0.0, 1.0]]),
    )
    rows = [[1, 0, -1], [-1, -1, -1], [0, 1, 0]]
    for found in chain.posteriors(rows):
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert chain.posteriors(rows)[0][0].tolist() == [0, 1]

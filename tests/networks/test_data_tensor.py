"""Data tensors against dense tensors that are summed up sample by sample, over the rationals and in floats."""

from fractions import Fraction
from functools import reduce

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.errors import PartitionError, TensorRankError
from tensorrank.separation.partition import Bipartition

WHOLE = st.integers(-3, 3)


def vectors(samples, embedding):
    """The vectors of every sample by the definition of each embedding, one variable after the other."""
    columns = np.asarray(samples).T
    if embedding == "one-hot":
        return [np.array([[value == one for one in sorted(set(column))] for value in column], int) for column in columns]
    if embedding == "moments":
        return [np.array([[1, value] for value in column]) for column in columns]
    return [np.array([[np.cos(np.pi * v / 2), np.sin(np.pi * v / 2)] for v in column]) for column in columns]


def unfolding(samples, labels, embedding, cut):
    """The dense unfolding, from a Kronecker product for each sample."""
    found = vectors(samples, embedding)
    return sum(
        label * np.outer(*(reduce(np.kron, [found[site][row] for site in side]) for side in (cut.a, cut.b)))
        for row, label in enumerate(labels)
    )


def entropy(values):
    shares = values**2 / (values**2).sum()
    return -sum(share * np.log(share) for share in shares if share > 0)


@st.composite
def tables(draw):
    sites, rows = draw(st.integers(2, 5)), draw(st.integers(1, 8))
    table = draw(st.lists(st.lists(st.integers(0, 2), min_size=sites, max_size=sites), min_size=rows, max_size=rows))
    labels = draw(st.lists(WHOLE, min_size=rows, max_size=rows))
    side = draw(st.sets(st.integers(0, sites - 1), min_size=1, max_size=sites - 1))
    return table, labels, Bipartition.of(sites, side)


@settings(max_examples=30, deadline=None)
@given(tables(), st.sampled_from(["one-hot", "moments"]))
def test_the_rank_of_whole_numbers_is_that_of_the_dense_unfolding_over_fractions(case, embedding):
    table, labels, cut = case
    rank = tr.separation_rank(tr.DataTensor(table, labels, embedding=embedding), cut, threads=1)
    assert rank.value == flint.fmpz_mat(unfolding(table, labels, embedding, cut).tolist()).rank()
    if embedding == "one-hot":
        assert rank.standing == "exact"
    assert rank.upper >= rank.value


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(["one-hot", "moments", "angle"]))
def test_the_spectrum_is_that_of_the_dense_unfolding_scaled_to_length_one(case, embedding):
    table, labels, cut = case
    table = [[value / 2 for value in row] for row in table] if embedding == "angle" else table
    dense = unfolding(table, labels, embedding, cut)
    found = tr.DataTensor(table, labels, embedding=embedding).spectrum(cut)
    theirs = np.linalg.svd(dense, compute_uv=False)
    length = np.sqrt((theirs**2).sum())
    size = min(len(theirs), len(found.spectrum))
    assert not theirs[size:].any() or theirs[size:].max() < 1e-12 * length
    tolerance = max(10 * found.noise, 1e-12)
    np.testing.assert_allclose(found.spectrum[:size], theirs[:size] / (length or 1), atol=tolerance)
    assert not (found.spectrum[size:] > tolerance).any()


@settings(max_examples=40, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_neither_rank_nor_entanglement_depends_on_the_order_of_samples_sides_or_variables_within_a_side(case, random):
    table, labels, cut = case
    data = tr.DataTensor(table, labels)
    rows = random.sample(range(len(table)), len(table))
    other = tr.DataTensor([table[row] for row in rows], [labels[row] for row in rows])
    sides = [tuple(random.sample(side, len(side))) for side in (cut.a, cut.b)]
    swapped = Bipartition(sides[1], sides[0])
    assert data.entanglement(cut) == pytest.approx(other.entanglement(swapped), abs=1e-9)
    assert tr.separation_rank(data, cut).value == tr.separation_rank(other, swapped).value


def test_the_entanglement_is_the_entropy_of_a_dense_svd_where_gram_matrices_have_to_serve():
    rng = np.random.default_rng(0)
    table, labels, cut = rng.random((6, 8)), rng.choice([-1, 1], 6), Bipartition.interleaved(8)
    data = tr.DataTensor(table, labels, embedding="angle")
    theirs = np.linalg.svd(unfolding(table, labels, "angle", cut), compute_uv=False)
    assert data.entanglement(cut) == pytest.approx(entropy(theirs), abs=1e-10)
    assert data.spectrum(cut).value == 6


def test_copies_and_a_product_have_the_entanglement_of_a_diagonal_and_none():
    copies = tr.DataTensor([[k, k] for k in range(5)])
    assert copies.entanglement() == pytest.approx(np.log(5))
    product = tr.DataTensor([[a, b] for a in range(3) for b in range(4)])
    assert product.entanglement() == pytest.approx(0, abs=1e-12)
    assert tr.separation_rank(product).value == 1


def test_labels_that_cancel_leave_rank_and_entanglement_zero():
    for embedding in ("one-hot", "moments"):
        data = tr.DataTensor([[0, 1, 1], [0, 1, 1]], [1, -1], embedding=embedding)
        assert (tr.separation_rank(data).value, data.entanglement(), data.spectrum().value) == (0, 0, 0)


def test_parities_with_labels_are_a_product_and_without_labels_are_not():
    table = [[(k >> bit) & 1 for bit in range(4)] for k in range(16)]
    signs = [(-1) ** sum(row) for row in table]
    assert tr.separation_rank(tr.DataTensor(table, signs)).value == 1
    even = [row for row in table if sum(row) % 2 == 0]
    assert tr.separation_rank(tr.DataTensor(even)).value == 2


@pytest.mark.parametrize(("embedding", "bright"), [("angle", 1), ("moments", 255)])
def test_products_over_784_variables_neither_underflow_nor_overflow(embedding, bright):
    rng = np.random.default_rng(0)
    # Half of the pixels are bright in each sample: vectors as long as each other, and as good as orthogonal.
    samples = [bright * rng.permutation(np.arange(784) % 2) for _ in range(20)]
    data = tr.DataTensor(samples, rng.choice([-1, 1], 20), embedding=embedding)
    assert data.entanglement("interleaved") == pytest.approx(np.log(20), abs=1e-2)


@pytest.mark.parametrize("scale", [1e308, 1e-320])
def test_labels_of_any_size_have_the_entanglement_of_ones(scale):
    table = [[0, 0], [0, 0], [1, 1]]
    shares = np.array([0.8, 0.2])
    for embedding in ("one-hot", "vectors"):
        given = np.eye(2)[table] if embedding == "vectors" else table
        found = tr.DataTensor(given, [scale, scale, -scale], embedding=embedding).entanglement()
        assert found == pytest.approx(-float(shares @ np.log(shares)))


def test_vectors_are_taken_as_they_are():
    rng = np.random.default_rng(1)
    given = rng.integers(-2, 3, (3, 4, 2))
    data = tr.DataTensor(given, [1, 2, -1], embedding="vectors")
    dense = sum(y * reduce(np.multiply.outer, one) for y, one in zip([1, 2, -1], given, strict=True))
    np.testing.assert_array_equal(data.to_network().contract(), dense)
    assert data.shape == (2, 2, 2, 2)
    assert tr.separation_rank(data, "interleaved").value == np.linalg.matrix_rank(dense.transpose(0, 2, 1, 3).reshape(4, 4))


def test_a_variable_of_one_value_adds_no_dimension_to_the_bound():
    data = tr.DataTensor([[5, a, b] for a in range(3) for b in range(9) if (a + b) % 2], embedding="moments")
    assert data.architecture().rank_bound(Bipartition((0,), (1, 2))) == 1
    assert data.architecture().rank_bound(Bipartition((0, 1), (2,))) == 2


def test_fractions_stay_exact():
    thirds = [[Fraction(1, 3), Fraction(1, 3)], [Fraction(2, 3), Fraction(2, 3)], [Fraction(1), Fraction(1)]]
    # The entries of (1, x)(1, x)^T are 1, x and x^2, of which only the last has a second difference.
    assert tr.separation_rank(tr.DataTensor(thirds, [1, -2, 1], embedding="moments")).value == 1


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        ([[1, 2], [3]], {}, "lists of unequal lengths were given as the samples; expected rows of equal length"),
        ([[0, float("nan")]], {}, r"the entry \(0, 1\) of the samples is nan; expected finite numbers"),
        ([[0, None]], {}, "an entry of the samples is None; expected real numbers"),
        ([["a", "b"]], {}, "an entry of the samples is 'a'; expected real numbers"),
        ("digits.npy", {}, "samples"),
        ([0, 1, 2], {}, r"the samples have the shape \(3,\); expected \(samples, variables\) with at least one sample"),
        (np.zeros((0, 3)), {}, r"the samples have the shape \(0, 3\); expected"),
        ([[1], [2]], {}, r"the samples have the shape \(2, 1\); expected .* two variables"),
        (np.zeros((2, 3, 2)), {}, 'samples that are vectors already go with embedding="vectors"'),
        ([[0.5, 1]], {}, r"the entry \(0, 0\) of the samples is 0.5; expected whole numbers below 2\^53, for categories"),
        ([[2**70, 1]], {}, r"the entry \(0, 0\) of the samples is 1.18.*; expected whole numbers below"),
        ([[0.5, 16]], {"embedding": "angle"}, "the samples are numbers from 0.5 to 16.0; expected numbers from 0 to 1"),
        ([[0, 1]], {"embedding": "onehot"}, "embedding is 'onehot'"),
        ([[0, 1]], {"labels": [1, 1]}, r"the labels have the shape \(2,\); expected \(1,\), a number for each sample"),
        ([[0, 1]], {"labels": ["cat"]}, "an entry of the labels is 'cat'; expected real numbers"),
        ([[0, 1]], {"labels": 1}, r"the labels have the shape \(\); expected \(1,\)"),
    ],
)
def test_what_is_no_table_or_has_no_labels_that_fit_is_refused_in_words(samples, options, message):
    with pytest.raises(TensorRankError, match=message):
        tr.DataTensor(samples, **options)


def test_a_cut_that_does_not_fit_and_too_little_memory_are_refused():
    data = tr.DataTensor(np.random.default_rng(0).random((300, 20)), embedding="angle")
    with pytest.raises(PartitionError, match="the model has sites 0 to 19"):
        data.entanglement([20])
    with pytest.raises(TensorRankError, match="300 different patterns on side A and 300 on side B would take about"):
        data.entanglement(memory="1MB")
    with pytest.raises(TensorRankError, match="300 patterns on side A with 300 on side B, which samples connect, would take"):
        tr.DataTensor([[k, (k + shift) % 300] for k in range(300) for shift in (0, 1)]).spectrum(memory="1MB")
    # Samples that share no pattern are blocks of their own.
    assert tr.DataTensor(np.arange(4000).reshape(2000, 2)).spectrum(memory="1MB").value == 2000
    with pytest.raises(TensorRankError, match=r"the order is \[0, 0\]; expected each variable from 0 to 19 once"):
        data.permuted([0, 0])


def test_equal_data_are_equal_and_print_their_sizes():
    first, second = (tr.DataTensor(table, [1, -1]) for table in ([[0, 1], [1, 0]], np.array([[0.0, 1], [1, 0]])))
    assert first == second
    assert hash(first) == hash(second)
    assert repr(first) == "DataTensor(2 samples of 2 variables, one-hot)"
    assert first != tr.DataTensor([[0, 1], [1, 0]])

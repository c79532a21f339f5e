"""Networks of complex entries: dense in floats, exact at primes that are 1 modulo 4, against FLINT's real forms."""

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.networks.inner_product import log_inner_product
from tensorrank.networks.tensor_train import TensorTrain


def gaussian(rng, *shape, most=3):
    """Random Gaussian integers, as complex floats."""
    return rng.integers(-most, most + 1, (*shape, 2)) @ np.array([1, 1j])


def complex_rank(matrix):
    """The rank over the complex numbers: half of the real form's, by FLINT."""
    real = np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
    return flint.fmpz_mat([[int(x) for x in row] for row in real]).rank() // 2


def chain(rng, bonds, sizes=(3, 4, 3, 3)):
    cores = [gaussian(rng, a, k, b) for a, k, b in zip((1, *bonds), sizes, (*bonds, 1), strict=True)]
    return TensorTrain(cores).to_network()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.tuples(*[st.integers(1, 3)] * 3))
def test_ranks_are_those_of_the_dense_matrix(seed, bonds):
    network = chain(np.random.default_rng(seed), bonds)
    for cut in ("halves", "interleaved", [1]):
        rank = tr.separation_rank(network, cut)
        assert rank.value == complex_rank(network.unfold(cut))
        assert all(prime % 4 == 1 for prime in rank.primes)
        assert rank.standing in ("exact", "probable")


def test_the_rank_is_that_over_the_complex_numbers():
    """Its real and its imaginary part have rank 2, and it is a product of two vectors."""
    matrix = np.outer([1, 1j], [1, 1j])
    network = tr.TensorNetwork((tr.Tensor("m", ("i", "j"), matrix),), ("i", "j"))
    rank = tr.separation_rank(network)
    assert (rank.value, rank.standing) == (1, "probable")
    assert 0 < rank.failure_probability < 1e-6
    assert tr.rational_rank(matrix).value == tr.rank_mod_p(matrix, 13) == 1
    assert (tr.rational_rank(matrix.real).value, tr.rational_rank(matrix.imag).value) == (2, 2)


def test_contraction_in_floats_and_over_a_field_is_that_of_numpy():
    rng = np.random.default_rng(0)
    network = chain(rng, (2, 3, 2))
    cores = [tensor.array for tensor in network.tensors]
    expected = np.einsum("iab,bjc,ckd,dl->ijkl" if cores[0].ndim == 3 else "ib,bjc,ckd,dl->ijkl", *cores)
    np.testing.assert_array_equal(network.contract(), expected)
    field = PrimeField(1048573)
    np.testing.assert_array_equal(network.contract(field), field.image(expected))
    rows, columns = [np.eye(3)[:2], np.eye(4)[:2]], [gaussian(rng, 2, 3), gaussian(rng, 2, 3)]
    grid = np.einsum("ijkl,ri,rj,ck,cl->rc", expected, *rows, *columns)
    np.testing.assert_allclose(network.grid("halves", rows, columns), grid, rtol=1e-12)
    np.testing.assert_array_equal(network.grid("halves", rows, columns, field), field.image(grid))


def test_a_real_tensor_beside_a_complex_one():
    pair = (tr.Tensor("a", ("i", "k"), [[1, 2], [3, 4]]), tr.Tensor("b", ("k", "j"), [[1j, 0], [1, 2 - 1j]]))
    network = tr.TensorNetwork(pair, ("i", "j"))
    np.testing.assert_array_equal(network.contract(), np.array([[1, 2], [3, 4]]) @ np.array([[1j, 0], [1, 2 - 1j]]))
    assert (tr.separation_rank(network).value, tr.separation_rank(network).standing) == (2, "exact")


def test_formats_hold_complex_entries():
    rng = np.random.default_rng(1)
    factors = [gaussian(rng, 4, 2) for _ in range(3)]
    dense = np.einsum("ir,jr,kr->ijk", *factors)
    np.testing.assert_array_equal(CanonicalPolyadic([1, 1], factors).to_network().contract(), dense)


def test_rounded_complex_floats_are_told_from_the_rank_that_rounding_gives():
    rng = np.random.default_rng(2)
    left, right = (rng.normal(size=(2, *size)) for size in ((30, 3), (3, 30)))
    noisy = (left[0] + 1j * left[1]) @ (right[0] + 1j * right[1])
    rank = tr.separation_rank(tr.TensorNetwork((tr.Tensor("m", ("i", "j"), noisy),), ("i", "j")))
    assert rank.value > 3
    assert rank.numerical.value == 3


def test_primes_without_a_square_root_of_minus_one_are_refused():
    network = tr.TensorNetwork((tr.Tensor("m", ("i", "j"), [[1j, 2], [0, 1]]),), ("i", "j"))
    with pytest.raises(PrimeError, match="tensor 'm': -1 has no square root modulo 103, and complex entries need one"):
        tr.separation_rank(network, primes=[103])
    assert tr.separation_rank(network, primes=[101]).standing == "exact"
    with pytest.raises(TensorRankError, match="tensor 'm' has complex entries; expected none"):
        log_inner_product(network, network)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 7), st.integers(1, 7), st.integers(0, 3))
def test_ranks_of_complex_matrices(seed, rows, columns, inner):
    rng = np.random.default_rng(seed)
    matrix = gaussian(rng, rows, inner, most=2) @ gaussian(rng, inner, columns, most=2)
    expected = complex_rank(matrix)
    found = tr.rational_rank(matrix)
    assert (found.value, found.standing) == (expected, "exact")
    assert tr.rank_mod_p(matrix, 1048573) <= expected
    import scipy.sparse

    assert tr.rational_rank(scipy.sparse.coo_array(matrix)).value == expected
    assert tr.rank_mod_p(scipy.sparse.coo_array(matrix), 1048573) == tr.rank_mod_p(matrix, 1048573)


def test_complex_floats_that_are_not_whole_have_no_exact_matrix_rank():
    for rank in (tr.rational_rank, lambda matrix: tr.rank_mod_p(matrix, 13)):
        with pytest.raises(TensorRankError, match=r"a matrix with the entry -?0\.5 was given; expected a matrix of wh"):
            rank(np.array([[1, 0.5j]]))

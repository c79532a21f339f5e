from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError, TensorRankError

PRIMES = [2, 3, 101, 8388593, 2**24 - 3, 2**26 - 5, 2**31 - 1]
INNER_SIZES = [0, 1, 5, 300, 1500]


def exact_product(left, right, prime):
    """By Python's whole numbers, contracting the last axis of `left` with numpy.matmul's axis of `right`."""
    a, b = np.asarray(left), np.asarray(right)
    shape = np.matmul(np.zeros(a.shape), np.zeros(b.shape)).shape
    if a.shape[-1] == 0:
        return np.zeros(shape, dtype=object)
    return np.asarray(np.matmul(a.astype(object), b.astype(object)) % prime, dtype=object).reshape(shape)


def assert_same_product(field, left, right):
    product = field.matmul(left, right)
    expected = exact_product(left, right, field.prime)
    assert product.shape == expected.shape
    assert product.dtype == np.int64
    assert (product.astype(object) == expected).all()


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("inner", INNER_SIZES)
def test_matmul_equals_the_product_of_python_integers(prime, inner):
    rng = np.random.default_rng([prime, inner])
    field = PrimeField(prime)
    left = rng.integers(0, prime, (4, inner))
    right = rng.integers(0, prime, (inner, 3))
    assert_same_product(field, left, right)
    assert_same_product(field, left - prime, right + 5 * prime)


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("inner", INNER_SIZES)
@pytest.mark.parametrize("half", [True, False], ids=["largest balanced", "minus one"])
def test_matmul_is_exact_when_every_entry_is_extreme(prime, inner, half):
    entry = (prime - 1) // 2 if half else prime - 1
    field = PrimeField(prime)
    left, right = np.full((2, inner), entry), np.full((inner, 3), entry)
    assert_same_product(field, left, right)
    assert_same_product(field, left, -right)


@pytest.mark.parametrize("prime", PRIMES)
def test_matmul_is_exact_for_inner_sizes_around_every_reduction(prime):
    field = PrimeField(prime)
    entry = (prime - 1) // 2
    for inner in {field.terms - 1, field.terms, field.terms + 1, 2 * field.terms, 2 * field.terms + 1}:
        inner = min(inner, 40_000)
        expected = inner * entry * entry % prime
        assert field.matmul(np.full((1, inner), entry), np.full((inner, 1), entry)).tolist() == [[expected]]
        assert field.matmul(np.full(inner, -entry), np.full(inner, entry)) == -expected % prime


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize(
    ("left_shape", "right_shape"),
    [
        ((300,), (300,)),
        ((300,), (300, 2)),
        ((3, 300), (300,)),
        ((2, 3, 300), (300, 2)),
        ((3, 300), (2, 300, 4)),
        ((2, 3, 300), (2, 300, 4)),
        ((2, 1, 3, 300), (5, 300, 2)),
        ((300,), (2, 300, 3)),
        ((2, 3, 300), (300,)),
        ((0, 300), (300, 2)),
        ((0, 3, 5), (0, 5, 2)),
    ],
)
def test_matmul_follows_the_shapes_of_numpy_matmul(prime, left_shape, right_shape):
    rng = np.random.default_rng(prime)
    field = PrimeField(prime)
    assert_same_product(field, rng.integers(0, prime, left_shape), rng.integers(0, prime, right_shape))


def test_matmul_takes_whole_numbers_of_any_size():
    field = PrimeField(2**31 - 1)
    left = np.array([[10**40, -(3**70)], [2**64, 1]], dtype=object)
    right = np.array([[7**50], [-(10**30)]], dtype=object)
    assert_same_product(field, left, right)


def test_matmul_does_not_change_its_operands():
    left, right = np.arange(6).reshape(2, 3), np.arange(-3, 3).reshape(3, 2)
    copies = left.copy(), right.copy()
    PrimeField(5).matmul(left, right)
    assert (left == copies[0]).all()
    assert (right == copies[1]).all()


@pytest.mark.parametrize("prime", PRIMES)
def test_inverse_is_python_s_modular_inverse(prime):
    rng = np.random.default_rng(1)
    residues = rng.integers(1, prime, (4, 25))
    inverses = PrimeField(prime).inverse(residues)
    assert inverses.tolist() == [[pow(x, -1, prime) for x in row] for row in residues.tolist()]
    ends = [1, prime - 1, prime + 1, -1]
    assert PrimeField(prime).inverse(ends).tolist() == [pow(x, -1, prime) for x in ends]


@pytest.mark.parametrize("entries", [[1, 0], [7], [[1, 2], [3, -14]]])
def test_zero_has_no_inverse(entries):
    with pytest.raises(PrimeError, match=r"divisible by 7 has no inverse in GF\(7\)"):
        PrimeField(7).inverse(entries)


@pytest.mark.parametrize("prime", PRIMES)
def test_reduce_takes_every_integer_type(prime):
    field = PrimeField(prime)
    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64):
        info = np.iinfo(dtype)
        array = np.array([[info.min, info.max, 1, 0]], dtype=dtype)
        assert field.reduce(array).tolist() == [[int(x) % prime for x in (info.min, info.max, 1, 0)]]
    assert field.reduce([True, False]).tolist() == [1, 0]


@pytest.mark.parametrize("prime", PRIMES)
def test_reduce_takes_python_integers_of_any_size(prime):
    values = [2**63, 2**64 - 1, -(2**63) - 1, 10**50, -(10**50), 0, -1]
    assert PrimeField(prime).reduce(values).tolist() == [x % prime for x in values]


def test_reduce_takes_numpy_integers_inside_object_arrays():
    values = np.array([np.uint8(200), np.int8(-3), np.int64(2**40), 2**70], dtype=object)
    assert PrimeField(8388593).reduce(values).tolist() == [int(x) % 8388593 for x in values]


def test_reduce_of_an_empty_array_keeps_its_shape():
    assert PrimeField(5).reduce(np.zeros((3, 0))).shape == (3, 0)
    assert PrimeField(5).reduce([]).dtype == np.int64


@pytest.mark.parametrize("junk", ["text", None, 1.5, Fraction(1, 2), 1j])
def test_reduce_refuses_object_arrays_with_junk_and_names_it(junk):
    with pytest.raises(TensorRankError, match=r"entry .* where whole numbers are expected"):
        PrimeField(5).reduce(np.array([1, junk], dtype=object))


@pytest.mark.parametrize("array", [[1.0, 2.0], [1j], ["a"]])
def test_reduce_refuses_arrays_that_hold_no_integers(array):
    with pytest.raises(TensorRankError, match="where whole numbers are expected"):
        PrimeField(5).reduce(array)


@pytest.mark.parametrize("prime", PRIMES)
def test_balanced_residues_are_the_representatives_nearest_to_zero(prime):
    rng = np.random.default_rng(2)
    values = [*rng.integers(0, prime, 50).tolist(), 0, 1, prime // 2, prime // 2 + 1, prime - 1, -1, 10**30]
    balanced = PrimeField(prime).balanced(values)
    assert balanced.dtype == np.float64
    for value, residue in zip(values, balanced.tolist(), strict=True):
        assert residue == int(residue)
        assert (int(residue) - value) % prime == 0
        assert -prime < 2 * residue <= prime


def exact_image(value, prime):
    fraction = Fraction(value)
    return fraction.numerator * pow(fraction.denominator, -1, prime) % prime


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8))
@settings(deadline=None, max_examples=60)
def test_the_image_of_a_float_is_that_of_the_fraction_it_stores(values):
    for prime in (3, 8388593, 2**31 - 1):
        assert PrimeField(prime).image(values).tolist() == [exact_image(x, prime) for x in values]


@pytest.mark.parametrize("width", [16, 32, 64])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_the_image_of_an_array_of_floats_is_that_of_the_fractions_it_stores(width, data):
    values = data.draw(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=width), max_size=8))
    array = np.array(values, dtype=f"float{width}")
    assert array.tolist() == values
    for prime in (3, 8388593, 2**31 - 1):
        image = PrimeField(prime).image(array)
        assert image.dtype == np.int64
        assert image.tolist() == [exact_image(x, prime) for x in values]


@pytest.mark.parametrize("prime", [3, 101, 8388593, 2**31 - 1])
def test_the_image_of_the_most_extreme_floats_is_exact(prime):
    limits = [np.finfo(kind) for kind in (np.float16, np.float32, np.float64)]
    ends = [float(x) for info in limits for x in (info.max, info.tiny, info.smallest_subnormal, info.eps)]
    values = [*ends, 1e308, 3e-320, 2.0**53 - 1, 2.0**53, 1 - 2.0**-53, 0.0, 1.0]
    array = np.array([values, [-x for x in values]])
    expected = [[exact_image(x, prime) for x in row] for row in array.tolist()]
    assert PrimeField(prime).image(array).tolist() == expected
    assert PrimeField(prime).image(array.T).T.tolist() == expected
    assert PrimeField(prime).image(array.tolist()).tolist() == expected
    assert PrimeField(prime).image([list(row) for row in array]).tolist() == expected
    assert PrimeField(prime).image(array.astype(array.dtype.newbyteorder())).tolist() == expected


def test_the_image_of_one_float_has_no_dimension_and_that_of_none_keeps_its_shape():
    for value in (0.5, np.float32(0.5), np.array(0.5), np.array(0.5, dtype=object)):
        image = PrimeField(7).image(value)
        assert (image.shape, image.dtype, int(image)) == ((), np.int64, 4)
    assert PrimeField(7).image(np.zeros((0, 2), dtype=np.float32)).shape == (0, 2)


@given(st.lists(st.fractions(max_denominator=100), max_size=8))
@settings(deadline=None, max_examples=60)
def test_the_image_of_fractions_is_exact(values):
    assert PrimeField(8388593).image(values).tolist() == [exact_image(x, 8388593) for x in values]


@given(st.lists(st.integers(), max_size=8))
@settings(deadline=None, max_examples=60)
def test_the_image_of_whole_numbers_is_their_residue(values):
    assert PrimeField(101).image(np.array(values, dtype=object)).tolist() == [x % 101 for x in values]


def test_the_image_keeps_the_shape_and_takes_mixed_entries():
    values = np.array([[1, 0.1, Fraction(1, 3)], [-(10**40), np.float32(0.1), 2.0**-1074]], dtype=object)
    image = PrimeField(2**31 - 1).image(values)
    expected = [
        [exact_image(x if not isinstance(x, np.floating) else float(x), 2**31 - 1) for x in row] for row in values.tolist()
    ]
    assert image.tolist() == expected
    assert PrimeField(5).image(np.zeros((2, 0))).shape == (2, 0)


def test_the_image_takes_numpy_integers_beside_fractions():
    values = [np.int64(3), Fraction(1, 2), np.uint8(200)]
    assert PrimeField(101).image(values).tolist() == [3, exact_image(Fraction(1, 2), 101), 200 % 101]


@pytest.mark.parametrize("values", [[2**64 - 1, 1], [2**63 + 1, -1], [2**60 + 1, 0.5]])
def test_lists_of_numbers_are_not_rounded_on_the_way_in(values):
    assert PrimeField(101).image(values).tolist() == [exact_image(x, 101) for x in values]


def test_lists_of_whole_numbers_beyond_int64_are_reduced():
    assert PrimeField(101).reduce([2**64 - 1, -1]).tolist() == [(2**64 - 1) % 101, 100]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_image_takes_every_float_type(dtype):
    values = np.array([0.1, -2.5, 3.0, 0.0], dtype=dtype)
    expected = [exact_image(Fraction(*x.as_integer_ratio()), 101) for x in values]
    assert PrimeField(101).image(values).tolist() == expected


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_the_image_refuses_numbers_that_are_not_finite(bad):
    for array in ([1.0, bad], np.array([1, bad], dtype=object), np.array([bad], dtype=np.float32)):
        with pytest.raises(TensorRankError, match=r"entry is -?(nan|inf); expected finite"):
            PrimeField(101).image(array)


@pytest.mark.parametrize("junk", ["text", None, 1j])
def test_the_image_refuses_entries_that_are_no_rational_numbers(junk):
    with pytest.raises(TensorRankError, match="expected a whole number, fraction or float"):
        PrimeField(101).image(np.array([1, junk], dtype=object))


def test_the_image_refuses_texts():
    with pytest.raises(TensorRankError, match="expected whole numbers, fractions or floats"):
        PrimeField(101).image(np.array(["a"]))


@pytest.mark.parametrize("prime", [2, 5, 13, 101, 1048573, 2147483629])
def test_the_image_of_complex_floats_is_a_homomorphism(prime):
    """The image of a sum is the sum of the images, of a product their product: Gaussian integers to GF(p)."""
    rng, field = np.random.default_rng(prime), PrimeField(prime)
    assert field.imaginary_unit**2 % prime == prime - 1
    one, other = ([1, 1j] @ rng.integers(-50, 50, (2, 20)) for _ in range(2))
    np.testing.assert_array_equal(field.image(one + other), (field.image(one) + field.image(other)) % prime)
    np.testing.assert_array_equal(field.image(one * other), field.image(one) * field.image(other) % prime)
    np.testing.assert_array_equal(field.image(one.real.astype(complex)), field.image(one.real))
    if prime > 2:
        np.testing.assert_array_equal(field.image(one / 4) * 4 % prime, field.image(one))


def test_complex_entries_need_a_square_root_of_minus_one():
    with pytest.raises(PrimeError, match=r"-1 has no square root modulo 103, .* a prime that is 1 modulo 4: try 101"):
        PrimeField(103).image([1j])
    with pytest.raises(PrimeError, match="try 5"):
        PrimeField(3).image([1j])
    with pytest.raises(TensorRankError, match="expected finite numbers"):
        PrimeField(5).image([complex(0, np.inf)])


def test_the_image_refuses_a_denominator_divisible_by_the_prime():
    with pytest.raises(PrimeError, match="denominator divisible by 7; choose another prime"):
        PrimeField(7).image([Fraction(1, 14)])
    halves = ([4.0, 0.5, 0.25], np.array([[4.0], [0.5]]), np.array([0.5], dtype=np.float16), [1, 0.5, Fraction(1, 3)])
    for values in halves:
        with pytest.raises(PrimeError, match=r"^the entry 0\.5 has a denominator divisible by 2; choose another prime"):
            PrimeField(2).image(values)
    whole = [3.0, 4.0, -0.0, -1.0, -2.0, 1e308, 2.0**53 - 1]
    assert PrimeField(2).image(whole).tolist() == PrimeField(2).image(np.array(whole)).tolist()
    assert PrimeField(2).image(whole).tolist() == [exact_image(x, 2) for x in whole]


@pytest.mark.parametrize(("number", "suggested"), [(4, 3), (9, 7), (2**31 - 3, 2147483629), (561, 557), (8388607, 8388593)])
def test_a_composite_modulus_is_refused_with_a_prime_to_try(number, suggested):
    with pytest.raises(PrimeError, match=f"{number} is not a prime; try {suggested}$"):
        PrimeField(number)


@pytest.mark.parametrize("number", [1, 0, -7, 2**31, 2**61 - 1])
def test_a_modulus_out_of_range_is_refused(number):
    with pytest.raises(PrimeError, match=rf"modulus is {number}; expected a prime between 2 and {2**31 - 1}"):
        PrimeField(number)


@pytest.mark.parametrize("modulus", [7.0, "7", None, True, Fraction(7)])
def test_a_modulus_that_is_no_whole_number_is_refused(modulus):
    with pytest.raises(PrimeError, match="expected a whole number that is prime"):
        PrimeField(modulus)


def test_a_numpy_integer_is_a_modulus():
    assert PrimeField(np.int32(101)) == PrimeField(101)


def test_random_residues_are_reproducible_and_in_range():
    field = PrimeField(5)
    residues = field.random((100, 3), np.random.default_rng(0))
    assert residues.shape == (100, 3)
    assert set(residues.flat) == {0, 1, 2, 3, 4}
    assert (residues == field.random((100, 3), np.random.default_rng(0))).all()

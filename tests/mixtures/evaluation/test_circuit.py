from fractions import Fraction

import numpy as np
import pytest

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Sums

HALF = Fraction(1, 2)
# Two coins, thrown by one of two hands: slots 0, 1 and 2, 3 are coins, 4 and 5 pairs, 6 the sum over hands.
FIRST, SECOND = (
    np.array([[HALF, HALF], [Fraction(1, 3), Fraction(2, 3)]]),
    np.array([[Fraction(1, 5), Fraction(4, 5)], [HALF, HALF]]),
)
HANDS = np.array([[Fraction(1, 4), Fraction(3, 4)]])


def pair(*tables):
    first, second, hands = tables
    return Circuit((Leaves(0, first), Leaves(1, second), Products(np.array([[0, 3], [1, 2]])), Sums(hands, np.array([5, 4]))))


EXACT = pair(FIRST, SECOND, HANDS)
FLOATS = pair(*(table.astype(float) for table in (FIRST, SECOND, HANDS)))
INPUTS = [np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0, 1], [1, 0], [1, 1]])]


def expected():
    """Weight 1/4 for coin 1 with coin 2 (slot 5), 3/4 for slot 4, at x = (0, 1), (1, 0) and summed out."""
    slot_4 = [HALF * HALF, HALF * HALF, Fraction(1)]
    slot_5 = [Fraction(1, 3) * Fraction(4, 5), Fraction(2, 3) * Fraction(1, 5), Fraction(1)]
    return [Fraction(1, 4) * b + Fraction(3, 4) * a for a, b in zip(slot_4, slot_5, strict=True)]


def test_slots_are_numbered_through():
    assert EXACT.starts == (0, 2, 4, 6, 7)
    assert EXACT.slots == 7


def test_neighbours_are_slices():
    first, second = EXACT.parts[2]
    assert first == slice(0, 2)
    np.testing.assert_array_equal(second, [3, 2])
    np.testing.assert_array_equal(EXACT.parts[3][0], [5, 4])


def test_values_are_exact_or_floats():
    exact_inputs = [array.astype(object) * Fraction(1) for array in INPUTS]
    assert EXACT.over_fractions
    assert not FLOATS.over_fractions
    assert EXACT.values(exact_inputs).tolist() == expected()
    for circuit in (EXACT, FLOATS):
        found = circuit.values([array.astype(float) for array in INPUTS])
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, np.array(expected(), dtype=float), rtol=1e-15)


@pytest.mark.parametrize("prime", [8388593, 2147483629])
def test_residues_are_images_of_the_exact_values(prime):
    field = PrimeField(prime)
    found = EXACT.residues([array.astype(np.int64) for array in INPUTS], field)
    assert found.tolist() == [x.numerator * pow(x.denominator, -1, prime) % prime for x in expected()]


def test_residues_of_floats_are_those_of_the_fractions_they_are():
    prime = 8388593
    tables = [table.astype(float) for table in (FIRST, SECOND, HANDS)]
    # As exact fractions, by the same sums.
    exact = pair(*(np.vectorize(Fraction, otypes=[object])(table) for table in tables))
    values = exact.values([array.astype(object) * Fraction(1) for array in INPUTS])
    found = pair(*tables).residues([array.astype(np.int64) for array in INPUTS], PrimeField(prime))
    assert found.tolist() == [x.numerator * pow(x.denominator, -1, prime) % prime for x in values]


def test_primes_that_divide_a_denominator():
    with pytest.raises(PrimeError, match="5"):
        EXACT.residues([array.astype(np.int64) for array in INPUTS], PrimeField(5))


def test_shared_tables_are_mapped_once():
    circuit = Circuit((Leaves(0, FIRST), Leaves(1, FIRST), Products(np.array([[0, 2]]))))
    assert circuit.float_tables[0] is circuit.float_tables[1]
    assert circuit.float_tables[2].size == 0

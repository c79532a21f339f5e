import numpy as np
import pytest
from engines_tried import engine, pairs, set_tilings

from tensorrank.arithmetic.elimination import engines, products
from tensorrank.arithmetic.elimination.engines import Doubles, Part
from tensorrank.arithmetic.elimination.products import Products
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads

# 23726561 is the largest prime that does not split; (p - 1) / 2 is odd for 8388587, so that sums of its squares fill
# every bit.
PRIMES = [2, 3, 101, 127, 251, 509, 16253, 8388587, 8388593, 23726561, 2**26 - 5, 2**31 - 1]


def residues(rng, shape, prime):
    half = prime // 2
    return rng.integers(-half + (prime == 2), half + 1, shape).astype(np.int32)


def extreme(rng, shape, prime):
    """Entries of the largest size, of either sign."""
    return ((prime - 1) // 2 * rng.choice([-1, 1], shape)).astype(np.int32)


def difference(target, left, right, prime):
    return (target.astype(object) - left.astype(object) @ right.astype(object)) % prime


def assert_balanced(matrix, prime):
    # x - p * rint(x / p) may leave (p + 1) / 2 where x / p is close to a half.
    assert (np.abs(matrix.astype(np.int64)) <= prime // 2 + 1).all()


@pytest.fixture
def small_pieces(monkeypatch):
    """Tiles, pieces and Strassen's algorithm at sizes that whole numbers of Python can check."""
    set_tilings(monkeypatch, strassen=6, columns=7, rows=5, entries=24, terms=4, shared=1.0)
    monkeypatch.setattr(products, "_LARGEST", 40)


@pytest.mark.parametrize(("prime", "name"), pairs(PRIMES))
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(
    "shape", [(6, 6, 6), (7, 9, 11), (12, 24, 48), (13, 27, 50), (49, 50, 51), (5, 90, 90), (90, 5, 9), (95, 51, 40)]
)
@pytest.mark.usefixtures("small_pieces")
def test_products_taken_apart_as_strassen_did_are_exact(prime, name, threads, shape):
    rng = np.random.default_rng([prime, *shape])
    rows, terms, columns = shape
    for draw in (residues, extreme):
        matrix, left, right = (draw(rng, size, prime) for size in ((rows, columns), (rows, terms), (terms, columns)))
        expected = difference(matrix, left, right, prime)
        with worker_threads(threads) as pool:
            Products(engine(prime, name), pool).subtract(Part.whole(matrix), Part.whole(left), Part.whole(right))
        assert (matrix.astype(object) % prime == expected).all()
        assert_balanced(matrix, prime)


@pytest.mark.usefixtures("small_pieces")
def test_strassen_takes_seven_products_for_eight(monkeypatch):
    taken = []
    by_tiles = Products._add_by_tiles
    monkeypatch.setattr(Products, "_add_by_tiles", lambda self, *parts: taken.append(parts[1:]) or by_tiles(self, *parts))
    left, right = np.ones((12, 12), dtype=np.int32), np.ones((12, 12), dtype=np.int32)
    with worker_threads(1) as pool:
        Products(Doubles(PrimeField(101)), pool).subtract(
            Part.whole(np.zeros((12, 12), dtype=np.int32)), Part.whole(left), Part.whole(right)
        )
    multiplied = [a.rows * a.columns * b.columns for a, b in taken if a.rows and a.columns and b.columns]
    # 12 -> 6 -> 3: two levels.
    assert multiplied == [27] * 49


@pytest.mark.parametrize(("prime", "name"), pairs(PRIMES))
def test_products_longer_than_a_float_can_sum_are_exact(prime, name):
    rng = np.random.default_rng(prime)
    terms = 2 * PrimeField(prime).terms + 3 if prime > 10**6 else 1500
    left, right = extreme(rng, (9, terms), prime), extreme(rng, (terms, 11), prime)
    right[:, :4] = left[:4].T  # sums of squares: as large as they can be
    matrix = extreme(rng, (9, 11), prime)
    expected = difference(matrix, left, right, prime)
    with worker_threads(1) as pool:
        Products(engine(prime, name), pool).subtract(Part.whole(matrix), Part.whole(left), Part.whole(right))
    assert (matrix.astype(object) % prime == expected).all()


@pytest.mark.parametrize(("prime", "name"), [pair for pair in pairs(PRIMES) if pair.values[1] != "bytes"])
def test_no_sum_in_floating_point_can_reach_what_it_cannot_hold(monkeypatch, prime, name):
    largest = []

    def noted(left, right, out):
        sums = np.abs(left).astype(object) @ np.abs(right).astype(object)
        # What it is added to is reduced, or a scaled reduced half; that sum is made in float64.
        largest.append(int(sums.max()) + 2 * (prime // 2 + 1) * (name == "float64"))
        return np.dot(left, right, out=out)

    monkeypatch.setattr(engines.np, "matmul", noted)
    set_tilings(monkeypatch, terms=2**20, strassen=2**20)
    by = engine(prime, name)
    terms, holds = by.terms + 5, 2**53 if name == "float64" else 2**24
    rng = np.random.default_rng(prime)
    for entry in {(prime - 1) // 2, prime // 3, 2**15 - 1, 3 * 2**14 - 1, 2**30 - 2**14}:
        entry = min(entry, prime // 2)
        left = entry * rng.choice([-1, 1], (3, terms))
        right = (prime - 1) // 2 * np.sign(left[:1].T) * np.ones((1, 2), dtype=int)
        matrix = np.zeros((3, 2), dtype=np.int32)
        expected = difference(matrix, left, right, prime)
        with worker_threads(1) as pool:
            Products(by, pool).subtract(
                Part.whole(matrix), Part.whole(left.astype(np.int32)), Part.whole(right.astype(np.int32))
            )
        assert (matrix.astype(object) % prime == expected).all()
    assert max(largest) <= holds
    if prime > (2**23 - 100 if name == "float64" else 256):
        # The room is used: four times the terms would not fit in it.
        assert max(largest) > holds / 4


@pytest.mark.parametrize(("prime", "name"), pairs(PRIMES))
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.usefixtures("small_pieces")
def test_small_factors_multiply_from_either_side_in_place(prime, name, threads):
    rng = np.random.default_rng(prime)
    factor = extreme(rng, (4, 4), prime)
    matrix = residues(rng, (30, 33), prime)
    before = matrix.astype(object)
    with worker_threads(threads) as pool:
        by = Products(engine(prime, name), pool)
        by.multiply_left(factor, Part(matrix, 3, 5, 4, 20))
        expected = before.copy()
        expected[3:7, 5:25] = factor.astype(object) @ before[3:7, 5:25] % prime
        assert (matrix.astype(object) % prime == expected % prime).all()
        # Source and target overlap.
        by.multiply_right(Part(matrix, 10, 9, 17, 4), factor, Part(matrix, 10, 7, 17, 4))
        expected[10:27, 7:11] = before[10:27, 9:13] @ factor.astype(object) % prime
        assert (matrix.astype(object) % prime == expected % prime).all()


def test_nothing_outside_the_target_changes():
    rng = np.random.default_rng(4)
    matrix = residues(rng, (40, 50), 101)
    before = matrix.copy()
    with worker_threads(2) as pool:
        Products(Doubles(PrimeField(101)), pool).subtract(
            Part(matrix, 20, 30, 10, 15), Part(matrix, 20, 2, 10, 8), Part(matrix, 3, 30, 8, 15)
        )
    expected = before.copy()
    expected[20:30, 30:45] = difference(before[20:30, 30:45], before[20:30, 2:10], before[3:11, 30:45], 101)
    assert (matrix % 101 == expected % 101).all()
    changed = matrix != before
    changed[20:30, 30:45] = False
    assert not changed.any()


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0)])
def test_empty_products_change_nothing(shape):
    rows, terms, columns = shape
    matrix = np.ones((rows, columns), dtype=np.int32)
    left, right = np.ones((rows, terms), dtype=np.int32), np.ones((terms, columns), dtype=np.int32)
    with worker_threads(2) as pool:
        Products(Doubles(PrimeField(101)), pool).subtract(Part.whole(matrix), Part.whole(left), Part.whole(right))
    assert (matrix == 1).all()

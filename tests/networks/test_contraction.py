import itertools

import numpy as np
import pytest

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.networks import contraction
from tensorrank.networks.contraction import Operand, contracted, einsum

FIELDS = [PrimeField(2), PrimeField(3), PrimeField(8388593), PrimeField(2147483629)]

# Matched legs first, last and in between, none at all, several summed, an outer product, a scalar.
PAIRS = [
    "bi,bi->b",
    "ib,ibj->jb",
    "bij,bjk->ikb",
    "ab,ac->abc",
    "a,b->ba",
    "abij,jbi->ab",
    "rak,ck->rca",
    "xayb,ybz->xzab",
    ",ab->ba",
    "ij,jk->ik",
]


@pytest.fixture(params=["planes", "products", "chosen"])
def form(request, monkeypatch):
    if request.param != "chosen":
        monkeypatch.setattr(contraction, "_planes_are_faster", lambda *counts: request.param == "planes")


def whole_numbers(rng, subscripts, sizes, prime):
    return [rng.integers(0, prime, [sizes[leg] for leg in legs]) for legs in subscripts.split("->")[0].split(",")]


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("subscripts", PAIRS)
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_pairs_agree_with_einsum_in_whole_numbers(subscripts, field):
    rng = np.random.default_rng(5)
    sizes = dict(zip("abcijkrxyz", rng.integers(1, 5, 10), strict=True))
    arrays = whole_numbers(rng, subscripts, sizes, field.prime)
    expected = np.einsum(subscripts, *(a.astype(object) for a in arrays)) % field.prime
    found = einsum(subscripts, *(Operand.of(a, field) for a in arrays)).result()
    np.testing.assert_array_equal(found, expected.astype(np.int64))
    floats = [a / field.prime for a in arrays]
    np.testing.assert_allclose(
        einsum(subscripts, *(Operand.of(a, None) for a in floats)).result(), np.einsum(subscripts, *floats), atol=1e-12
    )


@pytest.mark.parametrize("field", FIELDS, ids=str)
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_of_the_largest_residues_stay_exact_for_every_length(field, sign):
    half = field.prime // 2
    for inner in (1, field.terms - 1, field.terms, field.terms + 1, 3 * field.terms + 2):
        left, right = np.full((2, inner), half), np.full((inner, 3), sign * half)
        found = einsum("ij,jk->ik", Operand.of(left, field), Operand.of(right, field)).result()
        np.testing.assert_array_equal(found, np.full((2, 3), sign * half * half * inner % field.prime))


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_planes_of_the_largest_residues_stay_exact_up_to_the_most_that_are_taken(field, monkeypatch):
    monkeypatch.setattr(contraction, "_planes_are_faster", lambda *counts: True)
    inner, half = contraction._MOST_PLANES, field.prime // 2
    ones = np.full((inner, 4), half)
    found = einsum("kb,kb->b", Operand.of(ones, field), Operand.of(-ones, field)).result()
    np.testing.assert_array_equal(found, np.full(4, -half * half * inner % field.prime))


def test_planes_are_never_taken_for_sums_beyond_what_every_field_holds():
    for inner, rows, columns in itertools.product((65, 1000), (1, 300), (1, 300)):
        assert not contraction._planes_are_faster(10**6, inner, rows, columns)


def test_a_long_sum_of_one_operand_is_exact():
    field = PrimeField(2147483629)
    values = np.full((1000, 2), field.prime // 2)
    np.testing.assert_array_equal(
        einsum("ij->j", Operand.of(values, field)).result(), np.full(2, 1000 * (field.prime // 2) % field.prime)
    )


def test_one_or_two_operands_are_contracted_by_the_names_of_their_legs():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5, 2))
    pair = [Operand.of(a, None), Operand.of(b, None)]
    found = contracted(pair, [("left", "near", "bond"), ("bond", "far", "left")], ("far", "near"))
    np.testing.assert_allclose(found.values, np.tensordot(a, b, ((0, 2), (2, 0))).T)
    one = contracted(pair[:1], [("left", "near", "bond")], ("bond", "left", "near"))
    np.testing.assert_array_equal(one.values, a.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([[complex("nan")]], "infinite or not a number"),
        ([10**400], "an entry has no float64 value"),
        ([float("nan")], "infinite or not a number"),
        (["one"], "an array of <U3"),
    ],
)
def test_entries_that_are_no_numbers(entries, message):
    with pytest.raises(TensorRankError, match=message):
        Operand.of(entries, None)

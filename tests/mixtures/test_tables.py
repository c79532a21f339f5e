import random
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.tables import (
    check_total,
    distributions,
    free_parameters,
    holds_fractions,
    nonnegative,
    random_distributions,
)

AXES = ["row", "column"]
THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    "given",
    [
        [["1/3", "2/3"], [0, 1]],
        [[THIRD, 1 - THIRD], [0, 1]],
        np.array([[THIRD, 1 - THIRD], [Fraction(0), Fraction(1)]]),
        [["1/3", Fraction(2, 3)], ["0", "1.0"]],
    ],
)
def test_fractions_whole_numbers_and_texts_are_exact(given):
    table = distributions(given, "the table", AXES)
    assert holds_fractions(table)
    assert table.tolist() == [[THIRD, 1 - THIRD], [0, 1]]
    assert all(isinstance(entry, Fraction) for entry in table.flat)


@pytest.mark.parametrize("given", [[[0.25, 0.75]], [["1/4", 0.75]], np.array([[0.25, 0.75]], dtype=np.float32)])
def test_any_float_makes_floats(given):
    table = distributions(given, "the table", AXES)
    assert table.dtype == np.float64
    assert table.tolist() == [[0.25, 0.75]]


def test_tables_are_copies_that_nobody_changes():
    given = np.array([[0.5, 0.5]])
    table = distributions(given, "the table", AXES)
    given[0, 0] = 9
    assert table[0, 0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1
    assert distributions(table, "the table", AXES) is table


def test_floats_are_kept_as_given():
    given = np.array([[0.5 + 3e-7, 0.5]])
    np.testing.assert_array_equal(distributions(given, "the table", AXES), given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[0.5, 0.5], [1.5, -0.5]], "the table is -0.5 at row 1, column 1; expected nonnegative"),
        ([["3/2", "-1/2"]], "the table is -1/2 at row 0, column 1; expected nonnegative"),
        ([[float("nan"), 1]], "the table is nan at row 0, column 0; expected finite"),
        ([[float("inf"), 1]], "the table is inf at row 0, column 0; expected finite"),
        ([[0.5, 0.4]], "the table sums to 0.9 at row 0 over column; expected 1, within 1e-06"),
        ([[1, 0], ["1/2", "1/3"]], r"the table sums to 5/6 at row 1 over column; expected 1$"),
        ([0.5, 0.5], r"the table has the shape \(2,\); expected \(row, column\)"),
        (np.zeros((0, 2)), r"the table has the shape \(0, 2\); expected \(row, column\), none of them empty"),
        ([["half", "1/2"]], "the table contains 'half'; expected whole numbers, fractions or floats"),
        ([["1/0", 1]], "the table contains '1/0'"),
        ([[None, 1]], "the table contains None"),
        (np.array([[True, False]]), "the table holds entries of type bool"),
        (np.array([[1j, 0]]), "the table holds entries of type complex128"),
    ],
)
def test_what_is_no_table_of_distributions(given, message):
    with pytest.raises(TensorRankError, match=message):
        distributions(given, "the table", AXES)


def test_sums_of_fractions_are_exact():
    near = [[Fraction(1, 2), Fraction(1, 2) + Fraction(1, 10**12)]]
    with pytest.raises(TensorRankError, match="sums to 1000000000001/1000000000000"):
        distributions(near, "the table", AXES)
    assert not holds_fractions(distributions(np.array(near, dtype=float), "the table", AXES))


def test_nonnegative_tables_need_no_sums():
    assert nonnegative([[2, 3]], "the table", AXES).tolist() == [[2, 3]]


@pytest.mark.parametrize("total", [Fraction(1), 1.0, 1 + 9e-7])
def test_totals_of_one(total):
    check_total(total, "the model")


@pytest.mark.parametrize("total", [Fraction(2, 3), Fraction(1) + Fraction(1, 10**9), 1.1, 0.0, float("nan")])
def test_totals_of_something_else(total):
    with pytest.raises(TensorRankError, match=r"the model sums to .* over all values; expected 1"):
        check_total(total, "the model")


def test_free_parameters():
    assert free_parameters([np.ones((3, 4)), np.ones((2, 2, 5))]) == 3 * 3 + 2 * 2 * 4


@pytest.mark.parametrize("exact", [False, True])
def test_random_distributions(exact):
    table = random_distributions((3, 2, 4), np.random.default_rng(0), fractions=exact)
    assert holds_fractions(table) == exact
    sums = table.sum(axis=-1)
    assert (sums == 1).all() if exact else np.allclose(sums, 1, atol=1e-15)
    assert (table > 0).all()


def test_long_fractions_are_summed_over_their_common_denominator():
    # Of a telescoping sum: 1/q^k + (q - 1)/q^k + (q - 1)/q^(k-1) + ... + (q - 1)/q = 1.
    q, k = 3**2000, 6
    row = [Fraction(1, q**k), *(Fraction(q - 1, q**power) for power in range(1, k + 1))]
    assert distributions(row, "the row", ["value"]).shape == (k + 1,)
    row[0] = Fraction(2, q**k)
    with pytest.raises(TensorRankError, match="the row sums to a fraction of some"):
        distributions(row, "the row", ["value"])


def test_long_fractions_without_a_common_denominator_are_refused_at_once():
    rng = random.Random(0)
    row = [Fraction(rng.getrandbits(60_000), rng.getrandbits(60_010) | 1) for _ in range(1000)]
    with pytest.raises(TensorRankError, match=r"the row sums to [0-9.]+ over value; expected 1"):
        distributions(row, "the row", ["value"])
    shares = [Fraction(part.denominator // 1000, part.denominator) for part in row]
    with pytest.raises(TensorRankError, match="the row has fractions whose common denominator is longer than 262144 bits"):
        distributions(shares, "the row", ["value"])


def test_sums_beyond_the_floats_are_refused_without_a_warning():
    with pytest.raises(TensorRankError, match="the weights sums to inf over class; expected 1"):
        distributions([1e308, 1e308], "the weights", ["class"])
    leaf = Leaf(0, [[1e308, 1e308]] * 2)
    with pytest.raises(TensorRankError, match=r"the model sums to (inf|nan) over all values; expected 1"):
        Hierarchical([leaf, Transfer((0,), [[0, 1e308]])])


@pytest.mark.parametrize("entry", ["1e999999999", "1e-1_00_000", Decimal("1e999999999"), Decimal("-Infinity"), Decimal("NaN")])
def test_numbers_that_would_fill_the_memory_are_refused_at_once(entry):
    with pytest.raises(TensorRankError, match=r"the weights contains .*; expected whole numbers, fractions or floats"):
        nonnegative([entry, 0], "the weights", ["class"])


def test_texts_of_any_number_of_digits_are_fractions():
    text = "9" * 5000
    assert nonnegative([f"1/{text}"], "the weights", ["class"])[0].denominator == 10**5000 - 1
    with pytest.raises(TensorRankError, match="the weights sums to a fraction of some 5000 digits over class"):
        distributions([text], "the weights", ["class"])


@pytest.mark.parametrize("fractions", [True, False])
def test_random_tables_beyond_memory_are_refused(fractions):
    with pytest.raises(TensorRankError, match=r"a table of the shape \(1000000, 1000000\) would take about"):
        random_distributions((10**6, 10**6), np.random.default_rng(0), fractions=fractions)


def test_frames_of_pandas_are_tables():
    pandas = pytest.importorskip("pandas")
    states, symbols = ["rain", "sun"], ["wet", "dry", "hot"]
    transition = pandas.DataFrame([[0.75, 0.25], [0.5, 0.5]], states, states)
    emission = pandas.DataFrame([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], states, symbols)
    found = HiddenMarkov(pandas.Series([0.5, 0.5], states), transition, emission, 3)
    plain = HiddenMarkov([0.5, 0.5], transition.to_numpy(), emission.to_numpy(), 3)
    data = pandas.DataFrame([[0, 1, 2], [1, 1, 0]], columns=["monday", "tuesday", "wednesday"])
    np.testing.assert_array_equal(found.log_density(data), plain.log_density(data.to_numpy()))
    exact = LatentClass(pandas.Series(["1/2", "1/2"]), [pandas.DataFrame([[Fraction(1, 3), Fraction(2, 3)], [1, 0]])] * 2)
    assert exact.probability([[0, 0]]).tolist() == [Fraction(5, 9)]
    edges = [("z", "x", emission), ("z", "y", transition)]
    tree = LatentTree("z", pandas.Series([0.5, 0.5]), edges)
    np.testing.assert_allclose(tree.marginal([0]), [0.25, 0.5, 0.25])
    wide = pandas.DataFrame([[0.25, 0.75]], dtype="Float64")
    np.testing.assert_allclose(LatentClass([1], [wide]).marginal([0]), [0.25, 0.75])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda frame: frame.mask(frame == 0.25),
            "the transition table is nan at state 0, next state 1; expected finite numbers",
        ),
        (
            lambda frame: frame.astype("Float64").mask(frame == 0.25),
            "the transition table contains <NA>; expected whole numbers",
        ),
        (
            lambda frame: frame.astype(str) + "x",
            "the transition table contains '0.75x'; expected whole numbers, fractions or fl",
        ),
        (
            lambda frame: frame[["sun", "rain"]],
            "the rows of the transition table are labelled 'rain', 'sun' and its columns 'sun', 'rain'; expected one order",
        ),
    ],
)
def test_frames_with_missing_entries_or_columns_in_another_order_are_no_tables(change, message):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[0.75, 0.25], [0.5, 0.5]], ["rain", "sun"], ["rain", "sun"])
    with pytest.raises(TensorRankError, match=re.escape(message)):
        HiddenMarkov([0.5, 0.5], change(frame), np.eye(2), 3)

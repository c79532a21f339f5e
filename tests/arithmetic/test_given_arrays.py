import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

from tensorrank.arithmetic.given_arrays import as_array, as_floats, as_given, with_masks
from tensorrank.errors import TensorRankError

SELF = []
SELF.append(SELF)
# 61 lists, and 2^60 entries.
MANY = [0.5]
for _ in range(60):
    MANY = [MANY, MANY]


class Ungiving:
    """A tensor as torch has them, which gives no array while its gradient is asked for."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach first")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[1, 2], [3]], "lists of unequal lengths were given as the table; expected rows of equal length"),
        ([[1, 2], 3], "lists of unequal lengths were given as the table; expected rows of equal length"),
        (SELF, "lists nested more than 64 deep were given as the table"),
        (MANY, "entries, given as the table, would take about"),
        (None, "an object of the type NoneType was given as the table; expected numbers in an array"),
        ({"a": 1}, "an object of the type dict was given as the table"),
        ({1, 2}, "or in lists of equal length: try list(...) of it"),
        ((one for one in [1]), "an object of the type generator was given as the table"),
        (map(int, "12"), "an object of the type map was given as the table"),
        (scipy.sparse.eye(2), "or in lists of equal length: try its toarray()"),
        (Ungiving(), "an object of the type Ungiving that makes no array (call detach first) was given as the table"),
        (range(10**14), "range(0, 100000000000000), given as the table, would take about 728 TiB"),
        (np.broadcast_to(0.5, (10**7, 10**7)), "an array of the shape (10000000, 10000000), given as the table, would take"),
        (np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), "an array with 1 masked entry was given as the table"),
        (list(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [1, 0]])), "an array with 2 masked entries was given as the table"),
        ([[1, np.ma.masked], [3, 4]], "expected every entry, for nothing can be missing there: fill the entries"),
        (np.ma.masked, "an array with 1 masked entry was given as the table"),
    ],
)
def test_what_makes_no_array_is_refused_in_words(given, message):
    for read in (as_array, as_given):
        with pytest.raises(TensorRankError, match=re.escape(message)):
            read(given, "the table")


def test_a_masked_array_without_masked_entries_is_an_array():
    found = as_array(np.ma.array([[1, 2]], mask=[[False, False]]))
    assert type(found) is np.ndarray
    assert found.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "given",
    [
        [np.ma.array([1, 2], mask=[0, 1]), np.ma.array([3, 4])],
        (np.ma.array([1, 2], mask=[0, 1]), [3, 4]),
        [[1, np.ma.masked], [3, 4]],
        np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]),
    ],
)
def test_masks_are_found_at_any_depth_of_lists(given):
    found = with_masks(given)
    assert np.ma.getmaskarray(found).tolist() == [[False, True], [False, False]]
    assert found.data[~found.mask].tolist() == [1, 3, 4]


def test_entries_that_are_all_masked_are_found():
    assert np.ma.getmaskarray(with_masks([[np.ma.masked] * 2] * 3)).tolist() == [[True, True]] * 3


def test_whatever_has_an_array_to_give_is_accepted():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [0.5, 0.25]})
    assert as_array(frame).tolist() == [[1, 0.5], [2, 0.25]]
    assert as_given(frame["a"]).tolist() == [1, 2]
    assert as_array([frame["a"], frame["b"]]).tolist() == [[1, 2], [0.5, 0.25]]
    assert as_array(range(3)).tolist() == [0, 1, 2]


def test_whole_numbers_beside_floats_are_not_rounded():
    assert as_given([2**60 + 1, 0.5]).tolist() == [2**60 + 1, 0.5]


@pytest.mark.parametrize("values", [[[1, 2]], [[True, 2.0]], np.array([[Fraction(1), 2]], dtype=object), [[Decimal(1), 2]]])
def test_real_numbers_of_every_type_become_floats(values):
    assert as_floats(values).dtype == np.float64
    assert as_floats(values).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1j], "an entry of the inputs is 1j; expected real numbers"),
        ("auto", "an entry of the inputs is 'auto'; expected real numbers"),
        ([object], "expected real numbers"),
        ([[1], [1, 2]], "lists of unequal lengths were given as the inputs"),
        ([[range(10**13)] * 2], "what was given as the inputs does not fit in memory"),
        (np.broadcast_to(np.int8(0), 10**14), "given as the inputs, would take about 90.9 TiB"),
    ],
)
def test_what_makes_no_floats_is_refused(given, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        as_floats(given, "the inputs")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[0, np.nan]], "the entry (0, 1) of the inputs is nan; expected finite numbers"),
        (np.float32(-np.inf), "the entry () of the inputs is -inf; expected finite numbers"),
        ([10**400], "the entry (0,) of the inputs is inf; expected finite numbers"),
        ([Fraction(1), Decimal("NaN")], "the entry (1,) of the inputs is nan; expected finite numbers"),
        ([True, False], "an entry of the inputs is True; expected real numbers"),
        (np.array([1, True], dtype=object), "an entry of the inputs is True; expected real numbers"),
        (np.array([1, "2"], dtype=object), "an entry of the inputs is '2'; expected real numbers"),
    ],
)
def test_what_is_no_finite_number_is_refused_where_finite_numbers_are_expected(given, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        as_floats(given, "the inputs", finite=True)

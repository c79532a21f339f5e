"""Tables of pairs of states, against Kronecker products."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.mixtures.squared.pairs import Pairs, as_fractions, pair_table, pairs_count


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_a_table_of_pairs_maps_symmetric_matrices_as_the_table_does(above, below, equal_above, equal_below, seed):
    rng = np.random.default_rng(seed)
    table = as_fractions(rng.integers(-9, 10, (above, below)).astype(float))
    parent, child = Pairs.of(above, equal=equal_above), Pairs.of(below, equal=equal_below)
    matrix = rng.integers(-9, 10, (below, below)).astype(object)
    matrix = np.diag(matrix.diagonal()) if equal_below else matrix + matrix.T
    expected = table @ matrix @ table.T
    found = pair_table(table, parent, child) @ matrix[child.first, child.second]
    assert (found == expected[parent.first, parent.second]).all()
    assert len(child.first) == pairs_count(below, equal=equal_below)


def test_floats_are_the_fractions_that_they_store():
    found = pair_table(np.array([[0.1]]), Pairs.of(1, equal=True), Pairs.of(1, equal=True))
    assert found[0, 0] == Fraction(0.1) ** 2 != pytest.approx(0)

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.tasks.residue_sets import check_modulus, has_triple, number_of_sets, reflected, residue_sets


def members(one):
    return {u for u in range(62) if one >> u & 1}


@pytest.mark.parametrize(("modulus", "tokens"), [(1, 1), (1, 3), (2, 1), (4, 2), (5, 5), (5, 9), (7, 3), (62, 2)])
def test_sets_are_those_that_tokens_can_hold(modulus, tokens):
    found = [frozenset(members(one)) for one in residue_sets(modulus, tokens).tolist()]
    expected = {frozenset(s) for size in range(1, tokens + 1) for s in combinations(range(modulus), size)}
    assert len(found) == len(set(found)) == number_of_sets(modulus, tokens)
    assert set(found) == expected
    if modulus**tokens < 10**4:
        assert expected == {frozenset(word) for word in product(range(modulus), repeat=tokens)}


def test_without_tokens_there_is_the_empty_set():
    assert (residue_sets(5, 0).tolist(), number_of_sets(5, 0)) == ([0], 1)


@given(st.integers(1, 62), st.integers(-100, 100), st.lists(st.integers(0, 2**62 - 1), min_size=1, max_size=4))
def test_reflections_are_the_definition(modulus, total, words):
    sets = np.array(words) & ((1 << modulus) - 1)
    found = reflected(sets, total, modulus)
    expected = [{(total - u) % modulus for u in members(one)} for one in sets.tolist()]
    assert [members(one) for one in found.tolist()] == expected
    assert (reflected(found, total, modulus) == sets).all()


@pytest.mark.parametrize("modulus", [1, 2, 3, 4, 5])
def test_triples_are_the_definition(modulus):
    sets = np.arange(2**modulus)
    for value in range(modulus):
        found = has_triple(value, sets, sets, modulus)
        for row, column in product(sets.tolist(), repeat=2):
            held = members(row) | members(column) | {value}
            assert found[row, column] == any((value + u + w) % modulus == 0 for u in held for w in held)


def test_the_largest_modulus_fits_a_word():
    check_modulus(62)
    with pytest.raises(TensorRankError, match="the modulus is 63; communication matrices are made for moduli to 62"):
        check_modulus(63)
    far = np.array([1 << 61])
    assert has_triple(1, far, np.array([1 << 60]), 62).tolist() == [[True]]  # 1 + 61 + 0 is not, 1 + 1 + 60 is
    assert has_triple(1, far, far, 62).tolist() == [[False]]

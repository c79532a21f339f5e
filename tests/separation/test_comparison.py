"""Results for one question: which contradict each other, and which tells more."""

from itertools import pairwise

import pytest
from studies.stored_ranks import rank_of

from tensorrank.separation.comparison import contradict, worth

EXACT = rank_of(18, 18)
PROBABLE, BOUND, OPEN = (rank_of(17, 18, "probable"), rank_of(12, 18, "lower bound"), rank_of(12, None, "lower bound"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (EXACT, rank_of(17, 17)),
        (EXACT, rank_of(19, 20, "probable")),
        (EXACT, rank_of(19, None, "lower bound")),
        (BOUND, rank_of(19, None, "probable")),
    ],
)
def test_what_is_certified_beyond_a_proven_bound_contradicts_it(one, other):
    assert contradict(one, other)
    assert contradict(other, one)


@pytest.mark.parametrize("other", [EXACT, PROBABLE, BOUND, OPEN, rank_of(18, None, "lower bound")])
def test_ranks_below_an_exact_one_do_not_contradict_it(other):
    assert not contradict(EXACT, other)
    assert not contradict(other, EXACT)


def test_an_exact_rank_tells_more_than_a_probable_one_and_that_more_than_bounds():
    in_order = [OPEN, PROBABLE, rank_of(18, None, "lower bound"), rank_of(18, 20, "probable"), EXACT]
    assert all(worth(less) < worth(more) for less, more in pairwise(in_order))

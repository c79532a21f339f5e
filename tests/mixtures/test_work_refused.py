"""Work and memory are checked before they are taken: what no machine could do is refused at once, in words."""

import re
import time
from decimal import Decimal
from fractions import Fraction
from itertools import count, repeat

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.fitting.chow_liu import chow_liu_tree
from tensorrank.mixtures.fitting.structures import balanced_parents
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import SumProduct, perfect_matchings
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

CHAIN = HiddenMarkov.random(2, 2, 3, 0)
ROWS = [[0, 1, 0], [1, 1, 0]] * 3
COIN = [[0.5, 0.5], [0.25, 0.75]]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: HiddenMarkov.random(10**30, 2, 3, 0), "the tables of 10"),
        (lambda: HiddenMarkov.random(10**6, 2, 3, 0), "the tables of 1000000 states and 2 symbols would take about 29.1 TiB"),
        (lambda: HiddenMarkov.random(2, 10**12, 3, 0), "2 states and 1000000000000 symbols would take about 58.2 TiB"),
        (lambda: HiddenMarkov.random(2, 2, 10**12, 0), "length is 1000000000000; expected a whole number from 1 to 1000000"),
        (lambda: HiddenMarkov.random(2000, 2, 10**6, 0, homogeneous=False), "the tables of 2000 states and 2 symbols would"),
        (lambda: HiddenMarkov([0.5, 0.5], COIN, COIN, 10**12), "the length is 1000000000000; expected at most 1000000 steps"),
        (lambda: LatentClass.random([2, 2], 10**30, 0), "classes would not fit any memory"),
        (lambda: LatentClass.random([2, 10**13], 2, 0), "the tables of 2 classes would take"),
        (lambda: LatentTree.random([0, 0], 10**30, 2, 0), "the tables of 2 edges would not fit any memory"),
        (lambda: TensorialMixture.random(10**30, 2, 2, 0), "expected a whole number from 1 to 20"),
        (lambda: TensorialMixture.random(20, 10**4, 2, 0), "states and 2 symbols on 20 levels would take"),
        (lambda: TensorialMixture([0.5, 0.5], [COIN] * 50), "50 levels were given, over 2^50 variables; expected at most 20"),
        (lambda: Hierarchical.random([2] * 4, 10**6, 0), "the tables of rank 1000000 of 4 variables would take"),
        (lambda: SumProduct.random(10**9, 2, 0), "a network of 1000000000 variables with 2 sums a region would take"),
        (lambda: SumProduct.random(4, 2, 0, sums=10**30), "sums a region would not fit any memory"),
        (lambda: SumProduct.perfect_matchings(6, 2, 0, rank=10**12), "variables and rank 1000000000000 would take"),
        (lambda: perfect_matchings(10**12, 0), "perfect matchings of 1000000000000 sites would take"),
        (lambda: balanced_parents(10**12), "a tree of 1000000000000 variables would take"),
        (lambda: CHAIN.sample(10**15), "1000000000000000 rows would take about 8.73e+04 TiB"),
        (lambda: CHAIN.sample(10**30), "rows would not fit any memory"),
        (lambda: CHAIN.marginal(range(10**12)), "the variables range(0, 1000000000000) were given; expected a list of them"),
        (lambda: CHAIN.marginal(count()), "were given; expected a list of them, such as [0, 1]"),
        (lambda: CHAIN.marginal_network(repeat(0)), "were given; expected a list of them, such as [0, 1]"),
        (lambda: HiddenMarkov.fit(ROWS, 10**30), "6 rows of 3 variables were given for 1"),
        (lambda: HiddenMarkov.fit(ROWS, restarts=10**30), "expected a whole number from 1 to 1000000"),
        (lambda: HiddenMarkov.fit(ROWS, iterations=10**30, tolerance=0), "beside a tolerance of 0, with which all of them are"),
        (lambda: HiddenMarkov.fit(ROWS, pseudocount=1e300), "pseudocount is 1e+300; expected at most 1e+100"),
        (lambda: HiddenMarkov.fit(ROWS, variance_floor=1e300), "variance_floor is 1e+300; expected at most 1e+100"),
        (lambda: HiddenMarkov.fit(ROWS, variance_floor=5e-324), "variance_floor is 4.94066e-324; expected at least 1e-100"),
        (lambda: HiddenMarkov.fit(ROWS, progress=1), "progress is 1; expected a function of 3 arguments, True or False"),
        (lambda: HiddenMarkov.fit(ROWS, weights=[1e308] * 6), "the weights sum to inf; expected 1e-100 to 1e+100: try another"),
        (lambda: HiddenMarkov.fit(ROWS, weights=[5e-324] * 6), "the weights sum to 2.96439e-323; expected 1e-100 to 1e+100"),
        (lambda: HiddenMarkov.fit(ROWS, weights=[1e-70] + [1] * 5), "the weights reach from 1e-70 to 1; expected none below"),
        (lambda: SumProduct.perfect_matchings(10**6, 2, 0, rank=50), "a network of 1000000 variables and rank 50 would take"),
        (lambda: LatentClass.fit([[10**11, 0], [0, 0]], 1), "1 states and 100000000001 values would take"),
        (lambda: LatentClass.fit([[2**62, 0], [0, 0]], 1), "a table of 1 states and 4611686018427387905 values would take"),
        (lambda: LatentClass.fit(ROWS, symbols=10**30), "values would not fit any memory"),
        (lambda: LatentClass.fit(np.full((2, 2), 0.5), 2, components=10**30), "for 2 rows; expected at most as many"),
        (lambda: chow_liu_tree(ROWS, symbols=10**9), "a table of 1000000000 and 1000000000 values would take"),
    ],
)
def test_it_is_refused_at_once(ask, message):
    started = time.perf_counter()
    with pytest.raises(TensorRankError, match=re.escape(message)):
        ask()
    assert time.perf_counter() - started < 10


def test_many_iterations_end_when_nothing_is_gained():
    assert LatentClass.fit_report(ROWS, iterations=10**30).converged


@pytest.mark.parametrize("pseudocount", [1e30, 10**30, Decimal("1e30"), Fraction(10**30)])
def test_a_large_pseudocount_makes_tables_uniform(pseudocount):
    fit = LatentClass.fit(ROWS, pseudocount=pseudocount)
    np.testing.assert_allclose(fit.components[:2], np.full((2, 2, 2), 0.5), rtol=1e-12)
    np.testing.assert_array_equal(fit.components[2], [[1], [1]])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: reduce(HiddenMarkov.random(3, 3, 64, 0), "latent_class", limit=10**30),
            "a latent_class of 357632896448405313 entries would take about 1.04e+07 TiB",
        ),
        (lambda: reduce(SumProduct.random(16, 2, 0), "hierarchical", limit=10**30), "a smaller limit, to be told what a small"),
        (lambda: approximate(CHAIN, 10**30, "plain"), "steps keep would not fit any memory; the memory limit is"),
        (lambda: approximate(CHAIN, 10**12, atoms="products"), "what 1000000000000 steps keep would"),
        (lambda: approximate(CHAIN, 10**15, "sampling"), "what 1000000000000000 steps keep would"),
        (lambda: approximate(CHAIN, 2, progress=1), "progress is 1; expected a function of 3 arguments, True or False or None"),
    ],
)
def test_reductions_and_approximations_are_refused_at_once(ask, message):
    started = time.perf_counter()
    with pytest.raises(TensorRankError, match=re.escape(message)):
        ask()
    assert time.perf_counter() - started < 10


def test_corrective_steps_end_with_the_entries_however_many_are_allowed():
    assert len(approximate(CHAIN, 10**30).steps) == 8

from fractions import Fraction
from math import prod

import numpy as np
import pytest

from tensorrank.arithmetic.primes import LARGE_PRIMES, PrimeRange
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.reductions import field_comparison
from tensorrank.mixtures.reductions.equality import check_reduction
from tensorrank.mixtures.reductions.float_comparison import FLOAT_TOLERANCE
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import LeafNode, SumProduct


def classes(entry, *, exact=False):
    half = Fraction(1, 2) if exact else 0.5
    return LatentClass([half, half], [[[entry, 1 - entry], [half, half]], [[half, half], [entry, 1 - entry]]])


def test_equal_models_in_another_order_of_classes():
    one = LatentClass([0.25, 0.75], [[[1.0, 0.0], [0.5, 0.5]]] * 2)
    other = LatentClass([0.75, 0.25], [[[0.5, 0.5], [1.0, 0.0]]] * 2)
    report = check_reduction(one, other)
    assert (report.equal, report.over_fields) == (True, True)


def test_a_difference_is_found_exactly():
    report = check_reduction(classes(0.25), classes(0.375))
    assert (report.equal, report.identical, report.over_fields, report.tolerance) == (False, False, True, None)
    assert "NOT equal: as stored they are different, which GF(" in str(report)
    assert "and beyond rounding: logarithms of values differ by" in str(report)
    # log(0.375 / 0.25) is the difference at (0, 0), if only the first class is there; no larger one exists.
    assert FLOAT_TOLERANCE < report.largest_difference <= np.log(1.5) + 1e-9


def test_rounding_is_equal_only_within_a_tolerance():
    report = check_reduction(classes(0.3), classes(0.3 * (1 + 1e-15)))
    assert (report.equal, report.identical, report.over_fields) == (True, False, False)
    assert report.tolerance == FLOAT_TOLERANCE
    # The entry 0.3 changed by a few parts in 10^16.
    assert 0 < report.largest_difference < 1e-14
    assert report.failure_probability is None
    text = str(report)
    assert "equal within rounding (logarithms of values differ by" in text
    assert "within the tolerance of 1e-09; compared at" in text
    assert f"as stored they are different, which GF({report.primes[-1]}) proves" in text
    plain = report.to_dict()
    assert (plain["identical"], plain["compared"]) == (False, report.compared)


def test_fractions_get_no_tolerance():
    tiny = Fraction(1, 10**20)
    report = check_reduction(classes(Fraction(3, 10), exact=True), classes(Fraction(3, 10) + tiny, exact=True))
    assert (report.equal, report.over_fields, report.largest_difference, report.compared) == (False, True, None, None)
    assert "beyond rounding" not in str(report)


def same_states(weight):
    """Two variables that are both 0 with a probability, otherwise both 1."""
    return LatentClass([weight, 1 - weight], [[[1, 0], [0, 1]]] * 2)


def test_models_that_differ_by_a_multiple_of_the_largest_primes_are_not_equal():
    # Their probabilities of (0, 0) are 1/2 and 0.546.
    difference = Fraction((2**31 - 1) * 2147483629, 10**20)
    for seed in range(5):
        report = check_reduction(same_states(Fraction(1, 2)), same_states(Fraction(1, 2) + difference), seed=seed)
        assert (report.equal, report.identical) == (False, False)


def test_models_that_differ_by_multiples_of_random_primes_are_not_equal():
    # A single prime of 50 million passes as equal: of 300 pairs none, but with a chance below 2 * 300 / 5e7.
    primes = LARGE_PRIMES.draw(np.random.default_rng(0))
    for seed in range(300):
        multiple = Fraction(next(primes) * next(primes), 4**32)
        one, other = same_states(Fraction(1, 4)), same_states(Fraction(1, 4) + multiple / 2)
        assert not check_reduction(one, other, seed=seed).equal


def test_who_knows_the_seed_cannot_aim():
    # A difference that all primes of one comparison divide is another difference, which meets other primes.
    half = same_states(Fraction(1, 2))
    for seed in range(20):
        product = prod(check_reduction(half, half, seed=seed).primes)
        other = same_states(Fraction(1, 2) + Fraction(product, 2 ** (product.bit_length() + 2)))
        assert not check_reduction(half, other, seed=seed).equal


def test_the_failure_probability_grows_with_the_entries():
    short, long = (same_states(Fraction(1, 3**digits)) for digits in (1, 10**5))
    reports = [check_reduction(model, model.latent_tree()) for model in (short, long)]
    assert all(report.equal for report in reports)
    # log2(3^(10^5)) / 30 is 5283 primes of 5e7; more of them are drawn until an error is improbable all the same.
    assert len(reports[1].primes) > len(reports[0].primes) == 2
    assert all(0 < report.failure_probability < 2**-60 for report in reports)
    assert "wrong with probability at most" in str(reports[1])


def test_entries_too_large_for_any_bound_say_so(monkeypatch):
    # Three primes: every one of them may divide a number of more than 90 bits.
    monkeypatch.setattr(field_comparison, "LARGE_PRIMES", PrimeRange(2**30, 2**31, 3))
    model = same_states(Fraction(1, 10**30))
    report = check_reduction(model, model.latent_tree())
    assert (report.equal, report.failure_probability) == (True, None)
    assert "no bound on an error is known" in str(report)


def test_denominators_that_a_prime_divides(monkeypatch):
    # Of the 5 primes of 5 bits three divide the denominator.
    monkeypatch.setattr(field_comparison, "LARGE_PRIMES", PrimeRange(16, 32, 5))
    monkeypatch.setattr(field_comparison, "_MOST", 2)
    entry = Fraction(1, 17 * 19 * 23)
    report = check_reduction(classes(entry, exact=True), classes(entry, exact=True).latent_tree())
    assert report.equal
    assert set(report.primes) == {29, 31}


def test_other_densities_make_other_models():
    model = HiddenMarkov.random(2, 2, 3, seed=0)
    gaussian = HiddenMarkov(model.initial, model.transition, model.emission, 3, densities=Gaussians([0.0, 1.0], [1.0, 1.0]))
    assert not check_reduction(model, gaussian).equal
    assert check_reduction(gaussian, gaussian.latent_tree()).equal


def test_other_variables_are_refused():
    with pytest.raises(TensorRankError, match=r"variables of \(2, 2\) components are compared with .* \(2, 2, 2\)"):
        check_reduction(LatentClass.random([2] * 2, 2, seed=0), LatentClass.random([2] * 3, 2, seed=0))


def test_sizes_and_ratio():
    chain = HiddenMarkov.random(2, 3, 5, seed=0)
    network = reduce(chain, "sum_product")
    report = check_reduction(chain, network)
    # r + (N - 1) r^2 + N r k, and the edges of a network.
    assert report.size_before == 2 + 4 * 4 + 5 * 2 * 3
    assert report.size_after == network.edges
    assert report.ratio == network.edges / report.size_before
    assert report.bound == 2 * report.size_before


def test_many_variables_without_the_dense_table():
    chain = HiddenMarkov.random(4, 4, 256, seed=0)
    report = check_reduction(chain, reduce(chain, "sum_product"))
    assert (report.equal, report.over_fields) == (True, True)
    assert report.failure_probability < 2**-60


def test_a_report_as_plain_values():
    chain = HiddenMarkov.random(2, 2, 3, seed=0)
    plain = check_reduction(chain, chain.latent_tree()).to_dict()
    assert plain["equal"] is True
    assert isinstance(plain["primes"], list)
    assert {"equal", "over_fields", "size_before", "size_after", "ratio", "bound"} <= set(plain)


def test_the_seed_decides_the_vectors_only():
    chain = HiddenMarkov.random(2, 2, 3, seed=0)
    reports = [check_reduction(chain, chain.latent_tree(), seed=seed) for seed in (0, np.random.default_rng(5))]
    assert all(report.equal for report in reports)


def test_equal_components_are_one():
    # The same density: a mixture of two components that are the same normal distribution is one of them.
    same = Gaussians([0.0, 0.0], [1.0, 1.0])
    two = LatentClass([0.5, 0.5], [[[1, 0], [0, 1]]] * 2, densities=same)
    one = LatentClass([1], [[["3/10", "7/10"]]] * 2, densities=same)
    report = check_reduction(two, one)
    assert (report.equal, report.over_fields) == (True, True)


def test_parameters_in_another_shape_are_the_same():
    tables = [[0.5, 0.5], [[[0.25, 0.75], [0.5, 0.5]]] * 2]
    plain = LatentClass(*tables, densities=Gaussians([0.0, 1.0], [1.0, 2.0]))
    full = LatentClass(*tables, densities=Gaussians([[0.0], [1.0]], [[[1.0]], [[2.0]]]))
    assert check_reduction(plain, full).equal
    other = LatentClass(*tables, densities=Gaussians([0.0, 1.0], [1.0, 2.5]))
    assert not check_reduction(plain, other).equal


def test_a_value_that_is_possible_in_one_model_only():
    one = LatentClass([1.0], [[[1 - 1e-11, 1e-11]]])
    other = LatentClass([1.0], [[[1.0, 0.0]]])
    assert (one.log_density([[1]]) > -26).all()
    assert not check_reduction(one, other).equal


def test_a_small_difference_among_many_variables():
    coin, other = [[0.5, 0.5]], [[0.5000005, 0.4999995]]
    many = LatentClass([1.0], [coin] * 400)
    report = check_reduction(many, LatentClass([1.0], [coin] * 399 + [other]))
    assert (report.equal, report.failure_probability) == (False, None)


def test_a_network_without_edges():
    leaf = SumProduct({"x": LeafNode(0, [0.25, 0.75])}, "x")
    report = check_reduction(leaf, reduce(leaf, "latent_tree"))
    assert (report.equal, report.size_before, report.ratio) == (True, 0, None)
    assert "no ratio" in str(report)

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_class import LatentClass

NAN = float("nan")


def random_parameters(rng, shape, full):
    """Means of a shape and variances, or full covariance matrices, beside them."""
    means = rng.standard_normal(shape)
    if not full:
        return means, rng.uniform(0.2, 3, shape)
    factors = rng.standard_normal((*shape, shape[-1]))
    return means, factors @ np.swapaxes(factors, -1, -2) + 0.1 * np.eye(shape[-1])


def parameters_at(densities, site, component):
    """The mean and the full covariance matrix of one component, by the shapes alone."""
    means, covariances = densities.means, densities.covariances
    if means.ndim == 3:
        means, covariances = means[site], covariances[site]
    mean, covariance = np.atleast_1d(means[component]), np.atleast_1d(covariances[component])
    return mean, np.diag(covariance) if covariance.ndim == 1 else covariance


def marginal_log_density(densities, site, component, row):
    """By scipy, of the features that are not NaN."""
    mean, covariance = parameters_at(densities, site, component)
    present = np.flatnonzero(~np.isnan(row))
    if not len(present):
        return 0.0
    return multivariate_normal(mean[present], covariance[np.ix_(present, present)]).logpdf(row[present])


SHAPES = [((3,), False), ((3, 2), False), ((3, 2), True), ((2, 3, 4), False), ((2, 3, 4), True), ((2, 1, 1), True)]


@pytest.mark.parametrize(("shape", "full"), SHAPES)
def test_shapes_tell_what_is_shared_and_what_is_full(shape, full):
    densities = Gaussians(*random_parameters(np.random.default_rng(0), shape, full))
    assert densities.components == (shape[0] if len(shape) == 1 else shape[-2])
    assert densities.features == (1 if len(shape) == 1 else shape[-1])
    assert densities.sites == (shape[0] if len(shape) == 3 else None)
    assert densities.diagonal == (not full)


def test_equal_sizes_do_not_confuse_shapes():
    square = np.full((2, 2), 0.5) + np.eye(2)
    variances = Gaussians(np.zeros((2, 2)), square)
    assert (variances.diagonal, variances.sites) == (True, None)
    matrices = Gaussians(np.zeros((2, 2)), np.stack([square, square]))
    assert (matrices.diagonal, matrices.sites) == (False, None)
    by_site = Gaussians(np.zeros((2, 2, 2)), np.stack([square, square]))
    assert (by_site.diagonal, by_site.sites) == (True, 2)


@pytest.mark.parametrize(("shape", "full"), SHAPES)
@pytest.mark.parametrize("site", [0, 1])
def test_log_densities_are_scipys_with_every_pattern_of_missing_features(shape, full, site):
    rng = np.random.default_rng(1)
    densities = Gaussians(*random_parameters(rng, shape, full))
    features = densities.features
    missing = (np.arange(2**features)[:, None] >> np.arange(features)) % 2 == 1
    values = np.where(np.tile(missing, (3, 1)), NAN, 2 * rng.standard_normal((3 * 2**features, features)))
    rng.shuffle(values)
    expected = [
        [marginal_log_density(densities, site, component, row) for row in values] for component in range(densities.components)
    ]
    np.testing.assert_allclose(densities.log_densities(site, values), expected, rtol=1e-10, atol=1e-12)


def test_a_missing_feature_is_integrated_out():
    densities = Gaussians([[1.0, -1.0]], [[[2.0, 0.9], [0.9, 1.0]]])
    grid = np.linspace(-15, 15, 3001)
    joint = densities.log_densities(0, np.stack([np.full_like(grid, 0.3), grid], axis=1))[0]
    integral = np.exp(joint).sum() * (grid[1] - grid[0])
    marginal = densities.log_densities(0, [[0.3, NAN]])[0, 0]
    assert marginal == pytest.approx(norm(1, 2**0.5).logpdf(0.3), rel=1e-12)
    assert np.log(integral) == pytest.approx(marginal, rel=1e-9)


def test_all_missing_is_the_density_of_nothing():
    for densities in (Gaussians([0, 1], [1, 2]), Gaussians([[0]], [[[3]]])):
        assert (densities.log_densities(0, [[NAN], [NAN]]) == 0).all()


def test_values_of_one_feature_need_no_second_dimension():
    densities = Gaussians([[0.0], [2.0]], [[1.0], [4.0]])
    values = np.array([0.5, NAN, -3])
    np.testing.assert_array_equal(densities.log_densities(0, values), densities.log_densities(0, values[:, None]))
    np.testing.assert_allclose(densities.log_densities(7, [0.5])[:, 0], norm([0, 2], [1, 2]).logpdf(0.5), rtol=1e-12)


@pytest.mark.parametrize("full", [False, True])
def test_no_rows(full):
    densities = Gaussians(*random_parameters(np.random.default_rng(0), (3, 2), full))
    assert densities.log_densities(0, np.zeros((0, 2))).shape == (3, 0)
    assert densities.sample(0, [], np.random.default_rng(0)).shape == (0, 2)


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_scales_far_from_1(scale):
    mean, covariance = np.array([1.0, 2.0]), np.array([[2.0, 0.7], [0.7, 1.0]])
    values = np.array([[0.5, 1.5], [3.0, -1.0]])
    near = Gaussians(mean[None], covariance[None]).log_densities(0, values)
    far = Gaussians(scale * mean[None], scale**2 * covariance[None]).log_densities(0, scale * values)
    np.testing.assert_allclose(far, near - 2 * np.log(scale), rtol=1e-12)


@pytest.mark.parametrize("covariances", [[[1.0, 1.0]], [[[1.0, 0.5], [0.5, 1.0]]]])
def test_densities_too_small_for_floats_are_0(covariances):
    for means in ([[0, 0]], [[-1e308, 1e308]]):
        far = Gaussians(means, covariances).log_densities(0, [[1e200, 1e200], [1e308, -1e308]])
        assert (far == -np.inf).all()


@pytest.mark.parametrize(("shape", "full"), SHAPES)
def test_samples_have_the_moments_of_their_component(shape, full):
    rng = np.random.default_rng(3)
    densities = Gaussians(*random_parameters(rng, shape, full))
    chosen = rng.integers(0, densities.components, 60_000)
    for site in (0, 1):
        draws = densities.sample(site, chosen, np.random.default_rng(4))
        assert draws.shape == (len(chosen), densities.features)
        np.testing.assert_array_equal(draws, densities.sample(site, chosen.tolist(), np.random.default_rng(4)))
        for component in range(densities.components):
            mean, covariance = parameters_at(densities, site, component)
            mine = draws[chosen == component]
            spread = np.sqrt(np.diag(covariance))
            assert (np.abs(mine.mean(axis=0) - mean) < 0.05 * spread).all()
            assert (np.abs(np.cov(mine.T) - covariance) < 0.06 * np.outer(spread, spread)).all()


def test_rows_of_a_sample_are_in_the_order_of_the_components_given():
    chosen = np.array([2, 0, 1, 1, 0, 2], dtype=np.uint8)
    for covariances in (np.ones((3, 1)), np.ones((3, 1, 1))):
        draws = Gaussians([[0.0], [1e6], [2e6]], covariances).sample(0, chosen, np.random.default_rng(0))
        assert (np.rint(draws[:, 0] / 1e6) == chosen).all()


def test_distinct_numbers_classes_as_they_first_occur():
    means = [[[3, 0], [1, 0], [3, 0], [1, 0], [3, -0.0]], [[0, 0]] * 5]
    variances = [[[1, 1], [1, 1], [1, 1], [1, 2], [1, 1]], [[1, 1]] * 5]
    densities = Gaussians(means, variances)
    assert densities.distinct(0).tolist() == [0, 1, 0, 2, 0]
    assert densities.distinct(1).tolist() == [0] * 5
    assert densities.distinct(0).dtype == np.int64


def test_distinct_tells_one_float_from_the_next_but_not_rounding_above_the_diagonal():
    after = np.nextafter(0.5, 1)
    matrices = [[[1, 0.5], [0.5, 1]], [[1, after], [0.5, 1]], [[1, 0.5], [after, 1]]]
    densities = Gaussians(np.zeros((3, 2)), matrices)
    assert densities.distinct(0).tolist() == [0, 0, 1]
    same = densities.log_densities(0, [[0.3, -2.0]])
    assert same[0] == same[1]


def test_equal_classes_are_equal_densities_and_distinct_ones_independent():
    densities = Gaussians([0, 1, 0, 2, 1, 0], [1, 1, 2, 1, 1, 1])
    grid = np.exp(densities.log_densities(0, np.linspace(-5, 6, 200)))
    classes = densities.distinct(0)
    assert np.linalg.matrix_rank(grid) == len(set(classes.tolist())) == 4


floats = st.floats(-1e300, 1e300)


@given(st.lists(st.tuples(floats, st.floats(5e-324, 1e300)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_json_keeps_every_float(parameters):
    means, variances = zip(*parameters, strict=True)
    densities = Gaussians(list(means), list(variances))
    back = Gaussians.from_dict(json.loads(json.dumps(densities.to_dict())))
    assert back.means.tobytes() == densities.means.tobytes()
    assert back.covariances.tobytes() == densities.covariances.tobytes()


@pytest.mark.parametrize(("shape", "full"), SHAPES)
def test_dictionaries_keep_shapes(shape, full):
    densities = Gaussians(*random_parameters(np.random.default_rng(5), shape, full))
    described = densities.to_dict()
    assert list(described) == ["type", "means", "covariances"]
    back = Gaussians.from_dict(described)
    np.testing.assert_array_equal(back.means, densities.means)
    np.testing.assert_array_equal(back.covariances, densities.covariances)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "gaussian", "means": [0]}, "without 'covariances' were given; expected type, means, covariances"),
        ({}, "without 'type', 'means', 'covariances' were given"),
        (
            {"type": "gaussian", "means": [0], "covariances": [1], "variance": [1]},
            "with the unknown 'variance' were given; expected type, means, covariances",
        ),
        ({"type": "poisson", "means": [0], "covariances": [1]}, "of the type 'poisson' were given; expected 'gaussian'"),
    ],
)
def test_dictionaries_that_describe_no_normal_densities(fields, message):
    with pytest.raises(TensorRankError, match=message):
        Gaussians.from_dict(fields)


def test_parameters_are_copies_that_cannot_be_written():
    means = np.zeros(2)
    densities = Gaussians(means, [Fraction(1, 2), 1])
    means[0] = 5
    assert densities.means.tolist() == [0, 0]
    assert densities.covariances.tolist() == [0.5, 1]
    for array in (densities.means, densities.covariances):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_values_are_not_changed():
    values = np.array([[1.0, NAN], [2.0, 3.0]])
    copy = values.copy()
    Gaussians(np.zeros((1, 2)), np.eye(2)[None]).log_densities(0, values)
    np.testing.assert_array_equal(values, copy)


SYMMETRIC = np.array([[2.0, 0.5], [0.5, 1.0]])
SINGULAR = np.outer([1.0, 3.0], [1.0, 3.0])


@pytest.mark.parametrize(
    ("means", "covariances", "message"),
    [
        ([], [], r"the means have the shape \(0,\), without entries; expected at least one"),
        (0.0, 1.0, r"the means have the shape \(\); expected \(components,\), \(components, features\) or \(sites, "),
        (np.zeros((1, 1, 1, 1)), [1], r"the means have the shape \(1, 1, 1, 1\); expected \(components,\)"),
        ([0, NAN], [1, 1], r"the entry \(1,\) of the means is nan; expected finite numbers"),
        ([[0, 0]], [[1, float("inf")]], r"the entry \(0, 1\) of the covariances is inf; expected finite numbers"),
        (["a"], [1], "an entry of the means is 'a'; expected real numbers"),
        ([0], [1j], "an entry of the covariances is 1j; expected real numbers"),
        (np.array([1, None, "b"], dtype=object), [1], "an entry of the means is None; expected real numbers"),
        ([10**400], [1], r"the entry \(0,\) of the means is inf; expected finite numbers"),
        ([[0], [1, 2]], [1], "expected rows of equal length"),
        ([0, 1], [1], r"shape \(1,\) beside means of the shape \(2,\); expected \(2,\) \(variances\)$"),
        ([0, 1], np.ones((2, 1, 1)), r"shape \(2, 1, 1\) beside means of the shape \(2,\); expected \(2,\)"),
        (
            np.zeros((2, 3)),
            np.ones((2, 2, 2)),
            r"\(2, 2, 2\) beside means .* expected \(2, 3\) \(variances\) or \(2, 3, 3\) \(matrices\)$",
        ),
        ([0, 0], [1, 0], r"the variance of component 1 is 0\.0; expected a positive number"),
        ([[0, 0]], [[1, -2]], r"the variance of component 0, feature 1 is -2\.0; expected a positive"),
        (np.zeros((1, 2, 1)), [[[1], [-1]]], r"variance of component 1, feature 0, site 0 is -1\.0"),
        ([[0, 0]], [[[1, 0], [0, 0]]], r"the variance of component 0, feature 1 is 0\.0; expected a positive"),
        (
            np.zeros((2, 2)),
            [SYMMETRIC, [[1, 0.5], [0.4, 1]]],
            r"covariance matrix of component 1 has 0\.5 at \(0, 1\) and 0\.4 at \(1, 0\); expected a symmetric matrix",
        ),
        (
            np.zeros((2, 1, 2)),
            [[SYMMETRIC], [[[1, 2], [2, 1]]]],
            r"component 0, site 1 is not positive definite: .* correlations is -1; try adding a small positive number",
        ),
        ([[0, 0]], [SINGULAR], "matrix of component 0 is not positive definite"),
        ([[0, 0]], [1e-200 * SINGULAR], "matrix of component 0 is not positive definite"),
        ([[0, 0]], [[[1e-300, 1e300], [1e300, 1e-300]]], "matrix of component 0 is not positive definite"),
        ([[0, 0]], [[[1, 1e308], [-1e308, 1]]], "expected a symmetric matrix"),
    ],
)
def test_parameters_of_no_normal_densities(means, covariances, message):
    with pytest.raises(TensorRankError, match=message):
        Gaussians(means, covariances)


@pytest.mark.parametrize(
    ("site", "values", "message"),
    [
        (2, [[0, 0]], "the site is 2; expected a number below 2, the sites there are"),
        (-1, [[0, 0]], "the site is -1; expected a whole number of at least 0"),
        (0, [0, 0], r"the values have the shape \(2,\); expected \(rows, 2\)$"),
        (0, [[0, 0, 0]], r"the values have the shape \(1, 3\); expected \(rows, 2\)$"),
        (0, [[0, 0], [0, float("inf")]], "row 1, feature 1 is inf; expected a finite number, or NaN for one that is mis"),
        (0, [["a", "b"]], "entries of type <U1 were given as the values; expected numbers"),
        (0, [[1, "b"]], "entries of type <U"),
    ],
)
def test_values_that_have_no_density(site, values, message):
    with pytest.raises(TensorRankError, match=message):
        Gaussians(np.zeros((2, 1, 2)), np.ones((2, 1, 2))).log_densities(site, values)


def test_values_of_one_feature_of_the_wrong_shape():
    with pytest.raises(TensorRankError, match=r"shape \(1, 2\); expected \(rows, 1\) or \(rows,\)"):
        Gaussians([0], [1]).log_densities(0, [[0, 1]])


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ([0, 2], "component 2 was asked for; expected numbers from 0 to 1"),
        ([-1], "component -1 was asked for; expected numbers from 0 to 1"),
        ([0.0], r"components of shape \(1,\) and type object were given; expected a list of whole numbers"),
        (0, r"components of shape \(\) and type int64 were given"),
    ],
)
def test_samples_of_components_there_are_not(components, message):
    with pytest.raises(TensorRankError, match=message):
        Gaussians([0, 1], [1, 1]).sample(0, components, np.random.default_rng(0))


def test_sites_there_are_not():
    densities = Gaussians(np.zeros((2, 1, 1)), np.ones((2, 1, 1)))
    with pytest.raises(TensorRankError, match="the site is 2; expected a number below 2"):
        densities.sample(2, [0], np.random.default_rng(0))
    with pytest.raises(TensorRankError, match="the site is 5; expected a number below 2"):
        densities.distinct(5)


@pytest.mark.parametrize("shared", [True, False])
def test_infinite_data_is_refused_by_its_row_and_variable(shared):
    spread = np.ones(2) if shared else np.ones((2, 2, 1))
    model = LatentClass([0.5, 0.5], [np.eye(2)] * 2, densities=Gaussians(spread, spread))
    rows = np.zeros((50_000, 2))
    rows[40_000, 1] = -np.inf
    for method in (model.log_density, model.posteriors, model.hidden_posteriors, model.viterbi):
        with pytest.raises(TensorRankError, match="row 40000, variable 1, feature 0 is -inf; expected a finite number"):
            method(rows)

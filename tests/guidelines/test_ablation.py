import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.guidelines.ablation import Ablation
from tensorrank.guidelines.crossings import Curve
from tensorrank.guidelines.transitions import TransitionFit

TRUTH = TransitionFit(5.0, 0.06)
DEPTHS = (6, 12, 18, 24, 30, 36, 48)


def synthetic(rng=None, error=None, truth=TRUTH, depths=DEPTHS, count=14):
    """Losses that fall with size, and rise with the square of the distance from the best depth of the size."""
    curves = []
    for depth in depths:
        sizes = np.geomspace(truth.size(min(depths)) / 8, truth.size(max(depths)) * 8, count)
        losses = [1.5 + (size / 1e6) ** -0.08 + 2e-4 * (depth - truth.depth(size)) ** 2 for size in sizes]
        if rng is not None:
            losses += rng.normal(0, error, count)
        errors = None if error is None else (error,) * count
        curves.append(Curve(depth, tuple(sizes), tuple(losses), errors, (1,) * count))
    return Ablation(tuple(curves), truth.rule)


@pytest.mark.parametrize("pairs", ["neighbours", "all"])
@pytest.mark.parametrize("truth", [TRUTH, TransitionFit(3.0, 0.1, rule=4.0)])
def test_without_noise_the_truth_comes_back(truth, pairs):
    fit = synthetic(truth=truth, count=30).fit(pairs)
    assert fit.slope == pytest.approx(truth.slope, rel=0.003)
    assert fit.intercept == pytest.approx(truth.intercept, rel=0.003)
    assert fit.chi_square is None
    assert (fit.depths, fit.rule) == ((6, 48), truth.rule)


@pytest.mark.parametrize("error", [0.001, 0.004])
def test_the_truth_lies_within_two_standard_errors_at_the_right_rate(error):
    rng = np.random.default_rng(1)
    fits = [synthetic(rng, error).fit() for _ in range(200)]
    pulls = [((fit.intercept - 5.0) / fit.errors[0], (fit.slope - 0.06) / fit.errors[1]) for fit in fits]
    # 95.4 % of normal numbers; of 200 draws the standard error is 1.5 %.
    for rate in (np.abs(pulls) < 2).mean(axis=0):
        assert 0.90 <= rate <= 0.995
    squares = np.mean([fit.chi_square / fit.degrees_of_freedom for fit in fits])
    assert squares == pytest.approx(1, abs=0.2)
    correlations = [fit.correlation for fit in fits]
    measured = np.corrcoef([fit.intercept for fit in fits], [fit.slope for fit in fits])[0, 1]
    assert np.mean(correlations) == pytest.approx(measured, abs=0.1)


def test_without_errors_those_of_the_fit_are_from_the_scatter():
    # Points on no line: the errors are those of an ordinary fit of ln d by least squares.
    data = synthetic(np.random.default_rng(2), 0.001)
    bare = Ablation(tuple(Curve(c.depth, c.sizes, c.losses, None, c.runs) for c in data.curves))
    crossings = bare.chosen()
    depths = np.array([one.depth for one in crossings])
    logs = np.log([one.width(12) for one in crossings])
    (slope, intercept), covariance = np.polyfit(depths, logs, 1, cov=True)
    fit = bare.fit()
    assert (fit.intercept, fit.slope) == (pytest.approx(intercept), pytest.approx(slope))
    assert fit.covariance == (
        pytest.approx((covariance[1, 1], covariance[0, 1])),
        pytest.approx((covariance[0, 1], covariance[0, 0])),
    )


def test_neighbours_are_each_depth_and_the_next():
    data = synthetic()
    assert [(one.shallow, one.deep) for one in data.chosen()] == [(6, 12), (12, 18), (18, 24), (24, 30), (30, 36), (36, 48)]
    assert len(data.chosen("all")) == len(data.crossings) == 21


def test_two_points_are_a_line_that_nothing_tests():
    fit = synthetic(np.random.default_rng(0), 0.0005, depths=(6, 18, 36)).fit()
    assert fit.degrees_of_freedom == 0
    assert fit.chi_square == pytest.approx(0, abs=1e-12)
    assert fit.scatter == 1
    assert fit.slope == pytest.approx(0.06, abs=4 * fit.errors[1])


def level(depth, loss, error=None):
    errors = None if error is None else (error,) * 3
    return Curve(depth, (1e3, 1e4, 1e5), (loss,) * 3, errors, (1,) * 3)


def test_curves_that_never_cross_give_no_fit():
    data = Ablation((level(1, 3.0, 0.1), level(2, 2.0, 0.1), level(3, 1.0, 0.1)))
    with pytest.raises(
        TensorRankError,
        match=r"0 of the 2 pairs of depths cross; expected at least 2 to fit ln d = a \+ b L \(depths 1 and 2: "
        "the deeper is better wherever they differ by two standard errors",
    ):
        data.fit()


def test_without_errors_two_crossings_do_not_suffice():
    with pytest.raises(TensorRankError, match="2 of the 2 pairs of depths cross; expected at least 3, as no errors"):
        synthetic(depths=(6, 18, 36)).fit()


def test_all_pairs_with_errors_agree_with_the_truth():
    rng = np.random.default_rng(3)
    fits = [synthetic(rng, 0.001).fit("all") for _ in range(60)]
    pulls = [(fit.slope - 0.06) / fit.errors[1] for fit in fits]
    # 57 of 60 expected; fewer than 51 would be more than three standard errors of the rate off.
    assert sum(abs(pull) < 2 for pull in pulls) >= 51


def test_ablations_are_checked():
    with pytest.raises(TensorRankError, match=r"the depths are \(2, 1\); expected two or more, ascending"):
        Ablation((level(2, 3.0), level(1, 2.0)))
    with pytest.raises(TensorRankError, match="rule is 0; expected a number above 0"):
        Ablation((level(1, 3.0), level(2, 2.0)), 0)


def test_all_pairs_are_offered_where_they_would_do():
    with pytest.raises(TensorRankError, match="of all pairs 3 cross: give pairs=all"):
        synthetic(depths=(6, 18, 36)).fit()
    assert synthetic(depths=(6, 18, 36)).fit("all").degrees_of_freedom == 1


def test_pairs_are_neighbours_or_all():
    with pytest.raises(TensorRankError, match="pairs is 'some'; expected one of neighbours, all"):
        synthetic().fit("some")

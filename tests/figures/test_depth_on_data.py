import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tensorrank import TensorRankError, figures
from tensorrank.experiments.depth_on_data import DepthOnData, FamilyScores
from tensorrank.pictures.look import grey


def scores(family, depth, held_out, budget):
    return FamilyScores(family, depth, budget, 2, budget - 1, 0.1, tuple(held_out), tuple(held_out), (True, True), 0.0)


def study(*rows, name="digits", truth=None):
    return DepthOnData(name, 240, 4, 3, 1, 0, scores("independent", 1, [-9.0, -9.2], 8), rows, truth)


DIGITS = study(
    scores("tree of branching 2", 6, [-5.0, -6.0], 2000),
    scores("latent class", 1, [-7.0, -7.0], 2000),
    scores("tree of branching 8", 2, [-4.0, -4.5], 2000),
    scores("hidden Markov", None, [-6.0, -6.5], 2000),
    scores("latent class", 1, [-8.0, -8.5], 8000),
    scores("tree of branching 8", 2, [-4.5, -5.0], 8000),
    scores("tree of branching 2", 6, [-3.0, -3.5], 8000),
    scores("hidden Markov", None, [-5.0, -5.5], 8000),
)
DRAWN = study(
    scores("latent class", 1, [-3.0, -3.1], 1500),
    scores("tree of branching 2", 2, [-4.0, -4.1], 1500),
    name="sampled from a latent class model",
    truth=(-2.0, -2.2),
)


def bars(ax):
    """For each error bar container its colour, points and the ends of its bars."""
    found = []
    for container in ax.containers:
        line, _, (ends,) = container
        spans = [(float(a[1]), float(b[1])) for a, b in ends.get_segments()]
        found.append((to_hex(line.get_color()), np.asarray(line.get_xydata()), spans, line.get_linestyle()))
    return found


def test_lines_are_means_by_depth_with_their_spread():
    figure, axes = figures.depth_on_data([DIGITS, DRAWN])
    digits, _ = axes
    small, chain, large, _ = bars(digits)
    np.testing.assert_allclose(small[1][:, 1], [-7.0, -4.25, -5.5])
    np.testing.assert_allclose(large[1][:, 1], [-8.25, -4.75, -3.25])
    np.testing.assert_allclose(chain[1][:, 1], [-6.25])
    half = np.std([-5.0, -6.0], ddof=1)
    np.testing.assert_allclose(small[2], [(-7, -7), (-4.25 - half / 2, -4.25 + half / 2), (-5.5 - half, -5.5 + half)])
    assert (small[3], chain[3]) == ("-", "None")
    assert small[0] != large[0]
    # In the order of depth, and the chain to the right.
    assert (np.diff(small[1][:, 0]) > 0.9).all()
    assert chain[1][0, 0] > small[1][-1, 0] + 1
    assert [tick.get_text() for tick in digits.get_xticklabels()] == ["1\n(latent\nclass)", "2", "6", "hidden\nMarkov"]
    low, high = digits.get_ylim()
    assert low < -8.25 - half / 2
    assert high > -3.25 + half / 2
    figure.canvas.draw()


def test_legends_and_titles_stand_inside_the_figure():
    for shown in ([DIGITS], [DIGITS, DRAWN], [DIGITS] * 4):
        figure, axes = figures.depth_on_data(shown)
        figure.draw_without_rendering()
        for words in (figure.legends[0], *(ax.title for ax in axes)):
            box = words.get_window_extent()
            assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_the_best_depth_has_a_ring():
    _, (digits, drawn) = figures.depth_on_data([DIGITS, DRAWN])
    rings = [line for line in digits.lines if line.get_markersize() > 10]
    assert [float(line.get_ydata()[0]) for line in rings] == [-4.25, -3.25]
    assert {line.get_markerfacecolor() for line in rings} == {"none"}
    assert [list(line.get_ydata()) for line in drawn.lines if line.get_markersize() > 10] == [[pytest.approx(-3.05)]]
    tied = study(scores("a", 1, [-5.0, -5.5], 100), scores("b", 2, [-4.0, -4.0], 100), scores("c", 3, [-4.5, -4.0], 100))
    _, (ax,) = figures.depth_on_data(tied)
    assert [list(line.get_ydata()) for line in ax.lines if line.get_markersize() > 10] == [[-4.0, -4.25]]


def test_the_truth_is_a_named_line():
    _, (digits, drawn) = figures.depth_on_data([DIGITS, DRAWN])
    (ceiling,) = [line for line in drawn.lines if line.get_color() == grey(0.35)]
    assert set(ceiling.get_ydata()) == {-2.1}
    assert [text.get_text() for text in drawn.texts] == ["the model that gave the data"]
    assert drawn.get_ylim()[1] > -2.1
    assert not digits.texts


def test_labels_name_quantities_and_units():
    figure, (digits, drawn) = figures.depth_on_data([DIGITS, DRAWN])
    assert digits.get_ylabel() == "held-out log-likelihood (nats a row)"
    assert digits.get_xlabel() == "levels of hidden variables | other structures"
    assert drawn.get_xlabel() == "levels of hidden variables"
    assert digits.get_title() == "Digits\n(240 rows; independent variables: −9.1)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "at most 1,500 parameters",
        "at most 2,000 parameters",
        "at most 8,000 parameters",
        "best depth, all within a standard deviation",
        "± standard deviation over splits",
    ]


def test_words_of_panels_do_not_meet():
    figure, axes = figures.depth_on_data([DRAWN, DIGITS, DRAWN])
    figure.canvas.draw()
    for words in ([ax.title for ax in axes], [ax.xaxis.label for ax in axes]):
        boxes = [text.get_window_extent() for text in words]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
        assert boxes[-1].x1 <= figure.bbox.x1


def test_a_single_study_is_one_panel(tmp_path):
    figure, axes = figures.depth_on_data(DRAWN)
    assert len(axes) == 1
    (path,) = figures.save(figure, tmp_path / "depth", ["png"])
    assert path.stat().st_size > 1000


def test_structures_without_levels_can_stand_alone():
    _, (ax,) = figures.depth_on_data(study(scores("hidden Markov", None, [-5.0, -5.5], 100)))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["hidden\nMarkov"]
    assert not [line for line in ax.lines if line.get_markersize() > 10]


@pytest.mark.parametrize("nothing", [[], study(), [DIGITS, study()]], ids=["no study", "no scores", "one without"])
def test_studies_without_scores_are_refused(nothing):
    with pytest.raises(TensorRankError, match=r"no experiments were given|an experiment without scores was given"):
        figures.depth_on_data(nothing)

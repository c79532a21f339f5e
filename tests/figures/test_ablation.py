import math

import numpy as np
import pytest

from tensorrank import TensorRankError, figures, guidelines
from tensorrank.guidelines.crossings import Curve

SIZES = tuple(float(size) for size in np.geomspace(1e4, 1e8, 9))


def data(bests, error=0.001):
    curves = [
        Curve(depth, SIZES, tuple(0.01 * math.log(size / best) ** 2 for size in SIZES), (error,) * 9, (1,) * 9)
        for depth, best in bests.items()
    ]
    return guidelines.Ablation(tuple(curves))


CROSSING = data({1: 1e5, 2: 3e5, 3: 1e6, 4: 3e6})


def test_losses_stand_at_their_sizes():
    _, (ax, _) = figures.ablation(CROSSING)
    drawn = [container for container in ax.containers if len(container.lines[0].get_xdata()) == 9]
    assert len(drawn) == 4
    for container, curve in zip(drawn, CROSSING.curves, strict=True):
        assert tuple(container.lines[0].get_xdata()) == SIZES
        assert tuple(container.lines[0].get_ydata()) == curve.losses
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1", "2", "3", "4", "next overtakes"]
    assert ax.get_xlabel() == "parameters without embeddings (log scale)"
    assert ax.get_title() == "The deeper overtakes at 3 of 3 steps in depth"


def test_titles_stand_inside_the_figure():
    figure, axes = figures.ablation(CROSSING)
    figure.draw_without_rendering()
    assert all(ax.title.get_window_extent().x1 <= figure.bbox.width for ax in axes)


def test_rings_mark_where_neighbours_cross():
    _, (ax, _) = figures.ablation(CROSSING)
    rings = [line.get_xdata()[0] for line in ax.lines if line.get_markersize() == 12]
    assert rings == pytest.approx([math.sqrt(3e10), math.sqrt(3e11), math.sqrt(3e12)], rel=1e-3)


def test_points_and_line_on_the_right_are_those_of_the_fit():
    figure, (_, ax) = figures.ablation(CROSSING)
    fit = CROSSING.fit()
    points = {(c.lines[0].get_xdata()[0], c.lines[0].get_ydata()[0]) for c in ax.containers}
    assert points == {(one.depth, one.width(12)) for one in CROSSING.crossings}
    line = next(line for line in ax.lines if line.get_linewidth() == 1.8)
    assert line.get_ydata()[0] == pytest.approx(fit.width(line.get_xdata()[0]))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0] == "not used: not neighbours"
    assert texts[1].startswith(f"ln d = ({fit.intercept:.2f} ± ")
    assert "published fit, depths 6 to 48" in texts
    assert "d.o.f." in ax.get_title()


def test_without_a_fit_the_picture_says_why():
    flat = data({1: 1e6, 2: 1e6})
    _, (left, right) = figures.ablation(flat)
    assert left.get_title() == "No depth overtakes another"
    assert right.get_title() == "Widths of the crossings: too few for a fit"
    assert "expected at least 2" in " ".join(right.texts[0].get_text().split())


def test_a_band_from_the_scatter_is_called_students():
    bare = guidelines.Ablation(tuple(Curve(c.depth, c.sizes, c.losses, None, c.runs) for c in CROSSING.curves))
    figure, _ = figures.ablation(bare)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "95.4 % (Student's, 1 degree of freedom)" in texts


def test_the_published_fit_may_be_left_out():
    figure, _ = figures.ablation(CROSSING, against=None)
    assert not any("published" in text.get_text() for text in figure.legends[0].get_texts())


def test_all_pairs_are_called_pairs():
    _, (ax, _) = figures.ablation(CROSSING, pairs="all")
    assert ax.get_title() == "The deeper overtakes at 6 of 6 pairs of depths"


def test_pairs_are_checked():
    with pytest.raises(TensorRankError, match="pairs is 'some'"):
        figures.ablation(CROSSING, pairs="some")

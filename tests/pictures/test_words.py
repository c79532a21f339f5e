import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tensorrank.pictures.words import _spread, apart, cleared, crowded, wrapped_to


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8), st.floats(0.5, 10))
def test_places_are_a_step_apart_in_their_order(places, step):
    ordered = np.sort(places)
    found = _spread(ordered, step, -1000, 1000)
    assert (np.diff(found) >= step - 1e-9).all()
    # As little as possible: places that are far enough apart stay.
    if (np.diff(ordered) >= step).all():
        np.testing.assert_allclose(found, ordered, atol=1e-9)
    # No place moves further than all others need.
    assert np.abs(found - ordered).max() <= step * len(places) + 1e-9


@given(st.lists(st.floats(0, 10), min_size=1, max_size=5))
def test_places_stay_where_there_is_room(places):
    found = _spread(np.sort(places), 1.0, 0.0, 10.0)
    assert found.min() >= -1e-9
    assert found.max() <= 10 + 1e-9


@pytest.mark.parametrize(
    ("places", "crowds"),
    [(((0.1, 0.5), (0.1, 0.52)), True), (((0.1, 0.2), (0.1, 0.8)), False), (((0.95, 0.5),), True), (((0.1, 0.99),), True)],
)
def test_words_crowd_a_figure_that_lie_on_one_another_or_leave_it(places, crowds):
    figure = Figure(figsize=(6, 2))
    for place in places:
        figure.text(*place, "some words")
    assert crowded(figure) is crowds


def test_numbers_of_ticks_beyond_the_axes_crowd_nothing():
    figure = Figure(figsize=(2, 2), layout="constrained")
    ax = figure.subplots()
    ax.set_xticks([0, 1, 1.05], ["0", "one", "beyond"])
    ax.set_xlim(0, 1)
    assert not crowded(figure)
    ax.set_xticks([0, 0.9, 1], ["0", "nine tenths", "one"])
    assert crowded(figure)


def test_lines_are_broken_to_the_width_and_formulas_are_not():
    figure = Figure(figsize=(6, 2))
    text = figure.text(0, 0, r"as many states as $2^{\lceil \log_2(8) / 2 \rceil} = 4$ say, and no more")
    whole = text.get_window_extent().width
    wrapped_to(text, whole / 3)
    assert "\n" in text.get_text()
    assert r"$2^{\lceil \log_2(8) / 2 \rceil} = 4$" in text.get_text()
    assert text.get_text().replace("\n", " ").count("no more") == 1
    wide = figure.text(0, 0, "two words")
    wrapped_to(wide, 1000)
    assert wide.get_text() == "two words"


def named(points, **style):
    figure = Figure(figsize=(5, 3), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    look = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", **style}
    return figure, ax, [ax.annotate(f"name {i}", point, **look) for i, point in enumerate(points)]


def boxes(figure, names):
    figure.draw_without_rendering()
    return [name.get_window_extent() for name in names]


def test_names_at_the_ends_of_curves_lie_on_no_other():
    figure, ax, names = named([(1, 0.5)] * 5, annotation_clip=False)
    apart(figure, ax, names)
    found = boxes(figure, names)
    # They may touch.
    assert all(lower.y1 <= upper.y0 + 1e-6 for lower, upper in itertools.pairwise(sorted(found, key=lambda box: box.y0)))
    assert [box.x0 for box in found] == pytest.approx([found[0].x0] * 5)


def test_names_beside_points_go_where_nothing_is():
    figure, ax, names = named([(0.5, 0.5), (0.52, 0.5), (0.98, 0.5)])
    cleared(figure, ax)
    found = boxes(figure, names)
    assert not any(one.overlaps(other) for i, one in enumerate(found) for other in found[:i])
    frame = ax.get_window_extent()
    assert all(frame.x0 <= box.x0 <= box.x1 <= frame.x1 for box in found)
    # At the right edge there is room on the left alone.
    assert names[2].get_horizontalalignment() == "right"

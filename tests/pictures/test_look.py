import itertools

import matplotlib as mpl
import matplotlib.style
import pytest

from tensorrank.pictures.look import colours, colours_and_marks, grey, hue, ink, ink_on, lightness, paper, settings


def test_neighbouring_colours_differ_in_grey_and_many_keys_get_a_colour_each():
    few = list(colours(range(1, 8)).values())
    assert len(set(few)) == 7
    assert all(abs(lightness(one) - lightness(other)) > 0.04 for one, other in itertools.pairwise(few))
    many = list(colours(range(1, 20)).values())
    assert len(set(many)) == 19
    assert [lightness(c) for c in many] == sorted(lightness(c) for c in many)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_no_colour_is_that_of_the_paper(style):
    with mpl.style.context(style):
        for count in (3, 7, 19):
            assert all(abs(lightness(one) - lightness(paper())) > 0.2 for one in colours(range(count)).values())


def test_thirteen_series_have_thirteen_looks():
    assert len(set(colours_and_marks(range(13)).values())) == 13
    assert len({mark for _, mark in colours_and_marks(range(13)).values()}) == 13


def test_greys_lead_from_the_ink_to_the_paper():
    with mpl.style.context("dark_background"):
        assert (grey(0), grey(1)) == (ink(), paper()) == ("#ffffff", "#000000")
        assert grey(0.25) == "#bfbfbf"


def test_words_on_a_coloured_ground_are_dark_or_light():
    assert ink_on("#F0C36D") == "#000000"
    assert ink_on("#0072B2") == "#ffffff"


def test_the_readers_cycle_of_colours_takes_the_place_of_ours():
    assert hue("vermilion").lower() == "#d55e00"
    with mpl.rc_context({"axes.prop_cycle": mpl.cycler(color=["red", "lime"])}):
        assert [hue("ink"), hue("vermilion"), hue("blue")] == ["#ff0000", "#00ff00", "#ff0000"]
    with mpl.rc_context({"image.cmap": "gray"}):
        assert len({*map(lightness, colours(range(9)).values())}) == 9


def test_grounds_without_a_colour_are_paper():
    with mpl.rc_context({"axes.facecolor": "none", "figure.facecolor": "none"}):
        assert paper() == "#ffffff"
    with mpl.rc_context({"axes.facecolor": "none", "figure.facecolor": "navy"}):
        assert paper() == "#000080"


def test_only_defaults_of_matplotlib_give_way():
    assert settings()["legend.frameon"] is False
    with mpl.rc_context({"axes.titlesize": 5}):
        assert "axes.titlesize" not in settings()

"""Nothing of a picture is cut off or covered, at any number of series and size of type, on light and dark ground."""

import io

import matplotlib as mpl
import matplotlib.style
import pytest
from figure_geometry import Seen, contrast
from figure_samples import FIGURES, ONE_AXES, PANELS
from matplotlib import pyplot

import tensorrank as tr

# Numbers of series and sizes of type; three series are shown on a dark ground. Sheets grow with the type, so that not
# every size needs every number.
CASES = [(1, 14), (2, 6), (13, 6), (13, 14)]


@pytest.fixture(autouse=True)
def nothing_is_kept_by_pyplot():
    yield
    pyplot.close("all")


@pytest.mark.parametrize(("count", "size"), CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_all_words_are_whole_apart_and_legible_as_the_user_saves_them(name, count, size):
    with mpl.rc_context({"font.size": size}):
        picture = FIGURES[name](count)
        assert Seen.of(picture.figure).faults() == {}
        assert picture.axes is not None


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_vanishes_on_a_dark_ground(name):
    with mpl.style.context("dark_background"), mpl.rc_context({"font.size": 14}):
        seen = Seen.of(FIGURES[name](3).figure)
        assert seen.faults() == {}
        assert seen.pixels[0, 0, :3].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_the_size_that_is_asked_for(name):
    figure = FIGURES[name](2, figsize=(12, 7)).figure
    assert figure.get_size_inches().tolist() == [12, 7]
    assert Seen.of(figure).faults() == {}
    assert figure.get_size_inches().tolist() == [12, 7]


@pytest.mark.parametrize("name", ["rank_vs_depth", "overlaid_ranks", "increments", "knee", "iso_parameters"])
def test_in_a_small_figure_words_give_way_to_the_axes(name):
    figure = FIGURES[name](3, figsize=(5, 3.6)).figure
    assert Seen.of(figure).faults() == {}
    assert sum(ax.get_window_extent().height for ax in figure.axes[:1]) > 0.3 * figure.bbox.height


# Figures, numbers of series, sizes of type and of the figure that were found to have words on one another.
CROWDED = [
    ("depth_width", 2, 10, (5, 3.6)),
    ("knee", 3, 14, (3.4, 2.6)),
    ("perfect_matchings", 1, 14, (5, 3.6)),
    ("levels", 1, 6, (3.4, 2.6)),
    ("comparison", 13, 10, (5, 3.6)),
]


@pytest.mark.parametrize(("name", "count", "size", "figsize"), CROWDED)
def test_type_becomes_smaller_where_words_have_no_room(name, count, size, figsize, tmp_path):
    with mpl.rc_context({"font.size": size}):
        picture = FIGURES[name](count, figsize=figsize)
        (path,) = tr.figures.save(picture, tmp_path / name, ["png"])
    pixels = pyplot.imread(path)
    assert (pixels[[0, -1]] == pixels[0, 0]).all()
    assert (pixels[:, [0, -1]] == pixels[0, 0]).all()
    assert Seen.of(picture.figure).faults() == {}
    assert picture.figure.get_size_inches().tolist() == list(figsize)


def test_type_stays_as_the_reader_wants_it_where_words_have_room():
    with mpl.rc_context({"font.size": 10}):
        _, ax = FIGURES["knee"](3, figsize=(7, 6))
    assert ax.xaxis.label.get_fontsize() == 10


@pytest.mark.parametrize("name", ONE_AXES)
def test_the_axes_that_are_given_are_filled_and_no_others(name):
    figure, (free, given) = pyplot.subplots(1, 2, figsize=(14, 6), layout="constrained")
    picture = ONE_AXES[name](2, ax=given)
    axes = picture.axes if name in ("network",) or not hasattr(picture.axes, "__len__") else picture.axes[0]
    assert picture.figure is figure
    assert axes is given
    assert not free.has_data()
    assert not figure.legends
    assert Seen.of(figure).faults() == {}


@pytest.mark.parametrize("name", ONE_AXES)
def test_axes_have_their_size_and_take_no_other(name):
    _, ax = pyplot.subplots()
    with pytest.raises(tr.TensorRankError, match=r"ax and figsize \(4, 3\) were both given; .* give one of the two"):
        ONE_AXES[name](2, ax=ax, figsize=(4, 3))


@pytest.mark.parametrize("size", [(0, 3), (4, -1), (float("inf"), 3), (1e4, 1e4)])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(tr.TensorRankError, match=r"figsize is .*; expected a width and a height in inches, at most 300"):
        tr.figures.knee(widths=[2], figsize=size)


def test_axes_without_a_figure_are_refused():
    _, ax = pyplot.subplots()
    ax.remove()
    with pytest.raises(tr.TensorRankError, match="axes that were removed from their figure; expected axes of a figure"):
        tr.figures.knee(widths=[2], ax=ax)


@pytest.mark.parametrize("name", ["rank_vs_depth", "increments_apart"])
def test_several_panels_do_not_fit_one_axes(name):
    _, ax = pyplot.subplots()
    with pytest.raises(tr.TensorRankError, match=r"ax is one axes, and 3 series have a panel each"):
        PANELS[name](3, ax=ax)
    assert PANELS[name](1, ax=ax).axes[0] is ax


@pytest.mark.parametrize("formats", [["png"], ["pdf", "svg"]])
def test_what_our_save_writes_has_nothing_cut_off(formats, tmp_path):
    for path in tr.figures.save(FIGURES["rank_vs_depth"](3), tmp_path / "ranks", formats):
        assert path.stat().st_size > 1000
        if path.suffix == ".png":
            pixels = pyplot.imread(path)
            assert (pixels[[0, -1]] == pixels[0, 0]).all()
            assert (pixels[:, [0, -1]] == pixels[0, 0]).all()


def test_type_and_colours_of_the_reader_are_respected():
    with mpl.rc_context({"font.size": 7, "axes.prop_cycle": mpl.cycler(color=["#123456", "#654321", "#111111"])}):
        figure, (ax,) = FIGURES["increments"](2)
    assert {text.get_fontsize() for text in figure.legends[0].get_texts()} == {7}
    assert {line.get_color() for line in ax.lines} == {"#123456", "#654321"}


def test_spines_that_the_reader_wants_stay():
    with mpl.rc_context({"axes.spines.top": True, "legend.frameon": True}):
        assert not FIGURES["knee"](2).axes.spines["top"].get_visible()
    with mpl.style.context({"axes.spines.left": False}):
        assert not FIGURES["knee"](2).axes.spines["left"].get_visible()


@pytest.mark.parametrize("name", ["rank_vs_depth", "overlaid_ranks", "increments", "collapse", "iso_parameters"])
def test_a_logarithm_on_a_logarithmic_axis_is_explained_below(name):
    figure = FIGURES[name](13).figure
    assert "logarithmic" in figure.get_supxlabel()


def test_a_picture_without_a_box_of_ours_is_the_same_for_every_writer():
    # Nobody needs bbox_inches="tight".
    figure = FIGURES["increments"](3).figure
    plain, tight = io.BytesIO(), io.BytesIO()
    figure.savefig(plain, format="png")
    figure.savefig(tight, format="png", bbox_inches="tight", pad_inches=0)
    plain.seek(0)
    tight.seek(0)
    assert all(small <= whole for small, whole in zip(pyplot.imread(tight).shape, pyplot.imread(plain).shape, strict=True))


def test_contrast_is_that_of_the_guidelines():
    # WCAG 2: white on black 21, #777777 on white 4.48.
    assert contrast("white", "black") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)

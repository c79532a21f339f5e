import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tensorrank as tr
from tensorrank.cli.shared.findings_text import _with_atlas
from tensorrank.experiments.depth_series import series_of
from tensorrank.studies.study import Finding


def finding(depth, value, standing, width=2, **options):
    result = tr.SeparationRank(
        value=value,
        lower=value,
        upper=value if standing == "exact" else 10**9,
        standing=standing,
        by_degree=None,
        method="grid",
        primes=(),
        seeds=(0,),
        samples=None,
        failure_probability=None,
        seconds=0.0,
    )
    return Finding(tr.SelfAttention(depth, width, **options), result)


@pytest.fixture
def series():
    return series_of(
        [
            finding(1, 3, "exact"),
            finding(2, 18, "exact"),
            finding(3, 232, "probable"),
            finding(4, 4000, "lower bound"),
            finding(1, 4, "exact", width=3),
        ]
    )


def marks(ax):
    return [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_marker(), line.get_markerfacecolor())
        for line in ax.lines
        if line.get_marker() in ("o", "^") and len(line.get_xdata()) == 1
    ]


def test_marks_show_rank_and_standing(series):
    _, axes = tr.figures.rank_vs_depth(series)
    assert [ax.get_title() for ax in axes] == ["width 2", "width 3"]
    found = marks(axes[0])
    assert [(x, mark) for x, _, mark, _ in found] == [(1, "o"), (2, "o"), (3, "o"), (4, "^")]
    assert [y for _, y, _, _ in found] == pytest.approx([math.log(v, 3) for v in (3, 18, 232, 4000)])
    faces = [face for *_, face in found]
    assert faces[0] == faces[1] == faces[3] != "#ffffff"
    assert faces[2] == "#ffffff"


def test_the_band_is_drawn_between_the_proved_bounds_to_depth_twelve(series):
    _, axes = tr.figures.rank_vs_depth(series)
    (band,) = axes[0].collections
    corners = band.get_paths()[0].vertices
    assert corners[:, 0].max() == 12
    # The moment bound at depths 1 to 4 (SOURCES.md), and the degree bound (3^L + 1) / 2 of a monomial from below.
    for depth, bound in ((1, 3), (2, 18), (3, 232), (4, 4538)):
        heights = corners[corners[:, 0] == depth, 1]
        assert heights.max() == pytest.approx(math.log(bound, 3))
        assert heights.min() >= math.log((3**depth + 1) / 2, 3) - 1e-9
        assert heights.min() <= heights.max()


def test_axes_and_legend_have_words(series):
    figure, axes = tr.figures.rank_vs_depth(series)
    assert axes[0].get_ylabel() == "log₃ separation rank (log scale)"
    assert axes[0].get_xlabel() == axes[1].get_xlabel() == "depth L"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"exact rank", "probable rank", "certified lower bound", "bounds as published, where positive"} <= set(words)
    assert {"knee by formula, on top", "log₃ d, at the bottom: threshold as published"} <= set(words)
    assert "logarithmic in log₃ of the rank" in figure.get_supxlabel()


def test_ticks_stand_at_log3_of_the_width_and_at_the_knee(series):
    _, axes = tr.figures.rank_vs_depth(series)
    upright = {round(float(line.get_xdata()[0]), 6) for line in axes[0].lines if line.get_marker() == "|"}
    assert upright == {round(math.log(2, 3), 6), round(math.log(12, 3), 6)}


def test_the_ground_is_shaded_by_regimes(series):
    figure, axes = tr.figures.rank_vs_depth(series)
    # Width 2: depth 1 growing, 2 and 3 turning, then saturated.
    spans = [patch for patch in axes[0].patches if patch.get_height() == 1]
    shades = [(patch.get_x(), patch.get_x() + patch.get_width(), patch.get_facecolor()[0]) for patch in spans]
    assert [edges[:2] for edges in shades[:4]] == [(0, 1.5), (1.5, 2.5), (2.5, 3.5), (3.5, 4.5)]
    assert shades[0][2] < shades[1][2] == shades[2][2] < shades[3][2] == 1
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "growing: a layer at least doubles log₃ rank" in words


def test_many_series_make_rows_of_panels():
    many = series_of([finding(1, width + 1, "exact", width=width) for width in range(1, 8)])
    _, axes = tr.figures.rank_vs_depth(many)
    assert len(axes) == 7
    assert all(ax.get_visible() for ax in axes)


def test_increments_draw_only_proved_ranks(series):
    _, (ax,) = tr.figures.increments(series)
    assert [(x, pytest.approx(y)) for x, y, *_ in marks(ax)] == [(1, math.log(6, 3)), (2, math.log(232 / 18, 3))]
    assert [face == "#ffffff" for *_, face in marks(ax)] == [False, True]
    assert ax.get_xlabel() == "depth L"
    assert "L to L + 1" in ax.get_ylabel()


def test_the_moment_bound_grows_by_d_d_plus_1_over_2_in_saturation(series):
    _, (ax,) = tr.figures.increments(series, deepest=14)
    lines = [line for line in ax.lines if len(line.get_xdata()) > 5]
    assert [line.get_ydata()[-1] for line in lines] == pytest.approx([3, 6], rel=1e-3)


def test_large_widths_get_a_logarithmic_axis():
    _, (ax,) = tr.figures.increments(series_of([finding(1, 17, "exact", width=16)]))
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize("draw", [tr.figures.rank_vs_depth, tr.figures.increments])
def test_nothing_to_draw_is_an_error(draw):
    with pytest.raises(tr.TensorRankError, match="no findings were given"):
        draw([])


def test_figures_are_written_as_png_and_svg(series, tmp_path):
    figure, _ = tr.figures.rank_vs_depth(series, deepest=5)
    paths = tr.figures.save(figure, tmp_path / "picture")
    assert [path.name for path in paths] == ["picture.png", "picture.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in paths[1].read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_does_not_exist_is_explained(series, tmp_path):
    figure, _ = tr.figures.increments(series, deepest=5)
    with pytest.raises(tr.TensorRankError, match="cannot be written"):
        tr.figures.save(figure, tmp_path / "nowhere" / "picture")


def test_no_file_has_the_name_of_a_figure_whose_place_it_would_take():
    files = {path.stem for path in Path(tr.figures.__file__).parent.glob("*.py")}
    assert not files & {*tr.figures.__all__}
    assert all(callable(getattr(tr.figures, name)) for name in tr.figures.__all__)


def test_a_figure_loads_nothing_of_others():
    program = "import sys, tensorrank as tr; tr.figures.rank_vs_depth; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "tensorrank.figures.ranks_over_depth" in loaded
    assert not [name for name in loaded if name.startswith(("tensorrank.mixtures", "tensorrank.guidelines"))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tr.figures.levels(study=1.5), "study is 1.5; expected a LevelSizes"),
        (lambda: tr.figures.triples(study=[]), r"study is \[\]; expected a Triples"),
        (lambda: tr.figures.comparison("halves"), "compared is 'halves'; expected a list of Compareds"),
        (lambda: tr.figures.increments([None]), r"series are \[None\]; expected a list of Series"),
    ],
)
def test_what_is_no_result_is_refused_in_words(call, message):
    with pytest.raises(tr.TensorRankError, match=message):
        call()


def sizes_of_marks(ax):
    return {line.get_xdata()[0]: line.get_markersize() for line in ax.lines if line.get_marker() in ("o", "^")}


def with_atlas(*depths):
    found = [finding(depth, value, "exact") for depth, value in ((1, 3), (2, 18), (3, 232))]
    return series_of([replace(one, from_atlas=one.model.depth in depths) for one in found])


def test_ranks_of_an_atlas_are_small_and_named():
    figure, (ax,) = tr.figures.rank_vs_depth(with_atlas(3))
    sizes = sizes_of_marks(ax)
    assert sizes[3] < 0.7 * sizes[1] == 0.7 * sizes[2]
    assert "small: from the atlas" in [text.get_text() for text in figure.legends[0].get_texts()]
    # Growth from depth 2 to 3 needs the rank of the atlas.
    _, (ax,) = tr.figures.increments(with_atlas(3))
    sizes = sizes_of_marks(ax)
    assert sizes[2] < 0.7 * sizes[1]


@pytest.mark.parametrize("draw", [tr.figures.rank_vs_depth, tr.figures.increments, tr.figures.collapse, tr.figures.knee])
def test_an_atlas_that_gave_nothing_is_not_named(draw):
    figure, _ = draw(with_atlas())
    assert not any("atlas" in text.get_text() for text in figure.legends[0].get_texts())


def test_the_atlas_adds_findings_that_say_so():
    own = finding(1, 3, "exact")
    plain = [one for one in _with_atlas([own], tr.Atlas.packaged()) if one.model.width == 2 and one.model.tokens == 4]
    found = {one.model.depth: one for one in plain if one.model.heads == 1 and one.model.head_dim == 2}
    assert not found[1].from_atlas
    assert found[3].from_atlas


def test_an_overlay_has_every_series_by_name_at_its_end(series):
    figure, (ax,) = tr.figures.rank_vs_depth(series, overlay=True)
    assert [text.get_text() for text in ax.texts] == ["width 2", "width 3"]
    assert not ax.get_title()
    ends = [line.get_ydata()[-1] for line in ax.lines if len(line.get_xdata()) == 12 and line.get_linewidth() == 1]
    assert [text.xy[1] for text in ax.texts] == ends
    assert len({line.get_color() for line in ax.lines}) == 2
    # The knees of widths 2 and 3: log3 of 2 d (d+1).
    knees = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"]
    assert knees == pytest.approx([math.log(12, 3), math.log(24, 3)])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "knee by formula" in words
    assert not any("published" in word or "growing" in word for word in words)


def test_growth_has_a_panel_each_without_an_overlay(series):
    _, axes = tr.figures.increments(series, overlay=False)
    assert [ax.get_title() for ax in axes] == ["width 2", "width 3"]
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert not any(ax.texts for ax in axes)


def test_series_that_share_a_width_differ_in_colour_and_dashes():
    _, (ax,) = tr.figures.increments(series_of([finding(1, 3, "exact"), finding(1, 3, "exact", tokens=2)]))
    lines = [line for line in ax.lines if len(line.get_xdata()) > 5]
    assert len({line.get_color() for line in lines}) == len({line.get_linestyle() for line in lines}) == 2


def test_panels_keep_the_order_of_the_series():
    shown = [finding(1, 4, "exact", width=3), finding(1, 3, "exact"), finding(3, 232, "exact")]
    _, axes = tr.figures.rank_vs_depth(series_of(shown))
    assert [ax.get_title() for ax in axes] == ["width 3", "width 2"]

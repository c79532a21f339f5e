import math

import numpy as np
import pytest

from tensorrank import TensorRankError, figures
from tensorrank.experiments.formats import CutRow, FormatRanks
from tensorrank.experiments.interleaved import InterleavedRanks, InterleavedRow
from tensorrank.experiments.levels import level_sizes
from tensorrank.experiments.perfect_matchings import PerfectMatchingsRow, PerfectMatchingStates
from tensorrank.separation.result import SeparationRank


def rank(value, standing="exact"):
    upper = value if standing == "exact" else None
    reason = None if standing == "exact" else "as a test has it"
    return SeparationRank(value, value, upper, standing, None, "grid", (7,), (0,), None, None, 0.0, reason)


def points(axes, marker):
    return [tuple(map(float, line.get_xydata()[0])) for line in axes.lines if line.get_marker() == marker]


def named(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_shallow_size_stands_above_the_models_own():
    rows = (
        InterleavedRow("hidden_markov", 4, 2, 30, rank(4)),
        InterleavedRow("hidden_markov", 8, 2, 62, rank(16)),
        InterleavedRow("tensorial_mixture", 8, 2, 58, rank(16, "probable")),
    )
    figure, axes = figures.interleaved(InterleavedRanks(2, 2, 0, rows))
    chain, tree = axes
    assert "hidden Markov model" in chain.get_title()
    assert "tensorial mixture" in tree.get_title()
    assert chain.get_yscale() == "log"
    assert chain.get_xlabel() == tree.get_xlabel() == "number of variables N"
    assert "table entries" in chain.get_ylabel()
    # 4 classes of 1 + 4 * 2 entries, 16 of 1 + 8 * 2.
    assert sorted(points(chain, "o")) == [(4, 4), (4, 36), (8, 16), (8, 272)]
    assert [line.get_ydata().tolist() for line in chain.lines if line.get_linestyle() == "--"] == [[30, 62]]
    assert any(text.get_text() == "× 4.4" for text in chain.texts)
    faces = {line.get_markerfacecolor() for line in tree.lines if line.get_marker() == "o"}
    assert faces == {"#ffffff"}
    assert named(figure)[-2:] == ["exact rank", "probable rank"]
    assert any("latent class model needs at least" in name for name in named(figure))


def test_sizes_fall_with_levels():
    figure, axes = figures.levels(level_sizes([3, 5, 13]))
    for marker, depth in zip("osD", (3, 5, 13), strict=True):
        (line,) = [line for line in axes.lines if line.get_marker() == marker]
        # 2^(w/2) states for each window and for each value of each variable, w = 2^(L - l + 1).
        states = [2 ** (2**depth // 2**kept) for kept in range(1, depth + 1)]
        sizes = [r * (2 ** (kept - 1) + 2 * 2**depth) for kept, r in enumerate(states, start=1)]
        np.testing.assert_allclose(line.get_ydata(), [math.log10(size) for size in sizes])
        assert (line.get_markerfacecolor() == "#ffffff") == (depth == 13 or depth == 5)
    assert [text.get_text() for text in axes.texts] == ["8 variables", "32 variables", "8192 variables"]
    assert "levels kept" in axes.get_xlabel()
    assert "table entries needed" in axes.get_ylabel()
    assert axes.yaxis.get_major_formatter()(3, 0) == "$10^{3}$"
    assert named(figure) == [
        "at least, by a computed rank",
        "at least, for almost all tables",
        "enough, by construction",
        "in between: not known",
    ]


def test_ranks_of_cuts_stand_under_their_bound():
    prefixes = [CutRow("tensorial_mixture", 0, last, rank(r), 4) for last, r in enumerate((2, 2, 4, 2, 4, 2, 2))]
    dyadic = [CutRow("hidden_markov", 2 * i, 2 * i + 1, rank(r, "lower bound"), 4) for i, r in enumerate((2, 4, 4, 2))]
    dyadic += [CutRow("hidden_markov", 4 * i, 4 * i + 3, rank(2), 4) for i in range(2)]
    figure, (left, right) = figures.formats(FormatRanks(8, 2, 2, 0, tuple(prefixes), tuple(dyadic)))
    assert points(left, "o") == list(zip(range(1, 8), (2, 2, 4, 2, 4, 2, 2), strict=True))
    assert [y for _, y in points(right, "^")] == [2, 4, 4, 2]
    assert [y for _, y in points(right, "o")] == [2, 2]
    for axes in (left, right):
        assert 4 in [line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert [label.get_text() for label in right.get_xticklabels()] == ["4\nof 2", "2\nof 4"]
    assert right.get_xlabel() == "dyadic intervals (number of length), left to right"
    assert left.get_ylabel() == "rank of the cut"
    assert r"$2^{\lceil \log_2(8)/2 \rceil} = 4$" in left.get_title()
    assert "$2^2 = 4$" in right.get_title()
    assert named(figure)[:3] == ["exact rank", "certified lower bound", "proven bound for every cut"]


def test_states_needed_cross_the_edges():
    rows = (
        PerfectMatchingsRow(6, 66, 2, 4, "ranks", 2, rank(4)),
        PerfectMatchingsRow(18, 192, 2, 4, "pairs cut", 2, None),
        PerfectMatchingsRow(1024, 10755, 15, 2**15, "spectrum", 2, None),
    )
    figure, axes = figures.perfect_matchings(PerfectMatchingStates(2, 0, rows))
    assert points(axes, "o") == [(6, math.log10(4))]
    assert points(axes, "D") == [(18, math.log10(4))]
    assert points(axes, "^") == [(1024, pytest.approx(15 * math.log10(2)))]
    (edges,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(edges.get_ydata(), np.log10([66, 192, 10755]))
    assert axes.get_xscale() == "log"
    assert "number of variables" in axes.get_xlabel()
    assert any("edges of the network" in text.get_text() for text in axes.texts)
    assert any("tree model needs" in text.get_text() for text in axes.texts)
    assert len(named(figure)) == 3


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.interleaved(InterleavedRanks(2, 2, 0, ())),
        lambda: figures.formats(FormatRanks(8, 2, 2, 0, (), ())),
        lambda: figures.perfect_matchings(PerfectMatchingStates(2, 0, ())),
    ],
)
def test_studies_without_rows_are_refused(draw):
    with pytest.raises(TensorRankError, match="an experiment without rows was given"):
        draw()

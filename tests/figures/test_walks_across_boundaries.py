import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.experiments.walks_across import WalkRanks, walk_ranks


def test_a_panel_for_each_graph_with_a_mark_for_each_partition():
    study = walk_ranks(["path:3", "cycle:4"])
    figure, axes = tr.figures.walks(study)
    assert [ax.get_title() for ax in axes] == ["path:3", "cycle:4"]
    marks = [line for line in axes[0].get_lines() if line.get_marker() == "o"]
    # One vertex against all others: w + 1 at width 2.
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(5, 6), (7, 8)]
    (dashed,) = [line for line in axes[0].get_lines() if len(line.get_xdata()) == 2 and line.get_marker() == "None"]
    assert list(dashed.get_ydata()) == [6, 8]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["exact rank", "probable rank", "proven upper bound", "rank of one vertex against all others"]


def test_a_long_name_becomes_a_number_of_vertices():
    study = walk_ranks([[(i, i + 1) for i in range(7)]], depth=1, width=1)
    assert tr.figures.walks(study)[1][0].get_title() == "8 vertices"


def test_nothing_to_draw():
    with pytest.raises(TensorRankError, match="an experiment without rows was given; expected at least one to show"):
        tr.figures.walks(WalkRanks(1, 2, 0, ()))

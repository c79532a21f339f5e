import pytest

import tensorrank as tr
from tensorrank.experiments.squares import SquaredSeparations, squared_separations


def test_known_states_are_whole_lines_and_needed_ones_dashed():
    study = squared_separations([2, 4, 8], ranked=4)
    figure, axes = tr.figures.squared_separations(study)
    known, needed, bound, ranks = axes[0].lines
    assert known.get_ydata().tolist() == [3, 5, 9]
    assert (needed.get_ydata().tolist(), needed.get_linestyle()) == ([4, 11, 37], "--")
    assert bound.get_ydata().tolist() == [6, 15, 45]
    assert list(ranks.get_ydata()) == [4, 11]
    assert [line.get_ydata().tolist() for line in axes[1].lines] == [[5, 9, 17], [4, 11, 97]]
    assert axes[0].get_yscale() == "log"
    assert "latent classes needed at least" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_nothing_is_no_picture():
    with pytest.raises(tr.TensorRankError, match="rows"):
        tr.figures.squared_separations(SquaredSeparations(0, ()))

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.experiments.gates import GateRanks, gate_ranks


def test_a_panel_for_each_cut_with_a_line_for_each_stack_and_size():
    study = gate_ranks([4, 6], depth=1)
    figure, axes = tr.figures.gates(study)
    assert [ax.get_title() for ax in axes] == ["first half against second", "even against odd tokens"]
    lines = [line for line in axes[1].get_lines() if len(line.get_xdata()) == 2]
    assert len(lines) == 6
    # The closed form of one layer: 2 (N - 1) + 1, and 3 without gates made of the inputs.
    for line in lines[:2]:
        np.testing.assert_allclose(line.get_data(), [[4, 6], [7, 11]])
    np.testing.assert_allclose(lines[-1].get_data(), [[4, 6], [3, 3]])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["attention", "constant gates", "selective", "no more parameters than attention", "exact rank"]


def test_nothing_to_draw():
    with pytest.raises(TensorRankError, match="an experiment without rows was given; expected at least one to show"):
        tr.figures.gates(GateRanks(1, 2, 2, 0, ()))

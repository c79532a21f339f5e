import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.experiments.communication import communication_growth
from tensorrank.tasks.disjointness import Disjointness, InnerProduct


def test_a_panel_for_each_task_with_its_curves():
    studies = [
        communication_growth("disjointness", "elements", [1, 2, 3], lambda n: Disjointness(n).communication()),
        communication_growth("whole", "bits", [2, 3], lambda n: InnerProduct(n, modulus=None).communication()),
    ]
    figure, axes = tr.figures.communication_growth(studies)
    assert [ax.get_title() for ax in axes] == ["disjointness", "whole"]
    assert [ax.get_xlabel() for ax in axes] == ["elements", "bits"]
    assert "bits" in axes[0].get_ylabel()
    drawn = {line.get_label(): line for line in axes[0].get_lines()}
    assert len(drawn) == 4
    for line in drawn.values():
        np.testing.assert_allclose(line.get_data(), [[1, 2, 3], [1, 2, 3]])
    assert len(axes[1].get_lines()) == 3  # no decisions, no VC dimension
    assert len(figure.legends[0].get_texts()) == 4


def test_nothing_to_draw():
    with pytest.raises(TensorRankError, match="no growth of a task was given"):
        tr.figures.communication_growth([])

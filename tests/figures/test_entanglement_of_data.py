"""The figure of data at canonical cuts shows what its study says."""

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.experiments.data_cuts import DataCuts

BITS = [[(k >> bit) & 1 for bit in range(3)] * 2 for k in range(8)]


def test_lines_are_means_from_small_blocks_to_halves_and_changes_are_beside_the_order_given():
    data = tr.DataTensor(BITS)
    models = {"attention": tr.SelfAttention(1, 1, tokens=6)}
    study = tr.experiments.data_entanglement(data, orders={"pairs": (0, 3, 1, 4, 2, 5)}, permutations=2, models=models)
    _, (whole, changes) = tr.figures.data_cuts(study)
    given, pairs, permuted = (np.asarray(one.lines[0].get_ydata(), dtype=float) for one in whole.containers)
    attention = np.asarray(whole.lines[-1].get_ydata())
    for shown, family in ((given, "as given"), (pairs, "pairs"), (permuted, "permuted")):
        np.testing.assert_allclose(shown, [study.mean(family, level)[0] for level in (3, 2, 1)])
    np.testing.assert_allclose(attention, np.log(2) * np.ones(3))
    changed = np.asarray(changes.containers[0].lines[0].get_ydata(), dtype=float)
    np.testing.assert_allclose(changed, pairs - given)
    assert [tick.get_text() for tick in whole.get_xticklabels()] == ["1", "1–2", "3"]


def test_a_study_without_rows_is_refused():
    with pytest.raises(TensorRankError, match="an experiment without rows was given"):
        tr.figures.data_cuts(DataCuts("nothing", 2, 0, {}, ()))

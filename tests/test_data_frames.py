"""Results as rows and data frames: columns that stack, whole numbers that stay whole."""

import sys
import warnings
from dataclasses import dataclass

import pandas as pd
import pytest

import tensorrank as tr
from tensorrank.data_frames import Tabular
from tensorrank.errors import TensorRankError

MODELS = [tr.SelfAttention(2, 2), tr.RecurrentCircuit(1, 2, 2, 4), tr.HiddenMarkov.random(2, 2, 4, seed=0)]


def test_ranks_of_different_models_stack():
    ranks = [tr.separation_rank(model, partition) for model in MODELS for partition in ("halves", "interleaved")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = pd.concat([rank.to_pandas() for rank in ranks], ignore_index=True)
    assert list(frame["value"]) == [rank.value for rank in ranks]
    assert list(frame["model"]) == [str(model) for model in MODELS for _ in range(2)]
    assert list(frame["partition"]) == 3 * [(0, 1), (0, 2)]
    assert frame.shape == (6, 17)


def test_a_result_is_one_row_and_a_list_of_results_has_a_row_for_each():
    report = tr.experiments.interleaved_ranks(sites=(4, 6), states=2, symbols=2)
    frame = report.to_pandas()
    assert list(frame["sites"]) == [row.sites for row in report.rows]
    assert list(frame["rank_value"]) == [row.rank.value for row in report.rows]
    assert set(frame["states"]) == {2}
    parts = tr.experiments.level_sizes(depths=(2,), states=2, symbols=2).to_pandas()
    assert {"wholes"} < set(parts["part"])


@dataclass(frozen=True)
class Part(Tabular):
    size: int
    weight: int


@dataclass(frozen=True)
class Whole(Tabular):
    size: int
    parts: tuple[Part, ...]


def test_no_column_of_a_list_takes_the_place_of_another_field():
    whole = Whole(5, (Part(2, 7), Part(3, 8)))
    assert whole.to_rows() == [{"size": 5, "parts_size": 2, "weight": 7}, {"size": 5, "parts_size": 3, "weight": 8}]


def test_whole_numbers_of_any_size_stay_whole():
    known = [tr.separation_rank(tr.SelfAttention(depth, 2, tokens=2)) for depth in (1, 6)]
    frame = pd.concat([rank.to_pandas() for rank in known])
    assert list(frame["value"]) == [rank.value for rank in known]
    large = tr.plan(tr.SelfAttention(12, 12)).to_pandas()
    assert isinstance(large["upper"][0], int)
    assert large["upper"][0] > 2**63


def test_plans_say_of_which_model_and_partition():
    plan = tr.plan(MODELS[0], "interleaved")
    assert (plan.model, plan.partition) == (str(MODELS[0]), (0, 2))
    assert list(plan.to_pandas()["model"]) == [str(MODELS[0])]


def test_reports_say_of_which_model():
    report = tr.HiddenMarkov.fit_report([[0, 1, 0], [1, 1, 0]], states=2, iterations=2, tolerance=0, random_state=0)
    assert report.to_rows()[0]["model"] == str(report.model)
    assert "model" not in report.to_dict()


def test_without_pandas_there_is_a_plain_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(TensorRankError, match=r"pandas cannot be imported .*; try: pip install pandas"):
        tr.plan(MODELS[0]).to_pandas()
    assert tr.plan(MODELS[0]).to_rows()[0]["upper"] == 18

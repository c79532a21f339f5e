"""What the ablation trains and keeps; needs no PyTorch."""

import importlib
import json
import sys
import sysconfig
from dataclasses import asdict
from pathlib import Path

import pytest

from tensorrank import guidelines

FOLDER = Path(__file__).parents[2] / "examples" / "ablation"


@pytest.fixture(scope="module")
def example():
    """The example's modules, as its folder has them."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("text", "plan")}
    finally:
        sys.path.remove(str(FOLDER))


def test_the_text_is_split_by_documents(example):
    trained, held, _ = example["text"].split()
    assert 8 * len(held) < len(trained) < 14 * len(held)
    assert max(trained + held) < len(example["text"].CHARACTERS) == 96


def test_the_text_and_its_mark_are_the_same_each_time_and_others_for_another_library(example, monkeypatch):
    marks = set()
    for part in ("email", "json"):
        folder = Path(sysconfig.get_paths()["stdlib"]) / part
        with monkeypatch.context() as patch:
            patch.setattr(sysconfig, "get_paths", lambda folder=folder: {"stdlib": str(folder)})
            once, again = example["text"].split(), example["text"].split()
        assert once == again
        marks.add(once[2])
    assert len(marks) == 2


@pytest.mark.parametrize(("quick", "depths"), [(True, {1, 2, 3}), (False, {1, 2, 3, 4, 6})])
def test_depths_are_trained_at_about_equal_sizes(example, quick, depths):
    runs = example["plan"].planned(quick, 2)
    assert {run.depth for run in runs} == depths
    assert len({run.name for run in runs}) == len(runs)
    for depth in depths:
        sizes = sorted({run.parameters for run in runs if run.depth == depth})
        assert len(sizes) >= 4
        assert sizes[0] < 10_000
        assert sizes[-1] == pytest.approx(40_000 if quick else 640_000, rel=0.2)
    assert all(run.width % 4 == 0 for run in runs)


def done(run, mark="abc"):
    return {**asdict(run), "parameters": run.parameters, "loss": 2.0 / run.depth, "text": mark, "seconds": 1.0}


def test_only_what_was_trained_alike_is_finished(example, tmp_path):
    plan = example["plan"]
    runs = plan.planned(True, 1)[:4]
    rows = [done(runs[0]), done(runs[1], mark="other"), {**done(runs[2]), "rate": 0.5}]
    for run, row in zip(runs, rows, strict=False):
        (tmp_path / f"{run.name}.json").write_text(json.dumps(row))
    assert plan.finished(runs, tmp_path, "abc") == rows[:1]


def test_the_tables_are_read_back(example, tmp_path):
    plan = example["plan"]
    plan.tables([done(run) for run in plan.planned(True, 2)], tmp_path)
    for kind in plan.KINDS:
        data = guidelines.read_ablation(tmp_path / f"{kind}.csv")
        assert data.depths == (1, 2, 3)
        assert data.rule == 12
        assert all(set(curve.runs) == {2} for curve in data.curves)
        assert data.curves[1].losses[0] == 1.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["softmax.csv", "softmax_free.csv"]

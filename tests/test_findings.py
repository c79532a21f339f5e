"""`study`: all combinations of sizes in one call, kept between calls, as a table, a data frame and pictures."""

import pandas as pd
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError

# Ranks of TWO_TOKENS and of tables computed by other programs: SOURCES.md, section 2.
KNOWN = {(2, 1): 3, (2, 2): 18, (2, 3): 232, (3, 1): 4, (3, 2): 49}


@pytest.fixture(scope="module")
def findings():
    return tr.study(widths=(2, 3), depths=(1, 2))


def test_sizes_are_given_by_their_names_or_plurals(findings):
    assert {(one.model.width, one.model.depth): one.result.value for one in findings} == {
        sizes: KNOWN[sizes] for sizes in ((2, 1), (2, 2), (3, 1), (3, 2))
    }
    assert [one.result for one in tr.study(width=(2, 3), depth=(1, 2))] == [one.result for one in findings]
    with pytest.raises(TensorRankError, match="width and widths are both given; expected one of them"):
        tr.study(width=2, widths=3, depths=1)
    with pytest.raises(TensorRankError, match="SelfAttention has no size 'deptsh'"):
        tr.study(width=2, deptsh=3)


def test_what_was_computed_in_this_process_is_not_computed_again(findings):
    again = tr.study(widths=2, depths=(2, 3))
    assert again[0].fresh is False
    assert [one.result.value for one in again] == [18, KNOWN[2, 3]]


def test_a_store_keeps_ranks(tmp_path):
    path = tmp_path / "study.sqlite"
    assert [one.fresh for one in tr.study(widths=2, depths=2, store=path)] == [True]
    assert [one.fresh for one in tr.study(widths=2, depths=2, store=str(path))] == [False]
    with tr.Store(path) as store:
        assert [one.fresh for one in tr.study(widths=2, depths=2, store=store)] == [False]


def test_the_table_has_the_sizes_that_differ(findings):
    assert findings.table().split("\n")[0].split() == ["width", "depth", "rank", "bound", "standing"]
    few = tr.study(widths=3, depths=2, heads=(1, 3), tokens=(2, 6))
    assert few.table().split("\n")[0].split() == ["heads", "tokens", "rank", "bound", "standing"]
    circuits = tr.study(tr.RecurrentCircuit, depths=(1, 2), hidden=2, channels=2, steps=4)
    assert circuits.table().split("\n")[1].split() == ["1", "2", "2", "exact"]


def test_a_data_frame_has_every_column_with_model_and_result(findings):
    frame = findings.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["value"]) == [3, 18, 4, 49]
    assert frame["model"][3] == tr.SelfAttention(2, 3)
    assert frame["result"][3].by_degree == (3, 18, 21, 6, 1)


@pytest.mark.parametrize("kind", ["rank_vs_depth", "increments", "collapse", "knee"])
def test_pictures_are_made(findings, kind):
    figure, _ = findings.plot(kind)
    assert figure.axes


def test_what_cannot_be_pictured_is_refused(findings):
    with pytest.raises(TensorRankError, match="kind is 'ranks'; expected one of rank_vs_depth, increments, collapse, knee"):
        findings.plot("ranks")
    circuits = tr.study(tr.RecurrentCircuit, depth=1, hidden=2, channels=2, steps=4)
    with pytest.raises(TensorRankError, match="there are no ranks of attention"):
        circuits.plot()


def test_findings_are_a_sequence_that_prints_in_a_line(findings):
    assert len(findings) == 4
    assert len(findings[1:]) == 3
    assert repr(findings) == "Findings(4 ranks, 4 of them exact; table(), to_pandas() and plot() show them)"
    assert findings._repr_html_().count("<tr>") == 5


def test_progress_ends_with_all_ranks_found():
    told = []
    tr.study(widths=2, depths=(1, 2), store=":memory:", progress=lambda *step: told.append(step))
    done, total, words = told[-1]
    assert (done, words) == (total, "2 of 2 ranks")


def test_what_is_no_progress_is_refused():
    with pytest.raises(TensorRankError, match="progress is 1; expected a function of 3 arguments, True or False or None"):
        tr.study(widths=2, depths=1, progress=1)


def test_models_of_any_kinds_are_studied_together():
    chain = tr.HiddenMarkov.random(2, 2, 4, seed=0)
    models = [tr.SelfAttention(2, 2), tr.RecurrentCircuit(2, 2, 2, 4), chain]
    found = tr.study(models, work=1e9)
    assert [one.result.value for one in found] == [tr.separation_rank(model).value for model in models]
    assert found.table().split("\n")[1].split()[:3] == ["attention", "-", "2"]
    assert list(found.to_pandas()["model"]) == models


def test_sizes_beside_models_are_refused():
    with pytest.raises(TensorRankError, match="'widths' was given beside models, which have their sizes; expected one of"):
        tr.study([tr.SelfAttention(2, 2)], widths=2)
    with pytest.raises(TensorRankError, match=r"the model is 3; expected an architecture"):
        tr.study([3])
    with pytest.raises(TensorRankError, match=r"models is 3; expected a list of architectures or mixtures"):
        tr.study(3)

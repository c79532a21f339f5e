"""Studies of ranks that are known by a theorem: nothing is computed, and everything is stored and shown."""

from math import comb

from tensorrank import SelfAttention, Store, Study
from tensorrank.studies.events import BlockFinished, RankStarted
from tensorrank.studies.export import rank_row
from tensorrank.studies.model_key import ModelKey


def test_ranks_of_any_size_are_stored_and_found_again(tmp_path):
    models = [SelfAttention(depth, width, tokens=2) for depth, width in ((3, 2), (96, 12288))]
    known = [comb(width + (3**depth - 1) // 2, width) for depth, width in ((3, 2), (96, 12288))]
    study, events = Study(models, memory="1MiB", work=1.0), []
    with Store(tmp_path / "s.sqlite") as store:
        first = list(study.run(store, events.append))
    with Store(tmp_path / "s.sqlite") as store:
        again = list(study.run(store))
        assert not list(store.blocks())
    assert [(one.result.value, one.result.standing, one.fresh) for one in first] == [(rank, "exact", True) for rank in known]
    assert [(one.result, one.fresh) for one in again] == [(one.result, False) for one in first]
    assert again[1].result.brief() == "3^1077752.66"
    assert "the theorem on two tokens" in again[1].result.reason
    assert not any(isinstance(event, BlockFinished) for event in events)
    assert [event.plan.method for event in events if isinstance(event, RankStarted)] == ["theorem", "theorem"]


def test_a_row_says_by_what_the_rank_is_known():
    (finding,) = Study([SelfAttention(3, 2, tokens=2)]).run(Store(":memory:"))
    row = rank_row(ModelKey.of(finding.model), finding.result)
    assert (row["value"], row["standing"], row["method"]) == (105, "exact", "theorem")
    assert row["reason"].startswith("known by the theorem on two tokens")

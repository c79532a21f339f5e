"""What the summary of a study counts."""

import tensorrank as tr
from tensorrank.studies.summary import Summary


def test_ranks_that_theorems_give_are_told_apart_from_computed_ones():
    """Between two tokens a head of full width has a rank by theorem; of many tokens it is computed."""
    summary = Summary()
    models = [tr.SelfAttention(3, 16, tokens=2), tr.SelfAttention(2, 2)]
    with tr.Store(":memory:") as store:
        list(tr.Study(models).run(store, summary))
    assert (summary.exact, summary.computed, summary.proved) == (2, 2, 1)
    assert summary.lines()[0].endswith("2 computed, 0 from the store; 1 of these known by theorems")
    assert "theorems" not in Summary(exact=2, computed=2).lines()[0]

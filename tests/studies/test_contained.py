"""What is shown of a study: no lower bound below one of a model that is contained."""

from hypothesis import assume, given
from hypothesis import strategies as st
from studies.stored_ranks import rank_of

import tensorrank as tr
from tensorrank import Bipartition, SelfAttention
from tensorrank.studies.contained import raised_findings
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.run import Finding

NETWORKS = st.builds(
    lambda depth, width, heads, tokens, residual: SelfAttention(
        depth, width, heads=heads, head_dim=1, tokens=tokens, residual=residual
    ),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(2, 6),
    st.booleans(),
)


@given(st.lists(st.tuples(NETWORKS, st.integers(1, 30), st.booleans()), min_size=1, max_size=12))
def test_shown_bounds_of_any_study_never_decrease_along_containment(drawn):
    # No upper bound is known but that of exact ranks, which are those of a study only if nothing inside has more.
    findings = [Finding(model, rank_of(value, None, "lower bound")) for model, value, _ in drawn]
    split = {id(one): Bipartition.halves(one.model.sites) for one in findings}

    def inside(larger, smaller):
        return larger.model.contains(split[id(larger)], smaller.model, split[id(smaller)])

    for place, (_, value, exact) in enumerate(drawn):
        if exact and all(one.result.value <= value for one in findings if inside(findings[place], one)):
            findings[place] = one = Finding(findings[place].model, rank_of(value, value))
            split[id(one)] = Bipartition.halves(one.model.sites)
    try:
        shown = raised_findings(findings)
    except tr.TensorRankError:
        # By way of models between, more is inside of an exact rank than was seen above.
        assume(False)
    pairs = [(i, j) for i, one in enumerate(findings) for j, other in enumerate(findings) if inside(one, other)]
    assert all(shown[i].result.lower >= shown[j].result.lower for i, j in pairs)
    assert raised_findings(shown) == shown
    for before, after in zip(findings, shown, strict=True):
        assert after.model is before.model
        assert after.result.upper == before.result.upper
        if after != before:
            assert after.result.value > before.result.value
            sources = [one for one in shown if after.result.reason.startswith(f"contains {one.model}, ")]
            assert after.result.value in [one.result.value for one in sources]


def test_bounds_that_are_not_shown_count_too_and_keys_of_models_are_left_as_they_are():
    wide, narrow = SelfAttention(2, 16), SelfAttention(2, 3)
    shown = [Finding(wide, rank_of(22, 11645, "lower bound")), Finding(ModelKey.of(wide), rank_of(22, 11645, "lower bound"))]
    found = raised_findings(shown, [Finding(narrow, rank_of(49, 49))])
    assert [one.result.value for one in found] == [49, 22]
    assert found[0].result.reason == f"contains {narrow}, whose rank is 49 (exact)"

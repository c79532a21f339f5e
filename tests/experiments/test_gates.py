import json

import pytest

from tensorrank import SelfAttention, TensorRankError, separation_rank
from tensorrank.experiments.gates import gate_ranks


@pytest.fixture(scope="module")
def two_layers():
    return gate_ranks([2, 4], depth=2, work=5e7)


def test_one_layer_has_the_ranks_of_its_closed_form():
    study = gate_ranks([4, 6, 7], depth=1, width=3, head_dim=2)
    for equal in ("state", "parameters"):
        for cut, runs in (("halves", [2, 2, 2]), ("interleaved", [4, 6, 7])):
            assert [row.rank.value for row in study.of("attention", equal, cut)] == [3, 3, 3]
            assert [row.rank.value for row in study.of("constant gates", equal, cut)] == [3, 3, 3]
            assert [row.rank.value for row in study.of("selective", equal, cut)] == [2 * (n - 1) + 1 for n in runs]


def test_attention_is_causal_attention_without_softmax(two_layers):
    for cut in ("halves", "interleaved"):
        found = [row.rank.value for row in two_layers.of("attention", "state", cut)]
        assert found == [separation_rank(SelfAttention(2, 2, tokens=n, causal=True), cut).value for n in (2, 4)]


def test_stacks_have_states_as_large_as_those_of_attention_or_no_more_parameters(two_layers):
    (attention,) = {row.model.state_size for row in two_layers.rows if row.stack == "attention"}
    assert {row.state_size for row in two_layers.rows if row.equal == "state"} == {attention} == {8}
    assert {row.parameters for row in two_layers.rows if row.stack == "attention"} == {4 * 2 * 2 * 2}
    assert max(row.parameters for row in two_layers.rows if row.equal == "parameters") == 4 * 2 * 2 * 2
    gates = {row.stack: row.model.layer_gates for row in two_layers.rows}
    assert gates["attention below"] == ("none", "inputs")
    assert gates["attention above"] == ("inputs", "none")


def test_a_stack_that_has_no_such_size_is_left_out():
    assert {row.stack for row in gate_ranks([2], depth=1, width=1, head_dim=1).rows if row.equal == "parameters"} == {
        "attention"
    }


def test_a_rank_that_is_cut_is_no_less_than_that_of_fewer_tokens():
    fewer, more = gate_ranks([4, 5], depth=2, work=2e7).of("selective", "state", "interleaved")
    assert more.rank.standing == "lower bound"
    assert fewer.rank.lower <= more.rank.lower


def test_progress_names_the_stacks_and_rows_are_plain_values():
    seen = []
    study = gate_ranks([3], depth=1, progress=lambda *step: seen.append(step[-1]))
    assert {"attention, 3 tokens", "selective, 3 tokens"} <= set(seen)
    row = json.loads(json.dumps(study.to_dict()))["rows"][0]
    assert (row["stack"], row["tokens"], row["parameters"], row["state_size"]) == ("attention", 3, 16, 4)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(TensorRankError, match="one of the numbers of tokens is 1; expected a whole number from 2 to 100"):
        gate_ranks([1, 4])
    with pytest.raises(TensorRankError, match="no numbers of tokens were given; expected at least one"):
        gate_ranks([])
    with pytest.raises(TensorRankError, match="head_dim is 0; expected a whole number of at least 1"):
        gate_ranks([4], head_dim=0)

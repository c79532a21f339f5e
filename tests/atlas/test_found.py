"""What was found elsewhere as entries: saved results in both forms, other atlases, stores."""

import json

import pytest
from atlas.made import NETWORK, entry_of
from studies.stored_ranks import LIMITS, rank_of

import tensorrank as tr
from tensorrank.atlas.files import write
from tensorrank.atlas.found import saved_entries, stored_entries
from tensorrank.errors import TensorRankError

CIRCUIT = tr.ConvolutionalCircuit(4, channels=2, widths=(2, 2), pooling=[[[0, 1], [2, 3]], [[0, 1]]])


def saved(values, folder):
    path = folder / "rank.json"
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(
    ("model", "partition"),
    [
        (tr.SelfAttention(2, 2, heads=2, residual=True), "interleaved"),
        (tr.RecurrentCircuit(1, 2, 2, 4), [0, 3]),
        (CIRCUIT, [1, 2]),
    ],
)
def test_a_result_that_was_saved_is_an_entry(model, partition, tmp_path):
    rank = tr.separation_rank(model, partition)
    (entry,) = saved_entries(saved(rank.to_dict(), tmp_path), "a test")
    assert (entry.model, entry.partition.a, entry.rank, entry.version) == (model, rank.partition, rank, None)
    (entry,) = saved_entries(saved({"version": "0.1.0", **rank.to_dict()}, tmp_path), "a test")
    assert entry.version == "0.1.0"


def test_another_atlas_keeps_its_sources(tmp_path):
    write([entry_of(NETWORK, 18, source="somewhere")], tmp_path / "other.json")
    assert [entry.source for entry in saved_entries(tmp_path / "other.json", "a test")] == ["somewhere"]


RANK = tr.SeparationRank.from_dict({**rank_of(18, 18).to_dict(), "model": str(NETWORK), "partition": [0, 1]}).to_dict()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1], "was given; expected the store of a study, a result"),
        ({"depth": 2}, "was given; expected the store of a study, a result"),
        ({**RANK, "model": None}, "does not say of which model and partition it is"),
        ({**RANK, "partition": None}, "does not say of which model and partition it is"),
        ({**RANK, "model": "Attention(depth=2)"}, "the model is 'Attention.depth=2.'; expected one as Python writes it"),
        ({**RANK, "model": "SelfAttention(2, 2)"}, "expected one as Python writes it, of the classes SelfAttention"),
        ({**RANK, "model": "SelfAttention(depth=exit(), width=2)"}, "expected one as Python writes it"),
        ({**RANK, "model": "(" * 500}, "expected one as Python writes it"),
        ({**RANK, "model": "SelfAttention(depth=2, width=0)"}, "width is 0; expected a whole number of at least 1"),
        ({**RANK, "model": {"kind": "softmax", "depth": 1}}, "the kind is 'softmax'; expected one of attention"),
        ({**RANK, "partition": [[0, 1], [2]]}, "the partition covers 3 sites; the model has 4"),
        ({**RANK, "partition": [[0, 1], 2]}, "a result was given whose partition is"),
        ({**RANK, "value": 19}, "a rank of 19 was called exact"),
        ({**RANK, "version": 3}, "version is 3; expected a text"),
    ],
)
def test_what_is_no_result_is_named_with_its_file(values, message, tmp_path):
    with pytest.raises(TensorRankError, match=rf"rank.json: .*({message})"):
        saved_entries(saved(values, tmp_path), "a test")


def test_a_store_gives_entries_and_says_what_it_left_out():
    with tr.Store(":memory:") as store:
        store.put(NETWORK, rank_of(18, 18), LIMITS)
        for states in (2, 3):
            store.put(tr.HiddenMarkov.random(states, 2, 4, seed=0), rank_of(2, 4, "probable"), LIMITS)
        entries, left_out = stored_entries(store, "a study")
    assert [(entry.model, entry.rank.value, entry.source) for entry in entries] == [(NETWORK, 18, "a study")]
    assert left_out == ["2 ranks of kind hidden_markov, whose tables are not in the store"]

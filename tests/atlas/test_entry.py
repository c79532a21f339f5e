"""Entries of an atlas: what they hold, how they are written, what they refuse."""

import json
from dataclasses import replace

import numpy as np
import pytest
from atlas.made import NETWORK, entry_of

import tensorrank as tr
from tensorrank.atlas.entry import Entry, question
from tensorrank.errors import PartitionError, TensorRankError

HALVES = tr.Bipartition.halves

MODELS = [
    NETWORK,
    tr.SelfAttention(2, 4, heads=4, kv_heads=2, head_dim=3, residual=True, embedding_rank=2, positional=True, tokens=5),
    tr.SelfAttention(2, 2, tokens=4, causal=True, output_token=2),
    tr.RecurrentCircuit(2, 3, 3, 12),
    tr.ConvolutionalCircuit(4, channels=2, widths=(2, 3), pooling=[[[0, 2], [1, 3]], [[0, 1]]], shared=True),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_an_entry_goes_through_json_and_comes_back(model):
    entry = entry_of(model, 3**80, "lower bound")
    entry = replace(entry, partition=tr.Bipartition.of(model.sites, [model.sites - 1]))
    again = Entry.from_dict(json.loads(json.dumps(entry.to_dict())))
    assert again == entry
    assert again.model == model
    assert again.key == entry.key
    assert (again.version, again.source, again.rank.seconds) == (entry.version, entry.source, entry.rank.seconds)


def test_a_computed_rank_comes_back_with_all_that_it_rests_on():
    rank = tr.separation_rank(tr.SelfAttention(2, 2, heads=2))
    entry = Entry(tr.SelfAttention(2, 2, heads=2), HALVES(4), rank, tr.__version__, "a test")
    again = Entry.from_dict(entry.to_dict())
    assert again.rank == rank
    assert (again.rank.engines, again.rank.seconds) == (rank.engines, rank.seconds)


def test_the_key_is_one_of_the_question_not_of_how_it_is_put():
    network = tr.SelfAttention(2, 3, tokens=20, output_token=3)
    assert question(network, "interleaved") == question(tr.SelfAttention(2, 3)) == question(tr.SelfAttention(2, 3), [0, 2, 4])
    circuit = tr.RecurrentCircuit(1, 2, 2, 4)
    assert question(circuit, [0, 3]) == question(circuit, [1, 2]) != question(circuit)
    assert question(tr.RecurrentCircuit(1, 2, 2, 6)) != question(circuit)


def test_a_numerical_rank_is_no_entry():
    found = tr.numerical_separation_rank(tr.NumericalModel(lambda x: x[:, 0] * x[:, 1], 2), samples=8)
    with pytest.raises(TensorRankError, match="a rank called numerical was given; expected one that is exact, probable"):
        Entry(NETWORK, HALVES(4), found)


def test_what_rounding_leaves_of_given_weights_is_no_part_of_an_entry():
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape) for name, (_, shape) in tr.SelfAttention(3, 2).shapes.items()}
    rank = tr.separation_rank(tr.SelfAttention(3, 2), weights=weights)
    assert rank.numerical is not None
    assert Entry(tr.SelfAttention(3, 2), HALVES(4), rank).rank.numerical is None


def test_ranks_by_degree_add_up():
    assert entry_of(NETWORK, 18, by_degree=(2, 6, 6, 3, 1)).rank.by_degree == (2, 6, 6, 3, 1)
    with pytest.raises(
        TensorRankError, match=r"the ranks by degree of SelfAttention\(depth=2, .*\) add up to 17; expected its rank, 18"
    ):
        entry_of(NETWORK, 18, by_degree=(2, 6, 6, 2, 1))


def test_a_partition_that_does_not_fit_is_refused():
    with pytest.raises(PartitionError, match="the partition covers 6 sites; the model has 4"):
        Entry(NETWORK, HALVES(6), entry_of(NETWORK, 18).rank)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"kind": "atention"}}, "the kind is 'atention'; expected one of attention, .*did you mean 'attention'"),
        ({"model": {"kind": "attention", "depth": 2}}, "attention: missing a required argument: 'width'"),
        ({"model": {"kind": "attention", "depth": 2, "width": 0}}, "width is 0; expected a whole number of at least 1"),
        ({"model": {"depth": 2, "width": 2}}, "the kind is None; expected one of"),
        ({"model": [1]}, r"an entry was given whose model is \[1\]; expected a dictionary"),
        ({"partition": "halves"}, "an entry was given whose partition is 'halves'; expected a list of whole numbers"),
        ({"partition": [9]}, "the partition names site 9; the model has sites 0 to 3"),
        ({"rank": 18}, "an entry was given whose rank is 18; expected a record"),
        ({"source": None}, "an entry was given whose source is None; expected a text"),
        ({"weight": 1}, r"missing or unknown names was given \(weight\)"),
    ],
)
def test_what_is_wrong_in_a_written_entry_is_named(changes, message):
    with pytest.raises(TensorRankError, match=message):
        Entry.from_dict({**entry_of(NETWORK, 18).to_dict(), **changes})


def test_what_is_wrong_in_the_rank_of_a_written_entry_is_named():
    values = entry_of(NETWORK, 18).to_dict()
    with pytest.raises(TensorRankError, match=r"a result was given whose value is 1\.5; expected a whole number"):
        Entry.from_dict({**values, "rank": {**values["rank"], "value": 1.5}})
    with pytest.raises(TensorRankError, match="a rank of 17 was called exact, but its bounds are 18 and 18"):
        Entry.from_dict({**values, "rank": {**values["rank"], "value": 17}})

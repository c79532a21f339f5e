"""Studies of circuits and mixtures: what they find is known by theorem or by brute force, however often they die."""

import json
import signal
import subprocess
import sys
from math import comb, prod
from pathlib import Path

import flint
import pytest
from mixtures.brute_force import hidden_markov_table, latent_class_table
from studies.other_kinds import circuits, hidden_markov, mixtures

import tensorrank as tr
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.export import export
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.sweep import combinations

PROGRAM = Path(__file__).with_name("other_kinds.py")


def by_theorem(circuit):
    """The rank between the halves for almost all weights."""
    if isinstance(circuit, tr.RecurrentCircuit):
        # Levine et al. 2017: as many functions of the states as there are, if the inputs can tell them apart.
        half, units = circuit.steps // 2, circuit.hidden
        states = units if circuit.depth == 1 else units * comb(units + half - 1, half)
        return min(states, circuit.channels**half)
    if circuit.pooling == "neighbours":
        # Cohen and Shashua 2017: the halves meet in the channels of the last level alone,
        return circuit.widths[-1]
    # and here in every window of the first level.
    return min(circuit.widths[0], circuit.channels) ** (circuit.sites // 2)


def by_brute_force(mixture):
    """The rank over fractions of the unfolding that keeps the first half of the variables, by FLINT."""
    table = {tr.HiddenMarkov: hidden_markov_table, tr.LatentClass: latent_class_table}[type(mixture)](mixture)
    rows = prod(table.shape[: table.ndim // 2])
    return flint.fmpq_mat(rows, table.size // rows, [flint.fmpq(*x.as_integer_ratio()) for x in table.flat]).rank()


MODELS = {"circuits": (circuits, by_theorem), "mixtures": (mixtures, by_brute_force)}


@pytest.mark.parametrize("workers", [(), ("2",)])
@pytest.mark.parametrize(("which", "blocks"), [("circuits", 2), ("mixtures", 3)])
def test_a_study_killed_again_and_again_finds_what_is_known_and_computes_no_block_twice(which, blocks, workers, tmp_path):
    path, runs = tmp_path / "study.sqlite", 0
    while True:
        command = [sys.executable, str(PROGRAM), which, str(path), str(blocks), *workers]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        if done.returncode != -signal.SIGKILL:
            break
        runs += 1
        with tr.Store(path, read_only=True) as store:
            # All blocks that were told of; on workers others may be finished that were not.
            assert len(list(store.blocks())) == blocks * runs
    assert done.returncode == 0, done.stderr
    models, known = MODELS[which]
    found = json.loads(done.stdout)
    assert found["values"] == list(map(known, models()))
    with tr.Store(path, read_only=True) as store:
        assert len(list(store.blocks())) == blocks * runs + found["computed"]
        assert len(list(store)) == len(models())
    assert runs >= 2


def test_a_rerun_computes_nothing_and_gives_the_same_results():
    models = [*circuits(), *mixtures()]
    with tr.Store(":memory:") as store:
        first = list(tr.Study(models).run(store))
        told = []
        again = list(tr.Study(models).run(store, told.append))
        assert [finding.model for finding in again] == models
        assert [finding.result for finding in again] == [finding.result for finding in first]
        assert not any(isinstance(event, BlockFinished) for event in told)


def test_mixtures_of_equal_sizes_and_other_tables_are_different_models():
    one, other = hidden_markov(1, 2), hidden_markov(2, 2)
    keys = [ModelKey.of(model) for model in (one, other)]
    assert [key.values["parameters"] for key in keys] == [7, 7]
    assert keys[0] != keys[1]
    assert keys[0] == ModelKey.of(hidden_markov(1, 2))
    assert len(tr.Study([one, other, hidden_markov(1, 2)]).models) == 2


def test_gaussian_components_tell_mixtures_apart():
    def mixture(mean):
        components = tr.Gaussians([[0.0, mean]] * 2, [[1.0, 1.0]] * 2)
        return tr.LatentClass([0.5, 0.5], [[[0.9, 0.1], [0.2, 0.8]]] * 2, densities=components)

    assert ModelKey.of(mixture(1.0)) != ModelKey.of(mixture(2.0))
    assert ModelKey.of(mixture(1.0)) == ModelKey.of(mixture(1.0))


def test_sizes_that_do_not_go_together_are_left_out_with_the_reason():
    widths = {"sites": (4, 8), "channels": 2, "widths": [(2, 2), (2, 2, 2)]}
    models, left_out = combinations(tr.ConvolutionalCircuit, widths)
    assert [(model.sites, len(model.widths)) for model in models] == [(4, 2), (8, 2), (8, 3)]
    assert left_out == ["3 levels were asked for, but 2 pool all 4 sites; give at most so many widths"]


def test_one_store_keeps_models_of_several_kinds(tmp_path):
    models = [tr.SelfAttention(2, 2), tr.RecurrentCircuit(1, 2, 2, 4), hidden_markov(1, 2)]
    with tr.Store(tmp_path / "s.sqlite") as store:
        list(tr.Study(models).run(store))
    with tr.Store(tmp_path / "s.sqlite") as store:
        assert {key.kind: stored.result.value for key, stored in store} == {"attention": 18, "recurrent": 2, "hidden_markov": 2}
        assert tr.SelfAttention(**next(key for key, _ in store if key.kind == "attention").values) == models[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 2], [1, None, 2]),
        ([1, 2.5], [1.0, 2.5]),
        ([1, "x", None], ["1", "x", None]),
        ([True, 1], ["True", "1"]),
        ([1, 2**70], ["1", str(2**70)]),
        ([[1, 2], 3], ["1 2", "3"]),
        ([None, None], [None, None]),
    ],
)
def test_a_size_of_several_types_is_exported_as_text(tmp_path, values, expected):
    parquet = pytest.importorskip("pyarrow.parquet")
    export([{"size": value} for value in values], ["size"], tmp_path / "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet")["size"].to_pylist() == expected

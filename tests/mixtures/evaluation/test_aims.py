import itertools

import numpy as np
import pytest

from tensorrank.mixtures.evaluation import aims as aims_module
from tensorrank.mixtures.evaluation.aims import Aims
from tensorrank.mixtures.evaluation.circuit import Products
from tensorrank.mixtures.evaluation.inference import ObservedCodes, log_component_derivatives, log_derivatives, log_values
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.sum_product.model import SumProduct

MODELS = [HiddenMarkov.random(2, 3, 4, seed=0), SumProduct.random(4, 3, seed=1)]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_an_aim_multiplies_one_entry(model, monkeypatch):
    # The oracle is the circuit whose table has this entry, in one block only, multiplied by 1 + e^10.
    monkeypatch.setattr(aims_module, "LOG_ENLARGED", 10.0)
    circuit, rng = model.circuit, np.random.default_rng(0)
    blocks = [number for number, block in enumerate(circuit.blocks) if not isinstance(block, Products)]
    places = [(number, *place) for number in blocks for place in np.ndindex(circuit.float_tables[number].shape)]
    aims = Aims(*np.array(places).T)
    inputs = [np.log(rng.random((k, len(places)))) for k in model.shape]
    values = log_values(circuit, inputs, aims)
    slots = log_derivatives(circuit, values, aims)
    derivatives = log_component_derivatives(circuit, slots, model.shape, aims)
    for row, (number, slot, entry) in enumerate(places):
        tables = [np.array(table) for table in circuit.float_tables]
        tables[number][slot, entry] *= 1 + np.exp(10.0)
        changed, at = circuit.with_tables(tables), [one[:, row : row + 1] for one in inputs]
        expected = log_values(changed, at)
        assert values[-1, row] == pytest.approx(expected[-1, 0], rel=1e-12)
        by_component = log_component_derivatives(changed, log_derivatives(changed, expected), model.shape)
        for site, found in enumerate(derivatives):
            assert found[:, row] == pytest.approx(by_component[site][:, 0], rel=1e-12)


def test_an_aim_at_a_leaf_of_an_observed_value(monkeypatch):
    monkeypatch.setattr(aims_module, "LOG_ENLARGED", 10.0)
    circuit = MODELS[0].circuit
    rows = np.array(list(itertools.product(range(3), repeat=4)))
    aims = Aims(*(np.full(len(rows), number) for number in (0, 1, 2)))
    one_hot = [np.log(np.eye(3)[column].T + 1e-320) for column in rows.T]
    observed = [ObservedCodes(np.ascontiguousarray(column)) for column in rows.T]
    assert log_values(circuit, observed, aims)[-1] == pytest.approx(log_values(circuit, one_hot, aims)[-1], rel=1e-9)

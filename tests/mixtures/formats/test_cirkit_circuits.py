"""Circuits of cirkit, evaluated by cirkit and by ours; none of it is needed where cirkit is not installed."""

import sys
import types

import numpy as np
import pytest
from mixtures.brute_force import all_states

import tensorrank as tr
from tensorrank.errors import TensorRankError

SITES, SYMBOLS = 4, 3


def test_without_cirkit_it_is_said_how_to_install_it(monkeypatch):
    for name in ("cirkit", *(name for name in sys.modules if name.startswith("cirkit."))):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: tr.from_cirkit(None), lambda: tr.to_cirkit(tr.SumProduct.random(3, 2, 0))):
        with pytest.raises(TensorRankError, match=r"^cirkit cannot be imported .* pip install git\+https://.*/cirkit"):
            call()


def test_what_is_no_sum_product_network_is_refused_before_cirkit_is_looked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "cirkit", types.ModuleType("cirkit"))
    with pytest.raises(TensorRankError, match=r"type LatentClass was given; expected a SumProduct: reduce\(model"):
        tr.to_cirkit(tr.LatentClass.random([2, 2], 2, 0))
    with pytest.raises(TensorRankError, match="variable 1 has one value; expected at least two"):
        tr.to_cirkit(tr.reduce(tr.LatentClass.random([2, 1], 2, 0), "sum_product"))
    with pytest.raises(TensorRankError, match="to is 'tree'; expected one of sum-product, network"):
        tr.from_cirkit(None, to="tree")


@pytest.fixture
def compiled():
    """Compile a circuit of a random region graph of cirkit, as `from_cirkit` takes it unless options say otherwise."""
    pytest.importorskip("cirkit.symbolic", reason="cirkit is not installed")
    torch = pytest.importorskip("torch")
    from cirkit.pipeline import PipelineContext
    from cirkit.templates.region_graph.algorithms import RandomBinaryTree
    from cirkit.templates.utils import Parameterization, name_to_input_layer_factory, parameterization_to_factory

    def make(inputs="categorical", activation="softmax", repetitions=1, products="cp", classes=1, **options):
        torch.manual_seed(0)
        graph = RandomBinaryTree(SITES, depth=None, num_repetitions=repetitions, seed=1)
        weights = parameterization_to_factory(Parameterization(activation=activation, initialization="normal"))
        sizes = {"embedding": {"num_states": SYMBOLS}, "gaussian": {}}.get(inputs, {"num_categories": SYMBOLS})
        symbolic = graph.build_circuit(
            input_factory=name_to_input_layer_factory(inputs, **sizes),
            sum_weight_factory=weights,
            num_input_units=2,
            num_sum_units=2,
            sum_product=products,
            num_classes=classes,
        )
        chosen = {"fold": False, "optimize": False, **options}
        return PipelineContext(backend="torch", semiring="sum-product", **chosen).compile(symbolic)

    return make


def values(circuit, sites=SITES, symbols=SYMBOLS):
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        return circuit(torch.tensor(all_states((symbols,) * sites))).reshape(-1).double().numpy()


@pytest.mark.parametrize("products", ["cp", "cp-t", "tucker"])
@pytest.mark.parametrize("repetitions", [1, 3])
def test_a_circuit_without_negative_numbers_has_the_probabilities_that_cirkit_gives(products, repetitions, compiled):
    theirs = compiled(products=products, repetitions=repetitions)
    ours = tr.from_cirkit(theirs)
    table = values(theirs)
    np.testing.assert_allclose(ours.probability(all_states((SYMBOLS,) * SITES)), table / table.sum(), rtol=1e-4)
    for cut in ([0], [0, 1], "interleaved"):
        assert tr.separation_rank(ours, cut).value <= SYMBOLS**2


@pytest.mark.parametrize("products", ["cp", "cp-t", "tucker"])
def test_a_circuit_of_any_signs_has_the_values_that_cirkit_gives_and_their_ranks(products, compiled):
    theirs = compiled(inputs="embedding", activation="none", products=products)
    network, table = tr.from_cirkit(theirs, to="network"), values(theirs)
    np.testing.assert_allclose(network.contract().ravel(), table, rtol=1e-4, atol=1e-4 * np.abs(table).max())
    matrix = table.reshape(SYMBOLS**2, SYMBOLS**2)
    assert tr.separation_rank(network, "halves").value == np.linalg.matrix_rank(matrix, rtol=1e-5)
    with pytest.raises(TensorRankError, match="has the negative entry"):
        tr.from_cirkit(theirs)


def test_a_sum_product_network_and_back_is_the_density_that_it_was(compiled):
    torch = pytest.importorskip("torch")
    from cirkit.pipeline import PipelineContext

    ours = tr.SumProduct.random(5, symbols=2, seed=0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        context = PipelineContext(backend="torch", semiring="sum-product", fold=False, optimize=False)
        theirs = context.compile(tr.to_cirkit(ours))
        expected = ours.probability(all_states((2,) * 5))
        np.testing.assert_allclose(values(theirs, 5, 2), expected, rtol=1e-12)
        back = tr.from_cirkit(theirs)
    finally:
        torch.set_default_dtype(before)
    np.testing.assert_allclose(back.probability(all_states((2,) * 5)), expected, rtol=1e-12)


def test_a_region_graph_of_cirkit_is_read_and_one_of_ours_is_read_by_cirkit(tmp_path):
    pytest.importorskip("cirkit.symbolic", reason="cirkit is not installed")
    from cirkit.templates.region_graph import RegionGraph
    from cirkit.templates.region_graph.algorithms import RandomBinaryTree

    path, again = str(tmp_path / "theirs.json"), str(tmp_path / "ours.json")
    RandomBinaryTree(8, depth=None, num_repetitions=2, seed=0).dump(path)
    ours = tr.RegionGraph.load(path)
    ours.save(again)
    theirs = RegionGraph.load(again)
    assert theirs.num_variables == ours.sites == 8
    assert sorted(map(list, (node.scope for node in theirs.region_nodes))) == sorted(map(list, ours.regions.values()))
    assert ours.sum_product(2, 2, 0).sites == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fold": True}, r"layer 0 is \d+ layers folded into one; expected .*fold=False, optimize=False"),
        ({"optimize": True, "products": "tucker"}, "is a TorchTuckerLayer; expected sums and Hadamard or Kronecker products"),
        ({"inputs": "gaussian"}, "is a TorchGaussianLayer; expected categorical or embedding inputs"),
        ({"classes": 3}, "the output, has 3 units; expected one value: a circuit of one class"),
    ],
)
def test_circuits_that_are_folded_optimised_or_of_other_inputs_are_refused(options, message, compiled):
    with pytest.raises(TensorRankError, match=message):
        tr.from_cirkit(compiled(**options))


def test_a_symbolic_circuit_has_no_values(compiled):
    with pytest.raises(
        TensorRankError, match="a symbolic circuit was given, whose parameters have no values; expected Pipeline"
    ):
        tr.from_cirkit(tr.to_cirkit(tr.SumProduct.random(3, 2, 0)))
    with pytest.raises(TensorRankError, match="type int was given; expected a compiled circuit of cirkit"):
        tr.from_cirkit(3)

"""What architectures offer: nothing that takes time is a property, and nobody evaluates one to know what a thing is."""

import sys

import numpy as np
import pytest

from tensorrank import (
    Bipartition,
    ConvolutionalCircuit,
    RecurrentCircuit,
    SelfAttention,
    SumProduct,
    TensorRankError,
    separation_rank,
)
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.architecture import Architecture, Instance, Model, as_architecture
from tensorrank.separation.plan import plan

LARGE = [
    SelfAttention(60, 256, heads=4, residual=True),
    RecurrentCircuit(40, hidden=64, channels=64, steps=2_000),
    ConvolutionalCircuit(1024, channels=8, widths=(8,) * 10),
    TensorTrain.random((2,) * 500, 4, seed=0).architecture(),
    SumProduct.perfect_matchings(64, 2, seed=0).architecture(),
]


class Watched(Architecture):
    """The product of two sites, which notes what it is asked."""

    def __init__(self):
        object.__setattr__(self, "asked", [])

    def __getattribute__(self, name):
        if not name.startswith("_") and name != "asked":
            self.asked.append(name)
        return super().__getattribute__(name)

    @property
    def sites(self):
        return 2

    @property
    def weight_degree(self):
        return 0

    @property
    def input_degree(self):
        return 2

    @property
    def parameters(self):
        raise AssertionError("nobody asked for the parameters")

    def value_work(self, partition):
        assert partition == Bipartition((1,), (0,))
        return 1.0

    def draw(self, field, rng, weights=None):
        return Product(field)


class Product(Instance):
    def __init__(self, field):
        self.field = field

    def sample(self, sites, count, rng):
        return self.field.random((count, len(sites)), rng)

    def grid(self, partition, rows, columns, memory=None):
        return rows * columns.T % self.field.prime


def test_to_be_an_architecture_is_asked_of_the_class_alone():
    model = Watched()
    assert isinstance(model, Architecture)
    assert isinstance(model, Model)
    assert model.asked == []


@pytest.mark.parametrize("function", [plan, separation_rank])
def test_a_plan_and_a_rank_ask_for_the_work_of_a_value_once_and_for_no_property_that_they_do_not_need(function):
    model = Watched()
    function(model, Bipartition((1,), (0,)))
    assert model.asked.count("value_work") == 1
    properties = {name for name in model.asked if isinstance(getattr(Watched, name, None), property)}
    assert properties <= {"sites", "site_names", "weight_degree", "input_degree"}


@pytest.mark.parametrize("model", LARGE, ids=lambda model: type(model).__name__)
def test_no_property_of_an_architecture_computes(model):
    calls = []
    for name in ("sites", "weight_degree", "input_degree", "values_share"):
        sys.setprofile(lambda frame, event, argument: calls.append(event) if event == "call" else None)
        try:
            getattr(model, name)
        finally:
            sys.setprofile(None)
    assert len(calls) < 40


def test_what_an_architecture_need_not_offer_has_defaults():
    model = Watched()
    partition = Bipartition.halves(2)
    assert (model.rank_bound(partition), model.generic_lower_bound(partition), model.moment_form()) == (None, 0, None)
    instance = model.draw(None, np.random.default_rng(0))
    assert instance.input_count((0,)) is None
    for asked in (lambda: instance.inputs((0,), np.arange(2)), lambda: instance.moment_values(np.zeros((1, 1, 1)))):
        with pytest.raises(NotImplementedError):
            asked()


def test_a_class_without_what_is_needed_is_no_architecture():
    class Nothing(Architecture):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


@pytest.mark.parametrize("model", [SelfAttention(2, 2), TensorTrain.random((2, 2), 2, seed=0)], ids=str)
def test_a_model_gives_its_architecture(model):
    assert isinstance(as_architecture(model), Architecture)


@pytest.mark.parametrize("function", [plan, separation_rank])
def test_a_class_is_told_to_be_made_first(function):
    with pytest.raises(TensorRankError, match="the class SelfAttention was given; expected one of its instances"):
        function(SelfAttention)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("steps", [2, 3, 7])
def test_the_degree_of_a_recurrent_circuit_in_its_weights_is_that_of_its_recursion(depth, steps):
    def degree(layer, step):
        if layer < 0 or step == 0:
            return 0 if layer < 0 else 1
        return degree(layer, step - 1) + degree(layer - 1, step) + 2

    assert RecurrentCircuit(depth, 2, 2, steps).weight_degree == degree(depth - 1, steps) + 1


def test_the_work_of_a_value_belongs_to_the_partition():
    # In halves a train's grid is one product of two matrices of rank 2; interleaved it is one of rank 16.
    work = TensorTrain.random((2,) * 8, 2, seed=0).architecture().value_work
    assert work(Bipartition.halves(8)) < work(Bipartition.interleaved(8))

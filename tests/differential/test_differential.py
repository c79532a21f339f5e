"""Some seconds of `make differential`: a few questions of every kind, and the questions themselves."""

from types import SimpleNamespace

import numpy as np
import pytest
from differential import engines, failure_probabilities
from differential.__main__ import COMPARISONS
from differential.architectures import bounds_held
from differential.comparison import WrongError, held

import tensorrank as tr
from tensorrank.arithmetic.elimination.engine_choice import ENGINES
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.studies.model_key import ModelKey

# Primes drawn in every run are aimed at by many questions, which take next to no time.
MANY = {"multiples of random primes": 200, "mixtures apart by random primes": 200}
# As many of a family take some ten seconds, and are spread evenly over it.
MANY |= {"engines": 45}
# Each of these questions is asked with many seeds.
FEW = dict.fromkeys((one.name for one in failure_probabilities.COMPARISONS), 3)


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda one: one.name)
def test_what_the_library_says_is_true(comparison):
    told = [comparison.case(0, number) for number in range((MANY | FEW).get(comparison.name, 12))]
    assert any(told)


def test_a_false_rank_is_found_out():
    found = tr.separation_rank(tr.TensorNetwork((tr.Tensor("a", ("x", "y"), [[1, 0], [0, 1]]),), ("x", "y")))
    assert held(found, 2, "the identity") == "exact"
    with pytest.raises(WrongError, match=r"the upper bound is too small.*the identity"):
        held(found, 3, "the identity")
    with pytest.raises(WrongError, match=r"the lower bound is too large.*the identity"):
        held(found, 1, "the identity")


@pytest.mark.parametrize("comparison", failure_probabilities.COMPARISONS, ids=lambda one: one.name)
def test_a_printed_probability_that_leaves_out_unlucky_primes_is_found_out(comparison, monkeypatch):
    monkeypatch.setattr("tensorrank.arithmetic.primes.PrimeRange.unlucky", lambda primes, bits: 1e-9)
    monkeypatch.setattr("tensorrank.mixtures.reductions.field_comparison._unlucky", lambda numerator, excluded: 1e-9)
    with pytest.raises(WrongError, match=r"answers are .*; the probability printed is "):
        [comparison.case(0, number) for number in range(12)]


def test_the_family_that_engines_are_compared_over_has_every_variant():
    models = engines.family()
    assert len(models) > 3000
    assert len({ModelKey.of(model).text for model in models}) == len(models)
    for part in (models, models[: MANY["engines"]]):
        attention = [model for model in part if isinstance(model, tr.SelfAttention)]
        assert {model.kind for model in part} == {"attention", "recurrent", "convolutional"}
        assert {model.depth for model in attention} >= {1, 2, 3}
        assert {model.width for model in attention} >= {1, 2, 3}
        assert {model.tokens // 2 < model.width for model in attention} == {True, False}
        for variant in ("residual", "causal", "positional"):
            assert {getattr(model, variant) for model in attention} == {True, False}
        assert {model.embedding_rank for model in attention} >= {None, 1}
        assert any(model.kv_heads < model.heads for model in attention)


@pytest.mark.parametrize("name", ["bytes", "float32"])
def test_an_engine_with_a_false_product_is_found_out(name, monkeypatch):
    kind = ENGINES[name]
    if (obstacle := kind.obstacle(PrimeField(251))) is not None:
        pytest.skip(obstacle)
    monkeypatch.setattr(kind, "multiply", lambda engine, left, right: np.ones((len(left), right.shape[1]), engine.kinds[2]))
    # Nearly every false product leaves full rank; the rank of this model is below its bound.
    with pytest.raises(WrongError, match=rf"engines differ .*'engine': '{name}'"):
        engines.agreed(tr.SelfAttention(3, 2, heads=2, residual=True), "halves", 0)


def test_a_false_bound_of_an_architecture_is_found_out():
    model, partition = SimpleNamespace(rank_bound=lambda _: 2, generic_lower_bound=lambda _: 2), tr.Bipartition.halves(2)
    bounds_held(model, partition, 2, generic=True, question="a layer")
    with pytest.raises(WrongError, match=r"rank_bound is 2; the true rank is 3; 'a layer'"):
        bounds_held(model, partition, 3, generic=True, question="a layer")
    # Weights that are given may have a smaller rank than almost all have.
    bounds_held(model, partition, 1, generic=False, question="a layer")
    with pytest.raises(WrongError, match=r"generic_lower_bound is 2; the true rank is 1; 'a layer'"):
        bounds_held(model, partition, 1, generic=True, question="a layer")

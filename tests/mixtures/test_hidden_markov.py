from itertools import pairwise

import numpy as np
import pytest
from mixtures.brute_force import all_states, hidden_markov_table, unfolding
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank

FIELD = PrimeField(8388593)
FAIR = [0.5, 0.5]
COIN = [[0.5, 0.5], [0.25, 0.75]]


@pytest.mark.parametrize(("states", "symbols", "length", "expected"), [(2, 2, 8, 16), (2, 3, 6, 8), (3, 2, 6, 8)])
def test_interleaved_ranks_of_the_literature(states, symbols, length, expected):
    """min(r, k)**(N/2): Khrulkov, Novikov, Oseledets (ICLR 2018)."""
    model = HiddenMarkov.random(states, symbols, length, 0)
    found = separation_rank(model, Bipartition.interleaved(length))
    assert (found.value, found.standing) == (expected, "exact")


def test_a_plain_markov_chain():
    """MATH: 27 for 3 states and 6 steps; emission by the identity."""
    rng = np.random.default_rng(0)
    model = HiddenMarkov(rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), 3), np.eye(3), 6)
    found = separation_rank(model, Bipartition.interleaved(6))
    assert (found.value, found.standing) == (27, "exact")
    exact = HiddenMarkov.random(3, 3, 4, 0, fractions=True)
    chain = HiddenMarkov(exact.initial, exact.transition, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 4)
    table = hidden_markov_table(chain)
    assert flint_rank(FIELD.image(unfolding(table, [0, 2])), FIELD.prime) == 9
    assert separation_rank(chain, Bipartition.interleaved(4)).value == 9
    steps = all_states((3,) * 4)
    expected = [chain.initial[row[0]] * np.prod([chain.transition[a, b] for a, b in pairwise(row)]) for row in steps]
    assert list(chain.probability(steps)) == expected


@pytest.mark.parametrize(("r", "k", "n"), [(2, 3, 5), (4, 2, 3), (3, 3, 1)])
def test_sizes(r, k, n):
    apart = HiddenMarkov.random(r, k, n, 0, homogeneous=False)
    same = HiddenMarkov.random(r, k, n, 0)
    assert apart.table_entries == same.table_entries == r + (n - 1) * r * r + n * r * k
    assert apart.parameters == (r - 1) + (n - 1) * r * (r - 1) + n * r * (k - 1)
    assert same.parameters == (r - 1) + (r * (r - 1) if n > 1 else 0) + r * (k - 1)
    assert same.homogeneous
    assert apart.homogeneous is (n == 1 and not isinstance(apart.emission, tuple))
    assert (same.states, same.shape) == (r, (k,) * n)


def test_tables_by_step_and_of_changing_sizes():
    rng = np.random.default_rng(0)

    def table(*shape):
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])

    model = HiddenMarkov(table(2), [table(2, 3), table(3, 1)], [table(2, 2), table(3, 4), table(1, 3)])
    assert (model.length, model.states, model.shape) == (3, 3, (2, 4, 3))
    np.testing.assert_allclose(model.probability(all_states(model.shape)), hidden_markov_table(model).ravel(), rtol=1e-13)
    stacked = HiddenMarkov(table(2), table(3, 2, 2), np.array(COIN), 4)
    assert len(stacked.transitions) == 3
    assert isinstance(stacked.transition, tuple)
    assert not stacked.homogeneous
    np.testing.assert_allclose(stacked.to_network().contract(), hidden_markov_table(stacked), rtol=1e-13)


def test_shared_tables_stay_shared():
    model = HiddenMarkov(FAIR, COIN, COIN, 5)
    tables = {id(edge.table) for edge in model.latent_tree().edges}
    assert len(tables) == 2
    assert repr(model) == "HiddenMarkov(5 variables, 2 states, 2 symbols, homogeneous)"


def test_long_chains():
    model = HiddenMarkov(FAIR, COIN, [[1.0, 0.0], [0.0, 1.0]], 3000)
    row = np.ones((1, 3000), dtype=int)
    assert model.log_density(row)[0] == pytest.approx(np.log(0.5) + 2999 * np.log(0.75), rel=1e-12)
    np.testing.assert_allclose(model.posteriors(np.full((1, 3000), -1))[-1][0], [1 / 3, 2 / 3], rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((FAIR, COIN, COIN), "the length is missing; expected the number of steps of a homogeneous model"),
        ((FAIR, COIN, COIN, 0), "length is 0"),
        ((FAIR, COIN, COIN, 2.5), "length is 2.5"),
        ((FAIR, [COIN] * 2, COIN, 4), "length: 4 steps, 2 tables of transition: 3 steps"),
        ((FAIR, [COIN] * 2, [COIN] * 2), "2 tables of transition: 3 steps, 2 tables of emission: 2 steps"),
        (([0.5, 0.6], COIN, COIN, 2), "the initial distribution sums to 1.1"),
        (([1.5, -0.5], COIN, COIN, 2), "the initial distribution is -0.5 at state 1"),
        ((FAIR, [[0.5, 0.4], [0, 1]], COIN, 2), "the transition table sums to 0.9 at state 0 over next state"),
        ((FAIR, COIN, [[0.5, 0.4], [0, 1]], 2), "the emission table sums to 0.9 at state 0 over symbol"),
        ((FAIR, [COIN, [[1, 0], [1, 1]]], COIN), "the transition table of step 1 sums to 2 at state 1"),
        (([0.2, 0.3, 0.5], COIN, COIN, 2), "the emission table of step 0 has 2 rows; expected 3, one for each state of"),
        ((FAIR, np.eye(3), COIN, 2), "the transition table of step 0 has 3 rows; expected 2, one for each state of"),
        ((FAIR, FAIR, COIN, 2), r"the transition table has the shape \(2,\); expected \(state, next state\)"),
        ((FAIR, [[1, 0], [1]], COIN, 2), "rows of equal length"),
    ],
)
def test_what_is_no_hidden_markov_model(arguments, message):
    with pytest.raises(TensorRankError, match=message):
        HiddenMarkov(*arguments)


@pytest.mark.parametrize(("numbers", "name"), [((0, 2, 3), "states"), ((2, 0, 3), "symbols"), ((2, 2, 0), "length")])
def test_random_models_of_bad_numbers(numbers, name):
    with pytest.raises(TensorRankError, match=f"{name} is 0"):
        HiddenMarkov.random(*numbers, 0)

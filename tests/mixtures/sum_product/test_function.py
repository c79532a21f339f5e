from fractions import Fraction
from itertools import product
from math import prod

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError, TensorRankError, WeightsError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct, perfect_matchings
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank

FIELDS = [PrimeField(8388593), PrimeField(2**31 - 1)]


def table(model, field):
    """All values over GF(p), by recursion over the nodes; each is an array over all states."""
    states = np.array(list(product(*map(range, model.shape))))
    known = {}

    def values(name):
        if name in known:
            return known[name]
        match model.nodes[name]:
            case LeafNode(variable=variable, distribution=p):
                found = field.image(p)[states[:, variable]]
            case SumNode(children=children, weights=weights):
                terms = zip(field.image(weights).tolist(), children, strict=True)
                found = sum(w * values(child) % field.prime for w, child in terms) % field.prime
            case ProductNode(children=children):
                found = 1
                for child in children:
                    found = found * values(child) % field.prime
        known[name] = found
        return found

    return values(model.root).astype(object).reshape(model.shape)


def unfolding(dense, partition):
    rows = prod(dense.shape[site] for site in partition.a)
    return dense.transpose(partition.a + partition.b).reshape(rows, -1)


def grid_of(dense, partition, rows, columns, prime):
    """The dense table contracted with the inputs of all sites, in Python's whole numbers."""
    matrix = unfolding(dense, partition)

    def vectors(inputs, sites):
        found = []
        for one in inputs:
            vector = np.ones(1, dtype=object)
            for place, site in enumerate(sites):
                vector = np.kron(vector, one[place, : dense.shape[site]].astype(object)) % prime
            found.append(vector)
        return np.array(found)

    return vectors(rows, partition.a) @ matrix % prime @ vectors(columns, partition.b).T % prime


def random_partition(sites, rng):
    size = int(rng.integers(1, sites))
    return Bipartition.of(sites, [int(site) for site in rng.permutation(sites)[:size]])


def mixed_shapes():
    """Variables of 2, 3 and 1 values, a sum above a sum, and nodes that are shared."""
    third = Fraction(1, 3)
    nodes = {
        "a0": LeafNode(0, [third, 1 - third]),
        "a1": LeafNode(0, [0.25, 0.75]),
        "b0": LeafNode(1, [third, third, third]),
        "b1": LeafNode(1, [0, 0, 1]),
        "c": LeafNode(2, [1]),
        "p0": ProductNode(("a0", "b0", "c")),
        "p1": ProductNode(("c", "b1", "a1")),
        "p2": ProductNode(("ab", "c")),
        "ab": SumNode(("q0", "q1"), [0.5, 0.5]),
        "q0": ProductNode(("a0", "b1")),
        "q1": ProductNode(("b0", "a1")),
        "s": SumNode(("p0", "p1"), [0.125, 0.875]),
        "t": SumNode(("s", "p2"), [0.5, 0.5]),
    }
    return SumProduct(nodes, "t")


MODELS = {
    "mixed shapes": mixed_shapes(),
    "random": SumProduct.random(6, 2, seed=0),
    "random of three sums": SumProduct.random(4, 3, seed=1, sums=3),
    "matchings": SumProduct.perfect_matchings(6, 2, seed=2),
    "matchings of rank 3": SumProduct.perfect_matchings(4, 3, seed=3, rank=3, fractions=True),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_grid_is_the_table_contracted_with_the_inputs(model, field):
    dense = table(model, field)
    instance = model.architecture().draw(field, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for partition in [Bipartition.interleaved(model.sites), *(random_partition(model.sites, rng) for _ in range(3))]:
        rows, columns = (instance.sample(side, count, rng) for side, count in ((partition.a, 5), (partition.b, 7)))
        expected = grid_of(dense, partition, rows, columns, field.prime)
        assert (instance.grid(partition, rows, columns) == expected).all()
        assert instance.grid(partition, rows[:0], columns).shape == (0, 7)
        assert instance.grid(partition, rows, columns[:0]).shape == (5, 0)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_separation_ranks_are_flints(model):
    rng = np.random.default_rng(2)
    field = FIELDS[0]
    dense = table(model, field)
    for partition in [Bipartition.interleaved(model.sites), random_partition(model.sites, rng)]:
        found = separation_rank(model, partition)
        expected = flint_rank(unfolding(dense, partition), field.prime)
        assert found.value == expected
        assert model.architecture().rank_bound(partition) >= expected


@settings(max_examples=15, deadline=None)
@given(sites=st.integers(2, 6), sums=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_random_networks(sites, sums, seed):
    model, field = SumProduct.random(sites, 2, seed, sums=sums), FIELDS[1]
    dense = table(model, field)
    rng = np.random.default_rng(seed)
    partition = random_partition(sites, rng)
    instance = model.architecture().draw(field, rng)
    rows, columns = (instance.sample(side, 2 ** len(side) + 1, rng) for side in (partition.a, partition.b))
    values = instance.grid(partition, rows, columns)
    assert (values == grid_of(dense, partition, rows, columns, field.prime)).all()
    rank = flint_rank(unfolding(dense, partition), field.prime)
    assert flint_rank(values, field.prime) == rank <= model.architecture().rank_bound(partition)


@pytest.mark.parametrize("slices", [None, 8])
def test_planes_of_more_than_a_few_terms(slices, monkeypatch):
    if slices:
        monkeypatch.setattr("tensorrank.mixtures.sum_product.grid._MOST_TERMS", 1)
        monkeypatch.setattr("tensorrank.mixtures.sum_product.grid._PLANE_ENTRIES", slices)
        monkeypatch.setattr("tensorrank.mixtures.sum_product.grid._FEWEST_ROWS", 1)
        monkeypatch.setattr("tensorrank.mixtures.sum_product.grid._SUMMED", 2)
    for model in (SumProduct.random(6, 2, seed=3, sums=2 if slices else 4), MODELS["mixed shapes"]):
        for field in FIELDS:
            partition = Bipartition.interleaved(model.sites)
            instance = model.architecture().draw(field, np.random.default_rng(0))
            inputs = [instance.sample(side, 6, np.random.default_rng(1)) for side in (partition.a, partition.b)]
            expected = grid_of(table(model, field), partition, *inputs, field.prime)
            assert (instance.grid(partition, *inputs) == expected).all()


def test_little_memory_gives_the_same_values_and_less_an_error():
    model = SumProduct.perfect_matchings(16, 2, seed=0)
    partition = Bipartition.interleaved(16)
    instance = model.architecture().draw(FIELDS[0], np.random.default_rng(0))
    rng = np.random.default_rng(1)
    rows, columns = (instance.sample(side, 100, rng) for side in (partition.a, partition.b))
    expected = instance.grid(partition, rows, columns)
    least = next(memory for memory in range(2**10, 2**22, 2**13) if _fits(instance, partition, rows, columns, memory))
    assert least < 2**20
    assert (instance.grid(partition, rows, columns, least) == expected).all()
    with pytest.raises(TensorRankError, match=r"a grid of 100 x 100 values would take about .* the memory limit is 1 KiB"):
        instance.grid(partition, rows, columns, 2**10)


def _fits(instance, partition, rows, columns, memory):
    try:
        instance.grid(partition, rows, columns, memory)
    except TensorRankError:
        return False
    return True


@pytest.mark.parametrize("sites", [4, 6, 12, 30])
def test_matchings_make_a_connected_cubic_graph(sites):
    for seed in range(5):
        found = perfect_matchings(sites, seed)
        for matching in found:
            assert sorted(site for pair in matching for site in pair) == list(range(sites))
            assert all(first < second for first, second in matching)
        union = nx.Graph([pair for matching in found for pair in matching])
        assert set(dict(union.degree).values()) == {3}
        assert nx.is_connected(union)
    assert perfect_matchings(sites, 1) == perfect_matchings(sites, 1)


def test_the_matchings_of_four_sites_are_all_there_are():
    every = {((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))}
    assert set(perfect_matchings(4, seed=0)) == every


def test_matchings_need_an_even_number_of_sites():
    with pytest.raises(TensorRankError, match="sites is 7; expected an even number"):
        perfect_matchings(7, seed=0)
    with pytest.raises(TensorRankError, match="sites is 2; expected a whole number of at least 4"):
        SumProduct.perfect_matchings(2, 2, seed=0)


def cut(matching, partition):
    return sum((first in partition.a) != (second in partition.a) for first, second in matching)


@pytest.mark.parametrize(("sites", "symbols"), [(6, 2), (8, 2), (6, 3)])
def test_the_rank_of_three_matchings_lies_between_their_cuts(sites, symbols):
    # With the other weights at 0 the rank is that of one matching: symbols for each pair that is cut.
    rng = np.random.default_rng(sites)
    for seed in range(2):
        model, found = SumProduct.perfect_matchings(sites, symbols, seed), perfect_matchings(sites, seed)
        pairs = {frozenset(model.scopes[name]) for name, node in model.nodes.items() if len(model.scopes[name]) == 2}
        assert pairs == {frozenset(pair) for matching in found for pair in matching}
        for partition in (Bipartition.interleaved(sites), random_partition(sites, rng)):
            powers = [symbols ** cut(matching, partition) for matching in found]
            bound = model.architecture().rank_bound(partition)
            most = symbols ** min(len(partition.a), len(partition.b))
            assert bound <= min(sum(powers), most)
            rank = separation_rank(model, partition)
            assert max(powers) <= rank.value <= bound
            if symbols**sites < 300:
                assert rank.value == flint_rank(unfolding(table(model, FIELDS[0]), partition), FIELDS[0].prime)


def test_terms_with_a_common_function_are_counted_once():
    # A hidden Markov model, as a network: nodes for the states share what follows.
    length = 12
    nodes = {}
    rng = np.random.default_rng(0)
    for step in range(length):
        for state in range(3):
            below = f"mix {step + 1} {state}"
            nodes[f"leaf {step} {state}"] = LeafNode(step, rng.dirichlet(np.ones(4)))
            nodes[f"pair {step} {state}"] = ProductNode((f"leaf {step} {state}", *([below] if step < length - 1 else [])))
            pairs = tuple(f"pair {step} {other}" for other in range(3))
            nodes[f"mix {step} {state}"] = SumNode(pairs, rng.dirichlet(np.ones(3)))
    for state in (1, 2):
        del nodes[f"mix 0 {state}"]
    model = SumProduct(nodes, "mix 0 0")
    for size in (1, 5, 11):
        partition = Bipartition.of(length, range(size))
        other = Bipartition.of(length, range(size, length))
        assert [model.architecture().rank_bound(one) for one in (partition, other)] == [3, 3]
    assert separation_rank(model, Bipartition.halves(length)).value == 3
    # A window has two ends: the states before it and those at its last step.
    assert model.architecture().rank_bound(Bipartition.of(length, range(4, 8))) <= 9
    assert model.architecture().rank_bound(Bipartition.interleaved(length)) == 3 ** (length // 2)


def test_the_rank_bound_of_large_networks_takes_no_time():
    partition = Bipartition.interleaved(256)
    found = perfect_matchings(256, 0)
    bound = SumProduct.perfect_matchings(256, 2, seed=0).architecture().rank_bound(partition)
    assert bound == min(2**128, sum(2 ** cut(matching, partition) for matching in found))


def test_equal_gaussians_count_once():
    model = SumProduct.perfect_matchings(6, 3, seed=0)
    equal = Gaussians(np.array([0.0, 1.0, 0.0]), np.ones(3))
    partition = Bipartition.interleaved(6)
    mixture = SumProduct(model.nodes, model.root, densities=equal)
    field = FIELDS[0]
    dense = table(model, field)
    for axis in range(6):
        first, second, third = np.split(dense, 3, axis=axis)
        dense = np.concatenate([first + third, second], axis=axis)
    assert mixture.architecture().shape == (2,) * 6
    assert separation_rank(mixture, partition).value == flint_rank(unfolding(dense, partition), field.prime) == 8
    separate = SumProduct(model.nodes, model.root, densities=Gaussians(np.arange(3.0), np.ones(3)))
    assert separation_rank(separate, partition).value == separation_rank(model, partition).value > 8


def test_what_is_refused():
    model = SumProduct({"a": LeafNode(0, [Fraction(1, 3), Fraction(2, 3)])}, "a")
    with pytest.raises(PrimeError, match="denominator divisible by 3"):
        model.architecture().draw(PrimeField(3), np.random.default_rng(0))
    with pytest.raises(WeightsError, match="were given for a sum-product network"):
        SumProduct.perfect_matchings(4, 2, seed=0).architecture().draw(FIELDS[0], np.random.default_rng(0), {"w": [1]})

"""Exact ranks of floats, and what rounding leaves of them."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.sum_product.nodes import LeafNode, ProductNode, SumNode
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.rounding import FloatMatrix, RoundedRank, measured, rounded_rank, rounding_in, sample_size, vectors


def train_by_svd(table, rank):
    """A tensor train of the table by singular value decompositions, its bonds not cut below `rank`."""
    cores, left, rest = [], 1, table
    for size in table.shape[:-1]:
        u, s, v = np.linalg.svd(rest.reshape(left * size, -1), full_matrices=False)
        kept = min(rank, len(s))
        cores.append(u[:, :kept].reshape(left, size, kept))
        left, rest = kept, s[:kept, None] * v[:kept]
    return TensorTrain([*cores, rest.reshape(left, table.shape[-1], 1)])


def of_rank(rank, sites, size=3, seed=0):
    """A table that is a sum of so many products of random vectors."""
    factors = np.random.default_rng(seed).random((rank, sites, size))
    table = 0
    for one in factors:
        product = np.ones(())
        for vector in one:
            product = np.multiply.outer(product, vector)
        table = table + product
    return table


@pytest.mark.parametrize("partition", ["halves", "interleaved", (1, 2, 5), (0,)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_train_rounded_from_a_function_of_low_rank_says_so(partition, rank):
    table = of_rank(rank, 6)
    found = tr.separation_rank(train_by_svd(table, rank + 2), partition)
    split = tr.Bipartition.of(6, partition) if isinstance(partition, tuple) else getattr(tr.Bipartition, partition)(6)
    unfolding = table.transpose(split.a + split.b).reshape(3 ** len(split.a), -1)
    numerical = np.linalg.matrix_rank(unfolding, rtol=1e-13)
    assert (found.standing, numerical) == ("exact", min(rank, *unfolding.shape))
    assert found.value > numerical or partition == (0,)
    if found.value > numerical:
        assert (found.numerical.value, found.numerical.samples) == (numerical, None)
        assert found.numerical.tolerance < 1e-12
        assert f"some singular values across the cut are at the level of rounding: numerical rank {numerical} at" in str(found)
        assert "at the level of rounding" in found._repr_html_()


@pytest.mark.parametrize("sites", [8, 60])
def test_a_train_of_any_length_is_compressed_to_the_cut(sites):
    # Two trains side by side whose cores have orthonormal columns; the second is as large as a rounding error.
    rng = np.random.default_rng(0)
    cores = []
    for _ in range(sites):
        core = np.zeros((4, 2, 4))
        for block in (slice(0, 2), slice(2, 4)):
            core[block, :, block] = np.linalg.qr(rng.standard_normal((4, 2)))[0].reshape(2, 2, 2)
        cores.append(core)
    cores[sites // 2][2:, :, 2:] *= 2.0**-60
    cores[0], cores[-1] = cores[0].sum(axis=0, keepdims=True), cores[-1].sum(axis=2, keepdims=True)
    found = tr.separation_rank(TensorTrain(cores))
    assert (found.value, found.standing, found.numerical.value) == (4, "exact", 2)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("partition", ["halves", "interleaved"])
def test_a_basis_of_the_bonds_that_amplifies_rounding_is_allowed_for(seed, partition):
    # The same function, but its bonds in a random basis, where rounding errors are up to a hundred times larger.
    rng = np.random.default_rng(seed)
    cores = list(train_by_svd(of_rank(2, 8, size=2, seed=seed), 4).cores)
    for site in range(7):
        basis = rng.standard_normal((cores[site].shape[2],) * 2)
        cores[site] = cores[site] @ basis
        cores[site + 1] = np.einsum("ab,bcd->acd", np.linalg.inv(basis), cores[site + 1])
    found = tr.separation_rank(TensorTrain(cores), partition)
    assert (found.value > 2, found.numerical.value) == (True, 2)


def test_what_is_not_rounded_says_nothing():
    whole = TensorTrain.random((3,) * 6, 4, seed=1)
    fractions = TensorTrain([core * Fraction(1, 3) for core in whole.cores])
    floats = TensorTrain([core.astype(float) for core in whole.cores])
    for train in (whole, fractions, floats):
        found = tr.separation_rank(train)
        assert (found.value, found.numerical) == (4, None)
        assert "rounding" not in str(found)


def test_floats_of_full_numerical_rank_say_nothing():
    found = tr.separation_rank(train_by_svd(of_rank(4, 6), 4))
    assert (found.value, found.numerical) == (4, None)


def test_single_precision_is_rounded_at_its_own_level():
    train = train_by_svd(of_rank(2, 6), 4)
    single = TensorTrain([core.astype(np.float32) for core in train.cores])
    found = tr.separation_rank(single)
    assert (found.value, found.numerical.value) == (4, 2)
    assert 1e-7 < found.numerical.tolerance < 1e-4


def test_the_hilbert_matrix_in_floats_has_fewer_singular_values_above_rounding():
    hilbert = 1 / (np.arange(20)[:, None] + np.arange(20) + 1.0)
    network = tr.TensorNetwork((tr.Tensor("Hilbert", ("i", "j"), hilbert),), ("i", "j"))
    found = tr.separation_rank(network)
    assert (found.value, found.standing) == (20, "exact")
    assert found.numerical.value == np.linalg.matrix_rank(hilbert, rtol=found.numerical.tolerance) < 20


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        (np.float32, 1),
        (np.float32, 1e-38),
        (np.float32, 1e-40),
        (np.float32, 3e-42),
        (np.float64, 1e-307),
        (np.float64, 1e-310),
    ],
)
def test_numbers_below_the_normal_ones_are_rounded_to_multiples_of_the_smallest(kind, scale):
    rng = np.random.default_rng(0)
    given = (scale * (rng.random((12, 2)) @ rng.random((2, 12)))).astype(kind)
    found = tr.separation_rank(tr.TensorNetwork((tr.Tensor("m", ("i", "j"), given),), ("i", "j")))
    # An error of half a unit in each of 12 x 12 entries moves no singular value by more than 6 units (Weyl).
    unit = max(np.finfo(kind).eps * float(given.max()), float(np.finfo(kind).smallest_subnormal))
    exponent = np.frexp(float(given.max()))[1]
    numerical = np.linalg.matrix_rank(np.ldexp(given.astype(float), -exponent), tol=np.ldexp(6 * unit, -exponent))
    assert (found.value, found.standing, numerical) == (12, "exact", 2)
    assert found.numerical.value == numerical


def test_floats_that_rounding_has_left_nothing_of_say_nothing():
    smallest = np.finfo(np.float32).smallest_subnormal
    given = np.random.default_rng(0).integers(0, 3, (6, 6)) * smallest
    found = tr.separation_rank(tr.TensorNetwork((tr.Tensor("m", ("i", "j"), given.astype(np.float32)),), ("i", "j")))
    assert (found.value, found.numerical) == (np.linalg.matrix_rank(given / float(smallest)), None)
    # Numbers of 80 bits or more may be below all floats.
    tiny = np.diag(np.array([1, 3], dtype=np.longdouble)) / np.longdouble(10) ** min(4000, -np.finfo(np.longdouble).minexp // 4)
    assert tr.separation_rank(tr.TensorNetwork((tr.Tensor("m", ("i", "j"), tiny),), ("i", "j"))).value == 2


def test_small_entries_that_are_meant_are_not_called_errors():
    # Powers of two are no rounded numbers, and three classes of these probabilities never agree: the rank is 3.
    for small in (2.0**-40, 1e-12):
        found = tr.separation_rank(tr.TensorNetwork((tr.Tensor("d", ("i", "j"), np.diag([1, small, small**2])),), ("i", "j")))
        assert (found.value, found.standing, found.numerical.value) == (3, "exact", 2)
        assert "error" not in str(found)


@pytest.mark.filterwarnings("error")
def test_half_precision_is_rounded_at_its_own_level():
    given = (np.arange(9).reshape(3, 3) / 3).astype(np.float16)
    network = tr.TensorNetwork((tr.Tensor("m", ("i", "j"), given),), ("i", "j"))
    found = tr.separation_rank(network)
    # The matrix before it was rounded has rank 2.
    assert (found.value, found.numerical.value) == (3, 2)


def test_classes_that_differ_by_rounding_are_one():
    rng = np.random.default_rng(0)
    tables = []
    for _ in range(4):
        table = rng.dirichlet(np.ones(3), size=1).repeat(2, axis=0)
        table[1, 0] += 2.0**-54
        table[1] *= 1 + 2.0**-52
        tables.append(table / table.sum(axis=1, keepdims=True))
    while all((one[0] == one[1]).all() for one in tables[:2]) or all((one[0] == one[1]).all() for one in tables[2:]):
        tables = [np.nextafter(one, rng.random(one.shape)) for one in tables]
    found = tr.separation_rank(tr.LatentClass(np.array([0.3, 0.7]), tables))
    if found.value > 1:
        assert (found.value, found.numerical.value) == (2, 1)


def test_a_sum_product_network_of_floats_is_looked_at_on_its_graph():
    # The same leaf twice but for the last digit: a sum of two products that is a product within rounding.
    leaf = [0.3, 0.7]
    close = [np.nextafter(0.3, 1), np.nextafter(0.7, 0)]
    nodes = {
        "root": SumNode(("first", "second"), [0.4, 0.6]),
        "first": ProductNode(("x", "y")),
        "second": ProductNode(("x close", "y close")),
        "x": LeafNode(0, leaf),
        "y": LeafNode(1, leaf),
        "x close": LeafNode(0, close),
        "y close": LeafNode(1, close),
    }
    found = tr.separation_rank(tr.SumProduct(nodes, "root"))
    assert (found.value, found.numerical.value) == (2, 1)


def attention_weights(depth, rng):
    return dict(zip(("query", "key", "value", "output"), rng.standard_normal((4, depth, 1, 2, 2)), strict=True))


def test_floats_as_weights_of_attention_say_what_is_left():
    rng = np.random.default_rng(0)
    deep = tr.separation_rank(tr.SelfAttention(3, 2), weights=attention_weights(3, rng))
    # SOURCES.md, section 2: the rank is 232, of which floating point sees a part that depends on draw and tolerance.
    assert (deep.value, deep.standing) == (232, "exact")
    assert 50 < deep.numerical.value < 232
    assert deep.numerical.samples is not None
    shallow = tr.separation_rank(tr.SelfAttention(2, 2), weights=attention_weights(2, rng))
    assert (shallow.value, shallow.numerical) == (18, None)


@pytest.mark.parametrize("variant", [{"causal": True, "tokens": 4}, {"residual": True}, {"positional": True, "tokens": 4}])
def test_variants_of_attention_have_values_in_floats(variant):
    # One layer, whose few functions floats see as well as fractions do.
    model = tr.SelfAttention(1, 2, **variant)
    rng = np.random.default_rng(1)
    weights = {name: rng.standard_normal(shape) for name, (_, shape) in model.shapes.items()}
    found = tr.separation_rank(model, weights=weights)
    assert found.numerical is None
    assert found.value == tr.numerical_separation_rank(values_of(model, weights)).value


def values_of(model, weights):
    """The layer as it is written, token by token, as a function of values only."""
    query, key, value, output = (weights[name][0, 0] for name in ("query", "key", "value", "output"))

    def function(x):
        x = x + weights.get("positions", 0)
        seen = np.tri(x.shape[1]) if model.causal else 1
        scores = np.einsum("nia,nja->nij", x @ query.T, x @ key.T) * seen
        layer = np.einsum("nij,nja,ca->nic", scores, x @ value.T, output)
        return ((x if model.residual else 0) + layer)[:, model.output_token, 0]

    return tr.NumericalModel(function, model.tokens, site_shape=model.width)


def test_circuits_with_weights_in_floats():
    rng = np.random.default_rng(2)
    recurrent = tr.RecurrentCircuit(1, hidden=3, channels=3, steps=6)
    weights = {name: rng.standard_normal(shape) for name, (_, shape) in recurrent.shapes.items()}
    assert tr.separation_rank(recurrent, weights=weights).numerical is None
    # A recurrence of rank 1 but for rounding: a single state is handed on.
    weights["recurrent"] = np.outer(rng.standard_normal(3), rng.standard_normal(3))[None]
    found = tr.separation_rank(recurrent, weights=weights)
    assert (found.value, found.numerical.value) == (3, 1)
    pooled = tr.ConvolutionalCircuit(4, channels=3, widths=(3, 2))
    weights = {name: rng.standard_normal(shape) for name, (_, shape) in pooled.shapes.items()}
    weights["level 0"] = np.stack([np.outer(rng.standard_normal(3), rng.standard_normal(3)) for _ in range(4)])
    found = tr.separation_rank(pooled, "interleaved", weights=weights)
    assert found.value > 1
    assert found.numerical.value == 1


def test_a_result_keeps_its_numerical_rank_in_json():
    found = tr.separation_rank(train_by_svd(of_rank(2, 6), 4))
    again = SeparationRank.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again == found
    assert again.numerical == found.numerical
    sampled = RoundedRank(3, 1e-12, (40, 50))
    assert RoundedRank.from_dict(json.loads(json.dumps(sampled.to_dict()))) == sampled
    older = {name: value for name, value in found.to_dict().items() if name != "numerical"}
    assert SeparationRank.from_dict(older).numerical is None


@pytest.mark.parametrize("value", [-1, 4, 10**30])
def test_a_numerical_rank_that_is_not_below_the_exact_one_is_refused(value):
    found = tr.separation_rank(train_by_svd(of_rank(2, 6), 4))
    with pytest.raises(TensorRankError, match=r"a rank of 4 came with the numerical rank .* of its floats; expected one below"):
        replace(found, numerical=RoundedRank(value, 1e-12))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"value": 2}, r"a numerical rank with missing or unknown names was given \(tolerance\)"),
        (3, "3 was given for a numerical rank; expected to_dict's samples, tolerance, value"),
        ({"value": "many", "tolerance": 1e-9, "samples": None}, "a numerical rank was given whose value is 'many'"),
        ({"value": 2, "tolerance": 1e-9, "samples": [3]}, "a numerical rank was given whose samples is .*; expected a tuple"),
    ],
)
def test_a_dictionary_of_something_else_is_refused(given, message):
    with pytest.raises(TensorRankError, match=message):
        RoundedRank.from_dict(given)


def test_a_sample_that_is_too_small_says_nothing():
    values = np.diag(10.0 ** -np.arange(20.0))  # those down to 1e-14 are above 20 * 2^-52, 4.4e-15
    assert rounded_rank(FloatMatrix(values, 2.0**-52, 20, whole=True), 30).value == 15
    assert rounded_rank(FloatMatrix(np.eye(20), 2.0**-52, 20, whole=False), 30) is None
    assert rounded_rank(FloatMatrix(np.full((20, 20), 3.0), 2.0**-52, 20, whole=False), 30).value == 1
    for values in (None, np.full((2, 2), np.inf), np.full((2, 2), 1e-300), np.array([[1.0, 1.0], [0.0, 1e-300]])):
        assert measured(lambda shake, values=values: values, 2.0**-52, 2, whole=False) is None
    assert rounded_rank(None, 2) is None


def test_rounding_is_found_in_objects_and_not_in_whole_numbers():
    assert rounding_in([np.array([Fraction(1, 3), 2], dtype=object), np.array([2.0**60])]) == 2.0**-52
    assert rounding_in([np.array([Fraction(1, 3), 0.5], dtype=object)]) == 2.0**-52
    assert rounding_in([np.array([Fraction(1, 3), 2], dtype=object), np.array([4.0, -1.0])]) is None


def test_inputs_are_all_unit_vectors_or_random_ones_of_length_one():
    rng = np.random.default_rng(0)
    every, whole = vectors((2, 3, 2), (2, 1), 6, rng)
    assert whole
    products = np.einsum("na,nb->nab", *every).reshape(6, 6)
    assert (products @ products.T == np.eye(6)).all()
    some, whole = vectors((2, 3, 2), (2, 1), 5, rng)
    assert not whole
    assert [one.shape for one in some] == [(5, 2), (5, 3)]
    np.testing.assert_allclose(np.linalg.norm(some[1], axis=1), 1)
    assert sample_size(1.0, 1e9, 5) == 1

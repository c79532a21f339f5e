from fractions import Fraction

import flint
import numpy as np
import pytest

from tensorrank import Bipartition, SelfAttention, separation_rank
from tensorrank.attention.evaluate import forward_tokens
from tensorrank.attention.weights import AttentionWeights
from tensorrank.errors import PrimeError, TensorRankError, WeightsError
from tensorrank.separation.plan import plan

# SOURCES.md, section 2: width, depth, heads, head_dim, tokens, rank, rank by degree in M_A, bound with heads in it.
TABLE = [
    *((1, depth, 1, 1, 2, (3**depth + 1) // 2, [1] * ((3**depth + 1) // 2), (3**depth + 1) // 2) for depth in range(1, 8)),
    (2, 1, 1, 2, 4, 3, [2, 1], 3),
    (2, 2, 1, 2, 4, 18, [2, 6, 6, 3, 1], 18),
    (2, 2, 2, 1, 4, 17, None, 17),
    (2, 3, 1, 2, 4, 232, [2, 6, 12, 20, 30, 42, 36, 28, 21, 15, 10, 6, 3, 1], 232),
    (2, 3, 2, 1, 4, 215, [2, 6, 12, 20, 30, 35, 30, 25, 20, 15, 10, 6, 3, 1], 215),
    (2, 3, 2, 2, 4, 232, None, 232),
    (2, 3, 1, 1, 4, 50, [1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 4, 3, 2, 1], 50),
    (2, 3, 1, 2, 2, 105, [2, 4, 6, 8, 10, 12, 14, 13, 11, 9, 7, 5, 3, 1], 105),
    (2, 4, 1, 2, 4, 4538, None, 4538),
    (3, 2, 1, 3, 6, 49, [3, 18, 21, 6, 1], 49),
    (3, 2, 3, 1, 6, 43, None, 43),
    (3, 2, 1, 3, 2, 35, [3, 10, 15, 6, 1], 35),
    (3, 3, 1, 3, 6, 3102, None, 3102),
    (4, 2, 1, 4, 8, 110, [4, 40, 55, 10, 1], 110),
    (4, 2, 2, 2, 8, 107, [4, 40, 52, 10, 1], 107),
    (4, 2, 4, 1, 8, 85, [4, 36, 34, 10, 1], 85),
    (4, 2, 1, 4, 3, 80, [4, 20, 45, 10, 1], 80),
    (5, 2, 1, 5, 10, 216, None, 216),
    # Starting values of the paragraph on residual connections.
    (2, 2, 1, 1, 4, 8, None, 8),
    (3, 2, 1, 2, 6, 39, None, 39),
    (3, 2, 2, 1, 6, 25, None, 25),
    (4, 2, 2, 1, 8, 25, None, 25),
]
NAMES = ["width {} depth {} heads {} x {} tokens {}".format(*row) for row in TABLE]
SMALL = [(row, name) for row, name in zip(TABLE, NAMES, strict=True) if row[5] <= 300]


def model_of(row):
    width, depth, heads, head_dim, tokens = row[:5]
    return SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens)


def assert_is(found, rank, bound):
    assert found.value == found.lower == rank
    assert found.upper == bound
    if rank == bound:
        assert (found.standing, found.failure_probability) == ("exact", 0)
        assert (found.reason is None) == (found.method != "theorem")
    else:
        assert found.standing == "probable"
        assert len(set(found.primes)) >= 2
        assert found.reason
        assert found.failure_probability is None or 0 < found.failure_probability < 1


@pytest.mark.parametrize("row", TABLE, ids=NAMES)
def test_the_catalecticant_method_finds_the_ranks_of_the_table(row):
    found = separation_rank(model_of(row), method="catalecticant")
    assert_is(found, row[5], row[7])
    assert found.method == "catalecticant"
    assert sum(found.by_degree) == row[5]
    if row[6] is not None:
        assert list(found.by_degree) == row[6]


@pytest.mark.parametrize("row", [row for row, _ in SMALL], ids=[name for _, name in SMALL])
def test_the_grid_method_finds_the_ranks_of_the_table(row):
    found = separation_rank(model_of(row), method="grid")
    assert_is(found, row[5], row[7])
    assert (found.method, found.by_degree) == ("grid", None)


@pytest.mark.parametrize("row", [row for row, _ in SMALL[7:]], ids=[name for _, name in SMALL[7:]])
def test_the_automatic_choice_finds_the_ranks_of_the_table_by_the_method_planned(row):
    found = separation_rank(model_of(row))
    assert_is(found, row[5], row[7])
    assert found.method == plan(model_of(row)).method


PRIME = 1048573  # products of residues below 2**20 can be summed in int64 without care


def reference_rank(weights, model, partition, size, seed=0):
    """FLINT's rank of the matrix of values, the layers written with numpy by tokens."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, PRIME, (size, 1, len(partition.a), model.width))
    columns = rng.integers(0, PRIME, (1, size, len(partition.b), model.width))
    x = np.zeros((size, size, model.tokens, model.width), dtype=np.int64)
    x[:, :, list(partition.a)] = rows
    x[:, :, list(partition.b)] = columns
    image = {name: np.asarray(array, dtype=np.int64) % PRIME for name, array in weights.items()}
    for layer in range(model.depth):
        total = np.zeros_like(x)
        for head in range(model.heads):
            q, k, v = (x @ image[name][layer, head].T % PRIME for name in ("query", "key", "value"))
            scores = q @ k.swapaxes(-1, -2) % PRIME
            total += (scores @ v % PRIME) @ image["output"][layer, head].T % PRIME
        x = total % PRIME
    return flint.nmod_mat(size, size, [int(y) for y in x[:, :, 0, 0].flat], PRIME).rank()


def sparse_weights(model, seed, density=0.6):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return np.where(rng.random(shape) < density, rng.integers(-4, 5, shape), 0)

    inner = (model.depth, model.heads, model.head_dim, model.width)
    outer = (model.depth, model.heads, model.width, model.head_dim)
    return {"query": draw(*inner), "key": draw(*inner), "value": draw(*inner), "output": draw(*outer)}


GIVEN = [
    (SelfAttention(1, 3), Bipartition.halves(6)),
    (SelfAttention(2, 2), Bipartition.halves(4)),
    (SelfAttention(2, 2, heads=2), Bipartition.interleaved(4)),
    (SelfAttention(2, 2, heads=2, head_dim=2, tokens=3), Bipartition.halves(3)),
    (SelfAttention(2, 2, tokens=3), Bipartition.of(3, [1, 2])),
    (SelfAttention(2, 2, tokens=3), Bipartition.of(3, [2])),
    (SelfAttention(2, 3, tokens=4), Bipartition.of(4, [1, 3])),
    (SelfAttention(2, 3, heads=3), Bipartition.of(6, [5, 3, 1])),
]


@pytest.mark.parametrize(("model", "partition"), GIVEN, ids=str)
@pytest.mark.parametrize("method", ["catalecticant", "grid"])
def test_the_rank_of_given_weights_agrees_with_a_grid_by_flint(model, partition, method):
    for seed in range(5):
        weights = sparse_weights(model, seed, density=(0.5, 0.7, 1.0)[seed % 3])
        found = separation_rank(model, partition, weights=weights, method=method, primes=[PRIME])
        size = model.rank_bound(partition) + 3
        assert found.value == reference_rank(weights, model, partition, size)
        assert found.standing in ("exact", "probable")


@pytest.mark.parametrize(("model", "partition"), GIVEN, ids=str)
@pytest.mark.parametrize("limits", [{"memory": 900}, {"memory": 3000}, {"memory": 8000}, {"work": 5e3}, {"work": 5e4}])
def test_under_limits_the_rank_of_given_weights_is_never_too_large(model, partition, limits):
    weights = sparse_weights(model, seed=1, density=0.7)
    expected = reference_rank(weights, model, partition, model.rank_bound(partition) + 3)
    for method in ("auto", "catalecticant", "grid"):
        found = separation_rank(model, partition, weights=weights, method=method, **limits)
        assert found.value == found.lower <= expected
        assert found.value == expected or found.standing == "lower bound"


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
@pytest.mark.parametrize("model", [SelfAttention(2, 2), SelfAttention(3, 2, heads=2), SelfAttention(2, 3, tokens=3)])
def test_zero_weights_have_rank_zero(model, method):
    shape = (model.depth, model.heads, model.head_dim, model.width)
    ones = {name: np.ones(shape) for name in ("query", "key", "value")}
    ones["output"] = np.ones((model.depth, model.heads, model.width, model.head_dim))
    for zero in ones:
        weights = {name: 0 * array if name == zero else array for name, array in ones.items()}
        found = separation_rank(model, weights=weights, method=method)
        assert (found.value, found.lower, found.standing) == (0, 0, "probable")
        assert found.failure_probability < 1e-6
    last_only = {**ones, "output": ones["output"].copy()}
    last_only["output"][-1] = 0
    assert separation_rank(model, weights=last_only, method=method).value == 0


def test_given_weights_get_no_credit_from_bounds_for_almost_all_weights():
    model = SelfAttention(4, 2, heads=2)
    weights = {name: np.zeros((4, 2, 1, 2)) for name in ("query", "key", "value")}
    weights["output"] = np.zeros((4, 2, 2, 1))
    for limits in ({"memory": "30kB"}, {"memory": 10}, {"work": 1e5}, {"draws": 1}):
        found = separation_rank(model, weights=weights, **limits)
        assert found.value == found.lower == 0


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
def test_floats_fractions_and_whole_numbers_are_taken_exactly(method):
    rng = np.random.default_rng(3)
    model = SelfAttention(2, 2)
    floats = {name: rng.standard_normal((2, 1, 2, 2)) for name in ("query", "key", "value", "output")}
    exact = {name: np.vectorize(Fraction, otypes=[object])(array) for name, array in floats.items()}
    tenths = {name: np.vectorize(lambda x: Fraction(round(10 * x), 10), otypes=[object])(a) for name, a in floats.items()}
    whole = {name: np.vectorize(lambda x: int(10 * x), otypes=[object])(a) for name, a in tenths.items()}
    found = separation_rank(model, weights=floats, method=method)
    assert (found.value, found.standing) == (18, "exact")
    assert separation_rank(model, weights=exact, method=method).by_degree == found.by_degree
    # A common factor does not change the rank.
    ranks = [separation_rank(model, weights=weights, method=method).value for weights in (tenths, whole)]
    assert ranks[0] == ranks[1]


def test_nearly_equal_floats_are_told_apart():
    # W_V = W_K^T W_Q = 0 up to one unit in the last place: the rank sees the unit.
    ones = np.ones((1, 1, 1, 2))
    off = ones.copy()
    off[..., 1] = np.nextafter(1.0, 2.0)
    model = SelfAttention(1, 2, heads=2, head_dim=1)
    output = np.stack([np.ones((1, 2, 1)), -np.ones((1, 2, 1))], axis=1)

    def two_heads(second):
        return {
            "query": np.concatenate([ones, ones], axis=1),
            "key": np.concatenate([ones, ones], axis=1),
            "value": np.concatenate([ones, second], axis=1),
            "output": output,
        }

    assert separation_rank(model, weights=two_heads(ones)).value == 0
    assert separation_rank(model, weights=two_heads(off)).value > 0


def test_weights_of_another_architecture_are_refused():
    weights = {name: np.ones((2, 1, 2, 2)) for name in ("query", "key", "value", "output")}
    with pytest.raises(WeightsError, match=r"have shape \(2, 1, 2, 2\); expected \(3, 1, 2, 2\)"):
        separation_rank(SelfAttention(3, 2), weights=weights)
    del weights["key"]
    with pytest.raises(WeightsError, match="expected query, key, value, output"):
        separation_rank(SelfAttention(2, 2), weights=weights)


@pytest.mark.parametrize("primes", [[8388587], [2**31 - 1, 8388593], (2**26 - 5, 33554393)])
@pytest.mark.parametrize(("heads", "rank"), [(1, 232), (2, 215)])
@pytest.mark.parametrize("method", ["catalecticant", "grid"])
def test_other_primes_give_the_same_rank_and_are_named(method, primes, heads, rank):
    found = separation_rank(SelfAttention(3, 2, heads=heads), method=method, primes=primes)
    assert found.value == rank
    assert found.primes[: len(primes)] == tuple(primes)[: len(found.primes)]
    assert len(set(found.primes)) == len(found.primes)


@pytest.mark.parametrize("primes", [[29, 31], [101, 103]])
@pytest.mark.parametrize(("heads", "rank"), [(1, 232), (2, 215)])
def test_small_primes_never_give_too_much(primes, heads, rank):
    for method in ("catalecticant", "grid"):
        found = separation_rank(SelfAttention(3, 2, heads=heads), method=method, primes=primes)
        assert found.value <= rank
        # Only a random prime, drawn because these disagreed, can make the rank probable.
        assert found.standing != "probable" or (found.value == rank and max(found.primes) > 2**22)


def test_the_smallest_possible_prime_never_gives_too_much():
    for seed in range(5):
        found = separation_rank(SelfAttention(2, 2), primes=[5, 7, 11], seed=seed, method="catalecticant")
        assert found.lower <= 18


@pytest.mark.parametrize("method", ["auto", "catalecticant", "grid"])
@pytest.mark.parametrize(
    ("primes", "message"),
    [
        ([91], "91 is not a prime; try 89"),
        ([8388593, 91], "91 is not a prime; try 89"),
        ([13], "the prime 13 does not exceed the degree (13|27)"),
        ([], "primes is empty; expected a list of at least one prime"),
        ([2**32 + 15], "expected a prime between 2 and 2147483647"),
    ],
)
def test_primes_that_cannot_serve_are_refused(method, primes, message):
    with pytest.raises(PrimeError, match=message):
        separation_rank(SelfAttention(3, 2), primes=primes, method=method)


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
@pytest.mark.parametrize(("heads", "rank"), [(1, 232), (2, 215)])
def test_the_seed_and_the_threads_do_not_change_the_rank(method, heads, rank):
    model = SelfAttention(3, 2, heads=heads)
    for seed in (10**30, np.random.default_rng(5)):
        assert separation_rank(model, seed=seed, method=method).value == rank
    results = [separation_rank(model, seed=4, method=method, threads=threads).to_dict() for threads in (1, 2)]
    for found in results:
        assert found.pop("seconds") >= 0
    assert results[0] == results[1]
    assert results[0]["seeds"] == [4]


def test_a_cut_computation_does_not_depend_on_the_threads():
    model = SelfAttention(4, 2, heads=2)
    results = [separation_rank(model, memory="300kB", threads=threads).to_dict() for threads in (1, 2)]
    for found in results:
        found.pop("seconds")
    assert results[0] == results[1]


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None, True])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(TensorRankError, match=r"the seed is .*; expected a whole number of at least 0 or a numpy"):
        separation_rank(SelfAttention(2, 2), seed=seed)


@pytest.mark.parametrize("draws", [0, -1, 1.0, "2", None, True, 101, 10**400])
def test_what_is_no_number_of_draws_is_refused(draws):
    with pytest.raises(TensorRankError, match=r"draws is .*; expected a whole number from 1 to 100"):
        separation_rank(SelfAttention(2, 2), draws=draws)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_what_is_no_number_of_threads_is_refused(threads):
    with pytest.raises(TensorRankError, match=r"threads is .*; expected a whole number from 1 to 1024"):
        separation_rank(SelfAttention(2, 2), threads=threads)


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
def test_the_rank_depends_on_a_partition_only_by_the_numbers_of_tokens(method):
    model = SelfAttention(2, 3, heads=3, tokens=6)
    same = [
        Bipartition.halves(6),
        Bipartition.interleaved(6),
        Bipartition.of(6, [5, 0, 3]),
        Bipartition.of(6, [1, 2, 3]),
        Bipartition((3, 4, 5), (2, 1, 0)),
    ]
    assert {separation_rank(model, partition, method=method).value for partition in same} == {43}
    assert separation_rank(SelfAttention(2, 4, tokens=3), Bipartition.of(3, [0]), method=method).value == 80
    assert separation_rank(SelfAttention(2, 4, tokens=3), Bipartition.of(3, [1, 2]), method=method).value == 80


@pytest.mark.parametrize("tokens", [3, 4, 5])
def test_both_methods_agree_for_every_number_of_tokens_on_each_side(tokens):
    model = SelfAttention(2, 3, heads=3, tokens=tokens)
    for near in range(1, tokens):
        for sites in (range(near), range(tokens - near, tokens)):
            partition = Bipartition.of(tokens, sites)
            ranks = {separation_rank(model, partition, method=m).value for m in ("catalecticant", "grid")}
            assert len(ranks) == 1


def test_degrees_are_counted_in_the_moments_of_side_a():
    model = SelfAttention(2, 2)
    near = separation_rank(model, Bipartition.of(4, [0, 1]), method="catalecticant")
    assert near.by_degree == (2, 6, 6, 3, 1)
    # The same cut with its sides exchanged: what had degree k in M_A now has degree 4 - k.
    far = separation_rank(model, Bipartition.of(4, [2, 3]), method="catalecticant")
    assert far.by_degree == (1, 3, 6, 6, 2)


def test_floating_point_falls_well_short_of_the_exact_rank():
    rng = np.random.default_rng(0)
    model = SelfAttention(3, 2)
    weights = {name: rng.standard_normal((3, 1, 2, 2)) for name in ("query", "key", "value", "output")}
    rows, columns = rng.standard_normal((260, 1, 2, 2)), rng.standard_normal((1, 260, 2, 2))
    sides = np.broadcast_to(rows, (260, 260, 2, 2)), np.broadcast_to(columns, (260, 260, 2, 2))
    tokens = np.concatenate(sides, axis=2).reshape(-1, 4, 2)
    values = forward_tokens(AttentionWeights.of(weights, model.shapes), tokens)[:, 0, 0].reshape(260, 260)
    assert np.linalg.matrix_rank(values) < 150
    assert separation_rank(model, weights=weights).value == 232


def test_repeating_given_weights_takes_another_prime():
    rng = np.random.default_rng(8)
    weights = {name: rng.integers(1, 50, (2, 1, 2, 2)) for name in ("query", "key", "value", "output")}
    weights["output"] = weights["output"] * 8388593
    found = separation_rank(SelfAttention(2, 2), weights=weights, primes=[8388593])
    assert found.value == separation_rank(SelfAttention(2, 2), weights=weights, primes=[2**31 - 1]).value > 0
    alone = separation_rank(SelfAttention(2, 2), weights=weights, primes=[8388593], draws=1)
    assert (alone.value, alone.standing) == (0, "lower bound")
    same = separation_rank(SelfAttention(2, 2), weights=weights, primes=[8388593, 8388593])
    assert same.standing == "lower bound"
    assert same.reason.endswith("no probability of a failure can be stated: the primes were given, not drawn")


@pytest.mark.parametrize("prime", [17, 19, 23])
def test_sampling_needs_primes_above_the_degree_in_the_inputs(prime):
    with pytest.raises(PrimeError, match=f"the prime {prime} does not exceed the degree 27"):
        separation_rank(SelfAttention(3, 2), primes=[prime], method="grid")
    with pytest.raises(PrimeError, match=f"the prime {prime} does not exceed the degree 27"):
        separation_rank(SelfAttention(3, 2, tokens=2), primes=[prime], method="catalecticant")


def test_what_is_no_architecture_is_named():
    with pytest.raises(TensorRankError, match="the model is 3; expected an architecture, such as SelfAttention"):
        separation_rank(3)
    with pytest.raises(TensorRankError, match=r"expected a model, not its file: try tensorrank\.load\('h\.json'\)"):
        separation_rank("h.json")
    with pytest.raises(
        TensorRankError, match=r"try tensorrank\.numerical_separation_rank\(tensorrank\.NumericalModel\(function"
    ):
        separation_rank(lambda x: x[:, 0])


def test_a_prime_that_is_in_no_list_is_named():
    with pytest.raises(PrimeError, match="primes is 7; expected a list of at least one prime"):
        separation_rank(SelfAttention(1, 2), primes=7)

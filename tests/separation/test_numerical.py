from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import inner_product

from tensorrank import Bipartition, SoftmaxAttention, TensorRankError
from tensorrank.separation import numerical_model
from tensorrank.separation.numerical import numerical_separation_rank, random_stream
from tensorrank.separation.numerical_model import NumericalModel


def elementary(degree, sites):
    """The elementary symmetric polynomial of so many numbers."""
    return lambda x: sum(x[:, list(chosen)].prod(axis=1) for chosen in combinations(range(sites), degree))


def attention(weights):
    """Attention without softmax, as the layer is written."""

    def value(x):
        for q, k, v, o in zip(*weights, strict=True):
            x = np.einsum("nia,nja,njb,cb->nic", x @ q.T, x @ k.T, x @ v.T, o)
        return x[:, 0, 0]

    return value


# A part of degree i in one half and k - i in the other for every i that both halves have room for: those are products.
@pytest.mark.parametrize(("degree", "sites", "rank"), [(1, 2, 2), (2, 4, 3), (3, 6, 4), (2, 5, 3), (4, 4, 1), (5, 6, 2)])
def test_elementary_symmetric_polynomials(degree, sites, rank):
    found = numerical_separation_rank(NumericalModel(elementary(degree, sites), sites))
    assert (found.value, found.standing, found.spectrum.ambiguous) == (rank, "numerical", False)
    assert (found.lower, found.upper, found.primes, found.method) == (0, None, (), "grid")
    assert (found.failure_probability, found.by_degree, found.samples) == (None, None, (128, 128))
    assert found.reason == "a clear gap, but floating point proves no rank"


@settings(max_examples=25, deadline=None)
@given(rank=st.integers(1, 30), scale=st.sampled_from([1e-120, 1.0, 1e120]), seed=st.integers(0, 99))
def test_a_planted_rank_is_found_at_every_scale(rank, scale, seed):
    model = NumericalModel(lambda x: scale * inner_product(x), 2, site_shape=rank)
    found = numerical_separation_rank(model, seed=seed)
    assert (found.value, found.spectrum.ambiguous) == (rank, False)


@settings(max_examples=10, deadline=None)
@given(a=st.permutations([0, 2, 3]), b=st.permutations([1, 4]), form=st.sampled_from(["inputs", "pairs"]))
def test_the_order_within_a_side_does_not_matter(a, b, form):
    # x0 x1 + x2 x4 + x3: three products across the cut.
    def of_pairs(rows, columns):
        x = {site: rows[:, i, None] for i, site in enumerate(a)} | {site: columns[:, i] for i, site in enumerate(b)}
        return x[0] * x[1] + x[2] * x[4] + x[3]

    function = of_pairs if form == "pairs" else lambda x: x[:, 0] * x[:, 1] + x[:, 2] * x[:, 4] + x[:, 3]
    found = numerical_separation_rank(NumericalModel(function, 5, form=form), Bipartition(tuple(a), tuple(b)))
    assert (found.value, found.spectrum.ambiguous) == (3, False)


def test_the_partition_decides():
    model = NumericalModel(lambda x: (x[:, 0] + x[:, 1]) * (x[:, 2] + x[:, 3]), 4)
    assert numerical_separation_rank(model).value == 1
    assert numerical_separation_rank(model, Bipartition.halves(4)).value == 1
    assert numerical_separation_rank(model, Bipartition.interleaved(4)).value == 4
    assert numerical_separation_rank(model, Bipartition.of(4, [3])).value == 2


@pytest.mark.parametrize("seed", range(4))
def test_attention_of_depth_2_and_width_2_has_rank_18(seed):
    # SOURCES.md, section 2: 18 for four tokens, 15 for two; depth 1 gives 3.
    weights = np.random.default_rng(seed).standard_normal((4, 2, 2, 2))
    model = NumericalModel(attention(weights), 4, site_shape=2)
    found = numerical_separation_rank(model, seed=seed)
    assert (found.value, found.spectrum.ambiguous) == (18, False)
    shallow = NumericalModel(attention(weights[:, :1]), 4, site_shape=(2,))
    assert numerical_separation_rank(shallow, seed=seed).value == 3


def test_a_kernel_without_a_gap_is_ambiguous():
    model = NumericalModel(lambda a, b: np.exp(a[:, 0] @ b[:, 0].T), 2, site_shape=2, form="pairs")
    found = numerical_separation_rank(model)
    assert found.spectrum.ambiguous
    assert found.reason == "no gap at the tolerance: another tolerance gives another rank"
    assert found.spectrum.rank_at(1e-3) < found.spectrum.rank_at(1e-6) < found.spectrum.rank_at(1e-12)
    loose = numerical_separation_rank(model, rtol=1e-3)
    assert loose.value < found.value


def test_single_precision_gets_its_own_threshold():
    weights = np.random.default_rng(0).standard_normal((4, 2, 2, 2))
    precise = NumericalModel(attention(weights), 4, site_shape=2)
    single = NumericalModel(lambda x: attention(weights)(x).astype(np.float32), 4, site_shape=2)
    found = numerical_separation_rank(single)
    assert found.value == numerical_separation_rank(precise).value == 18
    assert found.spectrum.relative_threshold == pytest.approx(128 * 2.0**-23)
    assert numerical_separation_rank(precise).spectrum.relative_threshold == pytest.approx(128 * 2.0**-52)
    # With the tolerance of double precision, rounding errors would pass for rank.
    assert numerical_separation_rank(single, rtol=64 * 2.0**-52).value > 18


def test_one_block_in_single_precision_makes_the_whole_matrix_so():
    calls = []

    def function(x):
        calls.append(len(x))
        values = inner_product(x)
        return values if len(calls) < 3 else values.astype(np.float32)

    found = numerical_separation_rank(NumericalModel(function, 2, site_shape=40))
    assert found.value == 40
    assert found.spectrum.relative_threshold == pytest.approx(128 * 2.0**-23)


@pytest.mark.parametrize("dtype", [bool, np.int32, np.longdouble])
def test_other_numbers_are_read_in_double_precision(dtype):
    def equal(x):
        return (x[:, 0] == x[:, 1]).astype(dtype)

    model = NumericalModel(equal, 2, sampler=lambda rng, shape: rng.integers(0, 5, shape))
    found = numerical_separation_rank(model)
    assert (found.value, found.spectrum.ambiguous) == (5, False)  # the identity on five states


def test_complex_values_have_ranks_too():
    def wave(x):
        phase = 1j * x.sum(axis=1)
        return np.exp(phase) + np.exp(2 * phase)

    assert numerical_separation_rank(NumericalModel(wave, 3)).value == 2
    assert numerical_separation_rank(NumericalModel(lambda x: np.cos(x.sum(axis=1)), 3)).value == 2


def test_zero_has_rank_zero():
    found = numerical_separation_rank(NumericalModel(lambda x: 0 * x[:, 0], 2))
    assert (found.value, found.spectrum.ambiguous, found.spectrum.effective_rank) == (0, False, 0.0)


@pytest.mark.parametrize("tolerances", [{"atol": 1e-3}, {"rtol": 1e-3}])
def test_tolerances_are_passed_on(tolerances):
    # Four states a side, each of them once: singular values 1, 0.01, 0.0001 and 0.000001.
    sizes = np.array([1.0, 1e-2, 1e-4, 1e-6])
    model = NumericalModel(
        lambda x: (x[:, 0] == x[:, 1]) * sizes[x[:, 0]], 2, sampler=lambda rng, shape: rng.integers(0, 4, shape)
    )
    found = numerical_separation_rank(model, **tolerances)
    assert found.value == 2
    assert numerical_separation_rank(model).value == 4


class Recorder:
    """A function of pairs that remembers what it was asked."""

    def __init__(self, rank):
        self.rank, self.pairs, self.rows = rank, 0, []

    def __call__(self, a, b):
        self.pairs += len(a) * len(b)
        self.rows.append(a.copy())
        return a[:, 0] @ b[:, 0].T


@pytest.mark.parametrize(("rank", "count"), [(5, 128), (32, 128), (33, 128), (64, 128), (65, 256), (200, 400)])
def test_the_sample_doubles_until_the_rank_is_at_most_half_of_it(rank, count):
    recorder = Recorder(rank)
    model = NumericalModel(recorder, 2, site_shape=rank, form="pairs")
    found = numerical_separation_rank(model, samples=400)
    assert (found.value, found.samples) == (rank, (count, count))
    # Every value once, and a corner of four by four again.
    assert recorder.pairs == count**2 + 16


def test_a_larger_sample_begins_with_the_smaller_one():
    small, large = Recorder(3), Recorder(60)
    numerical_separation_rank(NumericalModel(small, 2, site_shape=60, form="pairs"))
    numerical_separation_rank(NumericalModel(large, 2, site_shape=60, form="pairs"), samples=128)
    assert (small.rows[0] == large.rows[0]).all()
    assert len(np.unique(np.concatenate([large.rows[0], large.rows[-1]]), axis=0)) == 128


@pytest.mark.parametrize(
    ("limits", "word"),
    [({"samples": 50}, "samples"), ({"memory": 50 * (48 * 50 + 32 * 200)}, "memory"), ({"work": 10 * 50**3}, "work")],
)
def test_full_rank_in_the_sample_is_ambiguous_and_says_what_to_raise(limits, word):
    found = numerical_separation_rank(NumericalModel(inner_product, 2, site_shape=100), **limits)
    assert (found.value, found.samples, found.spectrum.ambiguous) == (50, (50, 50), True)
    assert found.reason == f"the rank may be larger; more {word} would tell"
    assert "full rank in the sample (ambiguous)" in str(found)


@pytest.mark.parametrize(("samples", "shape"), [(10**9, ()), (10**40, ()), (512, 10**9)])
def test_samples_that_do_not_fit_the_memory_are_refused_before_they_are_taken(samples, shape):
    model = NumericalModel(inner_product, 2, site_shape=shape)
    with pytest.raises(TensorRankError, match=r"a sample of \d+ inputs a side would .* limit is 1 GiB. Try fewer samples, or"):
        numerical_separation_rank(model, samples=samples, memory="1GiB")


def test_networks_whose_values_take_long_are_refused_or_sampled_less():
    with pytest.raises(TensorRankError, match=r"8 inputs a side of SoftmaxAttention.* operations; the work limit is 1e\+09"):
        numerical_separation_rank(SoftmaxAttention(depth=1, width=2, tokens=10**6), work=1e9)
    found = numerical_separation_rank(SoftmaxAttention(depth=1, width=2, tokens=1000), work=1e8)
    assert 8 <= found.samples[0] < 64
    # A token has two coordinates, and each takes an operation at the very least.
    assert found.samples[0] ** 2 * 2000 <= 1e8
    assert found.reason == "the rank may be larger; more work would tell"


def test_a_rank_above_half_of_the_largest_sample_is_to_be_confirmed():
    found = numerical_separation_rank(NumericalModel(inner_product, 2, site_shape=100), samples=150)
    assert (found.value, found.spectrum.ambiguous) == (100, False)
    assert found.reason == "more than half of a sample of 150 rows and columns; more samples would confirm it"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.maximum(x[:, 0] + x[:, 1] - 3, 0),
        lambda x: (x[:, 0] > x[:, 1]).astype(float),
        lambda x: (np.round(100 * x[:, 0]) == np.round(100 * x[:, 1])).astype(float),
    ],
)
def test_a_rank_that_grows_with_the_sample_is_not_believed(function):
    # Of infinite (or large) separation rank, though each sample by itself shows a clear gap.
    found = numerical_separation_rank(NumericalModel(function, 2))
    assert found.spectrum.ambiguous
    assert found.samples == (512, 512)
    assert found.spectrum.gap > 1e3
    assert found.reason in (
        "the rank still grew with the sample; more samples would tell",
        "the rank may be larger; more samples would tell",
    )


@pytest.mark.parametrize("rtol", [0, 1e-17, 1e-16])
def test_a_tolerance_below_rounding_is_never_clear(rtol):
    found = numerical_separation_rank(NumericalModel(inner_product, 2, site_shape=3), rtol=rtol)
    assert found.spectrum.ambiguous
    assert found.reason.startswith("the threshold is below rounding")
    assert f"{found.spectrum.relative_noise:.2g} of the largest singular value" in found.reason
    assert "above which only 3 of" in found.reason


def test_the_seed_decides():
    model = NumericalModel(lambda x: np.exp(inner_product(x)), 2, site_shape=2)
    first, again, other = (numerical_separation_rank(model, samples=64, seed=seed) for seed in (3, 3, 4))
    assert first.spectrum == again.spectrum
    assert first.spectrum != other.spectrum
    assert (first.seeds, other.seeds) == ((3,), (4,))
    rng = np.random.default_rng(3)
    drawn = [numerical_separation_rank(model, samples=64, seed=rng) for _ in range(2)]
    assert drawn[0].seeds == ()
    assert drawn[0].spectrum != drawn[1].spectrum


def test_streams_of_other_keys_are_other_streams():
    assert random_stream(5).random() == np.random.default_rng(5).random()
    assert random_stream(5, 1).random() == random_stream(5, 1).random() != random_stream(5).random()


def test_progress_ends_at_what_was_expected():
    told = []
    numerical_separation_rank(NumericalModel(inner_product, 2, site_shape=40), progress=lambda *step: told.append(step))
    done = [d for d, _, _ in told]
    assert done == sorted(done)
    assert told[0] == (64**2, 128**2, "sample of 64 x 64")
    assert told[-1] == (128**2, 128**2, "sample of 128 x 128")


@pytest.mark.parametrize("partition", [Bipartition((3, 0), (2, 1)), Bipartition((1,), (0, 2, 3))])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_inputs_are_put_together_in_the_order_of_the_sites(monkeypatch, partition, step):
    monkeypatch.setattr(numerical_model, "_PAIRS", step)
    sizes = []

    def function(x):
        sizes.append(len(x))
        return x[:, 0, 0] + 10 * x[:, 1, 1] ** 2 + 100 * x[:, 2, 0] * x[:, 3, 1]

    model = NumericalModel(function, 4, site_shape=2)
    rng = np.random.default_rng(0)
    rows, columns = model.sample(partition.a, 5, rng), model.sample(partition.b, 6, rng)
    expected = np.empty((5, 6))
    for i, j in np.ndindex(5, 6):
        x = dict(zip(partition.a, rows[i], strict=True)) | dict(zip(partition.b, columns[j], strict=True))
        expected[i, j] = x[0][0] + 10 * x[1][1] ** 2 + 100 * x[2][0] * x[3][1]
    np.testing.assert_allclose(model.grid(partition, rows, columns), expected, rtol=1e-14)
    assert sum(sizes) == 30
    assert max(sizes) == min(step, 30)


def test_long_inputs_are_put_together_in_bounded_memory():
    sizes = []

    def function(x):
        sizes.append(x.nbytes)
        return x[:, 0, 0] + x[:, 1, 0]

    found = numerical_separation_rank(NumericalModel(function, 2, site_shape=10_000), samples=64)
    assert found.value == 2
    assert max(sizes) <= 2**24


@pytest.mark.parametrize("form", ["inputs", "pairs"])
def test_a_function_that_works_in_place_spoils_nothing(form):
    def of_inputs(x):
        x *= 2
        return x[:, 0] * x[:, 1]

    def of_pairs(a, b):
        a *= 2
        b *= 2
        return a * b.T

    model = NumericalModel(of_pairs if form == "pairs" else of_inputs, 2, form=form)
    rows, columns = np.ones((3, 1)), np.full((2, 1), 5.0)
    assert (model.grid(Bipartition((0,), (1,)), rows, columns) == 20).all()
    assert (rows == 1).all()
    assert (columns == 5).all()


def test_a_column_of_values_is_taken_for_values():
    assert numerical_separation_rank(NumericalModel(lambda x: x[:, :1] * x[:, 1:], 2)).value == 1


def test_a_function_in_single_precision_below_its_normal_numbers():
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 3, (2, 5))

    def function(x):
        return (weights[0, x[:, 0]] * weights[1, x[:, 1]] * 1.4e-44).astype(np.float32)

    model = NumericalModel(function, sites=2, sampler=lambda rng, shape: rng.integers(0, 5, shape))
    found = numerical_separation_rank(model)
    # Values are at most 90 times the smallest number, 2^-149, to multiples of which they are rounded.
    assert found.spectrum.ambiguous

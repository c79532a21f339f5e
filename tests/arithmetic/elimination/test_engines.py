"""What engines multiply, and which one is taken: extreme operands, wrong processors, missing libraries, refusals."""

import json
import subprocess
import sys

import numpy as np
import pytest
from engines_tried import EVERY_ENGINE, engine, pairs

from tensorrank import rank_mod_p
from tensorrank.arithmetic.elimination import byte_products, engine_choice, engines, rates
from tensorrank.arithmetic.elimination.byte_products import Bytes, digit_scale, known_answers
from tensorrank.arithmetic.elimination.engine_choice import ENGINES, engine_for
from tensorrank.arithmetic.elimination.engines import Doubles, Part, Singles, storage
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError


@pytest.fixture
def measured(monkeypatch):
    """Rates that are known, so that a choice depends on no machine."""
    monkeypatch.setattr(engine_choice, "rate", {Bytes: 8e11, Singles: 2e11, Doubles: 1e11}.__getitem__)


@pytest.mark.parametrize(("prime", "name"), pairs([*EVERY_ENGINE, 1021, 2**31 - 1]))
def test_the_largest_residues_are_multiplied_exactly(prime, name):
    # The most terms that an engine sums at a time, all of one sign: the largest sum that there can be.
    by, largest = engine(prime, name), prime // 2
    for left_sign, right_sign in ((1, 1), (1, -1), (-1, -1)):
        left = np.full((3, by.terms), left_sign * largest).astype(storage(prime))
        right = np.full((by.terms, 5), right_sign * largest).astype(storage(prime))
        expected = by.terms * int(left[0, 0]) * int(right[0, 0])
        products = zip(by.weights, by.left(Part.whole(left)), by.right(Part.whole(right)), strict=True)
        found = sum(int(weight) * by.multiply(*pair).astype(np.int64).astype(object) for weight, *pair in products)
        assert ((found - expected) % prime == 0).all()


def test_every_sum_of_an_engine_fits_into_what_holds_it():
    for prime in (2, 127, 251, 509, 1021):
        assert Singles(PrimeField(prime)).terms * (prime // 2) ** 2 <= 2**24
    assert Bytes.tiling.terms * 255 * 127 < 2**31


@pytest.mark.parametrize("bound", [63, 127])
def test_digits_and_their_sum_stay_within_the_bound_for_every_residue(bound):
    for prime in (2, 3, 127, 131, 251, 257, 509, 1021, 2039, 4027, 8191, 16253):
        scale = digit_scale(PrimeField(prime), bound)
        if scale:
            residues = np.arange(-(prime // 2), prime // 2 + 1)
            high = np.rint(residues / scale)
            low = residues - high * scale
            assert max(np.abs(digits).max() for digits in (high, low, high + low)) <= bound
        else:
            assert prime > (4027 if bound == 63 else 16253)


def saturating(left, right, out):
    """Products of bytes as processors without dot products of bytes make them: sums of two saturate at 16 bits."""
    pairs_of_terms = left.shape[1] // 2 * 2
    wide = left.astype(np.int64)[:, :, None] * right.astype(np.int64)[None]
    sums = wide[:, :pairs_of_terms:2] + wide[:, 1:pairs_of_terms:2]
    out[:] = np.clip(sums, -(2**15), 2**15 - 1).sum(axis=1) + wide[:, pairs_of_terms:].sum(axis=1)
    out -= 128 * right.astype(np.int64).sum(axis=0)
    return out


@pytest.fixture
def forgetful():
    """What a process knows of its processor is forgotten before and after."""
    byte_products.exact_within.cache_clear()
    yield
    byte_products.exact_within.cache_clear()


@pytest.mark.usefixtures("forgetful", "measured")
def test_a_processor_that_saturates_is_found_out_and_multiplies_smaller_digits(monkeypatch):
    monkeypatch.setattr(byte_products, "_product", saturating)
    assert not known_answers(127)
    assert known_answers(63)
    assert byte_products.exact_within() == 63
    assert engine_for(PrimeField(127)).weights == (1.0,)
    # Two digits for primes above 127.
    assert len(engine_for(PrimeField(251), "bytes").weights) == 3
    rng = np.random.default_rng(0)
    matrix = 125 * rng.choice([-1, 1], (70, 90))
    matrix[40:] = 3 * matrix[:30]
    assert rank_mod_p(matrix, 251, engine="bytes") == rank_mod_p(matrix, 251, engine="float64") == 40
    with pytest.raises(TensorRankError, match=r"16253 is too large for the engine 'bytes', .* up to 4027 here.*'float64'"):
        engine_for(PrimeField(16253), "bytes")


@pytest.mark.usefixtures("forgetful", "measured")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("No module named 'onnxruntime'"), "needs onnxruntime, which is not installed .*pip install onnxruntime"),
        (RuntimeError("[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED"), "cannot be used here, since onnxruntime fails: .*NOT_IMPL"),
        (OSError("libonnxruntime.so: cannot open"), "cannot be used here, since onnxruntime fails: .*cannot open"),
    ],
    ids=["missing", "failing", "broken"],
)
def test_a_library_that_is_missing_or_fails_is_said_to_and_floats_multiply(monkeypatch, error, words):
    def raising():
        raise error

    monkeypatch.setattr(byte_products, "_session", raising)
    assert engine_for(PrimeField(251)).name == "float32"
    assert rank_mod_p(np.eye(1200, dtype=int), 8388593) == 1200
    with pytest.raises(TensorRankError, match=f"'bytes' {words}"):
        rank_mod_p([[1]], 251, engine="bytes")


@pytest.fixture
def forgotten_floats():
    engines._float_obstacle.cache_clear()
    yield
    engines._float_obstacle.cache_clear()


@pytest.mark.usefixtures("forgotten_floats")
def test_float32_with_fewer_bits_is_found_out(monkeypatch):
    # As bfloat16 does in builds of BLAS that are told to use it: 8 bits of each factor are left.
    def short(left, right, out):
        def kept(numbers):
            return (numbers.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)

        return np.dot(kept(left), kept(right), out=out) if left.dtype == np.float32 else np.dot(left, right, out=out)

    monkeypatch.setattr(engines.np, "matmul", short)
    with pytest.raises(TensorRankError, match="'float32' does not multiply exactly on this machine; engine 'auto' takes"):
        engine_for(PrimeField(1021), "float32")
    assert engine_for(PrimeField(1021), "float64").name == "float64"


@pytest.mark.usefixtures("forgotten_floats", "forgetful")
def test_where_nothing_multiplies_exactly_there_is_no_rank(monkeypatch):
    monkeypatch.setattr(
        engines.np, "matmul", lambda left, right, out: np.multiply(np.dot(left, right, out=out), 1.001, out=out)
    )
    monkeypatch.setattr(byte_products, "known_answers", lambda bound: False)
    with pytest.raises(TensorRankError, match="'float64' does not multiply exactly"):
        rank_mod_p([[1, 2], [3, 4]], 251)


def test_nothing_is_loaded_for_a_prime_that_no_bytes_take(monkeypatch):
    monkeypatch.setattr(byte_products, "exact_within", lambda: 1 / 0)
    assert engine_for(PrimeField(8388593)).name == "float64"


@pytest.mark.usefixtures("forgetful", "measured")
def test_a_processor_that_multiplies_bytes_wrongly_takes_floats(monkeypatch):
    monkeypatch.setattr(byte_products, "known_answers", lambda bound: False)
    assert engine_for(PrimeField(251)).name == "float32"
    assert engine_for(PrimeField(16253)).name == "float64"
    with pytest.raises(TensorRankError, match="'bytes' does not multiply exactly on this processor; engine 'auto' takes"):
        engine_for(PrimeField(251), "bytes")


@pytest.mark.parametrize(("prime", "name", "most"), [(16267, "bytes", 16253), (1031, "float32", 1021)])
def test_a_modulus_too_large_for_the_engine_is_refused(prime, name, most):
    engine(127, name)
    with pytest.raises(TensorRankError, match=rf"modulus {prime} is too large for the engine '{name}', .* up to {most}"):
        rank_mod_p([[1]], prime, engine=name)


def test_another_engine_is_refused_with_the_nearest_name():
    with pytest.raises(TensorRankError, match=r"engine is 'byte'; .*did you mean 'bytes'"):
        rank_mod_p([[1]], 251, engine="byte")


@pytest.mark.usefixtures("measured")
def test_the_fastest_engine_that_serves_a_prime_is_taken():
    assert [engine_for(PrimeField(p)).name for p in (2**31 - 1, 16267)] == ["float64"] * 2
    if Bytes.obstacle(PrimeField(16253)) is None:
        # Three products of bytes at eight times the rate, against one of doubles or of singles at twice.
        assert [engine_for(PrimeField(p)).name for p in (2, 251, 509, 16253)] == ["bytes"] * 4
    assert engine_for(PrimeField(251), work=1000).name == "float64"


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A cache folder of its own."""
    monkeypatch.setattr(rates, "_path", lambda: tmp_path / "deep" / "engines.json")
    rates.rate.cache_clear()
    yield tmp_path / "deep" / "engines.json"
    rates.rate.cache_clear()


def test_rates_are_measured_once_a_machine_and_kept(cache, monkeypatch):
    first = {name: rates.rate(kind) for name, kind in ENGINES.items() if kind.obstacle(PrimeField(127)) is None}
    assert all(value > 1e6 for value in first.values())
    (kept,) = json.loads(cache.read_text()).values()
    assert kept == first
    rates.rate.cache_clear()
    monkeypatch.setattr(rates, "_measured", lambda kind: 1 / 0)
    assert rates.rate(Doubles) == first["float64"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', '{"a": {"float64": "fast"}}', "\x00", "[" * 10**5])
def test_a_damaged_list_of_rates_counts_as_none_and_is_written_anew(cache, content):
    cache.parent.mkdir()
    cache.write_text(content)
    assert rates.rate(Doubles) > 0
    assert list(json.loads(cache.read_text()).values())[-1]["float64"] == rates.rate(Doubles)


def test_without_a_folder_to_keep_them_rates_are_measured_all_the_same(cache):
    cache.parent.write_text("a file in the place of the folder")
    assert rates.rate(Doubles) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the cache folder is named by XDG_CACHE_HOME on Linux")
def test_without_a_home_rates_are_measured_all_the_same(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "~nobody_of_this_name/cache")
    assert rates._path() is None
    assert rates.measured(Doubles) > 0


INTERRUPTED = """
import signal, sys, types
from tensorrank.arithmetic.elimination import byte_products

def raise_interrupt(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGUSR1, raise_interrupt)

class Loading(types.ModuleType):
    # The signal comes while the library is imported, which makes another error of what is raised then.
    def __getattr__(self, name):
        try:
            signal.raise_signal(signal.SIGUSR1)
            for _ in range(1000):
                pass
        except BaseException as error:
            raise ImportError("a part of it could not be initialized") from error
        raise AttributeError(name)

sys.modules["onnxruntime"] = Loading("onnxruntime")
try:
    byte_products.exact_within()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_a_signal_while_the_library_is_loaded_is_not_taken_for_its_failure():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=100)
    assert done.stdout == "interrupted\n", done.stderr

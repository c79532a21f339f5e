from fractions import Fraction

import numpy as np
import pytest

from tensorrank.arithmetic.randomness import hardened_stream, random_stream
from tensorrank.errors import TensorRankError

ENTRIES = [
    np.array([1, 2]),
    np.array([2, 1]),
    np.array([[1, 2]]),
    np.array([1.0, 2.0]),
    np.array([1, 2], dtype=object),
    np.array([Fraction(1, 3), 10**5000], dtype=object),
    np.array([Fraction(1, 3), 10**5000 + 1], dtype=object),
    "1 2",
    "\ud800",
]


def first(seed, entries):
    return int(hardened_stream(seed, entries).integers(2**63))


def test_every_entry_every_shape_and_the_seed_change_the_stream():
    found = [first(seed, [one]) for one in ENTRIES for seed in (0, 1, 2**200)]
    found += [first(0, ENTRIES), first(0, ENTRIES[::-1]), first(0, [])]
    assert len(set(found)) == len(found)


def test_the_stream_is_the_same_for_the_same_seed_and_entries():
    assert first(7, ENTRIES) == first(7, ENTRIES)
    assert first(np.random.default_rng(7), ENTRIES) == first(np.random.default_rng(7), ENTRIES)


def test_a_generator_gives_fresh_bits_every_time():
    rng = np.random.default_rng(7)
    assert first(rng, ENTRIES) != first(rng, ENTRIES)


@pytest.mark.parametrize("stream", [random_stream, lambda seed: hardened_stream(seed, [])])
@pytest.mark.parametrize("seed", [-1, 1.5, "x", True, None])
def test_no_seed_is_refused(stream, seed):
    with pytest.raises(TensorRankError, match="expected a whole number of at least 0 or a numpy Generator"):
        stream(seed)


def test_where_a_part_ends_counts():
    assert first(0, ["a", "b"]) != first(0, ["a\0textb"]) != first(0, ["ab"])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant != 63, reason="only extended floats of 80 bits have bytes to spare")
def test_bytes_that_belong_to_no_number_change_nothing():
    number = np.array([1.5], dtype=np.longdouble)
    content = bytearray(number.tobytes())
    content[-1] ^= 255
    same = np.frombuffer(bytes(content), dtype=np.longdouble)
    assert same[0] == number[0]
    assert first(0, [same]) == first(0, [number])

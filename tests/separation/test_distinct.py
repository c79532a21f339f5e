import numpy as np
import pytest

from tensorrank.separation.distinct import DistinctInputs


def of_symbols(count, seed=0, weights=None):
    rng = np.random.default_rng(seed)
    return DistinctInputs(lambda n: rng.choice(count, (n, 1), p=weights))


@pytest.mark.parametrize("count", [1, 2, 6, 100, 500])
@pytest.mark.parametrize("seed", range(5))
def test_all_of_finitely_many_inputs_are_found_once(count, seed):
    inputs = of_symbols(count, seed)
    taken = inputs.take(1000)
    assert sorted(taken[:, 0]) == list(range(count))
    assert (inputs.exhausted, inputs.found) == (True, count)
    assert inputs.take(10).shape == (0, 1)


def test_inputs_taken_before_are_not_taken_again():
    inputs = of_symbols(50)
    parts = [inputs.take(16) for _ in range(3)]
    assert [len(part) for part in parts] == [16, 16, 16]
    assert len(np.unique(np.concatenate(parts))) == 48
    assert not inputs.exhausted
    assert (len(inputs.take(16)), inputs.exhausted) == (2, True)


def test_inputs_of_a_continuum_are_those_of_the_sampler():
    mine, theirs = np.random.default_rng(3), np.random.default_rng(3)
    inputs = DistinctInputs(lambda n: mine.standard_normal((n, 2, 3)))
    for count in (64, 64, 128):
        assert (inputs.take(count) == theirs.standard_normal((count, 2, 3))).all()
    assert not inputs.exhausted


def test_rare_inputs_are_found_while_others_still_come():
    weights = np.array([0.5, 0.3, 0.1, 0.05, 0.04, 0.01])
    assert len(of_symbols(6, weights=weights).take(6)) == 6


@pytest.mark.parametrize(
    ("values", "different"),
    [
        ([0.0, -0.0], 1),
        ([1.0, 1 + 2.0**-52, 1 - 2.0**-53], 1),
        ([1.0, 1 + 1e-9], 2),
        ([1e-300, 2e-300], 2),
        ([1e300, 1e300 * (1 + 1e-15)], 1),
        ([1.7e9, 1.7e9 + 1], 2),
        (np.array([1.0, 1 + 2.0**-23], dtype=np.float32), 1),
        (np.array([1.0, 1 + 2.0**-10], dtype=np.float32), 2),
        ([1 + 1j, 1 + 1j + 1e-15, 1 - 1j], 2),
        ([2**60, 2**60 + 1], 2),
        ([True, False, True], 2),
    ],
)
def test_inputs_are_equal_where_they_agree_but_for_rounding(values, different):
    offered = np.asarray(values)
    rng = np.random.default_rng(0)
    inputs = DistinctInputs(lambda n: rng.choice(offered, (n, 1)))
    assert len(inputs.take(10)) == different

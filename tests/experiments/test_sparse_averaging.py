import json
import math

import numpy as np
import pytest

from tensorrank import TensorRankError
from tensorrank.experiments.sparse_averaging import (
    DimensionRow,
    ErrorRow,
    LeastDimensions,
    error_by_dimension,
    fitted_line,
    least_dimensions,
)
from tensorrank.experiments.sparse_averaging_bits import bits_by_dimension


@pytest.fixture(scope="module")
def published():
    return error_by_dimension([512], [4], [64, 128, 256], sets=60, repeats=5)


@pytest.fixture(scope="module")
def least():
    return least_dimensions([32, 256], [1, 4, 12], sets=30, repeats=3)


def selected(keys, chosen):
    """The worst L1 distance over sets of the row that the minimum-norm query gets, set by set."""
    worst = 0.0
    for members in chosen:
        query, *_ = np.linalg.lstsq(keys[members], np.ones(len(members)), rcond=None)
        weights = np.exp(2 * math.log(8 * len(keys)) * (keys @ query))
        row = weights / weights.sum()
        uniform = np.zeros(len(keys))
        uniform[members] = 1 / len(members)
        worst = max(worst, np.abs(row - uniform).sum())
    return worst


def test_the_decades_measured_for_512_tokens(published):
    # SOURCES.md section 5: about 1, 1e-2 and 5e-4, up to the key draw.
    for row, decade in zip(published.of(512, 4), (1.0, 1e-2, 5e-4), strict=True):
        assert decade / 10 < row.median < decade * 10
        assert len(row.worst) == 5
        assert 0 < min(row.worst) <= row.quartiles[0] <= row.median <= row.quartiles[1] <= max(row.worst) <= 2


def test_errors_are_those_of_independently_drawn_keys():
    found = error_by_dimension([40], [3], [16, 96], sets=25, repeats=9, seed=1)
    rng = np.random.default_rng(3)
    for row in found.rows:
        others = []
        for _ in range(9):
            keys = rng.choice([-1.0, 1.0], (40, row.dimension)) / math.sqrt(row.dimension)
            others.append(selected(keys, [rng.choice(40, 3, replace=False) for _ in range(25)]))
        assert np.median(others) / 5 < row.median < 5 * np.median(others)


def test_more_tokens_cost_little_and_sizes_below_q_are_left_out():
    found = error_by_dimension([32, 256], [4, 8], [8, 160], sets=20, repeats=3)
    assert (found.tokens, found.sparsities) == ((32, 256), (4, 8))
    assert [row.dimension for row in found.of(32, 4)] == [8, 160]
    assert [row.dimension for row in found.of(256, 8)] == [160]
    few, many = (found.of(tokens, 4)[1].median for tokens in (32, 256))
    assert max(few, many) < 0.1


def test_every_seed_has_its_own_keys_and_is_repeated():
    one, same, other = (error_by_dimension([16], [2], [12], sets=5, repeats=2, seed=seed).rows for seed in (0, 0, 1))
    assert one == same
    assert one != other


def test_least_dimensions_grow_with_q_and_slowly_with_n(least):
    for tokens in least.tokens:
        dimensions = [row.dimension for row in least.by_sparsity(tokens)]
        assert dimensions == sorted(dimensions)
        line = least.line_in_sparsity(tokens)
        assert line is not None
        assert line.slope > 5
        assert line.determination > 0.9
    # Eight times the tokens; three more doublings of 2^5.
    for sparsity in least.sparsities:
        few, many = (row.dimension for row in least.by_tokens(sparsity))
        assert few <= 1.2 * many
        assert many < 3 * few
    # Any unit pays log2 C(N, q) bits in m p; no number of a float64 query has more than 64.
    assert all(64 * row.dimension > math.log2(math.comb(row.tokens, row.sparsity)) for row in least.rows)
    assert least.line_in_log_tokens(4) is None


def test_lines_are_those_of_numpy():
    rng = np.random.default_rng(0)
    x, y = rng.random(9), rng.random(9)
    line = fitted_line(zip(x, y, strict=True))
    assert line is not None
    np.testing.assert_allclose([line.slope, line.intercept], np.polyfit(x, y, 1))
    assert line.determination == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert line.at(2.0) == pytest.approx(line.intercept + 2 * line.slope)
    assert fitted_line([(1, 1), (2, 2)]) is None
    assert fitted_line([(1, 1), (1, 2), (1, 3)]) is None
    assert fitted_line([]) is None


def test_fits_are_through_the_rows():
    rows = [DimensionRow(n, q, 3 + 2 * q + 5 * int(math.log2(n))) for n in (8, 16, 32) for q in (1, 2, 3)]
    study = LeastDimensions(0.1, 1, 1, 0, tuple(rows))
    in_q, in_n = study.line_in_sparsity(8), study.line_in_log_tokens(2)
    assert in_q is not None
    assert in_n is not None
    assert (in_q.intercept, in_q.slope, in_q.determination) == pytest.approx((18, 2, 1))
    assert (in_n.intercept, in_n.slope, in_n.determination) == pytest.approx((7, 5, 1))


@pytest.mark.parametrize(("tokens", "sparsity"), [(8, 1), (9, 2), (10, 3)])
def test_no_moment_curve_beats_the_number_of_questions(tokens, sparsity):
    found = bits_by_dimension(tokens, sparsity)
    assert found.exhaustive
    assert found.sets == math.comb(tokens, sparsity)
    assert found.least_size == pytest.approx(math.log2(math.comb(tokens, sparsity)))
    # 2q dimensions select every set (SOURCES.md section 5).
    assert found.rows[0].dimension == 2 * sparsity
    assert [row.dimension for row in found.rows] == sorted({row.dimension for row in found.rows})
    assert all(row.bits is not None and row.size >= found.least_size for row in found.rows)


def test_fewer_dimensions_take_more_bits_and_larger_queries():
    found = bits_by_dimension(16, 2, [4, 8, 14], sets=40, seed=2)
    assert not found.exhaustive
    assert found.sets == 40
    bits, reach = [row.bits for row in found.rows], [row.reach for row in found.rows]
    assert bits == sorted(bits, reverse=True)
    assert bits[0] > bits[-1]
    assert reach == sorted(reach, reverse=True)


def test_findings_are_json(published, least):
    bits = bits_by_dimension(6, 1, [2, 4])
    for study in (published, least, bits):
        plain = study.to_dict()
        assert json.loads(json.dumps(plain)) == plain
        assert len(plain["rows"]) == len(study.rows)
    assert published.to_dict()["rows"][0]["median"] == published.rows[0].median
    assert set(least.to_dict()["lines_in_sparsity"]) == {"32", "256"}
    assert least.to_dict()["lines_in_log2_tokens"]["4"] is None
    assert bits.to_dict()["rows"][1]["size"] == 4 * bits.rows[1].bits


def test_progress_is_told():
    told = []
    error_by_dimension([8], [1, 2], [4], sets=2, repeats=1, progress=lambda *what: told.append(what))
    least_dimensions([8], [1], sets=2, repeats=1, progress=lambda *what: told.append(what))
    bits_by_dimension(6, 1, [2, 4], progress=lambda *what: told.append(what))
    assert told == [
        (0, 2, "N = 8, q = 1, m = 4"),
        (1, 2, "N = 8, q = 2, m = 4"),
        (0, 1, "N = 8, q = 1"),
        (0, 2, "m = 2"),
        (1, 2, "m = 4"),
    ]


def test_rows_tell_their_quartiles():
    row = ErrorRow(8, 1, 4, (0.4, 0.1, 0.3, 0.2, 0.5))
    assert (row.median, row.quartiles) == (0.3, (0.2, 0.4))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: error_by_dimension([8], [4], [2, 4]), r"no dimension is above the sparsity 4; .* such as 16"),
        (lambda: error_by_dimension([], [1]), r"no tokens were given"),
        (lambda: error_by_dimension([8], [0]), r"one of the sparsities is 0; expected a whole number of at least 1"),
        (lambda: error_by_dimension([4], [8], [16]), r"sparsity 8 exceeds the 4 tokens"),
        (lambda: error_by_dimension([8], [1], repeats=0), r"repeats is 0"),
        (lambda: error_by_dimension([8], [1], repeats=10**15), r"1000000000000000 repeats would .*Try fewer"),
        (lambda: error_by_dimension([8], [1], sets=True), r"sets is True"),
        (lambda: least_dimensions([8], [8]), r"every sparsity of \[8\] is at least every number of tokens"),
        (lambda: least_dimensions([8], [2], tolerance=0), r"tolerance is 0"),
        (lambda: least_dimensions([8], [2], tolerance=math.nan), r"tolerance is nan"),
        (lambda: least_dimensions([8], [2], tolerance=2), r"tolerance is 2; expected above 0 and below 2: no two rows"),
        (lambda: bits_by_dimension(8, 2, tolerance=2.5), r"tolerance is 2.5; expected above 0 and below 2: no two rows"),
        (lambda: bits_by_dimension(8, 2, tolerance=0), r"tolerance is 0"),
        (lambda: bits_by_dimension(8, 2, [2]), r"dimension is 2; expected at least 2 q = 4"),
        (lambda: bits_by_dimension(8, 2, []), r"no dimensions were given"),
        (lambda: bits_by_dimension(8, 8), r"tokens is 8; expected a whole number of at least 9"),
        (lambda: bits_by_dimension(8, 2, sets=0), r"sets is 0"),
    ],
)
def test_bad_input_is_refused(made, message):
    with pytest.raises(TensorRankError, match=message):
        made()

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorrank import TensorRankError
from tensorrank.experiments.triples import HistogramUnit, OrderRow, RankRow, Triples, detect_triples
from tensorrank.tasks.match import Match3
from tensorrank.units.precision import Precision


@pytest.fixture(scope="module")
def study():
    return detect_triples([8, 16, 48], [1, 2, 3], examples=30)


def triple(residues, asking, modulus):
    return any((residues[asking] + a + b) % modulus == 0 for a, b in itertools.product(residues, repeat=2))


# The first example compiles code, which a busy machine is slow at.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 9), st.lists(st.integers(0, 8), min_size=1, max_size=6), st.data())
def test_a_histogram_of_all_residues_is_exact_and_a_coarse_one_misses_nothing(modulus, drawn, data):
    residues = [residue % modulus for residue in drawn]
    asking = data.draw(st.integers(0, len(residues) - 1))
    right = triple(residues, asking, modulus)
    exact = HistogramUnit(len(residues), modulus, modulus).answers([residues], asking=asking)
    assert exact.tolist() == [right]
    coarse = HistogramUnit(len(residues), modulus, data.draw(st.integers(1, modulus)))
    assert coarse.answers([residues], asking=asking)[0] >= right


def test_the_histogram_is_the_share_of_each_bucket():
    unit = HistogramUnit(4, 5, 5).unit
    assert (unit.order, unit.heads, unit.output_dimension) == (2, 1, 5)
    np.testing.assert_allclose(unit(np.eye(5)[[[0, 3, 3, 4]]])[0], np.tile([0.25, 0, 0, 0.5, 0.25], (4, 1)))


def test_a_single_bucket_always_says_yes():
    assert HistogramUnit(3, 7, 1).answers([[1, 1, 1], [1, 2, 2]], asking=0).all()
    assert HistogramUnit(3, 7, 7).answers(np.zeros((0, 3), dtype=int), asking=0).shape == (0,)


def test_bits_of_a_histogram():
    # One bit leaves only 0, two leave 0 and 1, to which 1/3 is rounded down; of three bits the step is 1/2.
    inputs = np.array(list(itertools.product(range(5), repeat=3)))
    right = [triple(residues, 2, 5) for residues in inputs]
    for bits, same in ((1, False), (2, False), (3, True)):
        answers = HistogramUnit(3, 5, 5, Precision(bits)).answers(inputs, asking=2)
        assert (answers == right).all() == same


def test_third_order_never_errs_at_five_dimensions(study):
    rows = study.of(3)
    assert [(row.tokens, row.modulus) for row in rows] == [(8, 17), (16, 33), (48, 97)]
    assert all((row.dimension, row.wrong, row.error, row.examples) == (5, 0, 0, 30) for row in rows)
    bits = [row.bits for row in rows]
    assert bits == sorted(bits)
    # No fewer numbers than residues: others would share their angles' cosines and sines.
    assert all(4**row.bits >= row.modulus for row in rows)
    # Six times the modulus takes fewer than 6 times the bits.
    assert bits[-1] < 2 * bits[0] + 6


def test_second_order_errs_on_answers_no_until_every_residue_has_a_dimension(study):
    for tokens in (8, 16, 48):
        rows = study.of(2, tokens)
        assert [row.dimension for row in rows] == sorted({row.dimension for row in rows})
        assert rows[0].error == 0.5
        assert all(row.missed == 0 for row in rows)
        assert all(row.error == 0.5 for row in rows if row.dimension <= tokens / 2 and tokens > 8)
        assert rows[-1].dimension == rows[-1].modulus
        assert rows[-1].wrong == 0
    assert [(row.tokens, row.size) for row in study.exact(2)] == [(n, (2 * n + 1) * (1 + n.bit_length())) for n in (8, 16, 48)]


def test_measured_ranks_are_those_of_the_theorem(study):
    # SOURCES.md section 5, kappa = (M - 3) / 2 = 2n for M = 4n + 3.
    for row in study.ranks_of("Match3"):
        n = row.tokens // 2
        assert row.rank == 1 + sum(math.comb(2 * n, j) * 2**j for j in range(n + 1))
        assert row.standing == "exact"
    for row in study.ranks_of("Match3", measured=False):
        n, kappa = row.tokens // 2, row.tokens - 1
        assert row.rank == 1 + sum(math.comb(kappa, j) * 2**j for j in range(n + 1))
        # A layer pays bits in proportion to N: the largest term alone has (1 + 1/2) n 2 bits, up to log n.
        assert row.bits >= 1.5 * 2 * n - math.log2(2 * n + 1)
    assert [row.tokens for row in study.ranks_of("Match3", measured=False)] == [7, 15, 47]


def test_variants_have_small_ranks(study):
    bigram, local, whole = (study.ranks_of(task) for task in ("bigram", "local", "Match3"))
    # About M, and of the window alone: those of N = 5 tokens when 2 on either side are seen.
    assert all(row.modulus - 1 <= row.rank <= row.modulus + 2 for row in bigram)
    last = local[-1]
    kappa = (last.modulus - 3) // 2
    assert last.rank == 1 + sum(math.comb(kappa, j) * 2**j for j in range(3))
    assert bigram[-1].rank < last.rank < whole[-1].rank


def test_findings_are_json(study):
    plain = study.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert len(plain["units"]) == len(study.units)
    assert [row["bits"] for row in plain["ranks"]] == [row.bits for row in study.ranks]


def test_exact_units_are_so_by_construction_and_in_fact():
    rows = [OrderRow(2, 8, 17, m, wrong, 0, 10, 2) for m, wrong in ((16, 0), (17, 0))]
    found = Triples(0, 2, (*rows, OrderRow(2, 9, 19, 19, 1, 0, 10)), (RankRow("local", 5, 11, 8, "exact"),))
    assert found.exact(2) == (rows[1],)
    assert found.exact(3) == ()
    assert found.units[-1].size is None
    assert found.ranks[0].bits == 3


def test_progress_is_told():
    told = []
    detect_triples(np.array([4]), np.array([1]), examples=4, progress=lambda *what: told.append(what))
    assert told == [(0, 3, "second order, N = 4"), (1, 3, "third order, N = 4"), (2, 3, "ranks, 3 tokens")]


def test_sides_that_do_not_fit_are_refused_before_any_work():
    told = []
    with pytest.raises(TensorRankError, match=r"modulo 23 with 5 tokens on either side, 44551 x 44551"):
        detect_triples([4], [1, 5], examples=4, memory="1GiB", progress=lambda *what: told.append(what))
    assert told == []


def test_bits_are_those_from_which_on_no_example_is_wrong(study):
    for row in study.exact(2):
        drawn = Match3(row.tokens, row.modulus).examples(30, seed=0)
        wrong = [
            bits
            for bits in range(1, 53)
            if (
                HistogramUnit(row.tokens, row.modulus, row.modulus, Precision(bits)).answers(drawn.inputs, asking=drawn.asking)
                != drawn.labels
            ).any()
        ]
        assert row.bits == max(wrong) + 1


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: HistogramUnit(3, 5, 6), r"6 buckets are more than the 5 residues; expected m <= M"),
        (lambda: HistogramUnit(3, 5, 0), r"buckets is 0"),
        (lambda: HistogramUnit(3, 5, 5).answers([[1, 2]], asking=0), r"inputs have the shape \(1, 2\)"),
        (lambda: HistogramUnit(3, 5, 5).answers([[1, 2, 5]], asking=0), r"inputs hold 5 at"),
        (lambda: HistogramUnit(3, 5, 5).answers([[1, 2, 3]], asking=3), r"asking is 3; expected one of the tokens"),
        (lambda: detect_triples([2], [1]), r"tokens is 2; expected a whole number of at least 3"),
        (lambda: detect_triples([], [1]), r"no tokens were given"),
        (lambda: detect_triples([4], [0]), r"tokens of a side is 0"),
        (lambda: detect_triples([4], [3], examples=2, memory="10KiB"), r"3 tokens on either side, .* memory limit is 10 KiB"),
        (lambda: detect_triples([4], [1], examples=2, threads=0), r"threads is 0"),
    ],
)
def test_bad_input_is_refused(made, message):
    with pytest.raises(TensorRankError, match=message):
        made()

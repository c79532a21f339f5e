import json
import math
import tracemalloc

import numpy as np
import pytest
from oracles import flint_rank

from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.communication import _ENTRY_BYTES, CommunicationMatrix, refuse_matrix
from tensorrank.tasks.disjointness import Disjointness
from tensorrank.tasks.match import Match3
from tensorrank.tasks.match3_variants import Match3Bigram
from tensorrank.tasks.model_bounds import model_bounds
from tensorrank.tasks.registry import named_task
from tensorrank.tasks.sparse_averaging import SparseAveraging
from tensorrank.whole_numbers import to_text

POINTS = np.arange(2**4)


def disjointness(length):
    sets = np.arange(2**length)
    return CommunicationMatrix(((sets[:, None] & sets) == 0).astype(np.int64), 2**length, 2**length, "DISJ", ("a", "b"))


def test_ranks_of_disjointness_are_those_of_the_theorem():
    # DISJ_n is the n-th tensor power of [[1, 1], [1, 0]], which is regular over every field.
    found = disjointness(4).ranks()
    assert found.fields == {"Q": 16, "GF(2)": 16, "GF(3)": 16}
    assert (found.rank.standing, found.distinct_rows, found.distinct_columns) == ("exact", 16, 16)
    assert (found.vc.lower, found.vc.upper) == (4, 4)


@pytest.mark.parametrize("prime", [2, 3, 5])
def test_ranks_over_each_field_are_flints(prime):
    rng = np.random.default_rng(prime)
    entries = rng.integers(-3, 4, (30, 8)) @ rng.integers(-3, 4, (8, 30))
    matrix = CommunicationMatrix(entries, 30, 30, "a product", ("a", "b"))
    assert matrix.ranks([prime]).fields[f"GF({prime})"] == flint_rank(entries, prime)


def test_what_it_says_of_models():
    found = {bound.model: bound for bound in disjointness(4).ranks().model_bounds}
    assert found["linear recurrent model"].least == 16
    assert found["finite-state machine"].least == 16
    assert found["recurrent model"].least == 4
    # 1 - H(1/3) = 5/3 - log2(3), of 4 bits.
    assert found["recurrent model, error 1/3"].least == 0.326
    assert 0.326 < 4 * (5 / 3 - math.log2(3)) < 0.327
    assert found["two-party protocol"].least == 4
    layer = found["attention layer"]
    assert (layer.least, layer.proved) == (4, False)
    assert all(bound.proved for bound in found.values() if bound is not layer)


def test_a_side_that_is_the_question_bounds_its_query_and_a_linear_one_the_first_layer():
    entries = np.array([[1, 0, 1], [0, 1, 1]])
    asked = CommunicationMatrix(entries, 2, 3, "sums", ("data", "question"), query="columns", linear="rows")
    found = {bound.quantity: bound.least for bound in asked.ranks().model_bounds}
    assert found["m p H"] == 2  # three different columns
    assert found["width of the first layer"] == 2
    asked = CommunicationMatrix(entries, 2, 3, "sums", ("question", "data"), query="rows")
    found = {bound.quantity: bound.least for bound in asked.ranks().model_bounds}
    assert found["m p H"] == 1
    assert "width of the first layer" not in found


def test_the_largest_rank_over_any_field_bounds_protocols():
    # <a, b> mod 2: 2^n - 1 over Q, n over GF(2) (SOURCES.md, section 5).
    bits = POINTS[:, None] & POINTS
    parity = np.array([[int(x).bit_count() % 2 for x in row] for row in bits])
    found = CommunicationMatrix(parity, 16, 16, "parity", ("a", "b")).ranks()
    assert found.fields["Q"] == 15
    assert found.fields["GF(2)"] == 4
    assert found.protocol_bits == 4


def test_values_that_are_no_decisions_have_no_vc_dimension():
    found = CommunicationMatrix(np.array([[0, 2], [1, 1]]), 2, 2, "counts", ("a", "b")).ranks()
    assert found.vc is None
    assert not any("error" in bound.model for bound in found.model_bounds)


def test_as_plain_values():
    values = json.loads(json.dumps(disjointness(3).ranks().to_dict()))
    assert (values["rank"]["value"], values["rank"]["standing"], values["distinct_rows"]) == (8, "exact", 8)
    assert values["fields"] == {"Q": 8, "GF(2)": 8, "GF(3)": 8}
    assert (values["vc"]["lower"], values["vc"]["upper"]) == (3, 3)
    assert values["model_bounds"][0]["least"] == 8


def test_progress_names_what_is_done():
    said = []
    disjointness(2).ranks([2, 5], progress=lambda *step: said.append(step))
    assert said == [(0, 4, "rank over Q"), (1, 4, "rank over GF(2)"), (2, 4, "rank over GF(5)"), (3, 4, "VC dimension")]


def test_a_matrix_beyond_the_memory_limit_is_refused_with_its_size():
    with pytest.raises(TensorRankError, match=r"DISJ_20, 1048576 x 1048576 entries, would take about 28 TiB; "):
        refuse_matrix(2**30, 2**20, 2**20, "DISJ_20")
    refuse_matrix(28 * 12, 3, 4, "just enough")
    # 10000 log3(2) = 6309.3.
    with pytest.raises(TensorRankError, match=r"3\^6309.30 x 3\^6309.30 entries, would not fit any memory"):
        refuse_matrix(2**30, 2**10000 - 1, 2**10000 - 1, "huge")


def test_a_bound_in_bits_is_rounded_down():
    for vc in range(1, 30):
        bounds = model_bounds(rank=1, largest_rank=1, distinct_rows=1, distinct_query=None, vc=vc, linear=False)
        (least,) = (bound.least for bound in bounds if bound.model == "recurrent model, error 1/3")
        thousandths = round(1000 * least)
        assert least == thousandths / 1000
        # k / 1000 <= v (5/3 - log2 3) says 3^(3000 v) <= 2^(5000 v - 3 k).
        assert 3 ** (3000 * vc) <= 2 ** (5000 * vc - 3 * thousandths)
        assert 3 ** (3000 * vc) > 2 ** (5000 * vc - 3 * (thousandths + 1))


def test_lists_are_kept_as_an_array():
    found = CommunicationMatrix([[1, 0], [0, 1]], 2, 2, "equal", ("a", "b"))
    assert found.entries.shape == (2, 2)
    assert (found.decides, found.distinct_rows, found.distinct_columns) == (True, 2, 2)
    assert found.ranks().fields["Q"] == 2


def test_counts_of_thousands_of_digits_can_be_shown_and_written():
    matrix = Match3Bigram(13001, 5).communication(anchor=1)
    assert "3^9522.33 x 3^9522.33" in repr(matrix)  # 6500 log3(5)
    found = matrix.ranks()
    assert "3^9522.33 x 3^9522.33" in repr(found)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["rows"] == values["columns"] == to_text(5**6500)


@pytest.mark.parametrize(("rows", "columns"), [(1000, 1000), (1400, 700), (700, 1400)])
def test_ranks_stay_within_the_bytes_reckoned(rows, columns):
    # Low rank, so that the proof needs the bound of the minors.
    entries = np.random.default_rng(0).integers(0, 3, (rows, 9)) @ np.random.default_rng(1).integers(0, 3, (9, columns))
    matrix = CommunicationMatrix(entries, rows, columns, "a product", ("a", "b"))
    disjointness(2).ranks()  # what is compiled at first use
    # Elimination has blocks of its own, whatever the size.
    assert peak(matrix.ranks) + matrix.entries.nbytes < _ENTRY_BYTES * rows * columns + 2**23


@pytest.mark.parametrize(
    "make",
    [
        lambda: Disjointness(10).communication(),
        lambda: SparseAveraging(10, 5).communication(),
        lambda: SparseAveraging(10, 5).communication(thresholded=True),
        lambda: SparseAveraging(12, 2).communication(Bipartition.of(13, [*range(6), 12])),
        lambda: Match3Bigram(9, 11).communication(),
        lambda: Match3(15, 9).communication(),
    ],
)
def test_making_a_matrix_stays_within_the_bytes_reckoned(make):
    entries = make().entries
    assert peak(make) < _ENTRY_BYTES * entries.size + 2**18


def peak(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_little_memory_cuts_the_search_for_shattered_columns_short():
    matrix = SparseAveraging(12, 1).communication(thresholded=True)
    plenty, little = matrix.ranks(), matrix.ranks(memory="600KiB")
    assert plenty.vc.lower > little.vc.lower
    assert little.vc.lower <= plenty.vc.lower <= plenty.vc.upper <= little.vc.upper
    assert little.fields == plenty.fields
    with pytest.raises(TensorRankError, match="the memory limit is 'much'; expected"):
        matrix.ranks(memory="much")


@pytest.mark.parametrize("fields", [2, None, "2"])
def test_fields_are_several(fields):
    with pytest.raises(TensorRankError, match=r"fields are .*; expected a list of whole numbers"):
        disjointness(2).ranks(fields)


@pytest.mark.parametrize("name", [None, 3, ["match2"]])
def test_a_task_is_named_by_text(name):
    with pytest.raises(TensorRankError, match=r"the task is .*; expected one of sparse-averaging, match2"):
        named_task(name)


TWO = np.array([[1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CommunicationMatrix([[1], [1, 2]], 2, 2, "x", ("a", "b")), "lists of unequal lengths"),
        (lambda: CommunicationMatrix(np.zeros((0, 2), int), 0, 2, "x", ("a", "b")), r"shape \(0, 2\) .*; expected a m"),
        (lambda: CommunicationMatrix(np.zeros((2, 0), int), 2, 1, "x", ("a", "b")), r"shape \(2, 0\) .*; expected a m"),
        (lambda: CommunicationMatrix(TWO, -1, 2, "x", ("a", "b")), "rows is -1; expected a whole number of at least 2"),
        (lambda: CommunicationMatrix(TWO, 2, "a", "x", ("a", "b")), "columns is 'a'; expected a whole number"),
        (lambda: CommunicationMatrix(TWO, 2, 1, "x", ("a", "b")), "columns is 1; expected a whole number of at least 2"),
        (
            lambda: CommunicationMatrix(TWO, 2, 2, "x", ("a", "b"), query="foo"),
            "query is 'foo'; expected one of 'rows', 'columns' or None",
        ),
        (
            lambda: CommunicationMatrix(TWO, 2, 2, "x", ("a", "b"), linear=[1]),
            r"linear is \[1\]; expected one of 'rows', 'columns' or None",
        ),
    ],
)
def test_what_a_matrix_may_be(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()


@pytest.mark.parametrize("entries", [np.zeros(3, dtype=int), np.zeros((2, 2))])
def test_entries_are_a_matrix_of_whole_numbers(entries):
    with pytest.raises(TensorRankError, match="expected a matrix of whole numbers"):
        CommunicationMatrix(entries, 1, 1, "x", ("a", "b"))

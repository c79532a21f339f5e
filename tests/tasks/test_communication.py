import json
import math

import numpy as np
import pytest
from oracles import flint_rank

from tensorrank.errors import TensorRankError
from tensorrank.tasks.communication import CommunicationMatrix, refuse_beyond

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
    found = {reading.model: reading for reading in disjointness(4).ranks().readings}
    assert found["linear recurrent model"].least == 16
    assert found["finite-state machine"].least == 16
    assert found["recurrent model"].least == 4
    # 1 - H(1/3) = 5/3 - log2(3), of 4 bits.
    assert found["recurrent model, error 1/3"].least == pytest.approx(4 * (5 / 3 - math.log2(3)), abs=1e-3)
    assert found["two-party protocol"].least == 4
    layer = found["attention layer"]
    assert (layer.least, layer.proved) == (4, False)
    assert all(reading.proved for reading in found.values() if reading is not layer)


def test_a_side_that_is_the_question_bounds_its_query_and_a_linear_one_the_first_layer():
    entries = np.array([[1, 0, 1], [0, 1, 1]])
    asked = CommunicationMatrix(entries, 2, 3, "sums", ("data", "question"), query="columns", linear="rows")
    found = {reading.quantity: reading.least for reading in asked.ranks().readings}
    assert found["m p H"] == 2  # three different columns
    assert found["width of the first layer"] == 2
    asked = CommunicationMatrix(entries, 2, 3, "sums", ("question", "data"), query="rows")
    found = {reading.quantity: reading.least for reading in asked.ranks().readings}
    assert found["m p H"] == 1
    assert "width of the first layer" not in found


def test_the_largest_rank_over_any_field_bounds_protocols():
    # <a, b> mod 2: 2^n - 1 over Q, n over GF(2) (MATH.md, section 5).
    bits = POINTS[:, None] & POINTS
    parity = np.array([[int(x).bit_count() % 2 for x in row] for row in bits])
    found = CommunicationMatrix(parity, 16, 16, "parity", ("a", "b")).ranks()
    assert found.fields["Q"] == 15
    assert found.fields["GF(2)"] == 4
    assert found.protocol_bits == 4


def test_values_that_are_no_decisions_have_no_vc_dimension():
    found = CommunicationMatrix(np.array([[0, 2], [1, 1]]), 2, 2, "counts", ("a", "b")).ranks()
    assert found.vc is None
    assert not any("error" in reading.model for reading in found.readings)


def test_as_plain_values():
    values = json.loads(json.dumps(disjointness(3).ranks().to_dict()))
    assert (values["rank"], values["standing"], values["distinct_rows"]) == (8, "exact", 8)
    assert values["fields"] == {"Q": 8, "GF(2)": 8, "GF(3)": 8}
    assert values["vc_dimension"] == [3, 3]
    assert values["readings"][0]["least"] == 8


def test_progress_names_what_is_done():
    said = []
    disjointness(2).ranks([2, 5], progress=lambda what, done, total: said.append((what, done, total)))
    assert said == [("rank over Q", 0, 4), ("rank over GF(2)", 1, 4), ("rank over GF(5)", 2, 4), ("VC dimension", 3, 4)]


def test_a_matrix_beyond_the_memory_limit_is_refused_with_its_size():
    with pytest.raises(TensorRankError, match=r"DISJ_20 would have 1048576 x 1048576 entries and take about 28 TiB; "):
        refuse_beyond(2**30, 2**20, 2**20, "DISJ_20")
    refuse_beyond(28 * 12, 3, 4, "just enough")
    with pytest.raises(TensorRankError, match=r"over 2\^9999 x over 2\^9999 entries and not fit any memory"):
        refuse_beyond(2**30, 2**10000 - 1, 2**10000 - 1, "huge")


@pytest.mark.parametrize("entries", [np.zeros(3, dtype=int), np.zeros((2, 2))])
def test_entries_are_a_matrix_of_whole_numbers(entries):
    with pytest.raises(TensorRankError, match="expected a matrix of whole numbers"):
        CommunicationMatrix(entries, 1, 1, "x", ("a", "b"))

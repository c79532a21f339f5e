import json
import math

import pytest

from tensorrank.errors import TensorRankError
from tensorrank.experiments.communication import communication_growth
from tensorrank.tasks.communication import CommunicationMatrix
from tensorrank.tasks.disjointness import Disjointness, InnerProduct


def test_disjointness_grows_by_a_bit_an_element_over_every_field():
    # DISJ_n has the rank 2^n, 2^n different rows and the VC dimension n (SOURCES.md, section 5).
    growth = communication_growth("disjointness", "elements", [3, 1, 2, 2], lambda n: Disjointness(n).communication())
    assert growth.sizes == (1, 2, 3)
    for of in ("Q", "GF(2)", "GF(3)", "distinct rows", "VC dimension"):
        assert growth.bits(of) == (1.0, 2.0, 3.0)


def test_whole_inner_products_have_linear_rank_and_no_vc_dimension():
    growth = communication_growth("whole", "bits", [1, 2, 3], lambda n: InnerProduct(n, modulus=None).communication())
    # One bit still decides.
    assert growth.bits("VC dimension") == (1.0, None, None)
    assert growth.bits("Q") == (0.0, 1.0, pytest.approx(math.log2(3)))


def test_a_rank_of_zero_has_no_bits():
    growth = communication_growth("even", "bits", [2], _doubled)
    assert growth.bits("GF(2)") == (None,)
    assert growth.bits("Q") == (1.0,)


def _doubled(n):
    whole = InnerProduct(n, modulus=None).communication()
    return CommunicationMatrix(2 * whole.entries, whole.rows, whole.columns, "even", whole.sides)


def test_as_plain_values():
    growth = communication_growth("disjointness", "elements", [2], lambda n: Disjointness(n).communication())
    values = json.loads(json.dumps(growth.to_dict()))
    assert values["experiment"] == "communication_growth"
    assert (values["sizes"], [ranks["rank"]["value"] for ranks in values["ranks"]]) == ([2], [4])


def test_progress_and_refusals():
    said = []
    growth = communication_growth(
        "d", "elements", [1, 2], lambda n: Disjointness(n).communication(), progress=lambda *step: said.append(step)
    )
    assert said == [(0, 2, "d, 1 elements"), (1, 2, "d, 2 elements")]
    with pytest.raises(TensorRankError, match="expected one of distinct rows, VC dimension, Q"):
        growth.bits("rows")
    with pytest.raises(TensorRankError, match="no sizes were given"):
        communication_growth("d", "elements", [], lambda n: Disjointness(n).communication())
    with pytest.raises(TensorRankError, match="one of the sizes is 0"):
        communication_growth("d", "elements", [0], lambda n: Disjointness(n).communication())

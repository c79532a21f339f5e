from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.tasks.match import Match2
from tensorrank.units.checks import MOST_INPUTS, check_unit, least_bits_for
from tensorrank.units.match_units import match2_unit, match3_unit
from tensorrank.units.variant_units import bigram_units, local_unit


class Loops:
    """The definition of Match2 or Match3, by loops over tokens."""

    def __init__(self, order, modulus):
        self.order, self.modulus = order, modulus

    def solve(self, inputs):
        return np.array(
            [
                [any((a + sum(others)) % self.modulus == 0 for others in product(x, repeat=self.order - 1)) for a in x]
                for x in inputs.tolist()
            ]
        )


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("make", "tokens", "modulus"),
    [
        (match2_unit, 3, 5),
        (match2_unit, 4, 7),
        (match2_unit, 5, 9),
        (match2_unit, 4, 16),
        (match3_unit, 3, 5),
        (match3_unit, 4, 7),
        (match3_unit, 5, 7),
    ],
)
def test_no_error_on_all_inputs(make, tokens, modulus, precision):
    """MATH 5: the sizes at which the constructions were checked."""
    found = check_unit(make(tokens, modulus, precision=precision))
    assert (found.inputs, found.exhaustive, found.wrong) == (modulus**tokens, True, 0)
    assert found.answers == tokens * modulus**tokens
    # Proven: 4/5 - 1/2, and 4/7 - 1/2.
    assert found.least_margin > (3 / 10 if make is match2_unit else 1 / 14) - 1e-5
    assert found.seconds < 10


@pytest.mark.parametrize(("make", "order"), [(match2_unit, 2), (match3_unit, 3)])
def test_against_loops(make, order):
    construction = make(3, 6)
    found = check_unit(construction, solve=Loops(order, 6).solve)
    assert (found.inputs, found.answers, found.wrong, found.exhaustive) == (216, 648, 0, True)
    worst = np.array([found.worst])
    margins = np.where(Loops(order, 6).solve(worst), 1, -1) * (construction.outputs(worst) - 0.5)
    assert margins.min() == pytest.approx(found.least_margin, rel=1e-12)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_512_tokens(precision):
    found = check_unit(match2_unit(512, 1009, precision=precision), inputs=50)
    assert (found.inputs, found.answers, found.wrong, found.exhaustive) == (50, 50 * 512, 0, False)
    found = check_unit(match3_unit(512, 1009, precision=precision), inputs=4, asking=[0, 300, 511])
    assert (found.inputs, found.answers, found.wrong, found.exhaustive) == (4, 12, 0, False)


def test_wrong_answers_are_found():
    """All answers of one bit are no: wrong wherever the reference says yes."""
    blind = match2_unit(2, 5).at(1)
    found = check_unit(blind, [[1, 1], [1, 2], [0, 1], [2, 3]], solve=Loops(2, 5).solve)
    # Only [0, 1] at its first token and [2, 3] at both have a match.
    assert (found.inputs, found.answers, found.wrong) == (4, 8, 3)
    assert (found.worst, found.least_margin) == ((0, 1), -0.5)
    assert str(found).startswith("Match2 mod 5, 2 tokens, 1 bit: 3 wrong answers to 4 inputs (8 answers), least margin -0.5")
    assert found.to_dict()["worst"] == [0, 1]


@pytest.mark.parametrize(("make", "tokens", "modulus"), [(match2_unit, 3, 5), (match2_unit, 2, 12), (match3_unit, 3, 5)])
def test_least_bits(make, tokens, modulus):
    least = least_bits_for(make(tokens, modulus))
    by_bits = [check_unit(make(tokens, modulus, precision=bits)).wrong for bits in range(1, 53)]
    assert by_bits[least - 2] > 0
    assert not any(by_bits[least - 1 :])
    examples = make(tokens, modulus).task.examples(9, 3).inputs
    some = least_bits_for(make(tokens, modulus), inputs=9, seed=3)
    assert some <= least
    reference = Loops(2 if make is match2_unit else 3, modulus)
    assert check_unit(make(tokens, modulus, precision=some), examples, solve=reference.solve).wrong == 0


def test_least_bits_are_not_those_that_are_right_by_chance():
    """All inputs of Match2 (4, 7): no answer is wrong at 4 bits, but some are at 5."""
    assert [check_unit(match2_unit(4, 7, precision=bits)).wrong > 0 for bits in range(3, 8)] == [1, 0, 1, 0, 0]
    assert least_bits_for(match2_unit(4, 7)) == 6


def test_no_bits_make_up_for_another_task():
    construction = match2_unit(2, 5)
    other = replace(construction, task=Match2(2, 5, itself=False))
    assert least_bits_for(other) is None


def test_all_inputs_are_taken_in_order_a_few_at_a_time(monkeypatch):
    for tokens, modulus, residues in ((3, 4, 21), (2, 5, 2**16), (1, 3, 1), (4, 1, 1)):
        monkeypatch.setattr("tensorrank.units.checks._CHUNK", residues)
        seen = []

        def solve(inputs, seen=seen, tokens=tokens, residues=residues):
            assert len(inputs) <= max(1, residues // tokens)
            seen += inputs.tolist()
            return np.zeros(inputs.shape, dtype=bool)

        check_unit(match2_unit(tokens, modulus), solve=solve)
        assert seen == [list(word) for word in product(range(modulus), repeat=tokens)]


def test_progress():
    seen = []
    check_unit(match2_unit(9, 4), progress=lambda *step: seen.append(step))
    assert len(seen) > 2
    assert seen[-1] == (4**9, 4**9, "checking Match2 mod 4")
    assert [done for done, _, _ in seen] == sorted({done for done, _, _ in seen})


def test_asking_tokens_only():
    found = check_unit(match3_unit(3, 5), asking=[1])
    assert (found.inputs, found.answers, found.exhaustive) == (125, 125, False)


def test_refusals():
    with pytest.raises(TensorRankError, match=rf"40 residues mod 9 are 9\^40 inputs, about 10\^38.2; .* {MOST_INPUTS}"):
        check_unit(match2_unit(40, 9))
    with pytest.raises(TensorRankError, match="inputs is 0"):
        check_unit(match2_unit(4, 9), inputs=0)
    with pytest.raises(TensorRankError, match="inputs is 'some'; expected 'all', how many, or an array of them"):
        check_unit(match2_unit(4, 9), inputs="some")
    with pytest.raises(TensorRankError, match="has no label 0"):
        check_unit(match3_unit(4, 3), inputs=5)
    with pytest.raises(TensorRankError, match="no answers were to be compared"):
        check_unit(match2_unit(4, 9), np.zeros((0, 4), dtype=int))
    with pytest.raises(TensorRankError, match="no answers were to be compared"):
        check_unit(match2_unit(2, 3), asking=[])
    for inputs in ("all", 5):
        with pytest.raises(TensorRankError, match=r"no answers were to be compared; .* at least one input and one asking"):
            least_bits_for(match2_unit(2, 3), inputs=inputs, asking=[])
    with pytest.raises(TensorRankError, match=r"seed is Generator.*; expected a whole number"):
        least_bits_for(match2_unit(4, 9), inputs=5, seed=np.random.default_rng(0))
    for check in (check_unit, least_bits_for):
        with pytest.raises(TensorRankError, match=r"asking is 1; expected a list of whole numbers"):
            check(match2_unit(2, 3), asking=1)
        with pytest.raises(TensorRankError, match="asking is 2; expected one of the tokens 0 to 1"):
            check(match2_unit(2, 3), asking=[2])
    with pytest.raises(TensorRankError, match="lists of unequal lengths were given as inputs"):
        check_unit(match2_unit(2, 3), [[1], [1, 2]])
    with pytest.raises(TensorRankError, match="inputs hold 9"):
        check_unit(match2_unit(2, 9), [[1, 9]])


@pytest.mark.parametrize(
    ("unit", "inputs", "operations"),
    [
        # A pair of tokens for each of 10^12, or all triples of 5000 of them, takes an operation at the very least.
        (lambda: bigram_units(10**6, 5), 1, 1e12),
        (lambda: local_unit(10**6, 5, 1), 1, 2e12),
        (lambda: match2_unit(10**6, 5), 20, 2e13),
        (lambda: match3_unit(5000, 5), 20, 20 * 5000.0**3),
        (lambda: match2_unit(4, 5), 10**18, 16e18),
        (lambda: match2_unit(10**200, 5), 1, 1e300),
    ],
)
def test_checks_that_take_long_are_refused_before_inputs_are_made(unit, inputs, operations):
    made = unit()
    with pytest.raises(TensorRankError, match=r"the check of .* would take about .* operations; the work limit is .*Try fewer"):
        check_unit(made, inputs, work=operations)
    assert made.work(made.task.tokens) * inputs >= operations


@pytest.mark.parametrize("work", [0, -1, -float("inf")])
def test_limits_on_work_that_are_none_are_refused(work):
    with pytest.raises(TensorRankError, match=r"the work limit is .*; expected a positive number of operations"):
        check_unit(match2_unit(2, 3), work=work)


def test_a_limit_on_work_that_suffices_changes_nothing():
    kept = [replace(check_unit(match3_unit(3, 5), work=work), seconds=0.0) for work in (None, 1e9, float("inf"))]
    assert kept[0] == kept[1] == kept[2]

import json
from dataclasses import FrozenInstanceError, replace
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from tensorrank import (
    Bipartition,
    NumericalModel,
    RecurrentCircuit,
    SelfAttention,
    SeparationRank,
    SoftmaxAttention,
    numerical_rank,
    numerical_separation_rank,
    separation_rank,
)
from tensorrank.errors import TensorRankError
from tensorrank.networks.tensor_train import TensorTrain

HUGE = 3**2000


def result(**changes):
    values = {
        "value": 18,
        "lower": 18,
        "upper": 18,
        "standing": "exact",
        "by_degree": (2, 6, 6, 3, 1),
        "method": "catalecticant",
        "primes": (8388593,),
        "seeds": (0,),
        "samples": (6, 6),
        "failure_probability": 0.0,
        "seconds": 0.25,
        "reason": None,
        "model": "SelfAttention(depth=2, width=2)",
        "partition": (0, 1),
    }
    return SeparationRank(**{**values, **changes})


def numerical(values, **changes):
    spectrum = numerical_rank(np.diag(values))
    fields = {"by_degree": None, "method": "grid", "primes": (), "failure_probability": None, "reason": "floats"}
    return result(value=spectrum.value, lower=0, upper=None, standing="numerical", spectrum=spectrum, **{**fields, **changes})


SOME = [
    result(),
    result(value=HUGE, lower=HUGE, upper=HUGE, by_degree=(HUGE - 1, 1)),
    result(value=17, lower=17, standing="probable", failure_probability=1e-9, reason="below the upper bound"),
    result(upper=None, standing="lower bound", by_degree=None, failure_probability=None, samples=None, reason="cut"),
    numerical([1.0, 1 / 3, 1e-3, 1e-20], seeds=()),
    numerical([0.1, 0.0]),
    numerical([0.0]),
]


@pytest.mark.parametrize("given", SOME)
def test_a_result_survives_json(given):
    assert SeparationRank.from_dict(json.loads(json.dumps(given.to_dict()))) == given
    assert SeparationRank.from_dict(given.to_dict()) == given


@pytest.mark.parametrize("given", SOME)
def test_json_is_strict_and_equal_results_have_equal_hashes(given):
    again = SeparationRank.from_dict(json.loads(json.dumps(given.to_dict(), allow_nan=False)))
    assert hash(again) == hash(given)


def test_results_with_other_spectra_differ():
    assert numerical([1.0, 0.5]) == numerical([1.0, 0.5])
    assert numerical([1.0, 0.5]) != numerical([1.0, 0.25])


def test_results_stored_before_there_were_spectra_still_load():
    values = result().to_dict()
    del values["spectrum"]
    assert SeparationRank.from_dict(values) == result()


def test_a_result_says_of_what_and_of_which_partition_it_is():
    model = SelfAttention(depth=2, width=2)
    computed = separation_rank(model, "interleaved")
    assert (computed.model, computed.partition) == (str(model), (0, 2))
    assert separation_rank(model, computed.partition) == computed
    assert separation_rank(model, Bipartition((2, 0), (3, 1))).partition == (0, 2)
    assert computed != separation_rank(model)
    circuits = [separation_rank(RecurrentCircuit(1, hidden, 2, 4)) for hidden in (2, 2, 3)]
    assert circuits[0] == circuits[1]
    assert circuits[0] != replace(circuits[2], value=2, lower=2, upper=2)


def test_a_numerical_rank_says_of_which_function_it_is():
    def product(inputs):
        return inputs[:, 0] * inputs[:, 1]

    computed = numerical_separation_rank(NumericalModel(product, sites=2))
    assert computed.model.startswith("NumericalModel(")
    assert computed.model.endswith("product, sites=2)")
    assert computed.partition == (0,)
    softmax = SoftmaxAttention(depth=1, width=2)
    assert numerical_separation_rank(softmax, samples=8).model == str(softmax)


def test_a_rank_of_many_numbers_says_their_format_not_the_numbers():
    train = TensorTrain.random((2, 3, 2, 2), 2, seed=0)
    assert separation_rank(train).model == "TensorTrain(4 sites of dimension 2 to 3)"


def test_results_stored_before_they_said_of_what_they_are_still_load():
    values = separation_rank(SelfAttention(2, 2)).to_dict()
    del values["model"], values["partition"]
    known = SeparationRank.from_dict(values)
    assert (known.value, known.model, known.partition) == (18, None, None)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("model", {"kind": "attention"}, "a text or null"),
        ("model", "half a \ud800 pair", "a text or null"),
        ("partition", [[0, 1], [2, 3]], "a list of whole numbers or null"),
        ("partition", 3, "a list of whole numbers or null"),
        ("value", True, "a whole number"),
        ("value", "eighteen", "a whole number"),
        ("lower", None, "a whole number"),
        ("standing", ["exact"], "one of 'exact', 'probable', 'lower bound', 'numerical'"),
        ("by_degree", [1, "x"], "a list of whole numbers or null"),
        ("method", 3, "a text"),
        ("primes", "8388593", "a list of whole numbers"),
        ("seeds", [0.5], "a list of whole numbers"),
        ("samples", [1, 2, 3], r"a tuple \(a whole number, a whole number\) or null"),
        ("failure_probability", "small", "a number or null"),
        ("seconds", None, "a number"),
        ("reason", 3, "a text or null"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_name(name, value, expected):
    with pytest.raises(TensorRankError, match=f"a result was given whose {name} is .*; expected {expected}$"):
        SeparationRank.from_dict({**result().to_dict(), name: value})


@pytest.mark.parametrize("given", [None, 3, "x", [1], [["value", 3]]])
def test_what_is_no_dictionary_of_a_result_is_refused(given):
    with pytest.raises(TensorRankError, match="expected a dictionary"):
        SeparationRank.from_dict(given)


@pytest.mark.parametrize("changes", [{"lower": -1, "value": 0}, {"lower": 5, "value": 4}, {"lower": 5, "value": 19}])
def test_a_rank_outside_its_bounds_is_refused(changes):
    with pytest.raises(TensorRankError, match="expected a lower bound of at least 0, and a rank between the bounds"):
        result(standing="probable", **changes)


def vast_result():
    vast = 3**20_000
    return result(value=vast, lower=vast, upper=vast, by_degree=(vast - 1, 1))


def test_whole_numbers_beyond_python_s_limit_on_digits_survive_to_dict_and_print():
    assert SeparationRank.from_dict(vast_result().to_dict()) == vast_result()
    assert "(exact)" in str(vast_result())


def test_whole_numbers_beyond_python_s_limit_on_digits_survive_json():
    assert SeparationRank.from_dict(json.loads(json.dumps(vast_result().to_dict()))) == vast_result()


def test_a_contradiction_between_vast_whole_numbers_can_be_told():
    with pytest.raises(TensorRankError, match="exceeds the proven upper bound"):
        result(lower=3**20_000)
    with pytest.raises(TensorRankError, match="called exact, but its bounds are"):
        result(value=3**20_000, upper=3**20_000)


def test_a_computed_result_survives_json():
    computed = separation_rank(SelfAttention(depth=2, width=2, heads=2))
    assert SeparationRank.from_dict(json.loads(json.dumps(computed.to_dict()))) == computed


def test_to_dict_holds_plain_values_only():
    for value in result().to_dict().values():
        assert value is None or type(value) in (int, float, str, list)
    computed = separation_rank(SelfAttention(depth=2, width=2), method="grid").to_dict()
    assert all(type(x) is int for name in ("primes", "seeds", "samples") for x in computed[name])


def test_from_dict_names_what_is_missing_or_unknown():
    values = result().to_dict()
    del values["upper"]
    with pytest.raises(TensorRankError, match=r"missing or unknown names was given \(upper\)"):
        SeparationRank.from_dict(values)
    with pytest.raises(TensorRankError, match=r"missing or unknown names was given \(colour\)"):
        SeparationRank.from_dict({**result().to_dict(), "colour": "red"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"standing": "certain"}, "standing is 'certain'; expected one of '?exact'?, '?probable"),
        ({"lower": 19}, "lower bound 19 exceeds the proven upper bound 18"),
        ({"standing": "probable", "lower": 19, "value": 19}, "lower bound 19 exceeds the proven upper bound 18"),
        ({"lower": 17}, "called exact, but its bounds are 17 and 18"),
        ({"value": 17}, "a rank of 17 was called exact, but its bounds are 18 and 18"),
        ({"upper": None}, "called exact, but its bounds are 18 and None"),
        ({"upper": 19}, "called exact, but its bounds are 18 and 19"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(TensorRankError, match=message):
        result(**changes)
    with pytest.raises(TensorRankError, match=message):
        SeparationRank.from_dict({**result().to_dict(), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spectrum": None}, "a rank called numerical came without a spectrum"),
        ({"standing": "lower bound"}, "a rank called lower bound came with a spectrum"),
        ({"value": 3}, "a numerical rank of 3 came with lower bound 0, upper bound None and a spectrum of rank 2"),
        ({"lower": 2}, r"came with lower bound 2.*no bounds \(0 and None\)"),
        ({"upper": 2}, "upper bound 2"),
    ],
)
def test_a_numerical_result_that_contradicts_itself_is_refused(changes, message):
    given = numerical([1.0, 0.5])
    with pytest.raises(TensorRankError, match=message):
        replace(given, **changes)
    plain = {name: value for name, value in changes.items() if name != "spectrum"} or {"spectrum": None}
    with pytest.raises(TensorRankError, match=message):
        SeparationRank.from_dict({**given.to_dict(), **plain})


def test_a_numerical_result_prints_on_one_readable_line():
    # Shares 2/3 and 1/3: entropy log 3 - (2/3) log 2, so an effective rank of 3 / 4^(1/3).
    assert str(numerical([1.0, 0.5, 1e-17], samples=(3, 3))) == (
        "SeparationRank 2 (numerical): relative tolerance 6.7e-16; gap 2.3e+15 (clear); effective rank 1.89; "
        "3 x 3 samples; floats; grid, 0.25 s"
    )
    full = numerical([1.0, 0.5])
    assert "; full rank in the sample (clear);" in str(full)
    unsure = numerical([1.0, 1e-15, 1e-16], samples=None, reason=None)
    assert str(unsure).startswith("SeparationRank 2 (numerical): relative tolerance 6.7e-16; gap 4.5 (ambiguous); effec")
    assert "samples" not in str(unsure)


def test_a_result_cannot_be_changed():
    with pytest.raises(FrozenInstanceError, match="cannot assign"):
        result().value = 19
    assert replace(result(), seconds=1.0).seconds == 1.0


def test_an_exact_result_prints_on_one_readable_line():
    assert str(result()) == ("SeparationRank 18 (exact): lower 18 = upper bound 18; by degree 2 6 6 3 1; catalecticant, 0.25 s")


def test_other_standings_print_their_bounds_and_reasons():
    probable = str(result(value=17, lower=17, standing="probable", failure_probability=2e-9, reason="the same in 2 draws"))
    assert "SeparationRank 17 (probable): lower 17 < upper bound 18" in probable
    assert "the same in 2 draws" in probable
    assert "2.0e-09" in probable
    bound = str(result(upper=None, standing="lower bound", by_degree=None, failure_probability=None, reason="cut"))
    assert "(lower bound): lower 18, no upper bound known; cut; catalecticant" in bound
    assert "degree" not in bound
    assert "\n" not in probable + bound


def test_long_lists_by_degree_are_shortened_in_print():
    printed = str(result(by_degree=tuple(range(1000, 1100))))
    assert "1000 1001" in printed
    assert " ... " in printed
    assert printed.split(";")[1].rstrip().endswith("1099")
    assert "1050" not in printed


@pytest.mark.parametrize(("standing", "sign"), [("exact", ""), ("probable", ""), ("lower bound", "≥ ")])
def test_in_brief_a_lower_bound_has_its_sign(standing, sign):
    upper = 232 if standing == "exact" else 300
    assert result(value=232, lower=232, upper=upper, standing=standing).brief() == f"{sign}232"


def test_results_are_equal_whatever_the_seconds():
    first, again = (separation_rank(SelfAttention(2, 2)) for _ in range(2))
    assert first == again
    assert hash(first) == hash(again)
    assert first == replace(again, seconds=again.seconds + 100)
    # Another engine takes other primes.
    assert first == replace(again, primes=(101,), engines=("bytes",))
    assert first != replace(again, seeds=(101,))


def test_a_notebook_shows_a_small_table():
    html = separation_rank(SelfAttention(2, 4, heads=4, kv_heads=2), method="catalecticant")._repr_html_()
    table = fromstring(html)
    rows = {row.find("th").text: row.find("td").text for row in table.iter("tr")}
    assert rows["separation rank"] == "40"
    assert rows["standing"] == "probable"
    assert rows["bounds"] == "lower 40 < upper bound 42"
    assert rows["by degree"] == "4 12 15 8 1"
    assert "the same in 2 draws" in rows["reason"]


def test_long_whole_numbers_are_text_in_json_wherever_they_stand():
    given = result(value=2**60, lower=2**60, upper=2**60, by_degree=(2**59, 2**59), seeds=(2**61,))
    values = json.loads(json.dumps(given.to_dict()))
    assert (values["value"], values["by_degree"], values["seeds"]) == (str(2**60), [str(2**59)] * 2, [str(2**61)])
    assert SeparationRank.from_dict(values) == given

"""`tensorrank bounds` at sizes beyond every network: logarithms where digits would take minutes."""

import json
import math

import pytest
from command_line import invoked

import tensorrank as tr


def bounds(*arguments):
    return invoked(["bounds", *arguments])


@pytest.mark.parametrize("width", [10**5, 10**29, 10**40])
def test_wide_networks_are_answered_by_logarithms(width):
    done = bounds("--width", width, "--depth", "1,12,1000000000", "--json")
    assert done.exit_code == 0
    for row in json.loads(done.stdout)["bounds"]:
        assert row["moment_bound_log3"] == pytest.approx(tr.bounds.log3_moment_bound(row["depth"], width))
        assert row["monomial_bound"] is row["monomial_bound_log3"] is None
    # A single layer gives as many functions as the token has entries, and one more: d + 1 for one degree of each.
    assert int(json.loads(done.stdout)["bounds"][0]["moment_bound"]) == width + 1
    table = bounds("--width", width, "--depth", "1,12,1000000000")
    assert table.exit_code == 0
    assert "saturated" in table.stdout


def test_a_lower_bound_that_falls_with_depth_is_explained():
    """At width 64 the identity bound would take minutes from depth 6 on."""
    said = " ".join(bounds("--width", 64, "--depth", "4-7").stdout.split())
    assert "what is proved from below falls at depth 6, since larger bounds would take minutes" in said
    assert "falls at depth" not in bounds("--width", 8, "--depth", "1-5").stdout


def test_text_and_json_have_the_same_logarithms():
    text, values = bounds("--width", 6, "--depth", "1-9"), json.loads(bounds("--width", 6, "--depth", "1-9", "--json").stdout)
    for row in values["bounds"]:
        assert f"{row['moment_bound_log3']:.2f}" in text.stdout
        assert row["moment_bound_log3"] == pytest.approx(tr.bounds.log3(int(row["moment_bound"])))


def test_from_below_stands_the_largest_of_the_bounds_that_are_proved():
    def row(*arguments):
        (found,) = json.loads(bounds(*arguments, "--json").stdout)["bounds"]
        return found

    # binom(2 + 13, 2) between two tokens, which is the bound above too; 2512 at identity weights; 140 by a monomial.
    pair = row("--width", 2, "--depth", 3, "--tokens", 2)
    assert pair["lower_bound_log3"] == pytest.approx(pair["moment_bound_log3"]) == pytest.approx(math.log(105, 3))
    assert row("--width", 3, "--depth", 3)["lower_bound_log3"] == pytest.approx(math.log(2512, 3))
    assert row("--width", 2, "--depth", 3, "--heads", 2)["lower_bound_log3"] == pytest.approx(math.log(140, 3))
    large = bounds("--width", 12288, "--depth", 96, "--tokens", 2).stdout
    assert large.count("1077752.66") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--width", 10**101), "width is more than 10^100"),
        (("--width", 64, "--depth", "1-1000000000"), "--depth is '1-1000000000'"),
        (("--width", 64, "--depth", "1-1001"), "--depth names 1001 depths; expected at most 1000"),
        (("--width", 5, "--heads", 10**11), "100000000000 heads do not divide the width 5"),
    ],
)
def test_sizes_of_no_network_are_refused(arguments, message):
    done = bounds(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr

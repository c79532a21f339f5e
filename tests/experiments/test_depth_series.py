import csv
import math

import pytest

import tensorrank as tr
from tensorrank.experiments.depth_series import COLUMNS, Series, series_of, table, write_table
from tensorrank.studies.study import Finding


def finding(depth, value, standing, width=2, upper=10**6, **options):
    exact = standing == "exact"
    result = tr.SeparationRank(
        value=value,
        lower=value,
        upper=value if exact else upper,
        standing=standing,
        by_degree=None,
        method="grid",
        primes=(),
        seeds=(0,),
        samples=None,
        failure_probability=None,
        seconds=1.25,
    )
    return Finding(tr.SelfAttention(depth, width, **options), result)


def test_findings_are_grouped_and_sorted_by_depth():
    one, two, three = finding(2, 18, "exact"), finding(1, 3, "exact"), finding(1, 4, "exact", width=3)
    assert series_of([one, two, three]) == [Series((two, one)), Series((three,))]


def test_increments_are_log3_ratios_of_proved_ranks():
    series = Series((finding(1, 3, "exact"), finding(2, 18, "probable"), finding(3, 232, "exact")))
    expected = [(1, math.log(18 / 3, 3)), (2, math.log(232 / 18, 3))]
    assert [(d, pytest.approx(g)) for d, g in series.increments()] == expected


def test_lower_bounds_never_enter_increments():
    series = Series((finding(1, 3, "exact"), finding(2, 18, "lower bound"), finding(3, 232, "exact")))
    assert series.increments() == []


def test_depths_that_do_not_follow_each_other_make_no_increment():
    assert Series((finding(1, 3, "exact"), finding(3, 232, "exact"))).increments() == []


def test_the_sentence_tells_the_regimes_of_the_proved_ranks():
    # log3 of 3, 18, 232, 4538, 109024 is 1, 2.63, 4.96, 7.66, 10.56; the knee is log3(2 * 2 * 3) = 2.26.
    ranks = enumerate((3, 18, 232, 4538, 109024), 1)
    series = Series(tuple(finding(depth, value, "exact", upper=None) for depth, value in ranks))
    assert series.sentence() == (
        "width 2: depth 1 growing, depths 2-3 turning, depths 4-5 saturated; log3 rank is multiplied by 2.63, 1.88, 1.55, "
        "1.38; log3 rank grows by 1.63, 2.33, 2.71, 2.89; knee at 2.26, log3 of the width is 0.63"
    )


def test_proved_ranks_decide_the_regime_and_the_moment_bound_where_they_are_not_known():
    # One head of width 1 at width 2 has the ranks 2, 8, 50, 392: log3 0.63, 1.89, 3.56, 5.44.
    ranks = [finding(depth, value, "exact", upper=None, head_dim=1) for depth, value in enumerate((2, 8, 50, 392), 1)]
    assert [Series(tuple(ranks)).regime(depth) for depth in (1, 2, 3)] == ["growing", "turning", "turning"]
    cut = Series((ranks[0], finding(2, 2, "lower bound", head_dim=1)))
    assert cut.regime(1) == "growing"
    # A rank of 1 has the logarithm 0, which nothing multiplies.
    assert Series((finding(4, 1, "exact"), finding(5, 1, "exact"))).regime(4) == "saturated"


def test_where_a_search_would_take_minutes_a_row_has_no_monomial_bound():
    ((row,), _) = table([finding(2, 20_001, "lower bound", width=20_000, upper=None)])
    assert row["monomial_bound"] is None
    # At depth 2 the degrees 0 to 4 of M_A have at most d, d D, ((D, 2)), D and 1 functions.
    entries = 20_000 * 20_001 // 2
    assert row["moment_bound"] == 20_000 + 20_000 * entries + math.comb(entries + 1, 2) + entries + 1


def test_two_tokens_have_a_lower_knee():
    # log3(2 * 8) = 2.52 for one token a side, log3(2 * 8 * 9) = 4.53 for many
    assert Series((finding(1, 3, "exact", width=8, tokens=2),)).knee == pytest.approx(math.log(16, 3))
    assert Series((finding(1, 3, "exact", width=8),)).knee == pytest.approx(math.log(144, 3))


def test_labels_tell_what_differs():
    plain, heads = Series((finding(1, 3, "exact"),)), Series((finding(1, 3, "exact", heads=2),))
    assert plain.label([plain]) == "width 2"
    assert [s.label([plain, heads]) for s in (plain, heads)] == ["width 2, 1 head", "width 2, 2 heads"]
    assert Series((finding(1, 3, "exact", head_dim=1, tokens=2),)).label() == "width 2, head width 1, 2 tokens"


def test_a_row_has_the_values_of_the_theory():
    ((row,), _) = table([finding(3, 200, "lower bound", upper=232)])
    assert set(row) == {"kind", *COLUMNS}
    assert (row["moment_bound"], row["value"], row["standing"]) == (232, 200, "lower bound")
    assert row["log3_value"] == pytest.approx(math.log(200, 3))
    # Theorem 2 at d = 2, H = 1, L = 3: 2dL + L - 2d log3(d / (2 sqrt(2) e)) + log3 d
    assert row["published_upper_log3"] == pytest.approx(
        12 + 3 - 4 * math.log(2 / (2 * math.sqrt(2) * math.e), 3) + math.log(2, 3)
    )
    assert row["regime"] == "turning"


def test_where_no_theorem_applies_the_row_says_nothing():
    ((row,), _) = table([finding(1, 3, "exact", heads=2)])
    assert row["published_lower_log3"] is None
    assert row["published_upper_log3"] is None


def test_the_table_is_written_whole_with_every_digit(tmp_path):
    huge = 3**10000
    write_table([finding(3, huge, "lower bound", upper=huge)], tmp_path / "ranks.csv")
    (row,) = csv.DictReader((tmp_path / "ranks.csv").read_text().splitlines())
    assert tuple(row) == COLUMNS
    assert len(row["value"]) == math.floor(10000 * math.log10(3)) + 1
    assert [path.name for path in tmp_path.iterdir()] == ["ranks.csv"]


def test_a_table_that_cannot_be_written_is_explained(tmp_path):
    with pytest.raises(tr.TensorRankError, match=r"cannot be written \(No such file or directory\)"):
        write_table([], tmp_path / "nowhere" / "ranks.csv")

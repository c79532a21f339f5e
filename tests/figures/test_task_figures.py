import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tensorrank import TensorRankError, figures
from tensorrank.experiments.sparse_averaging import DimensionRow, ErrorByDimension, ErrorRow, LeastDimensions
from tensorrank.experiments.sparse_averaging_bits import BitsByDimension, BitsRow
from tensorrank.experiments.sparse_averaging_models import MatrixRow, ModelSizes, UnitRow
from tensorrank.experiments.triples import OrderRow, RankRow, Triples

ERRORS = ErrorByDimension(
    60,
    3,
    0,
    tuple(
        ErrorRow(n, q, m, (worst / 2, worst, 2 * worst))
        for q in (2, 4)
        for n, shift in ((64, 1), (512, 1.5))
        for m, worst in ((round(16 * shift), 1.0), (round(64 * shift), 0.01 * q), (round(128 * shift), 0.001))
    ),
)
LEAST = LeastDimensions(
    0.1, 60, 5, 0, tuple(DimensionRow(n, q, 2 + 10 * q + 3 * int(math.log2(n))) for n in (32, 64, 128) for q in (1, 2, 4))
)
BITS = BitsByDimension(32, 2, 0.2, 496, True, 0, (BitsRow(4, 18, 3e4), BitsRow(8, 12, 200.0), BitsRow(30, None, 0.8)))
SIZES = ModelSizes(
    2,
    0.1,
    60,
    5,
    0,
    tuple(MatrixRow(n, n, "exact", 2**n, math.comb(n, 2)) for n in (4, 5, 6)),
    tuple(UnitRow(n, m, 4, m) for n, m in ((4, 10), (64, 40), (256, 43))),
)
TRIPLES = Triples(
    0,
    2,
    (
        *(
            OrderRow(2, n, 2 * n + 1, m, wrong, 0, 100, 2 if m > 2 * n else None)
            for n in (8, 16)
            for m, wrong in ((1, 50), (2 * n, 11), (2 * n + 1, 0))
        ),
        OrderRow(3, 8, 17, 5, 0, 0, 100, 7),
        OrderRow(3, 16, 33, 5, 0, 0, 100, 10),
    ),
    (
        RankRow("Match3", 3, 7, 6, "exact"),
        RankRow("Match3", 5, 11, 34, "exact"),
        RankRow("Match3", 15, 31, 2**18, "theorem"),
        RankRow("bigram", 3, 7, 7, "exact"),
        RankRow("bigram", 5, 11, 12, "exact"),
    ),
)


def drawn(ax):
    """The points of each line of an axes by its label."""
    return {line.get_label(): np.asarray(line.get_xydata()) for line in ax.lines}


def texts(ax):
    return [text.get_text() for text in ax.texts]


def message(figure):
    return figure.legends[0].get_title().get_text()


def rendered(figure):
    figure.canvas.draw()
    return figure


def test_errors_are_medians_with_quartiles():
    figure, axes = figures.sparse_averaging_errors(ERRORS)
    rendered(figure)
    assert [ax.get_title() for ax in axes] == ["averaging q = 2 tokens", "averaging q = 4 tokens"]
    assert axes[0].get_xscale() == axes[0].get_yscale() == "log"
    assert "dimension m" in axes[0].get_xlabel()
    assert "L1 distance" in axes[0].get_ylabel()
    few, many = (line.get_xydata() for line in axes[0].lines[:2])
    np.testing.assert_allclose(few, [(16, 1), (64, 0.02), (128, 0.001)])
    np.testing.assert_allclose(many[:, 0], [24, 96, 192])
    low, high = (end for end in axes[0].collections[0].get_datalim(axes[0].transData).get_points()[:, 1])
    assert (low, high) == pytest.approx((0.00075, 1.5))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["N = 64", "N = 512", "quartiles over keys"]
    styles = {(to_hex(line.get_color()), line.get_marker()) for line in axes[0].lines[:2]}
    assert len({colour for colour, _ in styles}) == len({marker for _, marker in styles}) == 2
    # The same curve at 1.5 times the dimension.
    assert message(figure) == "8 times the tokens take 1.5 times the dimension for the same error of 0.1"
    assert [tick.get_text() for tick in axes[0].get_xticklabels()][:3] == ["16", "32", "64"]


def test_errors_of_one_number_of_tokens_have_no_factor():
    some = replace(ERRORS, rows=ERRORS.of(64, 2))
    figure, axes = figures.sparse_averaging_errors(some)
    assert len(axes) == 1
    assert message(figure) == "Attention over 64 tokens: the error of averaging q of them falls with the dimension"


def test_errors_that_do_not_fall_are_not_said_to():
    rows = tuple(ErrorRow(64, 2, m, (worst,)) for m, worst in ((16, 0.5), (32, 0.7), (64, 0.4)))
    figure, _ = figures.sparse_averaging_errors(replace(ERRORS, rows=rows))
    assert message(figure) == "Error of averaging q tokens against the dimension"
    # Two numbers of tokens, none of which comes down to the level.
    rows += tuple(ErrorRow(128, 2, m, (worst,)) for m, worst in ((16, 0.6), (32, 0.5), (64, 0.4)))
    figure, _ = figures.sparse_averaging_errors(replace(ERRORS, rows=rows))
    assert message(figure) == "Error of averaging q tokens against the dimension"


def test_dimensions_lie_on_their_fits():
    figure, (left, right) = figures.sparse_averaging_dimensions(LEAST)
    rendered(figure)
    np.testing.assert_allclose(drawn(left)["N = 32"], [(1, 27), (2, 37), (4, 57)])
    np.testing.assert_allclose(drawn(right)["q = 4"], [(32, 57), (64, 60), (128, 63)])
    fits = [line.get_xydata() for line in (*left.lines, *right.lines) if line.get_linestyle() == "-"]
    assert len(fits) == 6
    np.testing.assert_allclose(fits[0][:, 1], 17 + 10 * fits[0][:, 0])
    np.testing.assert_allclose(fits[-1][:, 1], 42 + 3 * np.log2(fits[-1][:, 0]))
    assert left.get_title() == "Linear in q: 10 dimensions for each further token\nfits of R² 1.00"
    assert right.get_title() == "About logarithmic in N: 3 dimensions each time N doubles\nfits of R² 1.00"
    assert (left.get_xscale(), right.get_xscale()) == ("linear", "log")
    assert "0.1" in left.get_ylabel()
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["q = 4", "q = 2", "q = 1"]


def test_two_rows_have_no_fit():
    few = replace(LEAST, rows=LEAST.by_sparsity(32)[:2])
    _, (left, right) = figures.sparse_averaging_dimensions(few)
    assert (left.get_title(), right.get_title()) == ("Least dimension against q", "Least dimension against N")


def test_poor_fits_are_not_called_linear():
    # Up and down: R^2 is 0.25 in q, and dimensions fall with N.
    up_and_down = {1: 20, 2: 40, 3: 30}
    rows = tuple(DimensionRow(n, q, up_and_down[q] - int(math.log2(n))) for n in (32, 64, 128) for q in (1, 2, 3))
    _, (left, right) = figures.sparse_averaging_dimensions(replace(LEAST, rows=rows))
    assert left.get_title() == "Least dimension against q\nfits of R² 0.25"
    assert right.get_title() == "Least dimension against N\nfits of R² 1.00"


def test_bits_are_above_the_bound():
    other = replace(BITS, tokens=16, sparsity=3, rows=(BitsRow(6, 18, 9e3), BitsRow(8, 11, 92.0)))
    figure, ax = figures.sparse_averaging_bits([replace(BITS, rows=BITS.rows[:2]), other])
    rendered(figure)
    lines = drawn(ax)
    np.testing.assert_allclose(lines["2 of 32 tokens"], [(4, 18), (8, 12)])
    np.testing.assert_allclose(lines["3 of 16 tokens"], [(6, 18), (8, 11)])
    bounds = [line.get_xydata() for line in ax.lines if line.get_linestyle() != "-"]
    products = sorted(bound.prod(axis=1)[0] for bound in bounds)
    np.testing.assert_allclose(products, [math.log2(math.comb(32, 2)), math.log2(math.comb(16, 3))])
    assert ax.get_title() == "Fewer dimensions cost more bits:\nm p varies by a factor of 1.3 while m varies by 2.0"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    # Grey lines are where their labels say.
    grey = {text.get_text(): text.xy for text in ax.texts if text.get_text().startswith("m p =")}
    assert grey
    for label, (x, y) in grey.items():
        assert x * y == pytest.approx(float(label.split("=")[1]))


def test_bits_that_were_not_found_are_not_drawn():
    _, ax = figures.sparse_averaging_bits(replace(BITS, rows=BITS.rows[1:]))
    np.testing.assert_allclose(drawn(ax)["2 of 32 tokens"], [(8, 12)])
    assert ax.get_title() == "Least precision against dimension"


@pytest.mark.parametrize("bits", [(12, 14), (12, None), (12, 12)])
def test_bits_that_do_not_fall_are_not_said_to(bits):
    rows = tuple(BitsRow(m, p, 1.0) for m, p in zip((4, 8), bits, strict=True))
    _, ax = figures.sparse_averaging_bits([replace(BITS, rows=BITS.rows[:2]), replace(BITS, rows=rows)])
    assert ax.get_title().split("\n")[0].rstrip(":") == "Least precision against dimension"


def test_a_single_study_of_bits():
    figure, _ = figures.sparse_averaging_bits(BITS)
    assert figure.legends[0].get_texts()[0].get_text() == "2 of 32 tokens"


def test_sizes_are_measured_marks_and_dashed_theorems():
    figure, ax = figures.model_sizes(SIZES)
    rendered(figure)
    by_mark = {line.get_marker(): np.asarray(line.get_xydata()) for line in ax.lines if len(line.get_xydata()) > 1}
    np.testing.assert_allclose(by_mark["D"], [(4, 4), (5, 5), (6, 6)])
    np.testing.assert_allclose(by_mark["v"], [(n, math.log2(n * (n - 1) / 2)) for n in (4, 5, 6)])
    np.testing.assert_allclose(by_mark["s"], [(4, 10), (64, 40), (256, 43)])
    np.testing.assert_allclose(by_mark["^"], [(4, 40), (64, 160), (256, 172)])
    theorem, published, memory, least = (line.get_xydata() for line in ax.lines[:4])
    np.testing.assert_allclose(theorem[:, 1], theorem[:, 0])
    np.testing.assert_allclose(published[:, 1], published[:, 0] / 2)
    np.testing.assert_allclose(memory[:, 1], (memory[:, 0] - 1) / 2)
    np.testing.assert_allclose(least[:, 1], np.log2(least[:, 0] * (least[:, 0] - 1) / 2))
    assert (theorem[0, 0], theorem[-1, 0]) == (4, 256)
    assert {"m < N from 64 on", "m p < N from 256 on"} <= set(texts(ax))
    assert ax.get_title() == (
        "To average 2 of N tokens, recurrent and feedforward models grow in proportion to N,\n"
        "attention grows with log N, and its dimension is smaller from 64 tokens on"
    )
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "bits, dimensions or width" in ax.get_ylabel()
    assert len(figure.legends[0].get_texts()) == 6


def test_sizes_where_attention_is_never_smaller_do_not_say_so():
    _, ax = figures.model_sizes(replace(SIZES, units=(UnitRow(4, 10, 4, 10), UnitRow(8, 20, 4, 20))))
    assert not any(" < N" in text for text in texts(ax))
    assert ax.get_title() == "Sizes of models that average 2 of N tokens"


@pytest.mark.parametrize(
    "other",
    [
        # A rank that falls short, dimensions that go down and up, and such as grow in proportion to N.
        {"matrices": (*SIZES.matrices, MatrixRow(7, 6, "exact", 2**7, 21))},
        {"matrices": SIZES.matrices[:1]},
        {"units": tuple(UnitRow(n, m, 4, m) for n, m in ((4, 30), (64, 3), (256, 20)))},
        {"units": tuple(UnitRow(n, n // 2, 4, n) for n in (4, 64, 256))},
    ],
)
def test_sizes_that_grow_otherwise_have_a_neutral_title(other):
    _, ax = figures.model_sizes(replace(SIZES, **other))
    assert ax.get_title().startswith("Sizes of models that average 2 of N tokens")
    assert "grow" not in ax.get_title()


def test_triples_show_errors_and_bits():
    figure, (errors, bits) = figures.triples(TRIPLES)
    rendered(figure)
    lines = drawn(errors)
    np.testing.assert_allclose(lines["N = 8"], [(1, 0.5), (16, 0.11), (17, 0)])
    np.testing.assert_allclose(lines["N = 16"], [(1, 0.5), (32, 0.11), (33, 0)])
    np.testing.assert_allclose(lines["third order"], [(5, 0), (5, 0)])
    assert {"N = 8", "N = 16", "third order:\nm = 5 for every N", "guessing"} <= set(texts(errors))
    lines = drawn(bits)
    np.testing.assert_allclose(lines["second order suffices: histogram, bits m p"], [(8, 34), (16, 66)])
    np.testing.assert_allclose(lines["third order suffices: bits m p, m = 5"], [(8, 35), (16, 50)])
    np.testing.assert_allclose(
        lines["any layer of second order: log₂ rank, up to log log N and a constant"],
        [(3, math.log2(6)), (5, math.log2(34)), (15, 18)],
    )
    np.testing.assert_allclose(lines["rank measured"], [(3, math.log2(6)), (5, math.log2(34))])
    np.testing.assert_allclose(lines["log₂ rank of the bigram variant"], [(3, math.log2(7)), (5, math.log2(12))])
    assert not any("local" in label for label in lines)
    assert "wrong answers" in errors.get_ylabel()
    assert "bits" in bits.get_ylabel()
    assert errors.get_title() == "At second order a histogram errs until m = M = 2N + 1"
    # Two sizes show no growth.
    assert bits.get_title() == "Bits against tokens"


def test_triples_that_grow_say_so():
    units = (*TRIPLES.units, OrderRow(3, 32, 65, 5, 0, 0, 100, 12))
    ranks = tuple(RankRow("Match3", n, 2 * n + 1, 2**n, "theorem") for n in (3, 5, 9))
    _, (_, bits) = figures.triples(replace(TRIPLES, units=units, ranks=ranks))
    assert bits.get_title() == "Second order pays about N bits, third order about log N"
    ranks = tuple(RankRow("Match3", n, 2 * n + 1, n, "theorem") for n in (3, 5, 9))
    _, (_, bits) = figures.triples(replace(TRIPLES, units=units, ranks=ranks))
    assert bits.get_title() == "Bits against tokens"


@pytest.mark.parametrize(("m", "wrong"), [(16, 0), (17, 3)])
def test_a_histogram_that_is_right_early_or_wrong_at_last_has_a_neutral_title(m, wrong):
    units = tuple(replace(row, wrong=wrong) if (row.tokens, row.dimension) == (8, m) else row for row in TRIPLES.units)
    _, (errors, _) = figures.triples(replace(TRIPLES, units=units))
    assert errors.get_title() == "Wrong answers against the dimension"


def test_third_order_of_several_dimensions_is_not_called_one():
    units = (*TRIPLES.units, OrderRow(3, 32, 65, 7, 0, 0, 100, 12))
    _, (errors, bits) = figures.triples(replace(TRIPLES, units=units))
    assert "third order:\nm = 5 to 7" in texts(errors)
    assert "third order suffices: bits m p, m = 5 to 7" in drawn(bits)


def test_triples_without_ranks_have_no_line_for_them():
    _, (_, bits) = figures.triples(replace(TRIPLES, ranks=()))
    assert len(drawn(bits)) == 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.sparse_averaging_errors(replace(ERRORS, rows=())),
        lambda: figures.sparse_averaging_dimensions(replace(LEAST, rows=())),
        lambda: figures.sparse_averaging_bits([]),
        lambda: figures.sparse_averaging_bits([BITS, replace(BITS, rows=())]),
        lambda: figures.model_sizes(replace(SIZES, units=())),
        lambda: figures.model_sizes(replace(SIZES, matrices=())),
        lambda: figures.triples(replace(TRIPLES, units=())),
    ],
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(TensorRankError, match=r"expected at least one to show"):
        draw()

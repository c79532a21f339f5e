import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from tensorrank import TensorRankError, figures
from tensorrank.experiments.hierarchy import ARROWS
from tensorrank.mixtures.reductions.equality import ReductionReport


def report(source, target, *, after=None, bound=None, equal=True, exact=True, states=None):
    return ReductionReport(
        source=source,
        target=target,
        equal=equal,
        identical=exact,
        over_fields=exact,
        tolerance=None if exact else 1e-9,
        primes=(7,),
        size_before=100,
        size_after=after,
        ratio=None if after is None else after / 100,
        bound=bound,
        theorem="as a test has it",
        states_needed=states,
        seconds=0.0,
    )


def texts(axes):
    return {text.get_text() for text in axes.texts}


def test_reductions_are_arrows_with_their_factor():
    reports = [
        report("hidden_markov", "latent_tree", after=100),
        report("hidden_markov", "tensorial_mixture", after=770, exact=False),
        report("hidden_markov", "latent_class", bound=6700, equal=None, states=256),
        report("sum_product", "latent_tree", bound=5, equal=None, states=5),
    ]
    figure, axes = figures.hierarchy(reports)
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert [arrow.get_linestyle() for arrow in arrows] == ["-", "-", "--", "--"]
    colours = [to_hex(arrow.get_edgecolor()) for arrow in arrows]
    assert len(set(colours)) == 3
    assert colours[2] == colours[3]
    assert texts(axes) >= {"× 1", "× 7.7", "≥ × 67", "≥ 5 states"}
    assert texts(axes) >= {"hidden Markov model\n100 table entries", "sum-product network\n100 edges", "latent tree model"}
    assert sum(isinstance(patch, FancyBboxPatch) for patch in axes.patches) == 7
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "reduction, equal exactly: size × factor",
        "reduction, equal within rounding: size × factor",
        "too large to make: needed at least",
    ]


def test_no_label_lies_on_another_nor_on_a_node():
    reports = [report(*arrow, bound=678900, equal=None, states=1) for arrow in ARROWS]
    figure, axes = figures.hierarchy(reports)
    figure.canvas.draw()
    labels = [text.get_window_extent() for text in axes.texts if "≥" in text.get_text()]
    nodes = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert len(labels) == len(ARROWS)
    for index, label in enumerate(labels):
        assert not any(label.overlaps(other) for other in [*labels[:index], *nodes])
        assert figure.bbox.contains(label.x0, label.y0)
        assert figure.bbox.contains(label.x1, label.y1)
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(box) for box in [*labels, *nodes])


@pytest.mark.parametrize(
    ("reports", "complaint"),
    [
        ([], "no reports were given"),
        ([report("latent_class", "latent_tree", after=1)] * 2, "2 reports are of 1 pairs of kinds"),
        ([report("latent_class", "latent_tree", after=1, equal=False)], "NOT equal.* expected reductions that are equal"),
    ],
    ids=str,
)
def test_reports_that_cannot_be_drawn_are_refused(reports, complaint):
    with pytest.raises(TensorRankError, match=complaint):
        figures.hierarchy(reports)

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank import guidelines
from tensorrank.errors import TensorRankError

CONFIGS = Path(__file__).with_name("configs")


@pytest.mark.parametrize("row", guidelines.PUBLISHED_PROJECTIONS, ids=lambda row: row.name)
def test_the_published_projections_are_reached(row):
    best = guidelines.optimum(row.parameters)
    depth, width = row.published
    assert abs(best.depth - depth) < 1.5
    assert abs(best.width / width - 1) < 0.03


def test_the_projections_are_those_of_the_trained_shapes():
    # SOURCES.md section 3; depth and width as trained.
    trained = [(12, 768), (24, 1024), (24, 1536), (24, 2048), (32, 2560), (32, 4096), (40, 5140), (96, 12288), None]
    assert [row.trained for row in guidelines.PUBLISHED_PROJECTIONS] == trained
    assert guidelines.PUBLISHED_PROJECTIONS[-1].parameters == 1e12


def test_what_the_fit_says_of_gpt3():
    advice = guidelines.advise(96, 12288)
    assert advice.verdict == "wider"
    assert advice.optimum.shape == (80, 13461)
    assert advice.layers_to_add == pytest.approx(80.46 - 96, abs=0.01)
    # (ln 12288 - 5.039) / 0.0555 layers of width 12288 lie on the curve.
    core = (math.log(12288) - 5.039) / 0.0555
    assert advice.core == (pytest.approx(core), 12288)
    assert advice.beyond_core == pytest.approx(1 - core / 96)
    assert advice.best_at == pytest.approx(12 * 96 * math.exp(2 * (5.039 + 0.0555 * 96)))


def test_what_the_fit_says_of_a_shallow_network():
    advice = guidelines.advise(24, 2048)
    assert advice.verdict == "deeper"
    width = math.exp(5.039 + 0.0555 * 24)
    assert advice.core == (24, pytest.approx(width))
    assert advice.beyond_core == pytest.approx(1 - (width / 2048) ** 2)


@pytest.mark.parametrize(("name", "shape"), [("gpt2", (12, 768)), ("t5_11b", (24, 1024)), ("gemma_3_4b", (34, 2560))])
def test_a_configuration_is_judged_as_its_depth_and_width_are(name, shape):
    path = CONFIGS / f"{name}.json"
    expected = guidelines.advise(*shape, sigmas=1.0)
    content = json.loads(path.read_text())
    for config in (path, str(path), content, guidelines.read_config(path, "table")):
        assert guidelines.advise(config, sigmas=1.0) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((12,), "depth is 12 without a width; expected both, or a configuration in their place"),
        (("no_such_folder",), r"no_such_folder cannot be read"),
        (("12", 768), "depth is '12'; expected a whole number of at least 1"),
        ((12, "768"), "width is '768'; expected a whole number of at least 1"),
        ((CONFIGS / "gpt2.json", 768), "width is 768 beside a configuration, which says it; leave it out"),
        ((None,), "the configuration is None; expected the path of a file or folder"),
        (({"model_type": "gpt2"},), "n_layer, n_embd, n_head, .* are missing"),
    ],
)
def test_what_is_neither_a_shape_nor_a_configuration_is_refused(arguments, message):
    with pytest.raises(TensorRankError, match=message):
        guidelines.advise(*arguments)


# N(1) by the published fit.
SIZE_OF_ONE_LAYER = 12 * math.exp(2 * (5.039 + 0.0555))


@given(depth=st.integers(1, 100_000), width=st.integers(1, 10**9))
def test_advice_keeps_the_size_and_points_to_the_curve(depth, width):
    advice = guidelines.advise(depth, width)
    best = advice.optimum
    assert best.depth * best.width**2 == pytest.approx(depth * width**2)
    if 12 * depth * width**2 < SIZE_OF_ONE_LAYER:
        assert (best.depth, best.depth_range[0], best.extrapolated) == (1, 1, True)
    else:
        assert math.log(best.width) == pytest.approx(5.039 + 0.0555 * best.depth)
    least, most = advice.beyond_core_range
    assert 0 <= least <= most <= 1
    assert least <= advice.beyond_core <= most + 1e-12
    assert advice.core[0] <= depth
    assert advice.core[1] <= width
    low, high = best.depth_range
    assert low <= best.depth <= high
    if depth == best.shape[0]:
        assert advice.verdict == "near the optimum"
    elif advice.verdict == "deeper":
        assert depth < low
    elif advice.verdict == "wider":
        assert depth > high
        assert depth > 1
    else:
        assert low <= depth <= high


def test_what_is_beyond_the_core_has_the_range_of_the_band():
    advice = guidelines.advise(96, 12288)
    least, most = advice.beyond_core_range
    # Where the edges of the band reach the width.
    for share, edge in ((least, -2), (most, 2)):
        layers = (1 - share) * 96
        assert guidelines.PUBLISHED.width(layers, edge) == pytest.approx(12288)
    assert least < advice.beyond_core < most


@pytest.mark.parametrize(("depth", "width"), [(78, 13620), (80, 13422), (83, 13200)])
def test_within_the_band_perhaps_nothing_is_beyond_the_core(depth, width):
    advice = guidelines.advise(depth, width)
    assert advice.verdict == "near the optimum"
    assert advice.beyond_core_range[0] == 0


def test_depths_beyond_all_floats_are_judged():
    advice = guidelines.advise(100_000, 64)
    assert advice.verdict == "wider"
    assert advice.best_at is None
    with pytest.raises(TensorRankError, match=r"L d\^2 is .*; expected a finite number"):
        guidelines.advise(12, 10**170)


@pytest.mark.parametrize("depth", [10, 47, 90])
def test_shapes_on_the_curve_have_next_to_nothing_beyond_the_core(depth):
    advice = guidelines.advise(depth, round(guidelines.PUBLISHED.width(depth)))
    assert advice.verdict == "near the optimum"
    assert advice.beyond_core < 0.005


def test_less_than_one_layer_is_never_the_best():
    # 12 * 2 * 8^2 parameters are one layer of width 11.3; the curve begins at 319,565.
    advice = guidelines.advise(2, 8)
    assert (advice.optimum.depth, advice.optimum.depth_range, advice.optimum.shape) == (1, (1, 1), (1, 11))
    assert advice.optimum.width == pytest.approx(math.sqrt(128))
    assert (advice.verdict, advice.layers_to_add) == ("wider", -1)
    assert advice.width_to_add == pytest.approx(math.sqrt(128) - 8)
    assert guidelines.optimum(SIZE_OF_ONE_LAYER * 1.0001).depth == pytest.approx(1, abs=0.01)
    # A fit of networks from one layer on is extrapolated there, too.
    fit = guidelines.TransitionFit(5.039, 0.0555, depths=(1, 6))
    assert guidelines.optimum(1000, fit).extrapolated


def test_a_single_layer_is_never_too_deep():
    # No network is shallower than one layer.
    advice = guidelines.advise(1, 4)
    assert advice.optimum.depth == 1
    assert advice.verdict == "near the optimum"
    assert advice.beyond_core == 0
    assert advice.optimum.shape == (1, 4)


def test_other_fits_give_other_advice():
    level = guidelines.TransitionFit(math.log(1000), 0.0)
    best = guidelines.optimum(12 * 7 * 1000**2, level)
    assert (best.depth, best.width) == (pytest.approx(7), pytest.approx(1000))
    assert guidelines.advise(7, 1000, level).verdict == "near the optimum"
    assert guidelines.advise(28, 500, level).beyond_core == pytest.approx(27 / 28)
    thin = guidelines.TransitionFit(5.0, 0.05, rule=4.0)
    assert guidelines.optimum(4e9, thin).depth == pytest.approx(
        guidelines.optimum(12e9, guidelines.TransitionFit(5.0, 0.05)).depth
    )


def test_ranges_span_as_many_standard_errors_as_asked():
    narrow, wide = (guidelines.optimum(1e10, sigmas=sigmas).depth_range for sigmas in (1, 3))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    best = guidelines.optimum(1e10)
    assert best.width_range[0] == pytest.approx(math.sqrt(1e10 / (12 * best.depth_range[1])))
    assert best.extrapolated
    assert not guidelines.optimum(1e9).extrapolated


def test_a_range_without_end_leaves_the_width_open():
    loose = guidelines.TransitionFit.of_errors(5.0, 0.01, 0.5, 0.02)
    best = guidelines.optimum(1e9, loose)
    assert best.depth_range[1] is None
    assert best.width_range[0] is None
    assert guidelines.advise(1000, 8, loose).verdict == "near the optimum"


@pytest.mark.parametrize(("depth", "width"), [(0, 8), (8, 0), (1.5, 8), (8, "wide")])
def test_shapes_are_whole_numbers(depth, width):
    with pytest.raises(TensorRankError, match="expected a whole number"):
        guidelines.advise(depth, width)


@given(parameters=st.floats(1e4, 1e13), step=st.sampled_from([1, 8, 64, 128]))
def test_whole_shapes_keep_the_size_as_far_as_the_step_allows(parameters, step):
    depth, width = guidelines.optimum(parameters).shape_in_steps(step)
    assert width % step == 0
    exact = math.sqrt(parameters / (12 * depth))
    assert abs(width - exact) <= max(step / 2, step - exact) + 1e-6
    assert abs(depth - guidelines.PUBLISHED.depth(parameters)) <= 0.5 or depth == 1


def test_known_models_are_told_apart():
    names = [model.name for model in guidelines.KNOWN_MODELS]
    assert len(set(names)) == len(names)
    assert all(model.source for model in guidelines.KNOWN_MODELS)

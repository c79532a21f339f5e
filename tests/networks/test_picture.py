import subprocess
import sys

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.picture import picture
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import Bipartition

TRAIN = TensorTrain.random((2,) * 6, 3, seed=0).to_network()
TREE = HierarchicalTucker.random((3,) * 8, 2, seed=0).to_network()
POLYADIC = CanonicalPolyadic.random((4,) * 5, 3, seed=0).to_network()


def texts(axes):
    return [text.get_text() for text in axes.texts]


def dashed(axes):
    return [line for line in axes.lines if line.get_linestyle() == "--" and line.get_marker() in ("None", None)]


@pytest.mark.parametrize("network", [TRAIN, TREE, POLYADIC], ids=["train", "tree", "polyadic"])
def test_every_tensor_and_site_is_named_and_nothing_lies_on_another(network):
    _, axes = network.picture()
    names = [tensor.name for tensor in network.tensors]
    assert set(names) | {str(site) for site in range(network.sites)} <= set(texts(axes))
    places = np.array([text.get_position() for text in axes.texts if text.get_text() in names])
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
    assert distances.min() > 0.9


@pytest.mark.parametrize(
    ("network", "partition", "title", "cut"),
    [
        (TRAIN, Bipartition.halves(6), "rank at most 3 = the dimension of bond 2", 1),
        (TRAIN, Bipartition.interleaved(6), "rank at most 8 = 2³, the dimensions of 3 legs", 3),
        # One leg, drawn as a line to each of six tensors.
        (POLYADIC, Bipartition.halves(5), "rank at most 3 = the dimension of term", 6),
    ],
)
def test_the_cut_is_dashed_and_its_bound_is_the_title(network, partition, title, cut):
    figure, axes = network.picture(partition)
    assert axes.get_title() == title
    assert len(dashed(axes)) == cut
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["side A", "side B", "minimum cut"]


def test_sides_differ_in_marker_and_in_lightness():
    _, axes = TRAIN.picture(Bipartition.interleaved(6))
    markers = [(line.get_marker(), line.get_color()) for line in axes.lines if line.get_marker() in ("o", "s")]
    assert [marker for marker, _ in markers] == ["o", "s"] * 3
    lightness = [np.mean([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) for _, colour in markers[:2]]
    assert abs(lightness[0] - lightness[1]) > 60


def test_bonds_are_as_thick_as_they_are_wide_and_name_their_dimension():
    pair = TensorNetwork(
        (
            Tensor("u", ("x", "b"), np.ones((2, 16))),
            Tensor("v", ("b", "c", "y"), np.ones((16, 2, 2))),
            Tensor("w", ("c", "z"), np.ones((2, 2))),
        ),
        ("x", "y", "z"),
    )
    _, axes = pair.picture()
    assert {"16", "2"} <= set(texts(axes))
    widths = [line.get_linewidth() for line in axes.lines[:2]]
    assert widths[0] > 2 * widths[1]


def test_parts_apart_single_tensors_and_a_network_without_a_cut_leg():
    apart = TensorNetwork((Tensor("u", ("a",), [1, 2]), Tensor("v", ("b",), [3, 4])), ("a", "b"))
    _, axes = apart.picture(Bipartition.halves(2))
    assert axes.get_title() == "rank at most 1: no leg joins the sides"
    assert not dashed(axes)


def test_positions_are_kept_and_checked():
    square = {f"core {i}": (i % 3, i // 3) for i in range(6)}
    _, axes = picture(TRAIN, positions=square)
    found = {text.get_text(): text.get_position() for text in axes.texts}
    assert {name: found[name] for name in square} == square
    with pytest.raises(TensorRankError, match="positions are missing or too many for core 0, hub"):
        TRAIN.picture(positions=square | {"hub": (0, 0)} if square.pop("core 0") else {})


def test_a_network_is_made_without_loading_what_only_pictures_cuts_and_conversions_need():
    code = """
import sys
from tensorrank.networks.tensor_train import TensorTrain
TensorTrain.random((2, 2), 2, 0).to_network().contract()
print([m for m in ("matplotlib", "networkx", "tensorly") if m in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

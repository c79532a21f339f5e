"""Round trips of model files, bit for bit."""

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.files import from_dict, load, save, to_dict
from tensorrank.mixtures.formats.written_tables import read_table, written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

SHARED_DENSITIES = Gaussians([0.1, -2.5, 1e-300], [1.0, 1 / 3, 5e-324])


def network(exact):
    rng = np.random.default_rng(3)

    def some(size):
        counts = rng.integers(1, 9, size).tolist()
        return [Fraction(c, sum(counts)) if exact else c / sum(counts) for c in counts]

    leaves = {(x, c): LeafNode(x, some(3)) for x in range(2) for c in "ab"}
    names = {key: f"{key[0]}{key[1]}" for key in leaves}
    nodes = {names[key]: leaf for key, leaf in leaves.items()}
    nodes |= {1: ProductNode(("0a", "1a")), "1": ProductNode(("0b", "1b"))}
    return SumProduct({0: SumNode((1, "1"), some(2))} | nodes, 0)


MODELS = {
    "latent_class": lambda exact: LatentClass.random([2, 3, 4], 3, 0, fractions=exact),
    "hidden_markov": lambda exact: HiddenMarkov.random(3, 2, 5, 0, fractions=exact),
    "hidden_markov by step": lambda exact: HiddenMarkov.random(3, 2, 5, 0, homogeneous=False, fractions=exact),
    "hidden_markov of one step": lambda exact: HiddenMarkov.random(3, 2, 1, 0, homogeneous=False, fractions=exact),
    "latent_tree": lambda exact: LatentTree.random([0, 0, 1, 1, 2, 2], 2, 3, 0, fractions=exact),
    "tensorial_mixture": lambda exact: TensorialMixture.random(3, 2, 3, 0, fractions=exact),
    "tensorial_mixture shared": lambda exact: TensorialMixture.random(3, 2, 3, 0, shared=True, fractions=exact),
    "hierarchical": lambda exact: Hierarchical.random([3] * 5, 2, 0, fractions=exact),
    "sum_product": network,
    "squared": lambda exact: SquaredMixture.random([0, 0, 1, 1, 2, 2], 2, 3, 0, fractions=exact),
    "squared and summed": lambda exact: SquaredMixture.random([0, 1, 1], 2, 3, 0, summed=["z0"], fractions=exact),
}


def same(one, other):
    """Equal in every field, arrays in every bit and in the type of their entries."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        if one.dtype == object:
            assert [type(entry) for entry in other.flat] == [Fraction] * other.size
            assert one.tolist() == other.tolist()
        else:
            assert one.tobytes() == other.tobytes()
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif hasattr(one, "items"):
        same(tuple(one.items()), tuple(other.items()))
    elif hasattr(one, "__dataclass_fields__"):
        for name in one.__dataclass_fields__:
            same(getattr(one, name), getattr(other, name))
    else:
        assert one == other


@pytest.mark.parametrize("exact", [False, True], ids=["floats", "fractions"])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_round_trip_of_every_kind(make, exact, tmp_path):
    model = make(exact)
    save(model, tmp_path / "m.json")
    again = load(tmp_path / "m.json")
    same(model, again)
    assert (again.over_fractions, again.parameters, again.size) == (exact, model.parameters, model.size)
    first, second = list(json.loads((tmp_path / "m.json").read_text()).items())[:2]
    assert (first, second) == (("model", model.kind), ("version", 1))
    same(model, from_dict(to_dict(model)))


def test_every_kind_is_among_them():
    assert {make(False).kind for make in MODELS.values()} == set(KINDS)
    monotone = ["latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "hierarchical", "sum_product"]
    assert list(KINDS) == [*monotone, "squared"]


@pytest.mark.parametrize(
    "model",
    [
        LatentClass([1], [[[0.5, 0.25, 0.25]]], densities=SHARED_DENSITIES),
        HiddenMarkov([1], [[1]], [["1/2", "1/3", "1/6"]], 4, densities=SHARED_DENSITIES),
        LatentTree("z", [1], [("z", 0, [[0, 1]])], densities=Gaussians([[[1, 2.5], [0, 0.1]]], [[[1, 2], [3, 0.7]]])),
        TensorialMixture([1], [[[0, 1]]], densities=Gaussians([[1, 2], [3, 4]], [[[2, 1], [1, 2]]] * 2)),
        Hierarchical([Leaf(0, [[1, 0, 0]])], densities=SHARED_DENSITIES),
        SumProduct({"x": LeafNode(0, [0.5, 0.25, 0.25])}, "x", densities=SHARED_DENSITIES),
    ],
    ids=lambda model: model.kind,
)
def test_gaussian_components_of_every_kind(model, tmp_path):
    save(model, tmp_path / "m.json")
    same(model, load(tmp_path / "m.json"))


def test_some_tables_are_exact_and_others_floats(tmp_path):
    model = HiddenMarkov(["1/3", "2/3"], [[0.5, 0.5], [0.25, 0.75]], [[1, 0], ["1/7", "6/7"]], 3)
    save(model, tmp_path / "m.json")
    again = load(tmp_path / "m.json")
    same(model, again)
    assert [again.initial.dtype, again.transition.dtype, again.emission.dtype] == [object, float, object]


def test_functions_that_are_no_distributions_are_kept(tmp_path):
    halves = Transfer((0, 1), [[["1/20"]]])
    model = Hierarchical([Leaf(0, [[2, 3]]), Leaf(1, [[1, 3]]), halves])
    save(model, tmp_path / "m.json")
    same(model, load(tmp_path / "m.json"))


def test_variables_are_written_only_where_the_rule_gives_others():
    table = [[0.5, 0.5]]
    edges = [("z", name, table) for name in ("b", "a", "c")]
    assert "variables" not in to_dict(LatentTree("z", [1], edges))
    assert "variables" not in to_dict(LatentTree("z", [1], edges, ["b", "a", "c"]))
    turned = to_dict(LatentTree("z", [1], edges, ["a", "c", "b"]))
    assert turned["variables"] == ["a", "c", "b"]
    assert from_dict(turned).leaves == ("a", "c", "b")
    numbered = [("z", name, table) for name in (1, 0)]
    assert from_dict(to_dict(LatentTree("z", [1], numbered))).leaves == (0, 1)
    assert to_dict(LatentTree("z", [1], numbered, [1, 0]))["variables"] == [1, 0]


def test_names_keep_their_type(tmp_path):
    save(LatentTree("größe", [1], [("größe", "1", [[1]]), ("größe", 1, [[1]])], ["1", 1]), tmp_path / "m")
    again = load(tmp_path / "m")
    assert (again.root, [edge.child for edge in again.edges]) == ("größe", ["1", 1])


@pytest.mark.parametrize("name", ["\ud800", 2**53 + 1, True, 1.5])
def test_what_no_file_can_hold_as_a_name_is_none(name):
    with pytest.raises(TensorRankError, match=r"expected a whole number or a text \(up to 2\^53, of whole characters\)"):
        LatentTree("z", [1], [("z", name, [[1]])])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, allow_infinity=False), min_size=1))
def test_any_float_comes_back(entries):
    table = np.array(entries)
    assert read_table(json.loads(json.dumps(written(table))), "it").tobytes() == table.tobytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fractions(), min_size=1, max_size=6))
def test_any_fraction_comes_back(entries):
    again = read_table(json.loads(json.dumps(written(np.array(entries, dtype=object)))), "it")
    assert again.tolist() == entries
    assert again.dtype == object


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10**30), min_size=2, max_size=5).filter(any), st.booleans())
def test_any_distribution_comes_back_in_a_model(counts, exact):
    row = [Fraction(count, sum(counts)) if exact else count / sum(counts) for count in counts]
    same(LatentClass([1], [[row]]), from_dict(json.loads(json.dumps(to_dict(LatentClass([1], [[row]]))))))


def test_fractions_of_any_length_come_back(tmp_path):
    tiny = Fraction(1, 3**12000)
    model = Hierarchical([Leaf(0, [[tiny]]), Leaf(1, [[3**12000]]), Transfer((0, 1), [[[1]]])])
    save(model, tmp_path / "m.json")
    same(model, load(tmp_path / "m.json"))
    (tmp_path / "n.json").write_text(f'{{"model": "latent_class", "version": 1, "weights": [{10**4200}], "components": []}}')
    with pytest.raises(TensorRankError, match=r"n.json: the array of weights sums to"):
        load(tmp_path / "n.json")


def test_a_float_makes_the_table_floats():
    # Also beside texts, which numpy would make the floats into.
    assert read_table([[0.1, "1/2"], [1, 0]], "it").tolist() == [[0.1, 0.5], [1.0, 0.0]]
    assert read_table([1e0], "it").dtype == float
    assert read_table([1], "it").dtype == object


def test_a_byte_order_mark_is_no_matter(tmp_path):
    text = json.dumps(to_dict(LatentClass([1], [[[1]]])))
    (tmp_path / "m.json").write_text(text, encoding="utf-8-sig")
    assert load(tmp_path / "m.json").kind == "latent_class"


def test_a_file_that_cannot_be_replaced_stays(tmp_path):
    save(LatentClass([1], [[[1]]]), tmp_path / "m.json")
    before = (tmp_path / "m.json").read_text()
    with pytest.raises(TensorRankError, match="expected one of the models latent_class"):
        save("no model", tmp_path / "m.json")
    with pytest.raises(TensorRankError, match=r"m.json/ ends in a slash, which names a folder"):
        save(LatentClass([1], [[[1]]]), f"{tmp_path}/m.json/")
    with pytest.raises(TensorRankError, match=r"m.json cannot be written \(No such file"):
        save(LatentClass([1], [[[1]]]), tmp_path / "nowhere" / "m.json")
    with pytest.raises(TensorRankError, match=r"m.json cannot be written \(Not a directory\)"):
        save(LatentClass([1], [[[1]]]), tmp_path / "m.json" / "m.json")
    assert (tmp_path / "m.json").read_text() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "m.json"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "m.json").symlink_to(tmp_path / "real" / "m.json")
    save(LatentClass([1], [[[1]]]), tmp_path / "m.json")
    assert (tmp_path / "m.json").is_symlink()
    assert load(tmp_path / "real" / "m.json").classes == 1


def documented():
    page = Path(__file__).parents[3] / "docs" / "reference" / "files.md"
    return re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("text", documented())
def test_examples_of_the_documentation(text, tmp_path):
    (tmp_path / "m.json").write_text(text)
    model = load(tmp_path / "m.json")
    # What `save` writes is what the page shows, so it shows every field as it is.
    assert to_dict(model) == json.loads(text)
    total = model.marginal([0]).sum()
    assert total == pytest.approx(1)


def test_the_documentation_shows_every_kind():
    assert {json.loads(text)["model"] for text in documented()} == set(KINDS)

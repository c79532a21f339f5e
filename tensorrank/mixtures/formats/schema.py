"""Models as plain values and back, version 1 of the schema of docs/files.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tensorrank.arguments import nearest
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.written_tables import read_table, read_tables, written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.hierarchical import Node as HierarchicalNode
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import Edge, LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.sum_product.model import LeafNode, Node, ProductNode, SumNode, SumProduct
from tensorrank.mixtures.tables import Table
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.version import __version__

Fields: TypeAlias = "Mapping[str, Any]"

VERSION = 1


def to_dict(model: Mixture) -> dict[str, Any]:
    """The model as plain values, ready for JSON; `from_dict` gives the same model back.

    Raises:
        TensorRankError: if it is no mixture.

    >>> to_dict(LatentClass([1], [[["1/3", "2/3"]]]))
    {'model': 'latent_class', 'version': 1, 'weights': [1], 'components': [[['1/3', '2/3']]]}
    """
    head = {"model": getattr(model, "kind", None), "version": VERSION}
    fields: dict[str, Any]
    match model:
        case LatentClass():
            fields = {"weights": written(model.weights), "components": _each(model.components)}
        case HiddenMarkov():
            fields = {
                "initial": written(model.initial),
                "transition": _each(model.transition),
                "emission": _each(model.emission),
                "length": model.length,
            }
        case LatentTree():
            edges = [{"parent": e.parent, "child": e.child, "table": written(e.table)} for e in model.edges]
            fields = {"root": model.root, "prior": written(model.prior), "edges": edges}
            if model.numbering != model.leaves:
                fields["variables"] = list(model.leaves)
        case TensorialMixture():
            fields = {"prior": written(model.prior), "levels": [_each(level) for level in model.levels]}
        case Hierarchical():
            fields = {"nodes": [_hierarchical_node(node) for node in model.nodes]}
        case SumProduct():
            nodes = [{"id": name, **_sum_product_node(node)} for name, node in model.nodes.items()]
            fields = {"nodes": nodes, "root": model.root}
        case _:
            raise TensorRankError(f"{model!r} was given; expected one of the models {', '.join(KINDS)}")
    return head | fields | ({} if model.densities is None else {"densities": model.densities.to_dict()})


def from_dict(given: Fields) -> Mixture:
    """The model that `to_dict` described.

    Raises:
        TensorRankError: if the model or the version is unknown, a field is missing or unknown, or the values make no
            such model.

    >>> from_dict({"model": "latent_class", "version": 1, "weights": [1], "components": [[["1/3", "2/3"]]]})
    LatentClass(1 variables, 1 classes, 2 values)
    """
    if not isinstance(given, Mapping):
        raise TensorRankError(f'a model is {type(given).__name__}; expected an object with the field "model"')
    kind = given.get("model")
    if not isinstance(kind, str) or kind not in KINDS:
        if "model" not in given:
            raise TensorRankError(f"the field 'model' is missing; expected one of {', '.join(KINDS)}")
        raise TensorRankError(f"the model is {kind!r}; {nearest(str(kind), KINDS)}")
    version = given.get("version")
    if version != VERSION or type(version) is not int:
        if type(version) is int and version > VERSION:
            raise TensorRankError(
                f"the version is {version}; tensorrank {__version__} reads {VERSION}, so a newer one is needed"
            )
        found = f"the version is {version!r}" if "version" in given else "the field 'version' is missing"
        raise TensorRankError(f"{found}; expected {VERSION}")
    read, required, optional = _MODELS[kind]
    _check_names(given, ("model", "version", *required), (*optional, "densities"))
    densities = None
    if "densities" in given:
        fields = _fields(given["densities"], "densities", ("type", "means", "covariances"))
        arrays = {name: read_table(fields[name], f"the field {name!r}") for name in ("means", "covariances")}
        densities = Gaussians.from_dict({"type": fields["type"], **arrays})
    return read(given, densities)


def _each(tables: Table | tuple[Table, ...]) -> Any:
    return [written(table) for table in tables] if isinstance(tables, tuple) else written(tables)


def _hierarchical_node(node: HierarchicalNode) -> dict[str, Any]:
    place = {"variable": node.variable} if isinstance(node, Leaf) else {"children": list(node.children)}
    return {**place, "table": written(node.table)}


def _sum_product_node(node: Node) -> dict[str, Any]:
    match node:
        case SumNode():
            return {"type": "sum", "children": list(node.children), "weights": written(node.weights)}
        case ProductNode():
            return {"type": "product", "children": list(node.children)}
        case LeafNode():
            return {"type": "leaf", "variable": node.variable, "distribution": written(node.distribution)}


def _latent_class(fields: Fields, densities: Gaussians | None) -> LatentClass:
    return LatentClass(_table(fields, "weights"), _tables(fields, "components"), densities=densities)


def _hidden_markov(fields: Fields, densities: Gaussians | None) -> HiddenMarkov:
    transition, emission = (read_tables(fields[name], f"the field {name!r}") for name in ("transition", "emission"))
    return HiddenMarkov(_table(fields, "initial"), transition, emission, fields.get("length"), densities=densities)


def _latent_tree(fields: Fields, densities: Gaussians | None) -> LatentTree:
    edges = []
    for number, given in enumerate(_list(fields, "edges")):
        edge = _fields(given, f"edges[{number}]", ("parent", "child", "table"))
        parent, child = (_name(edge[end], f"the {end} of edges[{number}]") for end in ("parent", "child"))
        edges.append(Edge(parent, child, read_table(edge["table"], f"the table of edges[{number}]")))
    names: list[Name] | None = None
    if "variables" in fields:
        names = [_name(name, "an entry of 'variables'") for name in _list(fields, "variables")]
    return LatentTree(
        _name(fields["root"], "the root"), _table(fields, "prior"), tuple(edges), names, densities=densities
    )


def _tensorial_mixture(fields: Fields, densities: Gaussians | None) -> TensorialMixture:
    levels = tuple(read_tables(level, f"levels[{number}]") for number, level in enumerate(_list(fields, "levels")))
    return TensorialMixture(_table(fields, "prior"), levels, densities=densities)


def _hierarchical(fields: Fields, densities: Gaussians | None) -> Hierarchical:
    nodes: list[HierarchicalNode] = []
    for number, given in enumerate(_list(fields, "nodes")):
        where = f"nodes[{number}]"
        inner = isinstance(given, Mapping) and "children" in given
        node = _fields(given, where, ("children" if inner else "variable", "table"))
        table = read_table(node["table"], f"the table of {where}")
        nodes.append(Transfer(tuple(_list(node, "children", where)), table) if inner else Leaf(node["variable"], table))
    return Hierarchical(tuple(nodes), densities=densities)


def _sum_product(fields: Fields, densities: Gaussians | None) -> SumProduct:
    nodes: dict[Name, Node] = {}
    places: dict[Name, int] = {}
    for number, given in enumerate(_list(fields, "nodes")):
        where = f"nodes[{number}]"
        kind = given.get("type") if isinstance(given, Mapping) else None
        if not isinstance(kind, str) or kind not in _NODES:
            if kind is not None:
                raise TensorRankError(f"the type of {where} is {kind!r}; {nearest(str(kind), _NODES)}")
            _fields(given, where, ("id", "type"), ("children", "weights", "variable", "distribution"))
            raise TensorRankError(f"the type of {where} is null; {nearest('', _NODES)}")
        node = _fields(given, where, ("id", "type", *_NODES[kind]))
        name = _name(node["id"], f"the id of {where}")
        if name in places:
            raise TensorRankError(f"nodes[{places[name]}] and {where} have the same id, {name!r}; expected two")
        places[name] = number
        if kind == "leaf":
            nodes[name] = LeafNode(
                node["variable"], read_table(node["distribution"], f"the distribution of node {name!r}")
            )
            continue
        children = tuple(_name(child, f"a child of node {name!r}") for child in _list(node, "children", where))
        nodes[name] = (
            ProductNode(children)
            if kind == "product"
            else SumNode(children, read_table(node["weights"], f"the weights of node {name!r}"))
        )
    return SumProduct(nodes, _name(fields["root"], "the root"), densities=densities)


# The fields of each type of node of a sum-product network.
_NODES = {"sum": ("children", "weights"), "product": ("children",), "leaf": ("variable", "distribution")}

# For each kind how its fields are read, those it must have, and those it may have.
_Reader: TypeAlias = Callable[[Fields, Gaussians | None], Mixture]
_MODELS: Mapping[str, tuple[_Reader, tuple[str, ...], tuple[str, ...]]] = {
    "latent_class": (_latent_class, ("weights", "components"), ()),
    "hidden_markov": (_hidden_markov, ("initial", "transition", "emission"), ("length",)),
    "latent_tree": (_latent_tree, ("root", "prior", "edges"), ("variables",)),
    "tensorial_mixture": (_tensorial_mixture, ("prior", "levels"), ()),
    "hierarchical": (_hierarchical, ("nodes",), ()),
    "sum_product": (_sum_product, ("nodes", "root"), ()),
}


def _fields(given: Any, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Fields:
    """An object inside the file, its names checked."""
    if not isinstance(given, Mapping):
        raise TensorRankError(f"{where} is {given!r:.40}; expected an object with {', '.join(map(repr, required))}")
    _check_names(given, required, optional, f"{where}: ")
    return given


def _check_names(given: Fields, required: tuple[str, ...], optional: tuple[str, ...], where: str = "") -> None:
    known = (*required, *optional)
    for name in given:
        if name not in known:
            raise TensorRankError(f"{where}unknown field {name!r}; {nearest(str(name), known)}")
    missing = [name for name in required if name not in given]
    if missing:
        raise TensorRankError(f"{where}the field {missing[0]!r} is missing; expected {', '.join(required)}")


def _table(fields: Fields, name: str) -> Table:
    return read_table(fields[name], f"the field {name!r}")


def _tables(fields: Fields, name: str) -> tuple[Table, ...]:
    return tuple(read_table(table, f"{name}[{number}]") for number, table in enumerate(_list(fields, name)))


def _list(fields: Fields, name: str, where: str = "") -> list[Any]:
    if not isinstance(fields[name], list):
        place = f" of {where}" if where else ""
        raise TensorRankError(f"the field {name!r}{place} is {fields[name]!r:.40}; expected a list")
    return list(fields[name])


def _name(given: Any, what: str) -> Name:
    if type(given) is not int and type(given) is not str:
        raise TensorRankError(f"{what} is {given!r:.40}; expected a name, a whole number or a text")
    return given

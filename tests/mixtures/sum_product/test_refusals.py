from fractions import Fraction

import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct

HALF = Fraction(1, 2)
A, B, C, D = (LeafNode(variable, [HALF, HALF]) for variable in (0, 1, 2, 0))
EVEN = [HALF, HALF]


def leaves(*variables):
    return {f"x{place}": LeafNode(variable, EVEN) for place, variable in enumerate(variables)}


REFUSED = {
    "no mapping": ([], "r", r"nodes are \[\]; expected a mapping from names to nodes, not empty"),
    "no nodes": ({}, "r", "expected a mapping from names to nodes, not empty"),
    "odd name": ({1.5: A}, 1.5, "a node is named 1.5; expected a whole number or a text"),
    "no node": ({"r": 3}, "r", r"node 'r' is 3; expected SumNode\(children, weights\)"),
    "no root": ({"a": A}, "r", "the root is 'r'; expected the name of a node, such as 'a'"),
    "unknown child": ({"r": ProductNode(("a", "b")), "a": A}, "r", "product node 'r' has the child 'b'; no node has"),
    "text of children": ({"r": ProductNode("ab")}, "r", "product node 'r' has the children 'ab'; expected a list"),
    "no children": ({"r": SumNode((), [])}, "r", "sum node 'r' has no children; expected at least one"),
    "a child twice in a sum": (
        {"r": SumNode(("a", "a"), EVEN), "a": A},
        "r",
        "sum node 'r' has the child 'a' twice; expected different ones: add their weights",
    ),
    "a child twice in a product": ({"r": ProductNode(("a", "a")), "a": A}, "r", "product node 'r' has the child 'a' tw"),
    "missing weight": (
        {"r": SumNode(("a", "d"), [1]), "a": A, "d": D},
        "r",
        "sum node 'r' has 1 weights for 2 children; expected as many",
    ),
    "weights that are no whole": (
        {"r": SumNode(("a", "d"), [HALF, "1/3"]), "a": A, "d": D},
        "r",
        "the table of weights of sum node 'r' sums to 5/6 over child; expected 1",
    ),
    "weights just beside one": (
        {"r": SumNode(("a", "d"), [0.5, 0.50001]), "a": A, "d": D},
        "r",
        "the table of weights of sum node 'r' sums to 1.00001.* expected 1, within 1e-06",
    ),
    "negative weight": (
        {"r": SumNode(("a", "d"), [1.5, -0.5]), "a": A, "d": D},
        "r",
        "the table of weights of sum node 'r' is -0.5 at child 1; expected nonnegative",
    ),
    "leaf that is no distribution": (
        {"r": LeafNode(0, ["1/2", "1/4"])},
        "r",
        "the distribution of leaf node 'r' sums to 3/4 over value; expected 1",
    ),
    "negative leaf": ({"r": LeafNode(0, [2, -1])}, "r", "the distribution of leaf node 'r' is -1 at value 1"),
    "negative variable": ({"r": LeafNode(-1, EVEN)}, "r", "the variable of leaf node 'r' is -1; expected a whole number"),
    "odd variable": ({"r": LeafNode("x", EVEN)}, "r", "the variable of leaf node 'r' is 'x'; expected a whole number"),
    "missing variable": (
        {"r": ProductNode(("x0", "x1"))} | leaves(0, 2),
        "r",
        "the leaves are of the variables 0, 2; expected 0 to N - 1, but 1 has none",
    ),
    "far variable": ({"r": LeafNode(10**18, EVEN)}, "r", "expected 0 to N - 1, but 0 has none"),
    "different numbers of values": (
        {"r": SumNode(("a", "b"), EVEN), "a": A, "b": LeafNode(0, [1, 0, 0])},
        "r",
        "leaf node 'a' gives variable 0 2 values, leaf node 'b' 3; expected as many",
    ),
    "a cycle": (
        {"r": ProductNode(("s",)), "s": SumNode(("t",), [1]), "t": ProductNode(("s",)), "a": A},
        "r",
        "the nodes have a cycle, 's' -> 't' -> 's'; expected none",
    ),
    "its own child": ({"r": ProductNode(("r",))}, "r", "the nodes have a cycle, 'r' -> 'r'; expected none"),
    "not reached": (
        {"r": A, "lost": D},
        "r",
        "node 'lost' is not reached from the root 'r'; expected all 2 nodes below it, but 1 are",
    ),
    "not smooth": (
        {"r": SumNode(("p", "q"), EVEN), "p": ProductNode(("x0", "x1")), "q": ProductNode(("x2", "x3"))} | leaves(0, 1, 0, 2),
        "r",
        "sum node 'r' is not smooth: child 'p' has the variables 0, 1 and child 'q' 0, 2; expected the same",
    ),
    "not decomposable": (
        {"r": ProductNode(("x0", "p", "q")), "p": ProductNode(("x1",)), "q": ProductNode(("x2", "x3"))} | leaves(0, 1, 1, 2),
        "r",
        "product node 'r' is not decomposable: children 'p' and 'q' share variable 1; expected none",
    ),
    "sharing two": (
        {"r": ProductNode(("p", "q")), "p": ProductNode(("x0", "x1")), "q": ProductNode(("x2", "x3"))} | leaves(0, 1, 1, 0),
        "r",
        "children 'p' and 'q' share variables 0, 1; expected none",
    ),
}


@pytest.mark.parametrize(("nodes", "root", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_network_is_refused_by_name(nodes, root, message):
    with pytest.raises(TensorRankError, match=message):
        SumProduct(nodes, root)


def test_long_lists_of_variables_are_cut_short():
    nodes = leaves(*range(50)) | {"p": ProductNode(tuple(f"x{i}" for i in range(50)))}
    nodes |= {"q": ProductNode(tuple(f"x{i}" for i in range(1, 50))), "r": SumNode(("p", "q"), EVEN)}
    with pytest.raises(TensorRankError, match=r"child 'p' has the variables 0, 1, .*, 11, \.\.\. \(50 in all\) and"):
        SumProduct(nodes, "r")


def test_what_is_given_is_not_changed():
    weights = [0.25, 0.75]
    given = {"r": SumNode(["a", "d"], weights), "a": A, "d": D}
    model = SumProduct(given, "r")
    given["b"] = B
    weights[0] = 7
    assert list(model.nodes) == ["r", "a", "d"]
    assert model.nodes["r"].children == ("a", "d")
    assert model.nodes["r"].weights.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sites": 0, "symbols": 2}, "sites is 0; expected a whole number of at least 1"),
        ({"sites": 2, "symbols": 0}, "symbols is 0; expected a whole number of at least 1"),
        ({"sites": 2, "symbols": 2, "sums": 0}, "sums is 0; expected a whole number of at least 1"),
    ],
)
def test_random_networks_need_whole_numbers(arguments, message):
    with pytest.raises(TensorRankError, match=message):
        SumProduct.random(**arguments, seed=0)

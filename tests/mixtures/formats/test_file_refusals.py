"""Files that are no models: what is wrong with them is said, with the file's name in front."""

import copy
import json
import re
import sqlite3
from contextlib import closing

import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.files import from_dict, load, save, to_dict
from tensorrank.mixtures.hidden_markov import HiddenMarkov

COIN = [[0.5, 0.5], [0.25, 0.75]]
GOOD = {
    "latent_class": {"weights": [0.5, 0.5], "components": [COIN, COIN]},
    "hidden_markov": {"initial": [0.5, 0.5], "transition": COIN, "emission": COIN, "length": 3},
    "latent_tree": {
        "root": "z",
        "prior": [0.5, 0.5],
        "edges": [{"parent": "z", "child": 0, "table": COIN}, {"parent": "z", "child": 1, "table": COIN}],
    },
    "tensorial_mixture": {"prior": [0.5, 0.5], "levels": [COIN]},
    "hierarchical": {
        "nodes": [
            {"variable": 0, "table": COIN},
            {"variable": 1, "table": COIN},
            {"children": [0, 1], "table": [[[0.5, 0], [0, 0.5]]]},
        ]
    },
    "sum_product": {
        "nodes": [
            {"id": "a", "type": "leaf", "variable": 0, "distribution": [0.5, 0.5]},
            {"id": "b", "type": "leaf", "variable": 1, "distribution": [0.5, 0.5]},
            {"id": "p", "type": "product", "children": ["a", "b"]},
            {"id": "s", "type": "sum", "children": ["p"], "weights": [1]},
        ],
        "root": "s",
    },
}
MISSING = object()


def changed(kind, path, value):
    fields = {"model": kind, "version": 1, **copy.deepcopy(GOOD[kind])}
    inner = fields
    for step in path[:-1]:
        inner = inner[step]
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return fields


@pytest.mark.parametrize("kind", GOOD)
def test_the_good_ones_are_good(kind):
    assert from_dict({"model": kind, "version": 1, **GOOD[kind]}).kind == kind


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    [
        (
            "hidden_markov",
            ["model"],
            "hiden_markov",
            (
                "the model is 'hiden_markov'; expected one of latent_class, hidden_markov, latent_tree, "
                "tensorial_mixture, hierarchical, sum_product, squared; did you mean 'hidden_markov'?"
            ),
        ),
        ("hidden_markov", ["model"], None, "the model is None; expected one of latent_class"),
        ("hidden_markov", ["model"], ["hidden_markov"], "the model is ['hidden_markov']; expected one of"),
        ("hidden_markov", ["model"], MISSING, "the field 'model' is missing; expected one of latent_class"),
        ("hidden_markov", ["version"], MISSING, "the field 'version' is missing; expected 1"),
        ("hidden_markov", ["version"], 2, "the version is 2; tensorrank "),
        ("hidden_markov", ["version"], 0, "the version is 0; expected 1"),
        ("hidden_markov", ["version"], True, "the version is True; expected 1"),
        ("hidden_markov", ["version"], 1.0, "the version is 1.0; expected 1"),
        (
            "hidden_markov",
            ["emision"],
            COIN,
            (
                "unknown field 'emision'; expected one of model, version, initial, "
                "transition, emission, length, densities; did you mean 'emission'?"
            ),
        ),
        ("hidden_markov", ["emission"], MISSING, "the field 'emission' is missing; expected model, version, initial"),
        ("hidden_markov", ["length"], MISSING, "the length is missing; expected the number of steps"),
        ("hidden_markov", ["length"], 3.0, "length is 3.0; expected a whole number of at least 1"),
        ("hidden_markov", ["length"], "3", "length is '3'"),
        ("hidden_markov", ["initial"], [0.5, 0.4], "the initial distribution sums to 0.9 over state; expected 1"),
        ("hidden_markov", ["initial"], 1, "the field 'initial' is 1; expected a list of numbers"),
        ("hidden_markov", ["initial"], {"a": 1}, "the field 'initial' is an object; expected a list of numbers"),
        ("hidden_markov", ["initial"], [True, 0], "the field 'initial' contains true; expected numbers, or fractions"),
        (
            *("hidden_markov", ["initial"], [[], None]),
            "the field 'initial' has rows of 0 entries and one null; expected rows of equal length",
        ),
        (
            *("hidden_markov", ["initial"], [[[[[1]]]]]),
            "the field 'initial' has lists nested more than 4 deep; expected a table of numbers",
        ),
        ("hidden_markov", ["initial"], ["1/1" + "0" * 20_000, 1], "the field 'initial' contains '1/100000"),
        ("hidden_markov", ["initial"], [10**4000, 0], "the initial distribution sums to "),
        ("hidden_markov", ["length"], 10**4000, "expected at most 1000000 steps"),
        ("latent_tree", ["root"], 2**53 + 1, "the root is 9007199254740993; expected a name"),
        ("hidden_markov", ["version"], 10**4000, "the version is a whole number of some 4000 digits; tensorrank "),
        ("hidden_markov", ["initial"], [None, 1], "the field 'initial' contains null"),
        (
            "hidden_markov",
            ["initial"],
            ["half", "1/2"],
            ("the field 'initial' contains 'half'; expected numbers, or fractions such as \"1/3\""),
        ),
        ("hidden_markov", ["initial"], ["1e999999999", 0], "contains '1e999999999'; expected numbers"),
        ("hidden_markov", ["initial"], ["1/0", 0], "contains '1/0'; expected a denominator that is not 0"),
        ("hidden_markov", ["initial"], [10**400, 0.5], "has floats and a number beyond them; expected fractions only"),
        ("hidden_markov", ["initial"], ["4/3", "-1/3"], "the initial distribution is -1/3 at state 1"),
        ("hidden_markov", ["initial"], [], "the initial distribution has the shape (0,)"),
        (
            "hidden_markov",
            ["transition"],
            [[1, 0], [1]],
            ("the field 'transition' has rows of 2 entries and one of 1 entries; expected rows of equal length"),
        ),
        ("hidden_markov", ["transition"], [[1, 0], 1], "has rows of 2 entries and one 1"),
        ("hidden_markov", ["transition"], [COIN], "1 table of transition: 2 steps"),
        (
            "hidden_markov",
            ["emission"],
            [COIN, COIN, [[0.5, 0.5], [0.9, 0.2]]],
            "the emission table of step 2 sums to 1.1 at state 1 over symbol; expected 1, within 1e-06",
        ),
        ("hidden_markov", ["emission"], [COIN, [[1], [1, 1]], COIN], "the field 'emission'[1] has rows of 1 entries"),
        ("latent_class", ["components"], {"0": COIN}, "the field 'components' is {'0': "),
        ("latent_class", ["components", 1], [[1, 0]], "the table of variable 1 has 1 rows; expected one for each"),
        ("latent_class", ["densities"], [1], "densities is [1]; expected an object with 'type', 'means'"),
        (
            "latent_class",
            ["densities"],
            {"type": "gaussian", "mean": [1]},
            ("densities: unknown field 'mean'; expected one of type, means, covariances; did you mean 'means'?"),
        ),
        ("latent_class", ["densities"], {"type": "gaussian", "means": [1, 2]}, "the field 'covariances' is missing"),
        ("latent_class", ["densities"], {"type": "cauchy", "means": [1, 2], "covariances": [1, 2]}, "the type 'cauchy'"),
        (
            "latent_class",
            ["densities"],
            {"type": "gaussian", "means": [1], "covariances": [1]},
            "Gaussians of 1 components were given for 2 variables of 2 components",
        ),
        (
            "latent_tree",
            ["edges", 1, "tabel"],
            COIN,
            ("edges[1]: unknown field 'tabel'; expected one of parent, child, table; did you mean 'table'?"),
        ),
        ("latent_tree", ["edges", 0, "child"], MISSING, "edges[0]: the field 'child' is missing; expected parent"),
        ("latent_tree", ["edges", 0], ["z", 0, COIN], "edges[0] is ['z', 0, "),
        ("latent_tree", ["edges"], {}, "the field 'edges' is {}; expected a list"),
        ("latent_tree", ["edges", 0, "child"], 0.0, "the child of edges[0] is 0.0; expected a name"),
        ("latent_tree", ["edges", 0, "parent"], True, "the parent of edges[0] is True; expected a name"),
        ("latent_tree", ["edges", 0, "child"], 1, "the node 1 has the parents 'z' and 'z'; expected one"),
        ("latent_tree", ["root"], ["z"], "the root is ['z']; expected a name, a whole number or a text"),
        ("latent_tree", ["root"], "y", "no edge starts at the root 'y'"),
        ("latent_tree", ["variables"], [0, 2], "the variables are [0, 2]; expected each leaf once: 0, 1"),
        ("latent_tree", ["variables"], "01", "the field 'variables' is '01'; expected a list"),
        ("tensorial_mixture", ["levels"], [], "levels are (); expected tables for at least one level"),
        ("tensorial_mixture", ["levels", 0], [COIN] * 3, "level 0 has 3 tables; expected one that"),
        ("tensorial_mixture", ["depth"], 1, "unknown field 'depth'; expected one of model, version, prior, levels"),
        ("hierarchical", ["nodes", 0, "childen"], [], "nodes[0]: unknown field 'childen'; expected one of"),
        ("hierarchical", ["nodes", 2, "variable"], 0, "nodes[2]: unknown field 'variable'; expected one of children"),
        ("hierarchical", ["nodes", 2, "children"], 0, "the field 'children' of nodes[2] is 0; expected a list"),
        ("hierarchical", ["nodes", 2, "children"], [0, 0], "node 2 has the children (0, 0); expected one or two diff"),
        ("hierarchical", ["nodes", 2, "children"], [0, "1"], "a child of node 2 is '1'; expected a whole number"),
        ("hierarchical", ["nodes", 0, "variable"], MISSING, "nodes[0]: the field 'variable' is missing"),
        ("hierarchical", ["nodes", 0, "variable"], "x", "the variable of node 0 is 'x'"),
        ("hierarchical", ["nodes"], [], "nodes are (); expected leaves and transfer nodes"),
        ("sum_product", ["nodes", 1, "id"], "a", "nodes[0] and nodes[1] have the same id, 'a'; expected two"),
        ("sum_product", ["nodes", 1, "id"], 1.5, "the id of nodes[1] is 1.5; expected a name"),
        (
            "sum_product",
            ["nodes", 1, "type"],
            "leave",
            ("the type of nodes[1] is 'leave'; expected one of sum, product, leaf; did you mean 'leaf'?"),
        ),
        ("sum_product", ["nodes", 1, "type"], MISSING, "nodes[1]: the field 'type' is missing; expected id, type"),
        ("sum_product", ["nodes", 1, "type"], ["leaf"], "the type of nodes[1] is ['leaf']; expected one of sum"),
        ("sum_product", ["nodes", 1], "b", "nodes[1] is 'b'; expected an object with 'id', 'type'"),
        ("sum_product", ["nodes", 1, "weights"], [1], "nodes[1]: unknown field 'weights'; expected one of id, type"),
        ("sum_product", ["nodes", 2, "children"], "ab", "the field 'children' of nodes[2] is 'ab'; expected a list"),
        ("sum_product", ["nodes", 2, "children"], ["a", None], "a child of node 'p' is None; expected a name"),
        ("sum_product", ["nodes", 3, "weights"], ["x"], "the weights of node 's' contains 'x'"),
        ("sum_product", ["nodes", 0, "distribution"], [0.5, 0.6], "sums to 1.1"),
        ("sum_product", ["root"], {}, "the root is {}; expected a name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_with_the_file(kind, path, value, message, tmp_path):
    file = tmp_path / "m.json"
    file.write_text(json.dumps(changed(kind, path, value)))
    with pytest.raises(TensorRankError, match=re.escape(message)) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; expected a model"),
        (b" \n", "the file is empty"),
        (b"[1]", 'the model is of the type list; expected an object with the field "model"'),
        (b'{"model": 1,}', "at line 1, column "),
        (b"{'model': 1}", "expecting property name enclosed in double quotes at line 1, column 2; expected JSON"),
        (b'{"model": 1} x', "extra data at line 1, column 14; expected JSON"),
        (b'{"model": "a", "model": "b"}', "the key 'model' is given twice at line 1, column 16; expected each key once"),
        (
            b'{"model": "a", "weights": [NaN]}',
            "NaN is given as a number at line 1, column 28 (weights[0]); expected finite numbers",
        ),
        (b'{"model": "a", "weights": [-Infinity]}', "-Infinity is given as a number"),
        (
            b'{"model": "latent_class", "version": 1, "weights": [1e400], "components": []}',
            "the number '1e400' is beyond every float at line 1",
        ),
        (b"\x80\x81", "byte 0 is no UTF-8 text"),
        (b"[" * 200_000, "nested too deep"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_what_is_no_model_in_json_is_refused(content, message, tmp_path):
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(TensorRankError, match=re.escape(message)) as error:
        load(tmp_path / "m.json")
    assert str(error.value).startswith(f"{tmp_path / 'm.json'}: ")


def test_a_file_cut_off_anywhere_is_said_to_be(tmp_path):
    model = HiddenMarkov([0.5, "1/2"], [[1e-5, 0.99999], [0, 1]], [["1/3", "2/3"], [1, 0]], 3)
    save(model, tmp_path / "m.json")
    whole = (tmp_path / "m.json").read_bytes().rstrip()
    for length in range(1, len(whole)):
        (tmp_path / "m.json").write_bytes(whole[:length])
        with pytest.raises(TensorRankError, match=r"at line \d+, column \d+, where the file ends: it seems to be cut off"):
            load(tmp_path / "m.json")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(TensorRankError, match=r"m.json cannot be read \(No such file or directory\); expected a model"):
        load(tmp_path / "m.json")
    with pytest.raises(TensorRankError, match=r"cannot be read \(Is a directory\)"):
        load(tmp_path)


def test_a_store_is_no_model_file(tmp_path):
    with closing(sqlite3.connect(tmp_path / "study.sqlite")) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(TensorRankError, match="an SQLite file, as `tensorrank study --out` keeps ranks in"):
        load(tmp_path / "study.sqlite")


def test_what_from_dict_takes_is_left_as_it_was():
    fields = {"model": "latent_tree", "version": 1, **GOOD["latent_tree"]}
    before = json.dumps(fields)
    assert to_dict(from_dict(fields)) == fields
    assert json.dumps(fields) == before


def test_a_file_of_weights_is_told_what_reads_it(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(TensorRankError, match=r"a file of weights \(safetensors\), which tensorrank.from_safetensors\(path, "):
        load(tmp_path / "model.safetensors")

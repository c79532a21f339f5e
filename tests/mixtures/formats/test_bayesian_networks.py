"""Discrete Bayesian networks of pgmpy and of BIF files, whose marginals pgmpy computes, too.

pgmpy comes with the networks of the repository https://www.bnlearn.com/bnrepository as files, and needs no connection.
"""

import gzip
import re
import warnings
from fractions import Fraction
from importlib.resources import files
from itertools import product
from math import prod

import flint
import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.bayesian_networks import from_bif, from_pgmpy
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.networks.network import TensorNetwork
from tensorrank.networks.value_classes import class_bounds

with warnings.catch_warnings():
    # Deprecations inside pgmpy.
    warnings.simplefilter("ignore")
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork
    from pgmpy.readwrite import BIFReader


def network(edges, latents, sizes):
    """Of random tables."""
    rng = np.random.default_rng(0)
    made = DiscreteBayesianNetwork(edges, latents=set(latents))
    for name in made.nodes:
        above = list(made.predecessors(name))
        columns = int(np.prod([sizes[parent] for parent in above]))
        made.add_cpds(
            TabularCPD(
                name,
                sizes[name],
                rng.dirichlet(np.ones(sizes[name]), columns).T,
                evidence=above or None,
                evidence_card=[sizes[parent] for parent in above] or None,
            )
        )
    return made


def test_a_latent_tree_of_pgmpy():
    sizes = {"top": 2, "left": 3, "right": 2, "a": 2, "b": 3, "c": 2, "d": 2}
    theirs = network(
        [("top", "left"), ("left", "b"), ("top", "right"), ("left", "a"), ("right", "c"), ("right", "d")],
        ["top", "left", "right"],
        sizes,
    )
    ours = from_pgmpy(theirs)
    assert ours.leaves == tuple(name for name in theirs.nodes if name in "abcd")
    assert ours.variables == ours.leaves
    assert (ours.root, set(ours.latents)) == ("top", {"top", "left", "right"})
    place = {name: site for site, name in enumerate(ours.leaves)}
    inference = VariableElimination(theirs)
    for names in (["a"], ["a", "c"], ["d", "b", "c"]):
        query = inference.query(names, show_progress=False)
        expected = query.values.transpose([query.variables.index(name) for name in names])
        np.testing.assert_allclose(ours.marginal([place[name] for name in names]), expected, rtol=1e-12)
    row = np.full(4, -1)
    row[place["b"]], row[place["c"]] = 2, 0
    found = ours.posteriors(row[None])
    for name in ("a", "d"):
        expected = inference.query([name], evidence={"b": 2, "c": 0}, show_progress=False).values
        np.testing.assert_allclose(found[place[name]][0], expected, rtol=1e-12)


def test_values_are_states_in_the_order_of_the_tables():
    theirs = DiscreteBayesianNetwork([("z", "x")], latents={"z"})
    names = {"z": ["on", "off"], "x": ["no", "yes"]}
    theirs.add_cpds(
        TabularCPD("z", 2, [[0.25], [0.75]], state_names={"z": names["z"]}),
        TabularCPD("x", 2, [[0.1, 0.6], [0.9, 0.4]], ["z"], [2], state_names=names),
    )
    np.testing.assert_allclose(from_pgmpy(theirs).marginal([0]), [0.25 * 0.1 + 0.75 * 0.6, 0.25 * 0.9 + 0.75 * 0.4])
    theirs.get_cpds("x").state_names["z"] = ["off", "on"]
    with pytest.raises(TensorRankError, match="pgmpy refuses the network: The state names of z"):
        from_pgmpy(theirs)


def unfinished():
    made = DiscreteBayesianNetwork([("z", "x")], latents={"z"})
    made.add_cpds(TabularCPD("z", 2, [[0.25], [0.75]]))
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: network([("y", "a")], ["y", "a"], {"y": 2, "a": 2}), "all 2 variables of the network are among its latents"),
        (unfinished, "the variable 'x' has no table; expected a TabularCPD for each: add_cpds adds them"),
        (lambda: "network", "an object of the type str was given; expected a DiscreteBayesianNetwork of pgmpy"),
    ],
)
def test_what_is_no_bayesian_network_of_pgmpy(made, message):
    with pytest.raises(TensorRankError, match=message):
        from_pgmpy(made())


TRIANGLE = [("u", "v"), ("v", "w"), ("u", "w")]
SIZES = dict.fromkeys("abuvwyz", 2)


@pytest.mark.parametrize(
    ("edges", "latents"),
    [
        ([("z", "a"), ("z", "b")], ""),  # an observed inner variable
        ([("y", "a"), ("z", "a")], "yz"),  # two parents
        ([("y", "a"), ("z", "b")], "yz"),  # two roots
        (TRIANGLE, "u"),
        (TRIANGLE, "uv"),
        ([*TRIANGLE, ("w", "a"), ("a", "b")], "ab"),  # hidden variables that nothing observed depends on
        ([("u", "v")], "u"),
    ],
)
def test_networks_of_every_other_shape_are_tensor_networks(edges, latents):
    theirs = network(edges, latents, SIZES)
    ours = from_pgmpy(theirs)
    observed = [name for name in theirs.nodes if name not in latents]
    table = VariableElimination(theirs).query(observed, show_progress=False)
    expected = table.values.transpose([table.variables.index(name) for name in observed])
    if edges == [("u", "v")]:
        assert isinstance(ours, LatentTree)
        ours = ours.to_network()
    else:
        assert isinstance(ours, TensorNetwork)
        assert ours.open_legs == tuple(observed)
        assert len(ours.tensors) == len(theirs.nodes) - 2 * (latents == "ab")
    np.testing.assert_allclose(ours.contract(), expected, rtol=1e-12)


def test_a_hidden_leaf_is_left_out_of_a_tree():
    ours = from_pgmpy(network([("z", "a"), ("z", "b"), ("z", "y")], "zb", SIZES))
    assert isinstance(ours, LatentTree)
    assert ours.leaves == ("a", "y")


def published(name):
    """A network of pgmpy's, and the text of its file."""
    with gzip.open(files("pgmpy") / f"utils/example_models/{name}.bif.gz", "rt") as file:
        text = file.read()
    return BIFReader(string=text).get_model(), text


@pytest.mark.parametrize("name", ["asia", "cancer", "earthquake", "sachs", "survey", "child", "alarm", "insurance"])
def test_marginals_of_published_networks_are_those_of_pgmpy(name, tmp_path):
    theirs, text = published(name)
    (tmp_path / f"{name}.bif").write_text(text)
    # Published tables sum to one up to 1e-7; pgmpy leaves out variables that only such sums would need.
    ours = from_bif(tmp_path / f"{name}.bif", normalise=True)
    for table in theirs.cpds:
        table.normalize()
    assert ours.open_legs == tuple(theirs.nodes)
    inference, names = VariableElimination(theirs), list(theirs.nodes)
    rng = np.random.default_rng(0)
    several = [sorted(rng.choice(len(names), 3, replace=False).tolist()) for _ in range(2)]
    for sites in [*([site] for site in range(len(names))), *several]:
        query = inference.query([names[site] for site in sites], show_progress=False)
        expected = query.values.transpose([query.variables.index(names[site]) for site in sites])
        np.testing.assert_allclose(ours.marginal_network(sites).contract(), expected, rtol=1e-10)
    assert ours.marginal_network([]).contract() == pytest.approx(1, abs=1e-12)


def test_asia_as_lauritzen_and_spiegelhalter_published_it():
    """Local Computations with Probabilities (JRSS B 50, 1988), table 1: lung cancer, bronchitis, dyspnoea, X-ray."""
    ours = from_pgmpy(published("asia")[0])
    yes = {name: ours.marginal_network([site]).contract()[0] for site, name in enumerate(ours.open_legs)}
    expected = {"tub": 0.0104, "lung": 0.055, "bronc": 0.45, "either": 0.064828, "xray": 0.11029004, "dysp": 0.4359706}
    for name, value in expected.items():
        assert yes[name] == pytest.approx(value, abs=1e-9)


def rank_by_brute_force(theirs, side):
    """The rank of the whole table over fractions, by FLINT, of the floats as they are."""
    names = list(theirs.nodes)
    tables = {name: theirs.get_cpds(name) for name in names}
    number = {name: site for site, name in enumerate(names)}

    def value(states):
        factors = (tables[name].values[tuple(states[number[one]] for one in tables[name].variables)] for name in names)
        return prod(map(Fraction, map(float, factors)))

    sizes = [int(tables[name].cardinality[0]) for name in names]
    other = [site for site in range(len(names)) if site not in side]
    rows, columns = (list(product(*(range(sizes[site]) for site in sites))) for sites in (side, other))
    entries = []
    for row in rows:
        for column in columns:
            states = dict(zip(side, row, strict=True)) | dict(zip(other, column, strict=True))
            found = value([states[site] for site in range(len(names))])
            entries.append(flint.fmpq(found.numerator, found.denominator))
    return flint.fmpq_mat(len(rows), len(columns), entries).rank()


@pytest.mark.parametrize("name", ["asia", "cancer", "earthquake", "survey"])
@pytest.mark.parametrize("cut", ["halves", "interleaved", [0, 3]])
def test_ranks_of_published_networks_are_those_of_the_whole_table(name, cut):
    theirs, _ = published(name)
    ours = from_pgmpy(theirs)
    rank = tr.separation_rank(ours, cut)
    split = {"halves": tr.Bipartition.halves(ours.sites), "interleaved": tr.Bipartition.interleaved(ours.sites)}
    side = list(split[cut].a) if isinstance(cut, str) else cut
    assert rank.standing in ("exact", "probable")
    assert rank.value == rank_by_brute_force(theirs, side)


@pytest.mark.parametrize(("name", "cut", "value"), [("child", "interleaved", 252), ("alarm", "halves", 1536)])
def test_ranks_by_classes_of_values_are_those_of_a_sampled_matrix(name, cut, value):
    """Each by two methods: classes of values, which prove it, and a matrix of random samples over GF(p)."""
    ours = from_pgmpy(published(name)[0])
    bounds = class_bounds(ours, getattr(tr.Bipartition, cut)(ours.sites))
    assert bounds == (value, value)
    assert tr.separation_rank(ours, cut, method="grid").value == value


def rounded(theirs, entry=None):
    """The network with a table whose entries were rounded to four digits, so that they sum to 0.9999."""
    table = theirs.get_cpds("xray")
    table.values = np.array([[0.3333, 0.98], [0.6666, 0.02]]) if entry is None else entry
    return theirs


def test_a_published_table_that_was_rounded_is_normalised_if_asked():
    theirs = rounded(published("asia")[0])
    message = (
        "the probabilities of 'xray' given either=yes sum to 0.9999; expected 1, within 1e-06: normalise=True divides each "
        "distribution by its sum"
    )
    with pytest.raises(TensorRankError, match=re.escape(message)):
        from_pgmpy(theirs)
    ours = from_pgmpy(theirs, normalise=True)
    assert ours.contract().sum() == pytest.approx(1, abs=1e-12)
    array = next(tensor.array for tensor in ours.tensors if tensor.name == "xray")
    np.testing.assert_allclose(array[:, 0], [1 / 3, 2 / 3], rtol=1e-3)
    assert theirs.get_cpds("xray").values[0, 0] == 0.3333  # what was given is as it was


def test_tables_that_are_far_from_distributions_are_normalised_too():
    theirs = rounded(published("asia")[0], np.array([[3.0, 1.0], [1.0, 1.0]]))
    with pytest.raises(TensorRankError, match=r"the probabilities of 'xray' given either=yes sum to 4; expected 1"):
        from_pgmpy(theirs)
    assert from_pgmpy(theirs, normalise=True).contract().sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            np.array([[0.0, 1.0], [0.0, 0.0]]),
            "the probabilities of 'xray' given either=yes sum to 0; expected 1, within 1e-06: ",
        ),
        (np.array([[-0.5, 1.0], [1.5, 0.0]]), "the table of 'xray' has the entry -0.5; expected probabilities"),
        (np.array([[np.nan, 1.0], [1.5, 0.0]]), r"the entry \(0, 0\) of the table of 'xray' is nan; expected finite numbers"),
    ],
)
@pytest.mark.parametrize("normalise", [False, True])
def test_tables_of_no_distributions_are_refused_normalised_or_not(entry, message, normalise):
    with pytest.raises(TensorRankError, match=message):
        from_pgmpy(rounded(published("asia")[0], entry), normalise=normalise)


def test_normalising_a_latent_tree():
    theirs = network([("z", "a"), ("z", "b")], "z", SIZES)
    theirs.get_cpds("z").values = np.array([0.3333, 0.6666])
    with pytest.raises(TensorRankError, match=r"the probabilities of 'z' sum to 0\.9999; expected 1"):
        from_pgmpy(theirs)
    np.testing.assert_allclose(from_pgmpy(theirs, normalise=True).prior, [1 / 3, 2 / 3], rtol=1e-12)


@pytest.mark.parametrize("how", ["gzip", "lines of Windows", "no last line end", "a mark of the encoding"])
def test_bif_files_as_they_come(how, tmp_path):
    theirs, text = published("cancer")
    content = {
        "gzip": gzip.compress(text.encode()),
        "lines of Windows": text.replace("\n", "\r\n").encode(),
        "no last line end": text.rstrip().encode(),
        "a mark of the encoding": text.encode("utf-8-sig"),
    }[how]
    (tmp_path / "cancer.bif").write_bytes(content)
    found = from_bif(tmp_path / "cancer.bif")
    np.testing.assert_array_equal(found.contract(), from_pgmpy(theirs).contract())


def test_hidden_variables_of_a_bif_file_are_named(tmp_path):
    theirs, text = published("cancer")
    (tmp_path / "cancer.bif").write_text(text)
    found = from_bif(tmp_path / "cancer.bif", latents=["Cancer"])
    theirs.latents = {"Cancer"}
    assert found.open_legs == ("Pollution", "Smoker", "Xray", "Dyspnoea")
    np.testing.assert_array_equal(found.contract(), from_pgmpy(theirs).contract())
    with pytest.raises(
        TensorRankError, match="there is no variable 'cancer'; expected some of 'Pollution', 'Smoker', 'Cancer'"
    ):
        from_bif(tmp_path / "cancer.bif", latents=["cancer"])
    with pytest.raises(TensorRankError, match="latents are 'Cancer'; expected a list of names of variables"):
        from_bif(tmp_path / "cancer.bif", latents="Cancer")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "pgmpy cannot read it (ValueError: Must specify either path or string); expected a Bayesian network in the BIF"),
        (b"network x {\n}\n", "pgmpy finds no variables in it; expected a Bayesian network in the BIF format"),
        (b"{}", "pgmpy finds no variables in it"),
        (b"\xff\xfe", "byte 0 is no UTF-8 text; expected a Bayesian network in the BIF format"),
        (
            gzip.compress(b"network", mtime=0)[:-9] + b"x",
            "the compressed file breaks off; expected a Bayesian network in the BIF format",
        ),
        (b"\x1f\x8b\x08x", "expected a Bayesian network in the BIF format"),
        (b"variable x {\n type discrete [ 2 ] { a, b };\n}\n", "the variable 'x' has no table"),
        (b"variable x {\n type real;\n}\n", "pgmpy cannot read it (AttributeError"),
        (
            b"variable x {\n type discrete [ 2 ] { a, b };\n}\nprobability ( x ) {\n table 0.5, 0.25;\n}\n",
            "sum to 0.75; expected",
        ),
    ],
)
def test_files_that_are_no_bif_are_refused_by_name(content, message, tmp_path):
    (tmp_path / "odd.bif").write_bytes(content)
    with pytest.raises(TensorRankError, match=re.escape(message)) as caught:
        from_bif(tmp_path / "odd.bif")
    assert str(caught.value).startswith(str(tmp_path / "odd.bif"))


def test_a_row_that_a_bif_file_leaves_out_is_refused(tmp_path):
    text = published("asia")[1].replace("  (yes) 0.98, 0.02;\n", "")
    (tmp_path / "asia.bif").write_text(text)
    with pytest.raises(TensorRankError, match="the probabilities of 'xray' given either=yes sum to 0; expected 1"):
        from_bif(tmp_path / "asia.bif")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TensorRankError, match=r"no\.bif cannot be read"):
        from_bif(tmp_path / "no.bif")

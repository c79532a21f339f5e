"""Discrete Bayesian networks of pgmpy and of BIF files: latent trees, and tensor networks of any other shape."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tensorrank.arguments import file_path, listed, shown, things, true_or_false
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.errors import TensorRankError
from tensorrank.given_files.contents import text_of
from tensorrank.given_files.paths import named_in_errors
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.mixtures.tables import TOLERANCE
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.other_libraries import imported, of_another_type

_BIF = "a Bayesian network in the BIF format"


def from_pgmpy(network: Any, *, normalise: bool = False) -> LatentTree | TensorNetwork:
    """The joint distribution of the observed variables of a discrete Bayesian network of pgmpy.

    A rooted tree of hidden variables whose leaves are observed becomes a `LatentTree`, and every other network a
    `TensorNetwork`: its tensors are the conditional probability tables, its legs the variables, and the open legs those
    that are observed. Either has a separation rank for every bipartition of the observed variables.

    Variables 0, 1, ... are the observed ones in the order of `network.nodes`; their names are the tree's `variables`,
    or the network's `open_legs`. Values are the states in the order of the tables. Hidden variables without observed
    descendants are left out, for they change nothing.

    Args:
        network: a DiscreteBayesianNetwork with TabularCPDs, whose hidden variables are its `latents`.
        normalise: whether to divide distributions by their sums, as published tables need whose entries were rounded.

    Raises:
        TensorRankError: if pgmpy is not installed, the object is another, no variable is observed, a table is missing
            or does not fit its parents, or probabilities are negative or do not sum to one within 1e-6.

    Sources: Ankan, Textor, pgmpy: A Python Toolkit for Bayesian Networks (JMLR 25, 2024); variables without observed
    descendants, Shachter, Evaluating Influence Diagrams (Operations Research 34, 1986).

    >>> import warnings
    >>> with warnings.catch_warnings():  # of pgmpy's own imports
    ...     warnings.simplefilter("ignore")
    ...     from pgmpy.factors.discrete import TabularCPD
    ...     from pgmpy.models import DiscreteBayesianNetwork
    >>> network = DiscreteBayesianNetwork([("z", "x"), ("z", "y")], latents={"z"})
    >>> tables = [TabularCPD(x, 2, [[0.9, 0.2], [0.1, 0.8]], evidence=["z"], evidence_card=[2]) for x in "xy"]
    >>> network.add_cpds(TabularCPD("z", 2, [[0.5], [0.5]]), *tables)
    >>> tree = from_pgmpy(network)
    >>> tree, tree.leaves
    (LatentTree(2 variables, 1 hidden of at most 2 states), ('x', 'y'))
    >>> network.latents = set()  # all are observed
    >>> from_pgmpy(network)
    TensorNetwork(3 tensors, open legs z, x, y)
    """
    with warnings.catch_warnings():  # of pgmpy's own imports
        warnings.simplefilter("ignore")
        models = imported("pgmpy", "pgmpy.models")
    if not isinstance(network, models.DiscreteBayesianNetwork):
        raise of_another_type(network, "a DiscreteBayesianNetwork of pgmpy")
    nodes = _that_matter(network)
    tables = {node: _table(network, node, normalise=true_or_false("normalise", normalise)) for node in nodes}
    try:
        # Sums that are off by more than a percent are pgmpy's complaint, too, and were dealt with.
        (_with_whole_tables(network) if normalise else network).check_model()
    except ValueError as error:
        raise TensorRankError(f"pgmpy refuses the network: {error}") from error
    if not _is_latent_tree(network, nodes):
        return _tensor_network(network, nodes, tables)
    parent = {node: next(iter(network.predecessors(node)), None) for node in nodes}
    root = next(node for node in nodes if parent[node] is None)
    edges = tuple(Edge(above, node, tables[node].T) for node, above in parent.items() if above is not None)
    return LatentTree(root, tables[root], edges, [node for node in nodes if node not in network.latents])


def from_bif(path: str | Path, *, latents: Iterable[str] = (), normalise: bool = False) -> LatentTree | TensorNetwork:
    """The joint distribution of a discrete Bayesian network in a BIF file, which pgmpy reads.

    Args:
        path: a file in the Bayesian Interchange Format, as it is or compressed by gzip.
        latents: the names of the variables that are hidden; none by default.
        normalise: whether to divide distributions by their sums, as published tables need whose entries were rounded.

    Returns:
        What `from_pgmpy` makes of it.

    Raises:
        TensorRankError: naming the file, if it cannot be read or pgmpy makes no network of it; and as `from_pgmpy`.

    Source: the repository of Scutari, https://www.bnlearn.com/bnrepository, has the published networks in this format.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = '''network coin { }
    ... variable x { type discrete [ 2 ] { head, tail }; }
    ... probability ( x ) { table 0.25, 0.75; }
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/coin.bif").write_text(text)
    ...     from_bif(f"{folder}/coin.bif").contract()
    array([0.25, 0.75])
    """
    checked, hidden = file_path("the path of the network", path), things(latents)
    if hidden is None or isinstance(latents, str):
        raise TensorRankError(f"latents are {shown(latents)}; expected a list of names of variables")
    with named_in_errors(checked):
        network = _read(text_of(checked, _BIF, packed=True))
        unknown = [name for name in hidden if name not in network.nodes]
        if unknown:
            raise TensorRankError(f"there is no variable {shown(unknown[0])}; expected some of {listed(list(network.nodes))}")
        network.latents = set(hidden)
        return from_pgmpy(network, normalise=normalise)


def _that_matter(network: Any) -> list[Any]:
    """The variables that are observed or have observed descendants, in the order of the network."""
    above = [node for node in network.nodes if node not in network.latents]
    if not above:
        raise TensorRankError(
            f"all {len(network.nodes)} variables of the network are among its latents; expected some that are observed"
        )
    matter = set(above)
    while above:
        more = {parent for node in above for parent in network.predecessors(node)} - matter
        matter |= more
        above = list(more)
    return [node for node in network.nodes if node in matter]


def _table(network: Any, node: Any, *, normalise: bool) -> Floats:
    """The probabilities of a variable's values, (values, combinations of values of the parents), checked."""
    table = network.get_cpds(node)
    if table is None:
        raise TensorRankError(f"the variable {shown(node)} has no table; expected a TabularCPD for each: add_cpds adds them")
    array = as_floats(table.get_values(), f"the table of {shown(node)}", finite=True)
    if (array < 0).any():
        raise TensorRankError(f"the table of {shown(node)} has the entry {array.min()}; expected probabilities")
    sums = array.sum(axis=0)
    if normalise and (sums > 0).all():
        array = array / sums
    elif (np.abs(sums - 1) > TOLERANCE).any():
        column = int(np.abs(sums - 1).argmax())
        values = np.unravel_index(column, tuple(table.cardinality[1:])) if len(table.variables) > 1 else ()
        where = ", ".join(
            f"{parent}={table.state_names[parent][i]}" for parent, i in zip(table.variables[1:], values, strict=True)
        )
        given = f" given {where}" if where else ""
        advice = "normalise=True divides each distribution by its sum" if (sums > 0).all() else "give every distribution"
        raise TensorRankError(
            f"the probabilities of {shown(node)}{given} sum to {sums[column]:.10g}; expected 1, within {TOLERANCE:g}: {advice}"
        )
    return array if len(table.variables) > 1 else array[:, 0]


def _with_whole_tables(network: Any) -> Any:
    copied = network.copy()
    for table in copied.cpds:
        table.normalize()
    return copied


def _is_latent_tree(network: Any, nodes: list[Any]) -> bool:
    """Whether the variables are a rooted tree whose inner ones are hidden and whose leaves are observed."""
    inside = set(nodes)
    inner = {node for node in nodes if any(child in inside for child in network.successors(node))}
    parents = [len(list(network.predecessors(node))) for node in nodes]
    return len(nodes) > 1 and sorted(parents) == [0, *[1] * (len(nodes) - 1)] and inner == inside & set(network.latents)


def _tensor_network(network: Any, nodes: list[Any], tables: dict[Any, Floats]) -> TensorNetwork:
    tensors = []
    for node in nodes:
        table = network.get_cpds(node)
        legs = tuple(map(str, table.variables))
        tensors.append(Tensor(str(node), legs, tables[node].reshape(tuple(table.cardinality))))
    return TensorNetwork(tuple(tensors), tuple(str(node) for node in nodes if node not in network.latents))


def _read(text: str) -> Any:
    """The network that pgmpy makes of a text."""
    with warnings.catch_warnings():  # of pgmpy's own imports
        warnings.simplefilter("ignore")
        reader = imported("pgmpy", "pgmpy.readwrite").BIFReader
    try:
        # A block ends for pgmpy where a brace ends its line.
        network = reader(string="\n".join([*text.splitlines(), ""])).get_model()
    except Exception as error:  # the reader's own code, which raises whatever it stumbles upon
        raise TensorRankError(f"pgmpy cannot read it ({type(error).__name__}: {error}); expected {_BIF}") from error
    if not network.nodes:
        raise TensorRankError(f"pgmpy finds no variables in it; expected {_BIF}")
    return network

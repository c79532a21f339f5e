"""A kind of mixture that only this file knows: everything that is done with mixtures is done with it.

The kind is the plain table of probabilities. To add a kind to the library takes what this file has: its class, its goal
of reductions, and a line in `tensorrank.mixtures.kinds`.
"""

import json
from dataclasses import KW_ONLY, dataclass
from math import inf, prod
from typing import ClassVar

import numpy as np
import pytest
from command_line import invoked
from mixtures.brute_force import TABLES, all_states, probability_table, unfolding
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.files import load, save
from tensorrank.mixtures.formats.written_tables import written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.equality import check_reduction
from tensorrank.mixtures.reductions.goal import Goal, SizeBound
from tensorrank.mixtures.reductions.obstruction import Obstruction
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tables import Table, check_total, nonnegative, random_distributions
from tensorrank.mixtures.way import TooLargeError
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank


@dataclass(frozen=True, eq=False, repr=False)
class FullTable(Mixture):
    """P(x) = table[x]."""

    kind: ClassVar[str] = "full_table"

    table: Table
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self):
        axes = [f"value of variable {site}" for site in range(np.ndim(self.table))]
        object.__setattr__(self, "table", nonnegative(self.table, "the table", axes))
        check_total(self.table.sum(), "the table")
        self._check_densities()

    def __repr__(self):
        return f"FullTable({self.sites} variables)"

    @property
    def shape(self):
        return self.table.shape

    @property
    def circuit(self):
        return self.toward_tree().circuit

    @property
    def parameters(self):
        return self.table.size - 1

    @property
    def table_entries(self):
        return self.table.size

    def fields(self):
        return {"table": written(self.table)}

    @classmethod
    def from_fields(cls, fields):
        fields.check("table")
        return cls(fields.table("table"), densities=fields.densities())

    def own_sizes(self):
        return {"entries": self.table.size, "impossible": int((self.table == 0).sum())}

    def coefficients(self):
        legs = tuple(f"site {site}" for site in range(self.sites))
        return TensorNetwork((Tensor("table", legs, self.table),), legs)

    def toward_tree(self, limit=inf):
        """A hidden variable whose state is the joint value of all variables."""
        if self.table.size * (1 + sum(self.shape)) > limit:
            raise TooLargeError(self.table.size * (1 + sum(self.shape)))
        values = all_states(self.shape)
        edges = [("all", site, np.eye(k, dtype=int)[values[:, site]]) for site, k in enumerate(self.shape)]
        return LatentTree("all", self.table.ravel(), edges, densities=self.densities)


class FullTableGoal(Goal[FullTable]):
    model = FullTable

    def of_tree(self, tree, limit):
        if prod(tree.shape) > limit:
            raise TooLargeError(prod(tree.shape))
        return FullTable(tree.probability(all_states(tree.shape)).reshape(tree.shape), densities=tree.densities)

    def bound(self, tree, source, target):
        return SizeBound(prod(source.shape), "an entry for each joint value")


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(KINDS, "full_table", FullTableGoal())


@pytest.fixture
def model():
    table = random_distributions((24,), np.random.default_rng(0), fractions=True)
    return FullTable(table.reshape(2, 3, 2, 2))


def invoke(*arguments):
    return invoked(arguments, catch_exceptions=False)


def same(model, table):
    return (model.probability(all_states(model.shape)) == table.ravel()).all()


def test_it_is_saved_and_loaded(model, tmp_path):
    save(model, tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text())["model"] == "full_table"
    again = load(tmp_path / "m.json")
    assert isinstance(again, FullTable)
    assert (again.table == model.table).all()


def test_its_fields_are_checked(tmp_path):
    (tmp_path / "m.json").write_text('{"model": "full_table", "version": 1, "tabel": [[1]]}')
    with pytest.raises(TensorRankError, match=r"unknown field 'tabel'; expected one of .* did you mean 'table'\?"):
        load(tmp_path / "m.json")


def test_it_is_shown(model, tmp_path):
    save(model, tmp_path / "m.json")
    text = invoke("show", tmp_path / "m.json").stdout.splitlines()
    lines = {"kind            full_table", "variables       4, of 2 to 3 values", "entries         24"}
    assert text[0] == "FullTable(4 variables)"
    assert lines <= set(text)
    about = json.loads(invoke("show", tmp_path / "m.json", "--json").stdout)
    assert {"kind": "full_table", "size": 24, "parameters": 23, "impossible": 0}.items() <= about["model"].items()
    assert about["rank_bounds"] == {"halves": 4, "interleaved": 4}


@pytest.mark.parametrize("kind", ["latent_class", "hidden_markov", "latent_tree", "tensorial_mixture", "sum_product"])
def test_it_is_reduced_to_every_kind(model, kind):
    reduced = reduce(model, kind)
    report = check_reduction(model, reduced)
    assert (reduced.kind, report.equal, report.over_fields) == (kind, True, True)
    assert same(reduced, model.table)
    assert report.size_after <= report.bound


@pytest.mark.parametrize(
    "source",
    [
        LatentTree.random([0, 0, 1, 1, 2, 2], 2, 2, seed=0, fractions=True),
        HiddenMarkov.random(2, 3, 3, seed=0, fractions=True),
        SumProduct.perfect_matchings(4, 2, seed=0, fractions=True),
    ],
    ids=lambda source: source.kind,
)
def test_others_are_reduced_to_it(source):
    reduced = reduce(source, "full_table")
    report = check_reduction(source, reduced)
    assert (type(reduced), report.equal, report.over_fields) == (FullTable, True, True)
    assert same(source, reduced.table)
    if source.kind in TABLES:
        assert (probability_table(source) == reduced.table).all()
    assert report.size_after == report.bound == prod(source.shape)
    assert report.theorem.endswith("an entry for each joint value")


def test_what_would_be_too_large_is_answered_by_a_lower_bound(model):
    table = reduce(HiddenMarkov.random(2, 2, 12, seed=0), "full_table", limit=1000)
    assert isinstance(table, Obstruction)
    assert (table.target, table.needed) == ("full_table", 2**12)
    tree = reduce(model, "latent_tree", limit=100)
    assert isinstance(tree, Obstruction)
    prime, matrix = tree.unfolding.prime, unfolding(model.table, tree.unfolding.a)
    assert tree.states == flint_rank(PrimeField(prime).image(matrix), prime)


def test_the_command_line_reduces_it(model, tmp_path):
    save(model, tmp_path / "m.json")
    done = invoke("reduce", tmp_path / "m.json", "--to", "sum_product", "-o", tmp_path / "s.json")
    assert "full_table -> sum_product: size 24 entries -> " in done.stdout
    assert same(load(tmp_path / "s.json"), model.table)
    back = invoke("reduce", tmp_path / "s.json", "--to", "full_table", "-o", tmp_path / "t.json", "--json")
    assert json.loads(back.stdout)["equal"] is True
    assert (load(tmp_path / "t.json").table == model.table).all()


@pytest.mark.parametrize("sites", [(0, 1), (0, 2), (1,), (0, 3)])
def test_its_ranks_are_those_of_its_unfoldings(model, sites):
    prime = 2**31 - 1
    rank = flint_rank(PrimeField(prime).image(unfolding(model.table, sites)), prime)
    assert separation_rank(model, Bipartition.of(4, sites)).value == rank


def test_it_is_evaluated_like_any_mixture(model):
    assert same(model, model.table)
    np.testing.assert_allclose(model.marginal([1]), model.table.sum(axis=(0, 2, 3)).astype(float))
    assert model.sample(5).shape == (5, 4)

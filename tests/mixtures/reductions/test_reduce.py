import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states, probability_table
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.equality import check_reduction
from tensorrank.mixtures.reductions.obstruction import Obstruction
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.solve import separation_rank


def four_variables(exact):
    return [
        LatentClass.random([2, 2, 2, 2], 3, seed=1, fractions=exact),
        HiddenMarkov.random(2, 3, 4, seed=2, fractions=exact),
        HiddenMarkov.random(3, 2, 4, seed=3, homogeneous=False, fractions=exact),
        LatentTree.random([0, 0, 0, 1, 1, 2], 2, 2, seed=4, fractions=exact),
        TensorialMixture.random(2, 2, 3, seed=5, fractions=exact),
        TensorialMixture.random(2, 3, 2, seed=6, shared=True, fractions=exact),
        Hierarchical.random([2, 3, 2, 2], 2, seed=7, fractions=exact),
        Hierarchical.random([2] * 4, 2, seed=8, tree=(0, (1, (2, 3))), fractions=exact),
    ]


def named(model):
    return f"{model.kind} {model.table_entries}"


TARGETS = [(kind, "own") for kind in KINDS] + [("hierarchical", "balanced")]


class TestEveryArrow:
    @pytest.mark.parametrize(("kind", "tree"), TARGETS)
    @pytest.mark.parametrize("model", four_variables(exact=True), ids=named)
    def test_fractions_are_equal_to_the_definition(self, model, kind, tree):
        reduced = reduce(model, kind, tree=tree)
        assert reduced.kind == kind
        table = probability_table(model)
        assert (reduced.probability(all_states(model.shape)) == table.ravel()).all()
        report = check_reduction(model, reduced)
        assert (report.equal, report.over_fields) == (True, True)
        assert report.size_after <= report.bound

    @pytest.mark.parametrize(("kind", "tree"), TARGETS)
    @pytest.mark.parametrize("model", four_variables(exact=False), ids=named)
    def test_floats_are_equal_within_rounding(self, model, kind, tree):
        reduced = reduce(model, kind, tree=tree)
        np.testing.assert_allclose(reduced.probability(all_states(model.shape)), probability_table(model).ravel(), rtol=1e-12)
        assert check_reduction(model, reduced).equal

    @pytest.mark.parametrize("kind", ["latent_tree", "hierarchical", "sum_product"])
    @pytest.mark.parametrize("model", four_variables(exact=False)[:6], ids=named)
    def test_tables_are_copied_so_that_floats_are_equal_exactly(self, model, kind):
        report = check_reduction(model, reduce(model, kind))
        assert (report.equal, report.over_fields, report.tolerance) == (True, True, None)

    @settings(max_examples=25, deadline=None)
    @given(trees(zeros=0.3), st.sampled_from(["hierarchical", "sum_product"]))
    def test_any_tree_and_back(self, tree, kind):
        reduced = reduce(tree, kind)
        expected = probability_table(tree).ravel()
        assert (reduced.probability(all_states(tree.shape)) == expected).all()
        back = reduce(reduced, "latent_tree")
        assert (back.probability(all_states(tree.shape)) == expected).all()
        # States that are never reached fall away; no others appear.
        assert max(back.states[name] for name in back.latents) <= max(tree.states[name] for name in tree.latents)

    def test_densities_go_along(self):
        model = HiddenMarkov.random(2, 2, 4, seed=0)
        gaussian = HiddenMarkov(model.initial, model.transition, model.emission, 4, densities=Gaussians([0.0, 3.0], [1.0, 2.0]))
        x = np.linspace(-2, 5, 12).reshape(3, 4)
        for kind, tree in TARGETS:
            # A squared mixture is of categorical variables.
            if kind == "squared":
                continue
            np.testing.assert_allclose(reduce(gaussian, kind, tree=tree).log_density(x), gaussian.log_density(x))

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_model_of_the_kind_is_itself(self, kind):
        others = SumProduct.random(4, 2, seed=0), SquaredMixture.random([0, 0, 1, 1, 2, 2], 2, 2, seed=0)
        model = next(one for one in (*four_variables(False), *others) if one.kind == kind)
        assert reduce(model, kind) is model


class TestSizes:
    def test_pairs_on_the_diagonal_give_the_states_back(self):
        tree = LatentTree.random([0, 0, 1, 1, 2, 2], 3, 2, seed=0)
        back = reduce(reduce(tree, "hierarchical"), "latent_tree")
        assert sorted(back.states.values()) == sorted(tree.states.values())

    def test_balanced_ranks_of_a_chain_are_r_squared(self):
        # Khrulkov, Novikov, Oseledets (ICLR 2018).
        balanced = reduce(HiddenMarkov.random(3, 3, 8, seed=0), "hierarchical", tree="balanced")
        assert max(balanced.ranks) == 9

    def test_a_chain_has_two_to_the_half_classes(self):
        assert reduce(HiddenMarkov.random(2, 2, 10, seed=0), "latent_class").classes == 2**5

    def test_a_balanced_tree_as_a_chain(self):
        # r^ceil(log2(N) / 2), Khrulkov, Novikov, Oseledets (ICLR 2018).
        assert reduce(TensorialMixture.random(3, 2, 2, seed=0), "hidden_markov").states == 2**2
        assert reduce(TensorialMixture.random(5, 2, 2, seed=0), "hidden_markov").states == 2**3

    def test_a_network_of_a_tree_has_at_most_twice_as_many_edges_as_entries(self):
        tree = LatentTree.random([0, 0, 1, 1, 2, 2, 2], 4, 3, seed=0)
        assert reduce(tree, "sum_product").edges <= 2 * tree.table_entries

    def test_a_network_of_a_chain_takes_the_fewer_classes(self):
        # 2^14 induced trees, but 2^7 states of hidden variables that separate all others.
        network = reduce(HiddenMarkov.random(2, 2, 14, seed=0), "sum_product")
        assert reduce(network, "latent_class").classes == 2**7

    def test_a_format_on_the_balanced_tree_of_any_number_of_variables_is_itself(self):
        model = Hierarchical.random([2] * 6, 2, seed=0)
        assert reduce(model, "hierarchical", tree="balanced") is model
        tree = reduce(model, "latent_tree")
        assert isinstance(reduce(tree, "hierarchical", tree="balanced"), Hierarchical)

    def test_a_chain_on_the_balanced_tree_is_copied(self):
        chain = HiddenMarkov.random(3, 2, 7, seed=0)
        report = check_reduction(chain, reduce(chain, "hierarchical", tree="balanced"))
        assert (report.equal, report.over_fields) == (True, True)

    @pytest.mark.parametrize("kind", ["latent_tree", "hierarchical", "sum_product", "latent_class"])
    def test_a_limit_is_kept(self, kind):
        found = reduce(HiddenMarkov.random(2, 2, 6, seed=0), kind, limit=10)
        assert isinstance(found, Obstruction)
        assert found.needed > found.limit == 10
        assert found.size <= found.needed


class TestNames:
    @pytest.mark.parametrize("names", [("r|0", "r"), ("r=0", "r"), ("a=0", "a"), ("1", 1)])
    def test_that_look_like_those_of_nodes(self, names):
        root, child = names
        coin = [[0.9, 0.1], [0.2, 0.8]]
        edges = [(root, child, coin), (root, "x", coin), (child, "y", coin), (child, "z", coin)]
        tree = LatentTree(root, [0.5, 0.5], edges)
        report = check_reduction(tree, reduce(tree, "sum_product"))
        assert (report.equal, report.over_fields) == (True, True)
        assert separation_rank(tree).value == 2


class TestNoSmallReduction:
    def test_the_interleaved_unfolding_forbids_few_classes(self):
        found = reduce(HiddenMarkov.random(2, 2, 16, seed=0), "latent_class", limit=1000)
        assert isinstance(found, Obstruction)
        assert found.states == 2**8
        assert found.needed == 2**8 * (1 + 16 * 2)

    def test_three_matchings_have_no_small_tree(self):
        network = SumProduct.perfect_matchings(10, 2, seed=0)
        found = reduce(network, "latent_tree", limit=1000)
        assert isinstance(found, Obstruction)
        assert found.states >= 2**2
        assert "whatever the tree" in found.theorem

    def test_a_report_of_it_has_no_verdict(self):
        chain = HiddenMarkov.random(2, 2, 16, seed=0)
        report = check_reduction(chain, reduce(chain, "latent_class", limit=1000))
        assert (report.equal, report.over_fields, report.size_after, report.ratio) == (None, False, None, None)
        assert report.states_needed == 256
        assert report.bound == 256 * 33
        assert "beyond the limit of 1000" in str(report)


class TestRefusals:
    def test_an_unknown_kind(self):
        with pytest.raises(TensorRankError, match=r"kind 'hidden_makrov' is unknown.*did you mean 'hidden_markov'"):
            reduce(LatentClass.random([2, 2], 2, seed=0), "hidden_makrov")

    def test_an_unknown_tree(self):
        with pytest.raises(TensorRankError, match="the tree is 'binary'; expected one of own, balanced"):
            reduce(LatentClass.random([2, 2], 2, seed=0), "hierarchical", tree="binary")

    def test_a_balanced_tree_of_another_kind(self):
        with pytest.raises(TensorRankError, match="balanced tree was asked for with sum_product"):
            reduce(LatentClass.random([2, 2], 2, seed=0), "sum_product", tree="balanced")

    def test_no_model(self):
        with pytest.raises(TensorRankError, match="expected a mixture model"):
            reduce(3, "sum_product")

    @pytest.mark.parametrize("count", [1, 3, 6])
    def test_a_tensorial_mixture_of_other_than_a_power_of_two(self, count):
        with pytest.raises(TensorRankError, match=f"{count} variables cannot become a tensorial mixture"):
            reduce(LatentClass.random([2] * count, 2, seed=0), "tensorial_mixture")

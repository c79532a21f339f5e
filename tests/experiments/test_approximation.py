import itertools
import json
import math
from decimal import Decimal
from fractions import Fraction

import flint
import numpy as np
import pytest
from mixtures.brute_force import all_states, probability_table, unfolding

from tensorrank import TensorRankError
from tensorrank.experiments import approximation
from tensorrank.experiments.approximation import (
    ApproximationRun,
    growing_depth,
    informative_parts,
    shallow_approximations,
    wall_of,
)
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


@pytest.fixture(scope="module")
def study():
    return shallow_approximations(
        growing_depth(8, branchings=(8, 2)), [ApproximationRun(steps=20), ApproximationRun("corrective", "products", 2)]
    )


def test_every_target_has_every_run_and_the_norm_of_its_table(study):
    trees = dict(growing_depth(8, branchings=(8, 2)))
    for target in study.targets:
        tree = trees[target.label]
        assert [(run.atoms, len(run.steps)) for run in target.runs] == [("entries", 21), ("products", 3)]
        assert target.norm == pytest.approx(math.sqrt((probability_table(tree) ** 2).sum()))
        assert (target.sites, target.table_entries) == (8, tree.table_entries)
        # The largest entries of W, met one after the other, found by enumeration.
        first = target.runs[0].model
        largest = np.argsort(-probability_table(tree).ravel())[:21]
        rows = {tuple(np.argmax(table[part]) for table in first.components) for part in range(first.classes)}
        assert rows == {tuple(all_states(tree.shape)[place]) for place in largest}


def test_a_study_is_plain_json(study):
    values = json.loads(json.dumps(study.to_dict()))
    assert (values["experiment"], values["seed"]) == ("approximation", 0)
    shallow, deep = values["targets"]
    assert (shallow["label"], shallow["wall"]["parts"], shallow["wall"]["known"]) == ("depth 1", 2, 2)
    assert (deep["label"], deep["wall"]["parts"], deep["wall"]["exact"]) == ("depth 3", 16, True)
    assert deep["informative"] == study.targets[1].informative
    assert deep["runs"][0]["steps"][20]["components"] == 21
    assert deep["wall"]["rank"]["standing"] == "exact"


@pytest.mark.parametrize("norm", [1.0, 0.5, 0.1, 1 / 3, 0.02304463302685, 1e-3])
def test_the_guarantee_passes_the_norm_where_it_says(norm):
    parts = informative_parts(norm)

    def below(count):  # sqrt(8 / (t + 2)) < norm, exactly
        return Fraction(8, count + 1) < Fraction(norm) ** 2

    assert below(parts)
    assert not below(parts - 1)


def test_norms_beyond_floats_have_whole_numbers_still():
    assert informative_parts(1e-200) > 10**400
    assert informative_parts(0.0) is None
    with pytest.raises(TensorRankError, match=r"norm is .*; expected a finite number of at least 0"):
        informative_parts(Decimal("1e500"))


@pytest.mark.parametrize(
    "model",
    [
        HiddenMarkov.random(2, 2, 6, seed=0, fractions=True),
        HiddenMarkov.random(2, 3, 5, seed=1, fractions=True),
        TensorialMixture.random(2, 3, 2, seed=2, fractions=True),
        LatentClass.random([2, 3, 2, 2], 3, seed=3, fractions=True),
    ],
    ids=repr,
)
def test_the_wall_is_the_largest_rank_of_its_cuts(model):
    wall = wall_of(model)
    table, n = probability_table(model), model.sites
    quarter = max(1, n // 4)
    cuts = [range(0, n, 2), range(n // 2), [site for site in range(n) if site // quarter % 2 == 0]]

    def rank(matrix):
        entries = [flint.fmpq(x.numerator, x.denominator) for x in map(Fraction, matrix.flat)]
        return flint.fmpq_mat(*matrix.shape, entries).rank()

    ranks = [rank(unfolding(table, list(cut))) for cut in cuts]
    assert wall.parts == max(ranks)
    assert wall.parts <= wall.known
    assert wall.exact == (wall.parts == wall.known)
    assert wall.rank.value == wall.parts


def test_no_cut_is_looked_at_once_both_sides_meet(monkeypatch):
    looked = []
    found = approximation.separation_rank
    monkeypatch.setattr(
        approximation, "separation_rank", lambda model, cut, **rest: looked.append(cut) or found(model, cut, **rest)
    )
    assert wall_of(HiddenMarkov.random(2, 2, 8, seed=0)).exact
    assert len(looked) == 1
    # Of four variables every other quarter is every other one. Binary variables cannot tell three states apart.
    wall = wall_of(HiddenMarkov.random(3, 2, 4, seed=0))
    assert (wall.parts, wall.known, len(looked)) == (4, 9, 3)
    assert "at least 4 parts" in str(wall)
    assert "9 are known to suffice" in str(wall)


def test_little_memory_leaves_a_lower_bound_with_its_reason():
    wall = wall_of(HiddenMarkov.random(2, 2, 24, seed=0), memory="300kB")
    assert 2 < wall.parts < 2**12 == wall.known
    assert wall.rank.standing == "lower bound"
    assert "memory limit" in wall.reason
    assert "(lower bound)" in str(wall)
    assert wall.reason in str(wall)


def test_ranks_that_cannot_be_computed_leave_no_wall(monkeypatch):
    def refuses(*arguments, **options):
        raise TensorRankError("there is no room")

    monkeypatch.setattr(approximation, "separation_rank", refuses)
    wall = wall_of(HiddenMarkov.random(2, 2, 8, seed=0))
    assert (wall.parts, wall.rank, wall.known, wall.exact) == (None, None, 16, False)
    assert str(wall) == ("The parts of an exact shallow form were not computed: there is no room; 16 are known to suffice.")
    assert wall.to_dict()["rank"] is None


def test_ranks_of_very_many_variables_are_left_out():
    wall = wall_of(HiddenMarkov.random(2, 2, 129, seed=0))
    assert (wall.parts, wall.known) == (None, 2**64)
    assert "not computed: ranks of more than 128 variables take minutes" in str(wall)


def test_single_variables_need_one_part():
    wall = wall_of(LatentClass.random([3], 2, seed=0))
    assert (wall.parts, wall.rank) == (1, None)
    assert str(wall) == "An exact shallow form needs 1 part, and no more: there is a single variable."
    assert wall_of(LatentClass.random([3, 3], 2, seed=0)).parts == 2


def test_networks_that_are_no_trees_have_walls():
    wall = wall_of(SumProduct.perfect_matchings(6, 2, seed=0))
    assert wall.parts == 8
    assert wall.known >= 8


def test_trees_grow_deeper_over_the_same_variables():
    trees = dict(growing_depth(16, branchings=(16, 4, 2), states=3, symbols=2, seed=5, fractions=True))
    assert list(trees) == ["depth 1", "depth 2", "depth 4"]
    for tree in trees.values():
        assert tree.over_fractions
        assert tree.shape == (2,) * 16
        assert {tree.states[name] for name in tree.latents} == {3}
    assert not any(tree.over_fractions for _, tree in growing_depth(4, branchings=(2,)))


def test_progress_grows_to_the_whole():
    told = []
    trees = growing_depth(4, branchings=(4, 2))
    shallow_approximations(trees, [ApproximationRun(steps=2)], progress=lambda done, of, what: told.append((what, done / of)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1
    assert {what.partition(":")[0] for what, _ in told} == {"depth 1", "depth 2"}
    assert any("rank of even against odd variables" in what for what, _ in told)


TREES = growing_depth(4, branchings=(2,))


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: shallow_approximations([]), "no targets were given"),
        (lambda: shallow_approximations(TREES * 2), "targets are labelled 'depth 2', 'depth 2'; expected different labels"),
        (lambda: shallow_approximations(TREES, []), "no runs were given"),
        (lambda: shallow_approximations(TREES, [ApproximationRun("fast")]), "the method is 'fast'; expected one of corrective"),
        (lambda: shallow_approximations(TREES, [ApproximationRun(steps=-1)]), "steps is -1; expected a whole number"),
        (lambda: shallow_approximations(TREES, memory="much"), "the memory limit is 'much'"),
        (lambda: growing_depth(4, branchings=(5, 4)), "two of which make trees of depth 1"),
        (lambda: growing_depth(4, branchings=()), "no branchings were given"),
        (lambda: growing_depth(1), "sites is 1; expected a whole number of at least 2"),
        (lambda: growing_depth(4, branchings=(1,)), "branching is 1"),
    ],
)
def test_what_makes_no_study_is_refused(call, complaint):
    with pytest.raises(TensorRankError, match=complaint):
        call()


def test_cuts_are_different_bipartitions():
    for sites in range(2, 10):
        cuts = [cut for cut, _ in approximation._cuts(sites)]
        assert all(a != b for a, b in itertools.combinations(cuts, 2))

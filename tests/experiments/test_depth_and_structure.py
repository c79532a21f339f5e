import itertools
import json
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from mixtures.brute_force import unfolding
from oracles import flint_rank

from tensorrank import TensorRankError
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.experiments.formats import format_ranks
from tensorrank.experiments.hierarchy import ARROWS, measure_hierarchy
from tensorrank.experiments.interleaved import interleaved_ranks
from tensorrank.experiments.levels import cut_to, level_sizes
from tensorrank.experiments.perfect_matchings import least_pairs_cut, perfect_matching_states
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.sum_product.model import SumProduct, perfect_matchings
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def everything(model):
    """All states of all variables."""
    return list(itertools.product(*map(range, model.shape)))


def rational(values):
    return flint.fmpq(Fraction(values).numerator, Fraction(values).denominator)


def unfolding_rank(table, a):
    """Over the rationals, by FLINT."""
    b = [site for site in range(table.ndim) if site not in a]
    matrix = table.transpose(*a, *b).reshape(math.prod(table.shape[site] for site in a), -1)
    return flint.fmpq_mat(*matrix.shape, [rational(x) for x in matrix.flat]).rank()


@pytest.mark.parametrize(("states", "symbols"), [(2, 2), (2, 3), (3, 2)])
def test_interleaved_ranks_are_those_of_the_theorem(states, symbols):
    # SOURCES.md section 4: min(r, k)^floor(N / 2).
    study = interleaved_ranks([4, 5, 6, 8], states=states, symbols=symbols)
    assert [(row.model, row.sites) for row in study.rows] == [
        *(("hidden_markov", n) for n in (4, 5, 6, 8)),
        *(("tensorial_mixture", n) for n in (4, 8)),
    ]
    for row in study.rows:
        assert row.rank.value == row.classes == min(states, symbols) ** (row.sites // 2)
        assert row.rank.standing == "exact"
        assert row.shallow_entries == row.classes + row.sites * symbols * row.classes
        shared = states + (row.sites - 1) * states**2 + row.sites * states * symbols
        assert row.model != "hidden_markov" or row.table_entries == shared


def test_interleaved_ranks_of_the_smallest_models_by_brute_force():
    r, k, n, seed = 2, 2, 4, 5
    model = HiddenMarkov.random(r, k, n, seed)
    initial, transition, emission = (
        [[Fraction(x) for x in row] for row in np.atleast_2d(table)]
        for table in (model.initial, model.transition, model.emission)
    )
    table = np.zeros((k,) * n, dtype=object)
    for x in itertools.product(range(k), repeat=n):
        for z in itertools.product(range(r), repeat=n):
            term = initial[0][z[0]] * math.prod(emission[z[t]][x[t]] for t in range(n))
            table[x] += term * math.prod(transition[z[t - 1]][z[t]] for t in range(1, n))
    assert interleaved_ranks([n], seed=seed).rows[0].rank.value == unfolding_rank(table, [0, 2]) == 4


@pytest.mark.parametrize(("depth", "states", "symbols"), [(3, 2, 2), (3, 3, 2), (2, 2, 3), (1, 2, 2)])
def test_cut_models_have_the_density_of_the_whole(depth, states, symbols):
    whole = TensorialMixture.random(depth, states, symbols, seed=1, fractions=True)
    data = np.array(everything(whole))
    expected = whole.probability(data)
    rows = {row.levels: row for row in level_sizes([depth], states=states, symbols=symbols).rows}
    for kept in range(1, depth + 1):
        cut = cut_to(whole, kept)
        assert isinstance(cut, LatentTree)
        assert (cut.probability(data) == expected).all()
        assert cut.table_entries == rows[kept].entries_upper
        # Every variable hangs on its window, and above are levels of pairs.
        windows = {cut.parent(site) for site in range(whole.sites)}
        assert len(windows) == 2 ** (kept - 1)
        assert {cut.states[name] for name in windows} == {rows[kept].states_upper}
        assert len(cut.latents) == 2**kept - 1


def test_cutting_keeps_the_states_that_a_model_has():
    rng = np.random.default_rng(3)

    def table(rows, columns):
        made = rng.integers(1, 9, (rows, columns)).astype(object)
        return [[Fraction(x, sum(row)) for x in row] for row in made]

    whole = TensorialMixture(
        ["1/3", "2/3"],
        [
            (table(2, 3), table(2, 1)),
            tuple(table(a, b) for a, b in ((3, 2), (3, 4), (1, 2), (1, 2))),
            tuple(table(a, 2) for a in (2, 2, 4, 4, 2, 2, 2, 2)),
        ],
    )
    data = np.array(everything(whole))
    for kept, states in ((1, [32]), (2, [8, 4]), (3, [2, 4, 2, 2])):
        cut = cut_to(whole, kept)
        assert (cut.probability(data) == whole.probability(data)).all()
        assert [cut.states[cut.parent(8 // len(states) * window)] for window in range(len(states))] == states


def test_states_of_cut_models_are_roots_of_the_rank():
    study = level_sizes([2, 3, 4, 8])
    for row in study.rows:
        assert row.states_lower == row.states_upper == 2 ** (row.window // 2)
        assert row.window == 2 ** (row.depth - row.levels + 1)
        assert row.entries_lower <= row.entries_upper
        assert row.entries_lower == row.states_lower * (2 ** (row.levels - 1) + 2**row.depth * 2)
    assert [whole.source for whole in study.wholes] == ["computed"] * 3 + ["theorem"]
    assert [whole.interleaved for whole in study.wholes] == [4, 16, 256, 2**128]
    assert study.of(8)[0].states_lower == 2**128
    whole = TensorialMixture.random(4, 2, 2, seed=0)
    assert study.wholes[2].table_entries == study.of(4)[-1].entries_upper == whole.table_entries
    assert json.loads(json.dumps(study.to_dict()))["rows"][0]["states_lower"] == 4


def test_sides_part_where_states_outnumber_symbols():
    (row, *_) = level_sizes([2], states=3, symbols=2).rows
    assert (row.states_lower, row.states_upper) == (4, 9)


def test_very_large_sizes_are_text_for_json():
    deepest, *_, last = level_sizes([15]).to_dict()["rows"]
    assert isinstance(deepest["states_lower"], str)
    # The whole number 2^(2^14).
    assert len(deepest["states_lower"]) == math.floor(2**14 * math.log10(2)) + 1
    assert last["states_lower"] == 2


def test_ranks_of_formats_are_those_known():
    # SOURCES.md section 4: balanced tree, r = 2, N = 8.
    study = format_ranks(8, symbols=3)
    assert [row.rank.value for row in study.prefixes] == [2, 2, 4, 2, 4, 2, 2]
    assert {row.bound for row in study.prefixes} == {2 ** math.ceil(math.log2(8) / 2)} == {4}
    # A block of a chain has two ends but at its borders: r^2 inside, r there.
    for row in study.dyadic:
        assert row.rank.value == (2 if row.first == 0 or row.last == 7 else 4)
        assert row.bound == 4
    assert [row.length for row in study.dyadic] == [2, 2, 2, 2, 4, 4]
    assert all(row.rank.standing == "exact" for row in study.rows)
    assert len(study.to_dict()["rows"]) == 13


def test_pairs_cut_are_counted_as_by_hand():
    union = perfect_matchings(8, 2)
    sides, cut = least_pairs_cut(union)
    found = {frozenset(i for i in range(8) if side >> i & 1): int(c) for side, c in zip(sides, cut, strict=True)}
    expected = {}
    for size in (3, 4, 5):
        for a in itertools.combinations(range(7), size):
            expected[frozenset(a)] = max(sum((u in a) != (v in a) for u, v in matching) for matching in union)
    assert found == expected


@pytest.mark.parametrize("sites", [6, 8])
def test_states_of_trees_are_the_least_balanced_rank(sites):
    model = SumProduct.perfect_matchings(sites, 2, seed=0)
    table = np.array([Fraction(0)] * 2**sites, dtype=object).reshape((2,) * sites)
    for x in everything(model):
        memo = {}
        for name in model.order:
            node = model.nodes[name]
            if hasattr(node, "variable"):
                memo[name] = Fraction(float(node.distribution[x[node.variable]]))
            elif hasattr(node, "weights"):
                memo[name] = sum(Fraction(float(w)) * memo[c] for w, c in zip(node.weights, node.children, strict=True))
            else:
                memo[name] = math.prod(memo[child] for child in node.children)
        table[x] = memo[model.root]
    sizes = range(math.ceil(sites / 3), sites // 2 + 1)
    ranks = [unfolding_rank(table, list(a)) for size in sizes for a in itertools.combinations(range(sites), size)]
    (row,) = perfect_matching_states([sites], symbols=2).rows
    assert row.states == row.rank.value == min(ranks)
    assert row.method == "ranks"


def test_edges_grow_linearly_and_states_beyond_them():
    study = perfect_matching_states([64, 256, 512], symbols=4)
    for row in study.rows:
        # 3/2 N pairs, each 3 edges a term and one from its matching; three edges from the root.
        assert row.edges == 3 * row.sites // 2 * (3 * 4 + 1) + 3
        assert row.states == 4**row.pairs_cut
        assert (row.method, row.rank) == ("spectrum", None)
    assert study.rows[-1].states > study.rows[-1].edges


@pytest.mark.parametrize("sites", [8, 12, 16])
def test_the_spectrum_bounds_what_is_counted(sites, monkeypatch):
    from tensorrank.experiments import perfect_matchings as study

    counted = int(least_pairs_cut(perfect_matchings(sites, 1))[1].min())
    monkeypatch.setattr(study, "_ENUMERATED_TO", 0)
    assert 1 <= perfect_matching_states([sites], symbols=2, seed=1).rows[0].pairs_cut <= counted


def test_states_at_equal_size_are_those_of_a_binary_tree():
    (row,) = perfect_matching_states([6], symbols=2).rows
    caterpillar = [0, 0, 1, 1, 3, 3, 5, 5, 7, 7]
    sizes = {r: LatentTree.random(caterpillar, r, 2, seed=0) for r in range(1, 6)}
    assert all(tree.sites == 6 for tree in sizes.values())
    assert row.affordable == max(r for r, tree in sizes.items() if tree.table_entries <= row.edges)


def test_every_arrow_of_the_hierarchy_is_measured():
    reports = measure_hierarchy(8, small=3).rows
    assert tuple((one.source, one.target) for one in reports) == ARROWS
    found = {(one.source, one.target): one for one in reports}
    assert all(one.equal is not False for one in reports)
    assert found["hidden_markov", "latent_tree"].ratio == 1
    # The interleaved rank 2^4 forces 16 (1 + 8 * 2) entries on classes, where the chain has 62.
    shallow = found["hidden_markov", "latent_class"]
    assert (shallow.equal, shallow.bound, shallow.size_before) == (None, 272, 62)
    network = SumProduct.perfect_matchings(8, 2, seed=0)
    prime = found["sum_product", "latent_tree"].primes[0]
    inputs = np.eye(2, dtype=np.int64)[np.indices([2] * 8).reshape(8, -1)]
    dense = network.circuit.residues(list(inputs), PrimeField(prime)).reshape([2] * 8)
    splits = [side for size in (3, 4) for side in itertools.combinations(range(8), size)]
    least = min(flint_rank(unfolding(dense, side), prime) for side in splits)
    assert found["sum_product", "latent_tree"].states_needed == least


@pytest.mark.parametrize(
    ("study", "complaint"),
    [
        (lambda: interleaved_ranks([]), "no numbers of variables were given"),
        (lambda: interleaved_ranks([1]), "one of the numbers of variables is 1; expected a whole number from 2 to 1000"),
        (lambda: interleaved_ranks([10**6]), "variables is 1000000; expected a whole number from 2 to 1000"),
        (lambda: level_sizes([]), "no depths were given"),
        (lambda: level_sizes([0]), "one of the depths is 0; expected"),
        (lambda: level_sizes([40]), "one of the depths is 40; expected a whole number from 1 to 16"),
        (lambda: interleaved_ranks([4], symbols=10**6), "symbols is 1000000; expected a whole number from 1 to 1000"),
        (lambda: format_ranks(4, symbols=10**6), "symbols is 1000000; expected a whole number from 1 to 1000"),
        (lambda: level_sizes([2], symbols=10**6), "symbols is 1000000; expected a whole number from 1 to 1000"),
        (lambda: measure_hierarchy(4, states=10**6), "states is 1000000; expected a whole number from 1 to 1000"),
        (lambda: measure_hierarchy(4, small=float("inf")), "small is inf; expected a finite number of at least 1"),
        (lambda: level_sizes([2], states=0), "states is 0; expected"),
        (
            lambda: cut_to(TensorialMixture.random(11, 2, 2, seed=0), 1),
            r"a window of 2048 variables would have 3\^646.07 states; expected tables of at most",
        ),
        (lambda: cut_to(TensorialMixture.random(2, 2, 2, 0), 3), "levels is 3; expected at most the 2"),
        (lambda: cut_to(TensorialMixture.random(6, 2, 2, 0), 1), "64 variables would have 4294967296 states"),
        (lambda: format_ranks(12), "is 12; expected a power of two"),
        (lambda: perfect_matching_states([]), "no numbers of variables were given"),
        (lambda: perfect_matching_states([7]), "sites is 7; expected an even number"),
        (lambda: perfect_matching_states([6], symbols=1), "symbols is 1; expected"),
        (lambda: least_pairs_cut(perfect_matchings(24, 0)), "24 variables have too many bipartitions; expected at most 22"),
        (lambda: measure_hierarchy(6), "is 6; expected a power of two"),
        (lambda: measure_hierarchy(4, small=0.5), "small is 0.5; expected a finite number of at least 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "study",
)
def test_impossible_studies_are_refused(study, complaint):
    with pytest.raises(TensorRankError, match=complaint):
        study()


def test_progress_names_what_is_computed():
    said = []
    interleaved_ranks([2, 3], progress=lambda *step: said.append(step))
    assert said == [
        (0, 3, "hidden_markov, 2 variables"),
        (1, 3, "hidden_markov, 3 variables"),
        (2, 3, "tensorial_mixture, 2 variables"),
    ]

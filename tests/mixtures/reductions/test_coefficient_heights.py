import itertools
from fractions import Fraction
from math import log2

import numpy as np
import pytest

from tensorrank.mixtures.evaluation.circuit import Products
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.coefficient_heights import difference_height
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

KINDS = {
    "latent_class": lambda seed, fractions: LatentClass.random([2] * 4, 3, seed=seed, fractions=fractions),
    "hidden_markov": lambda seed, fractions: HiddenMarkov.random(2, 2, 4, seed=seed, fractions=fractions),
    "latent_tree": lambda seed, fractions: LatentTree.random([0, 0, 1, 1, 2, 2], 2, 2, seed=seed, fractions=fractions),
    "tensorial_mixture": lambda seed, fractions: TensorialMixture.random(2, 2, 2, seed=seed, fractions=fractions),
    "hierarchical": lambda seed, fractions: Hierarchical.random([2] * 4, 2, seed=seed, fractions=fractions),
    "sum_product": lambda seed, fractions: SumProduct.random(4, 2, seed=seed, fractions=fractions),
    "pairs": lambda seed, fractions: SumProduct.perfect_matchings(4, 2, seed=seed, fractions=fractions),
}


def fraction_tables(model):
    """The model with the same numbers as fractions, so that its probabilities have no rounding."""
    tables = []
    for block in model.circuit.blocks:
        if isinstance(block, Products):
            tables.append(None)
        else:
            tables.append(block.table.astype(object))
            for place, entry in enumerate(block.table.flat):
                tables[-1].flat[place] = Fraction(entry)
    return model.circuit.with_tables(tables)


def coefficients(model):
    """All coefficients of a categorical model, exactly, by enumeration."""
    circuit = fraction_tables(model)
    rows = list(itertools.product(*[range(k) for k in model.shape]))
    inputs = [
        [[Fraction(int(row[site] == symbol)) for symbol in range(k)] for row in rows] for site, k in enumerate(model.shape)
    ]
    return circuit.values([np.array(one, dtype=object) for one in inputs])


@pytest.mark.parametrize("fractions", [True, False], ids=["fractions", "floats"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_numerator_of_a_difference_is_longer_than_the_bound(kind, fractions):
    for seed in range(3):
        one, other = (KINDS[kind](2 * seed + extra, fractions) for extra in (0, 1))
        differences = coefficients(one) - coefficients(other)
        found = difference_height(one, other)
        assert any(differences)
        assert max(log2(abs(difference.numerator)) for difference in differences if difference) <= found.bits
        # Denominators without their powers of 2 divide the part of which primes are left out.
        odd = max(difference.denominator // (difference.denominator & -difference.denominator) for difference in differences)
        assert log2(odd) <= found.excluded + 1e-9
        # The bound is of use: 4 variables, of whose tables floats have 60 bits or so.
        assert found.bits < 2000


def test_a_copied_table_counts_once():
    model = HiddenMarkov.random(3, 3, 50, seed=0, fractions=True)
    one = difference_height(model, model).bits
    assert difference_height(model, model.latent_tree()).bits == pytest.approx(one)


def test_denominators_with_too_many_digits_for_a_common_one():
    weights = [Fraction(1, 3**4000), Fraction(1, 5**3000), Fraction(1, 7**3000)]
    weights.append(1 - sum(weights))
    one = LatentClass(weights, [[[1, 0], [0, 1], [1, 0], [0, 1]]] * 2)
    other = LatentClass([weights[1], weights[0], *weights[2:]], [[[1, 0], [0, 1], [1, 0], [0, 1]]] * 2)
    differences = coefficients(one) - coefficients(other)
    assert max(abs(difference.numerator).bit_length() - 1 for difference in differences if difference) <= (
        difference_height(one, other).bits
    )

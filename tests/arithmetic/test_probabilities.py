from fractions import Fraction

import numpy as np

from tensorrank.arithmetic.probabilities import at_most


def test_no_bound_is_printed_smaller_than_it_is():
    bounds = 10.0 ** -np.random.default_rng(0).uniform(0, 300, 1000)
    for bound in [*bounds.tolist(), 1.0, 0.11]:
        # Two digits, rounded up: at most a tenth more.
        assert 1 <= Fraction(at_most(bound)) / Fraction(bound) <= 1.1

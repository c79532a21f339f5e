"""Squared mixtures: amplitudes of any sign, whose squares are summed, by pairs of states and by square roots."""

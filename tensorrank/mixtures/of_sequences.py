"""What is asked of the density of a chain, also of sequences one below the other: hmmlearn's layout of data."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import things
from tensorrank.arithmetic.arrays import Array, Floats, Integers
from tensorrank.mixtures.decoding.completion import Explained
from tensorrank.mixtures.decoding.decoded import Decoded
from tensorrank.mixtures.density import Density
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.evaluation.sequences import sequences


class OfSequences(Density):
    """A density of sequences, whose variables are steps: every question takes `lengths`, as hmmlearn's functions do.

    With `lengths`, the data are samples of shape (samples, features), or (samples,) for one feature, and each sequence
    is one of a chain of its own length. Results have a row for each sequence; what lies behind its end is -1, or NaN
    where results are real numbers. `tensorrank.samples` puts such results one below the other again.
    """

    @abstractmethod
    def of_length(self, length: int) -> Self:
        """The density of the first steps of its sequences."""

    def log_density(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> Floats:
        """The natural logarithm of the density of each row, or of each sequence, -inf where it is 0.

        Args:
            data: as for `Density.log_density`; with `lengths`, sequences one below the other.
            lengths: how many samples each sequence has, if they stand one below the other.

        Raises:
            TensorRankError: as `Density.log_density`, and if the lengths do not sum to the number of samples.
        """
        if lengths is None:
            return super().log_density(data)
        rows, _, chain = self._in_rows(data, lengths)
        # Steps behind the end of a sequence are summed out, and change nothing.
        return chain.log_density(rows)

    def score_samples(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> Floats:
        """The log-density of each row, or of each sequence: `log_density` under scikit-learn's name."""
        return self.log_density(data, lengths=lengths)

    def score(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> float:
        """The mean log-density of a row, or of a sequence; hmmlearn's score is the sum.

        Args:
            data: as for `log_density`, at least one row.
            lengths: as for `log_density`.

        Raises:
            TensorRankError: as `log_density`, and if there are no rows.

        >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
        >>> coin = HiddenMarkov([1], [[1]], [[0.5, 0.5]], length=3)
        >>> round(coin.score([[0], [1], [1], [0]], lengths=[3, 1]), 3)
        -1.386
        """
        if lengths is None:
            return super().score(data)
        rows, _, chain = self._in_rows(data, lengths)
        return chain.score(rows)

    def probability(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> NDArray[Any]:
        """The density of each row, or of each sequence: fractions where `Density.probability` gives them.

        Args:
            data: as for `log_density`.
            lengths: as for `log_density`.

        Raises:
            TensorRankError: as `log_density`.
        """
        if lengths is None:
            return super().probability(data)
        rows, _, chain = self._in_rows(data, lengths)
        return chain.probability(rows)

    def posteriors(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> list[Floats]:
        """The probabilities of each step's components given each row, or each sequence.

        Args:
            data: as for `log_density`.
            lengths: as for `log_density`.

        Returns:
            For each step an array (rows, components); NaN behind the end of a sequence.

        Raises:
            TensorRankError: as `Density.posteriors`.
        """
        if lengths is None:
            return super().posteriors(data)
        rows, steps, chain = self._in_rows(data, lengths)
        return [_until(end, steps, found) for end, found in enumerate(chain.posteriors(rows))]

    def hidden_posteriors(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> dict[Name, Floats]:
        """The probabilities of each step's hidden states given each row, or each sequence.

        Args:
            data: as for `log_density`.
            lengths: as for `log_density`.

        Returns:
            By the names of the steps "z0", "z1", ... arrays (rows, states); NaN behind the end of a sequence.

        Raises:
            TensorRankError: as `Density.hidden_posteriors`.

        >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
        >>> weather = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]], length=3)
        >>> weather.hidden_posteriors([[0], [0], [1], [1]], lengths=[3, 1])["z2"].round(3)
        array([[0.632, 0.368],
               [  nan,   nan]])
        """
        if lengths is None:
            return super().hidden_posteriors(data)
        rows, steps, chain = self._in_rows(data, lengths)
        found = chain.hidden_posteriors(rows)
        return {name: _until(end, steps, states) for end, (name, states) in enumerate(found.items())}

    def viterbi(self, data: ArrayLike, *, lengths: Iterable[int] | None = None) -> Decoded:
        """The Viterbi path: the most probable states of all steps together, given each row, or each sequence.

        Of equally probable paths the one with the lowest states is chosen, from the first step on; probabilities count
        as equal within a share of 1e-12. A row of density 0 has no states: they are -1, and their log-probability is
        -inf.

        Args:
            data: as for `log_density`. A step at which the value is missing has a state, too, on which those of other
                steps may depend: also behind the last value that is known. Gaussian components are summed out.
            lengths: how many samples each sequence has, if they stand one below the other. Each path is then that of a
                chain of so many steps, of any number if the model is homogeneous; behind its end states are -1, and
                `tensorrank.samples` leaves them out.

        Raises:
            TensorRankError: as `log_density`, and for a sequence that is longer than a model with tables for each step.

        Source: Viterbi, Error Bounds for Convolutional Codes (IEEE Trans. Inf. Theory 13, 1967).

        >>> from tensorrank.mixtures.evaluation.sequences import samples
        >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
        >>> weather = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]], length=3)
        >>> weather.viterbi([[0, 0, 1], [1, 1, -1]]).states
        array([[0, 0, 0],
               [1, 1, 1]])
        >>> found = weather.viterbi([[1], [1], [0], [0], [0]], lengths=[1, 4])
        >>> found.states
        array([[ 1, -1, -1, -1],
               [ 1,  0,  0,  0]])
        >>> samples(found.states, lengths=[1, 4])  # as hmmlearn's predict has them
        array([1, 1, 0, 0, 0])
        """
        if lengths is None:
            return super().viterbi(data)
        rows, steps, _ = self._in_rows(data, lengths)
        states, logs = np.full(rows.shape[:2], -1), np.empty(len(rows))
        for length, here, chain in self._by_length(steps):
            found = chain.viterbi(rows[here, :length])
            states[here, :length], logs[here] = found.states, found.log_probabilities
        return Decoded(tuple(f"z{step}" for step in range(rows.shape[1])), states, logs)

    def most_probable_explanation(
        self, data: ArrayLike, *, nodes: int = 20_000, lengths: Iterable[int] | None = None
    ) -> Explained:
        """The most probable values of the missing steps together, given the others, with hidden states summed out.

        Args:
            data: as for `Density.most_probable_explanation`, which says what is proved of the values.
            nodes: how many partial completions are looked at for one row, where the circuit is no tree.
            lengths: as for `log_density`. Values behind the end of a sequence stay -1.

        Raises:
            TensorRankError: as `Density.most_probable_explanation`.
        """
        if lengths is None:
            return super().most_probable_explanation(data, nodes=nodes)
        rows, steps, _ = self._in_rows(data, lengths)
        values = np.full(rows.shape[:2], MISSING)
        logs, bounds = np.empty(len(rows)), np.empty(len(rows))
        for length, here, chain in self._by_length(steps):
            found = chain.most_probable_explanation(rows[here, :length], nodes=nodes)
            values[here, :length], logs[here], bounds[here] = found.rows, found.log_densities, found.log_bounds
        return Explained(values, logs, bounds)

    def _in_rows(self, data: ArrayLike, lengths: Iterable[int]) -> tuple[Array, Integers, Self]:
        """The sequences as rows, how many steps each has, and the density of as many as the longest has."""
        several = things(lengths)
        rows = sequences(data, lengths if several is None else several)
        return rows, np.array(several, dtype=np.int64), self.of_length(rows.shape[1])

    def _by_length(self, steps: Integers) -> Iterator[tuple[int, NDArray[np.bool_], Self]]:
        """Each number of steps, the sequences that have it, and the density of these."""
        return ((length, steps == length, self.of_length(length)) for length in np.unique(steps).tolist())


def _until(end: int, steps: Integers, found: Floats) -> Floats:
    """What was found of one step, with NaN for the sequences that end before it."""
    return np.where((steps > end)[:, None], found, np.nan)

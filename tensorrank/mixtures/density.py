"""What is asked of the density of a mixture: log-densities, posteriors, marginals, samples and what was hidden."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import listed, no_attribute, shown, things, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.decoding.completion import Explained, Explainer
from tensorrank.mixtures.decoding.decoded import Decoded
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.circuit import Circuit, Slots
from tensorrank.mixtures.evaluation.data import codes_of, of_variables, values_of
from tensorrank.mixtures.evaluation.inference import MISSING, one_hot, sample_components
from tensorrank.mixtures.evaluation.passes import Evidence, Passes, in_pieces
from tensorrank.mixtures.gaussian import Gaussians, check_finite, log_densities_of_rows
from tensorrank.mixtures.names_elsewhere import OURS
from tensorrank.separation.partition import SiteNames, numbered
from tensorrank.whole_numbers import counted

# Slots times rows held at once in floating point: few enough for the caches of a processor, and enough that calls
# cost little beside them.
_HELD = 2**20
_FEWEST_ROWS = 64
# Arrays of numpy have no more dimensions.
_MOST_DIMENSIONS = 64


class Density(ABC):
    """A density of variables with finitely many components each, given as a circuit.

    Variables are categorical, or mix Gaussian components.
    """

    densities: Gaussians | None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The number of components (of values, if categorical) of each variable."""

    @property
    @abstractmethod
    def circuit(self) -> Circuit:
        """The coefficient tensor as a circuit: slots that are sums and products of earlier slots."""

    @property
    def sites(self) -> int:
        """N, the number of variables."""
        return len(self.shape)

    @property
    def site_names(self) -> SiteNames:
        """The names of the variables, in their order; none where they are known by their numbers alone."""
        return ()

    @property
    def over_fractions(self) -> bool:
        """Whether all tables hold fractions, so that probabilities are computed without rounding."""
        return self.circuit.over_fractions

    def variables_given(self, sites: Iterable[int | str]) -> list[int]:
        """The numbers of different variables of the model that a user gave, by number or name, in their order.

        Raises:
            TensorRankError: if they are none.

        >>> from tensorrank.mixtures.latent_class import LatentClass
        >>> LatentClass.random([2, 2], 2, seed=0).variables_given([1, 2])
        Traceback (most recent call last):
            ...
        tensorrank.errors.TensorRankError: the variables 1, 2 were given; expected different ones of 0 to 1
        """
        given = things(sites)
        if given is None or isinstance(sites, Mapping):
            raise TensorRankError(f"the variables {shown(sites)} were given; expected a list of them, such as [0, 1]")
        chosen = [whole_number("a variable", numbered(site, self.site_names), 0) for site in given[: self.sites + 1]]
        if len(given) > self.sites or len(set(chosen)) != len(chosen) or any(site >= self.sites for site in chosen):
            raise TensorRankError(f"the variables {listed(given)} were given; expected different ones of 0 to {self.sites - 1}")
        return chosen

    def log_density(self, data: ArrayLike) -> Floats:
        """The natural logarithm of the density of each row, -inf where it is 0.

        Args:
            data: shape (rows, sites): values 0..k-1 of categorical variables, or real numbers; with several features,
                (rows, sites, features). Missing values, which are -1 (categorical) or NaN, None, pandas' NA or masked,
                are summed out. Columns of a DataFrame that have the names (or numbers) of the variables may stand in
                any order; those of a model whose variables have no names are taken in the order in which they stand.

        Raises:
            TensorRankError: for another shape, columns that are named otherwise than the variables, or values that are
                none of the variable.
        """
        rows = self._rows(data)
        found = np.empty(len(rows))

        def evaluate(piece: slice) -> None:
            found[piece] = self._log_densities(self._evidence(rows[piece]))

        in_pieces(len(rows), self._held, evaluate)
        return found

    def score_samples(self, data: ArrayLike) -> Floats:
        """The log-density of each row: `log_density` under the name that scikit-learn's density models have for it."""
        return self.log_density(data)

    def score(self, data: ArrayLike) -> float:
        """The mean log-density of a row, as scikit-learn's GaussianMixture has it; hmmlearn's score is the sum.

        Args:
            data: as for `log_density`, at least one row.

        Raises:
            TensorRankError: as `log_density`, and if there are no rows.
        """
        logs = self.log_density(data)
        if not logs.size:
            raise TensorRankError("the data has no rows; expected at least one to take the mean of")
        return float(logs.mean())

    def probability(self, data: ArrayLike) -> NDArray[Any]:
        """The density of each row: fractions if the model is categorical and over fractions, otherwise float64.

        Args:
            data: as for `log_density`.

        Raises:
            TensorRankError: as `log_density`.
        """
        if self.densities is not None or not self.over_fractions:
            return np.exp(self.log_density(data))
        rows = self._rows(data)
        inputs = [one_hot(rows[:, site], k).astype(int) * Fraction(1) for site, k in enumerate(self.shape)]
        return np.asarray(self.circuit.values(inputs))

    def posteriors(self, data: ArrayLike) -> list[Floats]:
        """The probabilities of each variable's components given each row: an array (rows, components) a variable.

        For a missing value they are its conditional marginals given the values that are present, for an observed
        Gaussian one the responsibilities of its components.

        Args:
            data: as for `log_density`.

        Raises:
            TensorRankError: as `log_density`, and for rows of density 0.
        """
        rows, starts = self._rows(data), self.passes.plan.components
        found = self._flows(rows, np.empty(0, dtype=np.int64), int(starts[-1]))
        return [found[:, start:stop] for start, stop in pairwise(starts)]

    @property
    def hidden_slots(self) -> Mapping[Name, Slots]:
        """The hidden variables by name, each with the slots of the circuit that are its states; by default none.

        The flow of such a slot is the probability of the state.
        """
        return {}

    def hidden_posteriors(self, data: ArrayLike) -> dict[Name, Floats]:
        """The probabilities of each hidden variable's states given each row: by its name an array (rows, states).

        Each array is about one variable by itself; `viterbi` says which states are most probable together.

        Args:
            data: as for `log_density`; missing values are summed out.

        Raises:
            TensorRankError: as `log_density`, for rows of density 0, and where the result would not fit in memory.

        Source: the forward-backward algorithm of chains, Rabiner, A Tutorial on Hidden Markov Models (Proc. IEEE 77,
        1989); of trees, Crouse, Nowak, Baraniuk, Wavelet-Based Statistical Signal Processing Using Hidden Markov Models
        (IEEE Trans. Signal Process. 46, 1998).

        >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
        >>> weather = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]], length=3)
        >>> weather.hidden_posteriors([[0, 0, 1]])["z2"].round(3)
        array([[0.632, 0.368]])
        """
        rows, hidden = self._rows(data), self.hidden_slots
        slots = np.concatenate([*hidden.values(), np.empty(0, dtype=np.int64)])
        found = self._flows(rows, slots, 0)
        starts = np.cumsum([0, *map(len, hidden.values())])
        return {name: found[:, start:stop] for name, (start, stop) in zip(hidden, pairwise(starts), strict=True)}

    def viterbi(self, data: ArrayLike) -> Decoded:
        """The most probable states of all hidden variables together, given each row: the Viterbi path of a chain.

        Of equally probable states the lowest are chosen, from the root down (of a chain from the first step on);
        probabilities count as equal within a share of 1e-12. A row of density 0 has no states: they are -1, and their
        log-probability is -inf.

        Args:
            data: as for `log_density`; missing values, and the Gaussian components of observed ones, are summed out.

        Raises:
            TensorRankError: as `log_density`.

        Source: Viterbi, Error Bounds for Convolutional Codes (IEEE Trans. Inf. Theory 13, 1967); of trees, Durand,
        Goncalves, Guedon, Computational Methods for Hidden Markov Tree Models (IEEE Trans. Signal Process. 52, 2004).

        >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
        >>> weather = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]], length=3)
        >>> found = weather.viterbi([[0, 0, 1], [1, 1, -1]])
        >>> found.states
        array([[0, 0, 0],
               [1, 1, 1]])
        >>> np.exp(found.log_probabilities).round(4)
        array([0.0518, 0.1984])
        """
        rows, hidden = self._rows(data), self.hidden_slots
        states, logs = np.empty((len(rows), len(hidden)), dtype=np.int64), np.empty(len(rows))

        def trace(piece: slice) -> None:
            states[piece], _, logs[piece] = self.passes.paths(self._evidence(rows[piece]), list(hidden.values()))

        in_pieces(len(rows), self.circuit.slots, trace)
        return Decoded(tuple(hidden), states, logs)

    def most_probable_explanation(self, data: ArrayLike, *, nodes: int = 20_000) -> Explained:
        """The most probable values of the missing variables together, given the others, with hidden ones summed out.

        It is exact for networks whose sums are all selective (deterministic), for rows of at most 4096 completions, and
        wherever a search closes; `proved` tells for each row, and `log_bounds` how much better another completion could
        be at most. In general the problem is NP-hard. Which of equally probable completions is returned is not
        specified, but always the same. A row of density 0 keeps its missing values.

        Args:
            data: rows of categorical variables, as for `log_density`.
            nodes: how many partial completions are looked at for one row, where the circuit is no tree.

        Raises:
            TensorRankError: as `log_density`, and if the variables are real.

        >>> from tensorrank.mixtures.sum_product.model import SumProduct
        >>> network = SumProduct.random(4, symbols=2, seed=0)
        >>> found = network.most_probable_explanation([[0, -1, -1, 1], [-1, -1, -1, -1]])
        >>> found
        Explained(2 rows, 2 proved)
        >>> bool(np.all(found.log_densities == network.log_density(found.rows)))
        True
        """
        if self.densities is not None:
            raise TensorRankError(
                "the variables are real, and the most probable real values of a mixture have no exact form; try viterbi, or "
                "posteriors for the probabilities of their components"
            )
        return self._explained(self._rows(data), whole_number("nodes", nodes, 1))

    def _explained(self, rows: Integers, nodes: int) -> Explained:
        return self._explainer.explain(rows, nodes)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.passes, self.shape)

    def _flows(self, rows: NDArray[Any], slots: Slots, components: int) -> Floats:
        """The flows of slots and of so many components, (rows, slots + components); a row of density 0 is refused."""
        width = len(slots) + components
        smaller = "fewer rows at once"
        refuse_beyond(memory_limit(None), 8 * len(rows) * width, f"posteriors of {len(rows)} rows", smaller)
        found, logs = np.empty((len(rows), width)), np.empty(len(rows))

        def write(piece: slice) -> None:
            evidence = self._evidence(rows[piece])
            hidden, by_component, logs[piece] = self.passes.flows(evidence, slots, components=components > 0)
            found[piece, : len(slots)], found[piece, len(slots) :] = hidden, by_component.T

        in_pieces(len(rows), self.circuit.slots, write)
        self._refuse_impossible(logs)
        return found

    @staticmethod
    def _refuse_impossible(logs: Floats) -> None:
        """Refuse rows of density 0, by the logarithms of the densities."""
        (impossible,) = np.nonzero(np.isneginf(logs))
        if impossible.size:
            raise TensorRankError(f"row {impossible[0]} has density 0; expected values that are possible together")

    def marginal(self, sites: Sequence[int | str]) -> Floats:
        """The joint marginal of some variables' components, with a dimension for each; the others are summed out.

        Args:
            sites: the variables, by number or name, in the order of the result's dimensions.

        Raises:
            TensorRankError: if they are not different variables of the model, or the result would not fit in memory.
        """
        chosen = self.variables_given(sites)
        shape = [self.shape[site] for site in chosen]
        refuse_beyond(memory_limit(None), 8 * prod(shape), f"a marginal of {counted(prod(shape))} entries", "fewer sites")
        if len(chosen) > _MOST_DIMENSIONS:
            raise TensorRankError(
                f"a marginal of {len(chosen)} variables was asked for; expected at most {_MOST_DIMENSIONS}, the dimensions "
                "that an array can have: try marginal_network"
            )
        values = np.empty(prod(shape))
        for chunk in self._chunks(len(values), self._held):
            numbers = np.arange(chunk.start, chunk.stop)
            codes = np.full((len(numbers), self.sites), MISSING)
            for site in reversed(chosen):
                codes[:, site] = numbers % self.shape[site]
                numbers = numbers // self.shape[site]
            values[chunk] = np.exp(self._log_densities(Evidence.of_codes(codes)))
        return values.reshape(shape)

    def sample(self, n: int, random_state: int | np.random.Generator = 0) -> NDArray[Any]:
        """Independent rows sampled from the density, of shape (n, sites), or (n, sites, features) for several features.

        Values of categorical variables are whole numbers, of others real numbers.

        Args:
            n: the number of rows.
            random_state: a whole number or a numpy Generator.

        Raises:
            TensorRankError: if n is no whole number of at least 1.
        """
        n, features = whole_number("n", n, 1), 1 if self.densities is None else self.densities.features
        rng = random_stream(random_state)
        # The rows in pieces and as a whole; of real values their components too.
        refuse_beyond(memory_limit(None), 16 * n * self.sites * (1 + features), f"{shown(n)} rows", "fewer of them at once")
        components = np.concatenate([self._sampled(chunk.stop - chunk.start, rng) for chunk in self._chunks(n, self._held)])
        if self.densities is None:
            return components
        values = np.stack([self.densities.sample(site, components[:, site], rng) for site in range(self.sites)], axis=1)
        return values[:, :, 0] if self.densities.features == 1 else values

    def _check_densities(self) -> None:
        """Refuse Gaussian components that do not match the shape."""
        if self.densities is None:
            return
        if not isinstance(self.densities, Gaussians):
            raise TensorRankError(f"densities are {shown(self.densities)}; expected Gaussians(means, covariances) or None")
        if self.densities.sites not in (None, self.sites) or set(self.shape) != {self.densities.components}:
            raise TensorRankError(
                f"Gaussians of {self.densities.components} components"
                + ("" if self.densities.sites is None else f" for {self.densities.sites} variables")
                + f" were given for {self.sites} variables of {', '.join(map(str, sorted(set(self.shape))))} "
                "components; expected as many"
            )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Names that other libraries have for what a mixture offers are answered with ours."""
            raise no_attribute(self, name, OURS)

    def _rows(self, data: ArrayLike) -> NDArray[Any]:
        """The data in the shape (rows, sites) or, for Gaussian components, (rows, sites, features)."""
        if self.densities is None:
            return codes_of(of_variables(values_of(data, self.sites, self.site_names).array, self.sites, None), self.shape)
        values = values_of(data, self.sites, self.site_names).array
        rows = np.asarray(of_variables(values, self.sites, self.densities.features), dtype=np.float64)
        check_finite(rows)
        return rows

    @cached_property
    def passes(self) -> Passes:
        """The passes over the circuit by which the density is evaluated and fitted."""
        return Passes(self.circuit)

    @property
    def _held(self) -> int:
        """The numbers that a pass holds for each row."""
        return self.circuit.slots

    def _log_densities(self, evidence: Evidence) -> Floats:
        """The log-density of each row that is observed."""
        return self.passes.log_density(evidence)

    def _sampled(self, count: int, rng: np.random.Generator) -> Integers:
        """Components sampled from the density, (count, sites)."""
        return sample_components(self.circuit, self.sites, count, rng)

    def _evidence(self, rows: NDArray[Any]) -> Evidence:
        if self.densities is None:
            return Evidence.of_codes(rows)
        return Evidence.of_logs(log_densities_of_rows(self.densities, rows), self.passes.plan.components)

    @staticmethod
    def _chunks(rows: int, slots: int) -> Iterator[slice]:
        step = max(_FEWEST_ROWS, _HELD // slots)
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))

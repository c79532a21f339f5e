"""Squared mixtures: latent trees whose tables are amplitudes of any sign, which are squared and summed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from functools import cached_property
from math import inf, log, prod
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import several, shown, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.decoding.completion import Explained
from tensorrank.mixtures.decoding.decoded import Decoded
from tensorrank.mixtures.edges import Edge, Name, checked_edges
from tensorrank.mixtures.evaluation.circuit import Circuit, Sums
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.evaluation.passes import Evidence
from tensorrank.mixtures.formats.fields import Fields, checked_name
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.squared.completion import best_completions
from tensorrank.mixtures.squared.function import SquaredFunction
from tensorrank.mixtures.squared.pairs import as_fractions
from tensorrank.mixtures.squared.passes import SquaredPasses
from tensorrank.mixtures.squared.structure import SquaredTree
from tensorrank.mixtures.squared.toward_tree import latent_class_of_values, latent_tree_of_weights
from tensorrank.mixtures.tables import TOLERANCE, Table, check_entries, holds_fractions, random_distributions, real_numbers
from tensorrank.mixtures.way import Way
from tensorrank.networks.function import NetworkFunction
from tensorrank.networks.network import TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain

# Random amplitudes that are fractions are whole numbers up to this, of either sign.
_LARGEST = 499


class NotFitted:
    """What stands where other kinds are fitted, and says why this one is not."""

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(
            "squared mixtures are not fitted: expectation-maximisation needs tables without signs; try tr.LatentTree.fit, and "
            "tr.reduce(model, 'squared')"
        )


@dataclass(frozen=True, eq=False, repr=False)
class SquaredMixture(SquaredTree, Mixture):
    """P(x) = (1/Z) * sum over the summed hidden variables of (sum over the others of the product of all amplitudes)^2.

    Hidden variables stand on a rooted tree, the observed ones at its leaves. Each table holds amplitudes: real numbers
    of any sign. They are multiplied, summed over the hidden variables that are not summed later, and squared; then
    those in `summed` are summed. Z makes it a distribution, so that tables need no normalisation. Of floats that sum to
    one within 1e-6 it is 1, as of every mixture.

    Without `summed` this is a squared tree, or Born machine; a chain of hidden variables is a matrix product state with
    real entries. With the root summed it is a sum of squares. With all hidden variables summed it is a latent tree.

    Only the squares count of amplitudes that lead from a summed variable (or into a summed root) to a summed or an
    observed one. Tables of such edges therefore hold these squares, which are weights of at least 0: so a latent tree
    is a squared mixture with the same tables.

    Attributes:
        root: the name of the root.
        prior: the amplitudes of the root's states; their weights if the root is summed.
        edges: an `Edge`, or (parent, child, table), for each node but the root, in any order.
        variables: the names of the leaves, in the order of variables 0, 1, ..., as of `LatentTree`.
        summed: the names of the hidden variables that are summed after squaring.
        densities: None, for variables are categorical.

    Raises:
        TensorRankError: if the edges make no tree from the root, a table does not fit its parent, weights are negative,
            all squares are 0, a name in `summed` is of no hidden variable, or Gaussian components are given.

    Sources: Glasser, Sweke, Pancotti, Eisert, Cirac, Expressive power of tensor-network factorizations for
    probabilistic modeling (NeurIPS 2019), for Born machines and locally purified states; Loconte et al., Subtractive
    Mixture Models via Squaring (ICLR 2024) and Sum of Squares Circuits (AAAI 2025), for squares and their sums.

    >>> chain = [("z", 0, [[1, 0], [0, 1]]), ("z", 1, [[1, 1], [1, -1]])]
    >>> pair = SquaredMixture("z", [1, 1], chain)
    >>> pair.probability([[0, 0], [1, 1]])
    array([Fraction(1, 4), Fraction(1, 4)], dtype=object)
    >>> SquaredMixture("z", [1, 1], [("z", i, [[1, 2], [1, -1]]) for i in range(2)]).probability([[0, 1], [1, 1]])
    array([Fraction(1, 31), Fraction(25, 31)], dtype=object)
    """

    kind: ClassVar[str] = "squared"
    monotone: ClassVar[bool] = False

    root: Name
    prior: Table
    edges: tuple[Edge, ...]
    variables: Sequence[Name] | None = None
    _: KW_ONLY
    summed: Collection[Name] = ()
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", real_numbers(self.prior, "the prior of the root", ["state"]))
        object.__setattr__(self, "edges", checked_edges(self.edges, real_numbers))
        self._check_tree()
        object.__setattr__(self, "summed", self._checked_names(self.summed))
        self._check_weights()
        if self.densities is not None:
            raise TensorRankError(
                "densities were given for a squared mixture; expected None: the square of a sum of Gaussian components has "
                "their products in it, which are no components. Variables are categorical"
            )
        refuse_beyond(memory_limit(None), 24 * self._held, f"passes over the pairs of states of {self!r}", "fewer states")
        if self._log_total == -inf:
            raise TensorRankError("the squares of the amplitudes sum to 0 over all values; expected some possible value")

    def __repr__(self) -> str:
        states = max(self.states[name] for name in self.latents)
        summed = f", {len(self.summed)} of them summed" if self.summed else ""
        return f"SquaredMixture({self.sites} variables, {len(self.latents)} hidden of at most {states} states{summed})"

    @property
    def parameters(self) -> int:
        """The entries of all tables less one: their common scale, which Z takes out."""
        return self.table_entries - 1

    @property
    def over_fractions(self) -> bool:
        """Whether all tables hold fractions, so that probabilities are computed without rounding."""
        return holds_fractions(self.prior) and all(holds_fractions(edge.table) for edge in self.edges)

    @cached_property
    def _passes_of_squares(self) -> SquaredPasses:
        """The passes over the tree in floats, by square roots of matrices of pairs."""
        return SquaredPasses(self, self.summed, self._holds_weights)

    @cached_property
    def _log_total(self) -> float:
        """The logarithm of Z; of tables of floats 0 if Z is 1 within the tolerance, so that they are taken as given."""
        total = float(self._passes_of_squares.logs(np.full((1, self.sites), MISSING))[0])
        return 0.0 if not self.over_fractions and abs(np.expm1(min(total, 1.0))) <= TOLERANCE else total

    @cached_property
    def circuit(self) -> Circuit:
        """The density as a circuit over pairs of states, with tables of either sign, without rounding of its tables."""
        plain, _ = self._circuit_of(self._pair_tables.__getitem__)
        *blocks, last = plain.blocks
        assert isinstance(last, Sums)
        return Circuit((*blocks, Sums(self._scaled(last.table), last.terms)))

    @cached_property
    def _scale(self) -> Fraction:
        """1/Z: exactly of fractions, else by the float that is nearest to its logarithm."""
        if self.over_fractions:
            plain, _ = self._circuit_of(self._pair_tables.__getitem__)
            ones = [np.full((1, k), Fraction(1), dtype=object) for k in self.shape]
            total: Fraction = plain.values(ones)[0]
            return 1 / total
        exponent, rest = divmod(-self._log_total / log(2), 1)
        return Fraction(2.0**rest) * Fraction(2) ** int(exponent)

    def _scaled(self, table: Table) -> Table:
        return table if self._scale == 1 else as_fractions(table) * self._scale

    def coefficients(self) -> TensorNetwork:
        """The network of tables of pairs: legs "pair NAME" of r (r + 1) / 2 pairs, "state NAME" of summed variables."""

        def table(name: Name) -> Table:
            return self._scaled(self._pair_tables[name]) if name == self.root else self._pair_tables[name]

        return self._network_of(table, lambda name: "state" if name in self._apart else "pair")

    def architecture(self) -> NetworkFunction:
        """The density as a function of its variables; of floats, with what rounding makes of it."""
        network = self.to_network()
        return NetworkFunction(network) if self.over_fractions else SquaredFunction(network)

    def fields(self) -> dict[str, Any]:
        """The fields of a latent tree, and the names of the summed variables if there are any."""
        return {**self._tree_fields(), **({"summed": list(self.summed)} if self.summed else {})}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("root", "prior", "edges", optional=("variables", "summed"))
        names = fields.sequence("summed") if "summed" in fields else []
        summed = [checked_name(name, "an entry of 'summed'") for name in names]
        return cls(*cls._tree_of_fields(fields), summed=summed, densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The sizes of the tree, and the number of summed hidden variables."""
        return {**self._tree_sizes(), "summed": len(self.summed)}

    def own_lines(self) -> list[tuple[str, str]]:
        """The lines of the tree, and how many hidden variables are summed."""
        return [*self._tree_lines(), ("summed", f"{len(self.summed)} of {len(self.latents)} hidden variables")]

    def toward_tree(self, limit: float = inf) -> Mixture:
        """The latent tree if all hidden variables are summed; else a latent class model with a class for joint values.

        Raises:
            TooLargeError: if the joint values are too many.
        """
        if not self._amplitudes:
            return latent_tree_of_weights(self)
        return latent_class_of_values(self, limit)

    def way(self) -> Way:
        """A class for each joint value of all variables but one, unless all hidden variables are summed."""
        if not self._amplitudes:
            return Way()
        return Way("by way of the table of its values: ", prod(self.shape) // max(self.shape))

    def posteriors(self, data: ArrayLike) -> list[Floats]:
        """The probabilities of each variable's values given each row: an array (rows, values) a variable.

        Args:
            data: as for `log_density`.

        Raises:
            TensorRankError: as `log_density`, and for rows of density 0.
        """
        found = self._posteriors(data)
        return [found[name] for name in self.leaves]

    def hidden_posteriors(self, data: ArrayLike) -> dict[Name, Floats]:
        """The probabilities of the states of each summed hidden variable given each row: by its name (rows, states).

        The states of the other hidden variables have amplitudes, and no probabilities.

        Args:
            data: as for `log_density`.

        Raises:
            TensorRankError: as `log_density`, and for rows of density 0.
        """
        found = self._posteriors(data)
        return {name: found[name] for name in self.summed}

    def _posteriors(self, data: ArrayLike) -> dict[Name, Floats]:
        rows = self._rows(data)
        parts = [self._passes_of_squares.posteriors(rows[chunk]) for chunk in self._chunks(max(len(rows), 1), self._held)]
        self._refuse_impossible(np.concatenate([logs for _, logs in parts]))
        return {name: np.concatenate([found[name] for found, _ in parts]) for name in parts[0][0]}

    fit = fit_report = NotFitted()

    def viterbi(self, data: ArrayLike) -> Decoded:
        """The most probable states of all hidden variables together, where all of them are summed; else refused.

        Args:
            data: as for `log_density`; missing values are summed out.

        Raises:
            TensorRankError: if a hidden variable is not summed: its states have amplitudes, which cancel.
        """
        if self._amplitudes:
            raise TensorRankError(
                f"{len(self.latents) - len(self.summed)} of {len(self.latents)} hidden variables are not summed, so that their "
                "states have amplitudes and no most probable path; expected all of them summed: try hidden_posteriors for "
                "those that are"
            )
        return latent_tree_of_weights(self).viterbi(data)

    @property
    def _held(self) -> int:
        """Numbers that are held for a row: a matrix at each node, and the factors of a product at the largest."""
        amplitudes = [self.states[name] for name in self.latents if name not in self._apart]
        return sum(self.states[name] ** 2 for name in self.order) + max(amplitudes, default=0) ** 3

    def _log_densities(self, evidence: Evidence) -> Floats:
        return self._passes_of_squares.logs(evidence.codes) - self._log_total

    def _sampled(self, count: int, rng: np.random.Generator) -> Integers:
        return self._passes_of_squares.sample(count, rng)

    def _explained(self, rows: Integers, nodes: int) -> Explained:
        return best_completions(lambda codes: self._log_densities(Evidence.of_codes(codes)), self.shape, rows, nodes)

    @classmethod
    def random(
        cls,
        parents: Sequence[int],
        states: int,
        symbols: int,
        seed: int | np.random.Generator,
        *,
        summed: Collection[Name] = (),
        fractions: bool = False,
    ) -> SquaredMixture:
        """Random amplitudes of both signs on a given tree, random weights where only squares count.

        Args:
            parents: as of `LatentTree.random`: for node 1, 2, ... the number of its parent, smaller than its own.
            states: the number of states of the hidden variables, which are named "z0", "z1", ...
            symbols: the number of values of the observed ones.
            seed: a whole number or a numpy Generator.
            summed: the names of the hidden variables that are summed after squaring.
            fractions: whether entries are fractions; amplitudes are then whole numbers, none of them 0.

        Raises:
            TensorRankError: if numbers are too small, a parent does not come before its child, or a name is of no
                hidden variable.

        >>> SquaredMixture.random([0, 1, 0, 1, 2], states=2, symbols=2, seed=0)  # a chain of three
        SquaredMixture(3 variables, 3 hidden of at most 2 states)
        """
        rng = random_stream(seed)
        tree = LatentTree.random(parents, states, symbols, rng, fractions=fractions)
        known = cls(tree.root, tree.prior, tree.edges, tree.variables, summed=summed)

        def made(name: Name) -> Table:
            shape = known.table(name).shape
            if known._holds_weights(name):
                return random_distributions(shape, rng, fractions=fractions)
            if not fractions:
                return rng.standard_normal(shape)
            return np.asarray(rng.integers(1, _LARGEST + 1, shape) * rng.choice([-1, 1], shape))

        edges = tuple(Edge(edge.parent, edge.child, made(edge.child)) for edge in tree.edges)
        return cls(tree.root, made(tree.root)[0], edges, tree.variables, summed=summed)

    @classmethod
    def of_train(cls, cores: TensorTrain | Sequence[ArrayLike]) -> SquaredMixture:
        """The Born machine of a tensor train: each value with the square of the train's entry, divided by their sum.

        A bond of r states is a hidden variable "bond i", so that the rank of the density at this cut is at most
        r (r + 1) / 2. Between two bonds a hidden variable "core i" has a state for each value and state of the next
        bond.

        Args:
            cores: an array (left rank, values, right rank) for each variable, of entries of any sign, the outermost
                ranks 1; or a `tensorrank.networks.tensor_train.TensorTrain`.

        Raises:
            TensorRankError: if they make no train, or all of its entries are 0.

        >>> SquaredMixture.of_train([[[[1, 2], [0, -1]]], [[[1], [2]], [[1], [0]]]]).marginal([0])
        array([0.92857143, 0.07142857])
        """
        train = cores if isinstance(cores, TensorTrain) else TensorTrain(tuple(several("cores", cores, "an array each")))
        edges: list[Edge] = []
        for site, core in enumerate(train.cores):
            left, values, right = core.shape
            states = np.indices((values, right)).reshape(2, -1)
            if site:
                edges.append(Edge(f"bond {site - 1}", f"core {site}", core.reshape(left, -1)))
            edges.append(Edge(f"core {site}", site, np.eye(values, dtype=np.int64)[states[0]]))
            if site + 1 < len(train.cores):
                edges.append(Edge(f"core {site}", f"bond {site}", np.eye(right, dtype=np.int64)[states[1]]))
        return cls("core 0", train.cores[0].reshape(-1), tuple(edges))

    @classmethod
    def unique_disjointness(cls, pairs: int) -> SquaredMixture:
        """P(a, b) in proportion to (1 - a.b)^2, of so many pairs of bits, in the order a_1, b_1, a_2, b_2, ...

        The amplitude 1 - a.b is a sum of pairs + 1 products of functions of single bits, so that one hidden variable of
        pairs + 1 states will do. A latent class model of this density has at least (3/2)^pairs classes
        (`tensorrank.experiments.squares` has the proof).

        Raises:
            TensorRankError: if the number is no whole number of at least 1, or the tables would not fit in memory.

        Sources: Fiorini, Massar, Pokutta, Tiwary, de Wolf, Exponential Lower Bounds for Polytopes in Combinatorial
        Optimization (J. ACM 62, 2015), for the matrix; Loconte et al. (ICLR 2024) for its squared circuit.

        >>> SquaredMixture.unique_disjointness(2).probability([[0, 0, 0, 0], [1, 1, 0, 0]])
        array([Fraction(1, 10), Fraction(0, 1)], dtype=object)
        """
        pairs = whole_number("pairs", pairs, 1)
        check_entries((pairs + 1) * (1 + 4 * pairs), f"the tables of {shown(pairs)} pairs", fractions=True)
        edges = []
        for pair in range(pairs):
            table = np.ones((pairs + 1, 2), dtype=np.int64)
            table[pair + 1, 0] = 0
            edges += [Edge("z", 2 * pair, table), Edge("z", 2 * pair + 1, table)]
        return cls("z", np.array([1] + [-1] * pairs), tuple(edges))

"""Hidden Markov models: a chain of hidden states, each with one observed variable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown, true_or_false, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.circuit import Blocks, Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.evaluation.sequences import sequences
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.skeletons import Skeletons, uniform
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.formats.written_tables import written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.mixtures.of_sequences import OfSequences
from tensorrank.mixtures.tables import Table, check_entries, distributions, image_of, listed_tables, random_distributions
from tensorrank.mixtures.tree_shaped import TreeShaped

# A file of a homogeneous model could name any number of steps, and each is a part of every evaluation.
_MOST_STEPS = 10**6


@dataclass(frozen=True, eq=False, repr=False)
class HiddenMarkov(OfSequences, TreeShaped):
    """P(x) = sum over z of initial[z_0] E_0[z_0, x_0] T_0[z_0, z_1] E_1[z_1, x_1] ... of `length` steps.

    Attributes:
        initial: P(z_0), of shape (states,).
        transition: P(z_(t+1) | z_t): one table (states, states) for all steps (homogeneous), or length - 1 of them. A
            homogeneous model of one step has a table that is never used.
        emission: P(x_t | z_t): one table (states, symbols) for all steps, or `length` of them.
        length: the number of steps, N. Tables for each step tell it; a homogeneous model needs it.
        densities: Gaussian components, of which `symbols` is the number; categorical variables if None.

    Raises:
        TensorRankError: if tables do not fit each other, are negative or have rows that do not sum to one (exactly for
            fractions, within 1e-6 for floats), or the length is missing or another.

    Sources: Rabiner, A Tutorial on Hidden Markov Models (Proc. IEEE 77, 1989); as a nonnegative tensor train, Jaini,
    Poupart, Yu (NeurIPS 2018).

    >>> weather = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]], length=3)
    >>> weather.probability([[0, 0, 1]])
    array([0.086175])
    >>> weather.parameters, weather.table_entries
    (5, 22)
    """

    kind: ClassVar[str] = "hidden_markov"

    initial: Table
    transition: Table | tuple[Table, ...]
    emission: Table | tuple[Table, ...]
    length: int | None = None
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", distributions(self.initial, "the initial distribution", ["state"]))
        transition = _by_step(self.transition, "the transition table", "next state")
        emission = _by_step(self.emission, "the emission table", "symbol")
        object.__setattr__(self, "transition", transition)
        object.__setattr__(self, "emission", emission)
        known = [] if self.length is None else [("length", whole_number("length", self.length, 1))]
        if isinstance(transition, tuple):
            tables = "table" if len(transition) == 1 else "tables"
            known.append((f"{len(transition)} {tables} of transition", len(transition) + 1))
        if isinstance(emission, tuple):
            known.append((f"{len(emission)} tables of emission", len(emission)))
        if not known:
            raise TensorRankError("the length is missing; expected the number of steps of a homogeneous model")
        if len({steps for _, steps in known}) > 1:
            given = ", ".join(f"{name}: {steps} steps" for name, steps in known)
            raise TensorRankError(f"the numbers of steps differ ({given}); expected one transition less than steps")
        if known[0][1] > _MOST_STEPS:
            raise TensorRankError(f"the length is {known[0][1]}; expected at most {_MOST_STEPS} steps")
        object.__setattr__(self, "length", known[0][1])
        states, transitions = len(self.initial), self.transitions
        for step, emission in enumerate(self.emissions):
            _check_rows(emission, f"the emission table of step {step}", states)
            if step < len(transitions):
                _check_rows(transitions[step], f"the transition table of step {step}", states)
                states = transitions[step].shape[1]
        self._check_densities()

    def __repr__(self) -> str:
        same = "homogeneous" if self.homogeneous else "tables for each step"
        return f"HiddenMarkov({self.sites} variables, {self.states} states, {self._values('symbols')}, {same})"

    @property
    def homogeneous(self) -> bool:
        """Whether all steps share one table of transitions and one of emissions."""
        return not isinstance(self.transition, tuple) and not isinstance(self.emission, tuple)

    @property
    def transitions(self) -> tuple[Table, ...]:
        """The table of transitions from each step but the last."""
        steps = (self.length or 1) - 1
        return self.transition if isinstance(self.transition, tuple) else (self.transition,) * steps

    @property
    def emissions(self) -> tuple[Table, ...]:
        """The table of emissions of each step."""
        return self.emission if isinstance(self.emission, tuple) else (self.emission,) * (self.length or 1)

    @property
    def states(self) -> int:
        """The most hidden states of a step."""
        return max(int(table.shape[0]) for table in self.emissions)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of symbols (components) of each step."""
        return tuple(table.shape[1] for table in self.emissions)

    @cached_property
    def _tree(self) -> LatentTree:
        edges, transitions = [], self.transitions
        for step, emission in enumerate(self.emissions):
            if step:
                edges.append(Edge(f"z{step - 1}", f"z{step}", transitions[step - 1]))
            edges.append(Edge(f"z{step}", step, emission))
        return LatentTree("z0", self.initial, tuple(edges), densities=self.densities)

    @cached_property
    def _compiled(self) -> tuple[Circuit, Mapping[Name, Slots]]:
        """The circuit of the latent tree, made step by step: long series have thousands of them."""
        blocks, states = Blocks(), dict[Name, Slots]()
        transitions, emissions = (self.initial[None], *self.transitions), self.emissions
        later: Slots | None = None
        for step in reversed(range(self.sites)):
            slots = blocks.add(Leaves(step, emissions[step]))
            if later is not None:
                slots = blocks.add(Products(np.array([later, slots]).T))
            states[f"z{step}"] = slots
            later = blocks.add(Sums(transitions[step], slots))
        return Circuit(tuple(blocks)), dict(reversed(states.items()))

    @property
    def circuit(self) -> Circuit:
        """The circuit: for each step slots for its emissions, for its states, and for these given the states before."""
        return self._compiled[0]

    @property
    def hidden_slots(self) -> Mapping[Name, Slots]:
        """The states z0, z1, ... of the steps, each with a slot for each state."""
        return self._compiled[1]

    def of_length(self, length: int) -> Self:
        """The model of the first steps of its sequences; if it is homogeneous, of any number of steps.

        Args:
            length: the number of steps.

        Raises:
            TensorRankError: if the model has tables or components for each step, and fewer than these.

        >>> HiddenMarkov.random(2, 3, 10, seed=0).of_length(40)
        HiddenMarkov(40 variables, 2 states, 3 symbols, homogeneous)
        """
        most = _MOST_STEPS if self.homogeneous and (self.densities is None or self.densities.sites is None) else self.sites
        steps = whole_number("length", length, 1, most)
        if steps == self.sites:
            return self
        transition, emission = (
            tables[:count] if isinstance(tables, tuple) else tables
            for tables, count in ((self.transition, steps - 1), (self.emission, steps))
        )
        densities = self.densities
        if densities is not None and densities.sites is not None:
            densities = Gaussians(densities.means[:steps], densities.covariances[:steps])
        return type(self)(self.initial, transition, emission, steps, densities=densities)

    def fields(self) -> dict[str, Any]:
        """The tables, one of a sort or a list, and the length."""
        tables = {name: written(getattr(self, name)) for name in ("initial", "transition", "emission")}
        return {**tables, "length": self.length}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("initial", "transition", "emission", optional=("length",))
        transition, emission = (fields.table_or_tables(name) for name in ("transition", "emission"))
        return cls(fields.table("initial"), transition, emission, fields.get("length"), densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The most hidden states of a step, and whether all steps share their tables."""
        return {"states": self.states, "homogeneous": self.homogeneous}

    def own_lines(self) -> list[tuple[str, str]]:
        """The hidden states, and whose tables they have."""
        tables = "the same tables" if self.homogeneous else "tables"
        return [("hidden states", f"{self.states}, {tables} for each step")]

    def replaced(self, image: Callable[[Table], Table], densities: Gaussians | None) -> Self:
        """The model with the image of each table in its place, and with these components."""
        transition, emission = (image_of(image, tables) for tables in (self.transition, self.emission))
        return type(self)(image(self.initial), transition, emission, self.length, densities=densities)

    @classmethod
    def fit_report(
        cls,
        data: ArrayLike,
        states: int = 2,
        random_state: int | np.random.Generator = 0,
        *,
        homogeneous: bool = True,
        lengths: Iterable[int] | None = None,
        **options: Unpack[FitOptions],
    ) -> FitReport[Self]:
        """Fits a hidden Markov model to sequences by the Baum-Welch algorithm, which is expectation-maximisation (EM).

        Args:
            data: independent sequences of equal length: whole numbers or real numbers of shape (rows, length), or real
                numbers of shape (rows, length, features). Missing values, as of `log_density`, are summed out: fill
                up shorter sequences with them. With `lengths`, sequences one below the other, as hmmlearn has them:
                (samples, features), or (samples, 1) of whole numbers.
            states: the number of hidden states.
            random_state: a whole number or a numpy Generator.
            homogeneous: whether all steps share their tables, and their Gaussian components.
            lengths: how many samples each sequence has, if they stand one below the other.
            **options: the options of every fit, which `FitOptions` names.

        Source: Baum, Petrie, Soules, Weiss, A maximization technique occurring in the statistical analysis of
        probabilistic functions of Markov chains (Ann. Math. Statist. 41, 1970).

        >>> np.sort(HiddenMarkov.fit([[0, 1, 0, 1]] * 9 + [[1, 0, 1, 0]]).initial).round(2)
        array([0.1, 0.9])
        """
        rows = data if lengths is None else sequences(data, lengths)
        made, same = Skeletons.of(rows, options), true_or_false("homogeneous", homogeneous)
        if lengths is None and made.sites == 1 and made.observed.given > 1:
            raise _one_below_the_other(made.observed.given)
        r = made.states("states", states, shared=same, joints=1 if same else made.sites - 1)
        transition: Table | tuple[Table, ...] = uniform(r, r)
        emission: Table | tuple[Table, ...] = made.emission(r, None)
        if not same:
            transition = tuple(uniform(r, r) for _ in range(made.sites - 1))
            emission = tuple(made.emission(r, site) for site in range(made.sites))
        densities = made.components(r, shared=same)
        skeleton = cls(uniform(r), transition, emission, made.sites, densities=densities)
        return made.fit(skeleton, random_state)

    @classmethod
    def random(
        cls,
        states: int,
        symbols: int,
        length: int,
        seed: int | np.random.Generator,
        *,
        homogeneous: bool = True,
        fractions: bool = False,
    ) -> HiddenMarkov:
        """Random tables.

        Args:
            states: the number of hidden states, r.
            symbols: the number of observed values, k.
            length: the number of steps, N.
            seed: a whole number or a numpy Generator.
            homogeneous: whether all steps share their tables.
            fractions: whether entries are fractions.

        Raises:
            TensorRankError: if a number is not a whole number of at least 1, or the tables would not fit in memory.
        """
        rng = random_stream(seed)
        r, k = whole_number("states", states, 1), whole_number("symbols", symbols, 1)
        n = whole_number("length", length, 1, _MOST_STEPS)
        # As many as are made: a table of transitions is made even for a single step.
        made = 1 if true_or_false("homogeneous", homogeneous) else n
        check_entries(made * r * (r + k), f"the tables of {shown(r)} states and {shown(k)} symbols", fractions=fractions)

        def tables(count: int, shape: tuple[int, int]) -> Table | tuple[Table, ...]:
            made = tuple(random_distributions(shape, rng, fractions=fractions) for _ in range(1 if homogeneous else count))
            return made[0] if homogeneous else made

        return cls(random_distributions((r,), rng, fractions=fractions), tables(n - 1, (r, r)), tables(n, (r, k)), n)


def _one_below_the_other(samples: int) -> TensorRankError:
    return TensorRankError(
        f"the data has {samples} rows of one step each; expected rows that are sequences, (rows, length). One series, its "
        f"samples one below the other as hmmlearn has them, is lengths=[{samples}]; several are a length for each; and "
        f"sequences of one step are lengths=[1] * {samples}"
    )


def _check_rows(table: Table, what: str, states: int) -> None:
    rows = table.shape[0]
    if rows != states:
        raise TensorRankError(
            f"{what} has {rows} row{'' if rows == 1 else 's'}; expected {states}, one for each state of the table before"
        )


def _by_step(given: ArrayLike | tuple[Table, ...], what: str, last: str) -> Table | tuple[Table, ...]:
    """The table for all steps, or a tuple with one for each."""
    axes, tables = ["state", last], listed_tables(given, what)
    if tables is None:
        return distributions(given, what, axes)
    return tuple(distributions(table, f"{what} of step {step}", axes) for step, table in enumerate(tables))

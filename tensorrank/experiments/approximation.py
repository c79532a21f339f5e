"""Shallow approximations of deep mixtures: errors against parts, and the parts that an exact form needs at least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Annotated

from tensorrank.arguments import finite_number, whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.checked import CHECKED_WHERE_USED, checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_families import MixtureFamily
from tensorrank.experiments.experiment import Experiment, told, within
from tensorrank.mixtures.approximation.approximate import Atoms, Method, approximate
from tensorrank.mixtures.approximation.result import Approximation
from tensorrank.mixtures.fitting.structures import balanced_parents
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.to_latent_class import fewest_classes
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank
from tensorrank.short_reprs import ShortRepr
from tensorrank.whole_numbers import abbreviated

# Trees of pairs of functions with more entries than this are not made to count classes.
_MOST_ENTRIES = 10**6
# Finding an order of contraction takes minutes for hundreds of variables.
_MOST_SITES = 128


@checked
@dataclass(frozen=True)
class Wall(Record):
    """The wall of a mixture: the parts that a latent class model equal to it needs, bounded from both sides.

    A mixture of c products has unfoldings of rank c or less. So the rank of any unfolding of the coefficient tensor W
    bounds the parts of an exact shallow form from below.

    Attributes:
        parts: no latent class model of fewer parts is equal to the target; None if no rank was computed.
        cut: the bipartition that shows it, in words.
        rank: the rank of this unfolding with its standing; `parts` is the certified lower side of the rank. None for a
            single variable.
        known: the classes of the smallest exact form that is known; None if none was counted.
        reason: why `parts` was not computed, or was cut short; None if neither happened.

    >>> Wall(parts=1, cut=None, rank=None, known=1, reason=None).exact
    True
    """

    derived = ("exact",)
    parts: int | None
    cut: str | None
    rank: SeparationRank | None
    known: int | None
    reason: str | None

    @property
    def exact(self) -> bool:
        """Whether both sides meet: a latent class model of so many parts is equal to the target, and none of fewer."""
        return self.parts is not None and self.parts == self.known

    def __str__(self) -> str:
        known = "" if self.known is None else f"; {abbreviated(self.known)} are known to suffice"
        if self.parts == 1 and self.rank is None:
            return "An exact shallow form needs 1 part, and no more: there is a single variable."
        if self.parts is None or self.rank is None:
            return f"The parts of an exact shallow form were not computed: {self.reason}{known}."
        why = f"the rank of {self.cut} is {self.rank.brief()} ({self.rank.standing})"
        if self.exact:
            return f"An exact shallow form needs {abbreviated(self.parts)} parts, and no more: {why}."
        cut = "" if self.reason is None else f"; {self.reason}"
        return f"An exact shallow form needs at least {abbreviated(self.parts)} parts: {why}{cut}{known}."


@checked
@dataclass(frozen=True)
class ApproximationRun(ShortRepr):
    """A way of approximating, which is applied to each target.

    Attributes:
        method: a method of `approximate`.
        atoms: "entries" or "products"; None for the method's own.
        steps: the number of steps after the first.

    >>> ApproximationRun(steps=8).method
    'corrective'
    """

    method: Annotated[Method, CHECKED_WHERE_USED] = "corrective"
    atoms: Annotated[Atoms | None, CHECKED_WHERE_USED] = None
    steps: int = 64


_USUAL_RUNS = (ApproximationRun("corrective", "entries", 1023), ApproximationRun("corrective", "products", 31))


@checked
@dataclass(frozen=True)
class ApproximationTarget(Record):
    """A mixture, the wall of its exact shallow forms, and its approximations.

    Attributes:
        label: the name of the mixture in tables and pictures.
        model: the mixture in a line.
        sites: the number of variables, N.
        table_entries: the size of the mixture.
        norm: the norm of the coefficient tensor W.
        wall: the parts of an exact shallow form.
        runs: one approximation for each run.

    >>> target = shallow_approximations(growing_depth(4, branchings=(2,)), [ApproximationRun(steps=2)]).targets[0]
    >>> target.label, target.sites, len(target.runs[0].steps)
    ('depth 2', 4, 3)
    """

    derived = ("informative",)
    label: str
    model: str
    sites: int
    table_entries: int
    norm: float
    wall: Wall
    runs: tuple[Approximation, ...]

    @property
    def informative(self) -> int | None:
        """The parts from which on the guarantee is below the norm of W; None where the norm is 0 in floating point."""
        return informative_parts(self.norm)


@checked
@dataclass(frozen=True)
class ShallowApproximations(Experiment, name="approximation"):
    """Several targets, each approximated in the same ways.

    Attributes:
        targets: the targets in the order given.
        seed: the seed of samples and starts.

    >>> trees = growing_depth(4, branchings=(2,))
    >>> print(shallow_approximations(trees, [ApproximationRun(steps=2)]).targets[0].wall.parts)
    4
    """

    targets: tuple[ApproximationTarget, ...]
    seed: int


@checked
def informative_parts(norm: float) -> int | None:
    """The number of parts from which on the guarantee sqrt(8 / (t + 2)) is below the norm: about 8 / norm^2.

    After step t there are t + 1 parts. Approximating by nothing at all misses a tensor by its norm, so a guarantee
    above the norm says nothing.

    Args:
        norm: the norm of the coefficient tensor.

    Returns:
        A whole number, or None for the norm 0.

    >>> informative_parts(0.1), informative_parts(1.0)
    (799, 8)
    """
    norm = finite_number("norm", norm, least=0)
    # With c parts the bound is sqrt(8 / (c + 1)); 8 / norm^2 as a fraction, for it may exceed every float.
    return None if norm == 0 else int(8 / Fraction(norm) ** 2)


@checked
@with_progress
def wall_of(model: Mixture, *, seed: int = 0, memory: int | str | None = "256MiB", progress: ProgressLike = None) -> Wall:
    """The parts that a latent class model equal to the model needs at least, and those known to suffice.

    Ranks are computed of three unfoldings: even against odd variables, halves, and every other quarter. The largest
    certified rank counts. Ranks are those of the model's very tables, whose floats are taken as the fractions they are.

    Args:
        model: any mixture; if its components are Gaussian, latent class models with the same components are meant.
        seed: the seed of the vectors at which ranks are computed.
        memory: the limit for each rank; a rank that needs more becomes a lower bound.
        progress: True shows a line in a terminal or a notebook; a function is called with the cuts done, their number
            and the next cut in words.

    Raises:
        TensorRankError: if the memory limit is none. Ranks that cannot be computed are a `reason`, no error.

    >>> from tensorrank.mixtures.tensorial_mixture import TensorialMixture
    >>> wall = wall_of(TensorialMixture.random(depth=3, states=2, symbols=2, seed=0))
    >>> print(wall)
    An exact shallow form needs 16 parts, and no more: the rank of even against odd variables is 16 (exact).
    """
    memory = memory_limit(memory)
    if model.sites < 2:
        return Wall(1, None, None, 1, None)
    counted = not isinstance(model, Hierarchical) or model.latent_tree_entries() <= _MOST_ENTRIES
    known = fewest_classes(model).count if counted else None
    if model.sites > _MOST_SITES:
        reason = f"ranks of more than {_MOST_SITES} variables take minutes, see separation_rank"
        return Wall(None, None, None, known, reason)
    best: tuple[str, SeparationRank] | None = None
    failed: str | None = None
    for cut, name in told(_cuts(model.sites), reporter(progress), lambda item: f"rank of {item[1]}"):
        try:
            rank = separation_rank(model, cut, seed=seed, memory=memory)
        except TensorRankError as error:
            failed = str(error)
            continue
        if best is None or rank.lower > best[1].lower:
            best = name, rank
        if rank.lower == known:
            break
    if best is None:
        return Wall(None, None, None, known, failed)
    name, rank = best
    return Wall(rank.lower, name, rank, known, None if rank.lower == known else rank.reason)


def _cuts(sites: int) -> list[tuple[Bipartition, str]]:
    quarter = max(1, sites // 4)
    every_other = [site for site in range(sites) if site // quarter % 2 == 0]
    found = {Bipartition.interleaved(sites): "even against odd variables"}
    # Of few variables some bipartitions are the same; the first name stays.
    found.setdefault(Bipartition.halves(sites), "the first against the second half")
    found.setdefault(Bipartition.of(sites, every_other), "every other quarter")
    return list(found.items())


@checked
@with_progress
def shallow_approximations(
    targets: Sequence[tuple[str, Mixture]],
    runs: Sequence[ApproximationRun] = _USUAL_RUNS,
    *,
    seed: int = 0,
    nodes: int = 200_000,
    samples: int = 10_000,
    memory: int | str | None = "256MiB",
    progress: ProgressLike = None,
) -> ShallowApproximations:
    """Several targets, each approximated by every run, with the parts that exact shallow forms need.

    Args:
        targets: labels and models, each label once.
        runs: the ways of approximating, at least one, applied to each target.
        seed: the seed of samples and starts.
        nodes: as for `approximate`.
        samples: as for `approximate`.
        memory: the limit for each rank of a wall.
        progress: True shows a line in a terminal or a notebook; a function is called with the targets done (a fraction
            of the one at work included), their number and what is under way.

    Raises:
        TensorRankError: if there are no targets or runs, a label is there twice, or a run cannot be made.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), theorem 4; Jaggi, Revisiting
    Frank-Wolfe (ICML 2013).

    >>> found = shallow_approximations(growing_depth(8, branchings=(8, 2)), [ApproximationRun(steps=8)])
    >>> [(target.label, target.wall.parts) for target in found.targets]
    [('depth 1', 2), ('depth 3', 16)]
    """
    chosen, limit = list(targets), memory_limit(memory)
    labels = [label for label, _ in chosen]
    if not runs:
        raise TensorRankError("no runs were given; expected at least one, such as ApproximationRun(steps=20)")
    if not chosen:
        raise TensorRankError("no targets were given; expected at least one (label, mixture)")
    if len(set(labels)) < len(labels):
        raise TensorRankError(f"targets are labelled {', '.join(map(repr, labels))}; expected different labels")
    approximated = partial(approximate, seed=seed, nodes=nodes, samples=samples)
    found = []
    for number, (label, model) in enumerate(chosen):
        target = within(reporter(progress), number, len(chosen), f"{label}: ")
        # The wall counts as much as a run in what is told.
        *reports, last = (within(target, part, len(runs) + 1) for part in range(len(runs) + 1))
        made = tuple(
            approximated(model, run.steps, run.method, atoms=run.atoms, progress=report)
            for run, report in zip(runs, reports, strict=True)
        )
        wall, norm = wall_of(model, seed=seed, memory=limit, progress=last), made[0].norm
        found.append(ApproximationTarget(label, repr(model), model.sites, model.table_entries, norm, wall, made))
    return ShallowApproximations(tuple(found), seed)


@checked
def growing_depth(
    sites: int = 16,
    *,
    branchings: Sequence[int] = (16, 4, 2),
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    fractions: bool = False,
) -> tuple[tuple[str, LatentTree], ...]:
    """Balanced latent trees over the same variables: the fewer children a hidden variable has, the deeper the tree.

    All tables are random, and uniform on the simplex if their entries are floats.

    Args:
        sites: the number of variables, N.
        branchings: the children of a hidden variable: N for one level, a latent class model; 2 for log2(N) levels.
        states: the states of each hidden variable, r.
        symbols: the values of each observed variable, k.
        seed: a whole number.
        fractions: whether entries are fractions.

    Returns:
        Pairs of a label and a tree. Labels are "depth 1" and so on by the levels of hidden variables.

    Raises:
        TensorRankError: if a number is too small, or two trees are of the same depth.

    >>> [(label, len(tree.latents)) for label, tree in growing_depth()]
    [('depth 1', 1), ('depth 2', 5), ('depth 4', 15)]
    """
    sites = whole_number("sites", sites, 2)
    found: dict[str, LatentTree] = {}
    for branching in branchings:
        tree = LatentTree.random(balanced_parents(sites, branching), states, symbols, seed, fractions=fractions)
        label = f"depth {MixtureFamily('tree', 'balanced', branching).depth(sites)}"
        if label in found:
            raise TensorRankError(
                f"branchings are {list(branchings)}, two of which make trees of {label}; expected different depths"
            )
        found[label] = tree
    if not found:
        raise TensorRankError("no branchings were given; expected at least one, such as 2")
    return tuple(found.items())

"""Shallow approximations of deep mixtures: errors against parts, beside the parts that an exact form needs at least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.approximation.result import Approximation
from tensorrank.mixtures.fitting.structures import balanced_parents
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.to_latent_class import fewest_classes
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank
from tensorrank.whole_numbers import abbreviated

# Trees of pairs of functions with more entries than this are not made to count classes.
_MOST_ENTRIES = 10**6
# Finding an order of contraction takes minutes for hundreds of variables.
_MOST_SITES = 128


@dataclass(frozen=True)
class Wall:
    """The parts that a latent class model equal to the target needs, from both sides.

    A mixture of c products has unfoldings of rank c or less, so the rank of any unfolding of W bounds the parts of an
    exact shallow form from below.

    Attributes:
        parts: no latent class model of fewer is equal to the target; None if no rank was computed.
        cut: the bipartition that shows it, in words.
        rank: of this unfolding, with its standing; `parts` is its certified lower side. None for a single variable.
        known: the classes of the smallest exact form that is known, None if none was counted.
        reason: why `parts` was not computed, or was cut short; None if it was not.
    """

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `rank` as `SeparationRank.to_dict` gives it."""
        return {
            "parts": self.parts,
            "cut": self.cut,
            "rank": None if self.rank is None else self.rank.to_dict(),
            "known": self.known,
            "exact": self.exact,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Run:
    """What is done to each target.

    Attributes:
        method: as for `approximate`.
        atoms: "entries" or "products"; None for the method's own.
        steps: how many after the first.
    """

    method: str = "corrective"
    atoms: str | None = None
    steps: int = 64


@dataclass(frozen=True)
class Target:
    """A mixture, the wall of its exact shallow forms, and its approximations.

    Attributes:
        label: what it is called in tables and pictures.
        model: what it is, in a line.
        sites: the number of variables, N.
        table_entries: its own size.
        norm: of its coefficient tensor W.
        wall: the parts of an exact shallow form.
        runs: one approximation for each run.
    """

    label: str
    model: str
    sites: int
    table_entries: int
    norm: float
    wall: Wall
    runs: tuple[Approximation, ...]

    @property
    def informative(self) -> int | None:
        """The parts from which on the guarantee is below the norm of W; None where that is 0 in floating point."""
        return informative_parts(self.norm)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "label": self.label,
            "model": self.model,
            "sites": self.sites,
            "table_entries": self.table_entries,
            "norm": self.norm,
            "guarantee_informative_from": self.informative,
            "wall": self.wall.to_dict(),
            "runs": [run.to_dict() for run in self.runs],
        }


@dataclass(frozen=True)
class ShallowApproximations:
    """Several targets, each approximated in the same ways.

    Attributes:
        targets: in the order given.
        seed: of draws and starts.
    """

    targets: tuple[Target, ...]
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"study": "approximation", "seed": self.seed, "targets": [target.to_dict() for target in self.targets]}


def informative_parts(norm: float) -> int | None:
    """From how many parts on sqrt(8 / (t + 2)), with t + 1 of them, is below the norm: about 8 / norm^2.

    Approximating by nothing at all misses a tensor by its norm: a bound above that says nothing.

    Args:
        norm: of the coefficient tensor; None is returned for 0.

    >>> informative_parts(0.1), informative_parts(1.0)
    (799, 8)
    """
    # With c parts the bound is sqrt(8 / (c + 1)); 8 / norm^2 as a fraction, for it may exceed every float.
    return None if norm == 0 else int(8 / Fraction(norm) ** 2)


def wall_of(
    model: Mixture, *, seed: int = 0, memory: int | str | None = "256MiB", progress: Progress | None = None
) -> Wall:
    """How many parts a latent class model equal to the model needs at least, and how many are known to suffice.

    The cuts are even against odd variables, halves, and every other quarter; the largest certified rank counts. It is
    that of the model's very tables, floats taken as the fractions they are.

    Args:
        model: any mixture; of Gaussian components latent class models with the same components are meant.
        seed: of the vectors at which ranks are computed.
        memory: limit for each rank; one that needs more becomes a lower bound.
        progress: called with the cut, the cuts done and their number.

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
    known = _known(model)
    if model.sites > _MOST_SITES:
        reason = f"ranks of more than {_MOST_SITES} variables take minutes, see separation_rank"
        return Wall(None, None, None, known, reason)
    best: tuple[str, SeparationRank] | None = None
    failed: str | None = None
    cuts = _cuts(model.sites)
    for done, (name, cut) in enumerate(cuts.items()):
        if progress is not None:
            progress(f"rank of {name}", done, len(cuts))
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


def _cuts(sites: int) -> dict[str, Bipartition]:
    quarter = max(1, sites // 4)
    every_other = [site for site in range(sites) if site // quarter % 2 == 0]
    found = {
        "even against odd variables": Bipartition.interleaved(sites),
        "the first against the second half": Bipartition.halves(sites),
        "every other quarter": Bipartition.of(sites, every_other),
    }
    # Of few variables some are the same.
    different = {cut: name for name, cut in reversed(found.items())}
    return {name: cut for name, cut in found.items() if different[cut] == name}


def _known(model: Mixture) -> int | None:
    if isinstance(model, Hierarchical) and model.latent_tree_entries > _MOST_ENTRIES:
        return None
    return fewest_classes(model).count


def approximated(
    label: str,
    model: Mixture,
    runs: Sequence[Run],
    *,
    seed: int = 0,
    nodes: int = 200_000,
    draws: int = 10_000,
    memory: int | str | None = "256MiB",
    progress: Progress | None = None,
) -> Target:
    """One target: its wall, and its approximations.

    Args:
        label: what it is called.
        model: the target.
        runs: what is done to it, at least one.
        seed: of draws and starts.
        nodes: as for `approximate`.
        draws: as for `approximate`.
        memory: limit for each rank of the wall.
        progress: called with what is done, done and total; the wall counts as much as a run.

    Raises:
        TensorRankError: if there are no runs, one of them cannot be made, or the memory limit is none.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> target = approximated("a chain", HiddenMarkov.random(2, 2, length=16, seed=0), [Run(steps=30)])
    >>> target.wall.parts, target.informative
    (256, 330289)
    """
    if not runs:
        raise TensorRankError("no runs were given; expected at least one, such as Run('corrective', 'products', 20)")
    total, memory = len(runs) + 1, memory_limit(memory)

    def show(before: int) -> Progress:
        def shown(what: str, done: float, of: float) -> None:
            if progress is not None:
                progress(f"{label}: {what}", before + done / of, total)

        return shown

    made = tuple(
        approximate(
            model, run.steps, run.method, atoms=run.atoms, seed=seed, nodes=nodes, draws=draws, progress=show(number)
        )
        for number, run in enumerate(runs)
    )
    wall = wall_of(model, seed=seed, memory=memory, progress=show(len(runs)))
    return Target(label, repr(model), model.sites, model.table_entries, made[0].norm, wall, made)


def approximations(
    targets: Sequence[tuple[str, Mixture]],
    runs: Sequence[Run] = (Run("corrective", "entries", 1023), Run("corrective", "products", 31)),
    *,
    seed: int = 0,
    nodes: int = 200_000,
    draws: int = 10_000,
    memory: int | str | None = "256MiB",
    progress: Progress | None = None,
) -> ShallowApproximations:
    """Several targets, each approximated by every run, with the parts that exact shallow forms need.

    Args:
        targets: labels and models, each label once.
        runs: what is done to each.
        seed: of draws and starts.
        nodes: as for `approximate`.
        draws: as for `approximate`.
        memory: limit for each rank of a wall.
        progress: called with what is done, done and total work.

    Raises:
        TensorRankError: if there are no targets or runs, a label is there twice, or a run cannot be made.

    >>> study = approximations(growing_depth(8, branchings=(8, 2)), [Run("corrective", "entries", 8)])
    >>> [(target.label, target.wall.parts) for target in study.targets]
    [('depth 1', 2), ('depth 3', 16)]
    """
    chosen = list(targets)
    labels = [label for label, _ in chosen]
    if not chosen:
        raise TensorRankError("no targets were given; expected at least one (label, mixture)")
    if len(set(labels)) < len(labels):
        raise TensorRankError(f"targets are labelled {', '.join(map(repr, labels))}; expected different labels")

    def show(before: int) -> Progress:
        def shown(what: str, done: float, of: float) -> None:
            if progress is not None:
                progress(what, before + done / of, len(chosen))

        return shown

    made = tuple(
        approximated(label, model, runs, seed=seed, nodes=nodes, draws=draws, memory=memory, progress=show(number))
        for number, (label, model) in enumerate(chosen)
    )
    return ShallowApproximations(made, seed)


def growing_depth(
    sites: int = 16,
    *,
    branchings: Sequence[int] = (16, 4, 2),
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    exact: bool = False,
) -> tuple[tuple[str, LatentTree], ...]:
    """Balanced latent trees over the same variables, the fewer children to a hidden variable the deeper.

    All tables are random, uniform on the simplex or fractions, of the same numbers of states and symbols.

    Args:
        sites: the number of variables, N.
        branchings: the children of a hidden variable: N for one level, a latent class model; 2 for log2(N) levels.
        states: of each hidden variable, r.
        symbols: of each observed one, k.
        seed: a whole number.
        exact: whether entries are fractions.

    Returns:
        Labels, "depth 1" and so on by the levels of hidden variables, and trees.

    Raises:
        TensorRankError: if a number is too small, or two trees are of the same depth.

    >>> [(label, len(tree.latents)) for label, tree in growing_depth()]
    [('depth 1', 1), ('depth 2', 5), ('depth 4', 15)]
    """
    sites = whole_number("sites", sites, 2)
    found: dict[str, LatentTree] = {}
    for branching in branchings:
        tree = LatentTree.random(balanced_parents(sites, branching), states, symbols, seed, exact=exact)
        label = f"depth {_levels(tree)}"
        if label in found:
            raise TensorRankError(
                f"branchings are {list(branchings)}, two of which make trees of {label}; expected different depths"
            )
        found[label] = tree
    if not found:
        raise TensorRankError("no branchings were given; expected at least one, such as 2")
    return tuple(found.items())


def _levels(tree: LatentTree) -> int:
    """The hidden variables on the longest path from the root to a leaf."""
    levels = {tree.root: 1}
    for name in tree.latents:
        for child in tree.children[name]:
            levels[child] = levels[name] + 1
    return max(levels[name] for name in tree.latents)

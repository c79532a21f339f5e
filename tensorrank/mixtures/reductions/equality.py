"""Whether two models are the same density, checked exactly over finite fields, and what the change of form costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import LARGEST_PRIME, primes_below
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.mixtures.evaluation.inference import log_values
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import SizeBound, latent_tree_of
from tensorrank.mixtures.reductions.obstruction import Obstruction
from tensorrank.records import Record

# The most by which logarithms of values may differ, and so values relative to their size, if tables are rounded.
FLOAT_TOLERANCE = 1e-9
_VECTORS = 4
_PRIMES = 2
_ROWS = 64
_MAGNITUDES = 200.0


@dataclass(frozen=True, kw_only=True)
class ReductionReport(Record):
    """What a reduction costs, and whether it is one.

    Attributes:
        source: the kind of the model that was given.
        target: the kind that was asked for.
        equal: whether both have the same density; None if no reduction was made.
        over_fields: whether `equal` was decided over GF(p), for the very entries that are stored. False if it holds
            only within the tolerance, because tables were multiplied in floating point.
        tolerance: the difference that logarithms may have, at random positive vectors and at rows sampled from the
            models; None if decided over GF(p).
        primes: the moduli of the check.
        failure_probability: a bound on the chance that models that differ modulo these primes pass as equal; None if
            they did not pass.
        size_before: the size of the source: table entries, of a sum-product network edges.
        size_after: the size of the reduction; None if there is none.
        ratio: size_after / size_before.
        bound: what the theory says about the size of the target: an upper bound, or a lower one if none was made.
        theorem: the theory, in a sentence.
        states_needed: the least number of classes or hidden states of the target, where none was made.
        size_needed: the size of the reduction that is known, where none was made because it is beyond the limit.
        limit: the largest size that was allowed, where none was made.
        seconds: the time of the check.
    """

    source: str
    target: str
    equal: bool | None
    over_fields: bool
    tolerance: float | None = None
    primes: tuple[int, ...]
    failure_probability: float | None = None
    size_before: int
    size_after: int | None = None
    ratio: float | None = None
    bound: int | None
    theorem: str
    states_needed: int | None = None
    size_needed: int | None = None
    limit: int | None = None
    seconds: float

    def __str__(self) -> str:
        before = f"{self.source} -> {self.target}: size {self.size_before} {_unit(self.source)}"
        if self.equal is None:
            beyond = f"{self.size_needed} {_unit(self.target)}, beyond the limit of {self.limit}"
            least = f"every one has at least {self.bound}: {self.theorem}"
            return f"{before}; not made: it would have {beyond}; {least}"
        fields = " and ".join(f"GF({prime})" for prime in self.primes)
        if not self.equal:
            return f"{before} -> {self.size_after} {_unit(self.target)}; NOT equal (checked over {fields})"
        ratio = "no ratio" if self.ratio is None else f"ratio {self.ratio:.3g}"
        how = (
            f"exactly (over {fields})"
            if self.over_fields
            else f"within rounding (logarithms of values within {self.tolerance:g})"
        )
        return (
            f"{before} -> {self.size_after} {_unit(self.target)}, {ratio}; equal {how}; theory at most "
            f"{self.bound}: {self.theorem}"
        )


def check_reduction(source: Mixture, target: Mixture | Obstruction, *, seed: int | np.random.Generator = 0) -> ReductionReport:
    """A comparison of two models: whether they are the same function of their variables, and their sizes.

    Both models are contracted with the same random vectors over GF(p), one for each variable, so the table of all
    values is never built. Floats and fractions have exact images in GF(p). Multilinear functions of N variables that
    differ modulo p agree at a random point with probability at most N / p. If the models do not agree and tables are
    floats, logarithms of values at random positive vectors are compared within a tolerance.

    Args:
        source: the model that was reduced.
        target: what `reduce` returned.
        seed: of the random vectors.

    Raises:
        TensorRankError: if one is no model, or the models have other variables.

    Sources: polynomial identity testing, Schwartz (1980) and Zippel (1979).

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> chain = HiddenMarkov.random(2, 3, length=100, seed=0)
    >>> report = check_reduction(chain, chain.latent_tree())
    >>> report.equal, report.over_fields, report.size_before, report.size_after
    (True, True, 998, 998)
    """
    started = time.perf_counter()
    if not isinstance(source, Mixture):
        raise TensorRankError(f"{source!r} was given as the source; expected a mixture model")
    if not isinstance(target, Mixture | Obstruction):
        raise TensorRankError(f"{target!r} was given as the target; expected what `reduce` returns")
    if isinstance(target, Obstruction):
        return ReductionReport(
            source=source.kind,
            target=target.target,
            equal=None,
            over_fields=False,
            primes=() if target.unfolding is None else (target.unfolding.prime,),
            size_before=source.size,
            bound=target.size,
            theorem=target.theorem,
            states_needed=target.states,
            size_needed=target.needed,
            limit=target.limit,
            seconds=time.perf_counter() - started,
        )
    if source.sites != target.sites or (source.densities is None is target.densities and source.shape != target.shape):
        raise TensorRankError(
            f"variables of {source.shape} components are compared with variables of {target.shape}; expected the same"
        )
    rng = random_stream(seed)
    primes, agree = _agree(source, target, rng)
    close = agree or (not (source.over_fractions and target.over_fractions) and _close(source, target, rng))
    over_fields = agree or not close
    bound = size_bound(source, target)
    return ReductionReport(
        source=source.kind,
        target=target.kind,
        equal=close,
        over_fields=over_fields,
        tolerance=None if over_fields else FLOAT_TOLERANCE,
        primes=primes,
        failure_probability=(source.sites / min(primes)) ** (_VECTORS * _PRIMES) if agree else None,
        size_before=source.size,
        size_after=target.size,
        ratio=target.size / source.size if source.size else None,
        bound=bound.size,
        theorem=bound.theorem,
        seconds=time.perf_counter() - started,
    )


def size_bound(source: Mixture, target: Mixture) -> SizeBound:
    """The bound on the size of the source's form of the target's kind, from the sizes of the source alone.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), for linear sizes; Khrulkov, Novikov,
    Oseledets, Expressive power of recurrent neural networks (ICLR 2018), for ranks of chains and balanced trees.
    """
    if target.kind not in KINDS:
        raise TensorRankError(f"the model is {target!r}; expected one of the kinds {', '.join(KINDS)}")
    goal, way = KINDS[target.kind], source.way()
    bound = goal.shortcut_bound(source, target)
    if bound is not None:
        return bound
    if way.classes is None:
        bound = goal.bound(latent_tree_of(source), source, target)
    else:
        bound = goal.bound_of_classes(way.classes, source, target)
    return SizeBound(bound.size, way.words + bound.theorem)


def _unit(kind: str) -> str:
    return KINDS[kind].model.unit if kind in KINDS else "entries"


def _agree(source: Mixture, target: Mixture, rng: np.random.Generator) -> tuple[tuple[int, ...], bool]:
    """Whether the models have the same values at random vectors over some fields, and the moduli of these.

    Primes that divide a denominator of an entry are passed over.
    """
    primes: list[int] = []
    classes = _classes(source, target)
    for prime in primes_below(LARGEST_PRIME + 1):
        field = PrimeField(prime)
        # A value for each class of equal component densities.
        values = [field.random((_VECTORS, 1 + max(*one, *other)), rng) for one, other in zip(*classes, strict=True)]
        inputs = [[vectors[:, one] for vectors, one in zip(values, each, strict=True)] for each in classes]
        try:
            one, other = (model.circuit.residues(at, field) for model, at in zip((source, target), inputs, strict=True))
        except PrimeError:
            continue
        primes.append(prime)
        if (one != other).any():
            return tuple(primes), False
        if len(primes) == _PRIMES:
            break
    return tuple(primes), True


def _classes(source: Mixture, target: Mixture) -> tuple[list[Integers], list[Integers]]:
    """For each model and variable the classes of its components, where equal densities of both models are one class."""
    found: tuple[list[Integers], list[Integers]] = ([], [])
    for site in range(source.sites):
        classes: dict[object, int] = {}
        for model, own in zip((source, target), found, strict=True):
            keys = range(model.shape[site]) if model.densities is None else model.densities.keys(site)
            own.append(np.array([classes.setdefault(key, len(classes)) for key in keys]))
    return found


def _close(source: Mixture, target: Mixture, rng: np.random.Generator) -> bool:
    """Whether logarithms agree at random positive vectors, and densities at rows sampled from either model."""
    if (source.densities is None) != (target.densities is None):
        return False
    classes = _classes(source, target)
    # Vectors over many magnitudes weigh what is rare as much as what is not.
    vectors = [
        -np.repeat([1.0, _MAGNITUDES], _VECTORS) * rng.random((1 + max(*one, *other), 2 * _VECTORS))
        for one, other in zip(*classes, strict=True)
    ]
    logs = [
        log_values(model.circuit, [values[one] for values, one in zip(vectors, each, strict=True)])[-1]
        for model, each in zip((source, target), classes, strict=True)
    ]
    rows = [model.sample(_ROWS, rng) for model in (source, target)]
    pairs = [logs, *([model.log_density(data) for model in (source, target)] for data in rows)]
    with np.errstate(invalid="ignore"):
        return all(bool(((one == other) | (np.abs(one - other) <= FLOAT_TOLERANCE)).all()) for one, other in pairs)

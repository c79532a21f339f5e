"""Whether two models are the same density, checked exactly over finite fields, and what the change of form costs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tensorrank.arithmetic.prime_field import LARGEST_PRIME, PrimeField, primes_below
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.mixtures.inference import log_values
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.obstruction import Obstruction
from tensorrank.mixtures.reductions.size_bounds import size_bound

# Logarithms of values at random positive vectors may differ by this, relative to their size or 1, if tables round.
FLOAT_TOLERANCE = 1e-9
_VECTORS = 4
_PRIMES = 2


@dataclass(frozen=True)
class ReductionReport:
    """What a reduction costs, and whether it is one.

    Attributes:
        source: the kind of the model that was given.
        target: the kind that was asked for.
        equal: whether both have the same density; None if there is no reduction to check.
        exact: whether `equal` was decided over GF(p), exactly for the entries as they are stored; False if only within
            the tolerance, because tables were multiplied in floating point.
        tolerance: the relative difference allowed of logarithms of values at random positive vectors; None if exact.
        primes: the moduli of the exact check.
        failure_probability: a bound on the chance that two models that differ modulo these primes pass as equal.
        size_before: table entries, of a sum-product network edges.
        size_after: the same for the reduction; None if there is none.
        ratio: size_after / size_before.
        bound: what the theory gives for size_after: an upper bound, a lower one if there is no reduction.
        theorem: the theory, in a sentence.
        states_needed: how many classes or hidden states the target needs at least, where there is no reduction.
        seconds: the time of the check.
    """

    source: str
    target: str
    equal: bool | None
    exact: bool
    tolerance: float | None
    primes: tuple[int, ...]
    failure_probability: float | None
    size_before: int
    size_after: int | None
    ratio: float | None
    bound: int | None
    theorem: str
    states_needed: int | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return {**asdict(self), "primes": list(self.primes)}

    def __str__(self) -> str:
        arrow = f"{self.source} -> {self.target}"
        if self.equal is None:
            return f"{arrow}: no small reduction; size {self.size_before} -> at least {self.bound}; {self.theorem}"
        fields = " and ".join(f"GF({prime})" for prime in self.primes)
        how = f"over {fields}" if self.exact else f"logarithms of values within a relative {self.tolerance:g}"
        verdict = f"{'equal' if self.equal else 'NOT equal'}, {'exactly' if self.exact else 'not exactly'} ({how})"
        bound = "no bound known" if self.bound is None else f"theory at most {self.bound}"
        size = f"size {self.size_before} -> {self.size_after}, ratio {self.ratio:.3g}"
        return f"{arrow}: {verdict}; {size}; {bound}: {self.theorem}"


def check_reduction(
    source: Mixture, target: Mixture | Obstruction, *, seed: int | np.random.Generator = 0
) -> ReductionReport:
    """Compare two models as functions of their variables, and their sizes.

    Both are contracted with the same random vectors over GF(p), one for each variable, without the table of all values:
    floats and fractions map there exactly, and multilinear functions of N variables that differ modulo p agree at a
    random point with probability at most N / p. Where that fails and tables are floats, logarithms of values at random
    positive vectors are compared within a tolerance.

    Args:
        source: the model that was reduced.
        target: what `reduce` returned.
        seed: of the random vectors.

    Raises:
        TensorRankError: if the models have other variables.

    Sources: polynomial identity testing, Schwartz (1980) and Zippel (1979).

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> chain = HiddenMarkov.random(2, 3, length=100, seed=0)
    >>> report = check_reduction(chain, chain.latent_tree())
    >>> report.equal, report.exact, report.size_before, report.size_after
    (True, True, 998, 998)
    """
    started = time.perf_counter()
    if isinstance(target, Obstruction):
        return ReductionReport(
            source.kind, target.target, None, False, None, (target.unfolding.prime,), None,
            source.size, None, None, target.size, target.theorem, target.states, time.perf_counter() - started,
        )  # fmt: skip
    if source.shape != target.shape:
        raise TensorRankError(
            f"variables of {source.shape} components are compared with variables of {target.shape}; expected the same"
        )
    rng = random_stream(seed)
    fields = _fields(source, target)
    exact = all(_agree(source, target, field, rng) for field in fields)
    same_densities = _same_densities(source, target)
    close = exact or (not (source.exact and target.exact) and _close(source, target, rng))
    bound = size_bound(source, target)
    return ReductionReport(
        source.kind,
        target.kind,
        equal=close and same_densities,
        exact=exact or not close or not same_densities,
        tolerance=FLOAT_TOLERANCE if close and not exact else None,
        primes=tuple(field.prime for field in fields),
        failure_probability=float(Fraction(source.sites, min(field.prime for field in fields)) ** (_VECTORS * _PRIMES)),
        size_before=source.size,
        size_after=target.size,
        ratio=target.size / source.size,
        bound=bound.size,
        theorem=bound.theorem,
        states_needed=None,
        seconds=time.perf_counter() - started,
    )


def _fields(source: Mixture, target: Mixture) -> list[PrimeField]:
    """Fields of large primes that divide no denominator of an entry."""
    found: list[PrimeField] = []
    for prime in primes_below(LARGEST_PRIME + 1):
        field = PrimeField(prime)
        try:
            for model in (source, target):
                ones = [np.ones((1, k), dtype=np.int64) for k in model.shape]
                model.circuit.residues(ones, field)
        except PrimeError:
            continue
        found.append(field)
        if len(found) == _PRIMES:
            break
    return found


def _agree(source: Mixture, target: Mixture, field: PrimeField, rng: np.random.Generator) -> bool:
    inputs = [field.random((_VECTORS, k), rng) for k in source.shape]
    return bool((source.circuit.residues(inputs, field) == target.circuit.residues(inputs, field)).all())


def _close(source: Mixture, target: Mixture, rng: np.random.Generator) -> bool:
    logs = [np.log(rng.random((k, _VECTORS)) + 0.01) for k in source.shape]
    one, other = (log_values(model.circuit, logs)[-1] for model in (source, target))
    return bool((np.abs(one - other) <= FLOAT_TOLERANCE * np.maximum(1, np.abs(one))).all())


def _same_densities(source: Mixture, target: Mixture) -> bool:
    given = [None if model.densities is None else model.densities.to_dict() for model in (source, target)]
    return given[0] == given[1]

"""Whether two models are the same density, over finite fields or within rounding, and what the new form costs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.probabilities import at_most
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.kinds import KINDS, unit_of
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.field_comparison import compare_over_fields
from tensorrank.mixtures.reductions.float_comparison import FLOAT_TOLERANCE, FloatComparison, compare_floats
from tensorrank.mixtures.reductions.goal import SizeBound, latent_tree_of
from tensorrank.mixtures.reductions.model_streams import stream_of
from tensorrank.mixtures.reductions.obstruction import Obstruction
from tensorrank.mixtures.reductions.row_comparison import compare_rows
from tensorrank.records import Record


@dataclass(frozen=True, kw_only=True)
class ReductionReport(Record):
    """What a reduction costs, and whether it is one.

    Attributes:
        source: the kind of the model that was given.
        target: the kind that was asked for.
        equal: whether both have the same density: as stored, or, if tables are floats, within rounding. None if no
            reduction was made.
        identical: whether both have the same density for the very entries that are stored, decided over GF(p). False is
            proved; True is wrong with at most the failure probability. None if no reduction was made.
        over_fields: whether `equal` says no more than what was decided over GF(p). False if the models are not
            identical, but equal within rounding.
        tolerance: the difference that logarithms of values may have; None if decided over GF(p).
        largest_difference: the largest difference of logarithms that was met; None where identical models or models
            over fractions make it needless.
        compared: where values of floats were compared, and where not, in a sentence; None as before.
        primes: the moduli of the check, drawn at random by the seed and a hash of both models.
        failure_probability: a bound on the chance that different models pass as identical, whatever their entries; None
            if they did not pass, or entries are so large that nothing is known.
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
    identical: bool | None
    over_fields: bool
    tolerance: float | None = None
    largest_difference: float | None = None
    compared: str | None = None
    primes: tuple[int, ...] = field(compare=False)
    failure_probability: float | None = None
    size_before: int
    size_after: int | None = None
    ratio: float | None = None
    bound: int | None
    theorem: str
    states_needed: int | None = None
    size_needed: int | None = None
    limit: int | None = None
    seconds: float = field(compare=False)

    def __str__(self) -> str:
        before = f"{self.source} -> {self.target}: size {self.size_before} {unit_of(self.source)}"
        if self.equal is None:
            beyond = f"{self.size_needed} {unit_of(self.target)}, beyond the limit of {self.limit}"
            least = f"every one has at least {self.bound}: {self.theorem}"
            return f"{before}; not made: it would have {beyond}; {least}"
        if not self.equal:
            return f"{before} -> {self.size_after} {unit_of(self.target)}; NOT equal: {self._how()}"
        ratio = "no ratio" if self.ratio is None else f"ratio {self.ratio:.3g}"
        return (
            f"{before} -> {self.size_after} {unit_of(self.target)}, {ratio}; equal {self._how()}; theory at most "
            f"{self.bound}: {self.theorem}"
        )

    def _how(self) -> str:
        """What was found over fields, and within rounding."""
        fields = f"over GF({self.primes[0]})" if len(self.primes) == 1 else f"over {len(self.primes)} random fields GF(p)"
        if self.identical:
            chance = self.failure_probability
            wrong = "no bound on an error is known" if chance is None else f"wrong with probability at most {at_most(chance)}"
            return f"exactly ({fields}, {wrong})"
        different = f"as stored they are different, which GF({self.primes[-1]}) proves"
        if self.largest_difference is None:
            return different
        largest = f"logarithms of values differ by {self.largest_difference:.2g}"
        if not self.equal:
            return f"{different}, and beyond rounding: {largest}"
        return f"within rounding ({largest} at most, within the tolerance of {self.tolerance:g}; {self.compared}); {different}"


def check_reduction(source: Mixture, target: Mixture | Obstruction, *, seed: int | np.random.Generator = 0) -> ReductionReport:
    """A comparison of two models: whether they are the same function of their variables, and their sizes.

    Both models are contracted with the same random vectors over GF(p), one for each variable, for several random primes
    p, so the table of all values is never built. Floats and fractions have exact images in GF(p). Primes and vectors
    depend on a hash of both models as well as on the seed, so the bound on the chance of an error holds for all models,
    also for those made by someone who knows the seed.

    Where floats are multiplied they round, and models differ as stored. Then logarithms of values are compared within a
    tolerance: at random vectors, at sampled rows, and where rare entries of the tables count most. The report says
    both.

    Args:
        source: the model that was reduced.
        target: what `reduce` returned.
        seed: of the random primes and vectors, and of what else is sampled.

    Raises:
        TensorRankError: if one is no model, or the models have other variables.

    Sources: polynomial identity testing, Schwartz (1980) and Zippel (1979).

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> chain = HiddenMarkov.random(2, 3, length=100, seed=0)
    >>> report = check_reduction(chain, chain.latent_tree())
    >>> report.equal, report.over_fields, report.size_before, report.size_after
    (True, True, 998, 998)
    """
    clock = stopwatch()
    if not isinstance(source, Mixture):
        raise TensorRankError(f"{shown(source)} was given as the source; expected a mixture model")
    if not isinstance(target, Mixture | Obstruction):
        raise TensorRankError(f"{shown(target)} was given as the target; expected what `reduce` returns")
    if isinstance(target, Obstruction):
        return ReductionReport(
            source=source.kind,
            target=target.target,
            equal=None,
            identical=None,
            over_fields=False,
            primes=() if target.unfolding is None else (target.unfolding.prime,),
            size_before=source.size,
            bound=target.size,
            theorem=target.theorem,
            states_needed=target.states,
            size_needed=target.needed,
            limit=target.limit,
            seconds=clock(),
        )
    if source.sites != target.sites or (source.densities is None is target.densities and source.shape != target.shape):
        raise TensorRankError(
            f"variables of {source.shape} components are compared with variables of {target.shape}; expected the same"
        )
    rng = random_stream(seed)
    over_fields = compare_over_fields(source, target, rng)
    floats: FloatComparison | None = None
    if not over_fields.identical and not (source.over_fractions and target.over_fractions):
        compare = compare_floats if source.monotone and target.monotone else compare_rows
        floats = compare(source, target, stream_of(rng, source, target))
    rounded = floats is not None and floats.close
    bound = size_bound(source, target)
    return ReductionReport(
        source=source.kind,
        target=target.kind,
        equal=over_fields.identical or rounded,
        identical=over_fields.identical,
        over_fields=not rounded,
        tolerance=FLOAT_TOLERANCE if rounded else None,
        largest_difference=None if floats is None else floats.largest_difference,
        compared=None if floats is None else floats.compared,
        primes=over_fields.primes,
        failure_probability=over_fields.failure_probability,
        size_before=source.size,
        size_after=target.size,
        ratio=target.size / source.size if source.size else None,
        bound=bound.size,
        theorem=bound.theorem,
        seconds=clock(),
    )


def size_bound(source: Mixture, target: Mixture) -> SizeBound:
    """The bound on the size of the source's form of the target's kind, from the sizes of the source alone.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), for linear sizes; Khrulkov, Novikov,
    Oseledets, Expressive power of recurrent neural networks (ICLR 2018), for ranks of chains and balanced trees.
    """
    for model in (source, target):
        if getattr(model, "kind", None) not in KINDS:
            raise TensorRankError(f"the model is {shown(model)}; expected one of the kinds {', '.join(KINDS)}")
    goal, way = KINDS[target.kind], source.way()
    bound = goal.shortcut_bound(source, target)
    if bound is not None:
        return bound
    if way.classes is None:
        bound = goal.bound(latent_tree_of(source), source, target)
    else:
        bound = goal.bound_of_classes(way.classes, source, target)
    return SizeBound(bound.size, way.words + bound.theorem)

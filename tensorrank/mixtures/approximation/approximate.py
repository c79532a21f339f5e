"""Approximate a deep mixture by a shallow one, step by step."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Annotated, Any, Literal, cast, get_args

from tensorrank.arguments import one_of, shown, whole_number
from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.progress import ProgressLike, check_progress, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond, worker_threads
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.best_entries import Oracle, check_search
from tensorrank.mixtures.approximation.entries import over_entries
from tensorrank.mixtures.approximation.likelihood import greedy_likelihood
from tensorrank.mixtures.approximation.measures import MOST_ENTRIES, Yardstick, log_squared_norm
from tensorrank.mixtures.approximation.parts import Overlaps
from tensorrank.mixtures.approximation.products import over_products
from tensorrank.mixtures.approximation.result import Approximation, ApproximationStep, Interrupted
from tensorrank.mixtures.approximation.sampling import sampled_entries, sampled_products
from tensorrank.mixtures.mixture import Mixture

Method = Literal["corrective", "refitted", "line search", "plain", "sampling", "likelihood"]
Atoms = Literal["entries", "products"]
METHODS, ATOMS = get_args(Method), get_args(Atoms)
_OF_PRODUCTS = ("refitted", "likelihood")
# What the report of a step takes; and how many copies of the parts there are for a while.
_REPORT_BYTES, _COPIES = 1000, 2


@with_progress
def approximate(
    target: Mixture,
    steps: int,
    method: Annotated[Method, CHECKED_WHERE_USED] = "corrective",
    *,
    atoms: Annotated[Atoms | None, CHECKED_WHERE_USED] = None,
    seed: int = 0,
    oracle: Annotated[Oracle, CHECKED_WHERE_USED] = "auto",
    nodes: int = 200_000,
    samples: int = 10_000,
    progress: ProgressLike = None,
) -> Approximation:
    """Approximates a mixture by latent class models of 1, 2, 3, ... parts, and measures what each of them misses.

    Every mixture is approached by mixtures of t + 1 parts within sqrt(8 / (t + 2)), in the norm of the coefficient
    tensor W, whatever the number of variables. The norm of W may itself be as small as k^(-N/2). What such a bound is
    worth is told by the relative error, total variation and divergences beside it.

    Args:
        target: the mixture. If it has Gaussian components, its coefficient tensor is approximated. The total variation
            and the divergences reported are then those of the components; for the densities they are at most as large.
        steps: how many steps are made after the first; fewer where corrective steps have reached the target.
        method: conditional gradient with "corrective" weights, with "line search" or with "plain" steps of 2 / (t + 2);
            "refitted", with corrective weights, after each step all parts improved in turn; "sampling", the mean of
            parts sampled from the target (Maurey); or "likelihood", greedily (Li and Barron).
        atoms: the parts. For single "entries" of W the guarantee holds, and each step is certified if the oracle's
            search closes. For "products" of distributions steps are heuristic. If None it is "entries", except for
            "refitted" and "likelihood", which take products only.
        seed: of samples and starts.
        oracle: how the largest entries are searched: "tree" by bounds from both sides of each node of a tree, "best
            first" by branch and bound, or "auto", by the first wherever the target is a tree.
        nodes: how many partial assignments a best-first search may evaluate.
        samples: how many rows are sampled: for total variation and divergences if the table has more than 2**16
            entries, which are all used otherwise; and for "likelihood" to learn from if the table has more entries.
        progress: True shows a line in a terminal or a notebook; a function is called with the steps done, their
            greatest number, and the last step in words.

    Raises:
        TensorRankError: if a number is out of its range, a name is unknown, the norm of W cannot be computed, or what
            all steps keep would not fit in memory.
        Interrupted: a KeyboardInterrupt with the steps that were done, if there are any.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), theorem 4; Jaggi, Revisiting
    Frank-Wolfe (ICML 2013), theorem 1, for the constant.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> found = approximate(HiddenMarkov.random(2, 2, length=64, seed=0), 30)
    >>> found.certified, all(step.error <= step.guarantee for step in found.steps)
    (True, True)
    """
    clock, told = stopwatch(), reporter(progress)
    steps, samples = whole_number("steps", steps, 0), whole_number("samples", samples, 2)
    if not isinstance(target, Mixture):
        raise TensorRankError(f"{shown(target)} was given; expected a mixture model, such as tr.load(FILE)")
    if not target.monotone:
        raise TensorRankError(
            f"a {target.kind} mixture was given, whose tables have signs; expected a mixture without, for parts are bounded by "
            "sums of positive terms: try tr.reduce(target, 'latent_class') where it is small"
        )
    method = one_of("the method", method.replace("-", " ") if isinstance(method, str) else method, METHODS)
    kind = one_of("atoms", ("products" if method in _OF_PRODUCTS else "entries") if atoms is None else atoms, ATOMS)
    if method in _OF_PRODUCTS and kind == "entries":
        raise TensorRankError(
            f"the method {method!r} was asked for with entries as atoms, which it would leave as they are or call "
            "everything else impossible; expected atoms 'products'"
        )
    check_search(oracle, nodes)
    check_progress(progress)
    rng = random_stream(seed)
    _check_memory(target, steps, method, kind)
    # Components are numbered whatever their densities are.
    plain: Mixture = replace(cast(Any, target), densities=None)
    log_square = log_squared_norm(plain)
    overlaps = Overlaps(plain, log_square)
    if kind == "entries":
        made = (
            sampled_entries(plain, log_square, steps, rng)
            if method == "sampling"
            else over_entries(plain, steps, method, log_square, oracle=oracle, nodes=nodes)
        )
    else:
        yardstick = Yardstick.of(plain, samples, rng)
        if method == "sampling":
            made = sampled_products(overlaps, yardstick, steps, rng)
        elif method == "likelihood":
            complete = yardstick.weights is not None and len(yardstick.rows) <= samples
            learning = yardstick if complete else Yardstick.sampled(plain, samples, rng)
            made = greedy_likelihood(overlaps, yardstick, learning, steps, rng)
        else:
            made = over_products(overlaps, yardstick, steps, method, rng)
    found: list[ApproximationStep] = []

    def result() -> Approximation:
        return Approximation(
            target=repr(target),
            method=method,
            atoms=kind,
            log_norm=log_square / 2,
            steps=tuple(found),
            model=replace(last(), densities=target.densities),
            seconds=clock(),
        )

    try:
        # Matrices are small: several BLAS threads would wait for each other.
        with worker_threads(1):
            for step, model in made:
                last = model
                found.append(step)
                told(len(found), steps + 1, f"step {step.step}")
    except KeyboardInterrupt:
        if not found:
            raise
        raise Interrupted(result()) from None
    return result()


def _check_memory(target: Mixture, steps: int, method: str, kind: str) -> None:
    """Refuse steps whose parts and reports would not fit in memory."""
    entries, reports, parts = prod(target.shape), steps + 1, steps + 1
    if kind == "entries":
        # There are no more parts than entries, and corrective steps end when all are parts.
        parts = min(parts, entries)
        reports = parts if method == "corrective" else reports
        needed = parts * _COPIES * 8 * target.sites
    else:
        # The tables, the values at the rows that measure, and the inner products of all pairs.
        needed = parts * _COPIES * 8 * (sum(target.shape) + min(entries, MOST_ENTRIES) + parts)
    needed += reports * _REPORT_BYTES
    refuse_beyond(memory_limit(None), needed, f"what {shown(steps)} steps keep", "fewer steps")

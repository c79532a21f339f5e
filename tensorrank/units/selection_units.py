"""The units of S23 for sparse averaging: random keys with the restricted isometry property, keys on a moment curve."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from tensorrank.arguments import shown, true_or_false, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.tasks.token_sets import checked_sizes, random_sets
from tensorrank.units.precision import FLOAT64, PrecisionLike, precision_of
from tensorrank.units.selection import SelectionUnit, positive

# Coordinates of keys that are gathered at a time.
_ENTRIES = 2**22
# How many times the rounding of its scores the margin of a query has to be.
_ROUNDINGS = 10
# Where the search for the least dimension gives up.
_MOST_DIMENSION = 2**15


@checked
@dataclass(frozen=True, eq=False)
class RestrictedIsometryUnit(SelectionUnit):
    """Random keys u_j of signs / sqrt(m); the query of y is the shortest w with <u_j, w> = 1 for all j in y, scaled.

    With m of order q log N random keys have the restricted isometry property: any few of them are nearly orthogonal.
    Such a w then exists, and every other key has a small inner product with it. Keys of a smaller m lack the property,
    and deviations are larger. Where not all equations can hold, w solves them by least squares.

    Args:
        tokens: N.
        sparsity: q, from 1 to N.
        dimension: m, at least 1.
        seed: of the keys: a whole number or a numpy Generator.
        scale: beta, what w is multiplied by; 2 ln(8N) by default, with which a key of inner product 1/2 weighs 1/(8N)
            of a chosen one.
        precision: a `Precision`, or what `precision_of` makes one from. Fixed point covers queries of coordinates up to
            2 q beta / sqrt(m), which none exceeds while the isometry constant of q keys is at most 1/2.

    Raises:
        TensorRankError: if a number is out of its range, or there is no such seed or precision.

    Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), the theorem that m of order d' + q log N suffices; on
    restricted isometries Candes, Tao, Decoding by linear programming (IEEE Trans. Inf. Theory 51, 2005).

    >>> bool(RestrictedIsometryUnit(64, 2, 128).deviation([[3, 5], [10, 60]]).max() < 0.05)
    True
    """

    _: KW_ONLY
    seed: int | np.random.Generator = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        stream = random_stream(self.seed)
        if isinstance(self.seed, np.random.Generator):
            # A whole number, so that copies of this unit have the same keys.
            object.__setattr__(self, "seed", int(stream.integers(2**62)))

    @cached_property
    def keys(self) -> Floats:
        """The keys of all tokens, of shape (N, m)."""
        self._reserve(0, None)
        signs = random_stream(self.seed).integers(0, 2, (self.tokens, self.dimension))
        return np.where(signs, self.key_range, -self.key_range)

    @property
    def beta(self) -> float:
        """The factor of queries: the scale given, or 2 ln(8N)."""
        return 2 * math.log(8 * self.tokens) if self.scale is None else self.scale

    @property
    def key_range(self) -> float:
        """The magnitude of every coordinate of a key, 1 / sqrt(m)."""
        return 1 / math.sqrt(self.dimension)

    @property
    def query_range(self) -> float:
        """The largest magnitude of a coordinate of a query that fixed point covers, 2 q beta / sqrt(m)."""
        return 2 * self.sparsity * self.beta * self.key_range

    def _directions(self, sets: Integers) -> Floats:
        directions = np.empty((len(sets), self.dimension))
        step = max(1, _ENTRIES // (self.sparsity * self.dimension))
        for start in range(0, len(sets), step):
            chosen = self.keys[sets[start : start + step]]
            # m times these are whole numbers, so that dependent keys are told from independent ones without doubt.
            inverses = np.linalg.pinv(chosen @ chosen.swapaxes(1, 2), hermitian=True)
            directions[start : start + step] = np.einsum("aij,aik->ak", inverses, chosen)
        return directions

    def _scales(self, directions: Floats, sets: Integers) -> Floats:
        return np.full(len(directions), self.beta)


@checked
@dataclass(frozen=True, eq=False)
class MomentCurveUnit(SelectionUnit):
    """Keys (cos t, sin t, cos 2t, sin 2t, ..., sin (m/2) t) at t = 2 pi j / N; queries that touch the curve at a set.

    The polynomial prod_(i in y) (1 - cos(t - t_i)) vanishes at the q angles of y and is positive at all others. Its
    degree is q. So it is a constant minus a score of dimension m = 2q, and this m is enough for any N.

    For N >= 3q the dimension 2q is also necessary, whatever the keys. For 2q + 1 points of R^(2q - 1) have a Radon
    partition: two parts whose convex hulls meet. The smaller part is within a set y that avoids the other part, and no
    query scores all of y above points whose convex hull meets that of y.

    The price is precision. The polynomial comes close to 0 beside y, so that the scale which leaves any other token at
    most 1/(8N) of the weight of a chosen one grows like a power of N. Queries are computed in float64, which rounds a
    score by about scale m 2^-52. A set is refused where this exceeds a tenth of the ln(8N) that chosen tokens are to
    score more. For m = 2q float64 carries all sets of 4 tokens up to N = 257, of 5 up to 131, of 6 up to 83, of 8 up to
    51 and of 10 up to 41; for larger N it carries sets of tokens that are not so close together.

    Args:
        tokens: N.
        sparsity: q, from 1 to N.
        dimension: m, even and at least 2q; 2q by default.
        largest_margin: whether queries are those of the largest margin with coordinates of at most 1 (a linear program
            for each set, 60 ms at N = 512 and m = 64), instead of the polynomial; by default where m exceeds 2q.
        scale: the largest magnitude that a coordinate of a query may have. By default every query is as large as it
            needs to be. In fixed point, polynomials are by default at most as large as two sets need them: q tokens in
            a row, and the q tokens around one. (These two are the hardest wherever all were enumerated, for N up to 17
            and q up to 6.) With largest margins, and where these two have no query in floating point, a scale must be
            given, such as `scale_for` the sets in question.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if a number is out of its range, or there is no such precision.

    Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), the remark that m of order d' + q suffices at infinite
    precision, by cyclic polytopes; Gale, Neighborly and cyclic polytopes (1963).

    >>> unit = MomentCurveUnit(8, 2)
    >>> unit.dimension, unit.deviation([[0, 1], [2, 6]]).max() < 0.1
    (4, np.True_)
    """

    # None stands for defaults that depend on other numbers; after construction these two have their values.
    dimension: int = None  # type: ignore[assignment]
    _: KW_ONLY
    largest_margin: bool = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.dimension is None:
            object.__setattr__(self, "dimension", 2 * checked_sizes(self.tokens, self.sparsity)[1])
        super().__post_init__()
        m, q = self.dimension, self.sparsity
        if m < 2 * q:
            raise TensorRankError(
                f"dimension is {m}; expected at least 2 q = {2 * q}: no keys of fewer dimensions can select every set "
                f"of {q} tokens where N >= 3q (Radon), and 2 q are enough (cyclic polytopes)"
            )
        if m % 2:
            raise TensorRankError(f"dimension is {m}; expected an even one, a cosine and a sine for each frequency")
        best = m > 2 * q if self.largest_margin is None else self.largest_margin
        object.__setattr__(self, "largest_margin", true_or_false("largest_margin", best))

    @cached_property
    def keys(self) -> Floats:
        """The keys of all tokens, of shape (N, m)."""
        self._reserve(0, None)
        frequencies = np.arange(1, self.dimension // 2 + 1)
        angles = 2 * math.pi / self.tokens * (np.outer(np.arange(self.tokens), frequencies) % self.tokens)
        return np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(self.tokens, self.dimension)

    @property
    def key_range(self) -> float:
        """The largest magnitude of a coordinate of a key, 1."""
        return 1.0

    @cached_property
    def query_range(self) -> float:
        """The largest magnitude of a coordinate of a query that fixed point covers.

        Raises:
            TensorRankError: if no scale was given, with largest margins or where the hardest sets have no query in
                floating point.
        """
        if self.scale is not None:
            return self.scale
        if self.largest_margin:
            raise TensorRankError(
                "fixed point needs to know how large queries of the largest margin may be; give scale, such as what "
                "scale_for(sets) says for the sets in question"
            )
        around = [(1 + place // 2) * (-1) ** place % self.tokens for place in range(self.sparsity)]
        return self.scale_for([around, range(self.sparsity)]) if self.tokens > self.sparsity else 0.0

    def scale_for(self, sets: ArrayLike) -> float:
        """The largest magnitude of a coordinate of any query that leaves other tokens at most 1/(8N) of a chosen one.

        Raises:
            TensorRankError: if they are no sets of q different token numbers, one has no query in floating point, or
                for want of memory.
        """
        given = self._given(sets, None)
        return float(self._needed(self._directions(given), given).max(initial=0.0))

    def _directions(self, sets: Integers) -> Floats:
        if self.largest_margin:
            found = [_of_largest_margin(self.keys, chosen) for chosen in sets]
            return np.array(found).reshape(len(sets), self.dimension)
        coefficients = self._polynomials(sets)
        return coefficients / _amplitude(coefficients)[:, None]

    def _polynomials(self, sets: Integers) -> Floats:
        """The coefficients of the negative polynomial, without its constant."""
        turns = np.exp(2j * math.pi / self.tokens * sets)
        # Coefficients at frequencies -q..q, multiplied up by 1 - cos(t - t_i) = 1 - conj(z) e^it / 2 - z e^-it / 2.
        products = np.ones((len(sets), 1), dtype=np.complex128)
        for turn in turns.T:
            wider = np.pad(products, ((0, 0), (1, 1)))
            wider[:, 2:] -= turn.conj()[:, None] * products / 2
            wider[:, :-2] -= turn[:, None] * products / 2
            products = wider
        upper = products[:, self.sparsity + 1 :]
        coefficients = np.zeros((len(sets), self.dimension))
        coefficients[:, 0 : 2 * self.sparsity : 2] = -2 * upper.real
        coefficients[:, 1 : 2 * self.sparsity : 2] = 2 * upper.imag
        return coefficients

    def _margins(self, directions: Floats, sets: Integers) -> Floats:
        if self.largest_margin:
            return super()._margins(directions, sets)
        # From the product itself: the difference of two scores would lose what is close to 0.
        products = np.ones((len(sets), self.tokens))
        for chosen in sets.T:
            apart = np.arange(self.tokens) - chosen[:, None]
            products *= 2 * np.sin(math.pi / self.tokens * apart) ** 2
        np.put_along_axis(products, sets, np.inf, axis=1)
        return np.asarray(products.min(axis=1) / _amplitude(self._polynomials(sets)))

    def _needed(self, directions: Floats, sets: Integers) -> Floats:
        """The scale that leaves any other token at most 1/(8N) of the weight of a chosen one."""
        margins = self._margins(directions, sets)
        # Coordinates of keys and directions are at most 1, so the m terms of a score are rounded by about so much.
        rounding = self.dimension * np.finfo(np.float64).eps
        if (margins < _ROUNDINGS * rounding).any():
            hardest = int(np.argmin(margins))
            raise TensorRankError(
                f"the set {sets[hardest].tolist()} has no query in floating point: its margin over other tokens is "
                f"{margins[hardest]:.2g} and float64 rounds scores by about {rounding:.2g} of a query's largest "
                f"coordinate; expected {_ROUNDINGS} times as much. Try a larger dimension"
            )
        return math.log(8 * self.tokens) / margins

    def _scales(self, directions: Floats, sets: Integers) -> Floats:
        needed = self._needed(directions, sets)
        if self.scale is None and not self.precision.fixed_point:
            return needed
        return np.minimum(needed, self.query_range)


def _amplitude(coefficients: Floats) -> Floats:
    """The largest amplitude of any frequency; unlike the largest coefficient, it stays when all angles are turned."""
    return np.asarray(np.hypot(coefficients[:, ::2], coefficients[:, 1::2]).max(axis=1))


@checked
def least_dimension(
    tokens: int,
    sparsity: int,
    *,
    tolerance: float = 0.1,
    sets: int = 60,
    repeats: int = 3,
    seed: int | np.random.Generator = 0,
    scale: float | None = None,
    precision: PrecisionLike = FLOAT64,
) -> int:
    """The m from which random keys select random sets well: an estimate, by doubling and bisection.

    An m is good enough if the worst deviation of all sets, in the median over the repeats, is within the tolerance. The
    search assumes that all larger m are then good enough, too. Other seeds give other answers, by a few per cent.

    Args:
        tokens: N.
        sparsity: q.
        tolerance: the largest deviation, above 0.
        sets: how many random sets.
        repeats: how many times keys are chosen anew for each m.
        seed: of sets and keys: a whole number or a numpy Generator.
        scale: beta of the unit; 2 ln(8N) by default.
        precision: of the unit.

    Raises:
        TensorRankError: if a number is out of its range, or no m up to 32768 is good enough.

    >>> 20 <= least_dimension(64, 2, sets=20) <= 80
    True
    """
    limit, times = positive("the tolerance", tolerance), whole_number("repeats", repeats, 1)
    refuse_beyond(memory_limit(None), 100 * times, f"{shown(times)} repeats", "fewer")
    rng = random_stream(seed)
    chosen = random_sets(tokens, sparsity, sets, rng)
    seeds = [int(key_seed) for key_seed in rng.integers(2**62, size=times)]

    def good(dimension: int) -> bool:
        unit = RestrictedIsometryUnit(tokens, sparsity, dimension, scale=scale, precision=precision_of(precision))
        worst = [replace(unit, seed=key_seed).deviation(chosen).max() for key_seed in seeds]
        return float(np.median(worst)) <= limit

    enough = 1
    while not good(enough):
        enough *= 2
        if enough > _MOST_DIMENSION:
            raise TensorRankError(
                f"no dimension up to {_MOST_DIMENSION} keeps the deviation within {tolerance} for {sparsity} out of "
                f"{tokens} tokens; try a larger tolerance or scale"
            )
    short = enough // 2
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if good(middle) else (middle, enough)
    return enough


def _of_largest_margin(keys: Floats, chosen: Integers) -> Floats:
    """The w with coordinates of at most 1 that scores chosen keys alike and all others least, by linear programming.

    The program is turned around, so that a small margin is no small number to the solver: w scores others at least 1
    less, and its largest coordinate, the last variable, is as small as can be.
    """
    dimension = keys.shape[1]
    others = np.delete(keys, chosen, axis=0)
    if not len(others):
        return np.zeros(dimension)
    # Only directions that score the chosen alike: the orthogonal complement of their differences.
    alike = np.linalg.svd(keys[chosen[1:]] - keys[chosen[0]])[2][len(chosen) - 1 :].T
    bound = np.full((dimension, 1), -1.0)
    found = linprog(
        np.append(np.zeros(alike.shape[1]), 1.0),
        A_ub=np.block([[(others - keys[chosen[0]]) @ alike, np.zeros((len(others), 1))], [alike, bound], [-alike, bound]]),
        b_ub=np.append(np.full(len(others), -1.0), np.zeros(2 * dimension)),
        bounds=(None, None),
        method="highs",
        options={"presolve": False},
    )
    if not found.success:
        raise TensorRankError(
            f"linear programming finds no query of largest margin for the set {chosen.tolist()} in floating point "
            f"({found.message}); try a larger dimension, or largest_margin=False"
        )
    direction = alike @ found.x[:-1]
    return np.asarray(direction / np.abs(direction).max())

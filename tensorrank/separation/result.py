"""The result of a separation rank computation, with its standing and its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tensorrank.arguments import one_of
from tensorrank.arithmetic.spectrum import NumericalRank
from tensorrank.checked import check_fields, checked
from tensorrank.errors import TensorRankError
from tensorrank.given_records import field_values
from tensorrank.notebook_tables import Table, cell
from tensorrank.records import Record
from tensorrank.separation.rounding import RoundedRank
from tensorrank.whole_numbers import abbreviated

Standing = Literal["exact", "probable", "lower bound", "numerical"]


@checked
@dataclass(frozen=True)
class SeparationRank(Record):
    """A separation rank, and how far it is proved.

    Attributes:
        value: the separation rank, or the best certified lower bound if that is the standing.
        lower: a lower bound, proved without any assumption for almost all weights (for the weights given, if any).
        upper: a proven upper bound, or None if none is known.
        standing: "exact" (lower meets upper), "probable" (complete, repeated with another random prime and with fresh
            weights if none are given, and with a known probability of a failure), "lower bound" (certified, but
            something was cut or sampled too small, or no probability is known), or "numerical" (read off singular
            values in floating point: lower is 0, upper None).
        by_degree: the rank (or its lower bound) of each part homogeneous in side A's moment matrix, or None.
        method: "catalecticant", "grid", "theorem" (the rank is proved, nothing was computed) or "bounds" (only bounds
            in closed form were within the limits).
        primes: the moduli used, one per draw.
        seeds: the seed given by the caller; draws continue one stream.
        samples: the largest matrix whose rank was computed, (rows, columns), or None.
        failure_probability: a bound on the probability, over the primes, weights and inputs drawn, that the value is
            too small. It holds for all models and all numbers given. 0 if exact, None where no bound below 1 is known.
        seconds: wall time.
        reason: in words, why the value is not exact, or the theorem or contained model that proves it; otherwise None.
        spectrum: the singular values a numerical rank was read off, with threshold and gap; None for other standings.
        model: the model in words; None in results older than this field.
        partition: the sites of side A in ascending order; None in results older than this field.
        numerical: the numerical rank of the floats given, where it is below the rank because singular values across the
            cut are at the level of rounding; None otherwise, and in results older than this field.
        engines: what multiplied matrices: "bytes", "float32", "float64", on a device such as "bytes on cuda", in the
            order of first use; empty where nothing was multiplied, and in results older than this field.

    Two results are equal when all but their seconds, engines and primes are: the question, the answer, and what it
    rests on. Which primes serve depends on the engine. The model is known in words: results of two mixtures of the same
    sizes may be equal though the tables differ. A notebook shows a result as a small table.

    Raises:
        TensorRankError: if the fields contradict each other.

    >>> import tensorrank as tr
    >>> rank = tr.separation_rank(tr.SelfAttention(depth=2, width=2))
    >>> rank.value, rank.lower, rank.upper, rank.standing
    (18, 18, 18, 'exact')
    >>> rank.by_degree, rank.partition
    ((2, 6, 6, 3, 1), (0, 1))
    """

    value: int
    lower: int
    upper: int | None
    standing: Standing
    by_degree: tuple[int, ...] | None
    method: str
    primes: tuple[int, ...] = field(compare=False)
    seeds: tuple[int, ...]
    samples: tuple[int, int] | None
    failure_probability: float | None
    seconds: float = field(compare=False)
    reason: str | None = None
    spectrum: NumericalRank | None = None
    model: str | None = None
    partition: tuple[int, ...] | None = None
    numerical: RoundedRank | None = None
    engines: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        one_of("the standing", self.standing, get_args(Standing))
        check_fields(self)
        if self.upper is not None and self.lower > self.upper:
            raise TensorRankError(
                f"the certified lower bound {abbreviated(self.lower)} exceeds the proven upper bound "
                f"{abbreviated(self.upper)}: one of them is wrong; please report the model and the seed"
            )
        if self.standing == "exact" and not self.lower == self.value == self.upper:
            upper = "None" if self.upper is None else abbreviated(self.upper)
            raise TensorRankError(
                f"a rank of {abbreviated(self.value)} was called exact, but its bounds are {abbreviated(self.lower)} "
                f"and {upper}"
            )
        if (self.standing == "numerical") != (self.spectrum is not None):
            raise TensorRankError(
                f"a rank called {self.standing} came {'without' if self.spectrum is None else 'with'} a spectrum; "
                "expected one for a numerical rank, and for no other"
            )
        if self.spectrum is not None and (self.value, self.lower, self.upper) != (self.spectrum.value, 0, None):
            raise TensorRankError(
                f"a numerical rank of {self.value} came with lower bound {self.lower}, upper bound {self.upper} and a "
                f"spectrum of rank {self.spectrum.value}; expected the spectrum's rank and no bounds (0 and None): "
                "floating point proves none"
            )
        if self.lower < 0 or self.value < self.lower or (self.upper is not None and self.value > self.upper):
            upper = "None" if self.upper is None else abbreviated(self.upper)
            raise TensorRankError(
                f"a rank of {abbreviated(self.value)} came with the bounds {abbreviated(self.lower)} and {upper}; expected "
                "a lower bound of at least 0, and a rank between the bounds"
            )

        if self.numerical is not None and not 0 <= self.numerical.value < self.value:
            raise TensorRankError(
                f"a rank of {abbreviated(self.value)} came with the numerical rank {abbreviated(self.numerical.value)} of "
                "its floats; expected one below it, or None"
            )

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.spectrum is not None:
            return self._numerical(self.spectrum)
        parts = [f"SeparationRank {abbreviated(self.value)} ({self.standing}): {self._bounds()}"]
        if self.by_degree is not None:
            parts.append("by degree " + _shortened(self.by_degree))
        if self.reason:
            parts.append(self.reason)
        if self.failure_probability:
            parts.append(f"failure probability below {self.failure_probability:.1e}")
        if self.numerical is not None:
            parts.append(self.numerical.sentence)
        engines = f" ({' and '.join(self.engines)})" if self.engines else ""
        parts.append(f"{self.method}{engines}, {self.seconds:.2f} s")
        return "; ".join(parts)

    def _shown_tables(self) -> Iterator[Table]:
        lines = {"separation rank": self.brief(), "standing": self.standing}
        if self.spectrum is None:
            lines["bounds"] = self._bounds()
        if self.by_degree is not None:
            lines["by degree"] = _shortened(self.by_degree)
        lines |= {"method": self.method} | ({"reason": self.reason} if self.reason else {})
        lines |= {"rounding": self.numerical.sentence} if self.numerical is not None else {}
        lines |= {"model": self.model} if self.model is not None else {}
        lines |= {"side A": cell(self.partition)} if self.partition is not None else {}
        yield Table(list(lines.items()))

    def _in_a_cell(self) -> str:
        return f"{self.brief()} ({self.standing})"

    def _bounds(self) -> str:
        if self.upper is None:
            return f"lower {abbreviated(self.lower)}, no upper bound known"
        relation = "=" if self.lower == self.upper else "<"
        return f"lower {abbreviated(self.lower)} {relation} upper bound {abbreviated(self.upper)}"

    def _numerical(self, spectrum: NumericalRank) -> str:
        full = 0 < spectrum.value == spectrum.spectrum.size
        gap = "full rank in the sample" if full else f"gap {spectrum.gap:.2g}"
        parts = [
            f"SeparationRank {self.value} (numerical): relative tolerance {spectrum.relative_threshold:.2g}",
            f"{gap} ({'ambiguous' if spectrum.ambiguous else 'clear'})",
            f"effective rank {spectrum.effective_rank:.2f}",
        ]
        if self.samples is not None:
            parts.append(f"{self.samples[0]} x {self.samples[1]} samples")
        if self.reason:
            parts.append(self.reason)
        return "; ".join([*parts, f"{self.method}, {self.seconds:.2f} s"])

    def brief(self) -> str:
        """The value in at most a dozen characters, with its sign: at least (lower bound) or about (numerical)."""
        signs: dict[Standing, str] = {"exact": "", "probable": "", "lower bound": "≥ ", "numerical": "≈ "}
        return signs[self.standing] + abbreviated(self.value, 9)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SeparationRank:
        """Read the result that `to_dict` described; fields with a default may be missing, as in older results.

        Raises:
            TensorRankError: if other names are missing, or unknown, a value is of another type, or the values
                contradict each other.
        """
        return cls(**field_values(cls, values, "a result"))


def _shortened(ranks: tuple[int, ...], most: int = 16) -> str:
    if len(ranks) <= most:
        return " ".join(map(abbreviated, ranks))
    half = most // 2
    return " ".join([*map(abbreviated, ranks[:half]), "...", *map(abbreviated, ranks[-half:])])

"""The options of a fit, each named once: keyword arguments that type checkers know, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict, get_type_hints

from numpy.typing import ArrayLike

from tensorrank.arguments import finite_number, nearest, one_of, shown, whole_number
from tensorrank.arithmetic.progress import ProgressLike, check_progress
from tensorrank.arithmetic.resources import thread_count
from tensorrank.errors import TensorRankError

# More runs, or iterations that nothing ends, would take years.
_MOST_RUNS = 10**6
# The largest numbers of data and options, so that sums of squares are floats.
LARGEST = 1e100

# What is asked for by a name that it has elsewhere.
_ELSEWHERE = {
    "states": "classes, of a latent class model",
    "classes": "states, of a model of several hidden variables",
    "n_components": "states, or classes of a latent class model",
    "seed": "random_state",
    "max_iter": "iterations",
    "n_iter": "iterations",
    "tol": "tolerance",
    "n_init": "restarts",
    "sample_weight": "weights",
    "n_jobs": "threads",
}


class RunOptions(TypedDict, total=False):
    """The keyword arguments of `fitted`; `FitSettings` says what they mean."""

    iterations: int
    tolerance: float
    pseudocount: float
    variance_floor: float
    weights: ArrayLike | None
    threads: int | None
    progress: ProgressLike


class FitOptions(RunOptions, total=False):
    """The keyword arguments that every model's `fit` takes; `FitSettings` says what they mean."""

    restarts: int
    densities: Literal["categorical", "gaussian"] | None
    symbols: int | Sequence[int] | None
    components: int | None
    covariance: Literal["diagonal", "full"]


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """What is fitted, for how long, and what is maximised.

    Attributes:
        restarts: how many runs are made from independent random starts, at most a million; the best is kept.
        densities: "categorical" or "gaussian" variables. If None the type of the data decides: whole numbers are
            categorical, floats with fractions are real, and floats that are all whole numbers need one of the two.
        symbols: the number of values of categorical variables, of all or of each; if None the largest value of each and
            one more.
        components: how many Gaussian components the states mix; if None each state has one of its own.
        covariance: "diagonal", which makes features independent, or "full".
        iterations: how many iterations, each of an E and an M step, a run makes at most; up to a million if nothing
            else ends it.
        tolerance: a run ends when an iteration gains less than this, in nats for each row of weight 1; 0 never ends it.
        pseudocount: what is added to each expected count. EM then maximises the log-likelihood plus this number times
            the logarithm of each entry of the tables, which is the density of a Dirichlet prior; 0 is maximum
            likelihood.
        variance_floor: the least variance of Gaussian components as a share of the variance of the data (at each site,
            or at all sites together if they share their components). A start of less variance keeps what it has.
        weights: how often each row counts; once if None.
        threads: how many threads share the work, all processors if None. Results are the same whatever the number.
        progress: True shows a line in a terminal or a notebook; a function is called with the iterations done, their
            greatest number, and the run and its objective in words.

    Raises:
        TensorRankError: if a value is out of its range.
    """

    restarts: int = 1
    densities: Literal["categorical", "gaussian"] | None = None
    symbols: int | Sequence[int] | None = None
    components: int | None = None
    covariance: Literal["diagonal", "full"] = "diagonal"
    iterations: int = 500
    tolerance: float = 1e-4
    pseudocount: float = 0.0
    variance_floor: float = 1e-6
    weights: ArrayLike | None = None
    threads: int | None = None
    progress: ProgressLike = None

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "restarts": whole_number("restarts", self.restarts, 1, _MOST_RUNS),
            "iterations": whole_number("iterations", self.iterations, 0),
            "components": None if self.components is None else whole_number("components", self.components, 1),
            "tolerance": finite_number("tolerance", self.tolerance, least=0),
            "pseudocount": finite_number("pseudocount", self.pseudocount, least=0),
            "variance_floor": finite_number("variance_floor", self.variance_floor),
        }
        # What is computed with is a number of Python's own, whatever was given.
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        thread_count(self.threads)
        check_progress(self.progress)
        one_of("covariance", self.covariance, ("diagonal", "full"))
        if self.variance_floor <= 0:
            raise TensorRankError(
                f"variance_floor is {self.variance_floor:g}; expected a positive number, such as 1e-6, for without a floor "
                "the likelihood has no maximum"
            )
        if self.variance_floor < 1 / LARGEST:
            raise TensorRankError(f"variance_floor is {self.variance_floor:g}; expected at least {1 / LARGEST:g}")
        for name in ("pseudocount", "variance_floor"):
            if checked[name] > LARGEST:
                raise TensorRankError(f"{name} is {checked[name]:g}; expected at most {LARGEST:g}")
        if self.tolerance == 0 and self.iterations > _MOST_RUNS:
            raise TensorRankError(
                f"iterations is {shown(self.iterations)} beside a tolerance of 0, with which all of them are made; expected "
                f"at most {_MOST_RUNS}: try a positive tolerance"
            )

    @classmethod
    def of(cls, options: Mapping[str, Any], known: type) -> FitSettings:
        """The settings that keyword arguments make, whose names are those of `FitOptions` or `RunOptions`."""
        names = [field.name for field in fields(cls) if field.name in get_type_hints(known)]
        for name in options:
            if name in _ELSEWHERE:
                raise TensorRankError(f"there is no option {name!r} of this model; try {_ELSEWHERE[name]}")
            if name not in names:
                raise TensorRankError(f"there is no option {name!r}; {nearest(name, names)}")
        return cls(**options)

"""A study: separation ranks over widths x depths x heads x head widths x tokens, stored one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass
from itertools import product
from pathlib import Path

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.resources import thread_count, worker_threads
from tensorrank.attention.architecture import SelfAttention
from tensorrank.errors import TensorRankError
from tensorrank.separation.limits import Limits
from tensorrank.separation.solve import Computation, computation
from tensorrank.studies.events import Observer
from tensorrank.studies.run import Finding, Run
from tensorrank.studies.scheduler import Scheduler, Threads
from tensorrank.studies.store import Store
from tensorrank.whole_files import checked_folder

# Two cores do this much in a few seconds; with the default plan, in about a minute for all.
DEFAULT_WORK = 2.5e11
DEFAULT_MEMORY = "4GiB"


@dataclass(frozen=True)
class Study:
    """The main job: which architectures, under which limits.

    Args:
        widths, depths: of the networks.
        heads: numbers of heads; a number that does not divide a width is left out for it, unless head_dims are given.
        head_dims: head widths; None stands for width // heads.
        tokens: numbers of tokens; None stands for as many as can matter, twice the width.
        seed: of every rank; what the store has of another seed is computed again unless it is exact.
        memory: limit for each rank, 4 GiB by default.
        work: limit for each rank, in operations; what is cut becomes a certified lower bound. None: no limit.
        threads: all processors by default.
        scratch: a folder on disk for blocks larger than the memory, which are cut if none is given.

    Raises:
        TensorRankError: if a list is empty, a number is out of range, or nothing remains.

    >>> study = Study(widths=(2,), depths=(1, 2))
    >>> [model.depth for model in study.plan()]
    [1, 2]
    >>> with Store(":memory:") as store:
    ...     [finding.result.value for finding in study.run(store)]
    [3, 18]
    """

    widths: Sequence[int] = (1, 2, 3, 4)
    depths: Sequence[int] = (1, 2, 3, 4, 5)
    _: KW_ONLY
    heads: Sequence[int] = (1,)
    head_dims: Sequence[int | None] = (None,)
    tokens: Sequence[int | None] = (None,)
    seed: int = 0
    memory: int | str | None = DEFAULT_MEMORY
    work: float | None = DEFAULT_WORK
    threads: int | None = None
    scratch: str | Path | None = None

    def __post_init__(self) -> None:
        for name in ("widths", "depths", "heads", "head_dims", "tokens"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise TensorRankError(f"{name} is {given!r}; expected a list of whole numbers")
            values = tuple(dict.fromkeys(given))
            if not values:
                raise TensorRankError(f"no {name} were given; expected at least one")
            for value in values:
                if value is not None or name not in ("head_dims", "tokens"):
                    whole_number(f"an entry of {name}", value, 2 if name == "tokens" else 1)
            object.__setattr__(self, name, values)
        Limits.of(self.memory, self.work)
        whole_number("seed", self.seed, 0)
        thread_count(self.threads)
        if not self.plan():
            raise TensorRankError(
                f"no architecture remains: none of the heads {self.heads} divides any of the widths {self.widths}; "
                "give head_dims, or other heads"
            )

    def plan(self) -> list[SelfAttention]:
        """The architectures, cheap ones first within a width."""
        models = (
            SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens)  # type: ignore[arg-type]
            for width, heads, head_dim, tokens, depth in product(
                self.widths, self.heads, self.head_dims, self.tokens, sorted(self.depths)
            )
            if not _indivisible(width, heads, head_dim)
        )
        # What None stands for may be given too.
        return list(dict.fromkeys(models))

    def left_out(self) -> list[str]:
        """The combinations that make no architecture, in words."""
        return [
            f"width {width} with {heads} heads: {heads} does not divide {width}"
            for width, heads in product(self.widths, self.heads)
            if None in self.head_dims and _indivisible(width, heads, None)
        ]

    def run(
        self,
        store: Store,
        observe: Observer = lambda event: None,
        *,
        scheduler: Scheduler | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Finding]:
        """Compute what the store does not settle, and yield every finding in the order of the plan.

        Each block is stored as soon as it is finished, and each rank before it is yielded: interrupting loses at most
        the blocks under way, and running again carries on. Lower bounds are computed again under larger limits.

        Args:
            store: an open store.
            observe: told of every event (`tensorrank.studies.events`), some from other threads, one at a time.
            scheduler: where blocks are computed; this process by default. The numbers are the same anywhere.
            stop: asked between blocks; once true, what is under way is finished and nothing else begun.

        Raises:
            KeyboardInterrupt: if it was stopped.
            StoreError: if a result contradicts a stored one, or cannot be stored.
        """
        limits = Limits.of(self.memory, self.work, files=self.scratch is not None)
        with ExitStack() as stack:
            if scheduler is None:
                # On a cluster it is a folder of the workers.
                checked_folder("scratch", self.scratch)
                scheduler = Threads(stack.enter_context(worker_threads(self.threads)))

            def begin(model: SelfAttention) -> Computation:
                # The limits that are stored: what memory is available may change meanwhile.
                return computation(model, seed=self.seed, memory=limits.memory, work=self.work, scratch=self.scratch)

            yield from Run(self.plan(), begin, self.seed, limits, store, scheduler, observe, stop).findings()


def _indivisible(width: int, heads: int, head_dim: int | None) -> bool:
    return head_dim is None and heads >= 1 and width % heads != 0

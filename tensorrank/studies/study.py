"""A study: the separation ranks of many models, each stored as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from tensorrank.arguments import file_path, function_given, shown, things, whole_number
from tensorrank.arithmetic.elimination.devices import HOST, memory_on
from tensorrank.arithmetic.elimination.engine_choice import EngineName, refuse_missing, refuse_unknown
from tensorrank.arithmetic.elimination.rank import refuse_scratch
from tensorrank.arithmetic.resources import thread_count, worker_threads
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Model
from tensorrank.separation.limits import Limits
from tensorrank.separation.solve import Computation, computation
from tensorrank.short_reprs import ShortRepr
from tensorrank.studies.events import Observer
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.run import Finding, Run
from tensorrank.studies.scheduler import Scheduler, Threads
from tensorrank.studies.store import Store
from tensorrank.studies.sweep import combinations
from tensorrank.whole_files import checked_folder

M = TypeVar("M", bound=Model)

# Two cores do this much in some ten seconds.
DEFAULT_WORK = 4e11
DEFAULT_MEMORY = "4GiB"


@dataclass(frozen=True, eq=False)
class Study(ShortRepr, EqualByValue, Generic[M]):
    """The separation ranks of many models between the balanced halves of their sites, and the limits of each rank.

    Other partitions are for `separation_rank`: a store knows its ranks by the models alone.

    Args:
        models: architectures (`SelfAttention`, circuits) or mixtures, in the order in which they are computed; of equal
            ones the first counts. `Study.over` makes them from lists of sizes.
        seed: the seed of every rank. What a store has from another seed is computed again unless it is exact.
        memory: the limit of each rank, 4 GiB by default.
        work: the limit of each rank, in operations; None for no limit. Beyond it a rank is cut, and becomes a certified
            lower bound.
        threads: of this process, all processors by default; a cluster was given its own.
        scratch: a folder on disk for blocks larger than the memory, which are cut if none is given.
        engine: what multiplies matrices, as in `separation_rank`: "bytes", "float32", "float64", or "auto" by default.
            The ranks are the same, so those that a store has count whatever multiplied them.
        device: where large matrices are eliminated: "cpu", the default, "cuda", or one of several such as "cuda:1". On
            a cluster, engine and device are those of every worker.
        left_out: why some sizes that were asked for make no model, in words.

    Raises:
        TensorRankError: if there are no models, one of them cannot be told from others of its kind, a number is out of
            range, there is no such engine or device, or a scratch folder was given together with a device.

    >>> from tensorrank.circuits.recurrent import RecurrentCircuit
    >>> study = Study([RecurrentCircuit(depth=2, hidden=2, channels=2, steps=steps) for steps in (4, 6, 8)])
    >>> with Store(":memory:") as store:
    ...     [finding.result.value for finding in study.run(store)]
    [4, 8, 10]
    """

    models: Sequence[M]
    _: KW_ONLY
    seed: int = 0
    memory: int | str | None = DEFAULT_MEMORY
    work: float | None = DEFAULT_WORK
    threads: int | None = None
    scratch: str | Path | None = None
    engine: EngineName = "auto"
    device: str = HOST
    left_out: Sequence[str] = ()

    @classmethod
    def over(cls, kind: Callable[..., M], **options: Any) -> Study[M]:
        """The study of all combinations of some sizes.

        Args:
            kind: the class of the models, such as `SelfAttention`.
            options: for each size of a model, by the name of the class's argument, one value or a list of values (the
                last of them varies fastest); and the options of a study.

        Raises:
            TensorRankError: as the class does for a size that is impossible, and if no combination makes a model.
                Single combinations that make none stand in `left_out`.

        >>> from tensorrank.attention.architecture import SelfAttention
        >>> study = Study.over(SelfAttention, width=(2, 3), heads=(1, 2), depth=(1, 2), work=1e9)
        >>> len(study.models), study.left_out
        (6, ['2 heads do not divide the width 3; expected a divisor, or give head_dim'])
        """
        names = [field.name for field in fields(cls) if field.kw_only and field.name != "left_out"]
        own = {name: options.pop(name) for name in names if name in options}
        models, left_out = combinations(kind, options, own)
        return cls(models, left_out=left_out, **own)

    def __post_init__(self) -> None:
        given = things(self.models)
        if given is None:
            raise TensorRankError(f"models is {shown(self.models)}; expected a list of architectures or mixtures")
        object.__setattr__(self, "models", given)
        object.__setattr__(self, "models", list(self._by_key().values()))
        if not self.models:
            raise TensorRankError("no models are given; expected at least one")
        Limits.of(self.memory, self.work)
        if self.scratch is not None:
            file_path("scratch", self.scratch)
        refuse_unknown(self.engine, self.device)
        refuse_scratch(self.device, self.scratch)
        if (left_out := things(self.left_out)) is None or not all(isinstance(words, str) for words in left_out):
            raise TensorRankError(f"left_out is {shown(self.left_out)}; expected a list of texts")
        whole_number("seed", self.seed, 0)
        thread_count(self.threads)

    def run(
        self,
        store: Store,
        observe: Observer = lambda event: None,
        *,
        scheduler: Scheduler | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Finding[M]]:
        """Compute what the store does not settle, and yield every finding in the order of the models.

        Each block is stored as soon as it is finished, and each rank before it is yielded. An interrupt loses at most
        the blocks under way, and the next run carries on. A lower bound is computed again under larger limits.

        Args:
            store: an open store.
            observe: told of every event (`tensorrank.studies.events`), some from other threads, one at a time.
            scheduler: where blocks are computed; this process by default. The numbers are the same anywhere.
            stop: asked between blocks; once true, what is under way is finished and nothing else begun.

        Raises:
            KeyboardInterrupt: if it was stopped.
            StoreError: if a result contradicts a stored one, or cannot be stored.
            TensorRankError: if this machine, or a worker of the cluster, has no such engine or device.
        """
        if not isinstance(store, Store):
            raise TensorRankError(f"the store is {shown(store)}; expected an open tensorrank.Store")
        function_given("observe", observe, "a function of an event", 1)
        function_given("stop", stop, "a function of nothing that tells whether to stop", 0)
        here = scheduler is None
        with ExitStack() as stack:
            if scheduler is not None and not hasattr(scheduler, "submit"):
                raise TensorRankError(
                    f"the scheduler is {shown(scheduler)}; expected None, or one such as cluster.Cluster gives"
                )
            if scheduler is None:
                # On a cluster it is a folder of the workers.
                checked_folder("scratch", self.scratch)
                refuse_missing(self.engine, self.device)
                scheduler = Threads(stack.enter_context(worker_threads(self.threads)))
            # What is free on the devices of workers is not known here.
            memory = memory_on(self.device, self.memory) if here else self.memory
            limits = Limits.of(memory, self.work, files=self.scratch is not None)

            def begin(model: M) -> Computation:
                # The limits that are stored: what memory is available may change meanwhile.
                return computation(
                    model.architecture(),
                    elsewhere=not here,
                    seed=self.seed,
                    memory=limits.memory,
                    work=self.work,
                    scratch=self.scratch,
                    engine=self.engine,
                    device=self.device,
                )

            yield from Run(self._by_key(), begin, self.seed, limits, store, scheduler, observe, stop).findings()

    def _by_key(self) -> dict[ModelKey, M]:
        by_key: dict[ModelKey, M] = {}
        for model in self.models:
            by_key.setdefault(ModelKey.of(model), model)
        return by_key

"""`Atlas`: every separation rank that is known, to be looked up, added to, and computed again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from tensorrank.arguments import file_path, shown, things
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName
from tensorrank.arithmetic.progress import ProgressLike
from tensorrank.atlas.entry import Entry, question
from tensorrank.atlas.files import PACKAGED, packaged, read, users_file, write
from tensorrank.atlas.found import entry_of_result, stored_entries
from tensorrank.atlas.kinds import SizedModel
from tensorrank.atlas.objections import below_proof, beyond_proof
from tensorrank.atlas.verification import Verification
from tensorrank.checked import checked
from tensorrank.data_frames import Tabular
from tensorrank.errors import TensorRankError
from tensorrank.given_files.paths import named_in_errors
from tensorrank.separation.architecture import Model, as_architecture
from tensorrank.separation.comparison import contradict, worth
from tensorrank.separation.options import Method
from tensorrank.separation.partition import PartitionLike
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank
from tensorrank.short_reprs import ShortRepr
from tensorrank.studies.store import Store

# Methods that compute. Without the name of one, a rank that a theorem gives would not be computed again.
_COMPUTED: dict[str, Method] = {"catalecticant": "catalecticant", "grid": "grid"}


@checked
@dataclass(frozen=True)
class Atlas(ShortRepr, Tabular):
    """Separation ranks for almost all weights, each with what certifies it and how to compute it again.

    An atlas comes with the package (`Atlas.packaged`). A user's own file adds to it (`Atlas.load`, `save`), and has
    nothing that the packaged one has already.

    Args:
        entries: the entries, of models and partitions that are all different.

    Raises:
        TensorRankError: if two entries are of one model and partition, or of two that are proved to have equal ranks.

    >>> import tensorrank as tr
    >>> atlas = tr.Atlas.packaged()
    >>> entry = atlas.find(tr.SelfAttention(depth=3, width=3))
    >>> entry.rank.value, entry.rank.standing, entry.rank.seeds
    (3102, 'exact', (0,))
    """

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        given = things(self.entries)
        if given is None or not all(isinstance(one, Entry) for one in given):
            raise TensorRankError(f"entries are {shown(self.entries)}; expected a list of entries of an atlas")
        object.__setattr__(self, "entries", tuple(sorted(given, key=_order)))
        if len(self._by_key) < len(given):
            raise TensorRankError("two entries are of one model and partition; expected each once, or add one to the other")

    @classmethod
    def packaged(cls) -> Atlas:
        """The atlas that comes with the package.

        >>> import tensorrank as tr
        >>> {entry.rank.standing for entry in tr.Atlas.packaged().entries} <= {"exact", "probable", "lower bound"}
        True
        """
        return cls(packaged())

    @classmethod
    def load(cls, file: str | Path | None = None) -> Atlas:
        """The packaged atlas with what a file adds to it.

        Args:
            file: an atlas that `save` has written; by default the user's own, if it is there: atlas.json in the folder
                tensorrank of the user's data (on Linux below XDG_DATA_HOME, or ~/.local/share).

        Raises:
            TensorRankError: naming the file, if it cannot be read, is no atlas, or contradicts a proven bound or the
                packaged atlas.

        >>> import tensorrank as tr
        >>> tr.Atlas.load().find(tr.SelfAttention(depth=2, width=2)).rank.value
        18
        """
        path = users_file() if file is None else file_path("the file of the atlas", file)
        if path is None or (file is None and not os.path.exists(path)):
            return cls.packaged()
        if _is_packaged(path):
            return cls(read(path))
        with named_in_errors(path):
            given = read(path)
            for entry in given:
                _refuse(entry, beyond_proof(entry))
            return cls.packaged()._with(given)

    def save(self, file: str | Path) -> None:
        """Write what this atlas has beyond the packaged one to a file, whole or not at all.

        Where the file is the packaged one itself, as in a checkout of the source, all entries are written.

        Raises:
            TensorRankError: if the file cannot be written.

        >>> from tempfile import TemporaryDirectory
        >>> import tensorrank as tr
        >>> circuit = tr.RecurrentCircuit(depth=1, hidden=7, channels=2, steps=4)
        >>> atlas = tr.Atlas.packaged().add(tr.separation_rank(circuit), source="an example")
        >>> with TemporaryDirectory() as folder:
        ...     atlas.save(f"{folder}/mine.json")
        ...     tr.Atlas.load(f"{folder}/mine.json").find(circuit).source
        'an example'
        """
        path = file_path("the file of the atlas", file)
        beneath = () if _is_packaged(path) else packaged()
        known = set(map(id, beneath))
        write([entry for entry in self.entries if id(entry) not in known], path)

    def find(self, model: Model, partition: PartitionLike | None = None) -> Entry | None:
        """The entry of a model and a partition, or of others that are proved to have the same rank; None without one.

        Without a mask the rank of attention depends on the numbers of tokens on the two sides only, and on the side of
        the output token; more tokens than the width make no difference (`tensorrank.attention.same_rank` has the
        proofs). Mixtures, whose tables are their own, are in no atlas.

        Args:
            model: an architecture, such as `SelfAttention`.
            partition: the two sides: a `Bipartition`, "halves" (the default), "interleaved", or the sites of side A.

        Raises:
            TensorRankError: if it is no model, or the partition does not fit.

        >>> import tensorrank as tr
        >>> atlas, network = tr.Atlas.packaged(), tr.SelfAttention(depth=2, width=2, tokens=10, output_token=7)
        >>> atlas.find(network, "interleaved") == atlas.find(tr.SelfAttention(depth=2, width=2))
        True
        """
        architecture = as_architecture(model)
        return self._by_key.get(question(architecture, partition)) if isinstance(architecture, SizedModel) else None

    def add(self, found: Store | SeparationRank | Entry | Iterable[Entry], *, source: str | None = None) -> Atlas:
        """An atlas that has these ranks, too, where they tell more than what this one has.

        An exact rank tells more than others, then a higher certified bound, then a probable rank. Of what tells as much
        the older stays. Ranks in a store whose models are mixtures are left out.

        Args:
            found: the ranks in an open store of a study, a result of `separation_rank`, or entries.
            source: where the ranks came from, in words; by default the path of the store.

        Raises:
            TensorRankError: if one of them contradicts a proven bound or an entry, such as a probable rank above an
                exact one; if a result does not say what it is of, or is probable for weights that were given.

        >>> import tensorrank as tr
        >>> with tr.Store(":memory:") as store:
        ...     ranks = list(tr.Study.over(tr.SelfAttention, width=2, depth=(1, 2)).run(store))
        ...     [entry.rank.value for entry in tr.Atlas().add(store, source="a study").entries]
        [3, 18]
        """
        if isinstance(found, Store):
            entries: Iterable[Entry] = stored_entries(found, source or str(found.path))[0]
        elif isinstance(found, SeparationRank):
            entries = [entry_of_result(found, source or "")]
        else:
            entries = [found] if isinstance(found, Entry) else found
        for entry in entries:
            _refuse(entry, beyond_proof(entry) or below_proof(entry), "; nothing was added")
        return self._with(entries)

    def verify(
        self,
        entry: Entry,
        *,
        method: Method | None = None,
        seed: int | None = None,
        memory: int | str | None = None,
        work: float | None = None,
        scratch: str | Path | None = None,
        engine: EngineName = "auto",
        device: str = HOST,
        threads: int | None = None,
        progress: ProgressLike = None,
    ) -> Verification:
        """Compute an entry again, and say whether it holds. Nothing is changed.

        Args:
            entry: the entry.
            method: "catalecticant" or "grid"; by default that of the entry, or "auto", if nothing was computed for it.
            seed: of weights and primes; by default one that the entry was not computed from, so that other primes
                repeat it. The seed of the entry repeats its computation to the letter.
            memory: a limit, as in `separation_rank`; what passes it is cut, and the entry may stay undecided.
            work: a limit on the operations of a draw, with the same effect.
            scratch: a folder on disk for blocks larger than the memory.
            engine: what multiplies.
            device: where large matrices are eliminated.
            threads: how many share the work.
            progress: True shows a line in a terminal or a notebook; a function is told of the work done, the work
                expected, and what is under way.

        Returns:
            A `Verification`: its `outcome` is "repeated", "refuted" or "undecided", its `sentence` says so in words,
            and `rank` is what was computed, with its primes.

        Raises:
            TensorRankError: as `separation_rank` does for limits that make no sense.

        >>> import tensorrank as tr
        >>> atlas = tr.Atlas.packaged()
        >>> found = atlas.verify(atlas.find(tr.SelfAttention(depth=2, width=2)), seed=0, engine="float64")
        >>> found.outcome, found.rank.value
        ('repeated', 18)
        """
        other = max(entry.rank.seeds, default=-1) + 1
        computed = separation_rank(
            entry.model,
            entry.partition,
            method=_COMPUTED.get(entry.rank.method, "auto") if method is None else method,
            seed=other if seed is None else seed,
            memory=memory,
            work=work,
            scratch=scratch,
            engine=engine,
            device=device,
            threads=threads,
            progress=progress,
        )
        return Verification(entry, computed)

    @cached_property
    def _by_key(self) -> dict[str, Entry]:
        return {entry.key: entry for entry in self.entries}

    def _with(self, entries: Iterable[Entry]) -> Atlas:
        """An atlas that has these entries, too, each where it tells more than what is here."""
        kept = dict(self._by_key)
        for entry in entries:
            before = kept.setdefault(entry.key, entry)
            if contradict(before.rank, entry.rank):
                raise TensorRankError(
                    f"{entry.name} is {entry.claim}{_from(entry)}, which contradicts {before.claim}{_from(before)}: one of the "
                    "two is wrong, and neither was changed"
                )
            if worth(entry.rank) > worth(before.rank):
                kept[entry.key] = entry
        return Atlas(tuple(kept.values()))


def _refuse(entry: Entry, objection: str | None, consequence: str = "") -> None:
    if objection is not None:
        raise TensorRankError(f"{entry.name} is {entry.claim}{_from(entry)}, which {objection}{consequence}")


def _from(entry: Entry) -> str:
    return f" in {entry.source}" if entry.source else ""


def _is_packaged(path: Path) -> bool:
    try:
        return path.samefile(PACKAGED)
    except (OSError, ValueError):
        return False


def _order(entry: Entry) -> tuple[str, list[tuple[Literal[0], int] | tuple[Literal[1], str]]]:
    """What entries are sorted by: the kind, then all that the rank depends on, numbers as numbers."""
    parts = re.split(r"(\d+)", entry.key)
    return entry.model.kind, [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]

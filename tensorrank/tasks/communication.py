"""Communication matrices: the values of a task at every pair of inputs of two parties, and their ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import shown
from tensorrank.arithmetic.elimination.rank import rank_mod_p
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.rational_rank import RationalRank, distinct_rows, rational_rank
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import check_fields, checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.notebook_tables import NotebookTable
from tensorrank.records import Record
from tensorrank.tasks.model_bounds import ModelBound, bits_for, model_bounds
from tensorrank.tasks.shattering import VCDimension, vc_dimension
from tensorrank.whole_numbers import abbreviated

Side = Literal["rows", "columns"]

# An entry as it is made, its residue, its copy among different rows, and its int32 under elimination.
_ENTRY_BYTES = 28
# Entries, as a power of 2, that no memory holds, and sites whose inputs can still be counted quickly.
_MOST_BITS, _MOST_SITES = 1000, 2**16
_SMALLER = "fewer or smaller tokens, or give more memory"


def refuse_matrix(memory: int | str | None, rows: int, columns: int, what: str) -> None:
    """Raise an error if the ranks of a matrix of this shape need more memory than they may use."""
    shape = f"{abbreviated(rows)} x {abbreviated(columns)} entries"
    refuse_beyond(memory_limit(memory), _ENTRY_BYTES * rows * columns, f"{what}, {shape},", _SMALLER)


def refuse_bits(memory: int | str | None, bits: int, what: str) -> None:
    """Raise an error if the ranks of a matrix of 2^bits entries need more memory than they may use."""
    # Larger powers are not made, which would take long and more memory than there is.
    needed = _ENTRY_BYTES * 2 ** min(bits, _MOST_BITS)
    refuse_beyond(memory_limit(memory), needed, f"{what}, 2^{bits} entries,", _SMALLER)


def refuse_many_sites(sites: int, what: str) -> None:
    """Raise an error if so many sites have so many inputs that their number takes long to make."""
    if sites > _MOST_SITES:
        raise TensorRankError(
            f"{what} has {sites} sites; communication matrices are made for up to {_MOST_SITES}. Try fewer tokens"
        )


@checked
@dataclass(frozen=True, eq=False)
class CommunicationMatrix(EqualByValue, NotebookTable):
    """The values of a task, a row for each input of side A and a column for each input of side B.

    Attributes:
        entries: whole numbers of shape (row classes, column classes), 0 and 1 for decisions. Inputs of a side that no
            value tells apart may share a row or column, a class of inputs.
        rows: the number of inputs of side A, no less than the row classes.
        columns: the number of inputs of side B, no less than the column classes.
        task: what is computed, in words.
        sides: what A and B hold, in words.
        query: the side that holds the content of the asking token and nothing else, if there is such a side.
        linear: the side whose inputs are numbers on which all values depend linearly, if there is such a side.
        whole: whether these are all inputs of the task. Of a part, all numbers are lower bounds for the task.

    Raises:
        TensorRankError: if the entries are no matrix of whole numbers with a row and a column at least, there are fewer
            inputs than classes, or `query` or `linear` is no side.

    >>> import numpy as np
    >>> matrix = CommunicationMatrix(np.array([[1, 1], [1, 0]]), 2, 2, "not both", ("a", "b"))
    >>> matrix.distinct_rows, matrix.ranks().rank.value
    (2, 2)
    """

    entries: NDArray[np.integer[Any]]
    rows: int
    columns: int
    task: str
    sides: tuple[str, str]
    query: Side | None = None
    linear: Side | None = None
    whole: bool = True

    def __post_init__(self) -> None:
        check_fields(self)
        entries = as_array(self.entries, "the entries")
        if entries.ndim != 2 or not entries.size or entries.dtype.kind not in "iub":
            raise TensorRankError(
                f"entries of shape {entries.shape} and type {entries.dtype} were given; expected a matrix of whole "
                "numbers, with a row and a column at least"
            )
        object.__setattr__(self, "entries", entries)
        for name, classes in zip(("rows", "columns"), entries.shape, strict=True):
            if (inputs := getattr(self, name)) < classes:
                raise TensorRankError(f"{name} is {shown(inputs)}; expected a whole number of at least {classes}")

    def __repr__(self) -> str:
        return f"CommunicationMatrix({_described(self)})"

    @property
    def decides(self) -> bool:
        """Whether all values are 0 or 1."""
        return bool(self.entries.min() >= 0 and self.entries.max() <= 1)

    @cached_property
    def distinct_rows(self) -> int:
        """How many rows are different."""
        return len(distinct_rows(self.entries))

    @cached_property
    def distinct_columns(self) -> int:
        """How many columns are different."""
        return len(distinct_rows(self.entries.T))

    @with_progress
    def ranks(
        self,
        fields: Sequence[int] = (2, 3),
        *,
        seed: int | np.random.Generator = 0,
        work: float = 1e11,
        threads: int | None = None,
        memory: int | str | None = None,
        progress: ProgressLike = None,
    ) -> CommunicationRanks:
        """Compute the rank over the rationals and over finite fields, the different rows, and the VC dimension.

        Args:
            fields: primes p of further fields GF(p).
            seed: of the primes for the rank over the rationals.
            work: operations that may be spent on proving that rank, as for `rational_rank`.
            threads: for elimination.
            memory: bytes, or a text such as "4GiB", that may be used; 60 % of what is available by default. The search
                for the VC dimension may use what the entries leave of it.
            progress: True shows a line in a terminal or a notebook; a function is called with the steps done, their
                number and the step under way.

        Raises:
            PrimeError: if a field is no prime.
            TensorRankError: if the fields are no sequence, or the memory is no amount.
        """
        limit, tell = memory_limit(memory), reporter(progress)
        steps = len(fields) + 2
        primes = [PrimeField(prime).prime for prime in fields]
        tell(0, steps, "rank over Q")
        rank = rational_rank(self.entries, seed=seed, work=work, threads=threads)
        by_field = {"Q": rank.value}
        for done, prime in enumerate(primes, 1):
            tell(done, steps, f"rank over GF({prime})")
            by_field[f"GF({prime})"] = rank_mod_p(self.entries, prime, threads=threads)
        tell(steps - 1, steps, "VC dimension")
        left = max(1, limit - self.entries.nbytes)
        vc = vc_dimension(self.entries, memory=left) if self.decides else None
        return CommunicationRanks(
            task=self.task,
            sides=self.sides,
            rows=self.rows,
            columns=self.columns,
            distinct_rows=self.distinct_rows,
            distinct_columns=self.distinct_columns,
            rank=rank,
            fields=by_field,
            vc=vc,
            query=self.query,
            linear=self.linear,
            whole=self.whole,
        )


@checked
@dataclass(frozen=True, eq=False)
class CommunicationRanks(EqualByValue, Record):
    """The ranks of a communication matrix, and the lower bounds that they are on models that compute the task.

    Attributes:
        task: what is computed.
        sides: what A and B hold.
        rows: the number of inputs of A.
        columns: the number of inputs of B.
        distinct_rows: how many of A's inputs B has to tell apart.
        distinct_columns: how many of B's inputs A has to tell apart.
        rank: over the rationals, with its standing.
        fields: the ranks by the name of the field: Q, GF(2) and so on; over GF(p) they are exact.
        vc: the VC dimension of the rows; None if values are not only 0 and 1.
        query: as for `CommunicationMatrix`.
        linear: as for `CommunicationMatrix`.
        whole: as for `CommunicationMatrix`: if not, all these numbers are lower bounds for the task.
    """

    derived = ("protocol_bits", "model_bounds")

    task: str
    sides: tuple[str, str]
    rows: int
    columns: int
    distinct_rows: int
    distinct_columns: int
    rank: RationalRank
    fields: dict[str, int]
    vc: VCDimension | None
    query: Side | None
    linear: Side | None
    whole: bool

    def __repr__(self) -> str:
        return f"CommunicationRanks({_described(self)}: {self.fields})"

    @property
    def protocol_bits(self) -> int:
        """Bits that every deterministic protocol exchanges at least: log2 of the largest rank."""
        return bits_for(max(self.fields.values()))

    @property
    def model_bounds(self) -> tuple[ModelBound, ...]:
        """Lower bounds on recurrent models, finite-state machines, attention and feedforward networks."""
        return model_bounds(
            rank=self.rank.value,
            largest_rank=max(self.fields.values()),
            distinct_rows=self.distinct_rows,
            distinct_query={"rows": self.distinct_rows, "columns": self.distinct_columns, None: None}[self.query],
            vc=None if self.vc is None else self.vc.lower,
            linear=self.linear is not None,
        )


def _described(what: CommunicationMatrix | CommunicationRanks) -> str:
    return f"{what.task}: {what.sides[0]} | {what.sides[1]}, {abbreviated(what.rows)} x {abbreviated(what.columns)}"

"""Explicit attention units for tasks of residues: outputs above 1/2 mean yes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.notebook_tables import NotebookTable
from tensorrank.tasks.residue_task import ResidueTask
from tensorrank.units.attention_unit import AttentionUnit, asked_tokens
from tensorrank.units.precision import PrecisionLike

THRESHOLD = 0.5


@checked
@dataclass(frozen=True, eq=False)
class Construction(EqualByValue, NotebookTable, ABC):
    """Attention units that solve a task of residues: outputs above 1/2 mean yes.

    Attributes:
        task: the task, with its number of tokens N and its modulus M.
        unit: the attention unit, the last where there are several.
    """

    task: ResidueTask
    unit: AttentionUnit

    def __str__(self) -> str:
        return f"{self.task}: {self.unit}"

    def at(self, precision: PrecisionLike) -> Self:
        """A copy of the construction at another precision.

        Raises:
            TensorRankError: if there is no such precision.
        """
        return replace(self, unit=self.unit.at(precision))

    def outputs(self, inputs: ArrayLike, *, asking: Sequence[int] | None = None, memory: int | str | None = None) -> Floats:
        """What the unit says of each asking token, a number between 0 and 1: inputs (count, N) to (count, asked).

        Args:
            inputs: residues from 0 to M - 1.
            asking: the numbers of the tokens whose outputs are wanted; all N by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            TensorRankError: if inputs have another shape or range, no such token asks, or for want of memory.
        """
        return self._outputs(self.task.checked_inputs(inputs), asked_tokens(asking, self.task.tokens), memory)

    def answers(
        self, inputs: ArrayLike, *, asking: Sequence[int] | None = None, memory: int | str | None = None
    ) -> NDArray[np.bool_]:
        """Whether outputs are above 1/2: the answers to the task, of shape (count, asked).

        Raises:
            TensorRankError: as `outputs`.

        >>> from tensorrank.units.match_units import match2_unit
        >>> match2_unit(3, 5).answers([[1, 4, 2], [0, 1, 2]])
        array([[ True,  True, False],
               [ True, False, False]])
        """
        return self.outputs(inputs, asking=asking, memory=memory) > THRESHOLD

    def work(self, asked: int) -> float:
        """The operations that one input takes, so many of whose tokens ask."""
        return self.unit.work(self.task.tokens, asked)

    @abstractmethod
    def _outputs(self, residues: Integers, asked: list[int], memory: int | str | None) -> Floats:
        """The outputs, of shape (count, asked), for checked residues (count, N) and checked tokens that ask."""

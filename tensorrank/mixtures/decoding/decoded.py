"""The most probable states of the hidden variables of a model, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.records import Record


@dataclass(frozen=True, eq=False)
class Decoded(Record, EqualByValue):
    """The most probable states of all hidden variables together, for each row.

    Attributes:
        names: the hidden variables; of a hidden Markov model "z0", "z1", ..., the steps.
        states: their states, (rows, hidden variables), in the order of the names; -1 for a variable that has no state,
            and for all of a row of density 0.
        log_probabilities: the logarithm of the joint probability (density) of the row and these states, (rows,); -inf
            for a row of density 0.
    """

    names: tuple[Name, ...]
    states: Integers
    log_probabilities: Floats

    def of(self, name: Name) -> Integers:
        """The states of one hidden variable, (rows,).

        Raises:
            TensorRankError: if no hidden variable has the name.

        >>> Decoded(("z", "y"), np.array([[0, 1], [2, 0]]), np.zeros(2)).of("y")
        array([1, 0])
        """
        if not isinstance(name, int | str) or name not in self.names:
            raise TensorRankError(f"no hidden variable is named {shown(name)}; expected one of {shown(list(self.names))}")
        return np.asarray(self.states[:, self.names.index(name)])

    def __repr__(self) -> str:
        rows, variables = self.states.shape
        return f"Decoded({rows} row{'s' * (rows != 1)}, {variables} hidden variable{'s' * (variables != 1)})"

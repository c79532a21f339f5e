"""The most probable completions of rows in which values are missing: one that was found, and a bound for all others.

With hidden variables summed out this is a problem of marginal MAP, which is NP-hard already for latent class models and
for chains. So it is solved in three ways, each of which says by itself how far it is right:

- A bound and a candidate for all rows at once. In the bound a missing value counts, in every leaf, with its largest
  entry, and a selective sum with its largest term. In a selective (deterministic) network the candidate, found from the
  root down, reaches it.
- Where a row has few completions, all of them.
- Otherwise the search for the largest entries of a tensor that `approximate` uses: from both sides of each node of a
  tree, best first on any other circuit.

Sources: Conaty, Maua, de Campos, Approximation Complexity of Maximum A Posteriori Inference in Sum-Product Networks,
UAI 2017, who show hardness for networks of height two; of chains, Lyngso, Pedersen, The Consensus String Problem and
the Complexity of Comparing Hidden Markov Models (J. Comput. Syst. Sci. 65, 2002). Selective networks: Peharz, Gens,
Pernkopf, Domingos, On the Latent Variable Interpretation in Sum-Product Networks (IEEE Trans. Pattern Anal. Mach.
Intell. 39, 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.equal_values import EqualByValue
from tensorrank.mixtures.approximation.best_first import best_first
from tensorrank.mixtures.approximation.best_of_tree import ROUNDING, best_of_tree
from tensorrank.mixtures.approximation.envelopes import is_tree
from tensorrank.mixtures.decoding.selective import selective_blocks
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.evaluation.passes import Evidence, Passes
from tensorrank.mixtures.tables import floats
from tensorrank.records import Record

# So many completions of a row are all looked at.
_FEW = 4096


@dataclass(frozen=True, eq=False)
class Explained(Record, EqualByValue):
    """The most probable completion found of each row, and how far it is proved.

    Attributes:
        rows: the rows with missing values filled in, (rows, variables); values stay missing in a row of density 0.
        log_densities: the log-density of each completed row.
        log_bounds: a number that the log-density of no completion of the row exceeds, beyond rounding.
    """

    derived = ("proved",)

    rows: Integers
    log_densities: Floats
    log_bounds: Floats

    @property
    def proved(self) -> NDArray[np.bool_]:
        """For each row whether its completion is proved to be the most probable one, or one of several, to rounding."""
        return np.asarray(self.log_densities >= self.log_bounds - ROUNDING)

    def __repr__(self) -> str:
        return f"Explained({len(self.rows)} row{'s' * (len(self.rows) != 1)}, {self.proved.sum()} proved)"


class Explainer:
    """The most probable completions under a circuit, for rows of categorical variables."""

    def __init__(self, passes: Passes, shape: Sequence[int]) -> None:
        plan = passes.plan
        self._passes, self._shape, self._circuit = passes, tuple(shape), plan.circuit
        self._tables = plan.with_tables([floats(table) for table in plan.given], largest=True)
        self._selective = selective_blocks(plan.circuit)
        self._tree = is_tree(plan.circuit)

    def explain(self, codes: Integers, nodes: int) -> Explained:
        """The completions of some rows; `nodes` partial assignments at most are looked at in a search for one row."""
        evidence = Evidence.of_codes(codes)
        rows = self._passes.paths(evidence, [], self._tables, completed=True).codes
        logs = self._passes.log_density(Evidence.of_codes(rows))
        bounds = np.maximum(self._passes.log_density(evidence, self._tables, self._selective), logs)
        for row in np.flatnonzero(logs < bounds - ROUNDING):
            found, log, bound = self._searched(codes[row], nodes)
            if log > logs[row]:
                rows[row], logs[row] = found, log
            bounds[row] = max(min(bounds[row], bound), logs[row])
        return Explained(rows, logs, bounds)

    def _searched(self, row: Integers, nodes: int) -> tuple[Integers, float, float]:
        """A completion of a row, its log-density, and a bound for all."""
        missing = np.flatnonzero(row == MISSING)
        sizes = [self._shape[site] for site in missing]
        if prod(sizes) <= _FEW:
            every = np.tile(row, (prod(sizes), 1))
            every[:, missing] = np.indices(sizes).reshape(len(sizes), -1).T
            logs = self._passes.log_density(Evidence.of_codes(every))
            best = int(logs.argmax())
            return every[best], float(logs[best]), float(logs[best])
        circuit = _given(self._circuit, row)
        if self._tree:
            found = best_of_tree(circuit, 1)
        else:
            shape = [k if value == MISSING else 1 for k, value in zip(self._shape, row, strict=True)]
            found = best_first(circuit, shape, 1, nodes=nodes)
        if not len(found.codes):
            return row, -np.inf, found.log_missed
        return np.where(row == MISSING, found.codes[0], row), float(found.log_values[0]), found.log_missed


def _given(circuit: Circuit, row: Integers) -> Circuit:
    """The circuit whose variables have a single value where the row knows it."""
    return circuit.with_tables(
        [
            table[:, [row[block.site]]] if isinstance(block, Leaves) and row[block.site] != MISSING else table
            for block, table in zip(circuit.blocks, circuit.float_tables, strict=True)
        ]
    )

"""Tasks that separate attention from other architectures, by the ranks of their communication matrices.

A task, such as `Match3` or `SparseAveraging`, has a reference solution (`solve`), random inputs with balanced labels
(`examples`) and communication matrices (`communication`): the values at every input of side A, a row each, and of side
B, a column each. `CommunicationMatrix.ranks` computes the ranks, and `CommunicationRanks.model_bounds` says what they
demand of recurrent models, finite-state machines and attention. `NAMED_TASKS` has the tasks of the command line.

The attention units that solve tasks are in `tensorrank.units`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorrank.tasks.anchored_match3 import anchored_match3_rank, disjointness_in_match3
    from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks
    from tensorrank.tasks.disjointness import Disjointness, InnerProduct
    from tensorrank.tasks.match import Match2, Match3
    from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local
    from tensorrank.tasks.model_bounds import ModelBound
    from tensorrank.tasks.registry import NAMED_TASKS, NamedTask, named_task
    from tensorrank.tasks.shattering import VCDimension, randomised_bits, vc_dimension
    from tensorrank.tasks.sparse_averaging import SparseAveraging, SparseInputs, disjointness_in_sparse_averaging
    from tensorrank.tasks.task import Examples, Task
    from tensorrank.tasks.token_sets import all_sets, random_sets

__all__ = [
    "NAMED_TASKS",
    "CommunicationMatrix",
    "CommunicationRanks",
    "Disjointness",
    "Examples",
    "InnerProduct",
    "Match2",
    "Match3",
    "Match3Bigram",
    "Match3Local",
    "ModelBound",
    "NamedTask",
    "SparseAveraging",
    "SparseInputs",
    "Task",
    "VCDimension",
    "all_sets",
    "anchored_match3_rank",
    "disjointness_in_match3",
    "disjointness_in_sparse_averaging",
    "named_task",
    "random_sets",
    "randomised_bits",
    "vc_dimension",
]
# Files are loaded when one of their names is first used, so that the registry alone stays cheap.
_FILES = (
    "registry",
    "communication",
    "disjointness",
    "match",
    "match3_variants",
    "anchored_match3",
    "sparse_averaging",
    "task",
    "token_sets",
    "shattering",
    "model_bounds",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for file in _FILES:
            module = import_module(f"{__name__}.{file}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""Tasks that separate attention from other architectures, by the ranks of their communication matrices."""

from tensorrank.tasks.anchored_match3 import anchored_match3_rank, disjointness_in_match3
from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks
from tensorrank.tasks.disjointness import Disjointness, InnerProduct
from tensorrank.tasks.match import Match2, Match3
from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local
from tensorrank.tasks.model_bounds import Reading
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
    "NamedTask",
    "Reading",
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

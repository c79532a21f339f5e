"""The names of `tensorrank.tasks` and where each stands: `lazy_loader` and type checkers read them here."""

from .anchored_match3 import anchored_match3_rank as anchored_match3_rank, disjointness_in_match3 as disjointness_in_match3
from .communication import CommunicationMatrix as CommunicationMatrix, CommunicationRanks as CommunicationRanks
from .disjointness import Disjointness as Disjointness, InnerProduct as InnerProduct
from .function_composition import FunctionComposition as FunctionComposition
from .induction_heads import InductionHeads as InductionHeads
from .match import Match2 as Match2, Match3 as Match3
from .match3_variants import Match3Bigram as Match3Bigram, Match3Local as Match3Local
from .model_bounds import ModelBound as ModelBound
from .one_or_two_cycles import OneOrTwoCycles as OneOrTwoCycles
from .registry import NAMED_TASKS as NAMED_TASKS, NamedTask as NamedTask, named_task as named_task
from .shattering import VCDimension as VCDimension, randomised_bits as randomised_bits, vc_dimension as vc_dimension
from .sparse_averaging import (
    SparseAveraging as SparseAveraging,
    SparseInputs as SparseInputs,
    disjointness_in_sparse_averaging as disjointness_in_sparse_averaging,
)
from .splitting import (
    SplitRanks as SplitRanks,
    SplittingVC as SplittingVC,
    split_ranks as split_ranks,
    splitting_vc_dimension as splitting_vc_dimension,
)
from .task import Examples as Examples, Task as Task
from .token_sets import all_sets as all_sets, random_sets as random_sets

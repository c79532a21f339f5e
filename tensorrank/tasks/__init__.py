"""Tasks that separate attention from other architectures, by the ranks of their communication matrices."""

from tensorrank.tasks.anchored_match3 import anchored_match3_rank, disjointness_in_match3
from tensorrank.tasks.bottleneck import bottleneck_table, head_for, least_head_dimension, published_counterexample
from tensorrank.tasks.checks import UnitCheck, check_construction, check_matching, least_bits_for
from tensorrank.tasks.choices import all_sets, random_sets
from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks
from tensorrank.tasks.construction import Construction
from tensorrank.tasks.cut_ranks import CutRanks, CutSamples, softmax_cut_ranks
from tensorrank.tasks.disjointness import Disjointness, InnerProduct
from tensorrank.tasks.matching import Match2, Match3
from tensorrank.tasks.matching_units import match2_unit, match3_unit
from tensorrank.tasks.matching_variants import Match3Bigram, Match3Local
from tensorrank.tasks.named import NAMED_TASKS, NamedTask, named_task
from tensorrank.tasks.precision import Precision
from tensorrank.tasks.readings import Reading
from tensorrank.tasks.selection import least_bits
from tensorrank.tasks.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension
from tensorrank.tasks.shattering import VCDimension, randomised_bits, vc_dimension
from tensorrank.tasks.sparse_averaging import SparseAveraging, SparseInputs, disjointness_in_sparse_averaging
from tensorrank.tasks.task import Examples, Task
from tensorrank.tasks.units import AttentionUnit
from tensorrank.tasks.variant_units import bigram_units, local_unit

__all__ = [
    "NAMED_TASKS",
    "AttentionUnit",
    "CommunicationMatrix",
    "CommunicationRanks",
    "Construction",
    "CutRanks",
    "CutSamples",
    "Disjointness",
    "Examples",
    "InnerProduct",
    "Match2",
    "Match3",
    "Match3Bigram",
    "Match3Local",
    "MomentCurveUnit",
    "NamedTask",
    "Precision",
    "Reading",
    "RestrictedIsometryUnit",
    "SparseAveraging",
    "SparseInputs",
    "Task",
    "UnitCheck",
    "VCDimension",
    "all_sets",
    "anchored_match3_rank",
    "bigram_units",
    "bottleneck_table",
    "check_construction",
    "check_matching",
    "disjointness_in_match3",
    "disjointness_in_sparse_averaging",
    "head_for",
    "least_bits",
    "least_bits_for",
    "least_dimension",
    "least_head_dimension",
    "local_unit",
    "match2_unit",
    "match3_unit",
    "named_task",
    "published_counterexample",
    "random_sets",
    "randomised_bits",
    "softmax_cut_ranks",
    "vc_dimension",
]

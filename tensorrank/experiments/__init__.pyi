"""The names of `tensorrank.experiments` and where each stands: `lazy_loader` and type checkers read them here."""

from .approximation import (
    ApproximationRun as ApproximationRun,
    ApproximationTarget as ApproximationTarget,
    ShallowApproximations as ShallowApproximations,
    Wall as Wall,
    growing_depth as growing_depth,
    informative_parts as informative_parts,
    shallow_approximations as shallow_approximations,
    wall_of as wall_of,
)
from .canonical_cuts import arranged_order as arranged_order, canonical_partitions as canonical_partitions
from .communication import CommunicationGrowth as CommunicationGrowth, communication_growth as communication_growth
from .comparison import Compared as Compared, Contender as Contender, compare as compare, contenders as contenders
from .data_cuts import DataCuts as DataCuts, data_entanglement as data_entanglement
from .demands import TaskDemands as TaskDemands, task_demands as task_demands
from .depth_families import MixtureFamily as MixtureFamily, z_order as z_order
from .depth_on_data import (
    DepthOnData as DepthOnData,
    FamilyScores as FamilyScores,
    compare_depths as compare_depths,
    peaked as peaked,
)
from .formats import FormatRanks as FormatRanks, format_ranks as format_ranks
from .gates import GateRanks as GateRanks, gate_ranks as gate_ranks
from .hierarchy import Hierarchy as Hierarchy, measure_hierarchy as measure_hierarchy
from .interleaved import InterleavedRanks as InterleavedRanks, interleaved_ranks as interleaved_ranks
from .levels import LevelSizes as LevelSizes, cut_to as cut_to, level_sizes as level_sizes
from .orders import OrderRanks as OrderRanks, order_ranks as order_ranks
from .perfect_matchings import (
    PerfectMatchingStates as PerfectMatchingStates,
    perfect_matching_states as perfect_matching_states,
)
from .sparse_averaging import (
    ErrorByDimension as ErrorByDimension,
    LeastDimensions as LeastDimensions,
    error_by_dimension as error_by_dimension,
    least_dimensions as least_dimensions,
)
from .sparse_averaging_bits import BitsByDimension as BitsByDimension, bits_by_dimension as bits_by_dimension
from .sparse_averaging_models import ModelSizes as ModelSizes, model_sizes as model_sizes
from .squares import (
    SquaredSeparation as SquaredSeparation,
    SquaredSeparations as SquaredSeparations,
    squared_separations as squared_separations,
    sum_of_numbers as sum_of_numbers,
)
from .triples import HistogramUnit as HistogramUnit, Triples as Triples, detect_triples as detect_triples
from .walks_across import WalkRanks as WalkRanks, walk_ranks as walk_ranks

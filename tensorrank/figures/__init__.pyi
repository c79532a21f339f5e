"""The names of `tensorrank.figures` and where each stands: `lazy_loader` and type checkers read them here."""

from .ablations import ablation as ablation
from .approximations import approximation as approximation
from .collapses import collapse as collapse
from .communication import communication_growth as communication_growth
from .comparisons import comparison as comparison
from .demands_of_tasks import task_demands as task_demands
from .depth_and_structure import (
    formats as formats,
    interleaved as interleaved,
    levels as levels,
    perfect_matchings as perfect_matchings,
)
from .depths_and_widths import depth_width as depth_width
from .depths_on_data import depth_on_data as depth_on_data
from .entanglement_of_data import data_cuts as data_cuts
from .equal_parameters import iso_parameters as iso_parameters
from .gates_of_recurrences import gates as gates
from .hierarchies import hierarchy as hierarchy
from .increments_over_depth import increments as increments
from .knees import knee as knee
from .orders_of_attention import orders as orders
from .ranks_over_depth import rank_vs_depth as rank_vs_depth
from .saving import save as save
from .sizes_of_models import model_sizes as model_sizes
from .sparse_averaging import (
    sparse_averaging_bits as sparse_averaging_bits,
    sparse_averaging_dimensions as sparse_averaging_dimensions,
    sparse_averaging_errors as sparse_averaging_errors,
)
from .spectra import spectrum as spectrum
from .squared_mixtures import squared_separations as squared_separations
from .triple_detection import triples as triples
from .walks_across_boundaries import walks as walks

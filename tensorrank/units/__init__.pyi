"""The names of `tensorrank.units` and where each stands: `lazy_loader` and type checkers read them here."""

from .attention_stack import AttentionStack as AttentionStack, StackLayer as StackLayer
from .attention_unit import AttentionUnit as AttentionUnit
from .bottleneck import (
    bottleneck_table as bottleneck_table,
    head_for as head_for,
    least_head_dimension as least_head_dimension,
    published_counterexample as published_counterexample,
)
from .checks import UnitCheck as UnitCheck, check_unit as check_unit, least_bits_for as least_bits_for
from .construction import Construction as Construction
from .cut_ranks import CutRanks as CutRanks, CutSamples as CutSamples
from .match_units import match2_unit as match2_unit, match3_unit as match3_unit
from .pointer_stacks import (
    StackConstruction as StackConstruction,
    composition_stack as composition_stack,
    cycles_stack as cycles_stack,
    induction_heads_stack as induction_heads_stack,
    stack_for as stack_for,
)
from .precision import Precision as Precision
from .selection import least_bits as least_bits
from .selection_units import (
    MomentCurveUnit as MomentCurveUnit,
    RestrictedIsometryUnit as RestrictedIsometryUnit,
    least_dimension as least_dimension,
)
from .stack_checks import StackCheck as StackCheck, check_stack as check_stack, least_bits_of_stack as least_bits_of_stack
from .task_units import SelectionCheck as SelectionCheck, check_units as check_units
from .variant_units import bigram_units as bigram_units, local_unit as local_unit

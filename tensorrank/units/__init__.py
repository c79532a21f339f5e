"""Attention units: one layer of softmax attention, the explicit ones that solve tasks, and what a head cannot do."""

from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.bottleneck import bottleneck_table, head_for, least_head_dimension, published_counterexample
from tensorrank.units.checks import UnitCheck, check_unit, least_bits_for
from tensorrank.units.construction import Construction
from tensorrank.units.cut_ranks import CutRanks, CutSamples
from tensorrank.units.match_units import match2_unit, match3_unit
from tensorrank.units.precision import Precision
from tensorrank.units.selection import least_bits
from tensorrank.units.selection_units import MomentCurveUnit, RestrictedIsometryUnit, least_dimension
from tensorrank.units.task_units import SelectionCheck, check_units
from tensorrank.units.variant_units import bigram_units, local_unit

__all__ = [
    "AttentionUnit",
    "Construction",
    "CutRanks",
    "CutSamples",
    "MomentCurveUnit",
    "Precision",
    "RestrictedIsometryUnit",
    "SelectionCheck",
    "UnitCheck",
    "bigram_units",
    "bottleneck_table",
    "check_unit",
    "check_units",
    "head_for",
    "least_bits",
    "least_bits_for",
    "least_dimension",
    "least_head_dimension",
    "local_unit",
    "match2_unit",
    "match3_unit",
    "published_counterexample",
]

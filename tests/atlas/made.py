"""Entries made by hand, for ranks that SOURCES.md has."""

from dataclasses import replace

from studies.stored_ranks import rank_of

import tensorrank as tr
from tensorrank.atlas.entry import Entry

NETWORK = tr.SelfAttention(2, 2)
# The rank of one full head of width 4 and depth 3, and its bound: SOURCES.md section 2.
SHORT, SHORT_RANK, SHORT_BOUND = tr.SelfAttention(3, 3, head_dim=2), 2441, 2495


def entry_of(model, value, standing="exact", upper=None, by_degree=None, method="catalecticant", source="a test"):
    """The entry of a rank between the halves; an exact one is its own upper bound."""
    upper = value if standing == "exact" and upper is None else upper
    rank = replace(rank_of(value, upper, standing), by_degree=by_degree, method=method)
    return Entry(model, tr.Bipartition.halves(model.sites), rank, "0.1.0", source)

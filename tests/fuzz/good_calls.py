"""A good call of every public function, class and method that takes arguments, and the names that calls use."""

import collections
import datetime
import inspect
import re
import types
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from fuzz.lists import lines

CALLS = lines("good_calls")
# What rooms ask of each other, with values that only the library makes, and what Python's own classes bring.
INTERNAL = frozenset(
    {
        *(
            "draw",
            "value_work",
            "from_fields",
            "replaced",
            "operands",
            "grid_plan",
            "put",
            "put_block",
            "get_block",
            "moment_form",
        ),
        *(
            "input_functions",
            "state_functions",
            "toward_tree",
            "contains",
            "rank_key",
            "proved_rank",
            "float_grid",
            "in_floats",
            "network",
            "entries",
            "value_bits",
            "variables_given",
            "add_note",
            "with_traceback",
        ),
    }
)


@cache
def namespace() -> dict[str, Any]:
    """The names that calls use, as a user has imported them; what evaluates calls takes a copy."""
    import hmmlearn.hmm
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    import scipy.sparse
    import tensorly

    import tensorrank as tr
    from tensorrank.errors import TensorRankError
    from tensorrank.experiments.depth_series import series_of

    hmm = hmmlearn.hmm.CategoricalHMM(2)
    hmm.startprob_, hmm.transmat_ = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.3, 0.7]])
    hmm.emissionprob_ = np.array([[0.8, 0.2], [0.1, 0.9]])
    chain = tr.HiddenMarkov.random(2, 2, 3, 0)
    with tr.Store(":memory:") as store:
        series = series_of(list(tr.Study.over(tr.SelfAttention, width=(2,), depth=(1, 2)).run(store)))
    return {
        "np": np,
        "pd": pd,
        "scipy": scipy,
        "plt": plt,
        "tr": tr,
        "tensorly": tensorly,
        "hmm": hmm,
        "Fraction": Fraction,
        "Decimal": Decimal,
        "Path": Path,
        "TensorRankError": TensorRankError,
        "re": re,
        "types": types,
        "datetime": datetime,
        "collections": collections,
        "inspect": inspect,
        "reduced": tr.reduce(chain, "hierarchical"),
        "summed": tr.reduce(chain, "sum_product"),
        "series": series,
    }

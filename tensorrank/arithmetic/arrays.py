"""Types of arrays by what they hold, each named once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Any numbers: floats, whole numbers, or fractions as objects.
Array = NDArray[Any]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

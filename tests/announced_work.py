"""What progress reports must satisfy."""

import numpy as np


def announced(calls):
    """What a report was told, after a check that it only ever grows, up to the total."""
    done = [d for d, _ in calls]
    assert done == sorted(done)
    assert all(d <= total for d, total in calls)
    assert done[-1] == calls[-1][1]
    return np.array(calls)

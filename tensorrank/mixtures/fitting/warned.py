"""Warnings of a fit, which name the line that asked for it."""

from __future__ import annotations

import sys
import warnings


class NotConverged(UserWarning):
    """EM stopped at its last iteration while the objective still grew by more than the tolerance."""


class UnusedValue(UserWarning):
    """The value 0 occurs for no variable of categorical data, so values were probably counted from 1."""


def warn(message: str, kind: type[UserWarning]) -> None:
    """Warn of something at the first line above that does not belong to this package."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tensorrank."):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, kind, stacklevel=depth + 1)

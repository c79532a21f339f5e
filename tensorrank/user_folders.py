"""The folders in which a user's files are kept, as each system has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

# On Linux a variable may name the folder; beside it stands the usual place.
_LINUX = {"cache": ("XDG_CACHE_HOME", "~/.cache"), "data": ("XDG_DATA_HOME", "~/.local/share")}
_MACOS = {"cache": "~/Library/Caches", "data": "~/Library/Application Support"}


def user_folder(what: Literal["cache", "data"]) -> Path | None:
    """The folder of tensorrank for this user, whether it is there or not; None for a user without a home.

    Args:
        what: "cache" for files that can be made again, "data" for files that a user wants to keep.
    """
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        folder = _MACOS[what]
    else:
        variable, usual = _LINUX[what]
        folder = os.environ.get(variable) or usual
    try:
        return Path(folder).expanduser() / "tensorrank"
    except RuntimeError:
        return None

"""Writing files whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tensorrank.errors import TensorRankError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside the path, then put it in the path's place.

    Raises:
        TensorRankError: if either cannot be done; the temporary file is removed.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise TensorRankError(f"{path} cannot be written ({error.strerror}); give a writable folder") from error
    finally:
        temporary.unlink(missing_ok=True)

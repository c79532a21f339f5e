"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tensorrank.errors import TensorRankError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file by way of a temporary one beside it, which takes its place when it is complete.

    `write` is called with the path of the temporary file, which it fills. If the path is a link, the link stays and its
    target is replaced. If the file cannot be written, the temporary one is removed.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        write(temporary)
        temporary.replace(target)
    except OSError as error:
        raise TensorRankError(f"{path} cannot be written ({error.strerror}); give a writable folder") from error
    finally:
        # Where no file can be, there is none to remove.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def checked_folder(name: str, given: str | Path | None) -> Path | None:
    """A folder that a user gave, if it exists and files can be made in it; None if none was given."""
    if given is None:
        return None
    folder = Path(given)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise TensorRankError(f"{name} is {str(given)!r}; expected a folder that exists and can be written to")
    return folder

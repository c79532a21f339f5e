"""The folder in which matplotlib keeps its list of fonts, and what is said where none can be written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tensorrank.errors import TensorRankError

# How the three messages begin that matplotlib logs where its folder cannot be written; the last says what it did.
_NOISE = ("mkdir -p failed", "%s is not a writable directory")
_DONE = "Matplotlib created a temporary cache directory"


@contextmanager
def importing_matplotlib() -> Iterator[None]:
    """A context to import matplotlib in, which may have no folder of its own: one sentence says so.

    Raises:
        TensorRankError: if there is no folder for temporary files either.
    """
    log = logging.getLogger("matplotlib")
    log.addFilter(_in_brief)
    try:
        yield
    except OSError as error:
        raise TensorRankError(
            "pictures need a folder that can be written, and there is none, not even for temporary files; "
            "set MPLCONFIGDIR or TMPDIR to one"
        ) from error
    finally:
        log.removeFilter(_in_brief)


def _in_brief(record: logging.LogRecord) -> bool:
    """False for a message that says no more than the last one, which becomes one sentence."""
    if str(record.msg).startswith(_DONE):
        record.msg = "matplotlib lists its fonts anew in every process; set MPLCONFIGDIR to a folder that can be written"
        record.args = ()
    return not str(record.msg).startswith(_NOISE)

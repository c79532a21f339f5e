"""Watching a study: two bars on a terminal, one JSON line an event in a log."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from tensorrank.cli.shared.terminal import Bar
from tensorrank.errors import TensorRankError
from tensorrank.records import plain
from tensorrank.studies.events import Event, WorkersChanged
from tensorrank.studies.pace import Pace
from tensorrank.studies.summary import Summary
from tensorrank.whole_files import refuse_slash


class Log:
    """A file of JSON lines, each written through as it comes; "-" is standard error."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        refuse_slash(f"--log-json {path}", path)
        try:
            self._file = sys.stderr if str(path) == "-" else _appended(Path(path))
        except OSError as error:
            message = f"--log-json {path} cannot be written ({error.strerror}); give another file"
            raise TensorRankError(message) from error

    def write(self, values: dict[str, Any]) -> None:
        """Write one line, with the time in UTC."""
        line = json.dumps(plain({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **values}), allow_nan=False)
        try:
            self._file.write(line + "\n")
        except OSError as error:
            raise TensorRankError(
                f"--log-json {self._path} cannot be written ({error.strerror}); what was computed is in the store"
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not sys.stderr:
            with suppress(OSError):
                self._file.close()


def _appended(path: Path) -> TextIO:
    """A file opened to write whole lines at its end; what a full disk cut off stays a line of its own."""
    # A pipe that nobody reads would be waited for.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
    os.set_blocking(descriptor, True)
    file = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and _is_cut_off(path):
        file.write("\n")
    return file


def _is_cut_off(path: Path) -> bool:
    """Whether the last line of a file has no end."""
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return size > 0 and file.read(1) != b"\n"
    return False


class Watch:
    """Shows a study's events as bars, writes them to a log and counts them for the summary; a context manager."""

    def __init__(self, log: str | Path | None = None, console: Console | None = None) -> None:
        self.summary = Summary()
        self._pace = Pace()
        self._workers: int | None = None
        self._log = None if log is None else Log(log)
        self._bar = Bar(console)

    def __call__(self, event: Event) -> None:
        """Show and write an event."""
        self._pace(event)
        self.summary(event)
        if isinstance(event, WorkersChanged):
            self._workers = event.workers
        values = getattr(event, "to_dict", None)
        if self._log is not None and values is not None:
            self._log.write(values())
        self._show()

    def say(self, what: str) -> None:
        """Show what is done before the study begins."""
        self._bar(0, 1, what)

    def note(self, text: str) -> None:
        """Print a line on standard error, above the bars."""
        self._bar.note(text)

    def conclude(self, **more: Any) -> None:
        """Write the summary to the log."""
        if self._log is not None:
            self._log.write({**self.summary.to_dict(), **more})

    def __enter__(self) -> Watch:
        self._bar.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.__exit__(*raised)
        if self._log is not None:
            self._log.close()

    def _show(self) -> None:
        pace = self._pace
        workers = "" if self._workers is None else f", {self._workers} worker{'' if self._workers == 1 else 's'}"
        found = f"{pace.found} of {pace.ranks} ranks{workers}"
        self._bar(pace.done, pace.total or 1.0, found, left=pace.study_left)
        if pace.block is None:
            self._bar.second(None)
            return
        model, key, done, total = pace.block
        sizes = [f"{name} {model.values[name]}" for name in ("width", "depth") if name in model.values]
        degree = "all degrees" if key.degree < 0 else f"degree {key.degree}"
        self._bar.second(f"{', '.join(sizes) or model.kind}, {degree}", done, total, left=pace.block_left)

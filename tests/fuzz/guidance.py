"""Runs of targets under atheris: a process for each, begun again after an input that ended it."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from fuzz.bytes_stream import BytesStream
from fuzz.runner import Failure, Report, child_environment
from fuzz.target import Target

# Where inputs that reach new lines are kept from run to run.
CORPUS = Path(".fuzz")
# What atheris leaves behind of an input that ended the process.
_LEFT = ("timeout-", "oom-", "crash-")
# Imports with every line counted take a while.
_SLOW_START = 240.0


def is_there() -> bool:
    """True if atheris can be imported."""
    return find_spec("atheris") is not None


def run_guided(target: Target, seconds: float) -> Report:
    """Fuzz one target for so long."""
    report, folder = Report(target.name), (CORPUS / target.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 1:
        command = [sys.executable, "-m", "fuzz.guided", target.name, str(left), str(folder)]
        done = subprocess.run(
            command, env=child_environment(), capture_output=True, text=True, timeout=left + _SLOW_START, check=False
        )
        ended = [path for path in folder.iterdir() if path.name.startswith(_LEFT)]
        if done.stdout.strip():
            _count(report, target, json.loads(done.stdout))
        elif not ended:
            raise RuntimeError(f"atheris ended with {done.returncode}:\n{done.stderr[-3000:]}")
        for path in ended:
            given = repr(target.generate(BytesStream(path.read_bytes())))
            report.failures.append(Failure(target.name, 0, 0, path.name.partition("-")[0], "", given))
            os.replace(path, folder / f"seen-{path.name}")
    return report


def _count(report: Report, target: Target, values: dict) -> None:
    report.answered += values["answered"]
    report.refused += values["refused"]
    report.slowest = max(report.slowest, values["slowest"])
    report.failures += [Failure(target.name, 0, 0, *kind) for kind in values["kinds"]]

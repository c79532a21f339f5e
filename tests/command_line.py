"""The installed program, as a user runs it."""

import subprocess
import sys
from pathlib import Path

PROGRAM = [str(Path(sys.executable).with_name("tensorrank"))]


def run(*arguments, **options):
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def assert_refused(done, message):
    """Bad input: one or two plain lines, exit 2, nothing on standard output."""
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) <= 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

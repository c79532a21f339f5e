"""The command line as a user runs it: installed, in a process of its own; or within this process."""

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import typer.testing

from tensorrank.cli.main import app

# Typer would make all verbs anew for each run within this process, which takes longer than most verbs.
typer.testing._get_command = functools.cache(typer.testing._get_command)

PROGRAM = [str(Path(sys.executable).with_name("tensorrank"))]
_LONGEST = 300
# What an error is made of after --json, in this order.
PARTS = ["error", "what", "given", "expected", "try", "where", "code"]


def run(*arguments, cwd=None):
    """The program in a process of its own, which has everything imported: a copy of one that waits (`forked_program`).

    What a start reads, such as variables of the environment, is the same as ever; a test that changes it starts the
    program itself, as `run_afresh` does.
    """
    if not hasattr(os, "fork"):
        return run_afresh(*arguments, cwd=cwd)
    words = [*PROGRAM, *map(str, arguments)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        code = _copies(_environment()).run(words, cwd or os.getcwd(), output, errors)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(words, code, *texts)


def run_afresh(*arguments, **options):
    """The program as a user starts it, with options of `subprocess.run`."""
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=_LONGEST, **options)


def invoked(words, *, env=None, catch_exceptions=True):
    """The program within this process: what typer's runner says of it."""
    return typer.testing.CliRunner(env=env).invoke(app, [str(word) for word in words], catch_exceptions=catch_exceptions)


def _environment():
    """The variables of the environment; pytest's own name the test that runs."""
    return tuple(sorted((name, value) for name, value in os.environ.items() if not name.startswith("PYTEST_")))


class _Copies:
    """A process that has imported the program and becomes it in a copy of itself, as often as it is asked to."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        ours.settimeout(_LONGEST)
        command = [sys.executable, "-P", str(Path(__file__).with_name("forked_program.py"))]
        with theirs:
            self._process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL, start_new_session=True)
        self._socket = ours
        atexit.register(self.end)

    def run(self, words, folder, output, errors):
        """The exit code of the program with these words in a folder."""
        try:
            message = json.dumps([words, str(folder)]).encode()
            socket.send_fds(self._socket, [message], [output.fileno(), errors.fileno()])
            return int(self._socket.recv(20))
        except BaseException:
            self.end()
            _copies.cache_clear()
            raise

    def end(self):
        """End the process; what it has begun and not finished ends with it."""
        self._socket.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
        self._process.wait()


@functools.lru_cache(maxsize=1)
def _copies(environment):
    """The process for an environment; another one takes its place when the environment changes."""
    return _Copies()


def assert_refused(done, message):
    """Bad input: one or two plain lines, exit 2, nothing on standard output."""
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) <= 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

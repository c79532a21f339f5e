"""The one runner of all targets: consumes inputs in a child process, and knows which one hung or broke it."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.target import Target

# A case that takes longer hangs. Time of the processor counts, so that a busy machine makes no hang; a case that
# sleeps is given up later.
LONGEST, LONGEST_ASLEEP = 20.0, 60.0
# Before the first case a child imports everything, and in a fresh environment compiles kernels.
_LONGEST_START = 300.0
# A child is replaced after so many cases, so that what the library keeps in caches does not add up.
_CASES_OF_A_CHILD = 5000
_TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Failure:
    """A case that failed: `Target.given(seed, case)` is its input."""

    target: str
    seed: int
    case: int
    message: str
    where: str
    given: str

    def __str__(self) -> str:
        return (
            f"{self.target}, seed {self.seed}, case {self.case}: {self.message}\n  at {self.where or '?'}\n  input {self.given}"
        )


@dataclass
class Report:
    """Counts of a run of one target."""

    target: str
    answered: int = 0
    refused: int = 0
    failures: list[Failure] = field(default_factory=list)
    slowest: float = 0.0
    slowest_case: int = 0

    @property
    def cases(self) -> int:
        """How many inputs were consumed."""
        return self.answered + self.refused + len(self.failures)

    def add(self, other: "Report") -> None:
        """Take in the counts of another run of the same target."""
        self.answered += other.answered
        self.refused += other.refused
        self.failures += other.failures
        self.slowest, self.slowest_case = max((self.slowest, self.slowest_case), (other.slowest, other.slowest_case))

    def __str__(self) -> str:
        return (
            f"{self.target}: {self.cases:,} cases, {self.answered:,} answered, {self.refused:,} refused in words, "
            f"{len(self.failures)} failures; the slowest took {self.slowest:.1f} s of a processor (case {self.slowest_case})"
        )


def child_environment() -> dict[str, str]:
    """The environment in which a child finds its targets."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))}


def run(target: Target, seed: int, first: int, last: int, until: float | None = None) -> Report:
    """Consume cases first to last - 1 of a target; `until` is a monotonic time after which no case begins."""
    report = Report(target.name)
    while first < last and (until is None or time.monotonic() < until):
        first = _run_child(target, seed, first, min(last, first + _CASES_OF_A_CHILD), report, until)
    return report


def _run_child(target: Target, seed: int, first: int, last: int, report: Report, until: float | None) -> int:
    """Consume cases in one child; returns the first case that is left."""
    command = [sys.executable, "-m", "fuzz.child", target.name, *map(str, (seed, first, last))]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, stderr=errors)
        begun = None
        try:
            for line in _Lines(child):
                if line is None:
                    child.send_signal(signal.SIGABRT)  # faulthandler writes where it is
                    child.wait()
                    break
                values = json.loads(line)
                if "begun" in values:
                    begun = values["begun"]
                    continue
                first, begun = values["done"] + 1, None
                _count(report, target, seed, values)
                if until is not None and time.monotonic() > until:
                    return first
            else:
                if child.wait() == 0:
                    return last
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        errors.seek(0)
        told = errors.read().decode(errors="replace")
    if begun is None:
        raise RuntimeError(f"the child of {target.name} ended with {child.returncode} outside of a case:\n{told[-3000:]}")
    hung = child.returncode == -signal.SIGABRT and line is None
    message = f"no answer in {LONGEST:.0f} s" if hung else f"the process ended with {child.returncode}"
    report.failures.append(Failure(target.name, seed, begun, message, _stack(told), repr(target.given(seed, begun))))
    report.slowest, report.slowest_case = max((report.slowest, report.slowest_case), (LONGEST if hung else 0.0, begun))
    return begun + 1


def _count(report: Report, target: Target, seed: int, values: dict) -> None:
    if values["kind"] == "failed":
        given = repr(target.given(seed, values["done"]))
        report.failures.append(Failure(target.name, seed, values["done"], values["message"], values["where"], given))
    elif values["kind"] == "void":
        return
    elif values["kind"] == "refused":
        report.refused += 1
    else:
        report.answered += 1
    report.slowest, report.slowest_case = max((report.slowest, report.slowest_case), (values["seconds"], values["done"]))


class _Lines:
    """The lines that a child writes; None once it has spent too long on one case."""

    def __init__(self, child: subprocess.Popen) -> None:
        self._child = child

    def __iter__(self):
        stream, rest, begun = self._child.stdout, b"", False
        since, spent = time.monotonic(), processor_seconds(self._child.pid)
        while True:
            if select.select([stream], [], [], 0.5)[0]:
                read = os.read(stream.fileno(), 2**16)
                if not read:
                    return
                *lines, rest = (rest + read).split(b"\n")
                yield from lines
                begun = begun or bool(lines)
                since, spent = time.monotonic(), processor_seconds(self._child.pid)
                continue
            asleep, awake = time.monotonic() - since, processor_seconds(self._child.pid) - spent
            if not begun:
                awake, asleep = 0.0, asleep - _LONGEST_START
            if awake > LONGEST or asleep > LONGEST_ASLEEP:
                yield None
                return


def processor_seconds(pid: int) -> float:
    """The processor time of a process; its age where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stack(told: str) -> str:
    """The innermost places in the package of a stack that faulthandler wrote, the innermost first."""
    frames = [line.strip() for line in told.splitlines() if "/tensorrank/" in line and line.strip().startswith("File")]
    return " < ".join(frame.rpartition("/tensorrank/")[2].replace('", line ', ":").replace(" in ", " ") for frame in frames[:3])

"""`make fuzz`: fuzz targets for as long as one likes, and report counts.

With atheris (Linux on x86-64) coverage guides the inputs; otherwise, or with --plain, they are random, and every round
has a new seed. Failures are listed with their inputs, each kind once.
"""

import argparse
import sys
import time

from fuzz import guidance
from fuzz.runner import Failure, Report, run
from fuzz.targets import TARGETS

# Cases of a target between two looks at the clock.
_ROUND = 2000


def kinds(failures: list[Failure]) -> list[Failure]:
    """The first failure of each kind: of one error at one place."""
    found: dict[tuple[str, str], Failure] = {}
    for failure in failures:
        found.setdefault((failure.message.partition(":")[0], failure.where or failure.message), failure)
    return list(found.values())


def fuzz(names: list[str], seconds: float, seed: int, cases: int | None) -> list[Report]:
    """Consume random inputs of each target for as long, or so many."""
    reports = []
    for name in names:
        report, until, first = Report(name), time.monotonic() + seconds / len(names), 0
        while time.monotonic() < until and (cases is None or first < cases):
            last = first + (_ROUND if cases is None else min(_ROUND, cases - first))
            report.add(run(TARGETS[name], seed, first, last, until))
            first += _ROUND
        reports.append(report)
    return reports


def main() -> int:
    """Run what the command line asks for; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=["all", *TARGETS], default="all")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, help="of each target, instead of as many as the time allows")
    parser.add_argument("--plain", action="store_true", help="random inputs, without atheris")
    given = parser.parse_args()
    names = list(TARGETS) if given.target == "all" else [given.target]
    seconds = given.seconds if given.cases is None else float("inf")
    if given.cases is None and not given.plain and guidance.is_there():
        print(f"guided by coverage; inputs that reach new lines are kept in {guidance.CORPUS}/")
        reports = [guidance.run_guided(TARGETS[name], seconds / len(names)) for name in names]
    else:
        reports = fuzz(names, seconds, given.seed, given.cases)
    failures = [failure for report in reports for failure in report.failures]
    for failure in kinds(failures):
        print(failure)
    print(*reports, sep="\n")
    print(f"{sum(report.cases for report in reports):,} cases, {len(failures)} failures of {len(kinds(failures))} kinds")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

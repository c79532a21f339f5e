"""`make differential`: compare ranks and reductions with FLINT, brute force, or each other, and report counts."""

import argparse
import sys
import time
from collections import Counter

from differential import architectures, engines, failure_probabilities, matrices, mixtures, networks, tasks

_MODULES = (matrices, networks, mixtures, architectures, tasks, failure_probabilities, engines)
COMPARISONS = tuple(one for module in _MODULES for one in module.COMPARISONS)


def compare(names: list[str], seconds: float, seed: int, cases: int | None) -> tuple[dict[str, Counter], list[str]]:
    """Ask questions until the time is over, or so many of each kind; what was found, and what is wrong.

    The next question is of the kind that has taken the least time, so that slow kinds leave time for the others.
    """
    found: dict[str, Counter] = {name: Counter() for name in names}
    asked = {one: 0 for one in COMPARISONS if one.name in found}
    spent, wrong = dict.fromkeys(asked, 0.0), []
    until = time.monotonic() + seconds
    while asked and (start := time.monotonic()) < until:
        one = min(asked, key=lambda kind: spent[kind])
        number = asked[one]
        try:
            told = one.case(seed, number)
        except Exception as error:
            told = "WRONG"
            wrong.append(f"{one.name}, seed {seed}, case {number}: {type(error).__name__}: {str(error)[:2000]}")
        if told is not None:
            found[one.name][told] += 1
        asked[one] += 1
        spent[one] += time.monotonic() - start
        if asked[one] == cases:
            del asked[one]
    return found, wrong


def main() -> int:
    """Run what the command line asks for; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make differential", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, help="of each kind, instead of as many as the time allows")
    parser.add_argument("--only", choices=[one.name for one in COMPARISONS], help="one kind")
    given = parser.parse_args()
    names = [given.only] if given.only else [one.name for one in COMPARISONS]
    found, wrong = compare(names, given.seconds if given.cases is None else float("inf"), given.seed, given.cases)
    print(*wrong, sep="\n")
    for name, counts in found.items():
        print(f"{name}: {counts.total():,}; {', '.join(f'{word} {count:,}' for word, count in sorted(counts.items()))}")
    print(f"{sum(counts.total() for counts in found.values()):,} comparisons, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

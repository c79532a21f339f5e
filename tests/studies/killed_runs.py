"""A study killed at random moments, again and again: run as a program, which prints what it found as JSON.

    python killed_runs.py FOLDER KILLS [SEED [ENGINE]]

Each run is a forked child, so that a kill may come at any moment from the opening of the store on. With a named engine
for small primes, every block is tried at these first.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import tensorrank as tr
from tensorrank.arithmetic.primes import SMALL_PRIMES
from tensorrank.experiments.depth_series import COLUMNS, write_table
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.store import Store

# Exact, probable and lower bounds; blocks of some milliseconds.
MODELS = tr.Study.over(tr.SelfAttention, width=(2, 3), heads=(1, 2, 3), depth=(1, 2, 3, 4)).models
STUDY = tr.Study([*MODELS, tr.SelfAttention(2, 5, head_dim=3)], work=4e8, threads=1)


def key_of(event):
    return json.dumps([event.model.text, *vars(event.key).values()])


def run(study, folder, log):
    """The study in this process; every block computed is noted before the next begins."""
    with Store(folder / "study.sqlite") as store, log.open("ab", buffering=0) as notes:

        def observe(event):
            if isinstance(event, BlockFinished) and event.fresh:
                notes.write(key_of(event).encode() + b"\n")

        write_table(study.run(store, observe), folder / "ranks.csv")


def run_and_kill(study, folder, log, delay):
    """Whether the run ended by itself before it was killed."""
    child = os.fork()
    if not child:
        try:
            run(study, folder, log)
            os._exit(0)
        finally:
            os._exit(1)
    ends = time.monotonic() + delay
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0, f"a run failed with status {status}"
            return True
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def stored(folder):
    """The keys of the blocks in the store, as SQLite alone reads them."""
    path = folder / "study.sqlite"
    if not path.exists():
        return set()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "blocks" not in tables:
            return set()
        rows = connection.execute("SELECT model, draw, prime, degree, asked FROM blocks").fetchall()
    return {json.dumps(row) for row in rows}


def table(folder):
    """The table without its times."""
    lines = (folder / "ranks.csv").read_text().splitlines()
    seconds = COLUMNS.index("seconds")
    return [",".join(cell for place, cell in enumerate(line.split(",")) if place != seconds) for line in lines]


def results(folder):
    """All that the store says of the ranks: values, standings, primes and what else they rest on."""
    with Store(folder / "study.sqlite", read_only=True) as store:
        return {model: stored.result for model, stored in store}


def main():
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    study = replace(STUDY, engine=sys.argv[4] if len(sys.argv) > 4 else "auto")
    random.seed(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    whole = folder / "whole"
    whole.mkdir()
    run(study, whole, whole / "log")  # compiles kernels
    (whole / "study.sqlite").unlink()
    started = time.monotonic()
    run(study, whole, whole / "log")
    taken = time.monotonic() - started
    done, rounds, twice, lost = 0, 0, [], []
    while done < kills:
        place = folder / f"round{rounds}"
        place.mkdir()
        known = set()
        for attempt in range(10**6):
            log = place / f"log{attempt}"
            # Some kills come while the store is being made or the first block computed.
            delay = random.random() ** 2 * taken
            ended = run_and_kill(study, place, log, delay)
            lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
            computed = [line.decode() for line in lines]
            twice += [key for key in computed if key in known] + computed[len(set(computed)) :]
            now = stored(place)
            lost += [key for key in known | set(computed) if key not in now]
            known = now
            if ended:
                break
            done += 1
        rounds += 1
        assert table(place) == table(whole), "the table differs from that of an uninterrupted run"
        assert results(place) == results(whole), "the results differ from those of an uninterrupted run"
    findings = list(study.run(Store(whole / "study.sqlite")))
    json.dump(
        {
            "kills": done,
            "rounds": rounds,
            "seconds": taken,
            "twice": twice[:3],
            "lost": lost[:3],
            "blocks": len(known),
            "small": sum(prime < SMALL_PRIMES.least for one in results(whole).values() for prime in one.primes),
            "standings": sorted({finding.result.standing for finding in findings}),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()

"""`tensorrank study` ended at random moments, by SIGKILL, SIGINT and SIGTERM: run as a program, which prints JSON.

    python killed_programs.py FOLDER KILLS [SEED]

Each run is a forked child that has everything loaded, so that a signal may come at any moment: while the store is made,
while blocks are computed over files, while the table and the pictures are written. A round ends with a run that nobody
ends. Then the folder must hold what it holds after a single run, and nothing else.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from studies.killed_runs import table

from tensorrank.cli.main import app

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


def words(folder):
    """The command: exact, probable and lower bounds, some over files."""
    sizes = ["--widths", "2-3", "--depths", "1-3", "--work", "1e8", "--memory", "3MB", "--threads", "1", "--format", "png"]
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    places = ["--out", folder, "--scratch", folder / "scratch", "--log-json", folder / "log", "--grace", "0.05", "--json"]
    return ["study", *sizes, *map(str, places)]


def run(folder):
    """The command in a child; its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        app(words(folder))
        code = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:  # before the program could hear of it, or after its end
        code = 130
    finally:
        os._exit(code or 0)


def ended(folder, number, delay):
    """How the child ended after a signal of this number was sent to it, if it had not ended before."""
    child = run(folder)
    ends = time.monotonic() + delay
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(folder):
    """The names in the folder and below, without those of this program."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name not in ("log", "errors"))


def main():
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    random.seed(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    for name in ("compiled", "whole"):
        (folder / name).mkdir()
        started = time.monotonic()
        assert ended(folder / name, signal.SIGKILL, 600) == 0, (folder / name / "errors").read_text()
        taken = time.monotonic() - started
    whole = folder / "whole"
    done, codes, stray, odd_lines, round_number = 0, {}, set(), [], 0
    while done < kills:
        place = folder / f"round{round_number}"
        place.mkdir()
        # Some rounds are ended once, in the last steps; others again and again.
        for _ in range(random.choice([1, 3, 6])):
            code = ended(place, random.choice(SIGNALS), random.random() * taken)
            codes[code] = codes.get(code, 0) + 1
            done += code != 0
        assert ended(place, signal.SIGKILL, 600) == 0, (place / "errors").read_text()
        stray |= set(contents(place)) ^ set(contents(whole))
        assert table(place) == table(whole), "the table differs from that of an uninterrupted run"
        for line in (place / "log").read_text().splitlines():
            try:
                json.loads(line)
            except ValueError:
                odd_lines.append(line)
        traces = [line for line in (place / "errors").read_text().splitlines() if "Traceback" in line]
        assert not traces, (place / "errors").read_text()
        round_number += 1
    json.dump(
        {
            "kills": done,
            "rounds": round_number,
            "seconds": taken,
            "codes": {str(code): count for code, count in sorted(codes.items())},
            "stray": sorted(stray),
            "odd lines": odd_lines[:3],
            "contents": contents(whole),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()

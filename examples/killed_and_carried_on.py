"""A study that is killed again and again loses no finished block and computes none twice.

The same study runs once without disturbance, and once killed (SIGKILL) after every so many blocks and carried on; the
log of events tells when each block was finished. Run: python examples/killed_and_carried_on.py [--quick]
"""

import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

import tensorrank as tr
from tensorrank.pictures.look import grey, hue, settings

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
# Blocks after which a run is killed; each run finishes so many, so the last one comes.
allowed = 60 if quick else 30
depths = "1-4" if quick else "1-5"


def study(folder):
    """The study as a process of its own."""
    program = [str(Path(sys.executable).with_name("tensorrank")), "study", "--widths", "2,3", "--depths", depths]
    more = ["--heads", "1,2,3", "--work", "5e9", "--threads", "1", "--out", folder, "--log-json", folder / "log"]
    return subprocess.Popen([*program, *map(str, more)], stdout=subprocess.DEVNULL)


def blocks(folder):
    """When blocks were finished, in seconds since the epoch, and which."""
    log = folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    events = [json.loads(line) for line in lines if line.endswith("}")]
    fresh = [event for event in events if event["event"] == "block finished" and event["fresh"]]
    what = ("width", "depth", "heads", "draw", "degree", "asked")
    return [(datetime.fromisoformat(e["time"]).timestamp(), tuple(e[name] for name in what)) for e in fresh]


def table(folder):
    """The rows of the table, without the seconds."""
    rows = (folder / "ranks.csv").read_text().splitlines()
    seconds = rows[0].split(",").index("seconds")
    return [[cell for place, cell in enumerate(row.split(",")) if place != seconds] for row in rows]


with tempfile.TemporaryDirectory() as place:
    whole, killed = Path(place) / "whole", Path(place) / "killed"
    curves = {}
    for folder, disturbed in ((whole, False), (killed, True)):
        folder.mkdir()
        started, kills = time.time(), []
        while True:
            run, before = study(folder), len(blocks(folder))
            while run.poll() is None and (not disturbed or len(blocks(folder)) < before + allowed):
                time.sleep(0.01)
            if run.poll() == 0:
                break
            run.kill()
            assert run.wait() < 0, "a run failed by itself"
            kills.append(time.time() - started)
        finished = blocks(folder)
        assert len({block for _, block in finished}) == len(finished), "a block was computed twice"
        curves[folder] = [moment - started for moment, _ in finished], kills
    assert table(whole) == table(killed), "the tables differ"

with mpl.rc_context({"font.size": 9, **settings()}):
    figure = Figure(figsize=(6.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for folder, label, colour, style in ((whole, "not disturbed", grey(0.53), "--"), (killed, "killed", hue("blue"), "-")):
        moments, kills = curves[folder]
        label += f" {len(kills)} times" if kills else ""
        axes.step([0, *moments], range(len(moments) + 1), where="post", color=colour, linestyle=style, label=label)
    for number, moment in enumerate(kills):
        axes.axvline(moment, color=hue("vermilion"), linewidth=0.8, label="" if number else "kill -9, and started again")
    axes.set(xlabel="seconds since the first start", ylabel="blocks finished", ylim=(0, None), xlim=(0, None))
    axes.set_title(f"Killed {len(kills)} times, a study computes each of its {len(moments)} blocks once", loc="left")
    axes.legend(loc="lower right", frameon=True, framealpha=1, edgecolor="none")
for path in tr.figures.save(figure, out / "killed_and_carried_on"):
    print(path)
print(f"{len(moments)} blocks, {len(kills)} kills, no block computed twice; the two tables agree")

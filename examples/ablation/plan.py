"""What the ablation trains, what is finished of it, and the tables it makes; without PyTorch."""

import csv
import json
import math
import os
from dataclasses import asdict, dataclass

KINDS = ("softmax", "softmax_free")
COLUMNS = ("depth", "width", "parameters", "loss", "seed", "steps", "rate", "seconds", "text")


@dataclass(frozen=True)
class Run:
    """One network to train."""

    attention: str
    depth: int
    width: int
    seed: int
    steps: int
    rate: float

    @property
    def parameters(self):
        """Without embeddings and gains: 12 L d^2."""
        return 12 * self.depth * self.width**2

    @property
    def name(self):
        """What its files are called."""
        return f"{self.attention}-depth{self.depth}-width{self.width}-seed{self.seed}-steps{self.steps}"


def widths(depth, sizes):
    """Widths, multiples of 4 and above 48 of 8, whose networks of this depth come nearest to the sizes."""
    exact = (math.sqrt(size / (12 * depth)) for size in sizes)
    return sorted({max(8, step * round(width / step)) for width in exact for step in [4 if width < 48 else 8]})


def rate(width):
    """The greatest learning rate: the best of 1 to 16 thousandths fell about as 1 / width in trials of 1600 steps."""
    return round(min(0.3 / width, 0.02), 6)


def planned(quick, seeds):
    """The runs, one seed after the other, and of each seed the largest networks first."""
    depths, steps = ((1, 2, 3), 300) if quick else ((1, 2, 3, 4, 6), 5000)
    sizes = [5000 * 2**k for k in range(4 if quick else 8)]
    runs = [
        Run(attention, depth, width, seed, steps, rate(width))
        for seed in range(seeds)
        for attention in KINDS
        for depth in depths
        for width in widths(depth, sizes)
    ]
    return sorted(runs, key=lambda run: (run.seed, -run.parameters, run.depth))


def finished(runs, folder, mark):
    """The rows of the runs that are done, on the text of this mark; others are to be trained again."""
    rows = []
    for run in runs:
        path = folder / f"{run.name}.json"
        row = json.loads(path.read_text()) if path.exists() else {}
        if row.get("text") == mark and all(row[name] == value for name, value in asdict(run).items()):
            rows.append(row)
    return rows


def write(path, save):
    """Whole or not at all."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    save(temporary)
    temporary.replace(path)


def tables(rows, out):
    """One CSV for each kind of attention, ordered by depth, width and seed."""
    for kind in KINDS:
        chosen = [row for row in rows if row["attention"] == kind]
        chosen.sort(key=lambda row: (row["depth"], row["width"], row["seed"]))

        def save(path, chosen=chosen):
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
                writer.writeheader()
                writer.writerows(chosen)

        write(out / f"{kind}.csv", save)

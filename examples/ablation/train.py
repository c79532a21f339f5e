"""Where does a deeper transformer overtake a shallower one of equal size? Small networks, trained here, with answers.

Trains causal transformers of depth 1, 2, 3, 4 and 6 and many widths, with softmax and without, to predict the
characters of the standard library's documentation; writes a table of losses for each kind, which `tensorrank ablation`
reads, and draws loss against size. What is finished is kept: interrupt it, run it again, and it carries on.

Run: python examples/ablation/train.py [--quick]    (two hours on two cores; quick, two minutes)
Needs PyTorch: pip install 'tensorrank[torch]'
"""

import argparse
import csv
import json
import math
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import text

import tensorrank as tr

try:
    import torch
    from torch.nn.functional import cross_entropy
    from transformer import Transformer
except ImportError:
    sys.exit("this example needs PyTorch: pip install 'tensorrank[torch]'")

LENGTH, BATCH, HEADS = 128, 4, 2
SAVED_EVERY = 20.0  # seconds
KINDS = ("softmax", "softmax_free")


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
        """Without embeddings, gains and positions: 12 L d^2."""
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


def batch(data, run, step):
    """Random windows, and the characters that follow; the same for every network of a seed."""
    rng = torch.Generator().manual_seed(1_000_003 * run.seed + step)
    starts = torch.randint(len(data) - LENGTH, (BATCH,), generator=rng)
    windows = data[starts[:, None] + torch.arange(LENGTH + 1)].long()
    return windows[:, :-1], windows[:, 1:]


def held_out_loss(network, data):
    """The mean loss in nats a character over all windows of the text held out."""
    count = (len(data) - 1) // LENGTH
    inputs = data[: count * LENGTH].view(count, LENGTH).long()
    targets = data[1 : count * LENGTH + 1].view(count, LENGTH).long()
    with torch.no_grad():
        sums = [
            cross_entropy(network(one).flatten(0, 1), other.flatten(), reduction="sum").item()
            for one, other in zip(inputs.split(64), targets.split(64), strict=True)
        ]
    return math.fsum(sums) / targets.numel()


def write(path, save):
    """Whole or not at all."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    save(temporary)
    temporary.replace(path)


def train(run, folder):
    """Train, or go on from the last state saved; the row of results, or None where the work was stopped."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    network = Transformer(run.depth, run.width, heads=HEADS, softmax=run.attention == "softmax",
                          characters=len(text.CHARACTERS), length=LENGTH)  # fmt: skip
    optimiser = torch.optim.AdamW(network.parameters(), lr=run.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    state = folder / f"{run.name}.pt"
    first, spent = 0, 0.0
    if state.exists():
        saved = torch.load(state)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        first, spent = saved["step"], saved["seconds"]
    begun = kept = time.monotonic()
    warm = run.steps // 20 + 1
    for step in range(first, run.steps):
        now = time.monotonic()
        if _stop.is_set() or now - kept > SAVED_EVERY:
            kept = now
            values = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step,
                      "seconds": spent + now - begun}  # fmt: skip
            write(state, lambda path, values=values: torch.save(values, path))
            if _stop.is_set():
                return None
        # Up to the rate in a twentieth of the steps, then down to a tenth of it along a cosine.
        falling = 0.55 + 0.45 * math.cos(math.pi * (step - warm) / (run.steps - warm))
        for group in optimiser.param_groups:
            group["lr"] = run.rate * min((step + 1) / warm, falling)
        inputs, targets = batch(_trained, run, step)
        loss = cross_entropy(network(inputs).flatten(0, 1), targets.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    loss = held_out_loss(network, _held)
    row = {**asdict(run), "parameters": run.parameters, "loss": round(loss, 6), "text": _mark,
           "seconds": round(spent + time.monotonic() - begun, 1)}  # fmt: skip
    write(folder / f"{run.name}.json", lambda path: path.write_text(json.dumps(row)))
    state.unlink(missing_ok=True)
    return row


def _ready(stop):
    """What each worker has: the text and the signal to stop; an interrupt is for the parent."""
    global _stop, _trained, _held, _mark
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trained, held, _mark = text.split()
    _stop = stop
    _trained, _held = (torch.frombuffer(bytearray(part), dtype=torch.uint8) for part in (trained, held))


def tables(rows, out):
    """One CSV for each kind of attention, ordered by depth, width and seed."""
    columns = ("depth", "width", "parameters", "loss", "seed", "steps", "rate", "seconds", "text")
    for kind in KINDS:
        chosen = sorted((row for row in rows if row["attention"] == kind),
                        key=lambda row: (row["depth"], row["width"], row["seed"]))  # fmt: skip

        def save(path, chosen=chosen):
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
                writer.writeheader()
                writer.writerows(chosen)

        write(out / f"{kind}.csv", save)


def tell(out):
    """Where the deeper overtake, the fit if there is one, and the pictures."""
    for kind in KINDS:
        data = tr.guidelines.read_ablation(out / f"{kind}.csv")
        print(f"\n{kind.replace('_', '-')} attention")
        for one in data.chosen():
            found = one.why if one.size is None else f"from {one.size:,.0f} parameters on, give or take {one.error:.0%}"
            print(f"  depth {one.deep} over depth {one.shallow}: {found}")
        try:
            fit = data.fit()
            print(f"  ln d = {fit.intercept:.2f} ± {fit.errors[0]:.2f} + ({fit.slope:.2f} ± {fit.errors[1]:.2f}) L")
        except tr.TensorRankError as error:
            print(f"  no fit: {error}")
        figure, _ = tr.figures.ablation(data, loss="held-out loss, nats a character")
        print("  picture:", tr.figures.save(figure, out / kind)[0])


def main():
    """Train what is not trained yet, then write the tables and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few small networks, hardly trained")
    parser.add_argument("--seeds", type=int, help="trainings of each network; 2 by default, 1 with --quick")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes; one a core by default")
    parser.add_argument("--out", type=Path, help="folder; examples/out/ablation by default")
    given = parser.parse_args()
    out = given.out or Path(__file__).parents[1] / "out" / ("ablation-quick" if given.quick else "ablation")
    folder = out / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    runs = planned(given.quick, given.seeds or (1 if given.quick else 2))
    known = {run: folder / f"{run.name}.json" for run in runs}
    rows = [json.loads(path.read_text()) for path in known.values() if path.exists()]
    waiting = [run for run, path in known.items() if not path.exists()]
    print(f"{len(runs)} networks, {len(rows)} of them trained before; interrupt at any time and run again")
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(given.workers, mp_context=context, initializer=_ready, initargs=(stop,))
    begun = time.monotonic()
    try:
        futures = [pool.submit(train, run, folder) for run in waiting]
        # Time grows about like size^(2/3) here, small networks being all overhead.
        whole = sum(run.parameters ** (2 / 3) for run in waiting)
        done = 0.0
        for future in as_completed(futures):
            row = future.result()
            rows.append(row)
            tables(rows, out)
            done += row["parameters"] ** (2 / 3)
            left = (time.monotonic() - begun) * (whole / done - 1) / 60
            print(f"{len(rows):4} of {len(runs)}: {row['attention']:12} depth {row['depth']} width {row['width']:3} "
                  f"seed {row['seed']}: {row['loss']:.4f} nats a character, {row['seconds']:.0f} s; "
                  f"about {left:.0f} min left", flush=True)  # fmt: skip
    except KeyboardInterrupt:
        stop.set()
        pool.shutdown(cancel_futures=True)
        print(f"interrupted: {len(rows)} of {len(runs)} networks are finished, the others kept in {folder} as far as "
              "they are; run again to carry on", file=sys.stderr)  # fmt: skip
        sys.exit(130)
    pool.shutdown()
    tables(rows, out)
    tell(out)


if __name__ == "__main__":
    main()

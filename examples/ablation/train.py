"""Where does a deeper transformer overtake a shallower one of equal size? Small networks, trained here, with answers.

Trains causal transformers of depth 1, 2, 3, 4 and 6 and many widths, with softmax and without, to predict the
characters of the standard library's documentation; writes a table of losses for each kind, which `tensorrank ablation`
reads, and draws loss against size. What is finished is kept: interrupt it, run it again, and it carries on.

Run: python examples/ablation/train.py [--quick]    (two hours on two cores; quick, a minute or two)
Needs PyTorch: pip install 'tensorrank[torch]'
"""

import argparse
import json
import math
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import text
from plan import KINDS, finished, planned, tables, write

import tensorrank as tr

try:
    import torch
    from torch.nn.functional import cross_entropy
    from transformer import Transformer
except ImportError:
    sys.exit("this example needs PyTorch: pip install 'tensorrank[torch]'")

LENGTH, BATCH, HEADS = 128, 4, 2
SAVED_EVERY = 20.0  # seconds


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


def train(run, folder):
    """Train, or go on from the last state saved; the row of results, or None where the work was stopped."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    network = Transformer(
        run.depth, run.width, heads=HEADS, softmax=run.attention == "softmax", characters=len(text.CHARACTERS), length=LENGTH
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=run.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    state, made_by = folder / f"{run.name}.pt", {**asdict(run), "text": _mark, "length": LENGTH, "batch": BATCH}
    first, spent = 0, 0.0
    saved = torch.load(state) if state.exists() else {}
    if saved.get("made_by") == made_by:
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        first, spent = saved["step"], saved["seconds"]
    begun = kept = time.monotonic()
    warm = run.steps // 20 + 1
    for step in range(first, run.steps):
        now = time.monotonic()
        if _stop.is_set() or now - kept > SAVED_EVERY:
            kept = now
            values = {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step,
                "seconds": spent + now - begun,
                "made_by": made_by,
            }
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
    row = {
        **asdict(run),
        "parameters": run.parameters,
        "loss": round(loss, 6),
        "text": _mark,
        "seconds": round(spent + time.monotonic() - begun, 1),
    }
    write(folder / f"{run.name}.json", lambda path: path.write_text(json.dumps(row)))
    state.unlink(missing_ok=True)
    return row


def ready(stop):
    """What each worker has: the text and the signal to stop; an interrupt is for the parent."""
    global _stop, _trained, _held, _mark
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trained, held, _mark = text.split()
    _stop = stop
    _trained, _held = (torch.frombuffer(bytearray(part), dtype=torch.uint8) for part in (trained, held))


def train_all(runs, rows, out, workers):
    """Train the runs that have no row yet, and keep the tables up to date."""
    done = {(row["attention"], row["depth"], row["width"], row["seed"]) for row in rows}
    waiting = [run for run in runs if (run.attention, run.depth, run.width, run.seed) not in done]
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=ready, initargs=(stop,))
    begun, spent = time.monotonic(), 0.0
    # Time grows about as the square root of the size here: small networks are all overhead, and depth costs.
    cost = {run: run.depth**0.5 * run.parameters**0.4 for run in waiting}
    try:
        futures = {pool.submit(train, run, out / "runs"): run for run in waiting}
        for future in as_completed(futures):
            row, run = future.result(), futures[future]
            rows.append(row)
            tables(rows, out)
            spent += cost[run]
            left = (time.monotonic() - begun) * (sum(cost.values()) / spent - 1) / 60
            print(
                f"{len(rows):4} of {len(runs)}: {run.attention:12} depth {run.depth} width {run.width:3} "
                f"seed {run.seed}: {row['loss']:.4f} nats a character, {row['seconds']:.0f} s; "
                f"about {left:.0f} min left",
                flush=True,
            )
    finally:
        # Whatever ends this, the others save how far they are.
        stop.set()
        pool.shutdown(cancel_futures=True)


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
    (out / "runs").mkdir(parents=True, exist_ok=True)
    runs = planned(given.quick, given.seeds or (1 if given.quick else 2))
    rows = finished(runs, out / "runs", text.split()[2])
    print(f"{len(runs)} networks, {len(rows)} of them trained before; interrupt at any time and run again")
    try:
        train_all(runs, rows, out, given.workers)
    except KeyboardInterrupt:
        print(
            f"interrupted: {len(rows)} of {len(runs)} networks are finished, the others kept in {out / 'runs'} as "
            "far as they are; run again to carry on",
            file=sys.stderr,
        )
        sys.exit(130)
    tables(rows, out)
    tell(out)


if __name__ == "__main__":
    main()

"""Trains the small transformers whose weights `examples/trained_weights.py` looks at, and saves them.

Widths 4 and 8, depths 1 to 3, two heads, softmax, three seeds; of each the weights before and after training, in one
file of safetensors. Names begin with the network and "initial." or "trained.".

Run: python examples/ablation/save_weights.py    (some ten minutes on one core)
Needs PyTorch and safetensors: pip install 'tensorrank[torch]'
"""

import json
import math
import sys
import time
from pathlib import Path

import text
from plan import Run, rate

try:
    import torch
    from safetensors.torch import save_file
    from torch.nn.functional import cross_entropy
    from train import HEADS, LENGTH, batch, held_out_loss
    from transformer import Transformer
except ImportError:
    sys.exit("this example needs PyTorch and safetensors: pip install 'tensorrank[torch]'")

FILE = Path(__file__).parents[1] / "trained_weights.safetensors"
STEPS = 3000
RUNS = [Run("softmax", depth, width, seed, STEPS, rate(width)) for width in (4, 8) for depth in (1, 2, 3) for seed in (0, 1, 2)]


def train(run, data):
    """The network before and after training, as weights by name, and the trained network."""
    torch.manual_seed(run.seed)
    sizes = {"heads": HEADS, "softmax": True, "characters": len(text.CHARACTERS), "length": LENGTH}
    network = Transformer(run.depth, run.width, **sizes)
    initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=run.rate, betas=(0.9, 0.98), weight_decay=0.01)
    warm = run.steps // 20
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, 0.55 + 0.45 * math.cos(math.pi * step / run.steps))
    )
    for step in range(run.steps):
        inputs, targets = batch(data, run, step)
        loss = cross_entropy(network(inputs).flatten(0, 1), targets.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return initial, network.state_dict(), network


def main():
    """Train every network, and save the weights and the held-out losses."""
    torch.set_num_threads(1)
    trained, held, mark = text.split()
    trained, held = (torch.frombuffer(bytearray(part), dtype=torch.uint8) for part in (trained, held))
    tensors, losses = {}, {}
    for run in RUNS:
        begun, name = time.monotonic(), f"width{run.width}-depth{run.depth}-seed{run.seed}"
        initial, final, network = train(run, trained)
        for state, weights in (("initial", initial), ("trained", final)):
            tensors |= {f"{name}.{state}.{key}": tensor.contiguous() for key, tensor in weights.items()}
        losses[name] = round(held_out_loss(network, held), 4)
        print(f"{name}: {losses[name]} nats a character, {time.monotonic() - begun:.0f} s", flush=True)
    save_file(tensors, FILE, {"losses": json.dumps(losses), "text": mark, "steps": str(STEPS)})
    print("weights:", FILE)


if __name__ == "__main__":
    main()

"""Any function of several inputs has a numerical separation rank; only a gap in its spectrum makes it worth believing.

Self-attention without softmax, given as a plain function, has a gap of eleven orders of magnitude: its rank can be
read off, and agrees with the exact one. With softmax the singular values fall without a gap, and so do those of a
small PyTorch network: every tolerance gives another rank.
Run: python examples/models_you_bring.py [--quick]
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import tensorrank as tr

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
samples = 256 if quick else 512

query, key, value, output = np.random.default_rng(0).standard_normal((4, 2, 2, 2))


def attention_without_softmax(tokens):
    """Two layers of width 2: tokens of shape (count, 2, 2) to coordinate 0 of token 0, of shape (count,)."""
    for q, k, v, o in zip(query, key, value, output, strict=True):
        scores = (tokens @ q.T) @ (tokens @ k.T).swapaxes(1, 2)
        tokens = scores @ (tokens @ v.T) @ o.T
    return tokens[:, 0, 0]


models = {
    "attention without softmax": tr.NumericalModel(attention_without_softmax, sites=2, site_shape=2),
    "softmax attention": tr.SoftmaxAttention(depth=2, width=2, tokens=2),
}
if find_spec("torch"):
    import torch

    torch.manual_seed(0)
    layers = (torch.nn.Flatten(), torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    models["PyTorch module"] = tr.NumericalModel(torch.nn.Sequential(*layers).double(), sites=2, site_shape=2)
else:
    print("PyTorch module: skipped, torch is not installed")

results = {name: tr.numerical_separation_rank(model, samples=samples) for name, model in models.items()}
for name, result in results.items():
    print(f"{name}: {result}")
print("without softmax, exactly:", tr.separation_rank(tr.SelfAttention(depth=2, width=2, tokens=2)))

softmax = results["softmax attention"].spectrum
print("softmax attention, rank at a tolerance:", {rtol: softmax.rank_at(rtol) for rtol in (1e-2, 1e-4, 1e-8, 1e-12)})

figure, _ = tr.figures.spectrum(list(results.values()), list(results))
print("picture:", tr.figures.save(figure, out / "models_you_bring")[0])

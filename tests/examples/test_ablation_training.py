"""The training behind the ablation's tables; PyTorch is an extra, without which this is left out."""

import importlib
import math
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the ablation trains with PyTorch, which is not installed")
FOLDER = Path(__file__).parents[2] / "examples" / "ablation"


@pytest.fixture(scope="module")
def example():
    """The example's modules, as its folder has them."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("plan", "transformer", "train")}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("softmax", [True, False])
def test_layers_have_12_d_squared_weights_and_two_gains(example, softmax):
    network = example["transformer"].Transformer(3, 16, heads=2, softmax=softmax, characters=20, length=8)
    layers = sum(weight.numel() for weight in network.layers.parameters())
    assert layers == 3 * (12 * 16**2 + 2 * 16)
    assert sum(weight.numel() for weight in network.parameters()) == layers + 20 * 16 + 16


@pytest.mark.parametrize("softmax", [True, False])
def test_no_character_sees_those_after_it(example, softmax):
    torch.manual_seed(0)
    network = example["transformer"].Transformer(2, 16, heads=2, softmax=softmax, characters=20, length=8)
    one, other = torch.randint(20, (2, 1, 8))
    other[0, :5] = one[0, :5]
    seen, also = network(one), network(other)
    assert torch.allclose(seen[0, :5], also[0, :5], atol=1e-5)
    assert not torch.allclose(seen[0, 5:], also[0, 5:], atol=1e-2)


def test_attention_without_softmax_is_what_it_says(example):
    """Against loops over heads and tokens in numpy, positions as complex rotations."""
    torch.manual_seed(0)
    width, heads, length = 8, 2, 5
    layer = example["transformer"].Layer(width, heads, softmax=False)
    turned = example["transformer"].rotations(length, width // heads)
    tokens = torch.randn(1, length, width)
    found = layer(tokens, turned)[0].detach().numpy()

    def normed(x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)

    x = tokens[0].numpy().astype(float)
    q, k, v = (part.reshape(length, heads, -1) for part in np.split(normed(x) @ _matrix(layer.queries_keys_values).T, 3, 1))
    rates = float(length) ** -(np.arange(2) / 2)
    phase = np.exp(1j * np.arange(length)[:, None] * rates)
    out = np.zeros((length, heads, width // heads))
    for h in range(heads):
        a, b = ((y[:, h, :2] + 1j * y[:, h, 2:]) * phase for y in (q, k))
        for i in range(length):
            total = sum((a[i] * b[j].conj()).real.sum() * v[j, h] for j in range(i + 1))
            out[i, h] = total / np.sqrt((total**2).mean() + np.finfo(np.float32).eps)
    x = x + out.reshape(length, width) @ _matrix(layer.mixed).T
    inner = normed(x) @ _matrix(layer.up).T
    erf = np.vectorize(math.erf)
    x = x + (inner * (1 + erf(inner / np.sqrt(2))) / 2) @ _matrix(layer.down).T
    assert found == pytest.approx(x, abs=1e-4)


def _matrix(linear):
    return linear.weight.detach().numpy().astype(float)


class Stop:
    """A signal that is set after so many looks."""

    def __init__(self, looks):
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


def test_an_interrupted_training_ends_where_one_without_interruption_does(example, tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    train = example["train"]
    run = example["plan"].Run("softmax", 1, 8, seed=3, steps=20, rate=0.01)
    losses = []
    for name, stops in (("whole", [10**9]), ("parts", [7, 5, 10**9])):
        folder = tmp_path / name
        folder.mkdir()
        for looks in stops:
            train.ready(Stop(looks))
            row = train.train(run, folder)
        losses.append(row["loss"])
        assert [path.name for path in folder.iterdir()] == [f"{run.name}.json"]
        assert row["parameters"] == 12 * 64
    assert losses[0] == losses[1]


def test_an_interrupted_training_says_nothing_of_its_loss(example, tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    train = example["train"]
    train.ready(Stop(3))
    assert train.train(example["plan"].Run("softmax_free", 1, 8, 0, 20, 0.01), tmp_path) is None

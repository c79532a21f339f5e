"""Files as users have them, by name: what file targets change, and what calls and command lines name."""

import io
import json
import struct
from functools import cache
from math import log10, prod
from pathlib import Path

_LAYERS = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4}
CONFIGURATIONS = (
    {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024, "vocab_size": 50257},
    {**_LAYERS, "num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 64, "tie_word_embeddings": True},
    {"model_type": "t5", "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4, "vocab_size": 100},
    {"model_type": "bert", **{name: value for name, value in _LAYERS.items() if name != "model_type"}, "vocab_size": 100}
    | {"max_position_embeddings": 64, "type_vocab_size": 2},
    {**_LAYERS, "model_type": "qwen3_moe", "vocab_size": 9, "num_experts": 4, "num_experts_per_tok": 2, "mlp_only_layers": [1]},
    {**_LAYERS, "model_type": "deepseek_v3", "vocab_size": 100, "kv_lora_rank": 8, "q_lora_rank": 8, "n_routed_experts": 8},
    {**_LAYERS, "model_type": "deberta-v2", "vocab_size": 100, "relative_attention": True, "pos_att_type": "p2c|c2p"},
    {"model_type": "mpt", "d_model": 64, "n_heads": 4, "n_layers": 2, "vocab_size": 9, "attn_config": {"alibi": True}},
    {"model_type": "gemma3", "vision_config": {**_LAYERS, "model_type": "siglip_vision_model"}, "text_config": {"head_dim": 8}},
)
REGION_GRAPH = {
    "regions": {
        "0": {"scope": [0, 1, 2]},
        "1": {"scope": [0]},
        "2": {"scope": [1, 2]},
        "3": {"scope": [1]},
        "4": {"scope": [2]},
    },
    "roots": ["0"],
    "graph": [{"output": 0, "inputs": [1, 2]}, {"output": 2, "inputs": [3, 4]}, {"output": 0, "inputs": [3, 4, 1]}],
}
_SIZES = [(depth, size) for depth in (1, 2, 3, 4) for size in (1e3, 1e4, 1e5)]
# Lines in log10 of the size; those of n and n + 1 layers cross at 3 + 0.4 n, so that depth pays from there on.
_ROWS = [(depth, size, 4 + 0.1 * (depth - 1) * (3 + 0.2 * depth) - 0.1 * depth * log10(size)) for depth, size in _SIZES]
ABLATION = "depth,parameters,loss,error\n" + "".join(f"{depth},{size:g},{loss},0.01\n" for depth, size, loss in _ROWS)
FIT = {
    "intercept": 5.0,
    "slope": 0.05,
    "covariance": [[0.01, 0.0], [0.0, 0.0001]],
    "depths": [6.0, 48.0],
    "rule": 12.0,
    "chi_square": 3.0,
    "degrees_of_freedom": 4,
}


@cache
def models() -> tuple[dict, ...]:
    """A model of every kind as it stands in files, in floats and in fractions, and one with densities."""
    import tensorrank as tr
    from tensorrank.mixtures.formats.schema import to_dict

    found = []
    for exact in (False, True):
        found += [
            tr.HiddenMarkov.random(2, 2, 4, 0, fractions=exact),
            tr.HiddenMarkov.random(2, 2, 3, 0, homogeneous=False, fractions=exact),
            tr.LatentClass.random([2, 3], 2, 0, fractions=exact),
            tr.LatentTree.random([0, 0, 1, 1], 2, 2, 0, fractions=exact),
            tr.TensorialMixture.random(2, 2, 2, 0, fractions=exact),
            tr.TensorialMixture.random(2, 2, 2, 0, shared=True, fractions=exact),
            tr.Hierarchical.random([2, 2, 2], 2, 0, fractions=exact),
            tr.SumProduct.random(3, 2, 0, fractions=exact),
            tr.SquaredMixture.random([0, 0, 1, 1], 2, 2, 0, fractions=exact),
            tr.SquaredMixture.random([0, 0, 1, 1], 2, 2, 0, summed=["z0"], fractions=exact),
        ]
    chain = found[0]
    found.append(
        tr.HiddenMarkov(chain.initial, chain.transition, chain.emission, 4, densities=tr.Gaussians([0.0, 3.0], [1.0, 2.0]))
    )
    return tuple(map(to_dict, found))


@cache
def weights() -> bytes:
    """A file of weights of attention of depth 1 and width 2."""
    import numpy as np

    import tensorrank as tr

    rng, file = np.random.default_rng(0), io.BytesIO()
    np.savez(file, **{name: rng.integers(-3, 4, shape) for name, (_, shape) in tr.SelfAttention(1, 2).shapes.items()})
    return file.getvalue()


@cache
def safetensors() -> bytes:
    """A file of safetensors with an attention layer of width 2 in bfloat16, whose bytes are whole halves."""
    shapes = {"in_proj_weight": [6, 2], "out_proj.weight": [2, 2], "in_proj_bias": [6]}
    header: dict[str, dict] = {}
    body = b""
    for name, shape in shapes.items():
        count = prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [len(body), len(body) + 2 * count]}
        body += b"\x00\x3f" * count
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@cache
def store() -> bytes:
    """The store of a finished study, with ranks and blocks."""
    import tempfile

    import tensorrank as tr

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "study.sqlite")
        with tr.Store(path) as kept:
            list(study().run(kept))
        return path.read_bytes()


def study():
    """The study whose store is fuzzed."""
    import tensorrank as tr

    return tr.Study([tr.SelfAttention(1, 2), tr.SelfAttention(2, 2), tr.RecurrentCircuit(1, 2, 2, 4)], work=1e7, threads=1)


@cache
def atlas() -> dict:
    """An atlas as it stands in a file, with entries that the packaged one has not."""
    import tensorrank as tr
    from tensorrank.atlas.files import FORMAT, VERSION

    models = tr.RecurrentCircuit(1, 5, 2, 4), tr.ConvolutionalCircuit(4, 3, (4, 2), shared=True)
    entries = [tr.Atlas().add(tr.separation_rank(model, threads=1)).entries[0].to_dict() for model in models]
    return {"format": FORMAT, "version": VERSION, "entries": entries}


@cache
def result() -> dict:
    """A saved result."""
    import tensorrank as tr

    return tr.separation_rank(tr.SelfAttention(2, 2, heads=2, tokens=3), threads=1).to_dict()


@cache
def data() -> bytes:
    """Samples of four variables with labels, as `numpy.savez` writes them."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, samples=np.arange(20).reshape(5, 4) % 3, labels=[1, -1, 1, 1, -1])
    return file.getvalue()


def write_all(folder: Path) -> None:
    """Write a good file of every sort, under the names that calls and command lines use."""
    Path(folder, "regions.json").write_text(json.dumps(REGION_GRAPH), encoding="utf-8")
    Path(folder, "model.json").write_text(json.dumps(models()[0]), encoding="utf-8")
    Path(folder, "tree.json").write_text(json.dumps(models()[3]), encoding="utf-8")
    Path(folder, "exact.json").write_text(json.dumps(models()[9]), encoding="utf-8")
    Path(folder, "config.json").write_text(json.dumps(CONFIGURATIONS[0]), encoding="utf-8")
    Path(folder, "losses.csv").write_text(ABLATION, encoding="utf-8")
    Path(folder, "fit.json").write_text(json.dumps(FIT), encoding="utf-8")
    Path(folder, "weights.npz").write_bytes(weights())
    Path(folder, "data.npz").write_bytes(data())
    Path(folder, "model.safetensors").write_bytes(safetensors())
    Path(folder, "study.sqlite").write_bytes(store())
    Path(folder, "atlas.json").write_text(json.dumps(atlas()), encoding="utf-8")
    Path(folder, "rank.json").write_text(json.dumps(result()), encoding="utf-8")

"""PyTorch's own forward passes against those of the weights that were read, for every layout."""

import copy

import numpy as np
import pytest

from tensorrank.attention.trained.adapters import from_torch
from tensorrank.errors import TensorRankError, WeightsError

torch = pytest.importorskip("torch")
nn = torch.nn
COUNT, TOKENS = 3, 4


def randomised(module, seed=0):
    """Weights of the size of trained ones, biases and norms too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return module.double().eval()


def inputs(width, seed=1):
    return torch.randn(COUNT, TOKENS, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_same(trained, given, got, tolerance=1e-12):
    """Coordinate 0 of every token's output is that of PyTorch."""
    for token in range(got.shape[1]):
        values = trained.with_softmax(got.shape[1], output_token=token).function(given.detach().numpy())
        np.testing.assert_allclose(values, got[:, token, 0].detach().numpy(), atol=tolerance, rtol=0)


@pytest.mark.parametrize("bias", [True, False])
def test_multihead_attention_fused(bias):
    layer, x = randomised(nn.MultiheadAttention(6, 3, bias=bias, batch_first=True)), inputs(6)
    assert_same(from_torch(layer), x, layer(x, x, x, need_weights=False)[0])
    assert_same(from_torch(layer.state_dict(), heads=3, causal=False), x, layer(x, x, x)[0])


def test_multihead_attention_apart():
    layer = nn.MultiheadAttention(6, 2, vdim=5, batch_first=True)
    layer.vdim, layer.v_proj_weight = 6, nn.Parameter(torch.empty(6, 6))
    x = inputs(6)
    randomised(layer)
    trained = from_torch(layer)
    assert "v_proj_weight" in trained.read[0]
    assert_same(trained, x, layer(x, x, x)[0])


def test_multihead_attention_under_a_mask():
    layer, x = randomised(nn.MultiheadAttention(4, 2, batch_first=True)), inputs(4)
    mask = nn.Transformer.generate_square_subsequent_mask(TOKENS, dtype=torch.float64)
    assert_same(from_torch(layer, causal=True), x, layer(x, x, x, attn_mask=mask, is_causal=True)[0])


def test_a_stack_of_layers_with_residual_connections():
    layers = randomised(nn.ModuleList(nn.MultiheadAttention(4, 2, batch_first=True) for _ in range(3)))
    x = y = inputs(4)
    for layer in layers:
        y = y + layer(y, y, y)[0]
    trained = from_torch(layers)
    assert (trained.depth, trained.residual, trained.biased) == (3, True, True)
    assert_same(trained, x, y)


def test_an_encoder_of_pytorch_is_read_without_its_feedforward_layers():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, enable_nested_tensor=False)
    trained = from_torch(randomised(encoder))
    assert (trained.depth, trained.heads, trained.residual) == (2, 2, True)
    assert "layers.1.linear1.weight" in trained.left_out


def test_cross_attention_of_a_decoder_is_left_out():
    trained = from_torch(nn.TransformerDecoderLayer(8, 2, 16))
    assert trained.read == (
        ("self_attn.in_proj_weight", "self_attn.out_proj.weight", "self_attn.in_proj_bias", "self_attn.out_proj.bias"),
    )


class Fused(nn.Module):
    """Attention as in nanoGPT, timm and the ablation: one linear map for queries, keys and values."""

    def __init__(self, inward, outward, width=6, heads=3):
        super().__init__()
        self.num_heads, self.names = heads, (inward, outward)
        self.add_module(inward, nn.Linear(width, 3 * width))
        self.add_module(outward, nn.Linear(width, width))

    def forward(self, x):
        inward, outward = (getattr(self, name) for name in self.names)
        q, k, v = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in inward(x).chunk(3, -1))
        seen = nn.functional.scaled_dot_product_attention(q, k, v)
        return outward(seen.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("names", [("c_attn", "c_proj"), ("qkv", "proj"), ("queries_keys_values", "mixed")])
def test_fused_linear_maps(names):
    layer, x = randomised(Fused(*names)), inputs(6)
    assert_same(from_torch(layer), x, layer(x))


def caught(model, trained_of, call, output, *, tolerance=1e-12):
    """Run a model, and compare what its first attention layer got and gave, the map `output` last, with ours."""
    seen = {}
    attention, last = model.get_submodule(trained_of), model.get_submodule(f"{trained_of}.{output}")

    def entering(module, args, kwargs):
        seen["in"] = args[0] if args else kwargs["hidden_states"]

    hooks = [
        attention.register_forward_pre_hook(entering, with_kwargs=True),
        last.register_forward_hook(lambda module, args, result: seen.update(out=result)),
    ]
    with torch.no_grad():
        call(model)
    for hook in hooks:
        hook.remove()
    assert_same(from_torch(attention), seen["in"], seen["out"], tolerance)
    layers = from_torch(model, 0)
    assert all(name.startswith(f"{trained_of}.") for name in layers.read[0])
    return layers


IDS = {"vocab_size": 11}
SMALL = {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 16}
# Class and configuration, the attention layer, its last map, and whether it has rotary positions.
MODELS = {
    "GPT2": ({"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 8}, "h.0.attn", "c_proj", False),
    "Llama": (SMALL | {"num_key_value_heads": 2, "attention_bias": True}, "layers.0.self_attn", "o_proj", True),
    "Qwen2": (SMALL | {"num_key_value_heads": 1}, "layers.0.self_attn", "o_proj", True),
    "Mistral": (SMALL | {"num_key_value_heads": 2, "head_dim": 6}, "layers.0.self_attn", "o_proj", True),
    "Phi3": (SMALL | {"num_key_value_heads": 2, "pad_token_id": 0}, "layers.0.self_attn", "o_proj", True),
    "OPT": (
        {"hidden_size": 12, "num_attention_heads": 3, "num_hidden_layers": 2, "ffn_dim": 16, "word_embed_proj_dim": 12},
        "decoder.layers.0.self_attn",
        "out_proj",
        False,
    ),
    "GPTNeoX": (SMALL, "layers.0.attention", "dense", True),
    "GPTBigCode": (
        {"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 8, "multi_query": False},
        "h.0.attn",
        "c_proj",
        False,
    ),
    "GPTBigCode with one key": (
        {"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 8, "multi_query": True},
        "h.0.attn",
        "c_proj",
        False,
    ),
    "Falcon": (
        {"hidden_size": 12, "num_attention_heads": 3, "num_hidden_layers": 2, "multi_query": True},
        "h.0.self_attention",
        "dense",
        True,
    ),
    "Falcon 40B": (
        {
            "hidden_size": 16,
            "num_attention_heads": 4,
            "num_kv_heads": 2,
            "num_hidden_layers": 2,
            "new_decoder_architecture": True,
        },
        "h.0.self_attention",
        "dense",
        True,
    ),
    "GPTJ": ({"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 8, "rotary_dim": 4}, "h.0.attn", "out_proj", True),
    "Bert": (SMALL, "encoder.layer.0.attention", "output.dense", False),
    "DistilBert": ({"dim": 12, "n_heads": 3, "n_layers": 2, "hidden_dim": 16}, None, "out_lin", False),
}


@pytest.mark.parametrize("name", MODELS)
def test_layers_of_transformers(name):
    transformers = pytest.importorskip("transformers")
    sizes, where, output, rotary = MODELS[name]
    torch.manual_seed(0)
    kind = name.partition(" ")[0]
    model = randomised(getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**IDS, **sizes)))
    if where is None:
        where = next(part for part, _ in model.named_modules() if part.endswith(".attention"))
    ids = torch.randint(1, 11, (COUNT, TOKENS), generator=torch.Generator().manual_seed(2))
    # Every token at position 0, where rotary positions turn nothing.
    options = {"position_ids": torch.zeros(COUNT, TOKENS, dtype=torch.long)} if rotary else {}
    trained = caught(model, where, lambda model: model(ids, **options), output, tolerance=1e-9)
    assert trained.causal == ("Bert" not in name)
    assert (len(trained.left_out) > 0, trained.residual) == (True, True)
    assert from_torch(model).depth == 2


def test_layers_of_t5_whose_scores_are_not_scaled():
    transformers = pytest.importorskip("transformers")
    config = transformers.T5Config(vocab_size=11, d_model=12, d_kv=5, num_heads=3, num_layers=2, d_ff=16)
    model = randomised(transformers.T5EncoderModel(config))
    where = "encoder.block.0.layer.0.SelfAttention"
    torch.nn.init.zeros_(model.get_submodule(where).relative_attention_bias.weight)
    trained = caught(model, where, lambda model: model(torch.randint(1, 11, (COUNT, TOKENS))), "o")
    assert trained.scale == 1.0


def test_layers_of_vision_transformers():
    transformers = pytest.importorskip("transformers")
    model = randomised(transformers.ViTModel(transformers.ViTConfig(image_size=4, patch_size=2, **SMALL)))
    where = next(name for name, part in model.named_modules() if name.endswith(".0.attention"))
    last = next(name for name in model.get_submodule(where).state_dict() if name in ("output.dense.weight", "o_proj.weight"))
    pictures = torch.randn(COUNT, 3, 4, 4, dtype=torch.float64)
    trained = caught(model, where, lambda model: model(pictures), last.removesuffix(".weight"))
    assert (trained.heads, trained.causal) == (4, False)


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float32"])
def test_narrow_types_are_read_without_rounding(kind):
    layer = nn.MultiheadAttention(4, 2).to(getattr(torch, kind))
    (block,) = from_torch(layer).blocks
    expected = layer.in_proj_weight.detach().to(torch.float64).numpy()
    np.testing.assert_array_equal(block.query.reshape(4, 4), expected[:4])
    np.testing.assert_array_equal(block.value.reshape(4, 4), expected[8:])


def test_gradients_and_the_module_stay_as_they_are():
    layer = nn.MultiheadAttention(4, 2)
    before = copy.deepcopy(layer.state_dict())
    from_torch(layer)
    assert layer.training
    assert layer.in_proj_weight.requires_grad
    assert all(torch.equal(before[name], now) for name, now in layer.state_dict().items())


def test_weights_without_numbers_are_refused():
    with torch.device("meta"):
        layer = nn.MultiheadAttention(4, 2)
    with pytest.raises(WeightsError, match="in_proj_weight, on the device meta, gives no numbers"):
        from_torch(layer)


def test_quantised_weights_are_refused():
    tensors = nn.MultiheadAttention(4, 2).state_dict()
    tensors["in_proj_weight"] = torch.zeros(12, 4, dtype=torch.int8)
    with pytest.raises(WeightsError, match=r"in_proj_weight is of type torch.int8; expected floats. Weights"):
        from_torch(tensors, heads=2, causal=False)


@pytest.mark.parametrize("option", ["add_bias_kv", "add_zero_attn"])
def test_keys_that_belong_to_no_token_are_refused(option):
    with pytest.raises(WeightsError, match=option):
        from_torch(nn.MultiheadAttention(4, 2, **{option: True}))


def test_keys_of_another_width_are_refused():
    with pytest.raises(
        WeightsError, match=r"k_proj_weight \(4, 6\).* expected .*k_proj_weight \(kv_heads \* head_dim, width\)"
    ):
        from_torch(nn.MultiheadAttention(4, 2, kdim=6))


def test_heads_that_the_module_contradicts_are_refused():
    layer = nn.MultiheadAttention(6, 2)
    assert from_torch(layer, heads=2).blocks[0].query.shape[0] == 2
    with pytest.raises(TensorRankError, match="heads is 3, and the module says 2; expected the same, or no heads"):
        from_torch(layer, heads=3)


def test_tensors_by_name_do_not_say_whether_there_is_a_mask():
    with pytest.raises(TensorRankError, match="causal is not given, and tensors do not say it; give causal=True for a model"):
        from_torch(nn.MultiheadAttention(6, 2).state_dict(), heads=2)

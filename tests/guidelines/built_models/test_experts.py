"""Mixtures of experts in whatever way a family builds them, against counts by hand."""

import pytest

from tensorrank import guidelines

pytest.importorskip("torch")
pytest.importorskip("transformers")


def read(**content):
    return guidelines.read_config(content, "transformers")


def idle(model):
    return model.parameters - model.active_parameters


SMALL = {"num_hidden_layers": 3, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100}


def test_experts_whose_matrices_stand_one_below_the_other():
    # DBRX: three maps of 64 x 32 for each of 16 experts of two layers, of which 4 are chosen.
    sizes = {"d_model": 64, "n_heads": 4, "n_layers": 2, "vocab_size": 100}
    of_experts = {"ffn_hidden_size": 32, "moe_num_experts": 16, "moe_top_k": 4}
    model = read(model_type="dbrx", attn_config={"kv_n_heads": 2, "rope_theta": 1e4}, ffn_config=of_experts, **sizes)
    assert idle(model) == 2 * 12 * 3 * 64 * 32
    assert (model.main_stack.experts, model.main_stack.experts_per_token) == (16, 4)


def test_experts_of_attention_are_experts_too():
    # JetMoE: maps to queries and back of 4 experts, and three maps of 64 x 32 of 4 others; half of both are chosen.
    sizes = {"kv_channels": 16, "intermediate_size": 32, "num_local_experts": 4, "num_experts_per_tok": 2}
    shape = {key: size for key, size in SMALL.items() if key != "num_attention_heads"}
    model = read(model_type="jetmoe", **shape, **sizes)
    queries = 2 * 16
    assert idle(model) == 3 * 2 * (2 * 64 * queries + 3 * 64 * 32)


def test_layers_that_choose_otherwise_are_counted_each_by_itself():
    # HunYuan: two of 8 experts, and one in the last layer.
    rope = {"rope_type": "dynamic", "alpha": 1000.0, "factor": 1.0, "rope_theta": 1e4}
    sizes = {"num_experts": 8, "moe_topk": [2, 2, 1], "intermediate_size": 64, "head_dim": 16, "rope_scaling": rope}
    model = read(model_type="hunyuan_v1_moe", **SMALL, **sizes)
    assert idle(model) == (6 + 6 + 7) * 3 * 64 * 64


def test_experts_that_cannot_be_told_apart_are_said():
    model = read(model_type="doge", is_moe=True, num_experts=1024, num_experts_per_tok=8, intermediate_size=64, **SMALL)
    assert idle(model) == 0
    assert model.notes == ("how many of 1024 experts a token uses is not known; all are counted as active",)

import json
from pathlib import Path

import pytest

from tensorrank import bounds, guidelines
from tensorrank.errors import TensorRankError

CONFIGS = Path(__file__).with_name("configs")


def read(name, **changes):
    content = {**json.loads((CONFIGS / f"{name}.json").read_text()), **changes}
    return guidelines.read_config(content, "table")


def test_embeddings_are_told_apart():
    gpt2 = read("gpt2")
    assert gpt2.embedding_parameters == (50257 + 1024) * 768
    # 12 d^2 + 13 d a layer, 2 d for the last norm.
    assert gpt2.parameters_without_embeddings == 12 * (12 * 768**2 + 13 * 768) + 2 * 768
    assert read("llama_7b").embedding_parameters == 2 * 32000 * 4096


def test_both_stacks_of_an_encoder_and_decoder_are_counted():
    model = read("t5_small")
    assert [(stack.role, stack.depth) for stack in model.stacks] == [("encoder", 6), ("decoder", 6)]
    # A decoder layer attends twice and has one norm more.
    encoder, decoder = (stack.parameters for stack in model.stacks)
    assert decoder - encoder == 6 * (4 * 512**2 + 512)
    assert encoder + decoder == model.parameters_without_embeddings
    assert model.notes == ("encoder and decoder are counted, and judged one by one",)


def test_bottlenecks():
    # An embedding of 512 in a network of width 1024.
    assert read("opt_350m").embedding_rank == 512
    assert read("gpt2", vocab_size=100).embedding_rank == 100
    # Six heads of dimension 64 in a network of width 512.
    assert read("mt5_small").head_limits == ("width", "patterns")
    assert read("t5_small").head_limits == ("patterns",)
    assert read("gpt2", n_positions=65).head_limits == ()
    assert read("gpt2", n_positions=66).head_limits == ("patterns",)


def test_heads_that_are_wider_together_than_the_network():
    # 128 heads of dimension 128 in a network of width 1024.
    assert read("t5_11b").head_limits == ("surplus", "patterns")
    # 16 heads of dimension 256 in a network of width 3072.
    assert "surplus" in read("gemma_7b").head_limits
    # Values of dimension 128, queries and keys of 192: 128 heads write 16384 dimensions into a width of 7168.
    assert read("deepseek_v3").main_stack.joint_width == 16384


def test_an_embedding_of_low_rank_whose_positions_are_narrow_too():
    # Positions are added before the map to the width, so that the moment bound at the embedding's rank holds.
    albert = read("albert_base")
    assert (albert.embedding_rank, albert.learned_positions) == (128, False)
    assert albert.log3_vocabulary_bound == bounds.log3_moment_bound(12, 128)


def test_the_rank_behind_a_narrow_embedding():
    # With learned positions the moment bound at the embedding's rank does not hold (SOURCES.md section 2).
    opt = read("opt_350m")
    assert opt.log3_vocabulary_bound == bounds.log3_affine_bound(24, 1024, 512)
    assert opt.log3_vocabulary_bound > 1.5 * bounds.log3_moment_bound(24, 512)
    assert read("llama_7b", vocab_size=1000).log3_vocabulary_bound == bounds.log3_moment_bound(32, 1000)
    assert read("gpt2").log3_vocabulary_bound == bounds.log3_moment_bound(12, 768)


def test_shared_keys_and_values_are_read():
    stack = read("llama_3_8b").main_stack
    assert (stack.heads, stack.kv_heads, stack.head_dim, stack.feed_forward) == (32, 8, 128, 14336)
    assert [read(name).main_stack.kv_heads for name in ("falcon_7b", "falcon_40b", "falcon_rw_1b")] == [1, 8, 32]


def test_latent_keys_and_values_are_read():
    stack = read("deepseek_v3").main_stack
    assert (stack.heads, stack.head_dim, stack.value_dim, stack.latent) == (128, 192, 128, 512)


def test_layers_that_share_weights_are_counted_once():
    # One layer of 12 d^2 + 13 d parameters stands for twelve.
    albert = read("albert_base")
    assert albert.main_stack.depth == 12
    assert albert.main_stack.parameters == 12 * 768**2 + 13 * 768
    assert albert.notes == ("12 layers share the weights of 1, which are counted once",)


def test_images_have_no_vocabulary():
    # Patches of 16 x 16 pixels in three colours, 14 x 14 of them and a class token.
    vit = read("vit_base")
    assert (vit.vocabulary, vit.embedding_rank, vit.context) == (None, 768, 197)


def test_a_decoder_that_sees_all_tokens_is_an_encoder():
    assert read("gemma_3_270m", use_bidirectional_attention=True).main_stack.role == "encoder"


def test_null_keys_and_values_are_as_many_as_heads():
    assert read("mistral_7b", num_key_value_heads=None).main_stack.kv_heads == 32


def test_it_becomes_plain_values():
    values = read("mixtral_8x7b").to_dict()
    assert json.loads(json.dumps(values))["active_parameters"] == 12_879_925_248
    assert values["stacks"][0]["active_parameters"] == 12_617_781_248
    assert values["counted_by"] == "table"


def test_a_model_without_equal_layers_has_no_main_stack():
    model = guidelines.ModelConfig("swin", (), None, 48, None, False, 4896, 27_514_458, counted_as="SwinModel")
    assert model.parameters == 27_519_354
    with pytest.raises(TensorRankError, match=r"SwinModel has no stack of equal layers; expected depth and width"):
        _ = model.main_stack

"""Facts of families that the table does not know, against what their papers say of the shapes."""

import pytest

from tensorrank import guidelines
from tensorrank.errors import TensorRankError

pytest.importorskip("torch")
pytest.importorskip("transformers")


def read(**content):
    return guidelines.read_config(content, "transformers")


def test_a_model_without_attention_has_no_heads():
    # The smallest published Mamba: 24 layers of width 768, inner width 1536; 129,135,360 parameters.
    model = read(model_type="mamba", hidden_size=768, num_hidden_layers=24, vocab_size=50280, intermediate_size=1536)
    assert model.parameters == 129_135_360
    stack = model.main_stack
    assert (stack.depth, stack.width, stack.heads, stack.kv_heads, stack.head_dim) == (24, 768, None, None, None)
    assert model.head_limits == ()


def test_encoder_and_decoder_of_bart():
    # facebook/bart-large: 406,291,456 parameters.
    model = read(model_type="bart")
    assert model.parameters == 406_291_456
    assert [(stack.role, stack.depth, stack.width, stack.heads) for stack in model.stacks] == [
        ("encoder", 12, 1024, 16),
        ("decoder", 12, 1024, 16),
    ]
    assert (model.vocabulary, model.context, model.learned_positions) == (50265, 1024, True)


def test_stages_of_different_widths_are_no_stack():
    # microsoft/swin-tiny-patch4-window7-224: 27,519,354 parameters without the head of a task.
    model = read(model_type="swin")
    assert (model.parameters, model.stacks) == (27_519_354, ())


def test_layers_of_mixed_kinds_have_the_heads_of_those_that_attend():
    # ai21labs/Jamba-v0.1: 51,570,323,328 parameters, of which a token uses 12.1 billion.
    model = read(model_type="jamba")
    assert model.parameters == 51_570_323_328
    assert round(model.active_parameters / 1e9, 1) == 12.1
    stack = model.main_stack
    assert (stack.heads, stack.kv_heads, stack.experts, stack.experts_per_token) == (32, 8, 16, 2)


def test_experts_with_biases_are_idle_with_them():
    # openai/gpt-oss-120b: 116.8 billion parameters; 5.7 billion are used, counted with the embedding.
    model = read(model_type="gpt_oss")
    assert model.parameters == 116_829_156_672
    # Of 128 experts in 36 layers 124: two maps of 2880 to 5760 and back, with biases.
    assert model.parameters - model.active_parameters == 36 * 124 * (2880 * 5760 + 5760 + 2880 * 2880 + 2880)


def test_texts_and_images():
    model = read(model_type="llava")
    assert [(stack.role, stack.width) for stack in model.stacks] == [("encoder", 1024), ("decoder", 4096)]
    assert model.counted_as == "LlavaForConditionalGeneration"


def test_experts_that_are_built_one_by_one_are_counted_by_their_share():
    # In small; the papers say that a token uses two experts, or one.
    nllb = read(model_type="nllb-moe", num_experts=6, encoder_layers=4, decoder_layers=4)
    assert [(stack.experts, stack.experts_per_token) for stack in nllb.stacks] == [(6, 2), (6, 2)]
    # One sparse layer a stack: two maps between 1024 and 4096 with biases in each of 4 idle experts.
    assert nllb.parameters - nllb.active_parameters == 2 * 4 * (2 * 1024 * 4096 + 1024 + 4096)
    switch = read(model_type="switch_transformers").main_stack
    assert (switch.experts, switch.experts_per_token) == (8, 1)
    small = read(model_type="olmoe", num_experts=12, num_experts_per_tok=5, num_hidden_layers=2, intermediate_size=7)
    # Three maps between 2048 and 7 in each of 7 idle experts of two layers.
    assert small.parameters - small.active_parameters == 2 * 7 * 3 * 2048 * 7


def test_an_untied_file_of_a_model_without_an_output_embedding():
    assert read(model_type="swin", tie_word_embeddings=False).parameters == 27_519_354


def test_layers_that_do_not_attend_are_told_apart():
    mamba = read(model_type="mamba")
    assert (mamba.main_stack.attending_layers, mamba.main_stack.attends) == (0, False)
    with pytest.raises(TensorRankError, match=r"MambaForCausalLM has no layer that attends.*its depth and width, 32 and 768"):
        guidelines.advise(mamba)
    # One layer in eight attends; a third of those of a family whose attention is called by its class alone.
    jamba = read(model_type="jamba", num_hidden_layers=16)
    assert jamba.main_stack.attending_layers == 2
    assert "2 of 16 layers attend; the fit and the ranks are of networks in which all layers do" in jamba.notes
    assert read(model_type="recurrent_gemma", num_hidden_layers=6).main_stack.attending_layers == 2
    assert read(model_type="gpt_neo").main_stack.attending_layers is None

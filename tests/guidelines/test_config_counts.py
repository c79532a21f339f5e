"""Real configurations, each with its number of parameters as a number.

The numbers were counted with transformers 5.24, on configurations as they are published (those of the first Qwen and of
InternLM2, which it does not have, with the checkpoints'). tests/SOURCES.md says which of them are published as well.
"""

import json
from pathlib import Path

import pytest

from tensorrank import guidelines

CONFIGS = Path(__file__).with_name("configs")
# Parameters; those that one token uses, where these are others; depth and width of the stack that writes.
COUNTS = {
    "albert_base": (11_221_680, None, 12, 768),
    "albert_xxlarge": (206_368_944, None, 12, 4096),
    "aya_23_8b": (8_028_033_024, None, 32, 4096),
    "bert_base": (109_514_298, None, 12, 768),
    "bert_large": (335_174_458, None, 24, 1024),
    "bloom_176b": (176_247_271_424, None, 70, 14336),
    "bloom_560m": (559_214_592, None, 24, 1024),
    "bloom_7b1": (7_069_016_064, None, 30, 4096),
    "command_r": (34_980_831_232, None, 40, 8192),
    "command_r_plus": (103_810_674_688, None, 64, 12288),
    "deberta_v2_xlarge": (884_593_152, None, 24, 1536),
    "deberta_v3_base": (183_831_552, None, 12, 768),
    "deberta_v3_nli": (435_064_835, None, 24, 1024),
    "deepseek_v2": (235_741_434_880, 21_375_800_320, 60, 5120),
    "deepseek_v2_lite": (15_706_484_224, 2_661_150_208, 27, 2048),
    "deepseek_v3": (671_026_404_352, 37_552_282_624, 61, 7168),
    "distilbert_base": (66_985_530, None, 6, 768),
    "distilbert_sst2": (66_955_010, None, 6, 768),
    "distilgpt2": (81_912_576, None, 6, 768),
    "electra_base_generator": (33_740_602, None, 12, 256),
    "electra_small": (13_549_057, None, 12, 256),
    "falcon_11b": (11_102_822_400, None, 60, 4096),
    "falcon_180b": (178_557_088_768, None, 80, 14848),
    "falcon_40b": (41_303_293_952, None, 60, 8192),
    "falcon_7b": (6_921_720_704, None, 32, 4544),
    "falcon_rw_1b": (1_311_625_216, None, 24, 2048),
    "flan_t5_base": (247_577_856, None, 12, 768),
    "flan_t5_xl": (2_849_757_184, None, 24, 2048),
    "gemma_2_27b": (27_227_128_320, None, 46, 4608),
    "gemma_2_2b": (2_614_341_888, None, 26, 2304),
    "gemma_2_9b": (9_241_705_984, None, 42, 3584),
    "gemma_2b": (2_506_172_416, None, 18, 2048),
    "gemma_3_1b": (999_885_952, None, 26, 1152),
    "gemma_3_270m": (268_098_176, None, 18, 640),
    "gemma_3_27b": (27_432_406_640, None, 62, 5376),
    "gemma_3_4b": (4_300_079_472, None, 34, 2560),
    "gemma_7b": (8_537_680_896, None, 28, 3072),
    "gpt2": (124_439_808, None, 12, 768),
    "gpt2_large": (774_030_080, None, 36, 1280),
    "gpt2_xl": (1_557_611_200, None, 48, 1600),
    "gpt_j_6b": (6_050_882_784, None, 28, 4096),
    "gpt_neox_20b": (20_554_567_680, None, 44, 6144),
    "internlm2_20b": (19_861_149_696, None, 48, 6144),
    "internlm2_7b": (7_737_708_544, None, 32, 4096),
    "llama_2_70b": (68_976_648_192, None, 80, 8192),
    "llama_3_2_1b": (1_235_814_400, None, 16, 2048),
    "llama_3_405b": (405_853_388_800, None, 126, 16384),
    "llama_3_70b": (70_553_706_496, None, 80, 8192),
    "llama_3_8b": (8_030_261_248, None, 32, 4096),
    "llama_7b": (6_738_415_616, None, 32, 4096),
    "mistral_7b": (7_241_732_096, None, 32, 4096),
    "mistral_nemo_12b": (12_247_782_400, None, 40, 5120),
    "mixtral_8x22b": (140_620_634_112, 39_152_031_744, 56, 6144),
    "mixtral_8x7b": (46_702_792_704, 12_879_925_248, 32, 4096),
    "modernbert_base": (149_655_232, None, 22, 768),
    "modernbert_large": (395_881_664, None, 28, 1024),
    "mpt_30b": (29_957_200_896, None, 48, 7168),
    "mpt_7b": (6_649_286_656, None, 32, 4096),
    "mt5_small": (300_176_768, None, 8, 512),
    "olmo_1b": (1_176_764_416, None, 16, 2048),
    "olmo_2_13b": (13_716_198_400, None, 40, 5120),
    "olmo_2_7b": (7_298_617_344, None, 32, 4096),
    "olmo_7b": (6_888_095_744, None, 32, 4096),
    "opt_125m": (125_239_296, None, 12, 768),
    "opt_350m": (331_196_416, None, 24, 1024),
    "opt_6_7b": (6_658_473_984, None, 32, 4096),
    "phi_1_5": (1_418_270_720, None, 24, 2048),
    "phi_2": (2_779_683_840, None, 32, 2560),
    "phi_3_medium": (13_960_238_080, None, 40, 5120),
    "phi_3_mini": (3_821_079_552, None, 32, 3072),
    "phi_4": (14_659_507_200, None, 40, 5120),
    "pythia_12b": (11_846_072_320, None, 36, 5120),
    "pythia_1_4b": (1_414_647_808, None, 24, 2048),
    "pythia_70m": (70_426_624, None, 6, 512),
    "qwen1_5_moe_a2_7b": (14_315_784_192, 2_689_173_504, 24, 2048),
    "qwen2_05b": (494_032_768, None, 24, 896),
    "qwen2_57b_a14b": (57_408_658_944, 14_249_270_784, 28, 3584),
    "qwen2_5_1_5b": (1_543_714_304, None, 28, 1536),
    "qwen2_5_72b": (72_706_203_648, None, 80, 8192),
    "qwen2_7b": (7_615_616_512, None, 28, 3584),
    "qwen3_06b": (596_049_920, None, 28, 1024),
    "qwen3_235b_a22b": (235_093_634_560, 22_190_763_520, 94, 4096),
    "qwen3_30b_a3b": (30_532_122_624, 3_353_032_704, 48, 2048),
    "qwen3_8b": (8_190_735_360, None, 36, 4096),
    "qwen_7b": (7_721_324_544, None, 32, 4096),
    "roberta_base": (124_697_433, None, 12, 768),
    "skywork_reward_llama_8b": (7_504_928_768, None, 32, 4096),
    "smollm2_135m": (134_515_008, None, 30, 576),
    "stablelm_2_12b": (12_143_185_920, None, 40, 5120),
    "stablelm_2_1_6b": (1_644_515_328, None, 24, 2048),
    "stablelm_3b": (2_795_443_200, None, 32, 2560),
    "starcoder2_15b": (15_957_889_024, None, 40, 6144),
    "starcoder2_3b": (3_030_371_328, None, 30, 3072),
    "t5_11b": (11_307_321_344, None, 24, 1024),
    "t5_base": (222_903_552, None, 12, 768),
    "t5_small": (60_506_624, None, 6, 512),
    "tinyllama_1b": (1_100_048_384, None, 22, 2048),
    "umt5_small": (306_601_984, None, 8, 512),
    "vit_base": (86_567_656, None, 12, 768),
    "vit_large_in21k": (304_351_232, None, 24, 1024),
    "xlm_roberta_base": (278_295_186, None, 12, 768),
    "xlm_roberta_large": (560_142_482, None, 24, 1024),
}


def config(name, **changes):
    return {**json.loads((CONFIGS / f"{name}.json").read_text()), **changes}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_exact(name):
    parameters, active, depth, width = COUNTS[name]
    model = guidelines.read_config(CONFIGS / f"{name}.json", "table")
    assert model.parameters == parameters
    assert model.active_parameters == (active or parameters)
    assert (model.main_stack.depth, model.main_stack.width) == (depth, width)
    assert model.parameters == model.embedding_parameters + model.parameters_without_embeddings


def test_every_fixture_is_counted():
    assert {path.stem for path in CONFIGS.iterdir()} == set(COUNTS)


# Counted with transformers 5.24 on configurations that no checkpoint has.
@pytest.mark.parametrize(
    ("name", "changes", "parameters"),
    [
        ("llama_7b", {"attention_bias": True, "mlp_bias": True, "num_hidden_layers": 2}, 666_999_808),
        (
            "flan_t5_base",
            {
                "d_model": 512,
                "d_ff": 1024,
                "num_layers": 8,
                "num_decoder_layers": 4,
                "num_heads": 6,
                "tie_word_embeddings": True,
            },
            47_922_560,
        ),
        ("mt5_small", {"tie_word_embeddings": True}, 172_119_424),
    ],
)
def test_options_are_counted(name, changes, parameters):
    assert guidelines.read_config(config(name, **changes), "table").parameters == parameters


# Counted by the code of the models' authors. The class in architectures has no output embedding, or no decoder; or a
# key of its own gates the feed-forward network.
@pytest.mark.parametrize(
    ("name", "changes", "parameters"),
    [
        ("mistral_7b", {"architectures": ["MistralModel"]}, 7_110_660_096),
        (
            "flan_t5_base",
            {
                "architectures": ["T5EncoderModel"],
                "d_ff": 10240,
                "d_kv": 64,
                "d_model": 4096,
                "num_heads": 64,
                "num_layers": 24,
                "vocab_size": 32128,
                "feed_forward_proj": "gated-gelu",
                "tie_word_embeddings": False,
            },
            4_762_310_656,
        ),
        (
            "t5_small",
            {
                "d_ff": 3584,
                "d_kv": 64,
                "d_model": 1472,
                "num_heads": 6,
                "num_layers": 12,
                "num_decoder_layers": 4,
                "vocab_size": 1510,
                "feed_forward_proj": None,
                "is_gated_act": True,
                "tie_word_embeddings": False,
            },
            302_952_704,
        ),
        # With the pooler, as people count BERT; and as it was trained, with both heads.
        ("bert_base", {"architectures": ["BertModel"]}, 109_482_240),
        ("bert_large", {"architectures": ["BertModel"]}, 335_141_888),
        ("bert_base", {"architectures": ["BertForPreTraining"]}, 110_106_428),
        ("roberta_base", {"architectures": ["RobertaModel"]}, 124_645_632),
        ("albert_base", {"architectures": ["AlbertModel"]}, 11_683_584),
        ("distilbert_base", {"architectures": ["DistilBertModel"]}, 66_362_880),
        ("modernbert_base", {"architectures": ["ModernBertModel"]}, 149_014_272),
    ],
)
def test_the_class_of_the_weights_says_what_they_have(name, changes, parameters):
    assert guidelines.read_config(config(name, **changes), "table").parameters == parameters


# What transformers 5.24 takes where a key is left out.
@pytest.mark.parametrize(
    ("name", "key", "parameters"),
    [
        ("mistral_7b", "num_key_value_heads", 7_241_732_096),
        ("qwen3_06b", "head_dim", 596_049_920),
        ("llama_7b", "num_key_value_heads", 6_738_415_616),
        ("opt_125m", "word_embed_proj_dim", 125_239_296),
        ("gpt2", "tie_word_embeddings", 124_439_808),
        ("t5_small", "relative_attention_num_buckets", 60_506_624),
        ("mixtral_8x7b", "num_local_experts", 46_702_792_704),
        ("deepseek_v3", "first_k_dense_replace", 671_026_404_352),
    ],
)
def test_keys_left_out_are_as_the_format_has_them(name, key, parameters):
    given = config(name)
    given.pop(key, None)
    assert guidelines.read_config(given, "table").parameters == parameters


def test_the_heads_of_tasks_have_as_many_classes_as_are_named():
    # A reward model has one: 8,030,261,248 less the output embedding of 128,256 x 4096, and 4096 more.
    reward = guidelines.read_config(config("skywork_reward_llama_8b"), "table")
    assert reward.parameters == 8_030_261_248 - 128_256 * 4096 + 4096
    assert reward.counted_as == "LlamaForSequenceClassification"
    three = config("skywork_reward_llama_8b", id2label={"0": "a", "1": "b", "2": "c"})
    assert guidelines.read_config(three, "table").parameters == reward.parameters + 2 * 4096
    two = {key: value for key, value in three.items() if key != "id2label"}
    assert guidelines.read_config(two, "table").parameters == reward.parameters + 4096


def test_experts_that_are_not_chosen_are_idle():
    # Of 8 experts of 3 x 4096 x 14336 in each of 32 layers 6 are idle.
    (stack,) = guidelines.read_config(config("mixtral_8x7b"), "table").stacks
    assert stack.idle_parameters == 32 * 6 * 3 * 4096 * 14336
    assert (stack.experts, stack.experts_per_token, stack.feed_forward) == (8, 2, 14336)
    one = guidelines.read_config(config("mixtral_8x7b", num_experts_per_tok=1), "table")
    assert one.active_parameters == 12_879_925_248 - 32 * 3 * 4096 * 14336


def test_layers_without_experts_are_told_apart():
    # Every second layer dense, and one of the others, too.
    sparse = config("qwen3_30b_a3b", decoder_sparse_step=2, mlp_only_layers=[1, 2])
    whole, some = (guidelines.read_config(one, "table").parameters for one in (config("qwen3_30b_a3b"), sparse))
    of_experts, dense = 2048 * 128 + 128 * 3 * 2048 * 768, 3 * 2048 * 6144
    assert whole - some == 25 * (of_experts - dense)


def test_a_text_model_within_another_is_counted_with_the_images():
    model = guidelines.read_config(config("gemma_3_4b"), "table")
    assert [(stack.role, stack.depth, stack.width) for stack in model.stacks] == [("encoder", 27, 1152), ("decoder", 34, 2560)]
    assert model.vocabulary == 262_208
    text = guidelines.read_config(config("gemma_3_4b")["text_config"], "table")
    assert text.stacks == model.stacks[1:]

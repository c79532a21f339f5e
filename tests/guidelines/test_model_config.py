import json
from pathlib import Path

import pytest

from tensorrank import bounds, guidelines
from tensorrank.errors import TensorRankError

CONFIGS = Path(__file__).with_name("configs")
# Parameters with embeddings as the published checkpoints have them, depth and width of the stack that writes.
PUBLISHED = {
    "gpt2": (124_439_808, 12, 768),
    "gpt2_xl": (1_557_611_200, 48, 1600),
    "llama_7b": (6_738_415_616, 32, 4096),
    "llama_3_8b": (8_030_261_248, 32, 4096),
    "mistral_7b": (7_241_732_096, 32, 4096),
    "qwen_7b": (7_721_324_544, 32, 4096),
    "qwen2_05b": (494_032_768, 24, 896),
    "qwen2_7b": (7_615_616_512, 28, 3584),
    "qwen3_06b": (596_049_920, 28, 1024),
    "qwen3_8b": (8_190_735_360, 36, 4096),
    "opt_125m": (125_239_296, 12, 768),
    "opt_350m": (331_196_416, 24, 1024),
    "bert_base": (109_482_240, 12, 768),
    "bert_large": (335_141_888, 24, 1024),
    "roberta_base": (124_645_632, 12, 768),
    "t5_small": (60_506_624, 6, 512),
    "flan_t5_base": (247_577_856, 12, 768),
    "mt5_small": (300_176_768, 8, 512),
}


def config(name, **changes):
    return {**json.loads((CONFIGS / f"{name}.json").read_text()), **changes}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_the_published_checkpoints(name):
    parameters, depth, width = PUBLISHED[name]
    model = guidelines.read_config(CONFIGS / f"{name}.json")
    assert model.parameters == parameters
    assert (model.main_stack.depth, model.main_stack.width) == (depth, width)
    assert model.parameters == model.embedding_parameters + model.parameters_without_embeddings


def test_every_fixture_is_tested():
    assert {path.stem for path in CONFIGS.iterdir()} == set(PUBLISHED)


# Counted with the library that wrote the format, version 5.24, on configurations that no checkpoint has.
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
    assert guidelines.read_config(config(name, **changes)).parameters == parameters


def test_embeddings_are_told_apart():
    gpt2 = guidelines.read_config(config("gpt2"))
    assert gpt2.embedding_parameters == (50257 + 1024) * 768
    # 12 d^2 + 13 d a layer, 2 d for the last norm.
    assert gpt2.parameters_without_embeddings == 12 * (12 * 768**2 + 13 * 768) + 2 * 768
    llama = guidelines.read_config(config("llama_7b"))
    assert llama.embedding_parameters == 2 * 32000 * 4096


def test_both_stacks_of_an_encoder_and_decoder_are_counted():
    model = guidelines.read_config(config("t5_small"))
    assert [(stack.role, stack.depth) for stack in model.stacks] == [("encoder", 6), ("decoder", 6)]
    # A decoder layer attends twice and has one norm more.
    encoder, decoder = (stack.parameters for stack in model.stacks)
    assert decoder - encoder == 6 * (4 * 512**2 + 512)
    assert encoder + decoder == model.parameters_without_embeddings
    assert model.notes == ("encoder and decoder are counted, and judged one by one",)


def test_bottlenecks():
    # An embedding of 512 in a network of width 1024.
    assert guidelines.read_config(config("opt_350m")).embedding_rank == 512
    assert guidelines.read_config(config("gpt2", vocab_size=100)).embedding_rank == 100
    # Six heads of dimension 64 in a network of width 512.
    assert guidelines.read_config(config("mt5_small")).head_bottlenecks == ("width", "patterns")
    assert guidelines.read_config(config("t5_small")).head_bottlenecks == ("patterns",)
    assert guidelines.read_config(config("gpt2", n_positions=65)).head_bottlenecks == ()
    assert guidelines.read_config(config("gpt2", n_positions=66)).head_bottlenecks == ("patterns",)


def test_the_rank_behind_a_narrow_embedding():
    # With learned positions the moment bound at the embedding's rank does not hold (SOURCES.md section 2).
    opt = guidelines.read_config(config("opt_350m"))
    assert opt.log3_vocabulary_bound == bounds.log3_affine_bound(24, 1024, 512)
    assert opt.log3_vocabulary_bound > 1.5 * bounds.log3_moment_bound(24, 512)
    llama = guidelines.read_config(config("llama_7b", vocab_size=1000))
    assert llama.log3_vocabulary_bound == bounds.log3_moment_bound(32, 1000)
    gpt2 = guidelines.read_config(config("gpt2"))
    assert gpt2.log3_vocabulary_bound == bounds.log3_moment_bound(12, 768)


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
    ],
)
def test_the_class_of_the_weights_says_what_they_have(name, changes, parameters):
    assert guidelines.read_config(config(name, **changes)).parameters == parameters


def test_notes_say_what_a_class_has_not():
    assert guidelines.read_config(config("mistral_7b", architectures=["MistralModel"])).notes == (
        "without an output embedding, as 'MistralModel' has none",
    )
    encoder = guidelines.read_config(config("t5_small", architectures=["T5EncoderModel"]))
    assert (encoder.notes, len(encoder.stacks)) == (("an encoder alone, as 'T5EncoderModel' is",), 1)


# What the library that wrote the format, version 5.24, takes where a key is left out.
@pytest.mark.parametrize(
    ("name", "key", "parameters"),
    [
        ("mistral_7b", "num_key_value_heads", 7_241_732_096),
        ("qwen3_06b", "head_dim", 596_049_920),
        ("llama_7b", "num_key_value_heads", 6_738_415_616),
        ("opt_125m", "word_embed_proj_dim", 125_239_296),
        ("gpt2", "tie_word_embeddings", 124_439_808),
        ("t5_small", "relative_attention_num_buckets", 60_506_624),
    ],
)
def test_keys_left_out_are_as_the_format_has_them(name, key, parameters):
    given = config(name)
    given.pop(key, None)
    assert guidelines.read_config(given).parameters == parameters


def test_null_keys_and_values_are_as_many_as_heads():
    assert guidelines.read_config(config("mistral_7b", num_key_value_heads=None)).main_stack.kv_heads == 32


def test_keys_that_a_family_does_not_have_are_left_alone():
    assert guidelines.read_config(config("gpt2", head_dim=128)).parameters == 124_439_808
    assert guidelines.read_config(config("mistral_7b", attention_bias=True)).parameters == 7_241_732_096


def test_shared_keys_and_values_are_read():
    stack = guidelines.read_config(config("llama_3_8b")).main_stack
    assert (stack.heads, stack.kv_heads, stack.head_dim, stack.feed_forward) == (32, 8, 128, 14336)


def test_it_becomes_plain_values():
    values = guidelines.read_config(config("gpt2")).to_dict()
    assert json.loads(json.dumps(values))["parameters"] == 124_439_808


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the key model_type is missing; expected one of gpt2, llama"),
        ({"model_type": "gtp2"}, "model_type is 'gtp2'; expected one of gpt2, llama, .*give depth and width"),
        ({"model_type": "LLaMA"}, "did you mean 'llama'?"),
        ({"model_type": "llava", "text_config": {}}, "'text_config': give that part alone"),
        ({"model_type": "gpt2", "n_layer": 12, "n_embd": None}, "the keys n_embd, n_head, vocab_size, n_positions are missing"),
        (config("llama_7b", hidden_size=None), "the key hidden_size is missing; expected it in the config"),
        (config("gpt2", n_head=7), "7 heads do not divide the width 768; expected a divisor$"),
        (config("bert_base", auto_map={"AutoModel": "remote--code.Model"}), "auto_map names code of the model's own"),
        (config("gpt2", architectures="GPT2"), r"architectures is 'GPT2'; expected a list of texts"),
        (config("gpt2", add_cross_attention=True), "add_cross_attention is set; expected a gpt2 model without"),
        ({"model_type": "mt5"}, "vocab_size, tie_word_embeddings are missing"),
        (config("llama_7b", num_hidden_layers=0), "num_hidden_layers is 0; expected a whole number from 1 to 1000000000000"),
        (config("llama_7b", hidden_size="wide"), "hidden_size is 'wide'"),
        (config("llama_7b", hidden_size=10**4200), "hidden_size is a whole number of some 4200 digits; expected"),
        (config("llama_7b", model_type=10**4200), "model_type is a whole number of some 4200 digits; expected"),
        (config("llama_7b", num_attention_heads=33), "33 heads do not divide the width 4096"),
        (config("llama_7b", num_key_value_heads=5), "num_key_value_heads is 5; expected a divisor of the 32"),
        ({**config("qwen2_7b", num_attention_heads=7), "num_key_value_heads": 4}, "is 4; expected a divisor of the 7"),
        (
            {key: value for key, value in config("qwen2_7b").items() if key != "num_key_value_heads"},
            "num_key_value_heads is 32 where it is left out; expected a divisor of the 28",
        ),
        (config("llama_7b", tie_word_embeddings="no"), "tie_word_embeddings is 'no'; expected true or false"),
        (config("flan_t5_base", feed_forward_proj=3), "feed_forward_proj is 3; expected a text"),
    ],
)
def test_what_is_missing_or_wrong_is_named(given, message):
    with pytest.raises(TensorRankError, match=message):
        guidelines.read_config(given)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"the file is empty; expected a config\.json"),
        (b"{'model_type': 'gpt2'}", "expecting property name enclosed in double quotes at line 1, column 2; expected JSON"),
        (b"\xff\xfe", r"byte 0 is no UTF-8 text; expected a config\.json; it seems to be UTF-16: save it as UTF-8"),
        (b"[1, 2]", r"this is \[1, 2\]; expected an object"),
        (b'{"model_type": "gpt2"', "expecting ',' delimiter at line 1, column 22, where the file ends"),
        (
            b'{"model_type": "gpt2", "n_layer": 12,\n "n_layer": 6}',
            "the key 'n_layer' is given twice at line 2, column 2; expected each key once",
        ),
        (b'{"a": {"b": [1, {"c": 1, "c": 2}]}}', r"the key 'c' is given twice at line 1, column 26 \(a\.b\[1\]\)"),
        (b'{"model_type": ["gpt2"]}', "model_type is \\['gpt2'\\]"),
    ],
)
def test_files_are_checked(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(TensorRankError, match=f"config.json: {message}"):
        guidelines.read_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TensorRankError, match=r"nowhere\.json cannot be read"):
        guidelines.read_config(tmp_path / "nowhere.json")


def test_a_large_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(10**8)
    with pytest.raises(TensorRankError, match=r"the file has 95\.4 MiB; expected a config\.json, of at most 9\.54 MiB"):
        guidelines.read_config(path)


@pytest.mark.parametrize("given", [None, 5, 1.5, [], b"config.json", ""])
def test_what_is_neither_a_path_nor_a_mapping_is_refused(given):
    with pytest.raises(TensorRankError, match=r"the configuration is .*; expected the path of a file or folder"):
        guidelines.read_config(given)

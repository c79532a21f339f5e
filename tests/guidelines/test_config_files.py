import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tensorrank import guidelines
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.built_models import building
from tensorrank.guidelines.families.table import FAMILIES

CONFIGS = Path(__file__).with_name("configs")


def config(name, **changes):
    return {**json.loads((CONFIGS / f"{name}.json").read_text()), **changes}


def read(content):
    return guidelines.read_config(content, "table")


@pytest.fixture
def no_transformers(monkeypatch):
    monkeypatch.setattr(building, "installed", lambda: None)


def test_a_folder_with_a_configuration_is_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config("gpt2")))
    assert read(tmp_path).parameters == 124_439_808


def test_notes_say_what_a_class_has_not():
    assert read(config("mistral_7b", architectures=["MistralModel"])).notes == ("without an output embedding",)
    encoder = read(config("t5_small", architectures=["T5EncoderModel"]))
    assert (encoder.notes[-1], len(encoder.stacks)) == ("an encoder alone", 1)


def test_a_class_by_another_name_is_counted_as_the_family_s_own():
    model = read(config("llama_7b", architectures=["LLaMAForCausalLM"]))
    assert (model.counted_as, model.parameters) == ("LlamaForCausalLM", 6_738_415_616)
    assert model.notes == ("counted as LlamaForCausalLM, for which 'LLaMAForCausalLM' is taken",)


# As transformers refuses all of these: test_both_ways.py.
@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "MistralModel", "LlamaPoetModel", "TLlamaForCausalLM"])
def test_a_class_of_a_like_ending_is_not_taken_for_the_family_s_own(name):
    with pytest.raises(TensorRankError, match=r"expected one of LlamaForCausalLM.*; leave the key out to count Llama"):
        read(config("llama_3_8b", architectures=[name]))
    assert read(config("llama_3_8b", architectures=None)).counted_as == "LlamaForCausalLM"


def test_the_first_of_several_classes_is_counted():
    model = read(config("gpt2", architectures=["GPT2LMHeadModel", "GPT2Model"]))
    assert model.notes == ("the first of the 2 classes that are named is counted",)


def test_code_of_the_model_s_own_is_not_read_where_the_family_is_published_with_it():
    assert read(config("phi_2")).notes[-1].startswith("the code that auto_map names is not read")


@pytest.mark.usefixtures("no_transformers")
def test_without_transformers_the_table_counts():
    assert guidelines.read_config(config("gpt2")).counted_by == "table"
    with pytest.raises(TensorRankError, match=r"transformers, of version 5 .*pip install 'tensorrank\[hf\]'"):
        guidelines.read_config(config("gpt2"), "transformers")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the key model_type is missing; expected the name of a family, such as llama, or give depth and width"),
        (
            {"model_type": "gtp2"},
            "model_type is 'gtp2', which neither the table nor .*did you mean 'gpt2'.*give depth and width",
        ),
        ({"model_type": "LLaMA"}, "did you mean 'llama'?"),
        ({"model_type": "gpt2", "n_layer": 12, "n_embd": None}, "the keys n_embd, n_head, vocab_size, n_positions are missing"),
        (config("llama_7b", hidden_size=None), "the key hidden_size is missing; expected it in the config"),
        (
            {"model_type": "olmo", "num_hiden_layers": 2},
            "num_hidden_layers, .* are missing; .*did you mean 'num_hiden_layers'?",
        ),
        (config("gpt2", n_head=7), "7 heads do not divide the width 768; expected a divisor$"),
        (
            config("bert_base", auto_map={"AutoModel": "remote--code.Model"}),
            "auto_map names code of the model's own, .*never run",
        ),
        (config("gpt2", architectures="GPT2"), r"architectures is 'GPT2'; expected a list of texts"),
        (config("llama_7b", architectures=["LlamaForPoetry"]), r"architectures is \['LlamaForPoetry'\]; expected one of Llama"),
        (
            config("gpt2", add_cross_attention=True),
            "add_cross_attention is True; expected false in a gpt2 model that the table",
        ),
        (config("bert_base", is_encoder_decoder=True), "is_encoder_decoder is True; expected false in a bert model"),
        (config("mpt_7b", expansion_ratio=8), "expansion_ratio is 8; expected 4 in a mpt model: transformers builds no other"),
        (
            {**config("mpt_7b"), "attn_config": {"qk_ln": True}},
            "attn_config.qk_ln is True; expected false in a mpt model: transformers builds no other; give depth and width",
        ),
        (config("mpt_7b", attn_config=[]), r"attn_config is \[\]; expected an object"),
        (config("bloom_560m", n_inner=5), "n_inner is 5; expected null in a bloom model"),
        ({"model_type": "mt5"}, "vocab_size, tie_word_embeddings are missing"),
        (config("llama_7b", num_hidden_layers=0), "num_hidden_layers is 0; expected a whole number from 1 to 1000000000000"),
        (config("llama_7b", hidden_size="wide"), "hidden_size is 'wide'"),
        (config("llama_7b", hidden_size=10**4200), "hidden_size is a whole number of some 4200 digits; expected"),
        (config("llama_7b", model_type=10**4200), "model_type is a whole number of some 4200 digits, which neither"),
        (config("llama_7b", num_attention_heads=33), "33 heads do not divide the width 4096"),
        (config("llama_7b", num_key_value_heads=5), "num_key_value_heads is 5; expected a divisor of the 32"),
        ({**config("qwen2_7b", num_attention_heads=7), "num_key_value_heads": 4}, "is 4; expected a divisor of the 7"),
        (
            {key: value for key, value in config("qwen2_7b").items() if key != "num_key_value_heads"},
            "num_key_value_heads is 32 where it is left out; expected a divisor of the 28",
        ),
        (config("llama_7b", tie_word_embeddings="no"), "tie_word_embeddings is 'no'; expected true or false"),
        (config("flan_t5_base", feed_forward_proj=3), "feed_forward_proj is 3; expected a text"),
        (
            config("mixtral_8x7b", num_experts_per_tok=9),
            "9 experts are chosen for a token, of 8; expected no more than there are",
        ),
        (config("qwen3_30b_a3b", mlp_only_layers=["a"]), r"mlp_only_layers is \['a'\]; expected a list of whole numbers"),
        (config("vit_base", patch_size=[16]), r"patch_size is \[16\]; expected a whole number, or two"),
        (config("gpt2", hidden_size=512), "n_embd is 768, but hidden_size, which means the same, is 512; expected one of them"),
        (config("skywork_reward_llama_8b", num_labels=3), "num_labels is 3, but id2label has 1 names; expected as many"),
        ({**config("gemma_3_4b"), "text_config": None}, "text_config is None; expected an object, as a gemma3 model has"),
        (
            {**config("gemma_3_4b"), "vision_config": {"model_type": "vit"}},
            "vision_config.model_type is 'vit'; expected 'siglip_vision_model'",
        ),
        (
            {**config("gemma_3_4b"), "text_config": {"num_hidden_layers": 0}},
            "in text_config: num_hidden_layers is 0; expected a whole number from 1",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(given, message):
    with pytest.raises(TensorRankError, match=message):
        read(given)


# What the message says to try is tried: built_models/test_building.py has what only transformers takes.
@pytest.mark.usefixtures("no_transformers")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model_type": "mamba"}, r"model_type is 'mamba', which the table .*hf.*with which transformers builds mamba models"),
        (config("gpt2", heads_of_gold=3), r"the key heads_of_gold is not known of a gpt2 model, and may change it.*hf"),
        (config("qwen_7b", heads_of_gold=3), r"the key heads_of_gold .*; leave it out if it does not, or give depth and width"),
        (config("llama_7b", num_key_values_heads=8), "did you mean 'num_key_value_heads'.*hf"),
        ({"model_type": "made_up", "text_config": config("gpt2")}, "'made_up', which neither.*give its language model alone"),
        ({"model_type": "llava", "text_config": config("llama_7b")}, "'llava', .*give its language model alone, .*; or .*hf"),
    ],
)
def test_what_is_not_known_is_named_with_a_way_round(given, message):
    with pytest.raises(TensorRankError, match=message):
        guidelines.read_config(given)


def test_a_language_model_is_named_only_if_the_table_counts_it():
    for part in ({"model_type": "mamba"}, {"model_type": "gpt2"}, None, 5):
        with pytest.raises(TensorRankError, match=r"nor transformers knows; give depth and width$"):
            read({"model_type": "no_such_thing", "text_config": part})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model_type": "foobar"}, "'foobar', which neither the table nor transformers knows; give depth and width$"),
        (config("llama_3_8b", num_attention_heads=None), "the key num_attention_heads is missing; expected .* llama model$"),
        (config("llama_3_8b", attention_sinks=2), "key attention_sinks is not known of .*, and may change it; leave it out"),
    ],
)
def test_what_is_not_near_is_not_suggested(given, message):
    with pytest.raises(TensorRankError, match=message):
        read(given)


def test_keys_that_change_nothing_are_left_alone():
    noise = {"_name_or_path": "me", "torch_dtype": "bfloat16", "bos_token_id": 5, "rope_theta": 1e6, "attention_dropout": 0.5}
    assert read(config("llama_7b", **noise)) == read(config("llama_7b"))


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_no_family_takes_an_unknown_key(name):
    known = next(
        (one for one in (json.loads(path.read_text()) for path in CONFIGS.iterdir()) if one["model_type"] == name), None
    )
    known = known or {"model_type": name, **config("gemma_3_4b")["vision_config"]}
    read(known)
    with pytest.raises(TensorRankError, match=rf"the key dragons is not known of a {name} model"):
        read({**known, "dragons": 3})


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


def test_a_key_that_is_null_is_not_taken_for_its_own_slip():
    with pytest.raises(TensorRankError, match=r"num_experts_per_tok is missing; expected it in the .* deepseek_v2 model$"):
        read(config("deepseek_v2_lite", num_experts_per_tok=None))


@pytest.mark.parametrize(
    ("name", "key", "function"),
    [("llama_7b", "hidden_act", "xielu"), ("gpt2", "activation_function", "prelu"), ("t5_small", "feed_forward_proj", "PReLU")],
)
def test_functions_with_weights_of_their_own_are_not_counted_by_the_table(name, key, function):
    with pytest.raises(TensorRankError, match=rf"{key} is '{function}', a function with weights of its own; expected one with"):
        read(config(name, **{key: function}))


def test_code_that_a_part_names_is_refused_as_that_of_the_whole_is():
    text = {**config("gemma_3_4b")["text_config"], "auto_map": {"AutoModel": "a.B"}}
    with pytest.raises(TensorRankError, match=r"text_config\.auto_map names code of the model's own"):
        read(config("gemma_3_4b", text_config=text))


def test_mappings_that_no_file_can_hold_are_refused():
    endless = config("gpt2")
    endless["text_config"] = endless
    with pytest.raises(TensorRankError, match="the configuration is nested more than 64 deep"):
        read(endless)
    with pytest.raises(TensorRankError, match="configurations have the key 1; expected keys that are texts"):
        read({1: 2, **config("gpt2")})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TensorRankError, match=r"nowhere\.json cannot be read"):
        guidelines.read_config(tmp_path / "nowhere.json")
    with pytest.raises(TensorRankError, match=r"config\.json cannot be read"):
        guidelines.read_config(tmp_path)


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


def test_who_counts_is_the_table_or_transformers():
    with pytest.raises(TensorRankError, match=r"counted_by is 'tables'; .*did you mean 'table'"):
        guidelines.read_config(config("gpt2"), "tables")


def test_names_too_long_for_any_file_are_refused():
    with pytest.raises(TensorRankError, match="cannot be read"):
        guidelines.read_config("é" * 5000)


def test_the_families_of_transformers_are_listed_for_those_who_do_not_have_it():
    listed = building.model_types(of_installed=False)
    assert {"llama", "mamba", "deepseek_v3", "swin"} <= listed
    assert set(FAMILIES) - listed == {"qwen", "internlm2"}
    if find_spec("transformers") is not None:
        # A later version may have more families.
        assert len(listed - building.model_types(of_installed=True)) < len(listed) / 20

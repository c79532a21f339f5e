"""What transformers builds, and what is refused before or while it builds."""

import json
import socket
from pathlib import Path

import pytest

from tensorrank import guidelines
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.built_models import building

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CONFIGS = Path(__file__).parents[1] / "configs"


UNREAD = "transformers makes nothing of the {}, which may change the architecture: what is counted is the model without"


def config(name, **changes):
    return {**json.loads((CONFIGS / f"{name}.json").read_text()), **changes}


NESTED: list = []
NESTED.append(NESTED)


def read(content):
    return guidelines.read_config(content, "transformers")


# What the table's messages name transformers for, it takes.
@pytest.mark.parametrize(
    "given",
    [
        {"model_type": "mamba"},
        {"model_type": "swin"},
        config("gpt2", heads_of_gold=3),
        config("bert_base", add_cross_attention=True, is_decoder=True),
        config("bert_base", is_encoder_decoder=True),
        config("deberta_v3_nli", legacy=False),
        config("electra_small", architectures=["ElectraForMultipleChoice"]),
        {"model_type": "llava", "text_config": config("llama_7b")},
    ],
)
def test_the_way_round_is_one(given):
    with pytest.raises(TensorRankError, match=r"let transformers count it \(counted_by=.transformers., or --counted-by transf"):
        guidelines.read_config(given, "table")
    assert read(given).parameters > 0
    assert guidelines.read_config(given) == read(given)


def test_cross_attention_is_counted():
    # A second attention in each layer, with its norm: 4 d^2 + 4 d and 2 d.
    whole = read(config("bert_base", add_cross_attention=True, is_decoder=True)).parameters
    assert whole - 109_514_298 == 12 * (4 * 768**2 + 6 * 768)


def test_keys_of_which_nothing_is_read_are_noted():
    model = read(config("gpt2", heads_of_gold=3))
    assert model.notes == (UNREAD.format("key heads_of_gold"),)
    two = read(config("gpt2", heads_of_gold=3, num_memory_slots=16))
    assert two.notes == (UNREAD.format("keys heads_of_gold, num_memory_slots"),)
    assert model.parameters == 124_439_808


def test_a_slip_is_refused():
    given = {key: value for key, value in config("mistral_7b").items() if key != "num_key_value_heads"}
    with pytest.raises(
        TensorRankError, match=r"num_key_value_head is not known of a mistral.*did you mean 'num_key_value_heads'"
    ):
        read({**given, "num_key_value_head": 8})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model_type": "mamba", "num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000; expected at most 2048"),
        (
            {"model_type": "mamba", "hidden_size": "wide"},
            "transformers refuses this configuration of a mamba model: .*hidden_size",
        ),
        ({"model_type": "mamba", "hidden_size": 10**30}, "transformers cannot build MambaForCausalLM of this configuration"),
        ({"model_type": "mamba", "architectures": ["BertModel"]}, "architectures names BertModel, a class of bert models"),
        (
            {"model_type": "mamba", "architectures": ["Mambo"]},
            r"architectures is \['Mambo'\]; expected one of .*did you mean 'Mamba",
        ),
        ({"model_type": "mamba", "architectures": [5]}, r"architectures is \[5\]; expected a list of texts"),
        ({"model_type": "mamba", "auto_map": {"AutoModel": "a.B"}}, "auto_map names code of the model's own"),
        ({"model_type": "mamba", "num_labels": 10**6}, "num_labels is 1000000; expected at most 100000"),
        (
            {"model_type": "upernet", "backbone": "resnet50", "use_timm_backbone": False},
            "it names another model, which would have to be fetched; expected that model's own configuration",
        ),
        (
            {"model_type": "llava", "text_config": config("llama_7b", auto_map={"AutoModel": "a.B"})},
            "text_config.auto_map names code of the model's own",
        ),
        ({"model_type": "mamba", "extra": NESTED}, "nested more than 64 deep; expected an object"),
        ({"model_type": "mamba", 5: 6}, "configurations have the key 5; expected keys that are texts"),
    ],
)
def test_what_cannot_be_built_is_said(given, message):
    with pytest.raises(TensorRankError, match=message):
        read(given)


def test_more_arrays_than_fit_a_moment_are_refused(monkeypatch):
    monkeypatch.setattr(building, "_MOST_PARAMETERS", 20)
    with pytest.raises(TensorRankError, match="has more than 20 arrays of weights"):
        read({"model_type": "mamba"})
    # Nothing is left behind that would count the next one.
    assert sum(parameter.numel() for parameter in torch.nn.Linear(2, 3).parameters()) == 9


def test_what_only_the_table_counts_is_said_to_be_counted_by_it():
    deep = guidelines.read_config(config("gpt2", n_layer=10**6))
    # 12 d^2 + 13 d a layer.
    assert deep.parameters == 124_439_808 + (10**6 - 12) * (12 * 768**2 + 13 * 768)
    assert deep.counted_by == "table"
    assert deep.notes[0].startswith("transformers does not build this: n_layer is 1000000; expected at most 2048")


def test_stacked_experts_may_be_as_many_as_one_likes():
    small = {"model_type": "phimoe", "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 32}
    few, many = (read({**small, "num_local_experts": count}) for count in (8, 10**6))
    # Three maps and a row of the router for each expert of two layers.
    assert many.parameters - few.parameters == 2 * (10**6 - 8) * (3 * 64 * 32 + 64)
    assert many.main_stack.experts == 10**6


def test_keys_that_transformers_writes_itself_are_no_slips():
    # Properties, and keys that a family keeps beside its own name for them.
    assert read({"model_type": "dinov2", "out_features": ["stage12"], "out_indices": [12]}).parameters == 85_725_696
    for name in ("bailing_hybrid", "swin", "convnext"):
        saved = transformers.AutoConfig.for_model(name).to_dict()
        assert read(json.loads(json.dumps(saved))).parameters > 0
    # What is written and not built is still noted.
    saved = {**transformers.AutoConfig.for_model("glm4_moe").to_dict(), "num_hidden_layers": 2}
    assert read(json.loads(json.dumps(saved))).notes == (UNREAD.format("key num_nextn_predict_layers"),)


def test_a_class_in_another_spelling_is_taken_and_one_of_a_like_ending_is_not():
    model = read({"model_type": "mamba", "architectures": ["MAMBAForCausalLM"]})
    assert model.notes[0] == "counted as MambaForCausalLM, for which 'MAMBAForCausalLM' is taken"
    for name in ("PreTrainedModel", "MyGPT2LMHeadModel", "GPT3Model"):
        with pytest.raises(TensorRankError, match=r"expected one of .*GPT2Model.*; leave the key out to count GPT2LMHeadModel"):
            read(config("gpt2", architectures=[name]))
    assert read(config("gpt2", architectures=[])).counted_as == "GPT2LMHeadModel"


def test_a_class_that_transformers_only_names_is_said(monkeypatch):
    monkeypatch.setitem(building._classes().MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, "mamba", "MambaForNothing")
    with pytest.raises(TensorRankError, match=r"names MambaForNothing for a mamba model and does not have it; expected arch"):
        read({"model_type": "mamba"})


def test_configurations_whose_layers_differ_are_counted():
    model_type = "dots3_note_text"
    if model_type not in building.model_types(of_installed=True):
        pytest.skip("this version of transformers has no such family")
    # Asking this configuration for its heads raises an error.
    assert read({"model_type": model_type}).main_stack.heads is None


def test_nothing_is_fetched_and_no_code_of_the_file_is_run(monkeypatch, tmp_path):
    def refuse(*args, **options):
        raise AssertionError("something was to be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (tmp_path / "modeling_phi.py").write_text("raise AssertionError('code of the file was run')")
    (tmp_path / "config.json").write_text(json.dumps(config("phi_2")))
    assert guidelines.read_config(tmp_path).parameters == 2_779_683_840
    with pytest.raises(TensorRankError, match="it names another model, which would have to be fetched"):
        read({"model_type": "upernet", "backbone": "microsoft/resnet-50", "use_timm_backbone": False})


def test_a_configuration_without_sizes_is_said_to_have_none():
    note = "the configuration says no sizes; counted are those that transformers takes where they are left out"
    assert read({"model_type": "mamba", "bos_token_id": 0}).notes == (note,)
    assert read({"model_type": "llava"}).notes == (note,)
    assert read({"model_type": "mamba", "hidden_size": 64}).notes == ()
    assert read({"model_type": "llava", "text_config": config("llama_7b")}).notes == ()


def test_all_numbers_stay_away():
    made = building.built(config("llama_3_405b"), frozenset())
    assert {parameter.device.type for parameter in made.module.parameters()} == {"meta"}


def test_a_class_that_is_left_out_is_the_one_that_writes():
    chosen = {name: read({"model_type": name}).counted_as for name in ("mamba", "bart", "whisper", "roformer")}
    assert chosen == {
        "mamba": "MambaForCausalLM",
        "bart": "BartForConditionalGeneration",
        "whisper": "WhisperForConditionalGeneration",
        "roformer": "RoFormerModel",
    }

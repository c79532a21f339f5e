"""The table of families against transformers, which builds each model without numbers."""

import dataclasses
import json
from functools import cache
from pathlib import Path

import pytest

from tensorrank import guidelines
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.families.family import Family
from tensorrank.guidelines.families.table import FAMILIES

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

CONFIGS = Path(__file__).with_name("configs")
NAMES = sorted(path.stem for path in CONFIGS.iterdir())
AUTO = pytest.importorskip("transformers.models.auto.configuration_auto")
# Families that transformers does not have.
TABLE_ALONE = {"qwen", "internlm2"}
NATIVE = [name for name in FAMILIES if name not in TABLE_ALONE]
TASK = {"id2label": {"0": "no", "1": "perhaps", "2": "yes"}}
# What a key is changed to, by what it is.
NUMBERS, NOTHING = (1, 2, 3, 64), (1, 2, 64, True, "layer_norm")


def content(name):
    return json.loads((CONFIGS / f"{name}.json").read_text())


@cache
def first_of(family):
    """The configuration of a family with which its keys are tried, of two layers."""
    found = next((one for one in map(content, NAMES) if one["model_type"] == family), None)
    if found is None:
        found = {"model_type": family, **content("gemma_3_4b")["vision_config"]}
    for part in (found, found.get("text_config", {}), found.get("vision_config", {})):
        for key in ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers"):
            if key in part:
                part[key] = 2
        part.pop("layer_types", None)
    return found


def facts(config, by):
    """All that is found but for notes and who counted; the words of an error where it is refused."""
    try:
        found = guidelines.read_config(config, by)
    except TensorRankError as error:
        return str(error)
    return dataclasses.replace(found, notes=(), counted_by="")


@pytest.mark.parametrize("name", NAMES)
def test_both_ways_agree(name):
    config = content(name)
    if config["model_type"] in TABLE_ALONE:
        with pytest.raises(TensorRankError, match="does not know; the table does"):
            guidelines.read_config(config, "transformers")
        assert guidelines.read_config(config).counted_by == "table"
        return
    assert facts(config, "table") == facts(config, "transformers")
    assert guidelines.read_config(config).counted_by == f"transformers {transformers.__version__}"


SINGLE = [name for name in NATIVE if isinstance(FAMILIES[name], Family)]
CLASSES = [(name, ending) for name in SINGLE for ending in (None, *FAMILIES[name].endings)]


@pytest.mark.parametrize(("name", "ending"), CLASSES)
@pytest.mark.parametrize("tied", [True, False])
def test_every_class_is_counted_alike(name, ending, tied):
    config = {**first_of(name), "tie_word_embeddings": tied}
    config.pop("architectures", None)
    config.pop("num_labels", None)
    if ending is not None:
        config["architectures"] = [FAMILIES[name].prefix + ending]
        if (name, ending) != ("distilbert", "ForQuestionAnswering"):  # which takes two labels
            config |= TASK
    assert facts(config, "table") == facts(config, "transformers")


# Of every family one class; transformers takes those alone that are built of the family's own configurations.
@pytest.mark.parametrize("name", SINGLE)
def test_a_class_of_another_family_is_refused_in_both_ways(name):
    family, kind = FAMILIES[name], AUTO.CONFIG_MAPPING[name]
    others = {FAMILIES[other].prefix + ending for other in SINGLE for ending in FAMILIES[other].endings}
    foreign = [one for one in sorted(others) if not issubclass(kind, getattr(transformers, one).config_class)]
    assert foreign
    for one in foreign:
        with pytest.raises(TensorRankError, match=rf"architectures is \['{one}'\]; expected one of {family.prefix}"):
            guidelines.read_config({**first_of(name), "architectures": [one]}, "table")
    with pytest.raises(TensorRankError, match=f"architectures names {foreign[0]}, a class of .* models, and model_type is"):
        guidelines.read_config({**first_of(name), "architectures": foreign[:1]})


def changed_values(value):
    if isinstance(value, bool):
        return (not value, None)
    if isinstance(value, int):
        return (*(one for one in NUMBERS if one != value), 2 * value, None)
    if isinstance(value, str):
        return ("prelu", "gated-xielu")
    return NOTHING if value is None else ()


# Keys that say which class is built, or that have to fit each other.
ELSEWHERE = {"architectures", "model_type", "auto_map", "id2label", "label2id", "num_labels"}
OF_MANY = """
    head_dim num_key_value_heads attention_bias mlp_bias use_bias bias qkv_bias qk_layernorm use_qk_norm embedding_size
    attention_head_size intermediate_size num_experts n_shared_experts conv_kernel_size add_cross_attention
    tie_word_embeddings type_vocab_size is_encoder_decoder n_inner ffn_dim kv_channels no_bias norm_bias
"""


def tried_keys(family):
    kind = AUTO.CONFIG_MAPPING[family]
    full = kind.from_dict({key: value for key, value in first_of(family).items() if key != "model_type"})
    keys = {field.name: getattr(full, field.name, None) for field in dataclasses.fields(kind)}
    aliases = {key: getattr(full, key, None) for key in kind.attribute_map}
    return {**dict.fromkeys(OF_MANY.split()), **keys, **aliases, **first_of(family)}


@pytest.mark.parametrize("family", NATIVE)
def test_no_key_that_changes_the_architecture_passes_unread(family):
    wrong = []
    for key, value in tried_keys(family).items():
        if key in ELSEWHERE:
            continue
        for other in changed_values(value):
            config = {**first_of(family), key: other}
            found = facts(config, "table")
            if not isinstance(found, str):
                built = facts(config, "transformers")
                if not isinstance(built, str) and found != built:
                    wrong.append((key, other, found, built))
    assert not wrong


# A part of a configuration, or a class, in which a key means something else than in the whole family.
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("t5_small", {"architectures": ["T5EncoderModel"], "is_decoder": True}),
        ("umt5_small", {"architectures": ["UMT5ForTokenClassification"], "is_decoder": True}),
        ("phi_1_5", {"qk_layernorm": True, "head_dim": 2, "auto_map": None}),
        # The last layer is dense, and the inner width is that of an expert nonetheless.
        ("qwen3_30b_a3b", {"num_hidden_layers": 2, "mlp_only_layers": [1]}),
        ("falcon_rw_1b", {"parallel_attn": None, "auto_map": None}),
        ("gemma_3_4b", {"text_config": {**content("gemma_3_4b")["text_config"], "tie_word_embeddings": False}}),
    ],
)
def test_a_key_is_read_where_it_counts(name, changes):
    config = {**content(name), **changes}
    found, built = facts(config, "table"), facts(config, "transformers")
    if isinstance(found, str):
        assert not isinstance(built, str)
        assert "let transformers count it" in found or "is null; expected true or false" in found
    else:
        assert found == built

from functools import partial

import numpy as np
import pytest

from tensorrank.attention.trained.adapters import from_torch
from tensorrank.attention.trained.blocks import found_layers
from tensorrank.errors import TensorRankError, WeightsError

# Tensors by name do not say whether there is a mask.
from_tensors = partial(from_torch, causal=False)

RNG = np.random.default_rng(0)


def zeros(**shapes):
    return {name.replace("__", "."): np.zeros(shape) for name, shape in shapes.items()}


def llama(*, width=6, heads=4, kv_heads=2, dim=3, prefix=""):
    shapes = {"q": (heads * dim, width), "k": (kv_heads * dim, width), "v": (kv_heads * dim, width), "o": (width, heads * dim)}
    return {f"{prefix}{name}_proj.weight": RNG.standard_normal(shape) for name, shape in shapes.items()}


def test_grouped_keys_follow_from_the_shapes():
    trained = from_tensors(llama(), heads=4)
    assert (trained.width, trained.heads, trained.kv_heads, trained.head_dim) == (6, 4, 2, 3)
    tensors = llama()
    (block,) = from_tensors(tensors, heads=4).blocks
    np.testing.assert_array_equal(block.query[1], tensors["q_proj.weight"][3:6])
    np.testing.assert_array_equal(block.value[1], tensors["v_proj.weight"][3:])
    np.testing.assert_array_equal(block.output[2], tensors["o_proj.weight"][:, 6:9])


def test_layers_come_in_the_order_of_their_numbers():
    names = [name for number in (10, 2, 1) for name in llama(prefix=f"model.layers.{number}.self_attn.")]
    assert [layer.prefix for layer in found_layers(names)] == [f"model.layers.{n}.self_attn." for n in (1, 2, 10)]


def test_layers_are_chosen_by_number():
    tensors = {f"h.{i}.{name}": array for i in range(3) for name, array in llama().items()}
    trained = from_tensors(tensors, [2, 0], heads=4)
    assert [names[0] for names in trained.read] == ["h.2.q_proj.weight", "h.0.q_proj.weight"]
    assert from_tensors(tensors, 1, heads=4).read[0][0] == "h.1.q_proj.weight"
    with pytest.raises(TensorRankError, match="a layer is 3; expected a whole number from 0 to 2"):
        from_tensors(tensors, 3, heads=4)
    with pytest.raises(TensorRankError, match=r"layers is \(\); expected at least one of the numbers 0 to 2"):
        from_tensors(tensors, [], heads=4)


def test_what_is_not_attention_is_listed():
    tensors = {f"h.0.{name}": array for name, array in llama().items()}
    trained = from_tensors(tensors | zeros(h__0__mlp__up__weight=(2, 2), norm__weight=2), heads=4)
    assert trained.left_out == ("h.0.mlp.up.weight", "norm.weight", "rotary positions, if there are any")


def test_tensors_of_other_stacks_are_not_left_out():
    tensors = {f"{part}.0.attn.{name}": array for part in ("near", "far") for name, array in llama().items()}
    tensors |= zeros(near__norm__weight=6, far__norm__weight=6)
    assert from_tensors(tensors, heads=4, under="near.").left_out == ("near.norm.weight", "rotary positions, if there are any")


def test_each_layer_without_residual_connections_says_that_its_constant_is_left_out():
    tensors = {f"h.{i}.{name}": array for i in range(2) for name, array in llama().items()}
    tensors |= {f"h.{i}.o_proj.bias": np.ones(6) for i in range(2)}
    whole = from_tensors(tensors, heads=4, residual=False)
    constant = "the bias of W_O, without softmax: a constant added to the output"
    assert constant not in whole.left_out
    assert [layer.left_out[-1] for layer in whole.layers] == [constant, constant]
    assert from_tensors(tensors, 0, heads=4, residual=False).left_out.count(constant) == 1
    assert all(constant not in layer.left_out for layer in from_tensors(tensors, heads=4).layers)


def test_layers_inside_a_model_have_residual_connections_and_one_alone_has_none():
    inside = {f"h.0.{name}": array for name, array in llama().items()}
    assert from_tensors(inside, heads=4).residual
    assert not from_tensors(llama(), heads=4).residual
    assert from_tensors(llama(), heads=4, residual=True).residual


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (zeros(in_proj_weight=(8, 24), out_proj__weight=(8, 8)), "They fit with in_proj_weight transposed"),
        (
            zeros(q_proj__weight=(6, 12), k_proj__weight=(6, 6), v_proj__weight=(6, 6), o_proj__weight=(6, 12)),
            "They fit with q_proj.weight transposed",
        ),
        (
            zeros(q_proj__weight=(6, 12), k_proj__weight=(6, 6), v_proj__weight=(6, 6), o_proj__weight=(12, 6)),
            "They fit with q_proj.weight and o_proj.weight transposed",
        ),
        (
            zeros(q_proj__weight=(12, 6), k_proj__weight=(12, 9), v_proj__weight=(12, 9), o_proj__weight=(6, 12)),
            r"k_proj.weight \(12, 9\), .* expected .* k_proj.weight \(kv_heads \* head_dim, width\), .* heads=4$",
        ),
        (
            zeros(q_proj__weight=(4, 3, 6), k_proj__weight=(2, 3, 6), v_proj__weight=(2, 3, 6), o_proj__weight=(6, 12)),
            "two axes each: flatten heads and head_dim into one",
        ),
        (
            zeros(c_attn__weight=(8, 20), c_proj__weight=(8, 8)),
            r"c_attn.weight \(\(heads \+ 2 \* kv_heads\) \* head_dim, width\)",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_named_with_what_fits(tensors, message):
    with pytest.raises(WeightsError, match=message):
        from_tensors(tensors, heads=4)


def test_heads_that_do_not_fit_are_told_which_do():
    with pytest.raises(WeightsError, match=r"with heads=5. Heads must divide the 12 columns of o_proj.weight"):
        from_tensors(llama(), heads=5)
    with pytest.raises(WeightsError, match=r"with heads=3. They fit with heads=2, 4, 6, 12"):
        from_tensors(llama(), heads=3)


def test_biases_of_another_length_are_refused():
    with pytest.raises(WeightsError, match=r"q_proj.bias has shape \(5,\); expected \(12,\), a number for each row"):
        from_tensors(llama() | zeros(q_proj__bias=5), heads=4)


def test_models_of_unknown_layouts_are_told_the_known_ones():
    with pytest.raises(WeightsError, match=r"no attention layer was found among tensors named Wqkv.weight; .*c_attn.weight"):
        from_tensors(zeros(Wqkv__weight=(6, 2)), heads=1)
    with pytest.raises(WeightsError, match=r"among tensors beginning with 'decoder.' named"):
        from_tensors(llama(), heads=4, under="decoder.")


def test_of_two_stacks_one_is_chosen():
    tensors = {f"{part}.layers.{i}.attn.{name}": a for part in ("enc", "dec") for i in (0, 1) for name, a in llama().items()}
    with pytest.raises(WeightsError, match=r"2 of enc.layers.#.attn.\*, 2 of dec.layers.#.attn.\*.*under='enc.'"):
        from_tensors(tensors, heads=4)
    assert from_tensors(tensors, heads=4, under="dec.").read[0][0] == "dec.layers.0.attn.q_proj.weight"


def test_the_beginning_that_is_named_tells_the_stacks_apart():
    parts = ("model.encoder.layers", "model.decoder.layers")
    tensors = {f"{part}.{i}.attn.{name}": a for part in parts for i in (0, 1) for name, a in llama().items()}
    with pytest.raises(WeightsError, match=r"under='model.encoder.'"):
        from_tensors(tensors, heads=4)
    tensors = {f"h.{i}.{part}.{name}": a for part in ("near", "far") for i in (0, 1) for name, a in llama().items()}
    with pytest.raises(WeightsError, match=r"under='h.0.near.'"):
        from_tensors(tensors, heads=4)


def test_cross_attention_is_not_taken_for_self_attention():
    tensors = {f"layers.0.{kind}.{name}": a for kind in ("self_attn", "encoder_attn") for name, a in llama().items()}
    trained = from_tensors(tensors, heads=4)
    assert trained.depth == 1
    assert all(name.startswith("layers.0.self_attn.") for name in trained.read[0])


def test_layers_of_unequal_sizes_are_taken_one_by_one():
    tensors = {f"0.{k}": a for k, a in llama().items()} | {f"1.{k}": a for k, a in llama(kv_heads=4).items()}
    with pytest.raises(WeightsError, match=r"layers have other sizes than each other.*layers=0"):
        from_tensors(tensors, heads=4)
    assert from_tensors(tensors, 1, heads=4).kv_heads == 4


def test_numbers_that_are_not_finite_are_refused_by_name():
    tensors = llama()
    tensors["k_proj.weight"][0, 0] = np.nan
    with pytest.raises(WeightsError, match=r"k_proj.weight has numbers that are not finite"):
        from_tensors(tensors, heads=4)


def test_heads_must_be_known():
    with pytest.raises(TensorRankError, match="heads are not given, and dict does not say them; give a number such as heads=8"):
        from_tensors(llama())
    with pytest.raises(TensorRankError, match="heads is 0; expected a whole number of at least 1"):
        from_tensors(llama(), heads=0)


@pytest.mark.parametrize("module", [None, 3, "model", [1]])
def test_what_is_no_module_is_refused(module):
    with pytest.raises(TensorRankError, match=r"expected a torch.nn.Module, or tensors by name as in its state_dict"):
        from_tensors(module)


def test_texts_are_no_weights():
    with pytest.raises(WeightsError, match=r"k_proj.weight is of type <U1; expected floats"):
        from_tensors(llama() | {"k_proj.weight": np.array([["a"]])}, heads=4)


@pytest.mark.parametrize("inner", ["self", "attention"])
def test_files_of_bert_and_vit_name_their_layers_so(inner):
    layer = "encoder.layer.0.attention."
    inward = {f"{layer}{inner}.{name}.weight": RNG.standard_normal((4, 4)) for name in ("query", "key", "value")}
    trained = from_tensors(inward | {f"{layer}output.dense.weight": np.eye(4)}, heads=2)
    np.testing.assert_array_equal(trained.blocks[0].key[1], inward[f"{layer}{inner}.key.weight"][2:])


def test_heads_of_gpt_neox_keep_queries_keys_and_values_together():
    # Two heads of width 1: rows are q, k, v of the first head, then of the second.
    rows = np.arange(1.0, 7.0)
    (block,) = from_tensors({"query_key_value.weight": np.diag(rows)[:, :2], "dense.weight": np.eye(2)}, heads=2).blocks
    assert block.query[0, 0, 0] == 1
    assert block.key[0, 0, 1] == 2
    biased = {"query_key_value.weight": np.ones((6, 2)), "query_key_value.bias": rows, "dense.weight": np.eye(2)}
    (block,) = from_tensors(biased, heads=2).blocks
    assert (block.query_bias.tolist(), block.value_bias.tolist()) == ([[1], [4]], [[3], [6]])


def test_heads_of_falcon_that_share_keys_stand_before_them():
    # Two groups, each of two W_Q of width 1, one W_K and one W_V.
    rows = np.arange(8.0)
    tensors = {
        "query_key_value.weight": np.outer(rows, [1, 0]),
        "query_key_value.bias": 10 * rows,
        "dense.weight": np.ones((2, 4)),
    }
    (block,) = from_tensors(tensors, heads=4).blocks
    assert block.query[:, 0, 0].tolist() == [0, 1, 4, 5]
    assert (block.key[:, 0, 0].tolist(), block.value[:, 0, 0].tolist()) == ([2, 6], [3, 7])
    assert (block.query_bias.ravel().tolist(), block.value_bias.ravel().tolist()) == ([0, 10, 40, 50], [30, 70])

"""`from_torch` and `from_safetensors`: the attention layers of trained models, wherever they are kept.

PyTorch is not imported: a module can only exist where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tensorrank.arguments import by_name, file_path, shown, whole_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.attention.trained.blocks import FoundLayer, chosen_layers, cut, found_layers
from tensorrank.attention.trained.network import CONSTANT, TrainedAttention
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.given_files.paths import named_in_errors
from tensorrank.given_files.safetensors_files import floats_of, tensors_in

Read = Callable[[Sequence[str]], dict[str, Floats]]

# Under which names modules keep how many heads ask, and what scores are multiplied by.
_HEADS = ("num_attention_heads", "num_heads", "n_heads", "n_head", "heads")
_SCALE = ("scaling", "inv_norm_factor")
_WHICH_CAUSAL = (
    "give causal=True for a model that writes, such as GPT-2 or LLaMA, and causal=False for one whose tokens see all others, "
    "such as BERT or ViT"
)


@checked
def from_torch(
    module: Any,
    layers: int | Sequence[int] | None = None,
    *,
    under: str = "",
    heads: int | None = None,
    causal: bool | None = None,
    residual: bool | None = None,
) -> TrainedAttention:
    """The attention layers of a PyTorch module, or of a state_dict, with their weights.

    Layers are known by the names of their tensors: those of torch.nn.MultiheadAttention (fused or apart), GPT-2, LLaMA,
    Mistral, Qwen, Gemma, Phi-3, OPT, GPT-J, GPT-NeoX, BLOOM, Falcon, BERT, ViT, DistilBERT, T5 and others of the same
    names; `tensorrank/attention/trained/layouts.py` lists them. Any floating-point type, on any device, with gradients
    or without, becomes float64 without rounding.

    Args:
        module: a torch.nn.Module, or its state_dict: tensors or arrays by name.
        layers: which to take of the attention layers that are found, by their places, from 0 on; all by default.
        under: what the names of the layers begin with, such as "encoder."; to be given where there are several stacks.
        heads: how many heads ask; by default what the module or its config says (num_heads and other names), which has
            to agree with what is given; to be given for tensors by name, which do not say it.
        causal: whether a token sees only itself and those before it; by default the module's `is_causal`, or False; to
            be given for tensors by name.
        residual: whether each layer adds its input to its output; by default True for layers inside a model, and False
            for an attention layer by itself, as its own forward pass has it.

    Returns:
        A `TrainedAttention`, of attention alone: norms, feedforward layers and position encodings are left out, and
        listed in `left_out`.

    Raises:
        WeightsError: if no attention layer is found, shapes do not fit together, or tensors hold no finite floats.
        TensorRankError: for another sort of object, layers that are not there, heads that are neither given nor said by
            the module or that differ from what it says, and tensors by name without causal.

    >>> rng = np.random.default_rng(0)
    >>> weights = {"in_proj_weight": rng.standard_normal((6, 2)), "out_proj.weight": rng.standard_normal((2, 2))}
    >>> trained = from_torch(weights, heads=2, causal=False, residual=True)
    >>> trained
    TrainedAttention(depth=1, width=2, heads=2, kv_heads=2, head_dim=1, scale=1.0, causal=False, residual=True)
    >>> from tensorrank.separation.solve import separation_rank
    >>> model, exact = trained.without_softmax(tokens=4)
    >>> separation_rank(model, weights=exact).value, separation_rank(model).value
    (3, 3)
    """
    is_module = callable(getattr(module, "state_dict", None)) and callable(getattr(module, "named_modules", None))
    if not is_module and not isinstance(module, Mapping):
        raise TensorRankError(f"module is {shown(module)}; expected a torch.nn.Module, or tensors by name as in its state_dict")
    tensors = by_name("tensors", module.state_dict() if is_module else module, "tensors or arrays by their names")
    found = chosen_layers(found_layers(tensors, under), layers)
    _refuse_other_keys(found, tensors)
    inside = dict(module.named_modules()) if is_module else {}
    parts = [_parts(inside, layer) for layer in found]
    for part in parts:
        if any(getattr(one, "add_zero_attn", False) is True for one in part):
            raise WeightsError("add_zero_attn is set; expected an attention layer whose keys are of its tokens alone")
    found = [_as_its_module_orders(layer, part) for layer, part in zip(found, parts, strict=True)]
    said = [(_said(part, _SCALE), _said(part, ("is_causal",))) for part in parts]
    if len(set(said)) > 1:
        raise WeightsError(
            f"layers have other scales or masks than each other ({shown(sorted(set(map(str, said))))}); take them one by one, "
            "such as by layers=0"
        )
    scale, masked = said[0]
    known = _said([*parts[0], *([module] if is_module else [])], _HEADS)
    if heads is None and known is None:
        raise TensorRankError(
            f"heads are not given, and {type(module).__name__} does not say them; give a number such as heads=8"
        )
    if heads is not None and known is not None and heads != known:
        raise TensorRankError(f"heads is {shown(heads)}, and the module says {shown(known)}; expected the same, or no heads")
    if causal is None and not is_module:
        raise TensorRankError(f"causal is not given, and tensors do not say it; {_WHICH_CAUSAL}")
    return _trained(
        found,
        tensors,
        lambda names: {name: _floats(name, tensors[name]) for name in names},
        under=under,
        heads=known if heads is None else heads,
        scale=scale,
        causal=bool(masked) if causal is None else causal,
        residual=residual,
    )


@checked
def from_safetensors(
    path: str | Path,
    layers: int | Sequence[int] | None = None,
    *,
    heads: int | None = None,
    causal: bool | None = None,
    under: str = "",
    residual: bool | None = None,
    scale: float | None = None,
) -> TrainedAttention:
    """The attention layers in a file of safetensors, or in all such files of a folder, with their weights.

    Only the tensors of the layers asked for are read, of which `from_torch` lists the names. Neither PyTorch nor
    safetensors is needed.

    Args:
        path: a file, or a folder whose files make a model; of a model in several files also the index, which ends in
            .safetensors.index.json.
        layers: which to take of the attention layers that are found, by their places, from 0 on; all by default.
        heads: how many heads ask; to be given, since the file does not say it (num_attention_heads in a config.json).
        causal: whether a token sees only itself and those before it; to be given, since the file does not say it: True
            for models that write, such as LLaMA, False for those whose tokens see all others, such as BERT.
        under: what the names of the layers begin with, such as "encoder."; to be given where there are several stacks.
        residual: whether each layer adds its input to its output; by default True for layers inside a model.
        scale: what scores are multiplied by before the softmax; by default 1 / sqrt(head_dim), and 1 for T5.

    Returns:
        A `TrainedAttention`, as of `from_torch`.

    Raises:
        WeightsError: as `from_torch`, and if a file is damaged.
        TensorRankError: if a file cannot be read, there is no such layer, or heads or causal are not given.

    Source: the format, https://huggingface.co/docs/safetensors.

    >>> import json, pathlib, struct, tempfile
    >>> layer = {"in_proj_weight": np.ones((6, 2), "<f4"), "out_proj.weight": np.eye(2, dtype="<f4")}
    >>> offsets = {"in_proj_weight": (0, 48), "out_proj.weight": (48, 64)}
    >>> header = {n: {"dtype": "F32", "shape": layer[n].shape, "data_offsets": offsets[n]} for n in layer}
    >>> text = json.dumps(header).encode()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "model.safetensors")  # safetensors.numpy.save_file(layer, path) writes the same
    ...     _ = path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(map(bytes, layer.values())))
    ...     from_safetensors(path, heads=2, causal=True)
    TrainedAttention(depth=1, width=2, heads=2, kv_heads=2, head_dim=1, scale=1.0, causal=True, residual=False)
    """
    file = file_path("path", path)
    if heads is None:
        raise TensorRankError(
            "heads are not given, and a file does not say them; give num_attention_heads of the model's config.json, such as "
            "heads=32"
        )
    if causal is None:
        raise TensorRankError(f"causal is not given, and a file does not say it; {_WHICH_CAUSAL}")
    with named_in_errors(file):
        stored = tensors_in(file)
        found = chosen_layers(found_layers(stored, under), layers)
        _refuse_other_keys(found, stored)
        return _trained(
            found,
            stored,
            lambda names: floats_of(stored, names),
            under=under,
            heads=heads,
            scale=scale,
            causal=causal,
            residual=residual,
        )


def _trained(
    found: Sequence[FoundLayer],
    present: Mapping[str, Any],
    read: Read,
    *,
    under: str,
    heads: int,
    scale: float | None,
    causal: bool,
    residual: bool | None,
) -> TrainedAttention:
    heads = whole_number("heads", heads, 1)
    tensors = read([name for layer in found for name in layer.names])
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{name} has numbers that are not finite; expected finite ones")
    blocks = tuple(cut(layer, tensors, heads) for layer in found)
    shapes = [[part.shape for part in vars(block).values()] for block in blocks]
    if any(other != shapes[0] for other in shapes):
        raise WeightsError(
            "layers have other sizes than each other; expected equal ones: take them one by one, such as by layers=0"
        )
    residual = found[0].prefix != "" if residual is None else residual
    left_out = tuple(name for name in present if name.startswith(under) and name not in tensors)
    if not residual and len(blocks) == 1 and blocks[0].output_bias.any():
        left_out += (CONSTANT,)
    left_out += tuple({layer.layout.unseen: None for layer in found if layer.layout.unseen})
    usual = found[0].layout.scale or 1 / math.sqrt(blocks[0].query.shape[1])
    names = tuple(layer.names for layer in found)
    return TrainedAttention(blocks, usual if scale is None else float(scale), causal, residual, names, left_out)


def _refuse_other_keys(found: Sequence[FoundLayer], present: Mapping[str, Any]) -> None:
    for layer in found:
        for name in ("bias_k", "bias_v"):
            if layer.prefix + name in present:
                raise WeightsError(
                    f"{layer.prefix}{name} is there; expected an attention layer without add_bias_kv, whose keys are "
                    "of its tokens alone"
                )


def _parts(modules: Mapping[str, Any], layer: FoundLayer) -> list[Any]:
    """The module of a layer, and those inside it."""
    own = layer.prefix.removesuffix(".")
    return [part for name, part in modules.items() if name == own or name.startswith(layer.prefix)]


def _as_its_module_orders(layer: FoundLayer, modules: Sequence[Any]) -> FoundLayer:
    """The layer with rows ordered by heads where its module says so: GPT-BigCode's, whose names are those of GPT-2."""
    ordered = layer.layout.inputs_first and any(getattr(one, "multi_query", None) is False for one in modules)
    return replace(layer, layout=replace(layer.layout, by_head=True)) if ordered else layer


def _said(modules: Sequence[Any], names: Sequence[str]) -> Any:
    """What the first of some modules that has an attribute of these names says, itself or in its config."""
    for holder in _holders(modules):
        for name in names:
            value = getattr(holder, name, None)
            if isinstance(value, int | float):
                return value
    return None


def _holders(modules: Sequence[Any]) -> Iterator[Any]:
    yield from modules
    for module in modules:
        config = getattr(module, "config", None)
        if config is not None:
            yield config


def _floats(name: str, tensor: Any) -> Floats:
    """A tensor, or an array, as float64, which holds each of its numbers exactly."""
    if not hasattr(tensor, "detach"):
        array = as_given(tensor, name)
        if array.dtype.kind not in "biuf":
            raise WeightsError(f"{name} is of type {array.dtype}; expected floats")
        return array.astype(np.float64)
    if not tensor.is_floating_point():
        raise WeightsError(
            f"{name} is of type {tensor.dtype}; expected floats. Weights that are quantised have to be made floats again by "
            "what quantised them"
        )
    try:
        whole: Floats = tensor.detach().cpu().double().numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise WeightsError(
            f"{name}, on the device {tensor.device}, gives no numbers ({' '.join(str(error).split())[:120]}); expected a dense "
            "tensor that holds its values, not one of the meta device"
        ) from error
    return whole

"""Attention layers found among the tensors of a model by their names, and cut into heads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from tensorrank.arguments import MOST_LISTED, named, shown, whole_number
from tensorrank.arithmetic.arrays import Floats
from tensorrank.attention.trained.layouts import CROSS_ATTENTION, LAYOUTS, Layout
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError, WeightsError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class FoundLayer:
    """An attention layer among the tensors of a model.

    Attributes:
        prefix: what the names of its tensors begin with, such as "transformer.h.0.attn."; "" for a layer alone.
        layout: how they end.
        names: the full names of all its tensors that are there.
    """

    prefix: str
    layout: Layout
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Block(EqualByValue):
    """The weights of one attention layer, cut into heads, with biases of 0 where there are none.

    Attributes:
        query: W_Q, of shape (heads, head_dim, width).
        key, value: W_K and W_V, of shape (kv_heads, head_dim, width).
        output: W_O, of shape (heads, width, head_dim).
        query_bias: of shape (heads, head_dim).
        key_bias, value_bias: of shape (kv_heads, head_dim).
        output_bias: of shape (width,).
    """

    query: Floats
    key: Floats
    value: Floats
    output: Floats
    query_bias: Floats
    key_bias: Floats
    value_bias: Floats
    output_bias: Floats


def found_layers(names: Collection[str], under: str = "") -> list[FoundLayer]:
    """The attention layers whose tensors have these names, in their order within the model.

    Args:
        names: the names of all tensors of a model.
        under: what the names of the layers begin with; of an encoder and a decoder it takes one.

    Raises:
        WeightsError: if there is no layer of a known layout, or there are layers of several stacks.
    """
    present, found = set(names), {}
    for layout in LAYOUTS:
        for name in names:
            prefix = name.removesuffix(layout.inward[0])
            whole = prefix != name and (not prefix or prefix.endswith(".")) and prefix.startswith(under)
            other = prefix in found or any(word in prefix for word in CROSS_ATTENTION)
            if whole and not other and all(prefix + end in present for end in layout.weights):
                own = (prefix + end for end in (*layout.weights, *layout.biases))
                found[prefix] = FoundLayer(prefix, layout, tuple(name for name in own if name in present))
    if not found:
        known = "; ".join(f"{', '.join(layout.weights)} ({layout.users})" for layout in LAYOUTS)
        where = f" beginning with {shown(under)}" if under else ""
        raise WeightsError(
            f"no attention layer was found among tensors{where} named {named(names)}; expected layers of {known}"
        )
    _refuse_incomplete(found, {name for name in names if name.startswith(under)})
    stacks = Counter(map(_stack, found))
    if len(stacks) > 1:
        listed = ", ".join(f"{count} of {stack}*" for stack, count in list(stacks.items())[:MOST_LISTED])
        raise WeightsError(
            f"there are attention layers of several stacks: {listed}; expected one stack, such as by "
            f"under={shown(_beginning_of_one_stack(list(found)))}"
        )
    return sorted(found.values(), key=lambda layer: [int(number) for number in re.findall(r"\d+", layer.prefix)])


def _refuse_incomplete(found: Mapping[str, FoundLayer], present: Collection[str]) -> None:
    """Refuse a layer that has some of its matrices and lacks others, beside whole layers of its stack."""
    layouts = {_stack(prefix): layer.layout for prefix, layer in found.items()}
    for name in present:
        for stack, layout in layouts.items():
            end = next((end for end in layout.weights if name.endswith(end)), None)
            prefix = name.removesuffix(end) if end else None
            if prefix is None or prefix in found or _stack(prefix) != stack:
                continue
            missing = [prefix + end for end in layout.weights if prefix + end not in present]
            raise WeightsError(
                f"{name} is there without {named(missing)}; expected all matrices of a layer: give all files of the model, "
                "such as by their folder"
            )


def _stack(prefix: str) -> str:
    """The name of a layer with # for numbers, which all layers of a stack share."""
    return re.sub(r"\d+", "#", prefix)


def _beginning_of_one_stack(prefixes: list[str]) -> str:
    """The shortest beginning of the first layer's name that no layer of another stack has."""
    first, parts = prefixes[0], prefixes[0].split(".")
    others = tuple(prefix for prefix in prefixes if _stack(prefix) != _stack(first))
    beginnings = (".".join(parts[:count]) + "." for count in range(1, len(parts)))
    return next((one for one in beginnings if not any(other.startswith(one) for other in others)), first)


def chosen_layers(found: Sequence[FoundLayer], layers: int | Sequence[int] | None) -> list[FoundLayer]:
    """The layers with these numbers, counted from 0; all by default.

    Raises:
        TensorRankError: if there is no layer of a number, or none is asked for.
    """
    if layers is None:
        return list(found)
    numbers = (layers,) if isinstance(layers, int) else tuple(layers)
    if not numbers:
        raise TensorRankError(f"layers is {shown(layers)}; expected at least one of the numbers 0 to {len(found) - 1}")
    return [found[whole_number("a layer", number, 0, most=len(found) - 1)] for number in numbers]


def cut(layer: FoundLayer, tensors: Mapping[str, Floats], heads: int) -> Block:
    """The weights of a layer by heads.

    Args:
        layer: the layer.
        tensors: its tensors by their full names.
        heads: the number of heads that ask; how many keys and values there are follows from the shapes.

    Raises:
        WeightsError: if shapes do not fit together, or the heads do not fit them.
    """
    layout, prefix = layer.layout, layer.prefix
    matrices = [tensors[prefix + end] for end in layout.weights]
    if layout.inputs_first and _sizes([matrix.shape for matrix in matrices], heads) is None:
        matrices = [matrix.T for matrix in matrices]
    sizes = _sizes([matrix.shape for matrix in matrices], heads)
    if sizes is None:
        raise _unfit(layer, [tensors[prefix + end].shape for end in layout.weights], heads)
    width, dim, kv_heads = sizes
    rows = [heads * dim, kv_heads * dim, kv_heads * dim]
    *inward, outward = _biases(layer, tensors, rows, width)
    weights = _split(np.concatenate(matrices[:-1]), rows, layout, kv_heads)
    biases = _split(np.concatenate(inward), rows, layout, kv_heads)
    query, key, value = (part.reshape(-1, dim, width) for part in weights)
    output = matrices[-1].reshape(width, heads, dim).swapaxes(0, 1)
    query_bias, key_bias, value_bias = (part.reshape(-1, dim) for part in biases)
    return Block(query, key, value, output, query_bias, key_bias, value_bias, outward)


def _biases(layer: FoundLayer, tensors: Mapping[str, Floats], rows: list[int], width: int) -> list[Floats]:
    """The biases in the order of the layout, 0 where there are none."""
    layout = layer.layout
    lengths = [*(rows if len(layout.inward_biases) == 3 else [sum(rows)]), width]
    biases = []
    for end, length in zip(layout.biases, lengths, strict=True):
        bias = tensors.get(layer.prefix + end, np.zeros(length))
        if bias.shape != (length,):
            raise WeightsError(
                f"{layer.prefix}{end} has shape {bias.shape}; expected {(length,)}, a number for each row of its weights"
            )
        biases.append(bias)
    return biases


def _split(array: Floats, rows: list[int], layout: Layout, kv_heads: int) -> list[Floats]:
    """The rows of W_Q, W_K and W_V from an array that has them all."""
    if not layout.by_head:
        return np.split(array, np.cumsum(rows)[:-1])
    groups = array.reshape(kv_heads, -1, *array.shape[1:])
    parts = np.split(groups, np.cumsum(rows)[:-1] // kv_heads, axis=1)
    return [part.reshape(-1, *array.shape[1:]) for part in parts]


def _sizes(shapes: Sequence[Shape], heads: int) -> tuple[int, int, int] | None:
    """The width, the width of a head and how many W_K, from shapes (outputs, inputs); None if they do not fit."""
    *inward, outward = shapes
    if any(len(shape) != 2 or 0 in shape for shape in shapes):
        return None
    width, joined = outward
    dim = joined // heads
    rows = [shape[0] for shape in inward]
    if dim * heads != joined or any(shape[1] != width for shape in inward):
        return None
    if len(rows) == 3 and (rows[0] != joined or rows[1] != rows[2]):
        return None
    kv_heads, left = divmod(sum(rows) - joined, 2 * dim)
    return None if left or kv_heads < 1 or heads % kv_heads else (width, dim, kv_heads)


def _unfit(layer: FoundLayer, shapes: list[Shape], heads: int) -> WeightsError:
    """The error for shapes that do not fit together: all of them, what is expected, and what was perhaps transposed."""
    ends = layer.layout.weights
    given = ", ".join(f"{layer.prefix}{end} {shape}" for end, shape in zip(ends, shapes, strict=True))
    grouped = ["kv_heads * head_dim, width"] * 2
    axes = ["(heads + 2 * kv_heads) * head_dim, width"] if len(ends) == 2 else ["heads * head_dim, width", *grouped]
    expected = ", ".join(f"{end} ({shape})" for end, shape in zip(ends, [*axes, "width, heads * head_dim"], strict=True))
    return WeightsError(f"shapes do not fit: {given}; expected {expected}, with heads={heads}{_likely(ends, shapes, heads)}")


def _likely(ends: Sequence[str], shapes: list[Shape], heads: int) -> str:
    if any(len(shape) != 2 for shape in shapes):
        return ", two axes each: flatten heads and head_dim into one"
    for flips in sorted(product((False, True), repeat=len(shapes)), key=sum):
        turned = [shape[::-1] if flip else shape for shape, flip in zip(shapes, flips, strict=True)]
        if _sizes(turned, heads) is not None:
            which = " and ".join(end for end, flip in zip(ends, flips, strict=True) if flip)
            return f". They fit with {which} transposed"
    joined = shapes[-1][1]
    if joined % heads:
        return f". Heads must divide the {joined} columns of {ends[-1]}"
    fitting = [n for n in range(1, joined + 1) if _sizes(shapes, n) is not None]
    return f". They fit with heads={', '.join(map(str, fitting[:MOST_LISTED]))}" if fitting else ""

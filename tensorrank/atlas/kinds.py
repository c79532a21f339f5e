"""The kinds of models that plain sizes make, so that a model in a file, or in words, is made again.

Mixtures are no such kind: they have tables of their own, of which a store keeps a digest alone.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from inspect import signature
from typing import Any

from tensorrank.arguments import nearest, shown
from tensorrank.attention.architecture import SelfAttention
from tensorrank.attention.higher_order import HigherOrderAttention
from tensorrank.circuits.convolutional import ConvolutionalCircuit
from tensorrank.circuits.gated_recurrence import GatedRecurrence
from tensorrank.circuits.graph_network import GraphNetwork
from tensorrank.circuits.recurrent import RecurrentCircuit
from tensorrank.errors import TensorRankError
from tensorrank.studies.model_key import ModelKey

SizedModel = SelfAttention | HigherOrderAttention | RecurrentCircuit | ConvolutionalCircuit | GatedRecurrence | GraphNetwork

# A new kind is one more class here.
KINDS: dict[str, type[SizedModel]] = {
    one.kind: one
    for one in (SelfAttention, HigherOrderAttention, RecurrentCircuit, ConvolutionalCircuit, GatedRecurrence, GraphNetwork)
}


def made(kind: Any, sizes: Mapping[str, Any]) -> SizedModel:
    """The model of a kind and of sizes by the names of its arguments.

    Raises:
        TensorRankError: if there is no such kind, or sizes are missing, unknown or impossible.

    >>> made("recurrent", {"depth": 1, "hidden": 2, "channels": 2, "steps": 4})
    RecurrentCircuit(depth=1, hidden=2, channels=2, steps=4)
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise TensorRankError(f"the kind is {shown(kind)}; {nearest(kind, KINDS)}")
    taken = signature(KINDS[kind])
    for name in sizes:
        if name not in taken.parameters:
            raise TensorRankError(f"{kind} has no size {shown(name)}; {nearest(name, list(taken.parameters))}")
    try:
        taken.bind(**sizes)
    except TypeError as error:
        raise TensorRankError(f"{kind}: {error}") from error
    return KINDS[kind](**sizes)


def model_of(key: ModelKey) -> SizedModel | ModelKey:
    """The model of a stored key, if it is of a kind that has sizes; otherwise the key, which tells no more.

    Raises:
        TensorRankError: if sizes are missing, unknown or impossible.
    """
    return made(key.kind, key.values) if key.kind in KINDS else key


def model_in_words(text: str) -> SizedModel:
    """The model that is written as Python writes it, as the results of `separation_rank` name theirs.

    Raises:
        TensorRankError: if the text is none of a model of these kinds.

    >>> model_in_words("SelfAttention(depth=2, width=3, heads=1, head_dim=3, tokens=6)").tokens
    6
    """
    kinds = {one.__name__: kind for kind, one in KINDS.items()}
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise ValueError(text)
        kind = kinds[call.func.id]
        sizes = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg is not None}
    except (ValueError, SyntaxError, KeyError, RecursionError, MemoryError, TypeError):
        raise TensorRankError(
            f"the model is {shown(text)}; expected one as Python writes it, of the classes {', '.join(kinds)}"
        ) from None
    return made(kind, sizes)

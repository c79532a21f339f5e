"""Functions of arrays as users bring them, called: Python's own as they are, modules of PyTorch with tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import chain
from typing import Any

from tensorrank.arithmetic.arrays import Array


def token_kinds(function: Callable[..., Any]) -> int | None:
    """The number of tokens that a module of PyTorch knows; None for others than those that begin with an embedding."""
    torch: Any = sys.modules.get("torch")
    if not (hasattr(torch, "nn") and isinstance(function, torch.nn.Module)):
        return None
    layers = (part for part in function.modules() if not any(True for _ in part.children()))
    first = next(layers, None)
    return int(first.num_embeddings) if isinstance(first, torch.nn.Embedding) else None


def called(function: Callable[..., Any], arrays: tuple[Array, ...]) -> Any:
    """Call the function; tensors leave their graph and their device."""
    # A torch.nn.Module can only exist where torch was imported, so that we never need to.
    torch: Any = sys.modules.get("torch")
    # What is left of a broken installation has no modules.
    module = hasattr(torch, "nn") and isinstance(function, torch.nn.Module)
    values = _called_module(torch, function, arrays) if module else function(*arrays)
    return values.detach().cpu() if hasattr(values, "detach") else values


def _called_module(torch: Any, module: Any, arrays: tuple[Array, ...]) -> Any:
    # Sub-modules may be in different modes, so each gets its own back.
    modes = [(part, part.training) for part in module.modules()]
    own = next((p for p in chain(module.parameters(), module.buffers()) if p.is_floating_point()), None)
    tensors = [torch.as_tensor(array) for array in arrays]
    if own is not None:
        tensors = [t.to(own.device, own.dtype) if t.is_floating_point() else t.to(own.device) for t in tensors]
    module.eval()
    try:
        with torch.no_grad():
            return module(*tensors)
    except Exception as error:
        given = " and ".join(f"{str(t.dtype).removeprefix('torch.')} of shape {tuple(t.shape)} on {t.device}" for t in tensors)
        error.add_note(f"the module {type(module).__name__} was given tensors: {given}{_hint(torch, module, tensors)}")
        raise
    finally:
        for part, mode in modes:
            part.training = mode


def _hint(torch: Any, module: Any, tensors: list[Any]) -> str:
    """What to try where a module that looks up token ids was given numbers that are no ids; nothing otherwise."""
    embeddings = [part.num_embeddings for part in module.modules() if isinstance(part, torch.nn.Embedding)]
    if not embeddings or not any(tensor.is_floating_point() for tensor in tensors):
        return ""
    return f". It has an embedding of {embeddings[0]} tokens: if it reads token ids, give categorical={embeddings[0]}"

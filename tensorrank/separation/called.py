"""Functions of arrays as users bring them, called: Python's own as they are, modules of PyTorch with tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np

from tensorrank.arguments import listed
from tensorrank.arithmetic.arrays import Array


def token_kinds(function: Callable[..., Any], *sites: int) -> int | None:
    """The number of tokens that a module of PyTorch knows; None for others than those that look up their inputs.

    The module is called once, for an array of so many sites or several of them, to see which embedding is given the
    inputs: others look up positions or segments, and the order in which they were made tells nothing.
    """
    torch: Any = sys.modules.get("torch")
    if not (hasattr(torch, "nn") and isinstance(function, torch.nn.Module)):
        return None
    # Positions and segments have other numbers than these.
    arrays = tuple(np.eye(1, count, dtype=np.int64) for count in sites)
    asked = [array.ravel().tolist() for array in (*arrays, np.concatenate(arrays, axis=1))]
    found: list[int] = []

    def note(table: Any, given: tuple[Any, ...]) -> None:
        if given and np.asarray(given[0].detach().cpu()).ravel().tolist() in asked:
            found.append(int(table.num_embeddings))

    hooks: list[Any] = []
    try:
        hooks.extend(part.register_forward_pre_hook(note) for part in _embeddings(function))
        if hooks:
            called(function, arrays)
    except Exception:
        # A module that takes no whole numbers, or no hooks, says so by any error; what was looked up before is noted.
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


def called(function: Callable[..., Any], arrays: tuple[Array, ...]) -> Any:
    """Call the function; tensors leave their graph and their device."""
    # A torch.nn.Module can only exist where torch was imported, so that we never need to.
    torch: Any = sys.modules.get("torch")
    # What is left of a broken installation has no modules.
    module = hasattr(torch, "nn") and isinstance(function, torch.nn.Module)
    values = _called_module(torch, function, arrays) if module else function(*arrays)
    return values.detach().cpu() if hasattr(values, "detach") else values


def held_by(given: Any) -> str:
    """The end of a message about values that came in an object with names: what it holds, and how to choose of it.

    >>> held_by({"logits": np.ones((2, 5, 3)), "loss": None})  # doctest: +ELLIPSIS
    "; it holds 'logits': choose of it, as lambda x: f(torch.as_tensor(x))['logits'][:, -1, 0] does of ..."
    """
    names = [name for name, held in given.items() if hasattr(held, "shape")] if isinstance(given, Mapping) else []
    if not names:
        return ""
    return (
        f"; it holds {listed(names)}: choose of it, as lambda x: f(torch.as_tensor(x))[{names[0]!r}][:, -1, 0] does of a "
        "module of PyTorch, with categorical=V where inputs are tokens"
    )


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
        error.add_note(f"the module {type(module).__name__} was given tensors: {given}{_hint(module, tensors)}")
        raise
    finally:
        for part, mode in modes:
            part.training = mode


def _hint(module: Any, tensors: list[Any]) -> str:
    """What to try where a module that looks up token ids was given numbers that are no ids; nothing otherwise."""
    embeddings = _embeddings(module)
    if not embeddings or not any(tensor.is_floating_point() for tensor in tensors):
        return ""
    tokens = embeddings[0].num_embeddings
    return f". It has an embedding of {tokens} tokens: if it reads token ids, give categorical={tokens}"


def _embeddings(module: Any) -> list[Any]:
    """Layers that look up whole numbers in a table, such as Embedding and EmbeddingBag."""
    return [part for part in module.modules() if hasattr(part, "num_embeddings")]

"""Functions of arrays as users bring them, called: Python's own as they are, modules of PyTorch with tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import chain
from typing import Any

from tensorrank.arithmetic.arrays import Array


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
    finally:
        for part, mode in modes:
            part.training = mode

"""Mixtures of experts within the layers of a built model: how many there are, how many a token uses, what is idle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_COUNTS = ("num_experts", "moe_num_experts", "num_local_experts", "n_routed_experts")
_CHOSEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "top_k", "moe_k")
# Families whose papers, and not their configurations, say how many experts are chosen: Fedus, Zoph, Shazeer (2022), and
# the NLLB team (2022).
_CHOSEN_BY_DESIGN = {"switch_transformers": 1, "nllb-moe": 2}


@dataclass(frozen=True)
class Mixture:
    """The experts of one layer among which a router chooses.

    Attributes:
        count: how many there are.
        chosen: how many a token uses; None where it is not known.
        parameters: those of all of them, without the router and without experts that all tokens use.
    """

    count: int
    chosen: int | None
    parameters: int

    @property
    def idle(self) -> int:
        """The parameters that a token does not use; none where it is not known how many experts are chosen."""
        used = self.count if self.chosen is None else min(self.count, self.chosen)
        return self.parameters * (self.count - used) // self.count


def mixtures(layers: Any, config: Any) -> list[Mixture]:
    """The mixtures of experts in some layers, which stand in stacked arrays or are built one by one.

    Args:
        layers: a module that holds the layers.
        config: the configuration that they were built of.
    """
    parts = dict(layers.named_modules())
    named = [path for path, part in parts.items() if _holds_experts(path, part)]
    # What holds others, such as attention whose maps are experts, is no mixture itself.
    inner = [path for path in named if not any(other.startswith(f"{path}.") for other in named)]
    said = first_number(config, _CHOSEN) or _CHOSEN_BY_DESIGN.get(config.model_type)
    found = (_mixture(parts, path, said) for path in inner)
    return [one for one in found if one is not None]


def unseen_experts(layers: Any) -> int:
    """How many experts a module within some layers says it has, of which no weights are known to be theirs."""
    return max((first_number(part, _COUNTS) or 0 for part in layers.modules()), default=0)


def first_number(thing: Any, names: Iterable[str]) -> int | None:
    """The first of some attributes that is a whole number above 0."""
    for name in names:
        found = attribute(thing, name)
        if type(found) is int and found > 0:
            return found
    return None


def attribute(thing: Any, name: str) -> Any:
    """An attribute; None where there is none, or where asking for it raises an error of another library."""
    try:
        return getattr(thing, name, None)
    except Exception:  # such as that of configurations whose layers differ
        return None


def has_maps(layer: Any) -> bool:
    """Whether a module has at least two matrices, as a layer has."""
    return len([part for part in layer.parameters() if part.dim() > 1]) > 1


def _holds_experts(path: str, part: Any) -> bool:
    kind = type(part).__name__
    return ("Experts" in kind and "Shared" not in kind) or path.rpartition(".")[2] == "experts"


def _mixture(parts: dict[str, Any], path: str, said: int | None) -> Mixture | None:
    part = parts[path]
    stacked = (array.shape[0] for array in part.parameters() if array.dim() > 2)
    count = first_number(part, _COUNTS) or next(stacked, 0) or sum(map(has_maps, part.children()))
    if count < 1:
        return None
    # Its layer may choose otherwise than others.
    near = next((found for one in _around(parts, path) if (found := first_number(one, _CHOSEN))), None)
    return Mixture(count, near or said, sum(array.numel() for array in part.parameters()))


def _around(parts: dict[str, Any], path: str) -> Iterator[Any]:
    """What holds a part, and what stands beside it there, such as a router."""
    holder = path.rpartition(".")[0]
    yield parts[holder]
    yield from parts[holder].children()

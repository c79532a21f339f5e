"""The sizes that every stack of attention layers has, with softmax or without, their defaults and their checks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from tensorrank.arguments import true_or_false, whole_number
from tensorrank.checked import checked
from tensorrank.errors import CombinationError, TensorRankError
from tensorrank.records import Record
from tensorrank.separation.head_widths import head_width
from tensorrank.separation.named_weights import Shapes


@checked
@dataclass(frozen=True, repr=False)
class AttentionStack(Record):
    """The sizes of a stack of attention layers, checked: the base of `SelfAttention` and `SoftmaxAttention`."""

    depth: int
    width: int
    _: KW_ONLY
    heads: int = 1
    # None stands for a default that depends on the others; after construction these are whole numbers.
    head_dim: int = None  # type: ignore[assignment]
    tokens: int = None  # type: ignore[assignment]
    residual: bool = False
    causal: bool = False
    output_token: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self._check_flags("residual", "causal")
        for name in ("depth", "width", "heads"):
            self._set_whole_number(name, 1)
        object.__setattr__(self, "head_dim", head_width(self.width, self.heads, self.head_dim))
        if self.tokens is None and self.causal:
            raise TensorRankError(
                "tokens are not given; under a causal mask every further token matters, so give a number such as "
                f"tokens={2 * self.width}"
            )
        self._set_whole_number("tokens", 2, 2 * self.width)
        self._set_whole_number("output_token", 0, self.tokens - 1 if self.causal else 0)
        if self.output_token >= self.tokens:
            raise CombinationError(f"output_token is {self.output_token}; expected one of the tokens 0 to {self.tokens - 1}")

    @property
    def sites(self) -> int:
        """The number of sites: each token is one."""
        return self.tokens

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        inner = ("depth, heads, head_dim, width", (self.depth, self.heads, self.head_dim, self.width))
        outer = ("depth, heads, width, head_dim", (self.depth, self.heads, self.width, self.head_dim))
        return {"query": inner, "key": inner, "value": inner, "output": outer}

    def _check_flags(self, *names: str) -> None:
        for name in names:
            object.__setattr__(self, name, true_or_false(name, getattr(self, name)))

    def _set_whole_number(self, name: str, least: int, default: int | None = None) -> None:
        given: Any = getattr(self, name)
        object.__setattr__(self, name, whole_number(name, default if given is None else given, least))

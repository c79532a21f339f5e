"""Which models a verb shows: filters by size, kind and standing, alike for stores and atlases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from tensorrank.arguments import meant, nearest, shown
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.studies.model_key import ModelKey

# The filters by size, and what models call that size.
SIZES = {"--widths": "width", "--depths": "depth", "--heads": "heads", "--tokens": "tokens"}


@dataclass(frozen=True)
class Filter:
    """Which models to show: for some of `SIZES` the numbers that will do, and one kind or standing, or any."""

    sizes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    kind: str | None = None
    standing: str | None = None

    def __post_init__(self) -> None:
        # Heavy modules are imported where they are used, so that --help answers at once.
        from tensorrank.separation.result import Standing

        standings = [name for name in get_args(Standing) if name != "numerical"]
        if self.standing is not None and self.standing not in standings:
            raise TensorRankError(f"--standing is {self.standing!r}; {nearest(self.standing, standings)}")

    def check_kind(self, models: Iterable[ModelKey], where: str) -> None:
        """Refuse a kind of which there is no model, though there are others, in the store or atlas named."""
        kinds = sorted({model.kind for model in models})
        if self.kind is not None and kinds and self.kind not in kinds:
            raise TensorRankError(
                f"--kind is {shown(self.kind)}; {where} has models of {', '.join(kinds)}{meant(self.kind, kinds)}"
            )

    def takes(self, model: ModelKey) -> bool:
        """Whether a model is one of them; one without a size that is asked for is not."""
        sizes = (model.values.get(SIZES[option]) in wanted for option, wanted in self.sizes.items())
        return self.kind in (None, model.kind) and all(sizes)

    def cannot_tell(self, models: Iterable[ModelKey]) -> list[str]:
        """Which filters mean nothing to some of the models, in words."""
        missing = Counter(
            (option, model.kind)
            for model in models
            for option in self.sizes
            if self.kind in (None, model.kind) and SIZES[option] not in model.values
        )
        return [
            f"{option} cannot filter models of kind {kind}, which have no {SIZES[option]}: {count} left out"
            for (option, kind), count in missing.items()
        ]

"""Findings as series over depth: increments, regimes in words, and the table that is written to disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, get_args

from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.attention.large_counts import if_short
from tensorrank.studies.contained import raised_findings
from tensorrank.studies.export import RANK_COLUMNS, export, model_columns, rank_row
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.run import Finding
from tensorrank.whole_numbers import as_ranges

SIZES = ("width", "depth", "heads", "head_dim", "tokens")
_PUBLISHED = ("published_lower_log3", "published_upper_log3")
_BOUNDS = ("moment_bound", "monomial_bound", *_PUBLISHED, "regime", "knee", "log3_width")
# The deepest network in a picture.
MOST_SHOWN = 1000
# The bounds stand behind the rank and its logarithm, before how it was computed.
COLUMNS = (*SIZES, *RANK_COLUMNS[:5], *_BOUNDS, *RANK_COLUMNS[5:])


@dataclass(frozen=True)
class Series:
    """Findings of attention networks that differ in their depth alone, in order of depth."""

    findings: tuple[Finding[SelfAttention], ...]

    @property
    def model(self) -> SelfAttention:
        """The shallowest network."""
        return self.findings[0].model

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Width, heads, head width and tokens."""
        return _sizes(self.model)

    @property
    def side(self) -> int:
        """The tokens on the smaller side of the balanced halves."""
        return self.model.tokens // 2

    @property
    def knee(self) -> float:
        """The depth of the knee by formula (`bounds.knee`)."""
        return bounds.knee(self.model.width, self.side)

    def label(self, among: Sequence[Series] = ()) -> str:
        """The width, and whatever else differs among these series."""
        model = self.model
        parts = [f"width {model.width}"]
        if len({series.model.heads for series in among}) > 1:
            parts.append(f"{model.heads} head{'s' if model.heads > 1 else ''}")
        if model.head_dim * model.heads != model.width:
            parts.append(f"head width {model.head_dim}")
        if model.tokens != 2 * model.width or any(m.model.tokens != 2 * m.model.width for m in among):
            parts.append(f"{model.tokens} tokens")
        return ", ".join(parts)

    def _proved_steps(self) -> list[tuple[int, float, float]]:
        """(L, log3 sep(L), log3 sep(L+1)) for consecutive depths whose ranks are proved; lower bounds never enter."""
        proved = {finding.model.depth: finding.result.value for finding in self.findings if finding.proved}
        return [
            (depth, bounds.log3(value), bounds.log3(proved[depth + 1]))
            for depth, value in proved.items()
            if depth + 1 in proved and value > 0
        ]

    @property
    def other(self) -> int:
        """The tokens on the other side."""
        return self.model.tokens - self.side

    def from_atlas(self, depth: int) -> bool:
        """Whether what is known of a depth was taken from an atlas."""
        return any(finding.from_atlas for finding in self.findings if finding.model.depth == depth)

    def increments(self) -> list[tuple[int, float]]:
        """(L, log3 sep(L+1) - log3 sep(L)) for consecutive depths whose ranks are proved."""
        return [(depth, following - log) for depth, log, following in self._proved_steps()]

    def factors(self) -> list[tuple[int, float]]:
        """(L, log3 sep(L+1) / log3 sep(L)) for consecutive depths whose ranks are proved."""
        return [(depth, following / log) for depth, log, following in self._proved_steps() if log > 0]

    def regime(self, depth: int) -> bounds.Regime:
        """The regime of a depth: by the factor of proved ranks where they are known, otherwise of the moment bound."""
        known = dict(self.factors()).get(depth)
        factor = bounds.growth_factor(depth, self.model.width, self.side) if known is None else known
        return bounds.regime_of_factor(factor)

    def sentence(self, among: Sequence[Series] = ()) -> str:
        """Say which depths are in which regime, and how a layer raises the logarithm of the proved ranks."""
        depths = [finding.model.depth for finding in self.findings]
        regimes = {name: [depth for depth in depths if self.regime(depth) == name] for name in get_args(bounds.Regime)}
        parts = [", ".join(f"{_depths(several)} {name}" for name, several in regimes.items() if several)]
        for what, measured in (("is multiplied by", self.factors()), ("grows by", self.increments())):
            if measured:
                parts.append(f"log3 rank {what} " + ", ".join(f"{growth:.2f}" for _, growth in measured))
        text = f"{self.label(among)}: {'; '.join(parts)}"
        return f"{text}; knee at {self.knee:.2f}, log3 of the width is {bounds.log3(self.model.width):.2f}"


def has_series(model: object) -> TypeGuard[SelfAttention]:
    """Whether the model is an attention network without variants, whose bounds and knee are known."""
    return isinstance(model, SelfAttention) and model.to_dict().keys() == set(SIZES)


def series_of(findings: Iterable[Finding[Any]]) -> list[Series]:
    """The findings grouped into series, in the order they first appear, without those of models that have none.

    No lower bound is less than what is certified of a model that is contained (`raised_findings`).
    """
    groups: dict[tuple[int, ...], list[Finding[SelfAttention]]] = {}
    for finding in raised_findings(findings):
        model = finding.model
        if has_series(model):
            groups.setdefault(_sizes(model), []).append(finding)
    return [Series(tuple(sorted(group, key=lambda f: f.model.depth))) for group in groups.values()]


def deepest_of(series: Iterable[Series], least: int) -> int:
    """The depth of the deepest network of some series, but no less than a given depth, and no more than is pictured."""
    return min(MOST_SHOWN, max(least, *(finding.model.depth for one in series for finding in one.findings)))


def _sizes(model: SelfAttention) -> tuple[int, int, int, int]:
    return model.width, model.heads, model.head_dim, model.tokens


def table_rows(series: Iterable[Series]) -> dict[SelfAttention, dict[str, Any]]:
    """The findings of some series under the names of `COLUMNS`, by their models; None where there is nothing to say."""
    return {finding.model: _table_row(finding, one) for one in series for finding in one.findings}


def _table_row(finding: Finding[SelfAttention], series: Series) -> dict[str, Any]:
    model, side = finding.model, series.side
    other = model.tokens - side
    published = bounds.published_bounds(model.depth, model.width, model.heads, model.head_dim)
    return {
        **rank_row(ModelKey.of(model), finding.result),
        "moment_bound": bounds.moment_bound(model.depth, model.width, side, other),
        "monomial_bound": if_short(
            lambda: bounds.monomial_bound(model.depth, model.width, model.heads, model.head_dim, side, other)
        ),
        "published_lower_log3": published.lower if published else None,
        "published_upper_log3": published.upper if published else None,
        "regime": series.regime(model.depth),
        "knee": series.knee,
        "log3_width": bounds.log3(model.width),
    }


def table(findings: Iterable[Finding[Any]]) -> tuple[list[dict[str, Any]], Sequence[str]]:
    """The findings as rows, and their columns: `COLUMNS` if all models have series, otherwise what all models have.

    No lower bound is less than what is certified of a model that is contained (`raised_findings`).
    """
    listed = raised_findings(findings)
    if all(has_series(finding.model) for finding in listed):
        rows_of = table_rows(series_of(listed))
        return [rows_of[finding.model] for finding in listed], COLUMNS
    keys = [ModelKey.of(finding.model) for finding in listed]
    rows = [rank_row(key, finding.result) for key, finding in zip(keys, listed, strict=True)]
    return rows, (*model_columns(keys), *RANK_COLUMNS)


def write_table(findings: Iterable[Finding[Any]], path: Path) -> None:
    """Write the findings as CSV, whole or not at all."""
    export(*table(findings), path)


def _depths(depths: Sequence[int]) -> str:
    return f"depth{'s' if len(depths) > 1 else ''} {as_ranges(depths)}"

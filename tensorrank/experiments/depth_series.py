"""Findings as series over depth: increments, regimes in words, and the table that is written to disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.studies.export import export
from tensorrank.studies.run import Finding
from tensorrank.whole_numbers import as_ranges

COLUMNS = (
    "width",
    "depth",
    "heads",
    "head_dim",
    "tokens",
    "value",
    "lower",
    "upper",
    "standing",
    "log3_value",
    "moment_bound",
    "monomial_bound",
    "published_lower_log3",
    "published_upper_log3",
    "regime",
    "knee",
    "log3_width",
    "method",
    "failure_probability",
    "seconds",
    "reason",
)


@dataclass(frozen=True)
class Series:
    """The findings of one kind of network, in order of depth: same width, heads, head width and tokens."""

    findings: tuple[Finding, ...]

    @property
    def model(self) -> SelfAttention:
        """The shallowest network."""
        return self.findings[0].model

    @property
    def side(self) -> int:
        """The tokens on the smaller side of the balanced halves."""
        return self.model.tokens // 2

    @property
    def knee(self) -> float:
        """The depth of the knee."""
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

    def increments(self) -> list[tuple[int, float]]:
        """(L, log3 sep(L+1) - log3 sep(L)) for consecutive depths whose ranks are proved; lower bounds never enter."""
        proved = {finding.model.depth: finding.result.value for finding in self.findings if finding.proved}
        return [
            (depth, bounds.log3(proved[depth + 1]) - bounds.log3(value))
            for depth, value in proved.items()
            if depth + 1 in proved and value > 0
        ]

    def sentence(self, among: Sequence[Series] = ()) -> str:
        """Which depths are in which regime, by the rule of the knee, and the increments measured."""
        depths = [finding.model.depth for finding in self.findings]
        saturated = [d for d in depths if bounds.is_saturated(d, self.model.width, self.side)]
        growing = [d for d in depths if d not in saturated]
        parts = []
        if growing:
            parts.append(f"{_depths(growing)} below the knee at {self.knee:.2f} (double-exponential growth)")
        if saturated:
            parts.append(
                f"{_depths(saturated)} beyond {'it' if growing else f'the knee at {self.knee:.2f}'} (saturated)"
            )
        measured = self.increments()
        if measured:
            parts.append("log3 rank grows by " + ", ".join(f"{growth:.2f}" for _, growth in measured))
        text = f"{self.label(among)}: {'; '.join(parts)}"
        return f"{text}; log3 of the width is {bounds.log3(self.model.width):.2f}"


def series_of(findings: Iterable[Finding]) -> list[Series]:
    """The findings grouped into series, in the order they first appear."""
    groups: dict[tuple[int, ...], list[Finding]] = {}
    for finding in findings:
        model = finding.model
        groups.setdefault((model.width, model.heads, model.head_dim, model.tokens), []).append(finding)
    return [Series(tuple(sorted(group, key=lambda f: f.model.depth))) for group in groups.values()]


def table_row(finding: Finding) -> dict[str, Any]:
    """One finding under the names of `COLUMNS`; None where there is nothing to say."""
    model, result = finding.model, finding.result
    side, other = model.tokens // 2, model.tokens - model.tokens // 2
    published = bounds.published_bounds(model.depth, model.width, model.heads, model.head_dim)
    return {
        **model.to_dict(),
        "value": result.value,
        "lower": result.lower,
        "upper": result.upper,
        "standing": result.standing,
        "log3_value": bounds.log3(result.value) if result.value else None,
        "moment_bound": bounds.moment_bound(model.depth, model.width, side, other),
        "monomial_bound": bounds.monomial_bound(model.depth, model.width, model.heads, model.head_dim, side, other),
        "published_lower_log3": published.lower if published else None,
        "published_upper_log3": published.upper if published else None,
        "regime": bounds.regime(model.depth, model.width, side),
        "knee": bounds.knee(model.width, side),
        "log3_width": bounds.log3(model.width),
        "method": result.method,
        "failure_probability": result.failure_probability,
        "seconds": round(result.seconds, 3),
        "reason": result.reason,
    }


def write_table(findings: Iterable[Finding], path: Path) -> None:
    """Write the findings as CSV, whole or not at all.

    Raises:
        TensorRankError: if the file cannot be written.
    """
    export(map(table_row, findings), COLUMNS, path)


def _depths(depths: Sequence[int]) -> str:
    return f"depth{'s' if len(depths) > 1 else ''} {as_ranges(depths)}"

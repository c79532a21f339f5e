"""Findings of a study as a table, sentences and figures, for every verb that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

import tensorrank as tr
from tensorrank.cli.shared.terminal import say, wide_console

if TYPE_CHECKING:
    from tensorrank.experiments.depth_series import Series
    from tensorrank.studies.run import Finding


def draw(series: list[Series], out: Path) -> list[Path]:
    """The figures of the ranks and of their increments, saved in a folder."""
    ranks, _ = tr.figures.rank_vs_depth(series)
    growth, _ = tr.figures.increments(series)
    return [*tr.figures.save(ranks, out / "rank_vs_depth"), *tr.figures.save(growth, out / "increments")]


def print_findings(findings: Sequence[Finding], series: list[Series], left_out: Sequence[str] = ()) -> None:
    """The table, why ranks are lower bounds, what was left out, and the regimes."""
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.experiments.depth_series import table_row
    from tensorrank.whole_numbers import abbreviated

    models = [one.model for one in series]
    varied = [
        name
        for name, usual in (
            ("heads", len({m.heads for m in models}) == 1),
            ("head_dim", all(m.head_dim * m.heads == m.width for m in models)),
            ("tokens", all(m.tokens == 2 * m.width for m in models)),
        )
        if not usual
    ]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("width", "depth", *varied, "rank", "log3", "bound"):
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for name in ("standing", "regime"):
        table.add_column(name, no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for finding in findings:
        row = table_row(finding)
        table.add_row(
            *(str(row[name]) for name in ("width", "depth", *varied)),
            finding.result.brief(),
            "-" if row["log3_value"] is None else f"{row['log3_value']:.2f}",
            abbreviated(row["moment_bound"], 9),
            row["standing"],
            row["regime"],
            f"{row['seconds']:.1f}",
        )
    wide_console().print(table)
    for finding in findings:
        if finding.result.standing != "lower bound":
            continue
        model = finding.model
        more = "".join(f", {name.replace('_', ' ')} {getattr(model, name)}" for name in varied)
        say(f"width {model.width}, depth {model.depth}{more}: {finding.result.reason}")
    for reason in left_out:
        say(f"left out: {reason}")
    say("")
    for one in series:
        say(one.sentence(series))

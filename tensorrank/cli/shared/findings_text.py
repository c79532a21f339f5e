"""Findings of a study as tables, sentences and figures, for every verb that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorrank as tr
from tensorrank.cli.shared.terminal import empty_table, say, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import abbreviated

if TYPE_CHECKING:
    from tensorrank.studies.run import Finding


def save_figures(
    findings: Sequence[Finding[Any]],
    out: Path,
    note: Callable[[str], object],
    *,
    formats: Sequence[str],
    deepest: int | None = None,
) -> list[Path]:
    """Save the figures of both regimes, and of ranks and their increments over depth; none without attention.

    The atlas adds what it knows: every rank to the figures of all widths, deeper ones to those over depth. A user's own
    atlas that cannot be read, or contradicts the findings, is left out, which `note` is told.

    Args:
        findings: those of the study.
        out: the folder.
        note: told what was left out.
        formats: of the pictures; none are made without a format.
        deepest: the depth to which figures over depth lead; their own by default.
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.experiments.depth_series import series_of

    series = series_of(findings) if formats else []
    if not series:
        return []
    try:
        every = series_of(_with_atlas(findings, tr.Atlas.load()))
    except TensorRankError as error:
        note(f"the figures are made without your own atlas: {error}")
        every = series_of(_with_atlas(findings, tr.Atlas.packaged()))
    alike = {one.sizes for one in series}
    deeper = [one for one in every if one.sizes in alike]
    # That of every width on one curve first: it is the one to open.
    to_depth: Any = {} if deepest is None else {"deepest": deepest}
    pictures: dict[str, Any] = {
        "collapse": tr.figures.collapse(every, **to_depth),
        "knee": tr.figures.knee(every),
        "rank_vs_depth": tr.figures.rank_vs_depth(deeper, **to_depth),
        "increments": tr.figures.increments(deeper, **to_depth),
    }
    return [path for name, picture in pictures.items() for path in tr.figures.save(picture, out / name, formats)]


def _with_atlas(findings: Sequence[Finding[Any]], atlas: tr.Atlas) -> list[Finding[Any]]:
    """The findings, with the ranks of an atlas where they tell more; all between balanced halves."""
    from tensorrank.experiments.depth_series import has_series
    from tensorrank.separation.comparison import worth
    from tensorrank.studies.run import Finding

    known = {finding.model: finding for finding in findings if has_series(finding.model)}
    for entry in atlas.entries:
        model = entry.model
        if has_series(model) and entry.partition == tr.Bipartition.halves(model.tokens):
            found = known.get(model)
            if found is None or worth(entry.rank) > worth(found.result):
                known[model] = Finding(model, entry.rank, fresh=False, from_atlas=True)
    return list(known.values())


def print_findings(findings: Sequence[Finding[Any]], left_out: Sequence[str] = ()) -> None:
    """Print a table for each kind of model, why ranks are lower bounds, what was left out, and regimes of attention."""
    from tensorrank.experiments.depth_series import has_series, series_of, table_rows
    from tensorrank.studies.export import model_columns, rank_row
    from tensorrank.studies.model_key import ModelKey

    series = series_of(findings)
    if series:
        usual = {
            "heads": len({one.model.heads for one in series}) == 1,
            "head_dim": all(one.model.head_dim * one.model.heads == one.model.width for one in series),
            "tokens": all(one.model.tokens == 2 * one.model.width for one in series),
        }
        names = ["width", "depth", *(name for name, as_usual in usual.items() if not as_usual)]
        rows_of = table_rows(series)
        _print_ranks([rows_of[one.model] for one in findings if has_series(one.model)], names, "regime")
    kinds: dict[str, list[Finding[Any]]] = {}
    for finding in findings:
        if not has_series(finding.model):
            kinds.setdefault(ModelKey.of(finding.model).kind, []).append(finding)
    for kind, several in kinds.items():
        keys = [ModelKey.of(finding.model) for finding in several]
        rows = [rank_row(key, finding.result) for key, finding in zip(keys, several, strict=True)]
        sizes = model_columns(keys)[1:]
        names = [name for name in sizes if len({_cell(row.get(name)) for row in rows}) > 1]
        common = [_named(name, rows[0]) for name in sizes if name not in names]
        say("")
        say(f"{kind}: {', '.join(common)}" if common else kind)
        _print_ranks(rows, names)
    for reason in left_out:
        say(f"left out: {reason}")
    if series:
        say("")
    for one in series:
        say(one.sentence(series))


def _print_ranks(rows: Sequence[dict[str, Any]], names: Sequence[str], *words: str) -> None:
    """Print a table of ranks with values of their models, their upper bounds and words so named; what some rest on."""
    headings = [name.replace("_", " ") for name in names]
    words = ("standing", *words)
    table = empty_table(*headings, "rank", "log3", "bound", *words, "s", words=words)
    for row in rows:
        table.add_row(
            *(_cell(row.get(name)) for name in names),
            ("≥ " if row["standing"] == "lower bound" else "") + abbreviated(row["value"], 9),
            "-" if row["log3_value"] is None else f"{row['log3_value']:.2f}",
            "-" if row["upper"] is None else abbreviated(row["upper"], 9),
            *(row[name] for name in words),
            f"{row['seconds']:.1f}",
        )
    wide_console().print(table)
    for row in rows:
        say_why(", ".join(_named(name, row) for name in names) or row["kind"], row)


def say_why(name: str, row: Mapping[str, Any]) -> None:
    """Say why a rank is a lower bound only, or which model inside makes it exact; nothing of others."""
    if row["standing"] == "lower bound" or (row["standing"] == "exact" and row["reason"] and row["method"] != "theorem"):
        say(f"{name}: {row['reason']}")


def _named(name: str, row: dict[str, Any]) -> str:
    return f"{name.replace('_', ' ')} {_cell(row.get(name))}"


def _cell(value: Any) -> str:
    """The value of an identity in few characters."""
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    if not isinstance(value, list):
        return str(value)
    return ("+" if value and isinstance(value[0], str) else "x").join(map(str, value))

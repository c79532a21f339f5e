"""`tensorrank bounds`: what is proved without computing a rank."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.cli.shared import options
from tensorrank.cli.shared.terminal import empty_table, print_json, say, whole_numbers, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import as_ranges

# Degrees beyond 3^24 make the monomial bound's whole numbers slow to handle, and no network is as deep and this narrow.
_DEEPEST = 24


def bounds(
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")],
    depths: Annotated[str, typer.Option("--depth", "--depths", help="Depths, such as 3 or 1-12.")] = "1-12",
    heads: options.Heads = 1,
    head_dim: options.HeadDim = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    json: options.Json = False,
) -> None:
    """Proven and published bounds on the separation rank of self-attention, depth by depth.

    The table has the logarithms to base 3; --json has the whole numbers, those beyond 2^53 as text.

    Example: tensorrank bounds --width 64 --depth 1-12
    """
    rows: list[dict[str, Any]] = []
    for depth in whole_numbers(depths, "--depth"):
        if depth > _DEEPEST:
            raise TensorRankError(f"--depth is {depth}; expected at most {_DEEPEST}, beyond which the degree 3^L is too large")
        # None stands for a default in the class, whose fields are never None.
        model = tr.SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens)  # type: ignore[arg-type]
        side, other = model.tokens // 2, model.tokens - model.tokens // 2
        published = tr.bounds.published_bounds(depth, width, heads, model.head_dim)
        rows.append(
            {
                "depth": depth,
                "moment_bound": tr.bounds.moment_bound(depth, width, side, other),
                "monomial_bound": tr.bounds.monomial_bound(depth, width, heads, model.head_dim, side, other),
                "published_theorem": published.theorem if published else None,
                "published_lower_log3": published.lower if published else None,
                "published_upper_log3": published.upper if published else None,
                "published_counting_bound": tr.bounds.counting_bound(depth, width, heads),
                "regime": tr.bounds.regime(depth, width, side),
            }
        )
    knee, threshold = tr.bounds.knee(width, side), tr.bounds.log3(width)
    if json:
        print_json(
            {
                "model": {"kind": "attention", **model.to_dict()} | {"depth": None},
                "knee": knee,
                "log3_width": threshold,
                "bounds": rows,
            }
        )
        return
    table = empty_table("depth", "at least", "at most", "published", "to", "regime", words=["regime"])
    for row in rows:
        table.add_row(
            str(row["depth"]),
            f"{tr.bounds.log3(row['monomial_bound']):.2f}",
            f"{tr.bounds.log3(row['moment_bound']):.2f}",
            *(_signed(row[name]) for name in ("published_lower_log3", "published_upper_log3")),
            row["regime"],
        )
    say(
        f"log3 of the separation rank, {model.heads} head{'s' if heads > 1 else ''} of width {model.head_dim}, "
        f"token width {width}, {model.tokens} tokens:\n"
        "at least the monomial bound (almost all weights), at most the moment bound (all weights)"
    )
    wide_console().print(table)
    passed = [row["depth"] for row in rows if _passes(row)]
    if passed:
        say(f"the published upper bound is passed by the monomial bound at depth {as_ranges(passed)}")
    say(f"knee at depth {knee:.2f}; log3 of the width is {threshold:.2f}")


def _signed(log: float | None) -> str:
    """The logarithm, or a dash where it is negative and so bounds no rank."""
    return "-" if log is None or log < 0 else f"{log:.2f}"


def _passes(row: dict[str, Any]) -> bool:
    published = row["published_upper_log3"]
    return published is not None and tr.bounds.log3(row["monomial_bound"]) > published

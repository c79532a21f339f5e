"""`tensorrank bounds`: what is proved without computing a rank."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.arguments import shown
from tensorrank.cli.shared import options
from tensorrank.cli.shared.terminal import empty_table, print_json, say, whole_numbers, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import as_ranges

# The most depths of one table.
_MOST_DEPTHS = 1000
# Logarithms beyond this are written with an exponent.
_LONG = 1e9


def bounds(
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")],
    depths: Annotated[str, typer.Option("--depth", "--depths", help="Depths, such as 3 or 1-12.")] = "1-12",
    heads: options.Heads = 1,
    head_dim: options.HeadDim = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    json: options.Json = False,
) -> None:
    """Proven and published bounds on the separation rank of self-attention, depth by depth.

    The table has the logarithms to base 3; --json has the whole numbers too, those beyond 2^53 as text and those with
    more than 48,000 digits as null. From above it has the bound that knows the heads, to depth 6, and beyond it the
    moment bound. From below it has the largest of four bounds, and names it: the monomial bound, the rank at identity
    weights, the rank between two tokens, which is exact for two tokens and one head of full width, and the product of
    the ranks of blocks that several heads keep apart.

    Example: tensorrank bounds --width 64 --depth 1-12

    Example: tensorrank bounds --width 12288 --tokens 2 --depth 96
    """
    chosen = whole_numbers(depths, "--depth")
    if len(chosen) > _MOST_DEPTHS:
        raise TensorRankError(f"--depth names {len(chosen)} depths; expected at most {_MOST_DEPTHS}")
    # None stands for a default in the class, whose fields are never None.
    models = [tr.SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens) for depth in chosen]  # type: ignore[arg-type]
    rows = [_row(model, digits=json) for model in models]
    model = models[0]
    knee, threshold = tr.bounds.knee(width, model.tokens // 2), tr.bounds.log3(width)
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
    headers = ("depth", "at least", "by", "at most", "published from", "published to", "regime")
    table = empty_table(*headers, words=["by", "regime"])
    for row in rows:
        table.add_row(
            shown(row["depth"]),
            _log(row["lower_bound_log3"]),
            row["lower_bound"],
            *(_log(row[name]) for name in ("upper_bound_log3", "published_lower_log3", "published_upper_log3")),
            row["regime"] or "-",
        )
    say(
        f"log3 of the separation rank, {model.heads} head{'s' if heads > 1 else ''} of width {model.head_dim}, "
        f"token width {width}, {model.tokens} tokens:\n"
        "at least the bound named (almost all weights), at most the bound for these heads to depth 6 and the moment bound\n"
        "beyond (all weights)"
    )
    wide_console().print(table)
    falling = [below["depth"] for above, below in pairwise(rows) if below["lower_bound_log3"] < above["lower_bound_log3"]]
    if falling:
        say(
            f"what is proved from below falls at depth {as_ranges(falling)}, since larger bounds would take minutes to count "
            "or to search for there; nothing says that the rank falls"
        )
    passed = [row["depth"] for row in rows if _passes(row)]
    if passed:
        say(f"the published upper bound is passed by what is proved from below at depth {as_ranges(passed)}")
    say(
        "growing: another layer at least doubles log3 of the moment bound; saturated: it adds at most half; turning: "
        f"between.\nknee at depth {knee:.2f}; log3 of the width is {threshold:.2f}"
    )


def _row(model: tr.SelfAttention, *, digits: bool) -> dict[str, Any]:
    """The bounds of one depth, with their logarithms; whole numbers with too many digits are None.

    Without `digits` bounds are None: their logarithms are quicker to find.
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.attention.large_counts import LONGEST_LOG3, if_short
    from tensorrank.attention.lower_bounds import largest_lower_bound

    depth, width, heads = model.depth, model.width, model.heads
    side, other = model.tokens // 2, model.tokens - model.tokens // 2
    published = tr.bounds.published_bounds(depth, width, heads, model.head_dim)
    factor = if_short(lambda: tr.bounds.growth_factor(depth, width, side))
    log_moment = if_short(lambda: tr.bounds.log3_moment_bound(depth, width, side, other))
    sizes = (depth, width, heads, model.head_dim, side, other)
    upper = if_short(lambda: tr.bounds.head_bound(depth, width, heads, model.head_dim, None, side, other))
    log_monomial = if_short(lambda: tr.bounds.log3_monomial_bound(*sizes))
    log_lower, name = largest_lower_bound(*sizes)
    short = digits and log_monomial is not None and log_monomial <= LONGEST_LOG3
    return {
        "depth": depth,
        "moment_bound": if_short(lambda: tr.bounds.moment_bound(depth, width, side, other)) if digits else None,
        "moment_bound_log3": log_moment,
        "upper_bound": upper if digits else None,
        "upper_bound_log3": log_moment if upper is None else tr.bounds.log3(upper),
        "monomial_bound": tr.bounds.monomial_bound(*sizes) if short else None,
        "monomial_bound_log3": log_monomial,
        "lower_bound": name,
        "lower_bound_log3": log_lower,
        "published_theorem": published.theorem if published else None,
        "published_lower_log3": published.lower if published else None,
        "published_upper_log3": published.upper if published else None,
        "published_counting_bound": if_short(lambda: tr.bounds.counting_bound(depth, width, heads)),
        "growth_factor": factor,
        "regime": None if factor is None else tr.bounds.regime_of_factor(factor),
    }


def _log(log: float | None) -> str:
    """The logarithm, or a dash where there is none, or where it is negative and so bounds no rank."""
    if log is None or log < 0:
        return "-"
    return f"{log:.2f}" if log < _LONG else f"{log:.6g}"


def _passes(row: dict[str, Any]) -> bool:
    published = row["published_upper_log3"]
    return published is not None and row["lower_bound_log3"] > published

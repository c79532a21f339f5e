"""`tensorrank task softmax-bottleneck`: which attention patterns a head can produce, and what its quotient is worth."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tensorrank.arguments import whole_number
from tensorrank.cli.shared.terminal import Bar, print_json, say, wide_console
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.units.bottleneck import BottleneckRow, Counterexample
    from tensorrank.units.cut_ranks import CutRanks

_SIZES = (2, 4, 8, 16, 32, 64)


def softmax_bottleneck(largest: int | None, *, seed: int, memory: str | None, threads: int | None, json: bool) -> None:
    """Print least head dimensions, the published counterexample, and ranks across a cut.

    Args:
        largest: the most tokens of a pattern and samples of a side; 64 by default.
        seed: of logits and samples.
        memory: limit for the samples.
        threads: for elimination.
        json: print one JSON object.
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.units.bottleneck import bottleneck_table, least_head_dimension, published_counterexample
    from tensorrank.units.cut_ranks import MOST_SAMPLES, softmax_cut_ranks

    most = whole_number("--tokens", _SIZES[-1] if largest is None else largest, 2)
    if most > MOST_SAMPLES:
        raise TensorRankError(f"--tokens is {most}; expected at most {MOST_SAMPLES}, for which samples are drawn")
    sizes = [size for size in _SIZES if size < most] + [most]
    with Bar() as bar:
        bar.update("head dimensions", 0, 2)
        rows = bottleneck_table(sizes, seed=seed, threads=threads)
        bar.update("ranks across a cut", 1, 2)
        cuts = {
            asking: [softmax_cut_ranks(n, asking=asking, seed=seed, memory=memory, threads=threads) for n in sizes]
            for asking in ("public", "a")
        }
    example = published_counterexample()
    least = least_head_dimension(example.logits, example.tokens)
    if json:
        print_json(_as_values(rows, example, least, cuts))
    else:
        _print(rows, example, least, cuts)


def _as_values(
    rows: tuple[BottleneckRow, ...], example: Counterexample, least: int | None, cuts: dict[str, list[CutRanks]]
) -> dict[str, Any]:
    return {
        "name": "softmax-bottleneck",
        "head_dimensions": [asdict(row) for row in rows],
        "counterexample": {
            "tokens": example.tokens.tolist(),
            "pattern": example.pattern.tolist(),
            "least_head_dimension": least,
        },
        "cut_ranks": {asking: [_cut(one) for one in found] for asking, found in cuts.items()},
    }


def _cut(found: CutRanks) -> dict[str, Any]:
    parts = {name: getattr(found, name) for name in ("numerator", "denominator", "quotient")}
    ranks = {name: {"rank": part.value, "standing": part.standing} for name, part in parts.items()}
    return {"samples": found.rows, "queries": found.queries, **ranks}


def _print(
    rows: tuple[BottleneckRow, ...], example: Counterexample, least: int | None, cuts: dict[str, list[CutRanks]]
) -> None:
    say("Least dimension of a head that produces an attention pattern of n linearly independent tokens (exact):")
    table = _table("tokens n", "random pattern", "each itself", "each the one before", "known to suffice")
    for row in rows:
        table.add_row(*map(str, (row.tokens, row.random, row.own, row.previous, row.sufficient)))
    wide_console().print(table)
    found = "no head of any dimension produces it" if least is None else f"a head of dimension {least} produces it"
    say(
        f"Of the tokens {example.tokens.tolist()[0]}, pattern {example.pattern.tolist()}: {found}, for all scores of a "
        "zero token are 0 (the counterexample of Bhojanapalli et al. 2020, for the head dimension 1 below n = 2)."
    )
    for asking, heading in (("public", "a query that both sides know"), ("a", "a query that side A holds")):
        say(f"\nRanks of one head across a cut, {heading}:")
        table = _table("samples of a side", "numerator", "denominator", "quotient: the output")
        for one in cuts[asking]:
            table.add_row(str(one.rows), str(one.numerator), str(one.denominator), str(one.quotient))
        wide_console().print(table)
    say(
        "With a public query it is the division by the sum of the weights that makes the separation rank infinite; "
        "with the query on side A numerator and denominator grow, too, by 1 for each different query (here "
        f"{cuts['a'][-1].queries})."
    )


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table

"""`tensorrank task softmax-bottleneck`: which attention patterns a head can produce, and what its quotient is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tensorrank.arguments import whole_number
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.terminal import Bar, empty_table, print_json, say, wide_console
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.units.bottleneck import BottleneckRow, Counterexample
    from tensorrank.units.cut_ranks import CutRanks

_SIZES = (2, 4, 8, 16, 32, 64)


def softmax_bottleneck(
    tokens: Annotated[int, typer.Option(help="The most tokens of a pattern, and samples of a side.")] = _SIZES[-1],
    seed: given.Seed = 0,
    memory: given.Memory = None,
    threads: given.Threads = None,
    json: given.Json = False,
) -> None:
    """Which attention patterns a head can produce, and what the division in its softmax is worth, in exact ranks.

    Example: tensorrank task softmax-bottleneck --tokens 16
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.units.bottleneck import bottleneck_table, least_head_dimension, published_counterexample
    from tensorrank.units.cut_ranks import MOST_SAMPLES, CutSamples

    most = whole_number("--tokens", tokens, 2)
    if most > MOST_SAMPLES:
        raise TensorRankError(f"--tokens is {most}; expected at most {MOST_SAMPLES} samples")
    sizes = [size for size in _SIZES if size < most] + [most]
    with Bar() as bar:
        bar(0, 2, "head dimensions")
        rows = bottleneck_table(sizes, seed=seed, threads=threads)
        bar(1, 2, "ranks across a cut")
        cuts = {
            asking: [
                CutSamples.random(size, asking=asking, seed=seed).ranks(seed=seed, memory=memory, threads=threads)
                for size in sizes
            ]
            for asking in ("public", "a")
        }
    example = published_counterexample()
    least = least_head_dimension(example.logits, example.tokens)
    if not json:
        _print(rows, example, least, cuts)
        return
    pattern = {"tokens": example.tokens.tolist(), "pattern": example.pattern.tolist(), "least_head_dimension": least}
    print_json(
        {
            "name": "softmax-bottleneck",
            "head_dimensions": [row.to_dict() for row in rows],
            "counterexample": pattern,
            "cut_ranks": {asking: [one.to_dict() for one in found] for asking, found in cuts.items()},
        }
    )


def _print(
    rows: Sequence[BottleneckRow], example: Counterexample, least: int | None, cuts: Mapping[str, Sequence[CutRanks]]
) -> None:
    say("Least dimension of a head that produces an attention pattern of n linearly independent tokens (exact):")
    table = empty_table("tokens n", "random pattern", "each itself", "each the one before", "known to suffice")
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
        table = empty_table("samples of a side", "numerator", "denominator", "quotient: the output")
        for one in cuts[asking]:
            table.add_row(str(one.rows), str(one.numerator), str(one.denominator), str(one.quotient))
        wide_console().print(table)
    say(
        "With a public query it is the division by the sum of the weights that makes the separation rank infinite; "
        "with the query on side A numerator and denominator grow, too, by 1 for each different query (here "
        f"{cuts['a'][-1].queries})."
    )

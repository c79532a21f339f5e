"""`tensorrank study`: the main job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

import tensorrank as tr
from tensorrank.cli.terminal import (
    INTERRUPTED,
    Bar,
    make_folder,
    print_json,
    say,
    speaks_plainly,
    whole_numbers,
    wide_console,
)

if TYPE_CHECKING:
    from tensorrank.studies.series import Series
    from tensorrank.studies.study import Finding


@speaks_plainly
def study(
    widths: Annotated[
        str, typer.Option("--widths", "--width", help="Widths d of a token, such as 1-4 or 2,8.")
    ] = "1-4",
    depths: Annotated[str, typer.Option("--depths", "--depth", help="Numbers of layers L, such as 1-5.")] = "1-5",
    heads: Annotated[str, typer.Option(help="Heads of a layer H, such as 1,2; only divisors of a width count.")] = "1",
    head_dims: Annotated[str | None, typer.Option(help="Head widths; width / heads by default.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the store, the table and the figures.")] = Path(
        "tensorrank-study"
    ),
    seed: Annotated[int, typer.Option(help="Seed of the weights and inputs.")] = 0,
    memory: Annotated[str, typer.Option(help="Limit on the memory of each rank.")] = "4GiB",
    work: Annotated[
        float | None,
        typer.Option(
            help="Limit on the operations of each rank (inf: none), 2.5e11 by default; two cores do 3e10 a second."
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all processors by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Separation ranks over widths and depths: stored, tabled and drawn.

    Without options it takes about a minute on two cores. What is too large becomes a certified lower bound with
    the reason; give --work and --memory to go further. Running again computes only what is missing.

    Example: tensorrank study --widths 2-3 --depths 1-4 --out results
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.studies.series import series_of, table_row, write_table
    from tensorrank.studies.store import Store
    from tensorrank.studies.study import DEFAULT_WORK

    plan = tr.Study(
        whole_numbers(widths, "--widths"),
        whole_numbers(depths, "--depths"),
        heads=whole_numbers(heads, "--heads"),
        head_dims=(None,) if head_dims is None else whole_numbers(head_dims, "--head-dims"),
        tokens=(None,) if tokens is None else whole_numbers(tokens, "--tokens"),
        seed=seed,
        memory=memory,
        work=DEFAULT_WORK if work is None else work,
        threads=threads,
    )
    started = time.monotonic()
    make_folder(out)
    findings: list[Finding] = []
    total = len(plan.plan())
    interrupted = False
    with Store(out / "study.sqlite") as store, Bar() as bar:

        def show(model: tr.SelfAttention, done: float, work: float) -> None:
            share = done / work if work else 0.0
            bar.update(f"width {model.width}, depth {model.depth}", len(findings) + share, total)

        try:
            # Kernels are compiled when first used, once per installation: not at the cost of the first rank.
            bar.update("compiling kernels", 0, total)
            tr.separation_rank(tr.SelfAttention(depth=2, width=2))
            for finding in plan.run(store, show):
                findings.append(finding)
                bar.update(f"{len(findings)} of {total}", len(findings), total)
        except KeyboardInterrupt:
            interrupted = True
    write_table(findings, out / "ranks.csv")
    if interrupted:
        typer.echo(
            f"interrupted: {len(findings)} of {total} ranks are kept in {out / 'study.sqlite'}; "
            "the same command carries on", err=True,
        )  # fmt: skip
        raise typer.Exit(INTERRUPTED)
    series = series_of(findings)
    figures = _draw(series, out)
    if json:
        print_json({"out": str(out), "left_out": plan.left_out(), "figures": [str(path) for path in figures],
                    "rows": [table_row(finding) for finding in findings]})  # fmt: skip
        return
    _print(findings, series, plan.left_out())
    fresh = sum(finding.fresh for finding in findings)
    typer.echo(f"\n{fresh} computed, {total - fresh} from the store, {time.monotonic() - started:.0f} s")
    typer.echo(f"The picture: {figures[0]}")
    typer.echo(
        f"Also there:  {', '.join(path.name for path in [*figures[1:], out / 'ranks.csv', out / 'study.sqlite'])}"
    )


def _draw(series: list[Series], out: Path) -> list[Path]:
    ranks, _ = tr.figures.rank_vs_depth(series)
    growth, _ = tr.figures.increments(series)
    return [*tr.figures.save(ranks, out / "rank_vs_depth"), *tr.figures.save(growth, out / "increments")]


def _print(findings: list[Finding], series: list[Series], left_out: list[str]) -> None:
    from tensorrank.arithmetic.whole_numbers import abbreviated
    from tensorrank.studies.series import table_row

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
    cut = [finding for finding in findings if finding.result.standing == "lower bound"]
    for finding in cut:
        say(f"width {finding.model.width}, depth {finding.model.depth}: {finding.result.reason}")
    if cut:
        say("Larger --work or --memory computes these again, and further.")
    for reason in left_out:
        say(f"left out: {reason}")
    say("")
    for one in series:
        say(one.sentence(series))

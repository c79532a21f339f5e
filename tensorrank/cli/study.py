"""`tensorrank study`: the main job."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import tensorrank as tr
from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.findings_text import print_findings, save_figures
from tensorrank.cli.shared.interrupts import Interrupts
from tensorrank.cli.shared.pictures import FORMATS, picture_options
from tensorrank.cli.shared.swept_models import stored_findings, study_of
from tensorrank.cli.shared.terminal import STORE_NAME, make_folder, print_json, say, whole_numbers
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.cli.shared.watch import Watch
    from tensorrank.studies.scheduler import Scheduler

# Some ranks could not be computed.
SKIPPED = 1
# Widths between two tokens, unless sizes are given.
_TWO_TOKENS = (2, 8, 32, 128)


def study(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KIND SIZE=VALUES | FILE",
            show_default=False,
            help="Others: a kind (attention, higher-order, recurrent, convolutional, gated, graph) and sizes, or files of "
            "mixtures.",
            autocompletion=completion.offered(*completion.ARCHITECTURES),
        ),
    ] = None,
    widths: Annotated[
        str | None, typer.Option("--widths", "--width", show_default="1-4", help="Widths d of a token, such as 1-4 or 2,8.")
    ] = None,
    depths: Annotated[
        str | None, typer.Option("--depths", "--depth", show_default="1-5", help="Numbers of layers L, such as 1-5.")
    ] = None,
    heads: Annotated[
        str | None, typer.Option(show_default="1", help="Heads of a layer H, such as 1,2; only divisors of a width count.")
    ] = None,
    head_dims: Annotated[str | None, typer.Option(help="Head widths; width / heads by default.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the store, the table and the figures.")] = Path("tensorrank-study"),
    formats: given.Formats = FORMATS,
    deepest: given.Deepest = None,
    seed: Annotated[int, typer.Option(help="Seed of the weights and inputs; only exact ranks are taken from another.")] = 0,
    memory: given.MemoryOfRank = "4GiB",
    work: Annotated[
        float | None,
        typer.Option(help="Limit on the operations of each rank (inf: none), 4e11 by default; two cores do 3e10 a second."),
    ] = None,
    engine: given.Engine = "auto",
    device: given.Device = "cpu",
    threads: given.Threads = None,
    workers: Annotated[
        int | None, typer.Option(help="Compute blocks in so many processes of this machine (extra 'cluster').")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Compute blocks on a Dask cluster, such as tcp://host:8786 (extra 'cluster')."),
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder on disk for blocks larger than --memory, which are cut if none is given.")
    ] = None,
    grace: Annotated[
        float, typer.Option(help="Seconds that blocks under way have to finish after Ctrl-C or SIGTERM; 0: none.")
    ] = 10.0,
    log_json: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File to which every event is appended as a line of JSON; -: standard error."),
    ] = None,
    json: given.Json = False,
) -> None:
    """Separation ranks of many models, stored one by one, in a table, and for attention in figures.

    Without options these are attention networks of several widths and depths, for many tokens and for one token a side,
    which take about a minute on two cores.
    What is too large becomes a certified lower bound with the reason; give --work and --memory to go further. Running
    again computes only what is missing.

    Example: tensorrank study --widths 2-3 --depths 1-4 --out results

    Other kinds take SIZE=VALUES for each argument of their Python class: whole numbers and ranges, words, true or
    false, and 2x3 for a list of numbers.

    Example: tensorrank study recurrent depth=1-2 hidden=2,3 channels=2 steps=4,6,8 --out circuits

    Example: tensorrank study mine.json yours.json --out mixtures
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.atlas.kinds import model_of
    from tensorrank.cli.shared.watch import Watch
    from tensorrank.experiments.depth_series import table, write_table
    from tensorrank.studies.contained import raised_findings
    from tensorrank.studies.run import Finding
    from tensorrank.studies.study import DEFAULT_WORK

    sizes = {"--widths": widths, "--depths": depths, "--heads": heads, "--head-dims": head_dims, "--tokens": tokens}
    operations = DEFAULT_WORK if work is None else work
    limits = {"seed": seed, "memory": memory, "work": operations, "threads": threads, "scratch": scratch}
    limits |= {"engine": engine, "device": device}
    pictured = picture_options(formats, deepest)
    odd = [name for name, text in sizes.items() if text is not None]
    if models and odd:
        raise TensorRankError(f"{', '.join(odd)} cannot be given beside {models[0]}; give its sizes as SIZE=VALUES")
    plan = study_of(models, **limits) if models else _attention(sizes, limits)
    if not (math.isfinite(grace) and grace >= 0):
        raise TensorRankError(f"--grace is {grace}; expected seconds, 0 or more")
    if workers is not None and scheduler is not None:
        raise TensorRankError("--workers and --scheduler were both given; the first starts a cluster, so give one")
    started = time.monotonic()
    make_folder(out)
    interrupted = False
    with tr.Store(out / STORE_NAME, check=model_of) as store, Watch(log_json) as watch:
        stop = Interrupts(grace, watch.note)
        try:
            with stop, ExitStack() as stack:
                where = _where(stack, watch, plan, workers, scheduler)
                findings = list(plan.run(store, watch, scheduler=where, stop=stop))
        except KeyboardInterrupt:
            interrupted = True
            findings = [Finding(model, known.result, fresh=False) for model in plan.models if (known := store.get(model))]
        findings = raised_findings(findings, stored_findings(store, store.path))
        computed, summary = time.monotonic(), watch.summary
        summary.count(finding.result.standing for finding in findings)
        watch.say("the table and the pictures")
        write_table(findings, out / "ranks.csv")
        figures = [] if interrupted else save_figures(findings, out, watch.note, **pictured)
        summary.seconds["table and figures"] = time.monotonic() - computed
        summary.seconds["in all"] = time.monotonic() - started
        watch.conclude(left_out=plan.left_out, interrupted=interrupted)
    if json:
        print_json(
            {
                "out": str(out),
                "left_out": list(plan.left_out),
                "figures": [str(path) for path in figures],
                "rows": table(findings)[0],
                "summary": summary.to_dict(),
                "interrupted": interrupted,
            }
        )
    elif not interrupted:
        print_findings(findings, plan.left_out)
        say("")
        if summary.lower_bounds:
            say("Larger --work or --memory, or --scratch, computes the lower bounds again, and further.")
        for line in summary.lines():
            say(line)
        first, *others = [*figures, out / "ranks.csv", out / STORE_NAME]
        say(f"The {'picture' if figures else 'table'}: {first}")
        typer.echo(f"Also there:  {', '.join(path.name for path in others)}")
        if figures:
            say("The pictures also show ranks of the atlas, where it knows more than the table.")
    if interrupted:
        typer.echo(
            f"interrupted: {summary.computed + summary.stored} of {len(plan.models)} ranks and every finished "
            f"block are kept in {out / STORE_NAME}; the same command carries on",
            err=True,
        )
        raise typer.Exit(stop.code)
    if summary.skipped:
        raise typer.Exit(SKIPPED)


def _attention(sizes: Mapping[str, str | None], limits: Mapping[str, Any]) -> tr.Study[tr.SelfAttention]:
    """The study of attention networks, cheap ones first within a width; by default in both regimes of tokens."""
    read = {name: None if text is None else whole_numbers(text, name) for name, text in sizes.items()}
    if not any(read.values()):
        many = [tr.SelfAttention(depth, width) for width in range(1, 5) for depth in range(1, 6)]
        two = [tr.SelfAttention(depth, width, tokens=2) for width in _TWO_TOKENS for depth in range(1, 9)]
        return tr.Study([*many, *two], **limits)
    return tr.Study.over(
        tr.SelfAttention,
        width=read["--widths"] or range(1, 5),
        heads=read["--heads"] or 1,
        head_dim=read["--head-dims"],
        tokens=read["--tokens"],
        depth=sorted(read["--depths"] or range(1, 6)),
        **limits,
    )


def _where(stack: ExitStack, watch: Watch, plan: tr.Study[Any], workers: int | None, scheduler: str | None) -> Scheduler | None:
    """Where blocks are computed, ready to begin."""
    if workers is None and scheduler is None:
        # Kernels are compiled when first used, once per installation: not at the cost of the first rank.
        watch.say("compiling kernels")
        tr.separation_rank(tr.SelfAttention(depth=2, width=2), engine=plan.engine, device=plan.device)
        return None
    # Dask is an extra.
    from tensorrank.studies.cluster import cluster

    watch.say("waiting for workers")
    return stack.enter_context(cluster(scheduler, workers=workers, threads=plan.threads))

"""`tensorrank compare`: architectures of equal size side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

import tensorrank as tr
from tensorrank.arguments import one_of
from tensorrank.cli.shared import completion, options
from tensorrank.cli.shared.findings_text import say_why
from tensorrank.cli.shared.pictures import FORMATS, picture_formats, say_pictures
from tensorrank.cli.shared.ranking import named_partition
from tensorrank.cli.shared.terminal import (
    INTERRUPTED,
    Bar,
    empty_table,
    make_folder,
    print_json,
    say,
    whole_numbers,
    wide_console,
)

if TYPE_CHECKING:
    from tensorrank.experiments.comparison import Compared


def compare(
    parameters: Annotated[int, typer.Option(help="Parameters that each architecture may have.")] = 128,
    sites: Annotated[int, typer.Option(help="Tokens, steps or positions.")] = 8,
    channels: Annotated[int, typer.Option(help="Dimension of a circuit's site.")] = 8,
    families: Annotated[
        str,
        typer.Option(
            help="Some of attention, recurrent and convolutional.", autocompletion=completion.listed(*completion.FAMILIES)
        ),
    ] = "attention,recurrent,convolutional",
    partition: options.Partition = "halves",
    budgets: Annotated[
        str, typer.Option(help="Sizes of the curves of bounds against depth, such as 100,1000.")
    ] = "100,1000,10000,100000",
    rule: Annotated[
        int, typer.Option(help="Parameters of a layer over width squared, for the curves: 4, or 12 with feed-forward.")
    ] = 4,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("tensorrank-compare"),
    formats: options.Formats = FORMATS,
    seed: options.Seed = 0,
    memory: options.MemoryOfRank = "4GiB",
    work: Annotated[float, typer.Option(help="Limit on the operations of each rank; inf for none.")] = 2.5e11,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Separation ranks of attention, recurrent and convolutional circuits with equally many parameters.

    The steps of a recurrent circuit share their weights, and so do the positions of each level of a convolutional
    circuit. A rank that is too large for --work and --memory becomes a certified lower bound, with the reason.

    Two pictures are made: the ranks side by side, and for several sizes the certified band of attention's rank against
    depth. A diamond marks the knee, in the middle of the turn from growing to saturated networks.

    Example: tensorrank compare --parameters 64 --partition interleaved
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.experiments.comparison import Family, contenders
    from tensorrank.experiments.comparison import compare as compare_all

    named: list[Any] = [one_of("a family", name.strip(), get_args(Family)) for name in families.split(",")]
    chosen = contenders(parameters, sites=sites, channels=channels, families=named)
    split = named_partition(partition, sites)
    kinds = picture_formats(formats)
    curves, _ = tr.figures.iso_parameters(whole_numbers(budgets, "--budgets"), rule=rule)
    make_folder(out)
    done: list[Compared] = []
    interrupted = False
    with Bar() as bar:
        limits: dict[str, Any] = {"memory": memory, "work": work, "threads": threads}
        try:
            # What has been computed is kept if the rest is interrupted.
            done.extend(compare_all(chosen, split, seed=seed, progress=bar, **limits))
        except KeyboardInterrupt:
            interrupted = True
    pictures = tr.figures.save(curves, out / "iso_parameters", kinds)
    if any(one.result.value for one in done):
        pictures = [*tr.figures.save(tr.figures.comparison(done)[0], out / "compare", kinds), *pictures]
    if json:
        print_json(
            {
                "partition": [list(split.a), list(split.b)],
                "figures": list(map(str, pictures)),
                "rows": [one.to_dict() for one in done],
                "interrupted": interrupted,
            }
        )
    else:
        _print(done)
        say_pictures(pictures)
    if interrupted:
        say(f"interrupted: {len(done)} of {len(chosen)} ranks are shown, the others not computed", err=True)
        raise typer.Exit(INTERRUPTED)


def _print(done: list[Compared]) -> None:
    words = ("architecture", "standing")
    table = empty_table("architecture", "size", "rank", "log3", "log3 / size", "standing", words=words)
    family = ""
    for one in done:
        if one.contender.family != family:
            family = one.contender.family
            table.add_section()
            table.add_row(f"[bold]{family}[/bold]")
        logs = (one.log3_value, one.log3_per_parameter)
        table.add_row(
            f"  {one.contender.shape}",
            str(one.contender.parameters),
            one.result.brief(),
            *("-" if log is None else f"{log:.{digits}f}" for log, digits in zip(logs, (2, 4), strict=True)),
            one.result.standing,
        )
    wide_console().print(table)
    for one in done:
        say_why(f"{one.contender.family}, {one.contender.shape}", one.to_dict())
    if any(one.result.standing == "lower bound" for one in done):
        say("Larger --work or --memory raises lower bounds.")

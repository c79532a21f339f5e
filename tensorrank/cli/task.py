"""`tensorrank task`: what attention, recurrent and other models need for a task, from ranks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tensorrank.arguments import nearest
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.ranking import named_partition
from tensorrank.cli.shared.terminal import (
    INTERRUPTED,
    Bar,
    make_folder,
    print_json,
    say,
    speaks_plainly,
    whole_numbers,
    wide_console,
)
from tensorrank.cli.softmax_bottleneck import softmax_bottleneck
from tensorrank.cli.task_checks import Wanted as UnitsWanted
from tensorrank.cli.task_checks import checked_units
from tensorrank.cli.task_studies import WITH_UNITS, drawn_studies
from tensorrank.cli.task_studies import Wanted as StudiesWanted
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import abbreviated

if TYPE_CHECKING:
    from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks
    from tensorrank.tasks.registry import NamedTask

_BOTTLENECK = "softmax-bottleneck"
_NAMES = (
    "sparse-averaging, match2, match3, match3-bigram, match3-local, disjointness, inner-product or softmax-bottleneck."
)


@speaks_plainly
def task(
    name: Annotated[str, typer.Argument(help=_NAMES)],
    tokens: Annotated[
        int | None,
        typer.Option(help="Tokens; of match3 and its variants on either side, of match2 beside the asking one."),
    ] = None,
    modulus: Annotated[int | None, typer.Option(help="Tokens are residues modulo M.")] = None,
    anchor: Annotated[int | None, typer.Option(help="Value of the asking token, known to both sides.")] = None,
    window: Annotated[int | None, typer.Option(help="How far from the asking token match3-local looks.")] = None,
    sparsity: Annotated[int | None, typer.Option(help="How many tokens sparse averaging averages, q.")] = None,
    length: Annotated[int | None, typer.Option(help="Elements or bits of either side.")] = None,
    partition: Annotated[
        str | None,
        typer.Option(help="The task's own by default; or halves, interleaved, or the sites of side A, such as 0,1,5."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="No ranks: hold the task's explicit attention unit against the right answers."),
    ] = False,
    precision: Annotated[
        str | None, typer.Option(help="Of the unit checked: float64 (default), float32, or a number of bits.")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(help="What it is checked on: all, or how many random ones; all by default if few.")
    ] = None,
    dimension: Annotated[
        int | None, typer.Option(help="Of the unit checked, for sparse averaging; the least that does by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also run the task's studies; their pictures go here.")] = None,
    unit_tokens: Annotated[
        str | None, typer.Option(help="Numbers of tokens of the units studied, such as 64,128,256.")
    ] = None,
    seed: given.Seed = 0,
    memory: given.Memory = None,
    threads: given.Threads = None,
    json: given.Json = False,
) -> None:
    """Ranks of a task's communication matrix, and what they say of models that compute it.

    Side A holds a part of the input, side B the rest. The rank bounds linear recurrent models, the number of different
    rows finite-state machines; both bound attention.

    Example: tensorrank task match3 --modulus 7 --tokens 3 --anchor 1
    """
    sizes = {
        "tokens": tokens,
        "modulus": modulus,
        "anchor": anchor,
        "window": window,
        "sparsity": sparsity,
        "length": length,
    }
    chosen = {option: size for option, size in sizes.items() if size is not None}
    of_check = {"precision": precision, "inputs": inputs, "dimension": dimension}
    of_ranks = {"out": out, "partition": partition, "unit_tokens": unit_tokens}
    others = {option: value for option, value in {**of_check, **of_ranks}.items() if value is not None}
    if name == _BOTTLENECK:
        _refuse(
            [*(option for option in chosen if option != "tokens"), *others, *(["check"] if check else [])],
            f"is no option of {name}; expected --tokens, the largest number of them",
        )
        softmax_bottleneck(tokens, seed=seed, memory=memory, threads=threads, json=json)
        return
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.tasks.registry import NAMED_TASKS

    if name not in NAMED_TASKS:
        raise TensorRankError(f"the task is {name!r}; {nearest(name, [*NAMED_TASKS, _BOTTLENECK])}")
    one = NAMED_TASKS[name]
    takes = ", ".join(f"--{size}" for size in one.sizes)
    _refuse((option for option in chosen if option not in one.sizes), f"is no size of {name}; expected {takes}")
    full = one.sized(chosen)
    if check:
        without = [option for option in (*of_ranks, "anchor") if option in {**others, **chosen}]
        _refuse(without, "was given with --check, which computes no ranks; leave one of the two out")
        with Bar() as bar:
            wanted = UnitsWanted(full, precision or "float64", inputs or "auto", dimension, seed, memory, bar.update)
            units = checked_units(name, wanted)
        if json:
            print_json({"name": name, "sizes": full, "check": [unit.values for unit in units]})
        for unit in () if json else units:
            say(f"{'right' if unit.passed else 'WRONG'}: {unit.words}")
        return
    _refuse(
        (option for option in of_check if option in others), "was given without --check; it is for the unit checked"
    )
    studied = None if unit_tokens is None else whole_numbers(unit_tokens, "--unit-tokens")
    if out is None:
        _refuse([] if studied is None else ["unit_tokens"], "was given without --out; it is for the studies")
    else:
        _refuse(
            [] if partition is None else ["partition"],
            "was given with --out, whose studies take the task's own; leave one of the two out",
        )
        _refuse(
            [] if studied is None or name in WITH_UNITS else ["unit_tokens"],
            f"is no option of {name}; only {' and '.join(WITH_UNITS)} have such studies",
        )
        grows, least = one.grows[0], one.least(full)
        if full[grows] < least:
            raise TensorRankError(f"--{grows} is {full[grows]}; the studies of --out need at least {least}")
        make_folder(out)
    split = None if partition is None else named_partition(partition, one.sites(full))
    ranks = _ranks(one.matrices(chosen, partition=split, memory=memory), seed, memory, threads)
    if not json:
        _print(one, ranks)
    studies: list[dict[str, Any]] = []
    pictures: list[Path] = []
    interrupted = False
    if out is not None:
        with Bar() as bar:
            of_studies = StudiesWanted(name, full, out, studied, seed, memory, threads, bar.update)
            try:
                for values, written in drawn_studies(of_studies):
                    studies.append(values)
                    pictures += written
            except KeyboardInterrupt:
                interrupted = True
    if json:
        done = {} if out is None else {"studies": studies, "figures": list(map(str, pictures))}
        print_json({**_as_values(one, full, ranks), **done})
    elif pictures:
        say(f"\nThe pictures: {', '.join(str(path) for path in pictures if path.suffix == '.png')}")
    if interrupted:
        typer.echo(f"interrupted; studies kept: {len(studies)}", err=True)
        raise typer.Exit(INTERRUPTED)


def _refuse(options: Iterable[str], why: str) -> None:
    """Raise an error if any option was given that must not be."""
    odd = next(iter(options), None)
    if odd is not None:
        raise TensorRankError(f"--{odd.replace('_', '-')} {why}")


def _ranks(
    matrices: Mapping[str, CommunicationMatrix], seed: int, memory: str | None, threads: int | None
) -> dict[str, CommunicationRanks]:
    """What is found of each matrix, with one bar for all."""
    ranks: dict[str, CommunicationRanks] = {}
    with Bar() as bar:
        for what, matrix in matrices.items():

            def show(step: str, done: float, total: float, what: str = what) -> None:
                bar.update(f"{what} {step}", len(ranks) + done / total, len(matrices))

            ranks[what] = matrix.ranks(seed=seed, threads=threads, memory=memory, progress=show)
    return ranks


def _as_values(one: NamedTask, sizes: Mapping[str, int], ranks: Mapping[str, CommunicationRanks]) -> dict[str, Any]:
    (what, first), *others = ranks.items()
    return {
        "name": one.name,
        "sizes": dict(sizes),
        "matrix": what,
        **first.to_dict(),
        "also": [{"matrix": what, **other.to_dict()} for what, other in others],
    }


def _print(one: NamedTask, ranks: Mapping[str, CommunicationRanks]) -> None:
    first = next(iter(ranks.values()))
    say(f"{first.task}: {one.about}")
    counts = (abbreviated(first.rows), abbreviated(first.columns))
    say(f"A holds {first.sides[0]}: {counts[0]} inputs; B holds {first.sides[1]}: {counts[1]}.")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("value", no_wrap=True)
    for column in ("rank over Q", *list(first.fields)[1:], "distinct rows", "distinct columns", "VC"):
        table.add_column(column, justify="right", no_wrap=True)
    for what, found in ranks.items():
        q, *finite = found.fields.values()
        marked = f"{q}" if found.rank.standing == "exact" else f"{q} (probable)"
        vc = "-" if found.vc is None else _between(found.vc.lower, found.vc.upper)
        table.add_row(what, marked, *map(str, (*finite, found.distinct_rows, found.distinct_columns)), vc)
    wide_console().print(table)
    if any(found.vc is not None for found in ranks.values()):
        say("VC: the Vapnik-Chervonenkis dimension of the rows, where values are 0 and 1.")
    if first.distinct_rows == first.distinct_columns == 1:
        say("All values are the same: there is nothing to compute here.")
    if one.note:
        say(one.note)
    say("\nWhat a model that reads A first and gives that value needs at least:")
    wide_console().print(_needs(ranks))
    for model, why in {reading.model: reading.why for found in ranks.values() for reading in found.readings}.items():
        say(f"- {model}: {why}.")


def _needs(ranks: Mapping[str, CommunicationRanks]) -> Table:
    """Models and what they need, a column for each value."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", max_width=44)
    table.add_column("needs", max_width=24)
    for what in ranks:
        table.add_column(what, justify="right")
    needs: dict[tuple[str, str], dict[str, str]] = {}
    for what, found in ranks.items():
        for reading in found.readings:
            order = "" if reading.proved else "order of "
            needs.setdefault((reading.model, reading.quantity), {})[what] = f"{order}{reading.least:g}"
    for (model, quantity), least in needs.items():
        table.add_row(model, quantity, *(least.get(what, "-") for what in ranks))
    return table


def _between(lower: int, upper: int) -> str:
    return str(lower) if lower == upper else f"{lower} to {upper}"

"""`tensorrank task`: what attention, recurrent and other models need for a task, from ranks.

Every verb has a command for each task of the registry, whose sizes are the options of that command alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tensorrank.arguments import shown
from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
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
from tensorrank.cli.softmax_bottleneck import softmax_bottleneck
from tensorrank.cli.task_studies import MOST_SIZES, StudiesWanted, run_studies
from tensorrank.errors import TensorRankError
from tensorrank.tasks.registry import NAMED_TASKS, SIZES, NamedTask
from tensorrank.whole_numbers import abbreviated

if TYPE_CHECKING:
    from tensorrank.tasks.communication import CommunicationRanks

# Heavy modules are imported where they are used, so that --help answers at once.


def ranks(
    task: NamedTask,
    sizes: Mapping[str, int],
    *,
    partition: Annotated[
        str | None,
        typer.Option(
            help="The task's own by default; or halves, interleaved, or the sites of side A, such as 0,1,5.",
            autocompletion=completion.offered(*completion.PARTITIONS),
        ),
    ] = None,
    seed: given.Seed = 0,
    memory: given.Memory = None,
    threads: given.Threads = None,
    json: given.Json = False,
) -> None:
    """Ranks of a task's communication matrix, and what they say of models that compute it.

    Side A holds a part of the input, side B the rest. The rank bounds linear recurrent models, the number of different
    rows finite-state machines; both bound attention.
    """
    split = None if partition is None else named_partition(partition, task.sites(sizes))
    matrices = task.matrices(sizes, partition=split, memory=memory)
    found: dict[str, CommunicationRanks] = {}
    with Bar() as bar:
        for what, matrix in matrices.items():

            def show(done: float, total: float, step: str, what: str = what) -> None:
                bar(len(found) + done / total, len(matrices), f"{what} {step}")

            found[what] = matrix.ranks(seed=seed, threads=threads, memory=memory, progress=show)
    if json:
        (what, first), *others = found.items()
        also = [{"matrix": other, **values.to_dict()} for other, values in others]
        print_json({"name": task.name, "sizes": task.sized(sizes), "matrix": what, **first.to_dict(), "also": also})
    else:
        _print(task, found)


def check(
    task: NamedTask,
    sizes: Mapping[str, int],
    *,
    precision: Annotated[
        str,
        typer.Option(
            help="Of the unit: float64, float32, or a number of bits.", autocompletion=completion.offered("float64", "float32")
        ),
    ] = "float64",
    inputs: Annotated[
        str,
        typer.Option(
            help="all, how many random ones, or auto: all if they are few.", autocompletion=completion.offered("auto", "all")
        ),
    ] = "auto",
    dimension: Annotated[int | None, typer.Option(help="Of the unit with random keys; the least that does by default.")] = None,
    seed: given.Seed = 0,
    memory: given.Memory = None,
    work: Annotated[float, typer.Option(help="Limit on the operations of the check; inf for none.")] = 2e10,
    json: given.Json = False,
) -> None:
    """Hold the explicit attention unit of a task against the right answers, on all inputs or on random ones."""
    from tensorrank.units.task_units import check_units

    exact: Any = precision  # checked by the unit
    chosen: Any = int(inputs) if inputs.isdecimal() else inputs
    if chosen not in ("all", "auto") and not (isinstance(chosen, int) and chosen):
        raise TensorRankError(f"--inputs is {inputs!r}; expected all, auto, or how many random ones, such as 1000")
    with Bar() as bar:
        found = check_units(
            task.task(sizes), chosen, precision=exact, dimension=dimension, seed=seed, memory=memory, work=work, progress=bar
        )
    if json:
        print_json({"name": task.name, "sizes": {**task.sizes, **sizes}, "check": [unit.to_dict() for unit in found]})
        return
    for unit in found:
        say(f"{'right' if unit.passed else 'WRONG'}: {unit.unit}\n  {unit}")
    if "dimension" in task.unit_options and dimension is None:
        say("The dimension of random keys is the first one tried whose deviations are allowed in float64.")
    if inputs == "auto" and not found[0].exhaustive:
        say("--inputs all goes through all of them: up to 2^24 inputs, or as many choices as fit the memory.")


def study(
    task: NamedTask,
    sizes: Mapping[str, int],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")],
    formats: given.Formats = FORMATS,
    unit_tokens: Annotated[
        str | None, typer.Option(help="Numbers of tokens of the attention units studied, such as 64,128,256.")
    ] = None,
    seed: given.Seed = 0,
    memory: given.Memory = None,
    threads: given.Threads = None,
    json: given.Json = False,
) -> None:
    """The studies of a task, as pictures: how its ranks grow, and what attention units for it need."""
    full = task.sized(sizes)
    grows, least = task.grows[0], task.least(full)
    if full[grows] < least:
        raise TensorRankError(f"--{grows} is {full[grows]}; studies of {task.name} need at least {least}")
    sizes_studied = len(range(least, min(full[grows], sys.maxsize), task.step))
    if sizes_studied > MOST_SIZES:
        raise TensorRankError(
            f"--{grows} is {shown(full[grows])}; expected at most {least + MOST_SIZES * task.step}, for a rank is computed "
            f"of every size up to it. One matrix: tensorrank task ranks {task.name}"
        )
    units = None if unit_tokens is None else whole_numbers(unit_tokens, "--unit-tokens")
    kinds = picture_formats(formats)
    make_folder(out)
    studies: list[dict[str, Any]] = []
    pictures: list[Path] = []
    interrupted = False
    with Bar() as bar:
        wanted = StudiesWanted(task, full, out, kinds, units, seed, memory, threads, bar)
        try:
            for values, written in run_studies(wanted):
                studies.append(values)
                pictures += written
        except KeyboardInterrupt:
            interrupted = True
    if json:
        print_json({"name": task.name, "sizes": full, "studies": studies, "figures": list(map(str, pictures))})
    else:
        say_pictures(pictures)
    if interrupted:
        say(f"interrupted; studies kept: {len(studies)}", err=True)
        raise typer.Exit(INTERRUPTED)


def _add(verb: Callable[..., None], task: NamedTask, sizes: Mapping[str, int], without: Container[str] = ()) -> None:
    """Add a command for one task to a verb, with help from the registry."""
    more = f"\n\nThe unit is {task.unit}." if verb is check else ""
    text = f"{task.about[0].upper()}{task.about[1:]}{more}\n\n{_example(verb, task)}"
    _VERBS[verb].command(name=task.name, help=text)(_command(verb, task, sizes, without))


def _example(verb: Callable[..., None], task: NamedTask) -> str:
    sizes = " ".join(f"--{size} {value}" for size, value in task.sizes.items())
    return f"Example: tensorrank task {verb.__name__} {task.name} {sizes}{' --out pictures' if verb is study else ''}"


def _command(
    verb: Callable[..., None], task: NamedTask, sizes: Mapping[str, int], without: Container[str]
) -> Callable[..., None]:
    """Make the command of a verb for one task: its options are the sizes, and those of the verb but for some."""

    def command(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in sizes}
        verb(task, {name: size for name, size in chosen.items() if size is not None}, **values)

    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[int | None, typer.Option(help=f"{SIZES[name]}; {default} by default.")],
        )
        for name, default in sizes.items()
    ]
    options += [
        option
        for option in inspect.signature(verb, eval_str=True).parameters.values()
        if option.kind is inspect.Parameter.KEYWORD_ONLY and option.name not in without
    ]
    # What typer reads of a function.
    # Functions have a signature that may be replaced, which type checkers do not know.
    command.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    command.__annotations__ = {option.name: option.annotation for option in options}
    return command


_FIRST = next(iter(NAMED_TASKS.values()))
_VERBS = {
    verb: typer.Typer(no_args_is_help=True, help=f"{inspect.getdoc(verb)}\n\n{_example(verb, _FIRST)}")
    for verb in (ranks, check, study)
}
for _task in NAMED_TASKS.values():
    _add(ranks, _task, _task.matrix_sizes)
    _add(study, _task, _task.matrix_sizes, () if _task.studies else ("unit_tokens",))
    if _task.unit:
        _add(check, _task, _task.sizes, () if "dimension" in _task.unit_options else ("dimension",))
app = typer.Typer(
    no_args_is_help=True,
    help=f"What attention, recurrent and other models need for a task, from ranks.\n\n{_example(ranks, _FIRST)}",
)
for _verb, _group in _VERBS.items():
    app.add_typer(_group, name=_verb.__name__)
app.command(name="softmax-bottleneck")(softmax_bottleneck)


def _print(task: NamedTask, ranks: Mapping[str, CommunicationRanks]) -> None:
    first = next(iter(ranks.values()))
    say(f"{first.task}: {task.about}")
    counts = (abbreviated(first.rows), abbreviated(first.columns))
    say(f"A holds {first.sides[0]}: {counts[0]} inputs; B holds {first.sides[1]}: {counts[1]}.")
    finite = list(first.fields)[1:]
    table = empty_table("value", "rank over Q", *finite, "distinct rows", "distinct columns", "VC", words=["value"])
    for what, found in ranks.items():
        q, *others = found.fields.values()
        marked = f"{q}" if found.rank.standing == "exact" else f"{q} (probable)"
        vc = "-" if found.vc is None else _between(found.vc.lower, found.vc.upper)
        table.add_row(what, marked, *map(str, (*others, found.distinct_rows, found.distinct_columns)), vc)
    wide_console().print(table)
    if any(found.vc is not None for found in ranks.values()):
        say("VC: the Vapnik-Chervonenkis dimension of the rows, where values are 0 and 1.")
    if first.distinct_rows == first.distinct_columns == 1:
        say("All values are the same: there is nothing to compute here.")
    if task.note:
        say(task.note)
    say("\nWhat a model that reads A first and gives that value needs at least:")
    wide_console().print(_needs(ranks))
    for model, why in {bound.model: bound.why for found in ranks.values() for bound in found.model_bounds}.items():
        say(f"- {model}: {why}.")


def _needs(ranks: Mapping[str, CommunicationRanks]) -> Table:
    """Models and what they need, a column for each value."""
    table = empty_table("model", "needs", *ranks, sentences=["model", "needs"])
    needs: dict[tuple[str, str], dict[str, str]] = {}
    for what, found in ranks.items():
        for bound in found.model_bounds:
            order = "" if bound.proved else "order of "
            needs.setdefault((bound.model, bound.quantity), {})[what] = f"{order}{bound.least:g}"
    for (model, quantity), least in needs.items():
        table.add_row(model, quantity, *(least.get(what, "-") for what in ranks))
    return table


def _between(lower: int, upper: int) -> str:
    return str(lower) if lower == upper else f"{lower} to {upper}"

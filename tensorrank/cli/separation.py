"""`tensorrank separation`: what depth and structure buy, as tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

import tensorrank as tr
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.terminal import Bar, make_folder, print_json, say, whole_numbers, wide_console

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorrank.separation.result import SeparationRank

app = typer.Typer(no_args_is_help=True, help="What depth and structure buy: exact ranks, and the sizes they force.")

Symbols = Annotated[int, typer.Option(help="Values of each observed variable, k.")]
States = Annotated[int, typer.Option(help="States of each hidden variable, r.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the figure; none is drawn by default.")]
Memory = Annotated[str, typer.Option(help="Limit on the memory of each rank.")]
# The longest sentence of a table.
_WIDEST = 60


@app.callback()
def _separation() -> None:
    pass


@app.command()
def interleaved(
    sites: Annotated[str, typer.Option(help="Numbers of variables, such as 4,8,16 or 4-12.")] = "4,6,8,10,12,14,16",
    states: States = 2,
    symbols: Symbols = 2,
    seed: given.Seed = 0,
    memory: Memory = "4GiB",
    out: Out = None,
    json: given.Json = False,
) -> None:
    """Hidden Markov models and tensorial mixtures against latent class models, as variables are added.

    "Shallow" is the table entries that a latent class model needs at least. Tensorial mixtures have 2, 4, 8, ...
    variables, and are left out at other numbers.

    Example: tensorrank separation interleaved --sites 4,8,16 --states 3 --symbols 3 --out pictures
    """
    from tensorrank.experiments.interleaved import interleaved as compute

    numbers = whole_numbers(sites, "--sites")
    study = _computed(
        out, lambda show: compute(numbers, states=states, symbols=symbols, seed=seed, memory=memory, progress=show)
    )
    rows = [
        (row.model, row.sites, row.table_entries, _rank(row.rank), row.rank.standing, row.shallow_entries)
        for row in study.rows
    ]
    columns = ("model", "variables", "entries", "rank even | odd", "standing", "shallow, at least")
    _tell(study.to_dict(), columns, rows, out, lambda: tr.figures.interleaved(study)[0], json)


@app.command()
def levels(
    depths: Annotated[str, typer.Option(help="Levels L of the whole mixtures, of 2^L variables.")] = "4,5,6",
    states: States = 2,
    symbols: Symbols = 2,
    seed: given.Seed = 0,
    memory: Memory = "4GiB",
    out: Out = None,
    json: given.Json = False,
) -> None:
    """The size that models of fewer levels need to equal a tensorial mixture.

    Ranks up to 4096 are computed; larger ones are known for almost all tables, and marked "generic".

    Example: tensorrank separation levels --depths 3-6 --states 3 --symbols 3 --out pictures
    """
    from tensorrank.experiments.levels import levels as compute
    from tensorrank.whole_numbers import abbreviated

    numbers = whole_numbers(depths, "--depths")
    study = _computed(
        out, lambda show: compute(numbers, states=states, symbols=symbols, seed=seed, memory=memory, progress=show)
    )
    known = {whole.depth: "generic" if whole.rank is None else whole.rank.standing for whole in study.wholes}
    rows = [
        (
            2**row.depth,
            row.levels,
            row.window,
            *(abbreviated(n) for n in (row.states_lower, row.states_upper, row.entries_lower, row.entries_upper)),
            known[row.depth],
        )
        for row in study.rows
    ]
    columns = ("variables", "levels", "window", "states ≥", "enough", "entries ≥", "enough", "rank")
    _tell(study.to_dict(), columns, rows, out, lambda: tr.figures.levels(study)[0], json)


@app.command()
def formats(
    sites: Annotated[int, typer.Option(help="Number of variables, a power of two.")] = 16,
    states: States = 2,
    symbols: Symbols = 2,
    seed: given.Seed = 0,
    memory: Memory = "4GiB",
    out: Out = None,
    json: given.Json = False,
) -> None:
    """Tensor train ranks of a balanced tree, hierarchical ranks of a chain.

    Example: tensorrank separation formats --sites 8 --states 3 --symbols 3
    """
    from tensorrank.experiments.formats import formats as compute

    study = _computed(
        out, lambda show: compute(sites, states=states, symbols=symbols, seed=seed, memory=memory, progress=show)
    )
    rows = [(row.model, f"{row.first}-{row.last}", _rank(row.rank), row.rank.standing, row.bound) for row in study.rows]
    columns = ("model", "variables on one side", "rank", "standing", "bound")
    _tell(study.to_dict(), columns, rows, out, lambda: tr.figures.formats(study)[0], json)


@app.command()
def matchings(
    sites: Annotated[
        str, typer.Option(help="Numbers of variables, even; to 22 all bipartitions are looked at.")
    ] = "6,8,10,256,512,1024",
    symbols: Symbols = 3,
    seed: given.Seed = 0,
    memory: Memory = "4GiB",
    out: Out = None,
    json: given.Json = False,
) -> None:
    """Mixtures of three matchings: small sum-product networks, but no small trees.

    "States" are what some hidden variable of every tree model needs at least; "at equal size" is what a binary tree of
    as many table entries as the network has edges can have.

    Example: tensorrank separation matchings --sites 6,8,256,1024 --symbols 2 --out pictures
    """
    from tensorrank.experiments.perfect_matchings import three_matchings
    from tensorrank.whole_numbers import abbreviated

    numbers = whole_numbers(sites, "--sites")
    study = _computed(
        out, lambda show: three_matchings(numbers, symbols=symbols, seed=seed, memory=memory, progress=show)
    )
    rows = [
        (
            row.sites,
            row.edges,
            row.pairs_cut,
            abbreviated(row.states),
            row.method,
            "-" if row.rank is None else f"{_rank(row.rank)} ({row.rank.standing})",
            row.affordable,
        )
        for row in study.rows
    ]
    columns = ("variables", "edges", "pairs cut", "states ≥", "by", "least rank met", "states at equal size")
    _tell(study.to_dict(), columns, rows, out, lambda: tr.figures.matchings(study)[0], json)


@app.command()
def hierarchy(
    sites: Annotated[int, typer.Option(help="Number of variables, a power of two.")] = 16,
    states: States = 2,
    symbols: Symbols = 2,
    small: Annotated[float, typer.Option(help="Reductions to more than so many times the size count as none.")] = 16.0,
    seed: given.Seed = 0,
    out: Out = None,
    json: given.Json = False,
) -> None:
    """A random model of each kind, reduced along every arrow of the hierarchy and checked.

    Example: tensorrank separation hierarchy --sites 8 --out pictures
    """
    from tensorrank.experiments.hierarchy import measured_hierarchy

    reports = _computed(
        out,
        lambda show: measured_hierarchy(sites, states=states, symbols=symbols, seed=seed, small=small, progress=show),
    )
    verdicts = {None: "too large", True: "yes", False: "NO"}
    rows = [
        (
            one.source,
            one.target,
            verdicts[one.equal] + ("" if one.exact or one.equal is None else " (within rounding)"),
            one.size_before,
            "-" if one.size_after is None else one.size_after,
            "-" if one.ratio is None else f"{one.ratio:.3g}",
            "-" if one.bound is None else f"{'≥' if one.equal is None else '≤'} {one.bound}",
        )
        for one in reports
    ]
    columns = ("from", "to", "equal", "size", "size after", "ratio", "theory")
    values = {"study": "hierarchy", "seed": seed, "rows": [one.to_dict() for one in reports]}
    _tell(values, columns, rows, out, lambda: tr.figures.hierarchy(reports)[0], json)


def _computed(out: Path | None, compute: Callable[[Callable[[str, float, float], None]], Any]) -> Any:
    """What a study finds, with a bar; its folder is made first, so that nothing is computed in vain."""
    if out is not None:
        make_folder(out)
    with Bar() as bar:
        return compute(bar.update)


def _rank(rank: SeparationRank) -> str:
    return rank.brief()


def _tell(
    values: dict[str, Any],
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    out: Path | None,
    draw: Callable[[], Figure],
    json: bool,
) -> None:
    """Print the study as one JSON object or as a table, and draw it where a folder is given."""
    pictures = [] if out is None else tr.figures.save(draw(), out / values["study"])
    if json:
        print_json({**values, "figures": [str(path) for path in pictures]})
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    body = [[f"{cell}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    for place, name in enumerate(columns):
        words = any(cell[:1].isalpha() for cell in (row[place] for row in body))
        table.add_column(name, justify="left" if words else "right", no_wrap=not words, max_width=_WIDEST)
    for cells in body:
        table.add_row(*cells)
    wide_console().print(table)
    if pictures:
        say(f"The picture: {pictures[0]}")

"""`tensorrank separation`: what depth and structure buy, as tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.cli.shared.bundles import unbundled
from tensorrank.cli.shared.options import ExperimentOptions, MemoryOfRank
from tensorrank.cli.shared.pictures import picture_formats, say_pictures
from tensorrank.cli.shared.terminal import Bar, empty_table, make_folder, print_json, whole_numbers, wide_console

app = typer.Typer(no_args_is_help=True)

Symbols = Annotated[int, typer.Option(help="Values of each observed variable, k.")]
States = Annotated[int, typer.Option(help="States of each hidden variable, r.")]


@app.callback()
def _separation() -> None:
    """What depth and structure buy: exact ranks, and the sizes they force.

    Each verb below computes one experiment on mixture models, prints a table, and with --out makes its picture.

    Example: tensorrank separation levels --depths 3-6 --out pictures
    """


@app.command()
@unbundled
def interleaved(
    sites: Annotated[str, typer.Option(help="Numbers of variables, such as 4,8,16 or 4-12.")] = "4,6,8,10,12,14,16",
    states: States = 2,
    symbols: Symbols = 2,
    memory: MemoryOfRank = "4GiB",
    *,
    given: ExperimentOptions,
) -> None:
    """How large a latent class model must be to equal a hidden Markov model or a tensorial mixture.

    "Shallow" is the number of table entries that a latent class model of the same density needs at least. Tensorial
    mixtures have 2, 4, 8, ... variables, and are left out at other numbers.

    Example: tensorrank separation interleaved --sites 4,8,16 --states 3 --symbols 3 --out pictures
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.experiments.interleaved import interleaved_ranks as compute

    numbers = whole_numbers(sites, "--sites")
    found = _computed(given, compute, numbers, states=states, symbols=symbols, memory=memory)
    rows = [
        (row.model, row.sites, row.table_entries, row.rank.brief(), row.rank.standing, row.shallow_entries)
        for row in found.rows
    ]
    columns = ("model", "variables", "entries", "rank even | odd", "standing", "shallow, at least")
    _tell(given, "interleaved", found, columns, rows)


@app.command()
@unbundled
def levels(
    depths: Annotated[str, typer.Option(help="Levels L of the whole mixtures, of 2^L variables.")] = "4,5,6",
    states: States = 2,
    symbols: Symbols = 2,
    memory: MemoryOfRank = "4GiB",
    *,
    given: ExperimentOptions,
) -> None:
    """The size that models of fewer levels need to equal a tensorial mixture.

    Ranks up to 4096 are computed; larger ones are known for almost all tables, and marked "generic".

    Example: tensorrank separation levels --depths 3-6 --states 3 --symbols 3 --out pictures
    """
    from tensorrank.experiments.levels import level_sizes as compute
    from tensorrank.whole_numbers import abbreviated

    numbers = whole_numbers(depths, "--depths")
    found = _computed(given, compute, numbers, states=states, symbols=symbols, memory=memory)
    known = {whole.depth: "generic" if whole.rank is None else whole.rank.standing for whole in found.wholes}
    rows = [
        (
            *(2**row.depth, row.levels, row.window),
            *map(abbreviated, (row.states_lower, row.states_upper, row.entries_lower, row.entries_upper)),
            known[row.depth],
        )
        for row in found.rows
    ]
    columns = ("variables", "levels", "window", "states ≥", "enough", "entries ≥", "enough", "rank")
    _tell(given, "levels", found, columns, rows)


@app.command()
@unbundled
def formats(
    sites: Annotated[int, typer.Option(help="Number of variables, a power of two.")] = 16,
    states: States = 2,
    symbols: Symbols = 2,
    memory: MemoryOfRank = "4GiB",
    *,
    given: ExperimentOptions,
) -> None:
    """Each tensor format in the other: tensor train ranks of a balanced tree, hierarchical ranks of a chain.

    Example: tensorrank separation formats --sites 8 --states 3 --symbols 3
    """
    from tensorrank.experiments.formats import format_ranks as compute

    found = _computed(given, compute, sites, states=states, symbols=symbols, memory=memory)
    rows = [(row.model, f"{row.first}-{row.last}", row.rank.brief(), row.rank.standing, row.bound) for row in found.rows]
    _tell(given, "formats", found, ("model", "variables on one side", "rank", "standing", "bound"), rows)


@app.command()
@unbundled
def perfect_matchings(
    sites: Annotated[
        str, typer.Option(help="Numbers of variables, even; up to 22 variables all bipartitions are looked at.")
    ] = "6,8,10,256,512,1024",
    symbols: Symbols = 3,
    memory: MemoryOfRank = "4GiB",
    *,
    given: ExperimentOptions,
) -> None:
    """Mixtures of three perfect matchings: small sum-product networks, but no small trees.

    "States" is the number of states that some hidden variable of every tree model needs at least. "States at equal
    size" is how many states a binary tree can have with as many table entries as the network has edges.

    Example: tensorrank separation perfect-matchings --sites 6,8,256,1024 --symbols 2 --out pictures
    """
    from tensorrank.experiments.perfect_matchings import perfect_matching_states as compute
    from tensorrank.whole_numbers import abbreviated

    found = _computed(given, compute, whole_numbers(sites, "--sites"), symbols=symbols, memory=memory)
    rows = [
        (
            *(row.sites, row.edges, row.pairs_cut, abbreviated(row.states), row.method),
            "-" if row.rank is None else f"{row.rank.brief()} ({row.rank.standing})",
            row.affordable,
        )
        for row in found.rows
    ]
    columns = ("variables", "edges", "pairs cut", "states ≥", "by", "least rank met", "states at equal size")
    _tell(given, "perfect_matchings", found, columns, rows)


@app.command()
@unbundled
def hierarchy(
    sites: Annotated[int, typer.Option(help="Number of variables, a power of two.")] = 16,
    states: States = 2,
    symbols: Symbols = 2,
    small: Annotated[float, typer.Option(help="Reductions to more than so many times the size count as none.")] = 16.0,
    *,
    given: ExperimentOptions,
) -> None:
    """Reduce a model of each kind along every arrow of the hierarchy of mixtures, and check the results.

    Example: tensorrank separation hierarchy --sites 8 --out pictures
    """
    from tensorrank.experiments.hierarchy import measure_hierarchy as compute

    found = _computed(given, compute, sites, states=states, symbols=symbols, small=small)
    verdicts = {None: "too large", True: "yes", False: "NO"}
    rows = [
        (
            *(one.source, one.target),
            verdicts[one.equal] + ("" if one.over_fields or one.equal is None else " (within rounding)"),
            *(one.size_before, "-" if one.size_after is None else one.size_after),
            "-" if one.ratio is None else f"{one.ratio:.3g}",
            "-" if one.bound is None else f"{'≥' if one.equal is None else '≤'} {one.bound}",
        )
        for one in found.rows
    ]
    _tell(given, "hierarchy", found, ("from", "to", "equal", "size", "size after", "ratio", "theory"), rows)


def _computed(given: ExperimentOptions, compute: Callable[..., Any], size: object, **options: object) -> Any:
    """What an experiment finds, with a bar; the folder is made first, so that nothing is computed in vain."""
    picture_formats(given.formats)
    if given.out is not None:
        make_folder(given.out)
    with Bar() as bar:
        return compute(size, seed=given.seed, progress=bar, **options)


def _tell(given: ExperimentOptions, name: str, found: Any, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print the experiment as one JSON object or as a table, with its picture in the folder where one is given."""
    pictures: list[Path] = []
    if given.out is not None:
        figure, _ = getattr(tr.figures, name)(found)
        pictures = tr.figures.save(figure, given.out / name, picture_formats(given.formats))
    if given.json:
        print_json({**found.to_dict(), "figures": list(map(str, pictures))})
        return
    body = [list(map(str, row)) for row in rows]
    lettered = {place for row in body for place, cell in enumerate(row) if cell[:1].isalpha()}
    table = empty_table(*columns, sentences=[columns[place] for place in lettered])
    for cells in body:
        table.add_row(*cells)
    wide_console().print(table)
    say_pictures(pictures)

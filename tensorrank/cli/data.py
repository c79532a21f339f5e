"""`tensorrank data`: the entanglement of the data in a file at canonical cuts, for several orders of its variables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import tensorrank as tr
from tensorrank.arguments import as_float, file_path, shown
from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.pictures import FORMATS, picture_formats, say_pictures
from tensorrank.cli.shared.terminal import Bar, empty_table, make_folder, print_json, say, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.given_files.paths import named_in_errors

# Smaller spreads are those of equal numbers, added in another order.
_ROUNDING = 1e-12

if TYPE_CHECKING:
    from tensorrank.experiments.data_cuts import DataCuts
    from tensorrank.networks.data_tensor import DataTensor


def data(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An .npz file of samples, (rows, variables), and labels if there are any.")
    ],
    embedding: Annotated[
        str,
        typer.Option(
            help="How values become vectors: one-hot (categories), angle (0 to 1), moments, or vectors.",
            autocompletion=completion.offered(*completion.EMBEDDINGS),
        ),
    ] = "one-hot",
    divide_by: Annotated[
        float | None, typer.Option(help="What samples are divided by, such as 255 for pixels as angles.")
    ] = None,
    permutations: Annotated[int, typer.Option(help="Random orders of the variables to compare with.")] = 3,
    arrange: Annotated[bool, typer.Option("--arrange", help="Also an order found from correlations.")] = False,
    z_order: Annotated[bool, typer.Option("--z-order", help="Also squares within squares, for square images.")] = False,
    ranks: Annotated[bool, typer.Option("--ranks", help="Separation ranks at every cut, too.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the random orders.")] = 0,
    memory: given.Memory = None,
    out: given.Out = None,
    formats: given.Formats = FORMATS,
    json: given.Json = False,
) -> None:
    """Which cuts data favours: its entanglement at canonical cuts, for several orders of its variables.

    A canonical cut separates a contiguous block of the variables from all others. Where data is little entangled, small
    networks can represent it.

    Example: tensorrank data digits.npz --embedding angle --divide-by 16 --arrange --out pictures
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.experiments.canonical_cuts import arranged_order
    from tensorrank.experiments.data_cuts import data_entanglement
    from tensorrank.experiments.depth_families import z_order as squares

    kinds = picture_formats(formats)
    table = _read(file, embedding, divide_by)
    orders: dict[str, tuple[int, ...]] = {}
    if z_order:
        side = round(table.sites**0.5)
        if side**2 != table.sites:
            raise TensorRankError(f"--z-order was given for {table.sites} variables; expected the pixels of a square image")
        orders["Z-order"] = squares(side)
    if arrange:
        orders["by correlations"] = arranged_order(table, memory=memory)
    if out is not None:
        make_folder(out)
    with Bar() as bar:
        found = data_entanglement(
            table, orders=orders, permutations=permutations, ranks=ranks, seed=seed, memory=memory, progress=bar
        )
    pictures = [] if out is None else tr.figures.save(tr.figures.data_cuts(found)[0], out / "data_cuts", kinds)
    if json:
        print_json({**found.to_dict(), "findings": found.findings(), "figures": list(map(str, pictures))})
        return
    _print(found, ranks)
    say_pictures(pictures)


def _read(file: Path, embedding: str, divide_by: float | None) -> DataTensor:
    """The data in an archive of arrays."""
    from tensorrank.given_files.array_archives import array_of, opened_archive

    divisor = 1.0 if divide_by is None else as_float(divide_by)
    if not 0 < divisor < float("inf"):
        raise TensorRankError(f"--divide-by is {shown(divide_by)}; expected a positive number, such as 255")
    path = file_path("FILE", file)
    with named_in_errors(path):
        with opened_archive(path, "samples and labels") as archive:
            if "samples" not in archive.files:
                known = ", ".join(map(shown, archive.files)) or "none"
                raise TensorRankError(f"the file has the arrays {known}; expected samples, and labels if there are any")
            names = [name for name in ("samples", "labels") if name in archive.files]
            arrays = [array_of(archive, name, None, "", "the numbers of") for name in names]
        samples = arrays[0] if divide_by is None else arrays[0] / divisor
        chosen: Any = embedding
        return tr.DataTensor(samples, arrays[1] if len(arrays) > 1 else None, embedding=chosen)


def _print(found: DataCuts, ranks: bool) -> None:
    columns = ["order", "level", "variables", "entanglement", *(["ranks"] if ranks else [])]
    table = empty_table(*columns, sentences=["order"])
    for family in found.families:
        for level in found.levels:
            mean, spread = found.mean(family, level)
            orders = [order for order in found.orders if order == family or order.startswith(f"{family} ")]
            rows = [row for order in orders for row in found.of(order, level)]
            cells = [family, str(level), _span([row.size for row in rows])]
            cells.append(f"{mean:.4g}" + (f" ± {spread:.2g}" if spread > _ROUNDING else ""))
            if ranks:
                values = [row.rank.value for row in rows if row.rank is not None]
                standings = dict.fromkeys(row.rank.standing for row in rows if row.rank is not None)
                cells.append(f"{_span(values)} ({', '.join(standings)})")
            table.add_row(*cells)
    wide_console().print(table)
    for line in (*found.findings(), f"least entangled: {found.favoured()}"):
        say(line)


def _span(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low}-{high}"

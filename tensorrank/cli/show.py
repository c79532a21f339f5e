"""`tensorrank show`: what is in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tensorrank.cli import options as given
from tensorrank.cli.model_files import File, described
from tensorrank.cli.terminal import print_json, speaks_plainly

if TYPE_CHECKING:
    from tensorrank.mixtures.mixture import Mixture

# Longer lists are told in brief.
_MOST_LISTED = 12


@speaks_plainly
def show(file: File, json: given.Json = False) -> None:
    """What a model file holds: the model, its sizes, and how large its separation ranks can be.

    Example: tensorrank show h.json
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.mixtures.files import load

    model = load(file)
    bounds = _rank_bounds(model)
    if json:
        print_json({"file": str(file), "model": described(model), "rank_bounds": bounds})
        return
    typer.echo(repr(model))
    for name, text in _lines(model, bounds):
        typer.echo(f"{name:<15} {text}")


def _rank_bounds(model: Mixture) -> dict[str, int | None]:
    """The bounds that `tensorrank rank` has for halves, and for odd against even variables."""
    from tensorrank.separation.partition import Bipartition

    if model.sites < 2:
        return {"halves": None, "interleaved": None}
    function = model.separable()
    splits = {"halves": Bipartition.halves(model.sites), "interleaved": Bipartition.interleaved(model.sites)}
    return {name: function.rank_bound(split) for name, split in splits.items()}


def _lines(model: Mixture, bounds: dict[str, int | None]) -> list[tuple[str, str]]:
    from tensorrank.arithmetic.whole_numbers import abbreviated

    about = described(model)
    what = "Gaussian components" if model.densities else "values"
    lines = [
        ("kind", model.kind),
        ("variables", f"{model.sites}, of {_counts(model.shape)} {what}"),
        ("tables", "exact fractions" if model.exact else "floats"),
        ("parameters", str(model.parameters)),
        ("table entries", str(model.table_entries)),
    ]
    match about:
        case {"classes": classes}:
            lines.append(("classes", str(classes)))
        case {"states": states, "homogeneous": homogeneous}:
            lines.append(("hidden states", f"{states}, {'the same tables' if homogeneous else 'tables'} for each step"))
        case {"hidden": hidden, "states": states, "leaves": leaves}:
            lines.append(("hidden", f"{hidden} variables of at most {states} states"))
            if leaves != list(range(model.sites)):
                lines.append(("leaves", _listed([f"{name!r} is variable {site}" for site, name in enumerate(leaves)])))
        case {"depth": depth, "states": states}:
            lines.append(("hidden states", f"at most {states}, on {depth} level{'s' * (depth > 1)}"))
        case {"nodes": nodes, "ranks": ranks}:
            lines.append(("nodes", f"{nodes}, of {_counts(ranks)} functions"))
        case {"nodes": nodes, "edges": edges}:
            lines.append(("nodes", f"{nodes}, with {edges} edges"))
    shown = [f"{abbreviated(bound)} ({name})" for name, bound in bounds.items() if bound is not None]
    if shown:
        lines.append(("rank at most", ", ".join(shown)))
    return lines


def _counts(sizes: Any) -> str:
    least, most = min(sizes), max(sizes)
    return str(most) if least == most else f"{least} to {most}"


def _listed(texts: list[str]) -> str:
    more = len(texts) - _MOST_LISTED
    return ", ".join(texts[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")

"""`tensorrank reduce`: one model as another kind of model, checked and measured."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tensorrank.arguments import finite_number, nearest
from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.model_files import File
from tensorrank.cli.shared.terminal import print_json, say
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import checked_file

_NOT_A_REDUCTION = 1


def reduce(
    file: File,
    to: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="The kind wanted, by its name in files: sum_product, latent_tree, ... An unknown name lists all.",
            autocompletion=completion.offered(*completion.MIXTURES),
        ),
    ],
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="OUT", help="Where the reduced model is written.")] = None,
    tree: Annotated[
        str,
        typer.Option(
            help="Of --to hierarchical: own, the tree that the model has, or balanced.",
            autocompletion=completion.offered("own", "balanced"),
        ),
    ] = "own",
    limit: Annotated[
        float | None, typer.Option(help="The largest size of the reduced model: table entries, or edges; 1e6 or twice its own.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the vectors at which the two are compared.")] = 0,
    json: given.Json = False,
) -> None:
    """Turn a model into another kind with the same density, check that they are equal, and say what it costs.

    Where the result would be larger than the limit, nothing is written, and what every such model needs is printed.

    Example: tensorrank reduce h.json --to sum_product -o s.json
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.mixtures.formats.files import load, save
    from tensorrank.mixtures.kinds import KINDS
    from tensorrank.mixtures.mixture import Mixture
    from tensorrank.mixtures.reductions.equality import check_reduction
    from tensorrank.mixtures.reductions.reduce import reduce as reduce_model

    for name, value, known in (("to", to, KINDS), ("tree", tree, ("own", "balanced"))):
        if value not in known:
            raise TensorRankError(f"--{name} is {value!r}; {nearest(value, known)}")
    if out is not None:
        checked_file("--out", out)
    if limit is not None:
        finite_number("--limit", limit, least=1)
    source = load(file)
    # Both names are known.
    options: dict[str, Any] = {"to": to, "tree": tree}
    target = reduce_model(source, **options, limit=None if limit is None else int(limit))
    report = check_reduction(source, target, seed=seed)
    wrong = isinstance(target, Mixture) and not report.equal
    written = out if out is not None and isinstance(target, Mixture) and not wrong else None
    if written is not None and isinstance(target, Mixture):
        save(target, written)
    if json:
        print_json({**report.to_dict(), "out": None if written is None else str(written)})
    else:
        say(f"{source}\n{target}\n{report}" if isinstance(target, Mixture) else f"{source}\n{report}")
        if written is not None:
            say(f"The model: {written}")
    if wrong:
        say(f"internal error: the {to} made of {file} is not equal to it; nothing was written", err=True)
        raise typer.Exit(_NOT_A_REDUCTION)
    if out is not None and written is None:
        say(f"nothing was written to {out}: the {to} would be larger than the limit", err=True)

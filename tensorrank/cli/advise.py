"""`tensorrank advise`: a depth and width for a size, or what to change about an architecture."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import tensorrank as tr
from tensorrank.arguments import file_path, finite_number, shown
from tensorrank.cli.shared import completion, options
from tensorrank.cli.shared.pictures import FORMATS, picture_formats, say_pictures
from tensorrank.cli.shared.terminal import make_folder, numbers_of_parameters, print_json
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import in_brief

if TYPE_CHECKING:
    from tensorrank.guidelines import Advice, ModelConfig, Optimum, SharedKeys, Stack, TransitionFit

Fit = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|A,B[,ERRORS]",
        help="Another fit ln d = a + b L: a file that `tensorrank ablation --save` wrote, or a,b, perhaps with their "
        "standard errors, and their correlation.",
    ),
]

_SAVED_FIT = "what `tensorrank ablation --save` writes"
_LARGEST_FIT = 10**7


def advise(
    given: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    parameters: Annotated[
        str | None, typer.Option(help="A size, such as 175e9 or 3B: without embeddings, N = 12 L d^2.")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Layers, L.")] = None,
    width: Annotated[int | None, typer.Option(help="Dimension of a token, d.")] = None,
    heads: Annotated[int | None, typer.Option(help="Attention heads of a layer, beside --depth and --width.")] = None,
    kv_heads: Annotated[
        int | None, typer.Option("--kv-heads", help="Heads with keys and values of their own; all by default.")
    ] = None,
    head_dim: Annotated[
        int | None, typer.Option("--head-dim", help="Width of a head; the width divided by the heads by default.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A Hugging Face style config.json, or a folder with one: of any family of transformers with the "
            "extra hf, of some forty without."
        ),
    ] = None,
    counted_by: Annotated[
        str | None,
        typer.Option(
            "--counted-by",
            metavar="table|transformers",
            help="Who counts a configuration: transformers by default, if it is installed.",
            autocompletion=completion.offered("table", "transformers"),
        ),
    ] = None,
    projections: Annotated[
        bool, typer.Option("--projections", help="Show the published projections, from GPT-3 to a trillion parameters.")
    ] = False,
    fit: Fit = None,
    sigmas: options.Sigmas = 2.0,
    out: options.Out = None,
    formats: options.Formats = FORMATS,
    json: options.Json = False,
) -> None:
    """How deep and how wide a network should be, by the published fit of trained networks or by a fit of your own.

    Give one of: a size; a depth and a width, perhaps with heads; a config.json; --projections. The verdict comes with
    what heads and vocabulary limit, and with the bound on the separation rank at that shape
    (docs/explanation/guidelines.md).

    Example: tensorrank advise --parameters 175e9

    Example: tensorrank advise --depth 96 --width 12288 --out pictures

    Example: tensorrank advise --depth 32 --width 4096 --heads 32 --kv-heads 8
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.cli import advice_text

    if given:
        option = "--config" if os.path.exists(given[0]) else "--parameters, --depth and --width, or --config"
        raise TensorRankError(f"{shown(given[0])} is given without an option; try {option} before it")
    chosen = _fit(fit)
    shaped = None if depth is None and width is None else (depth, width)
    ways = ("--parameters", "--depth and --width", "--config", "--projections")
    asked = (parameters, shaped, config, projections or None)
    chosen_ways = [way for way, value in zip(ways, asked, strict=True) if value is not None]
    sizes_of_heads = {"--heads": heads, "--kv-heads": kv_heads, "--head-dim": head_dim}
    if not chosen_ways:
        _keys(None, [], sizes_of_heads)
    if len(chosen_ways) != 1:
        raise TensorRankError(f"given: {', '.join(chosen_ways) or 'nothing'}; give one of {', '.join(ways)}")
    if config is None and counted_by is not None:
        raise TensorRankError(f"--counted-by is {counted_by!r} without --config; expected both")
    model = None if config is None else tr.guidelines.read_config(config, counted_by)  # type: ignore[arg-type] # checked there
    shapes = _shapes(model, depth, width) if model or shaped else []
    attend = [True] if model is None else [stack.attends for stack in model.stacks]
    keys = _keys(model, shapes, sizes_of_heads)
    sizes = [] if parameters is None else numbers_of_parameters(parameters, "--parameters")
    if len(sizes) > 1:
        raise TensorRankError(f"--parameters is {parameters!r}; expected one size")
    if projections:
        sizes = [row.parameters for row in tr.guidelines.PUBLISHED_PROJECTIONS]
    advice = {
        name: tr.guidelines.advise(*shape, chosen, sigmas=sigmas) if attends else None
        for (name, shape), attends in zip(shapes, attend, strict=bool(shapes))
    }
    best = [tr.guidelines.optimum(size, chosen, sigmas=sigmas) for size in sizes]
    kinds = picture_formats(formats)
    pictures: list[Path] = []
    if out is not None:
        make_folder(out)
        points = _points(advice, best, projections, chosen, sigmas)
        figure, _ = tr.figures.depth_width(points, chosen, sigmas=sigmas, known=() if projections else None)
        pictures = tr.figures.save(figure, out / "depth_width", kinds)
    if json:
        values = _values(model, advice, keys, best, projections)
        print_json({**values, "sigmas": sigmas, "fit": chosen.to_dict(), "figures": list(map(str, pictures))})
        return
    if projections:
        advice_text.print_projections(best, chosen)
    elif model or advice:
        advice_text.print_advice(model, advice, keys, chosen)
    else:
        advice_text.print_size(best[0], chosen)
    say_pictures(pictures)


def _fit(text: str | None) -> TransitionFit:
    """The fit of --fit: numbers, or those in a file."""
    if text is None:
        return tr.guidelines.PUBLISHED
    if Path(text).suffix.lower() == ".json":
        return _fit_of_file(Path(text))
    try:
        numbers = [finite_number("--fit", float(part)) for part in text.split(",")]
    except ValueError as error:
        raise TensorRankError(
            f"--fit is {text!r}; expected numbers such as 5.039,0.0555,0.030,0.0013, or a .json file"
        ) from error
    if len(numbers) not in (2, 4, 5):
        raise TensorRankError(
            f"--fit has {len(numbers)} number{'s' * (len(numbers) > 1)}; expected a,b, or a,b and two standard errors, "
            "and perhaps a correlation"
        )
    a, b, a_error, b_error, correlation = (*numbers, 0.0, 0.0, 0.0)[:5]
    if a_error < 0 or b_error < 0 or abs(correlation) > 1:
        raise TensorRankError(f"--fit is {text!r}; expected errors of at least 0 and a correlation from -1 to 1")
    return tr.guidelines.TransitionFit.of_errors(a, b, a_error, b_error, correlation)


def _fit_of_file(path: Path) -> TransitionFit:
    """The fit in a file, which may also be all that `tensorrank ablation --json` prints."""
    from tensorrank.given_files.json_values import read_json
    from tensorrank.given_files.paths import named_in_errors

    checked = file_path("--fit", path)
    with named_in_errors(checked):
        content = read_json(checked, _SAVED_FIT, most=_LARGEST_FIT)
        values = content.get("fit", content) if isinstance(content, dict) else content
        return tr.guidelines.TransitionFit.from_dict(values)


def _shapes(model: ModelConfig | None, depth: int | None, width: int | None) -> list[tuple[str, tuple[int, int]]]:
    """Depths and widths to judge, each stack by itself."""
    if model is not None:
        names = [model.family] if len(model.stacks) == 1 else _numbered([stack.role for stack in model.stacks])
        return [(name, (stack.depth, stack.width)) for name, stack in zip(names, model.stacks, strict=True)]
    if depth is None or width is None:
        missing, there = ("--width", "--depth") if width is None else ("--depth", "--width")
        raise TensorRankError(f"{there} is given without {missing}; expected both")
    return [("yours", (depth, width))]


def _numbered(roles: Sequence[str]) -> list[str]:
    """The roles of stacks as names; those that occur more than once are numbered."""
    return [role if roles.count(role) == 1 else f"{role} {roles[: place + 1].count(role)}" for place, role in enumerate(roles)]


def _keys(
    model: ModelConfig | None, shapes: Sequence[tuple[str, tuple[int, int]]], given: Mapping[str, int | None]
) -> list[SharedKeys | None]:
    """For every shape what shared keys and values cost there; None where heads are not known or of another kind."""
    heads, kv_heads, head_dim = given.values()
    named = [name for name, value in given.items() if value is not None]
    if model is not None or not shapes:
        if named and model is not None:
            raise TensorRankError(f"{named[0]} is given beside --config, which says it; leave it out")
        if named:
            raise TensorRankError(f"{named[0]} is given without --depth and --width; expected all of them")
        return [None if model is None else _keys_of(stack) for stack in (model.stacks if model else ())]
    if heads is None:
        if named:
            raise TensorRankError(f"{named[0]} is given without --heads; expected both")
        return [None]
    (_, (depth, width)), *_ = shapes
    return [tr.guidelines.shared_keys(depth, width, heads, kv_heads, head_dim)]


def _keys_of(stack: Stack) -> SharedKeys | None:
    if stack.heads is None or stack.latent is not None:
        return None
    return tr.guidelines.shared_keys(stack.depth, stack.width, stack.heads, stack.kv_heads, stack.head_dim)


def _points(
    advice: dict[str, Advice | None], best: Sequence[Optimum], projections: bool, fit: TransitionFit, sigmas: float
) -> list[tuple[str, Advice | Optimum]]:
    """What the figure shows, with names; of the projections the models as they were trained, too."""
    if not projections:
        return [*((name, one) for name, one in advice.items() if one), *((in_brief(one.parameters), one) for one in best)]
    points: list[tuple[str, Advice | Optimum]] = []
    for row, one in zip(tr.guidelines.PUBLISHED_PROJECTIONS, best, strict=True):
        name = row.name.removeprefix("GPT-3 ").partition(" (")[0]
        points.append((name, tr.guidelines.advise(*row.trained, fit, sigmas=sigmas) if row.trained else one))
    return points


def _values(
    model: ModelConfig | None,
    advice: dict[str, Advice | None],
    keys: Sequence[SharedKeys | None],
    best: Sequence[Optimum],
    projections: bool,
) -> dict[str, Any]:
    """What was found as plain values: of a size, a shape, a configuration, or the rows of the projections."""
    if projections:
        rows = zip(tr.guidelines.PUBLISHED_PROJECTIONS, best, strict=True)
        return {
            "rows": [
                {"name": row.name, **_of_size(one), "trained": row.trained, "published": row.published} for row, one in rows
            ]
        }
    if best:
        return _of_size(best[0])
    if model is None:
        return _of_shape(next(iter(advice.values())), None, keys[0])
    judged = zip(model.stacks, advice.values(), keys, strict=True)
    stacks = [{"role": stack.role, **_of_shape(one, stack, shared)} for stack, one, shared in judged]
    counts = {
        "parameters": model.parameters,
        "active_parameters": model.active_parameters,
        "parameters_without_embeddings": model.parameters_without_embeddings,
        "config": model.to_dict(),
        "stacks": stacks,
    }
    if not stacks:
        return {**counts, "depth": None, "width": None, "verdict": None}
    if not model.main_stack.attends:
        return {**stacks[-1], **counts}
    return {
        **stacks[-1],
        **counts,
        "log3_bound_at_embedding_rank": model.log3_vocabulary_bound,
        "head_limits": list(model.head_limits),
        "bottlenecks": {"heads": "width" in model.head_limits, "vocabulary": model.embedding_rank < model.main_stack.width},
    }


def _plain(size: float) -> float:
    """A size as a whole number, where it is one."""
    return int(size) if float(size).is_integer() else size


def _of_size(best: Optimum) -> dict[str, Any]:
    """A size and its best shape as plain values; of a size alone the embeddings are not known."""
    return {
        "parameters": _plain(best.parameters),
        "parameters_without_embeddings": _plain(best.parameters),
        "depth": None,
        "width": None,
        **of_optimum(best),
        "verdict": None,
    }


def of_optimum(best: Optimum) -> dict[str, Any]:
    """The best shape of a size as plain values."""
    return {
        "optimal_depth": best.depth,
        "optimal_width": best.width,
        "optimal_depth_range": best.depth_range,
        "optimal_width_range": best.width_range,
        "extrapolated": best.extrapolated,
        "optimal_depth_rounded": best.shape[0],
        "optimal_width_rounded": max(1, round(best.width)),
        "optimal_shape": best.shape,
        "log3_moment_bound_at_optimum": tr.bounds.log3_moment_bound(*best.shape),
    }


def _sizes(stack: Stack) -> dict[str, int]:
    return {
        "parameters": stack.parameters,
        "active_parameters": stack.active_parameters,
        "parameters_without_embeddings": stack.parameters,
    }


def _of_shape(one: Advice | None, stack: Stack | None, keys: SharedKeys | None) -> dict[str, Any]:
    """What is said of a depth and width as plain values; sizes are what a token uses of the stack, if it is known."""
    if one is None:
        return {} if stack is None else {**_sizes(stack), "depth": stack.depth, "width": stack.width, "verdict": None}
    size = _plain(one.optimum.parameters) if stack is None else stack.active_parameters
    alone = {"parameters": size, "active_parameters": size, "parameters_without_embeddings": size}
    return {
        **(alone if stack is None else _sizes(stack)),
        "depth": one.depth,
        "width": one.width,
        **of_optimum(one.optimum),
        "verdict": one.verdict,
        "not_said": tr.guidelines.NOT_SAID,
        "judged_parameters": size,
        "layers_to_add": one.layers_to_add,
        "width_to_add": one.width_to_add,
        "depth_best_at": None if one.best_at is None else one.best_at * (size / one.optimum.parameters),
        "core": one.core,
        "share_beyond_core": one.beyond_core,
        "share_beyond_core_range": one.beyond_core_range,
        "parameters_beyond_core": one.beyond_core * size,
        "regime": tr.bounds.regime(one.depth, one.width),
        "growth_factor": tr.bounds.growth_factor(one.depth, one.width),
        "knee": tr.bounds.knee(one.width),
        "log3_moment_bound": tr.bounds.log3_moment_bound(one.depth, one.width),
        "shared_keys": None if keys is None else keys.to_dict(),
    }

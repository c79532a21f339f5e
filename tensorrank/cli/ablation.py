"""`tensorrank ablation`: the guideline fitted to losses of your own networks."""

from __future__ import annotations

from json import dumps
from math import ceil, log10
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import tensorrank as tr
from tensorrank.arguments import one_of
from tensorrank.cli.advise import of_optimum
from tensorrank.cli.shared import completion, options
from tensorrank.cli.shared.pictures import FORMATS, picture_formats, say_pictures
from tensorrank.cli.shared.terminal import empty_table, make_folder, numbers_of_parameters, print_json, say, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import checked_file, write_whole
from tensorrank.whole_numbers import in_brief

if TYPE_CHECKING:
    from tensorrank.guidelines import Ablation, Optimum, TransitionFit
    from tensorrank.guidelines.ablation import Pairs

# Sizes to advise for where none are given: the power of ten above the largest of the ablation, and so many times it.
_FACTORS = (1.0, 10.0, 100.0)
# From fewer networks trained again the error of a loss is known to no better than a third.
_FEW = 5


def ablation(
    file: Annotated[Path, typer.Argument(help="CSV: columns depth, parameters or width, loss, and perhaps error.")],
    pairs: Annotated[
        str,
        typer.Option(
            help="Pairs of depths that the fit uses: neighbours or all.", autocompletion=completion.offered("neighbours", "all")
        ),
    ] = "neighbours",
    rule: Annotated[
        float | None, typer.Option(help="Parameters of a layer over width squared; 12 where the file does not tell.")
    ] = None,
    parameters: Annotated[
        str | None, typer.Option(help="Sizes to advise for, such as 1e6,3B; powers of ten from the largest on by default.")
    ] = None,
    sigmas: options.Sigmas = 2.0,
    save: Annotated[
        str | None, typer.Option(metavar="OUT.json", help="Where the fit is written, for `tensorrank advise --fit`.")
    ] = None,
    out: options.Out = None,
    formats: options.Formats = FORMATS,
    json: options.Json = False,
) -> None:
    """Where deeper networks overtake shallower ones in your own ablation, and the depth and width that follow.

    Rows of equal depth and size are networks trained more than once. Losses are interpolated in the logarithm of the
    size; ln d = a + b L is fitted to the widths d at which each depth L overtakes the depth before.

    Example: tensorrank ablation examples/ablation/softmax.csv --out pictures
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.guidelines.transitions import checked_sigmas

    checked_sigmas(sigmas)
    kinds = picture_formats(formats)
    saved = None if save is None else checked_file("--save", save)
    if saved is not None and (saved.suffix.lower() != ".json" or saved.resolve() == file.resolve()):
        raise TensorRankError(f"--save is {save}; expected another file named .json, which `tensorrank advise --fit` reads")
    data = tr.guidelines.read_ablation(file, rule=rule)
    largest = 10 ** ceil(log10(max(curve.sizes[-1] for curve in data.curves)))
    sizes = [largest * factor for factor in _FACTORS]
    if parameters is not None:
        sizes = numbers_of_parameters(parameters, "--parameters")
    chosen: Any = one_of("--pairs", pairs, ("neighbours", "all"))
    pictures: list[Path] = []
    if out is not None:
        make_folder(out)
        figure, _ = tr.figures.ablation(data, pairs=chosen, sigmas=sigmas)
        pictures = tr.figures.save(figure, out / file.stem, kinds)
    try:
        fit = data.fit(chosen)
    except TensorRankError as error:
        seen = f"; the picture of the losses: {pictures[0]}" if pictures else ""
        raise TensorRankError(f"{file}: {error}{seen}") from error
    if saved is not None:
        text = dumps(fit.to_dict(), indent=2, allow_nan=False) + "\n"
        write_whole(saved, lambda file: file.write(text.encode()))
    best = [] if fit.slope < 0 else [tr.guidelines.optimum(size, fit, sigmas=sigmas) for size in sizes]
    if json:
        used = data.chosen(chosen)
        print_json(
            {
                "file": str(file),
                "rule": data.rule,
                "pairs": pairs,
                "depths": list(data.depths),
                "networks": sum(sum(curve.runs) for curve in data.curves),
                "error_of_a_loss": data.single_error,
                "repeats": data.repeats,
                "crossings": [
                    {**one.to_dict(), "width": one.width(data.rule), "used": one.size is not None and one in used}
                    for one in data.crossings
                ],
                "fit": fit.to_dict(),
                "advice": [{"parameters": one.parameters, **of_optimum(one)} for one in best],
                "figures": list(map(str, pictures)),
            }
        )
        return
    _print(data, fit, best, chosen)
    if save is not None:
        how = "" if fit.slope < 0 else f"; to use it: tensorrank advise --fit {save} --parameters {in_brief(sizes[-1])}"
        say(f"The fit: {save}{how}")
    say_pictures(pictures)


def _print(data: Ablation, fit: TransitionFit, best: list[Optimum], pairs: Pairs) -> None:
    used = data.chosen(pairs)
    errors = ["± %"] if data.has_errors else []
    table = empty_table("depths", "parameters", *errors, "width", "used", words=["depths"], sentences=["used"])
    for crossing in data.crossings:
        cells, width = ["-"] * (2 + len(errors)), crossing.width(data.rule)
        if crossing.size is not None and crossing.error is not None:
            cells = [f"{crossing.size:,.0f}", *(f"{100 * crossing.error:.0f}" for _ in errors), f"{width:.1f}"]
        why = crossing.why or ("" if crossing in used else "not neighbours")
        table.add_row(f"{crossing.shallow}, {crossing.deep}", *cells, f"no: {why}" if why else "yes")
    networks = sum(sum(curve.runs) for curve in data.curves)
    say(
        f"{networks} networks of depths {', '.join(map(str, data.depths))}; where the deeper of two overtakes, and the "
        f"width of a network of that size and the depth half-way ({data.rule:.3g} L d^2 parameters):"
    )
    wide_console().print(table)
    if data.single_error is not None:
        say(f"Error of a single loss: {data.single_error:.2g}, from {_counted(data.repeats, 'network')} trained again.")
    a_error, b_error = fit.errors
    say(
        f"ln d = a + b L:  a = {fit.intercept:.4g} ± {a_error:.2g}, b = {fit.slope:.4g} ± {b_error:.2g}, "
        f"correlation {fit.correlation:.3f}"
    )
    (aa, ab), (_, bb) = fit.covariance
    say(f"covariance: {aa:.3g} {ab:.3g} {bb:.3g} (of a and a, a and b, b and b)")
    _print_quality(fit, data)
    if not best:
        say("The width at which the deeper overtakes falls with depth, by this fit: there is no best depth of a size.")
        return
    advice = empty_table("parameters", "best depth", "from", "to", "best width", "note", sentences=["note"])
    for one in best:
        low, high = one.depth_range
        end = "no end" if high is None else f"{high:.1f}"
        beyond = "extrapolated" if one.extrapolated else ""
        advice.add_row(f"{one.parameters:,.0f}", f"{one.depth:.1f}", f"{low:.1f}", end, f"{one.width:.0f}", beyond)
    wide_console().print(advice)


def _print_quality(fit: TransitionFit, data: Ablation) -> None:
    freedom = _counted(fit.degrees_of_freedom or 0, "degree") + " of freedom"
    if fit.is_students:
        say(
            f"No errors of the losses are known: those of a and b are from the scatter of the points, with {freedom}; "
            "ranges are Student's."
        )
    elif not fit.degrees_of_freedom:
        say("Two points have no scatter about a line: nothing tests the fit.")
    else:
        say(f"chi-square {fit.chi_square:.3g} at {freedom}")
        if fit.scatter > 1:
            say(f"The points scatter more than their errors say: ranges are widened by {fit.scatter:.2f}.")
    if 0 < data.repeats < _FEW:
        say("So few networks tell little of the error of a loss: all errors above may be far off.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"

"""`tensorrank approximate`: a deep mixture by shallow ones, step by step, with all that is proved about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import tensorrank as tr
from tensorrank.arguments import one_of, whole_number
from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.pictures import FORMATS, picture_formats, say_pictures
from tensorrank.cli.shared.terminal import INTERRUPTED, Bar, empty_table, make_folder, print_json, say, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import checked_file

if TYPE_CHECKING:
    from tensorrank.experiments.approximation import ApproximationRun, ApproximationTarget
    from tensorrank.mixtures.approximation.result import Approximation, ApproximationStep, Estimate
    from tensorrank.mixtures.mixture import Mixture

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Model files: JSON, as docs/reference/files.md describes it.")
]
_CUT = "interrupted"
# Total variations up to this are rounding.
_REACHED = 1e-6
# Larger numbers of parts are told in powers of ten.
_LONGEST = 10**12


def approximate(
    files: Files,
    steps: Annotated[int, typer.Option(help="Steps after the first part.")] = 64,
    method: Annotated[
        str,
        typer.Option(
            help="corrective, refitted, line-search, plain, sampling or likelihood.",
            autocompletion=completion.offered("corrective", "refitted", "line-search", "plain", "sampling", "likelihood"),
        ),
    ] = "corrective",
    atoms: Annotated[
        str | None,
        typer.Option(
            help="The parts: single entries of the table, with certified steps; or products of distributions, "
            "without. Entries by default; refitted and likelihood take products.",
            autocompletion=completion.offered("entries", "products"),
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of samples and starts.")] = 0,
    samples: Annotated[
        int, typer.Option(help="Rows for estimates and learning, where tables have more than 2^16 entries.")
    ] = 10_000,
    nodes: Annotated[
        int, typer.Option(help="Partial assignments that the search for entries may look at, where there is no tree.")
    ] = 200_000,
    memory: Annotated[str, typer.Option(help="Limit on the memory of each rank of the exact form.")] = "256MiB",
    save: Annotated[str | None, typer.Option(metavar="OUT", help="Where the last latent class model is written.")] = None,
    out: given.Out = None,
    formats: given.Formats = FORMATS,
    json: given.Json = False,
) -> None:
    """Mixtures of 1, 2, 3, ... parts that approach a model: errors, divergences, and the proven bound.

    The guarantee sqrt(8 / (t + 2)) is given for steps that are certified. How many parts an exact shallow form needs
    stands below the table. Ctrl-C ends with the steps done so far.

    Example: tensorrank approximate h.json --steps 100 --atoms products --out pictures
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.arithmetic.resources import memory_limit
    from tensorrank.experiments.approximation import ApproximationRun, ShallowApproximations
    from tensorrank.mixtures.approximation.approximate import ATOMS, METHODS
    from tensorrank.mixtures.approximation.result import Interrupted
    from tensorrank.mixtures.formats.files import load
    from tensorrank.mixtures.formats.files import save as write

    chosen: Any = one_of("--method", method, [name.replace(" ", "-") for name in METHODS]).replace("-", " ")
    kind = None if atoms is None else one_of("--atoms", atoms, ATOMS)
    run = ApproximationRun(chosen, kind, whole_number("--steps", steps, 0))
    whole_number("--nodes", nodes, 1)
    whole_number("--samples", samples, 2)
    whole_number("--seed", seed, 0)
    memory_limit(memory)
    kinds = picture_formats(formats)
    if save is not None:
        if len(files) > 1:
            raise TensorRankError(f"--save {save} takes one model, but {len(files)} files were given; give one of them")
        checked_file("--save", save)
    models = list(zip(_labels(files), [load(file) for file in files], strict=True))
    if out is not None:
        make_folder(out)
    found: list[ApproximationTarget] = []
    interrupted = False
    try:
        for file, (label, model) in zip(files, models, strict=True):
            try:
                target = _approximated(label, model, run, seed=seed, nodes=nodes, samples=samples, memory=memory)
            except TensorRankError as error:
                raise TensorRankError(f"{file}: {error}") from None
            found.append(target)
            if not json:
                _print(target, run.steps)
    except KeyboardInterrupt as cut:
        interrupted = True
        if isinstance(cut, Interrupted):
            found.append(_unfinished(label, model, cut.partial))
            if not json:
                _print(found[-1], run.steps)
    study = ShallowApproximations(tuple(found), seed)
    pictures: list[Path] = []
    if out is not None and found:
        pictures = tr.figures.save(tr.figures.approximation(study)[0], out / "approximation", kinds)
    saved = save if save is not None and found else None
    if saved is not None:
        write(found[0].runs[0].model, saved)
    if json and found:
        print_json(
            {
                **study.to_dict(),
                "interrupted": interrupted,
                "model": None if saved is None else str(saved),
                "figures": [str(path) for path in pictures],
            }
        )
    elif found:
        if saved is not None:
            say(f"The last approximation: {saved}")
        say_pictures(pictures)
    if interrupted:
        done = sum(target.wall.reason != _CUT for target in found)
        say(f"interrupted: {done} of {len(models)} models are done", err=True)
        raise typer.Exit(INTERRUPTED)


def _labels(files: Sequence[Path]) -> list[str]:
    """The names of files without their ending, or where two are the same their paths."""
    stems = [file.stem for file in files]
    labels = [stem if stems.count(stem) == 1 else str(file) for stem, file in zip(stems, files, strict=True)]
    if len(set(labels)) < len(labels):
        raise TensorRankError(f"the files {', '.join(map(str, files))} were given; expected each once")
    return labels


def _approximated(label: str, model: Mixture, run: ApproximationRun, **options: Any) -> ApproximationTarget:
    from tensorrank.experiments.approximation import shallow_approximations

    with Bar() as bar:
        return shallow_approximations([(label, model)], [run], progress=bar, **options).targets[0]


def _unfinished(label: str, model: Mixture, partial: Approximation) -> ApproximationTarget:
    """What was done of a model before an interrupt."""
    from tensorrank.experiments.approximation import ApproximationTarget, Wall

    wall = Wall(parts=None, cut=None, rank=None, known=None, reason=_CUT)
    return ApproximationTarget(label, repr(model), model.sites, model.table_entries, partial.norm, wall, (partial,))


def _print(target: ApproximationTarget, steps: int) -> None:
    run = target.runs[0]
    say(f"{target.label}: {target.model} by {run.method} steps over {run.atoms}")
    sampled = any(step.expected_error is not None for step in run.steps)
    columns: dict[str, Callable[[ApproximationStep], str]] = {
        "t": lambda step: str(step.step),
        "parts": lambda step: str(step.components),
        "error": lambda step: _number(step.error),
        "guarantee": lambda step: _number(step.guarantee),
        "expected": lambda step: _number(step.expected_error),
        "relative": lambda step: _number(step.relative_error),
        "total variation": lambda step: _estimate(step.total_variation),
        "KL": lambda step: _estimate(step.kl),
        "reverse KL": lambda step: _estimate(step.reverse_kl),
        "certified": lambda step: {True: "yes", False: "no", None: "-"}[step.certified],
    }
    if sampled or run.atoms != "entries":
        del columns["guarantee"]
    if not sampled:
        del columns["expected"]
    table = empty_table(*columns, words=["certified"])
    # Steps 0, 1, 2, 4, 8, ... and the last are shown.
    for step in run.steps:
        if step.step.bit_count() <= 1 or step is run.steps[-1]:
            table.add_row(*(cell(step) for cell in columns.values()))
    wide_console().print(table)
    # The norm and what the guarantee is worth, what is certified, and what an exact form needs.
    say(_worth(target))
    say(_certified(run) + ("" if len(run.steps) > steps else _ended(run)))
    say(f"{target.wall}\n")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _estimate(estimate: Estimate) -> str:
    return "∞" if isinf(estimate.value) else str(estimate)


def _ended(run: Approximation) -> str:
    """Why there are fewer steps than were asked for."""
    last = run.steps[-1]
    if last.total_variation.value > _REACHED:
        return f" Steps end at t = {last.step}, short of the target."
    why = "no entries of W are left" if run.atoms == "entries" else "what is left is rounding"
    return f" The target is reached at t = {last.step}: {why}."


def _worth(target: ApproximationTarget) -> str:
    norm = f"‖W‖ = {target.norm:.3g} is the error of no parts at all"
    run, parts = target.runs[0], target.informative
    of = "the guarantee sqrt(8 / (t + 2))" + ("" if run.certified else " of certified steps over entries")
    if parts is None:
        return f"‖W‖ is too small for a float, and {of} says nothing for any number of parts that fits in memory."
    # Beyond that, whole numbers of all digits say less.
    number = f"{parts:,}" if parts < _LONGEST else f"{Decimal(parts):.1e}"
    last = run.steps[-1].guarantee
    if last is not None and last < target.norm:
        return f"{norm}; {of} is below it from {number} parts on."
    return f"{norm}; {of} says nothing below {number} parts, for it is above that."


def _certified(run: Approximation) -> str:
    if all(step.certified is None for step in run.steps):
        return "Nothing is certified: parts are sampled or fitted, and none is claimed to be the best."
    if run.atoms == "products":
        return "No step is certified: parts are found by improving starts, and the best one is not known."
    if run.certified:
        return "All steps are certified: the guarantee holds for each."
    held = next(step.step for step in run.steps if step.guarantee is None)
    return f"The guarantee holds for steps before t = {held}: the search for entries did not close; try more --nodes."

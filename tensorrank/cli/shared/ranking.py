"""What every `tensorrank rank` does with its model: plan or compute, and print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

import tensorrank as tr
from tensorrank.cli.shared.terminal import Bar, print_json, whole_numbers
from tensorrank.errors import TensorRankError


def rank_and_print(
    model: Any,
    described: dict[str, Any],
    partition: str,
    *,
    unit: str = "sites",
    plan: bool = False,
    json: bool = False,
    **options: Any,
) -> None:
    """Print the model's separation rank with these options, or only the plan.

    Args:
        model: what `separation_rank` takes.
        described: the model for JSON.
        partition: as given on the command line.
        unit: what its sites are called.
        plan: only say what would be done.
        json: print one JSON object.
        options: further arguments of `separation_rank`.
    """
    split = named_partition(partition, model.sites, unit)
    if plan:
        # Heavy modules are imported where they are used, so that --help answers at once.
        from tensorrank.separation.plan import plan as make_plan

        intended = make_plan(model, split, **{name: options[name] for name in ("method", "memory", "work")})
        if json:
            print_json(
                {
                    "model": described,
                    "method": intended.method,
                    "memory": intended.memory,
                    "work": intended.work,
                    "lower": intended.lower,
                    "upper": intended.upper,
                }
            )
        else:
            typer.echo(f"{model}\n{intended}")
        return
    with Bar() as bar:
        result = tr.separation_rank(
            model, split, progress=lambda done, total: bar.update(described["kind"], done, total), **options
        )
    if json:
        print_json({**result.to_dict(), "model": described, "partition": [list(split.a), list(split.b)]})
    else:
        typer.echo(f"{model}\n{result}")


def named_partition(text: str, sites: int, unit: str = "sites") -> tr.Bipartition:
    """The bipartition of --partition.

    Raises:
        TensorRankError: if it is none of so many sites.
    """
    if text == "halves":
        return tr.Bipartition.halves(sites)
    if text == "interleaved":
        return tr.Bipartition.interleaved(sites)
    expected = f"halves, interleaved, or the {unit} of side A from 0 on, such as 0,1,5 or 0-3"
    return tr.Bipartition.of(sites, whole_numbers(text, "--partition", expected))


def given_primes(text: str | None) -> tuple[int, ...] | None:
    """The moduli of --primes."""
    return None if text is None else whole_numbers(text, "--primes")


def given_weights(path: Path | None, names: str = "query, key, value and output") -> dict[str, Any] | None:
    """The arrays of --weights, by name: those named are expected.

    Raises:
        TensorRankError: if the file cannot be read, or is no .npz file.
    """
    if path is None:
        return None
    import numpy as np

    try:
        arrays = np.load(path, allow_pickle=False)
    except OSError as error:
        raise TensorRankError(
            f"{path} cannot be read ({error.strerror or error}); expected an .npz file of weights"
        ) from error
    except ValueError as error:
        raise TensorRankError(f"{path} is no .npz file; expected {names} in one, by numpy.savez") from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise TensorRankError(f"{path} holds a single array; expected {names}, saved by numpy.savez")
    with arrays:
        try:
            return dict(arrays)
        except ValueError as error:
            raise TensorRankError(
                f"{path} holds Python objects ({error}); expected arrays of whole numbers or floats. Fractions can be "
                "given in Python"
            ) from error

"""What every `tensorrank rank` does with its model: plan or compute, and print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorrank as tr
from tensorrank.arguments import file_path
from tensorrank.cli.shared.options import RankOptions
from tensorrank.cli.shared.terminal import Bar, print_json, say, whole_numbers
from tensorrank.given_files.paths import named_in_errors
from tensorrank.separation.partition import SiteNames, checked_partition


def print_rank(
    model: Any,
    given: RankOptions,
    *,
    described: dict[str, Any] | None = None,
    unit: str = "sites",
    method: str = "auto",
    weights: dict[str, Any] | None = None,
) -> None:
    """Print the model's separation rank, or with --plan only what would be computed.

    `described` is the model for JSON, by default its kind and its arguments; `unit` is what its sites are called.
    """
    described = described or {"kind": model.kind, **model.to_dict()}
    split = named_partition(given.partition, model.sites, unit, model.site_names)
    chosen: dict[str, Any] = {
        "method": method,
        "primes": None if given.primes is None else whole_numbers(given.primes, "--primes"),
        "memory": given.memory,
        "work": given.work,
        "scratch": given.scratch,
        "engine": given.engine,
        "device": given.device,
    }
    # Models from files have weights of their own, and take no others.
    chosen |= {} if weights is None else {"weights": weights}
    if given.plan:
        intended = tr.plan(model, split, **chosen)
        print_result(model, intended, rank_values(intended, described, split), given.json)
        return
    with Bar() as bar:
        result = tr.separation_rank(
            model, split, progress=bar, seed=given.seed, draws=given.draws, threads=given.threads, **chosen
        )
    print_result(model, result, rank_values(result, described, split), given.json)


def print_result(model: Any, result: Any, values: dict[str, Any], json: bool) -> None:
    """Print the model and the result in a line or more each, or the values as one JSON object."""
    if json:
        print_json(values)
    else:
        say(f"{model}\n{result}")


def rank_values(result: Any, described: dict[str, Any], split: tr.Bipartition) -> dict[str, Any]:
    """The rank, or its plan, its model with all sizes, both sides of its bipartition, and this version, for JSON."""
    sides = [list(split.a), list(split.b)]
    return {**result.to_dict(), "model": described, "partition": sides, "version": tr.__version__}


def named_partition(text: str, sites: int, unit: str = "sites", names: SiteNames = ()) -> tr.Bipartition:
    """The bipartition of --partition; sites that have names may be given by these."""
    if text == "halves":
        return tr.Bipartition.halves(sites)
    if text == "interleaved":
        return tr.Bipartition.interleaved(sites)
    parts = [part.strip() for part in text.split(",")]
    if all(part in names for part in parts):
        return checked_partition(sites, parts, names)
    expected = f"halves, interleaved, or the {unit} of side A from 0 on, such as 0,1,5 or 0-3"
    return tr.Bipartition.of(sites, whole_numbers(text, "--partition", expected))


def given_weights(path: Path | None, shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, Any] | None:
    """The arrays in the file of --weights, by name, which have to be of these shapes; None without a file."""
    if path is None:
        return None
    from tensorrank.given_files.array_archives import opened_archive
    from tensorrank.separation.named_weights import checked_weights

    checked = file_path("--weights", path)
    with named_in_errors(checked), opened_archive(checked, "arrays named " + " and ".join(shapes)) as archive:
        return dict(checked_weights(archive, shapes))

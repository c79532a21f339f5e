"""Options that several verbs share: single ones, and bundles (see `bundles`) that a verb takes whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tensorrank.cli.shared import completion
from tensorrank.cli.shared.pictures import FORMATS

Partition = Annotated[
    str,
    typer.Option(
        help="halves, interleaved, or the sites of side A, such as 0,1,5 or 0-3.",
        autocompletion=completion.offered(*completion.PARTITIONS),
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the weights and inputs.")]
Memory = Annotated[str | None, typer.Option(help="Memory limit, such as 4GiB; 60 % of what is available by default.")]
MemoryOfRank = Annotated[str, typer.Option(help="Limit on the memory of each rank.")]
Engine = Annotated[
    str,
    typer.Option(
        help="What multiplies: bytes, float32, float64, or auto for the fastest that serves.",
        autocompletion=completion.offered(*completion.ENGINES),
    ),
]
Method = Annotated[
    str, typer.Option(help="auto, catalecticant or grid.", autocompletion=completion.offered(*completion.METHODS))
]
Device = Annotated[
    str,
    typer.Option(
        help="Where large matrices are eliminated: cpu, or with PyTorch cuda, cuda:1 ...",
        autocompletion=completion.offered(*completion.DEVICES),
    ),
]
Threads = Annotated[int | None, typer.Option(help="Threads; all processors by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the picture; without one no picture is made.")]
Formats = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="LIST",
        help="Formats of pictures, such as png,svg,pdf; none: no pictures.",
        autocompletion=completion.listed(*completion.PICTURES, "none"),
    ),
]
Deepest = Annotated[int | None, typer.Option(show_default=False, help="The depth to which figures lead; 12 or 24 by default.")]
Weights = Annotated[
    Path | None, typer.Option(help="Particular weights: an .npz file, arrays by name; see docs/explanation/variants.md.")
]
Heads = Annotated[int, typer.Option(help="Heads of a layer, H.")]
HeadDim = Annotated[int | None, typer.Option(help="Width of a head; width / heads by default.")]
Sigmas = Annotated[float, typer.Option(help="Standard errors to each side that ranges and bands span, 0 to 10.")]


@dataclass(frozen=True)
class RankOptions:
    """How `tensorrank rank` computes the separation rank of any model, and how it prints the result."""

    partition: Partition = "halves"
    seed: Seed = 0
    draws: Annotated[int, typer.Option(help="Draws of weights before a rank below its bound is called probable.")] = 2
    primes: Annotated[str | None, typer.Option(help="Prime moduli of the first draws; random ones by default.")] = None
    memory: Memory = None
    work: Annotated[float | None, typer.Option(help="Limit on the operations of a draw, such as 1e12.")] = None
    scratch: Annotated[Path | None, typer.Option(help="Folder on disk for blocks larger than --memory; else they are cut.")] = (
        None
    )
    engine: Engine = "auto"
    device: Device = "cpu"
    threads: Threads = None
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be computed, and its cost.")] = False
    json: Json = False


@dataclass(frozen=True)
class AttentionOptions:
    """An attention network, with softmax or without: arguments of both architectures by name."""

    depth: Annotated[int, typer.Option(help="Number of layers, L.")]
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")]
    heads: Heads = 1
    head_dim: HeadDim = None
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default, without softmax as many as can matter.")] = (
        None
    )
    residual: Annotated[bool, typer.Option("--residual", help="Layers add their input to their output.")] = False
    causal: Annotated[bool, typer.Option("--causal", help="Tokens see only those before them; --tokens must be given.")] = False
    output_token: Annotated[
        int | None, typer.Option(help="Token whose output is studied; the first, or the last with --causal.")
    ] = None


@dataclass(frozen=True)
class ExperimentOptions:
    """The seed of an experiment, and where its findings go."""

    seed: Seed = 0
    out: Out = None
    formats: Formats = FORMATS
    json: Json = False

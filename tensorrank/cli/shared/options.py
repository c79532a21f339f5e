"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Partition = Annotated[str, typer.Option(help="halves, interleaved, or the sites of side A, such as 0,1,5 or 0-3.")]
Seed = Annotated[int, typer.Option(help="Seed of the weights and inputs.")]
Draws = Annotated[int, typer.Option(help="Draws of a rank below its bound before it is called probable.")]
Primes = Annotated[str | None, typer.Option(help="Moduli, one a draw, such as 8388593,8388587.")]
Memory = Annotated[str | None, typer.Option(help="Limit, such as 4GiB; 60 % of what is available by default.")]
Work = Annotated[float | None, typer.Option(help="Limit on the operations of a draw, such as 1e12.")]
Threads = Annotated[int | None, typer.Option(help="Threads; all processors by default.")]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what would be done.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Weights = Annotated[
    Path | None, typer.Option(help="Particular weights: an .npz file, arrays by name (docs/variants.md).")
]
HeadDim = Annotated[int | None, typer.Option(help="Width of a head; width / heads by default.")]
Residual = Annotated[bool, typer.Option("--residual", help="Layers add their input to their output.")]
Causal = Annotated[bool, typer.Option("--causal", help="Tokens see only those before them; --tokens must be given.")]
Sigmas = Annotated[float, typer.Option(help="Standard errors to each side that ranges and bands span, 0 to 10.")]
OutputToken = Annotated[
    int | None, typer.Option(help="Token whose output is studied; the first, or the last with --causal.")
]

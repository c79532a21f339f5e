"""`tensorrank rank`: the separation rank of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.cli.terminal import Bar, print_json, speaks_plainly, whole_numbers
from tensorrank.errors import TensorRankError

app = typer.Typer(no_args_is_help=True, help="The separation rank of one model, with its standing.")


@app.callback()
def _rank() -> None:
    pass


@app.command()
@speaks_plainly
def attention(
    depth: Annotated[int, typer.Option(help="Number of layers, L.")],
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")],
    heads: Annotated[int, typer.Option(help="Heads of a layer, H.")] = 1,
    head_dim: Annotated[int | None, typer.Option(help="Width of a head; width / heads by default.")] = None,
    kv_heads: Annotated[
        int | None, typer.Option(help="Different W_K and W_V of a layer, shared by groups of heads; heads by default.")
    ] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    residual: Annotated[bool, typer.Option("--residual", help="Layers add their input to their output.")] = False,
    causal: Annotated[
        bool, typer.Option("--causal", help="Tokens see only those before them; --tokens must be given.")
    ] = False,
    embedding_rank: Annotated[
        int | None, typer.Option(help="Tokens come from an embedding of this rank (vocabulary bottleneck).")
    ] = None,
    positional: Annotated[bool, typer.Option("--positional", help="Add a fixed random vector to each token.")] = False,
    output_token: Annotated[
        int | None, typer.Option(help="Token whose output is studied; the first, or the last with --causal.")
    ] = None,
    partition: Annotated[
        str, typer.Option(help="halves, interleaved, or the tokens of side A, such as 0,1,5 or 0-3.")
    ] = "halves",
    method: Annotated[str, typer.Option(help="auto, catalecticant or grid.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the weights and inputs.")] = 0,
    draws: Annotated[int, typer.Option(help="Draws of a rank below its bound before it is called probable.")] = 2,
    primes: Annotated[str | None, typer.Option(help="Moduli, one a draw, such as 8388593,8388587.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Particular weights: an .npz file with query, key, value and output.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Limit, such as 4GiB; 60 % of what is available by default.")
    ] = None,
    work: Annotated[float | None, typer.Option(help="Limit on the operations of a draw, such as 1e12.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all processors by default.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """The separation rank of self-attention without softmax.

    Example: tensorrank rank attention --depth 3 --width 3
    """
    optional: dict[str, Any] = {
        "head_dim": head_dim, "kv_heads": kv_heads, "tokens": tokens, "embedding_rank": embedding_rank,
        "output_token": output_token,
    }  # fmt: skip
    model = tr.SelfAttention(
        depth, width, heads=heads, residual=residual, causal=causal, positional=positional, **optional
    )
    split = _partition(partition, model.sites)
    options: dict[str, Any] = {"method": method, "memory": memory, "work": work}
    if plan:
        # Heavy modules are imported where they are used, so that --help answers at once.
        from tensorrank.separation.plan import plan as make_plan

        intended = make_plan(model, split, **options)
        if json:
            print_json({"model": _described(model), "method": intended.method, "memory": intended.memory,
                        "work": intended.work, "lower": intended.lower, "upper": intended.upper})  # fmt: skip
        else:
            typer.echo(f"{model}\n{intended}")
        return
    with Bar() as bar:
        result = tr.separation_rank(
            model,
            split,
            seed=seed,
            draws=draws,
            primes=None if primes is None else whole_numbers(primes, "--primes"),
            weights=None if weights is None else _weights(weights),
            threads=threads,
            progress=lambda done, total: bar.update(f"width {width}, depth {depth}", done, total),
            **options,
        )
    if json:
        print_json({**result.to_dict(), "model": _described(model), "partition": [list(split.a), list(split.b)]})
    else:
        typer.echo(f"{model}\n{result}")


def _partition(text: str, sites: int) -> tr.Bipartition:
    if text == "halves":
        return tr.Bipartition.halves(sites)
    if text == "interleaved":
        return tr.Bipartition.interleaved(sites)
    return tr.Bipartition.of(sites, whole_numbers(text, "--partition (halves, interleaved, or the tokens of side A)"))


def _described(model: tr.SelfAttention) -> dict[str, Any]:
    return {"kind": "attention", **model.to_dict()}


def _weights(path: Path) -> dict[str, Any]:
    import numpy as np

    try:
        arrays = np.load(path, allow_pickle=False)
    except OSError as error:
        raise TensorRankError(
            f"{path} cannot be read ({error.strerror or error}); expected an .npz file of weights"
        ) from error
    except ValueError as error:
        raise TensorRankError(
            f"{path} is no .npz file; expected query, key, value and output in one, by numpy.savez"
        ) from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise TensorRankError(
            f"{path} holds a single array; expected query, key, value and output, saved by numpy.savez"
        )
    with arrays:
        return dict(arrays)

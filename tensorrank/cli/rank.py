"""`tensorrank rank`: the separation rank of one model."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.cli.circuit import app as circuit
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.file_or_kind import FileOrKind, OfFile
from tensorrank.cli.shared.model_files import File, described
from tensorrank.cli.shared.ranking import given_primes, given_weights, rank_and_print
from tensorrank.cli.shared.terminal import speaks_plainly

app = typer.Typer(cls=FileOrKind, no_args_is_help=True, subcommand_metavar="FILE | KIND [ARGS]...")
app.add_typer(circuit, name="circuit")


@app.callback()
def _rank() -> None:
    """The separation rank of one model, with its standing: of a model file, or of an architecture with random weights.

    FILE is a mixture model in JSON, as docs/files.md describes it. Its options: tensorrank rank FILE --help

    Example: tensorrank rank h.json --partition interleaved

    KIND is one of the architectures below, with options of its own.

    Example: tensorrank rank attention --depth 3 --width 3
    """


@app.command(FileOrKind.of_file, cls=OfFile, hidden=True)
@speaks_plainly
def of_file(
    file: File,
    partition: given.Partition = "halves",
    seed: given.Seed = 0,
    draws: given.Draws = 2,
    primes: given.Primes = None,
    memory: given.Memory = None,
    work: given.Work = None,
    threads: given.Threads = None,
    plan: given.Plan = False,
    json: given.Json = False,
) -> None:
    """The separation rank of the model in a file, with the tables that it holds.

    Example: tensorrank rank h.json --partition interleaved
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.mixtures.formats.files import load

    model = load(file)
    rank_and_print(
        model,
        described(model),
        partition,
        unit="variables",
        plan=plan,
        json=json,
        method="auto",
        seed=seed,
        draws=draws,
        primes=given_primes(primes),
        memory=memory,
        work=work,
        threads=threads,
    )


@app.command()
@speaks_plainly
def attention(
    depth: Annotated[int, typer.Option(help="Number of layers, L.")],
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")],
    heads: Annotated[int, typer.Option(help="Heads of a layer, H.")] = 1,
    head_dim: given.HeadDim = None,
    kv_heads: Annotated[
        int | None, typer.Option(help="Different W_K and W_V of a layer, shared by groups of heads; heads by default.")
    ] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    residual: given.Residual = False,
    causal: given.Causal = False,
    embedding_rank: Annotated[
        int | None, typer.Option(help="Tokens come from an embedding of this rank (vocabulary bottleneck).")
    ] = None,
    positional: Annotated[bool, typer.Option("--positional", help="Add a fixed random vector to each token.")] = False,
    output_token: given.OutputToken = None,
    partition: given.Partition = "halves",
    method: Annotated[str, typer.Option(help="auto, catalecticant or grid.")] = "auto",
    seed: given.Seed = 0,
    draws: given.Draws = 2,
    primes: given.Primes = None,
    weights: given.Weights = None,
    memory: given.Memory = None,
    work: given.Work = None,
    threads: given.Threads = None,
    plan: given.Plan = False,
    json: given.Json = False,
) -> None:
    """The separation rank of self-attention without softmax.

    Example: tensorrank rank attention --depth 3 --width 3
    """
    optional: dict[str, Any] = {
        "head_dim": head_dim,
        "kv_heads": kv_heads,
        "tokens": tokens,
        "embedding_rank": embedding_rank,
        "output_token": output_token,
    }
    model = tr.SelfAttention(
        depth, width, heads=heads, residual=residual, causal=causal, positional=positional, **optional
    )
    rank_and_print(
        model,
        {"kind": "attention", **model.to_dict()},
        partition,
        unit="tokens",
        plan=plan,
        json=json,
        method=method,
        seed=seed,
        draws=draws,
        primes=given_primes(primes),
        weights=given_weights(weights),
        memory=memory,
        work=work,
        threads=threads,
    )


@app.command()
@speaks_plainly
def softmax(
    depth: Annotated[int, typer.Option(help="Number of layers.")],
    width: Annotated[int, typer.Option(help="Dimension of a token.")],
    heads: Annotated[int, typer.Option(help="Heads of a layer.")] = 1,
    head_dim: given.HeadDim = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default.")] = None,
    residual: given.Residual = False,
    causal: given.Causal = False,
    output_token: given.OutputToken = None,
    partition: given.Partition = "halves",
    rtol: Annotated[
        float | None, typer.Option(help="Tolerance relative to the largest singular value; rounding by default.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="The most random inputs a side; 512 by default.")] = None,
    seed: given.Seed = 0,
    weights: given.Weights = None,
    memory: given.Memory = None,
    json: given.Json = False,
) -> None:
    """The numerical rank of softmax attention: singular values above a tolerance, never exact.

    Example: tensorrank rank softmax --depth 1 --width 2 --rtol 1e-6
    """
    optional: dict[str, Any] = {"head_dim": head_dim, "tokens": tokens, "output_token": output_token}
    model = tr.SoftmaxAttention(depth, width, heads=heads, residual=residual, causal=causal, **optional)
    rank_and_print(
        model,
        {"kind": "softmax", **model.to_dict()},
        partition,
        unit="tokens",
        json=json,
        rtol=rtol,
        samples=samples,
        seed=seed,
        weights=given_weights(weights),
        memory=memory,
    )

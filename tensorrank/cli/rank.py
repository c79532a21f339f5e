"""`tensorrank rank`: the separation rank of one model, from a file or of a kind of attention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.arguments import file_path
from tensorrank.cli.circuit import app as circuit
from tensorrank.cli.shared import completion, options
from tensorrank.cli.shared.bundles import unbundled
from tensorrank.cli.shared.file_or_kind import FileOrKind, OfFile
from tensorrank.cli.shared.model_files import File, described
from tensorrank.cli.shared.ranking import given_weights, named_partition, print_rank, print_result, rank_values
from tensorrank.cli.shared.terminal import Bar
from tensorrank.errors import TensorRankError

app = typer.Typer(cls=FileOrKind, no_args_is_help=True, subcommand_metavar="FILE | KIND [ARGS]...")
app.add_typer(circuit, name="circuit")


@app.callback()
def _rank() -> None:
    """The separation rank of one model, with its standing: of a model file, or of an architecture with random weights.

    The standing is "exact" where the rank is proved for almost all weights, "probable" where a second draw of weights
    confirmed it, "lower bound" where only that is certified, and "numerical" in floating point.

    FILE is a mixture model in JSON, as docs/reference/files.md describes it. Its options: tensorrank rank FILE --help

    Example: tensorrank rank h.json --partition interleaved

    KIND is one of the architectures below, with options of its own.

    Example: tensorrank rank attention --depth 3 --width 3
    """


@app.command(FileOrKind.of_file, cls=OfFile, hidden=True)
@unbundled
def of_file(file: File, *, given: options.RankOptions) -> None:
    """The separation rank of the model in a file, with the tables that it holds.

    Example: tensorrank rank h.json --partition interleaved
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.mixtures.formats.files import load

    model = load(file)
    print_rank(model, given, described=described(model), unit="variables")


@app.command()
@unbundled
def attention(
    *,
    network: options.AttentionOptions,
    kv_heads: Annotated[
        int | None, typer.Option(help="Key and value heads of a layer, each shared by a group of heads; --heads by default.")
    ] = None,
    embedding_rank: Annotated[
        int | None, typer.Option(help="Tokens come from an embedding of this rank (vocabulary bottleneck).")
    ] = None,
    positional: Annotated[bool, typer.Option("--positional", help="Add a fixed random vector to each token.")] = False,
    feedforward: Annotated[
        str | None,
        typer.Option(
            help="bilinear: a gated linear unit without the nonlinearity after each attention layer.",
            autocompletion=completion.offered("bilinear"),
        ),
    ] = None,
    hidden: Annotated[int | None, typer.Option(help="Inner width of the feedforward layers.")] = None,
    weights: options.Weights = None,
    method: options.Method = "auto",
    given: options.RankOptions,
) -> None:
    """The separation rank of self-attention without softmax.

    Example: tensorrank rank attention --depth 3 --width 3

    Example: tensorrank rank attention --depth 2 --width 1 --tokens 4 --feedforward bilinear --hidden 2
    """
    further = {"kv_heads": kv_heads, "embedding_rank": embedding_rank, "feedforward": feedforward, "hidden": hidden}
    optional: dict[str, Any] = {**vars(network), **further}
    model = tr.SelfAttention(**optional, positional=positional)
    print_rank(model, given, unit="tokens", method=method, weights=given_weights(weights, model.shapes))


@app.command("higher-order")
@unbundled
def higher_order(
    depth: Annotated[int, typer.Option(help="Number of layers, L.")],
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")],
    order: Annotated[int, typer.Option(help="Tokens that a head looks at, itself included: 3 for triplets.")] = 3,
    heads: options.Heads = 1,
    head_dim: options.HeadDim = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens; 2 x width by default, as many as can matter.")] = None,
    output_token: Annotated[int, typer.Option(help="Token whose output is studied.")] = 0,
    weights: options.Weights = None,
    method: options.Method = "auto",
    *,
    given: options.RankOptions,
) -> None:
    """The separation rank of attention whose heads look at several tokens at once, without softmax.

    Example: tensorrank rank higher-order --depth 2 --width 2 --order 3
    """
    sizes: dict[str, Any] = {"heads": heads, "head_dim": head_dim, "tokens": tokens, "output_token": output_token}
    model = tr.HigherOrderAttention(depth, width, order=order, **sizes)
    print_rank(model, given, unit="tokens", method=method, weights=given_weights(weights, model.shapes))


@app.command()
@unbundled
def gated(
    depth: Annotated[int, typer.Option(help="Number of layers, L.")],
    width: Annotated[int, typer.Option(help="Dimension of a token, d.")],
    state: Annotated[int, typer.Option(help="Rows of the state of a head, n, each with a gate.")],
    tokens: Annotated[int, typer.Option(help="Tokens, each a step and a site, N.")],
    heads: options.Heads = 1,
    head_dim: Annotated[int | None, typer.Option(help="Columns of the state of a head, p; width / heads by default.")] = None,
    gates: Annotated[
        str,
        typer.Option(
            help="inputs, constant or none (linear attention); or one for each layer, such as none+inputs.",
            autocompletion=completion.offered(*completion.GATES),
        ),
    ] = "inputs",
    weights: options.Weights = None,
    *,
    given: options.RankOptions,
) -> None:
    """The separation rank of a linear recurrence with gates: linear attention, selective state spaces, stacks of both.

    Example: tensorrank rank gated --depth 2 --width 2 --state 2 --tokens 4 --head-dim 1 --gates none+inputs
    """
    optional: dict[str, Any] = {"head_dim": head_dim, "gates": tuple(gates.split("+")) if "+" in gates else gates}
    model = tr.GatedRecurrence(depth, width, state, tokens, heads=heads, **optional)
    print_rank(model, given, unit="tokens", weights=given_weights(weights, model.shapes))


@app.command()
@unbundled
def graph(
    depth: Annotated[int, typer.Option(help="Number of layers, L.")],
    width: Annotated[int, typer.Option(help="Dimension of a vertex's vector after every layer, D.")],
    named: Annotated[
        str | None,
        typer.Option(
            "--graph",
            help="Edges such as 0-1,1-2, or path:N, cycle:N, complete:N, star:N or grid:AxB.",
            autocompletion=completion.offered(*completion.GRAPHS),
        ),
    ] = None,
    edges: Annotated[
        Path | None, typer.Option(help="A file with an edge on each line, such as 0 1; instead of --graph.")
    ] = None,
    features: Annotated[int | None, typer.Option(help="Dimension of an input vector; the width by default.")] = None,
    vertices: Annotated[int | None, typer.Option(help="Vertices, where some of the last have no edge.")] = None,
    output_vertex: Annotated[
        int | None, typer.Option(help="Vertex whose output is studied; by default the product over all.")
    ] = None,
    weights: options.Weights = None,
    *,
    given: options.RankOptions,
) -> None:
    """The separation rank of a graph network whose vertices take products over their neighbours.

    Example: tensorrank rank graph --graph cycle:6 --depth 2 --width 2 --partition 0-2
    """
    from tensorrank.circuits.given_graphs import edges_of_file

    if (named is None) == (edges is None):
        given_both = "both --graph and --edges were given" if named else "no graph was given"
        raise TensorRankError(f"{given_both}; expected one of --graph, such as cycle:6, and --edges, a file")
    optional: dict[str, Any] = {"features": features, "vertices": vertices, "output_vertex": output_vertex}
    source: Any = named if edges is None else edges_of_file(file_path("--edges", edges))
    model = tr.GraphNetwork(source, depth, width, **optional)
    print_rank(model, given, unit="vertices", weights=given_weights(weights, model.shapes))


@app.command()
@unbundled
def softmax(
    *,
    network: options.AttentionOptions,
    partition: options.Partition = "halves",
    rtol: Annotated[
        float | None, typer.Option(help="Tolerance relative to the largest singular value; rounding by default.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="The most random inputs a side; 512 by default.")] = None,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    memory: options.Memory = None,
    work: Annotated[float, typer.Option(help="Limit on the operations; inf for none.")] = 2e10,
    json: options.Json = False,
) -> None:
    """The numerical rank of softmax attention: singular values above a tolerance, never exact.

    Example: tensorrank rank softmax --depth 1 --width 2 --rtol 1e-6
    """
    model = tr.SoftmaxAttention(**vars(network))
    split = named_partition(partition, model.sites, "tokens")
    with Bar() as bar:
        result = tr.numerical_separation_rank(
            model,
            split,
            rtol=rtol,
            samples=samples,
            seed=seed,
            weights=given_weights(weights, model.shapes),
            memory=memory,
            work=work,
            progress=bar,
        )
    print_result(model, result, rank_values(result, {"kind": "softmax", **model.to_dict()}, split), json)

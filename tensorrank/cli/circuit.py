"""`tensorrank rank circuit`: the separation rank of a circuit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import tensorrank as tr
from tensorrank.cli.shared import completion, options
from tensorrank.cli.shared.bundles import unbundled
from tensorrank.cli.shared.ranking import given_weights, print_rank
from tensorrank.cli.shared.terminal import whole_numbers

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _circuit() -> None:
    """The separation rank of a recurrent or convolutional arithmetic circuit.

    Example: tensorrank rank circuit recurrent --depth 2 --hidden 2 --channels 2 --steps 8
    """


@app.command()
@unbundled
def recurrent(
    depth: Annotated[int, typer.Option(help="Number of layers, L.")],
    hidden: Annotated[int, typer.Option(help="Hidden units of a layer, R.")],
    channels: Annotated[int, typer.Option(help="Values that a site can take, M.")],
    steps: Annotated[int, typer.Option(help="Steps, each a site, T.")],
    weights: options.Weights = None,
    *,
    given: options.RankOptions,
) -> None:
    """The separation rank of a recurrent arithmetic circuit.

    Example: tensorrank rank circuit recurrent --depth 2 --hidden 2 --channels 2 --steps 8
    """
    model = tr.RecurrentCircuit(depth, hidden, channels, steps)
    print_rank(model, given, weights=given_weights(weights, model.shapes))


@app.command()
@unbundled
def convolutional(
    sites: Annotated[int, typer.Option(help="Input positions, N.")],
    channels: Annotated[int, typer.Option(help="Dimension of a site's vector, M.")],
    widths: Annotated[str, typer.Option(help="Channels after each level, such as 2,2,2; one for a shallow circuit.")],
    pooling: Annotated[
        str, typer.Option(help="neighbours or mirror.", autocompletion=completion.offered("neighbours", "mirror"))
    ] = "neighbours",
    shared: Annotated[bool, typer.Option("--shared", help="Positions of a level share one matrix.")] = False,
    weights: options.Weights = None,
    *,
    given: options.RankOptions,
) -> None:
    """The separation rank of a convolutional arithmetic circuit.

    Example: tensorrank rank circuit convolutional --sites 8 --channels 2 --widths 2,2,2 --partition interleaved
    """
    geometry: Any = pooling  # checked by the circuit
    model = tr.ConvolutionalCircuit(sites, channels, whole_numbers(widths, "--widths"), pooling=geometry, shared=shared)
    print_rank(model, given, weights=given_weights(weights, model.shapes))

"""What `tensorrank advise` finds, in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

import tensorrank as tr
from tensorrank.attention.guidelines import Advice, ModelConfig, Optimum, Stack, TransitionFit
from tensorrank.cli.terminal import say, wide_console

Lines = list[tuple[str, str]]


def print_size(best: Optimum, fit: TransitionFit) -> None:
    """The best shape of a size."""
    rank = f"{tr.bounds.log3_moment_bound(*best.rounded):.4g}"
    _print_lines(
        [
            ("parameters", f"{best.parameters:,.0f} without embeddings"),
            *_best(best),
            ("rank", f"without softmax or mask, log3 of the separation rank is at most {rank} at that shape"),
        ]
    )
    _print_caution([best], fit)


def print_advice(model: ModelConfig | None, advice: Mapping[str, Advice], fit: TransitionFit) -> None:
    """The verdict on a shape, or on each stack of a configuration, with its counts and bottlenecks."""
    if model is not None:
        _print_lines(_counts(model))
    stacks: Sequence[Stack | None] = model.stacks if model is not None else [None]
    for (name, one), stack in zip(advice.items(), stacks, strict=True):
        if len(advice) > 1:
            typer.echo(f"\n{name}:")
        _print_lines(_judged(one, stack, fit))
    if model is not None:
        if len(advice) > 1:
            typer.echo()
        _print_lines(_bottlenecks(model))
    _print_caution([one.optimum for one in advice.values()], fit)


def print_projections(best: Sequence[Optimum], fit: TransitionFit) -> None:
    """The models of GPT-3 as trained, at their best by the fit, and as published."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)
    for name in ("parameters", "trained", "best", "depths", "published"):
        table.add_column(name, justify="right", no_wrap=True)
    for row, one in zip(tr.guidelines.PUBLISHED_PROJECTIONS, best, strict=True):
        low, high = one.depth_range
        table.add_row(
            row.name,
            f"{row.parameters:.3g}",
            "-" if row.trained is None else f"{row.trained[0]} x {row.trained[1]}",
            f"{one.depth:.1f} x {one.width:.0f}",
            f"{low:.1f} to " + ("-" if high is None else f"{high:.1f}"),
            f"{row.published[0]} x {row.published[1]}",
        )
    wide_console().print(table)
    _print_caution(best, fit)


def _counts(model: ModelConfig) -> Lines:
    others = f"{model.parameters_without_embeddings:,} others"
    return [
        ("family", model.family),
        ("parameters", f"{model.parameters:,}: {model.embedding_parameters:,} of embeddings, {others}"),
        *(("note", note) for note in model.notes),
    ]


def _judged(one: Advice, stack: Stack | None, fit: TransitionFit) -> Lines:
    size = f"{one.optimum.parameters:,.0f} parameters, {fit.rule:g} L d^2"
    if stack is not None:
        size = f"{stack.parameters:,} parameters ({fit.rule:g} L d^2 is {one.optimum.parameters:,.0f})"
    change = f"{one.layers_to_add:+.1f} layers, {one.width_to_add:+,.0f} of width"
    low, high = one.optimum.depth_range
    inside = low <= one.depth and (high is None or one.depth <= high)
    near = "within the band of the fit" if inside else "as near as whole layers come"
    verdict = {
        "deeper": f"deeper and narrower: {change}",
        "wider": f"wider and shallower: {change}",
        "near the optimum": f"near the optimum: {near}",
    }[one.verdict]
    least, most = one.wasted_range
    here, best = (
        f"{tr.bounds.log3_moment_bound(*shape):.4g}" for shape in ((one.depth, one.width), one.optimum.rounded)
    )
    core = f"{one.core[0]:.1f} layers of width {one.core[1]:,.0f}"
    knee = f"{tr.bounds.knee(one.width):.1f}"
    return [
        ("shape", f"{one.depth} layers of width {one.width:,}: {size}"),
        *_best(one.optimum),
        ("verdict", verdict),
        ("wasted", f"{one.wasted:.0%} ({least:.0%} to {most:.0%}) of the parameters: those beyond {core}"),
        ("this depth", "-" if one.best_at is None else f"best at {one.best_at:,.3g} parameters"),
        ("rank", f"without softmax or mask, log3 of the separation rank is at most {here}; {best} at the best shape"),
        ("regime", f"{tr.bounds.regime(one.depth, one.width)}; the knee of that bound is at depth {knee}"),
    ]


def _best(best: Optimum) -> Lines:
    low, high = best.depth_range
    narrow, wide = best.width_range
    depths = f"{low:.1f} to {high:.1f}" if high is not None else f"{low:.1f} or more, without end"
    widths = f"{narrow:,.0f} to {wide:,.0f}" if narrow is not None else f"at most {wide:,.0f}"
    depth, width = best.rounded
    shape = f"depth {best.depth:.1f} ({depths}), width {best.width:,.0f} ({widths})"
    return [("best", f"{shape}: {depth} x {width:,}")]


def _bottlenecks(model: ModelConfig) -> Lines:
    """What heads and vocabulary leave of the width."""
    stack = model.main_stack
    shared = "" if stack.kv_heads == stack.heads else f", {stack.kv_heads} of them with keys and values of their own"
    heads = f"{stack.heads} of dimension {stack.head_dim}{shared}"
    short = stack.head_dim + 1
    length = "any number of" if model.context is None else f"{model.context:,}"
    why = {
        "width": f"together {stack.heads * stack.head_dim}, less than the width",
        "patterns": f"exactly every attention pattern over {short:,} independent tokens, not over {length}",
    }
    bottlenecks = "; a bottleneck: ".join(["", *(why[name] for name in model.head_bottlenecks)]) or "; no bottleneck"
    vocabulary = f"{model.vocabulary:,} tokens, no fewer than the width: no bottleneck"
    if model.embedding_rank < stack.width:
        narrowed = f"{model.log3_vocabulary_bound:.4g}"
        vocabulary = (
            f"a bottleneck: embeddings of rank {model.embedding_rank:,} leave log3 of that rank at most {narrowed}"
        )
    return [("heads", heads + bottlenecks), ("vocabulary", vocabulary)]


def _print_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Names and texts, each text beside its name; in a pipe a line each."""
    console = wide_console()
    if not console.is_terminal:
        typer.echo("\n".join(f"{name:<12}{text}" for name, text in lines))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, text in lines:
        table.add_row(name, text)
    console.print(table, highlight=False)


def _print_caution(best: Sequence[Optimum], fit: TransitionFit) -> None:
    beyond = [f"{one.depth:.1f}" for one in best if one.extrapolated]
    if beyond and fit.depths is not None:
        first, last = fit.depths
        lie = "lies" if len(beyond) == 1 else "lie"
        say(f"The fit is of networks of depths {first:g} to {last:g}; depth {', '.join(beyond)} {lie} beyond.")

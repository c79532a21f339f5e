"""What `tensorrank advise` finds, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer

import tensorrank as tr
from tensorrank.cli.shared.terminal import empty_table, say, say_lines, wide_console
from tensorrank.guidelines import Advice, ModelConfig, Optimum, Stack, TransitionFit
from tensorrank.whole_numbers import in_brief

Lines = list[tuple[str, str]]


def print_size(best: Optimum, fit: TransitionFit) -> None:
    """The best shape of a size."""
    rank = f"{tr.bounds.log3_moment_bound(*best.shape):.4g}"
    say_lines(
        [
            ("parameters", f"{best.parameters:,.0f} without embeddings"),
            *_best(best, fit),
            ("rank", f"without softmax or mask, log3 of the separation rank is at most {rank} at that shape"),
        ]
    )
    _print_caution([best], fit)


def print_advice(model: ModelConfig | None, advice: Mapping[str, Advice], fit: TransitionFit) -> None:
    """The verdict on a shape, or on each stack of a configuration, with its counts and bottlenecks."""
    if model is not None:
        say_lines(_counts(model))
    stacks: Sequence[Stack | None] = model.stacks if model is not None else [None]
    for (name, one), stack in zip(advice.items(), stacks, strict=True):
        if len(advice) > 1:
            typer.echo(f"\n{name}:")
        say_lines(_judged(one, stack, fit))
    if model is not None:
        if len(advice) > 1:
            typer.echo()
        say_lines(_bottlenecks(model))
    _print_caution([one.optimum for one in advice.values()], fit)


def print_projections(best: Sequence[Optimum], fit: TransitionFit) -> None:
    """The models of GPT-3 as trained, at their best by the fit, and, by the published fit, as published."""
    published = fit == tr.guidelines.PUBLISHED
    projected = ["published"] if published else []
    table = empty_table("GPT-3", "size", "trained", "best", "depths", *projected, words=["GPT-3"])
    for row, one in zip(tr.guidelines.PUBLISHED_PROJECTIONS, best, strict=True):
        low, high = one.depth_range
        cells = [
            row.name.removeprefix("GPT-3 ").partition(" (")[0],
            in_brief(row.parameters),
            "-" if row.trained is None else f"{row.trained[0]} x {row.trained[1]}",
            f"{one.depth:.1f} x {one.width:.0f}",
            f"{low:.1f} to " + ("-" if high is None else f"{high:.1f}"),
        ]
        table.add_row(*cells, *([f"{row.published[0]} x {row.published[1]}"] if published else []))
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
    size, scale = f"{one.optimum.parameters:,.0f} parameters, {fit.rule:g} L d^2", 1.0
    if stack is not None:
        scale = stack.parameters / one.optimum.parameters
        size = f"{stack.parameters:,} parameters, {fit.rule * scale:.1f} L d^2 (the networks of the fit: {fit.rule:g})"
    change = f"{one.layers_to_add:+.1f} layers, {one.width_to_add:+,.0f} of width"
    near = "within the band of the fit" if one.is_inside else "as near as whole layers come"
    if one.is_inside and one.optimum.depth_range[1] is None:
        near = "not decided: the band of the fit has no end"
    verdict = {
        "deeper": f"deeper and narrower: {change}",
        "wider": f"wider and shallower: {change}",
        "near the optimum": f"near the optimum, {near} ({change} to its middle)",
    }[one.verdict]
    knee, factor = tr.bounds.knee(one.width), tr.bounds.growth_factor(one.depth, one.width)
    regime = tr.bounds.regime_of_factor(factor)
    least, most = one.wasted_range
    wasted = f"{one.wasted:.0%} ({least:.0%} to {most:.0%})" if least else f"at most {most:.0%}, perhaps nothing,"
    core = f"{one.core[0]:.1f} layers of width {one.core[1]:,.0f}"
    here, best = (f"{tr.bounds.log3_moment_bound(*shape):.4g}" for shape in ((one.depth, one.width), one.optimum.shape))
    lines = [
        ("shape", f"{_layers(one.depth)} of width {one.width:,}: {size}"),
        *_best(one.optimum, fit),
        ("verdict", verdict),
        ("wasted", f"{wasted} of the parameters: what is more than {core}, the largest best shape inside"),
        ("rank", f"without softmax or mask, log3 of the separation rank is at most {here}; {best} at the best shape"),
        ("regime", f"{regime}: another layer multiplies that logarithm by {factor:.3g}; its knee is at depth {knee:.1f}"),
    ]
    if one.best_at is not None:
        lines.insert(-2, ("depth", f"{_layers(one.depth)} would suit {one.best_at * scale:,.3g} parameters"))
    return lines


def _layers(depth: int) -> str:
    return f"{depth} layer{'s' * (depth != 1)}"


def _best(best: Optimum, fit: TransitionFit) -> Lines:
    low, high = best.depth_range
    narrow, wide = best.width_range
    depths = widths = ""
    if high is None or narrow is None:
        depths, widths = f" ({low:.1f} or more, without end)", f" ({wide:,.0f} or less)"
    elif low < high:
        depths, widths = f" ({low:.1f} to {high:.1f})", f" ({narrow:,.0f} to {wide:,.0f})"
    depth, width = best.shape
    step = next((step for step in (64, 8) if width > 8 * step), 1)
    stepped = "" if step == 1 else f"; in steps of {step} of width {depth} x {best.shape_in_steps(step)[1]:,}"
    band = f" (ranges: {fit.band(best.sigmas)})" if low != high else ""
    return [
        ("best", f"depth {best.depth:.1f}{depths}, width {best.width:,.0f}{widths}"),
        ("", f"in whole numbers {depth} x {width:,}{stepped}{band}"),
    ]


def _bottlenecks(model: ModelConfig) -> Lines:
    """What heads and vocabulary leave of the width."""
    stack = model.main_stack
    shared = "" if stack.kv_heads == stack.heads else f", {stack.kv_heads} of them with keys and values of their own"
    heads = f"{stack.heads} of dimension {stack.head_dim}{shared}"
    if "width" in model.head_bottlenecks:
        heads += f"; a bottleneck: together {stack.heads * stack.head_dim}, less than the width {stack.width:,}"
    if "patterns" in model.head_bottlenecks:
        context = "texts may be longer" if model.context is None else f"the context is {model.context:,}"
        heads += f"; each can give any attention pattern of at most {stack.head_dim + 1:,} independent tokens ({context})"
    vocabulary = f"{model.vocabulary:,} tokens, no fewer than the width: no bottleneck"
    if model.embedding_rank < stack.width:
        narrowed = f"{model.log3_vocabulary_bound:.4g}"
        vocabulary = f"a bottleneck: embeddings of rank {model.embedding_rank:,} leave log3 of that rank at most {narrowed}"
    return [("heads", heads), ("vocabulary", vocabulary)]


def _print_caution(best: Sequence[Optimum], fit: TransitionFit) -> None:
    if fit.depths is None or not any(one.extrapolated for one in best):
        return
    first, last = fit.depths
    parts = []
    for side, depths in (
        ("below", [one.depth for one in best if one.depth < first]),
        ("beyond", [one.depth for one in best if one.depth > last]),
    ):
        if depths:
            many, listed = len(depths) > 1, ", ".join(f"{depth:.1f}" for depth in depths)
            parts.append(f"{'depths' if many else 'depth'} {listed} {'lie' if many else 'lies'} {side}")
    say(f"The fit is of networks of depths {first:g} to {last:g}; {', '.join(parts)}.")

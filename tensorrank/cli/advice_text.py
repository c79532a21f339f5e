"""What `tensorrank advise` finds, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer

import tensorrank as tr
from tensorrank.cli.shared.terminal import empty_table, say, say_lines, wide_console
from tensorrank.guidelines import Advice, ModelConfig, Optimum, SharedKeys, Stack, TransitionFit
from tensorrank.whole_numbers import in_brief

Lines = list[tuple[str, str]]
# Layers differ from those of the fit if so large a share of their parameters does: biases and norms are less.
_ALIKE = 0.01
_OF_NEXT_TOKENS = "The networks of the fit predict the next token. Whether it holds of encoders as well is not known."


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


def print_advice(
    model: ModelConfig | None, advice: Mapping[str, Advice | None], keys: Sequence[SharedKeys | None], fit: TransitionFit
) -> None:
    """The verdict on a shape, or on each stack of a configuration, with its counts and bottlenecks."""
    if model is not None:
        say_lines(_counts(model))
    stacks: Sequence[Stack | None] = model.stacks if model is not None else [None]
    for place, ((name, one), stack, shared) in enumerate(zip(advice.items(), stacks, keys, strict=True)):
        if len(advice) > 1:
            typer.echo(f"\n{name}:")
        if one is not None:
            say_lines([*_judged(one, stack, fit, first=place == 0), *_heads(stack, shared, model)])
        elif stack is not None:
            say_lines(_not_judged(stack))
    if model is not None and model.stacks and model.main_stack.attends:
        if len(advice) > 1:
            typer.echo()
        say_lines(_inputs(model))
    _print_caution([one.optimum for one in advice.values() if one is not None], fit)


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
    active: Lines = []
    if model.active_parameters != model.parameters:
        stack = max(model.stacks, key=lambda one: one.experts)
        chosen = f"{stack.experts_per_token} of {stack.experts} experts in a layer"
        active = [
            ("active", f"{model.active_parameters:,} that one token uses, with {chosen}"),
            ("", "the fit judges depth and width; sizes beside its verdict are those of active parameters"),
        ]
    by = "the table" if model.counted_by == "table" else model.counted_by
    none = "the layers are not alike, so that no depth and width stand for them: if you know some, give them by hand"
    return [
        ("family", f"{model.family}, counted as {model.counted_as} by {by}"),
        ("parameters", f"{model.parameters:,}: {model.embedding_parameters:,} of embeddings, {others}"),
        *active,
        *(("note", note) for note in model.notes),
        *([] if model.stacks else [("shape", none)]),
    ]


def _judged(one: Advice, stack: Stack | None, fit: TransitionFit, *, first: bool) -> Lines:
    is_encoder = stack is not None and stack.role == "encoder"
    size, scale = f"{one.optimum.parameters:,.0f} parameters, {fit.rule:g} L d^2", 1.0
    if stack is not None:
        scale = stack.active_parameters / one.optimum.parameters
        used = f"{stack.active_parameters:,} {'active ' * (stack.idle_parameters > 0)}parameters"
        size = f"{used}, {fit.rule * scale:.1f} L d^2 (the networks of the fit: {fit.rule:g})"
    alike = abs(scale - 1) < _ALIKE
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
    here, best = (f"{tr.bounds.log3_moment_bound(*shape):.4g}" for shape in ((one.depth, one.width), one.optimum.shape))
    lines = [
        ("shape", f"{_layers(one.depth)} of width {one.width:,}: {size}"),
        *_best(one.optimum, fit),
        *([] if alike else [("", _of_equal_area(one.optimum, fit))]),
        ("verdict", verdict),
        *([("", tr.guidelines.NOT_SAID)] if first else []),
        *([("", _OF_NEXT_TOKENS)] if is_encoder and fit == tr.guidelines.PUBLISHED else []),
        *_beyond_core(one, stack, fit),
        ("rank", f"without softmax or mask, log3 of the separation rank is at most {here}; {best} at the best shape"),
        ("regime", f"{regime}: another layer multiplies that logarithm by {factor:.3g}; its knee is at depth {knee:.1f}"),
    ]
    if one.best_at is not None:
        suited = f"{_layers(one.depth)} would suit {one.best_at * scale:,.3g} parameters"
        lines.insert(-2, ("depth", suited if alike else f"{suited} of such layers"))
    return lines


def _of_equal_area(best: Optimum, fit: TransitionFit) -> str:
    """Why the best shape of a size is another here than for the networks of the fit."""
    size = f"{best.parameters:,.4g}"
    return f"compared at equal L d^2: the networks of the fit have {size} parameters there, as their layers are made otherwise"


def _beyond_core(one: Advice, stack: Stack | None, fit: TransitionFit) -> Lines:
    """The share of the parameters beyond the core, what is meant by it, and what it rests on."""
    least, most = one.beyond_core_range
    share = f"{one.beyond_core:.0%} ({least:.0%} to {most:.0%})" if least else f"At most {most:.0%}, perhaps nothing,"
    active = "active " if stack is not None and stack.idle_parameters else ""
    outside = one.optimum.extrapolated or fit.is_extrapolated(one.core[0])
    return [
        ("beyond core", "What is beyond the core is not lost: by the fit it would be of more use in another shape."),
        ("", f"The core is the largest of the best shapes inside yours: {one.core[0]:.1f} layers of width {one.core[1]:,.0f}."),
        ("", f"{share} of the {active}parameters without embeddings {'is' if not least else 'are'} beyond it."),
        *([("", "This rests on the fit where it is extrapolated.")] if outside else []),
    ]


def _not_judged(stack: Stack) -> Lines:
    shape = f"--depth {stack.depth} --width {stack.width}"
    return [
        ("shape", f"{_layers(stack.depth)} of width {stack.width:,}: {stack.active_parameters:,} parameters"),
        ("verdict", "none: no layer attends, while the fit is of attention, and so are the ranks"),
        ("", f"{shape} says what they say of attention of that shape"),
    ]


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


def _heads(stack: Stack | None, keys: SharedKeys | None, model: ModelConfig | None) -> Lines:
    """What the heads leave of the width, of patterns of attention, and of the rank if they share keys and values."""
    if stack is None and keys is None:
        return []
    lines = []
    if stack is not None and stack.heads is not None and stack.head_dim is not None and stack.joint_width is not None:
        words = _dimensions(stack.heads, stack.head_dim, stack.joint_width, stack.width, stack.value_dim)
        lines.append(("heads", words + _patterns(stack.head_dim, model if model and stack is model.main_stack else None)))
        if stack.latent is not None:
            lines.append(("latent", f"keys and values of all heads are made of the same {stack.latent:,} numbers of a token"))
    elif keys is not None:
        lines.append(("heads", _dimensions(keys.heads, keys.head_dim, keys.heads * keys.head_dim, keys.width)))
    if keys is not None and keys.kv_heads < keys.heads:
        lines += _shared(keys)
    return lines


def _patterns(dim: int, model: ModelConfig | None) -> str:
    """The tokens over which a head gives every pattern of attention; the context is known of a model's main stack."""
    if model is not None and "patterns" not in model.head_limits:
        return f"; each can give any attention pattern over the context of {model.context:,}"
    words = f"; each can give any attention pattern of at most {dim + 1:,} independent tokens"
    if model is None:
        return words
    return f"{words} ({'texts may be longer' if model.context is None else f'the context is {model.context:,}'})"


def _dimensions(heads: int, dim: int, together: int, width: int, value_dim: int | None = None) -> str:
    words = f"{heads} of dimension {dim:,}" + (f", their values of {value_dim:,}" if value_dim else "")
    if together < width:
        words += f"; a bottleneck: together {together:,}, less than the width {width:,}"
    if together > width:
        words += f"; together {together:,}, and what is more than the width {width:,} adds nothing to the bound on the rank"
    return words


def _shared(keys: SharedKeys) -> Lines:
    """What it costs that heads share keys and values."""
    own = f"{keys.kv_heads} of {keys.heads} heads have keys and values of their own"
    read = f"a layer reads {keys.numbers_read:,} of the {keys.numbers_of_moments:,} numbers of the moments"
    without = f"{keys.numbers_unshared:,} if none were shared"
    if keys.rank is not None and keys.rank_unshared is not None:
        cost = f"the rank is {keys.rank:,} in place of {keys.rank_unshared:,} ({keys.standing})"
    else:
        shared, unshared = keys.one_layer
        cost = "In one layer that costs no rank, which is proved."
        if shared != unshared:
            cost = f"In one layer that costs rank: it is {shared:,} in place of {unshared:,}, which is proved."
        cost += f" Whether it does in all {keys.depth} is not known: the bound is the same, and ranks so large are open."
    return [("shared keys", f"{own}: {read}, {without}"), ("", cost)]


def _inputs(model: ModelConfig) -> Lines:
    """What the embedding leaves of the width."""
    rank, width = model.embedding_rank, model.main_stack.width
    name = "inputs" if model.vocabulary is None else "vocabulary"
    if rank < width:
        narrowed = f"{model.log3_vocabulary_bound:.4g}"
        return [(name, f"a bottleneck: embeddings of rank {rank:,} leave log3 of that rank at most {narrowed}")]
    if model.vocabulary is None:
        return [(name, "embeddings of the rank of the width: no bottleneck")]
    return [(name, f"{model.vocabulary:,} tokens, no fewer than the width: no bottleneck")]


def _print_caution(best: Sequence[Optimum], fit: TransitionFit) -> None:
    if fit.depths is None or not any(one.extrapolated for one in best):
        return
    first, last = fit.depths
    found = [one.depth for one in best if one.extrapolated]
    parts = []
    for side, depths in (
        ("below", [depth for depth in found if 1 < depth < first]),
        ("beyond", [depth for depth in found if depth > last]),
    ):
        if depths:
            many, listed = len(depths) > 1, ", ".join(f"{depth:.1f}" for depth in depths)
            parts.append(f"{'depths' if many else 'depth'} {listed} {'lie' if many else 'lies'} {side}")
    if min(found) <= 1:
        parts.append("by its curve so small a network has less than one layer, which is none, so that one layer is taken")
    say(f"The fit is of networks of depths {first:g} to {last:g}; {', '.join(parts)}.")

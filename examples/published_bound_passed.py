"""A published upper bound on the separation rank is passed by a lower bound that is proved, once tokens are several.

The second theorem of Levine et al. (NeurIPS 2020, arXiv 2006.12467) bounds log3 of the rank, beyond the depth log3(d),
by 2 d L + c1 + c2. Its slope in the depth L is 2 d + 1. The monomial bound gives, for n tokens a side and as many heads
as needed, a rank whose slope tends to the number of independent entries of the moment matrix, n d - n (n-1) / 2, which
is larger from n = 3 on. So at some depth it passes the published bound: the picture shows where, at width 64 with 32
heads. The proof is in docs/explanation/limits.md. Before that, the monomial bound is checked where the rank can be
computed, at its own weights.
Run: python examples/published_bound_passed.py [--quick]
"""

import sys
from pathlib import Path

import matplotlib as mpl

import tensorrank as tr
from tensorrank.attention.monomial import monomial
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.pictures.look import DASHED, colours_and_marks, ink, settings
from tensorrank.pictures.sheet import one_axes

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

print("The monomial bound and the rank at its own weights:")
for depth, width, tokens in ((2, 3, 1), (3, 2, 1), (2, 3, 2), (2, 2, 2), *(() if quick else ((3, 3, 1),))):
    found = monomial(depth, width, width, 1, tokens, tokens)
    model = tr.SelfAttention(depth, width, heads=width, head_dim=1, tokens=2 * tokens)
    rank = tr.separation_rank(model, weights=found.weights(), method="grid")
    print(f"  width {width}, depth {depth}, {tokens} a side: bound {found.bound}, rank there {rank.value} ({rank.standing})")

width, heads, deepest = 64, 32, 24 if quick else 40
depths = range(5, deepest + 1)
published = [tr.bounds.published_bounds(depth, width, heads).upper for depth in depths]
entries = [line_entry("upper bound as published", ink(), DASHED, linewidth=1.4)]
with mpl.rc_context(settings()):
    sheet = one_axes(6.4, 3.8, None, None)
    ax = sheet.ax
    ax.plot(depths, published, color=ink(), linestyle=DASHED, linewidth=1.4)
    looks = colours_and_marks((64, 8, 6, 5, 4, 1))
    for tokens in (64, 8, 6, 5, 4, 1):
        colour, mark = looks[tokens]
        lower = [tr.bounds.log3_monomial_bound(depth, width, heads, None, tokens, tokens) for depth in depths]
        passed = next((depth for depth, bound, limit in zip(depths, lower, published, strict=True) if bound > limit), None)
        text = f"{tokens} token{'s' if tokens > 1 else ''} a side"
        if passed is None:
            print(f"{text}: not passed up to depth {deepest}")
        else:
            height, limit = lower[passed - depths[0]], published[passed - depths[0]]
            print(f"{text}: at depth {passed} at least 3^{height:.1f}, published at most 3^{limit:.1f}")
            ax.plot(passed, height, "o", color=ink(), markerfacecolor="none", markersize=12, zorder=4)
            text += f": passes it at depth {passed}"
        ax.plot(depths, lower, color=colour, marker=mark, markevery=5, markersize=5)
        entries.append(line_entry(text, colour, marker=mark, markersize=5))
    ax.set(xlabel="depth L", ylabel="log₃ separation rank", ylim=(0, 1.25 * published[-1]), xlim=(depths[0], depths[-1] + 1))
    ax.set_title(f"Width {width}, {heads} heads: lower bounds that are proved")
    entries.append(mark_entry("the first depth at which it is passed", ink(), face="none", markersize=12))
    sheet.legend(entries)
    print("picture:", tr.figures.save(sheet.one(), out / "published_bound_passed")[0])

"""The most probable path is not the path of the most probable states: one by one, these make jumps that cannot happen.

A machine goes round a cycle of six phases, and stays in each for a while; only a noisy level is measured, and now and
then nothing. The states that are most probable at each step by themselves are right most often, and jump where no path
can. The Viterbi path, which is most probable as a whole, never does.
Run: python examples/hidden_states.py [--quick]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

import tensorrank as tr
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.pictures.look import grey, hue, ink, settings
from tensorrank.pictures.sheet import several_axes

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

phases, steps, shown = 6, 2_000 if quick else 20_000, 220
stay, levels = 0.9, np.array([0.0, 2.0, 1.0, 3.0, 0.5, 2.5])
cycle = stay * np.eye(phases) + (1 - stay) * np.roll(np.eye(phases), 1, axis=1)
machine = tr.HiddenMarkov(np.eye(phases)[0], cycle, np.eye(phases), steps, densities=tr.Gaussians(levels, np.full(phases, 0.8)))

# The truth, and what is measured of it.
rng = np.random.default_rng(4)
truth = np.cumsum(rng.random(steps) < 1 - stay) % phases
truth = np.concatenate([[0], truth[:-1]])
measured = levels[truth] + np.sqrt(0.8) * rng.standard_normal(steps)
measured[rng.random(steps) < 0.1] = np.nan

together = machine.viterbi(measured[None])
posteriors = np.stack(list(machine.hidden_posteriors(measured[None]).values()), axis=1)[0]
paths = {"one by one": posteriors.argmax(axis=1), "together": together.states[0]}


def impossible(path):
    """The steps after which a path jumps as the machine cannot."""
    return np.flatnonzero(cycle[path[:-1], path[1:]] == 0)


for name, path in paths.items():
    right = (path == truth).mean()
    print(f"most probable {name}: {right:.1%} of {steps} states right, {len(impossible(path))} impossible jumps")
print(f"log-probability of the path with all values: {together.log_probabilities[0]:.1f}")

with mpl.rc_context(settings()):
    sheet = several_axes(6.4, 4.6, 3, columns=1, sharex=True)
    top, *rest = sheet.panels
    at = np.arange(shown)
    top.plot(at, measured[:shown], ".", color=grey(0.45), markersize=3)
    top.plot(at, levels[truth[:shown]], color=ink(), linewidth=1)
    top.set(ylabel="level", yticks=[0, 1, 2, 3])
    top.set_title("measured values, and the true levels", loc="left")
    for ax, (name, path), colour in zip(rest, paths.items(), (hue("vermilion"), hue("blue")), strict=True):
        jumps = impossible(path)
        ax.step(at, truth[:shown], where="post", color=grey(0.75), linewidth=3)
        ax.step(at, path[:shown], where="post", color=colour, linewidth=1.2)
        for jump in jumps[jumps < shown - 1]:
            ax.plot([jump + 1] * 2, path[[jump, jump + 1]], color=ink(), linewidth=2.5, solid_capstyle="butt")
        right = (path == truth).mean()
        said = f"{len(jumps):,} impossible jumps" if len(jumps) else "no impossible jump"
        ax.set(ylabel="phase", yticks=range(phases))
        ax.set_title(f"states most probable {name}: {said}, {right:.1%} right in {steps:,} steps", loc="left")
    rest[-1].set(xlabel=f"step (the first {shown} shown)", xlim=(0, shown))
    sheet.legend(
        [
            mark_entry("measured", grey(0.45), ".", markersize=3),
            line_entry("true level", ink(), linewidth=1),
            line_entry("true phase", grey(0.75), linewidth=3),
            line_entry("impossible jump", ink(), linewidth=2.5),
        ]
    )
    print("picture:", tr.figures.save(sheet.all(), out / "hidden_states")[0])

"""The exact rank of a matrix costs about as much as multiplying it, or less; the floating-point rank costs far more.

Times the rank of random n x n matrices over GF(p), by numpy's SVD, and by python-flint where it is installed, each as a
multiple of what an elimination's 2/3 n^3 operations would take at this machine's rate of matrix multiplication in
float64. Modulo a prime of 8 bits integer units multiply (`tensorrank machine` says what this machine has).
Run: python examples/price_of_exactness.py [--quick]
"""

import sys
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FixedLocator, NullFormatter

import tensorrank as tr
from tensorrank.figures.axes import beside
from tensorrank.figures.style import line_entry
from tensorrank.pictures.look import DASHED, DOTTED, grey, hue, ink, settings
from tensorrank.pictures.sheet import one_axes

try:
    from flint import nmod_mat
except ImportError:
    nmod_mat = None
    print("python-flint is not installed: its curve is left out (pip install python-flint)")

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
sizes = (200, 400, 800) if quick else (500, 1000, 2000, 4000, 8000)
rivals_to = 800 if quick else 2000
prime, large, small = 2**23 - 15, 2**31 - 1, 251
rng = np.random.default_rng(0)


def best(work, runs=3):
    """The least time of some runs: what the machine does when nothing else disturbs it."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


square = rng.standard_normal((2000, 2000))
rate = 2 * 2000**3 / best(lambda: square @ square, 5)
for modulus in (prime, small):
    tr.rank_mod_p(np.eye(1200, dtype=int), modulus)  # compiles, and loads what multiplies
curves = {
    name: []
    for name in (
        "numpy, floating-point SVD",
        "python-flint, one thread",
        "tensorrank, 31-bit prime",
        "tensorrank, 23-bit prime",
        "tensorrank, 8-bit prime",
    )
}
for n in sizes:
    matrix = rng.integers(0, prime, (n, n))
    bytes_of_it = (matrix % small).astype(np.uint8)
    works = {
        "tensorrank, 23-bit prime": lambda m=matrix: tr.rank_mod_p(m, prime),
        "tensorrank, 31-bit prime": lambda m=matrix: tr.rank_mod_p(m, large),
        "tensorrank, 8-bit prime": lambda m=bytes_of_it: tr.rank_mod_p(m, small),
    }
    if n <= rivals_to:
        floats = matrix.astype(float)
        works["numpy, floating-point SVD"] = lambda m=floats: np.linalg.matrix_rank(m)
    if n <= rivals_to and nmod_mat is not None:
        works["python-flint, one thread"] = nmod_mat(n, n, [int(x) for x in matrix.flat], prime).rank
    for name, work in works.items():
        ratio = best(work) * rate / (2 / 3 * n**3)
        curves[name].append((n, ratio))
        print(f"n = {n}: {name}: {ratio:.1f}")

with mpl.rc_context(settings()):
    sheet = one_axes(6.4, 3.6, None, None)
    ax = sheet.ax
    looks = (
        (grey(0.45), "s", DOTTED),
        (hue("green"), "D", "-."),
        (hue("blue"), "^", DASHED),
        (hue("vermilion"), "o", "-"),
        (ink(), "v", (0, (5, 1))),
    )
    entries = []
    for (name, points), (colour, mark, line) in zip(curves.items(), looks, strict=True):
        if points:
            ax.loglog(*zip(*points, strict=True), color=colour, marker=mark, linestyle=line, linewidth=1.8)
            entries.append(line_entry(name, colour, line, marker=mark, linewidth=1.8))
    ax.axhline(1, color=grey(0.2), linewidth=1)
    beside(ax, "rate of matrix multiplication in float64", (sizes[0], 1), (0, 3), fontsize="small")
    ax.xaxis.set_major_locator(FixedLocator(sizes))
    ax.yaxis.set_major_locator(FixedLocator([0.2, 0.5, 1, 2, 5, 10, 20, 50]))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    ax.set(
        xlabel="n, rows and columns of a random matrix",
        ylabel="time of its rank, as a multiple of\n2/3 n³ operations of matrix multiplication",
    )
    sheet.legend(entries)
    print("picture:", tr.figures.save(sheet.one(), out / "price_of_exactness")[0])

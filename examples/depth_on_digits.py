"""What depth buys on data: held-out log-likelihood of models of one to six levels, of equally many parameters.

On images of digits two levels are far better than one, and more pay only with many parameters;
on data from a deep model the deepest is best, and on data from a latent class model depth only costs.
Run: python examples/depth_on_digits.py [--quick]    (some twelve minutes on two cores; quick, rough numbers)
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments import MixtureFamily, compare_depths, peaked, z_order

try:
    from sklearn.datasets import load_digits
except ImportError:
    sys.exit("this example needs the digits of scikit-learn: pip install scikit-learn, or tensorrank[test]")

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)


def families(squares=None):
    """Trees of 1 to log2 N levels over runs of variables, chains and Chow-Liu trees."""
    classes = MixtureFamily("latent class", "latent_class")
    trees = [MixtureFamily(f"tree of branching {b}", "balanced", b, squares) for b in (8, 4, 2)]
    others = [MixtureFamily("Chow-Liu tree", "chow_liu"), MixtureFamily("hidden Markov", "chain")]
    along = [MixtureFamily("hidden Markov, Z-order", "chain", order=squares)] if squares else []
    return [classes, *trees, *(others[:1] if quick else others + along)]


def progress(done, total, what):
    """One line on a terminal, nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r{done:3} of {total} fits: {what:40}", end="\r" if done + 1 == total else "", file=sys.stderr)


options = {"symbols": 4, "progress": progress}
if quick:
    options |= {"splits": 2, "pseudocounts": [0.1], "iterations": 20}

# Gray in four levels: with all 17 most parameters would tell the shade of single pixels. The pixels below a node of a
# tree are a square.
images = load_digits().data.astype(int) * 4 // 17
rows = 600 if quick else 1800
deep = peaked(tr.TensorialMixture.random(5, states=6, symbols=4, seed=0).latent_tree(), noise=0.25, seed=0)
shallow = peaked(tr.LatentClass.random([4] * 32, classes=15, seed=0).latent_tree(), noise=0.5, seed=0)
# Budgets that all families come close to, whose states are whole numbers.
studies = [
    compare_depths(images, families(z_order(8)), [2320] if quick else [2320, 7950, 30600], name="digits", **options),
    *(
        compare_depths(truth.sample(rows, 0), families(), [1520], name=name, truth=truth, **options)
        for name, truth in (("sampled from a tree of depth 5", deep), ("sampled from a latent class model", shallow))
    ),
]

for study in studies:
    print(f"\n{study.name}: {study.rows} rows of {study.sites} variables; held-out log-likelihood of a row, in nats")
    print(f"{'family':24} depth states parameters pseudocount    mean ± spread   fitted")
    for one in (study.independent, *study.scores):
        size = f"{one.depth or '-':>5} {one.states:6} {one.parameters:10} {one.pseudocount:11g}"
        print(f"{one.family:24} {size} {one.mean:7.2f} ± {one.spread:.2f} {sum(one.fitted) / len(one.fitted):8.2f}")
    if study.truth is not None:
        print(f"{'the truth':24} {sum(study.truth) / len(study.truth):42.2f}")
    print(*study.findings(), sep="\n")
print("\npicture:", tr.figures.save(tr.figures.depth_on_data(studies)[0], out / "depth_on_digits")[0])

"""Deep mixtures have no small shallow form, but shallow mixtures of a few parts come near: the wall is not a cliff.

Balanced trees of depth 1, 2 and 4 over the same variables. Exact latent class models of them need 2, 16 and 256 parts.
Mixtures of entries keep the guarantee sqrt(8 / (t + 2)), which says nothing before some 10,000 parts, for the whole
tensor has so small a norm; mixtures of far fewer products are within a few percent in total variation.
Run: python examples/shallow_approximation.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments import ApproximationRun, growing_depth, informative_parts, shallow_approximations

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

trees = growing_depth(8, branchings=(8, 2)) if quick else growing_depth(16, branchings=(16, 4, 2))
runs = [
    ApproximationRun("corrective", "entries", 63 if quick else 1023),
    ApproximationRun("refitted", "products", 3 if quick else 23),
]
study = shallow_approximations(trees, runs)
for target in study.targets:
    entries, products = (run.steps[-1] for run in target.runs)
    print(f"{target.label}, {target.table_entries} table entries. {target.wall}")
    print(f"  {entries.components} entries: error {entries.error:.3g}, guarantee {entries.guarantee:.3g}, ", end="")
    print(f"norm of W {target.norm:.3g}; the guarantee is below it from {target.informative} parts on")
    print(f"  {products.components} products: total variation {products.total_variation}, KL {products.kl}")
print("picture:", tr.figures.save(tr.figures.approximation(study)[0], out / "shallow_approximation")[0])

# 64 variables: a table of 2^64 entries, none of which is enumerated.
((label, tree),) = growing_depth(64, branchings=(2,))
runs = [ApproximationRun("corrective", "entries", 63), ApproximationRun("corrective", "products", 1 if quick else 15)]
study = shallow_approximations([(label, tree)], runs, samples=500 if quick else 5000, memory="1MiB" if quick else "256MiB")
(target,) = study.targets
entries, products = target.runs
print(f"64 variables, {label}: {len(entries.steps)} entries, all proved to be the largest: {entries.certified}; ", end="")
print(f"norm {target.norm:.2g}, so that the guarantee says nothing before {informative_parts(target.norm):.1g} parts")
print(f"  {products.steps[-1].components} products: total variation {products.steps[-1].total_variation}, ", end="")
print(f"KL {products.steps[-1].kl}. {target.wall}")

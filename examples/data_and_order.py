"""Which cuts data favours: digits are less entangled across squares of pixels than across random sets of them.

Pixels become angles, and digits from 0 to 4 are labelled against those from 5 to 9. At each level the pixels are cut in
contiguous blocks of an order: row by row, squares within squares (Z-order), an order found from correlations alone, and
random ones. Lines without marks are proven upper bounds on what networks can represent across such cuts. The
entanglement at coarse levels is also that of a finite sample: it grows with the number of images.
Run: python examples/data_and_order.py [--quick]    (some minutes on two cores)
"""

import sys
from pathlib import Path

import numpy as np

import tensorrank as tr
from tensorrank.experiments import arranged_order, data_entanglement, z_order

try:
    from sklearn.datasets import load_digits
except ImportError:
    sys.exit("this example needs the digits of scikit-learn: pip install scikit-learn, or tensorrank[test]")

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)


def progress(done, total, what):
    """One line on a terminal, nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r{done:4} of {total} cuts: {what:40}", end="\r" if done + 1 == total else "", file=sys.stderr)


digits = load_digits()
images = 40 if quick else 600
shades, labels = digits.data[:images], np.where(digits.target[:images] < 5, 1, -1)
data = tr.DataTensor(shades / 16, labels, embedding="angle")
study = data_entanglement(
    data,
    orders={"Z-order": z_order(8), "by correlations": arranged_order(data)},
    permutations=2 if quick else 5,
    models={
        "convolutional, width 32": tr.ConvolutionalCircuit(64, channels=2, widths=(32,) * 6),
        "recurrent, width 8": tr.RecurrentCircuit(1, hidden=8, channels=2, steps=64),
        "attention, 2 layers, width 4": tr.SelfAttention(depth=2, width=4, tokens=64),
    },
    progress=progress,
)
print(f"{'level':>10} " + " ".join(f"{level:>16}" for level in study.levels))
for family in study.families:
    means = [study.mean(family, level) for level in study.levels]
    print(f"{family:>15} " + " ".join(f"{mean:8.3f} ± {spread:.3f}" for mean, spread in means))
print(*study.findings(), f"least entangled: {study.favoured()}", sep="\n")

# Whole numbers as categories: exact ranks, of the matrix that counts images.
counted = tr.DataTensor(shades.astype(int) * 4 // 17, labels)
for name, table in (("rows", counted), ("Z-order", counted.permuted(z_order(8)))):
    ranks = [tr.separation_rank(table, range(size)) for size in (1, 2, 4, 8, 16, 32)]
    print(f"{name}: ranks of the first 1, 2, 4, ... pixels", ", ".join(f"{rank.value} ({rank.standing})" for rank in ranks))
print("picture:", tr.figures.save(tr.figures.data_cuts(study), out / "data_and_order")[0])

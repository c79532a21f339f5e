"""Triples that sum to 0 modulo M: attention of third order does with m = 5, second order pays about N.

On balanced examples the unit of third order makes no errors; a histogram, which uniform attention of second order
computes, errs until it has a bucket for each of the M = 2N + 1 residues. Ranks say that no layer of second order does
much better: log2 of the rank grows in proportion to N. Looking at neighbours only (bigram) makes the task easy.
Run: python examples/triple_detection.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments import detect_triples

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

study = detect_triples([8, 16, 32], [1, 2], examples=40) if quick else detect_triples()
for third in study.of(3):
    errors = ", ".join(f"{row.error:.2f} at m = {row.dimension}" for row in study.of(2, third.tokens)[-4:])
    print(f"N = {third.tokens}: third order errs on {third.wrong} of {third.examples} at m = {third.dimension}, ", end="")
    print(f"p = {third.bits}; a histogram on {errors}")
for row in study.ranks:
    print(f"{row.task}, N = {row.tokens}, M = {row.modulus}: log2 rank {row.bits:.2f} ({row.standing})")
print("picture:", tr.figures.save(tr.figures.triples(study)[0], out / "triples", ["png"] if quick else ["png", "svg"])[0])

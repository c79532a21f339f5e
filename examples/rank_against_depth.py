"""Depth multiplies the logarithm of the separation rank up to a threshold that grows like the logarithm of the width.

Computes certified ranks of small networks and draws them between the bounds that hold for every depth.
Run: python examples/rank_against_depth.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments.depth_series import series_of

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

study = tr.Study.over(tr.SelfAttention, width=(1, 2, 3), depth=range(1, 4 if quick else 6), work=1e10 if quick else 1e12)
with tr.Store(":memory:") as store:
    findings = list(study.run(store))
for finding in findings:
    print(f"width {finding.model.width}, depth {finding.model.depth}: {finding.result.value} ({finding.result.standing})")

series = series_of(findings)
for one in series:
    print(one.sentence(series))
figure, _ = tr.figures.rank_vs_depth(series)
print("picture:", tr.figures.save(figure, out / "rank_against_depth")[0])

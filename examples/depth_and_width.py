"""By the published fit GPT-3 is too deep for its size, and its smaller siblings are not deep enough.

Draws them about the curve of best shapes, then fits the same law to an ablation of small networks that
examples/ablation trained.
Run: python examples/depth_and_width.py [--quick]
"""

from pathlib import Path

import tensorrank as tr

here = Path(__file__).parent
out = here / "out"
out.mkdir(exist_ok=True)
guidelines = tr.guidelines

print(f"{'model':20} {'trained':>11} {'best depth':>11} {'range':>12} {'width':>6} {'published':>11}  verdict")
models = []
for row in guidelines.PUBLISHED_PROJECTIONS:
    best = guidelines.optimum(row.parameters)
    low, high = best.depth_range
    advice = guidelines.advise(*row.trained) if row.trained else None
    models.append((row.name.removeprefix("GPT-3 ").partition(" (")[0], advice or best))
    trained = "{} x {}".format(*row.trained) if row.trained else "-"
    published = "{} x {}".format(*row.published)
    print(
        f"{row.name:20} {trained:>11} {best.depth:11.1f} {low:5.1f} - {high:4.1f} {best.width:6.0f} {published:>11}"
        f"  {advice.verdict if advice else ''}"
    )
figure, _ = tr.figures.depth_width(models, known=())
print("picture:", tr.figures.save(figure, out / "depth_and_width")[0])

for kind in ("softmax", "softmax_free"):
    data = guidelines.read_ablation(here / "ablation" / f"{kind}.csv")
    print(f"\nsmall networks trained here, {kind.replace('_', '-')} attention:")
    for crossing in data.chosen():
        size = crossing.why if crossing.size is None else f"from {crossing.size:,.0f} parameters on"
        print(f"  depth {crossing.deep} over {crossing.shallow}: {size}")
    try:
        fit = data.fit()
        print(f"  ln d = {fit.intercept:.2f} ± {fit.errors[0]:.2f} + ({fit.slope:.3f} ± {fit.errors[1]:.3f}) L")
    except tr.TensorRankError as error:
        print(f"  no fit: {error}")
    figure, _ = tr.figures.ablation(data, loss="held-out loss, nats a character")
    print("picture:", tr.figures.save(figure, out / f"ablation_{kind}")[0])

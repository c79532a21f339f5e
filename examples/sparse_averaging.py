"""Attention averages q chosen tokens out of N at a size that grows with q log N, where other models need size N.

Units with random keys: their error hardly depends on N, and the least dimension is linear in q. Units on the moment
curve: 2q dimensions are enough, but cost bits. Then all kinds of models on one axis of N, from measured ranks.
Run: python examples/sparse_averaging.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments import bits_by_dimension, error_by_dimension, least_dimensions, model_sizes

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
kinds = ["png"] if quick else ["png", "svg"]

errors = error_by_dimension([64, 128], [4], [32, 64, 128], sets=20, repeats=3) if quick else error_by_dimension()
for tokens in errors.tokens:
    shown = ", ".join(f"{row.median:.2g} at m = {row.dimension}" for row in errors.of(tokens, 4))
    print(f"average 4 of {tokens} tokens, worst of {errors.sets} sets: error {shown}")
print("picture:", tr.figures.save(tr.figures.sparse_averaging_errors(errors)[0], out / "sparse_averaging_errors", kinds)[0])

least = least_dimensions([16, 32, 64], [1, 2, 4], sets=20, repeats=3) if quick else least_dimensions()
for tokens in least.tokens:
    line = least.line_in_sparsity(tokens)
    print(f"{tokens} tokens: m = {line.slope:.1f} q {line.intercept:+.1f}, R² {line.determination:.3f}")
figure, _ = tr.figures.sparse_averaging_dimensions(least)
print("picture:", tr.figures.save(figure, out / "sparse_averaging_dimensions", kinds)[0])

bits = [bits_by_dimension(*sizes) for sizes in ([(8, 2)] if quick else [(8, 2), (16, 2), (32, 2)])]
for study in bits:
    shown = ", ".join(f"m = {row.dimension}, p = {row.bits}" for row in study.rows)
    print(f"{study.sparsity} of {study.tokens} tokens, all {study.sets} sets, moment curve: {shown}; ", end="")
    print(f"a query of m p bits tells all apart from {study.least_size:.1f} bits on")
print("picture:", tr.figures.save(tr.figures.sparse_averaging_bits(bits)[0], out / "sparse_averaging_bits", kinds)[0])

sizes = model_sizes(range(4, 9), [8, 64, 512], sets=20, repeats=3) if quick else model_sizes()
last = sizes.matrices[-1]
print(f"average {sizes.sparsity} of {last.tokens} tokens: rank {last.rank}, {last.distinct_rows} different rows: ", end="")
print(f"recurrent models need {last.memory_bits:g} bits, linear ones {last.state_dimension} dimensions, ", end="")
print(f"feedforward ones a first layer of {last.first_layer_width}; as proved at every N: {sizes.as_proved}")
for unit in sizes.units:
    print(f"  N = {unit.tokens}: attention m = {unit.dimension} in float64, ", end="")
    print(f"m p = {unit.size} with m = {unit.dimension_at_bits} at p = {unit.bits} bits")
print(f"attention is smaller than N: m from {sizes.smaller_from('dimension')} tokens on, ", end="")
print(f"m p from {sizes.smaller_from('size')} on")
print("picture:", tr.figures.save(tr.figures.model_sizes(sizes)[0], out / "model_sizes", kinds)[0])

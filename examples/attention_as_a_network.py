"""Self-attention is one string of tensors with (3^L - 1) / 2 copies of the moment matrix of its tokens.

Builds the networks of depth 1 and 2, checks that contracting them over a finite field gives exactly what the forward
pass gives, for depths 1 to 3, and draws the first two.
Run: python examples/attention_as_a_network.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np

import tensorrank as tr
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.evaluate import forward_tokens
from tensorrank.attention.network import attention_network, attention_positions
from tensorrank.attention.weights import AttentionWeights

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

field, rng = PrimeField(2**31 - 1), np.random.default_rng(0)
for depth in (1, 2) if quick else (1, 2, 3):
    model = tr.SelfAttention(depth, width=2, heads=2)
    weights = {name: field.random(shape, rng) for name, (_, shape) in model.shapes.items()}
    tokens = field.random((model.tokens, model.width), rng)
    network = attention_network(model, weights, field.matmul(tokens.T, tokens), tokens[0])
    contracted = int(network.contract(field))
    forward = int(forward_tokens(AttentionWeights.of(weights, model.shapes), tokens[None], field)[0, 0, 0])
    print(f"depth {depth}: {len(network.tensors)} tensors, contracted {contracted}, forward pass {forward}")
    assert contracted == forward
    if depth < 3:
        figure, _ = network.picture(positions=attention_positions(network))
        print("picture:", tr.figures.save(figure, out / f"attention_depth_{depth}")[0])

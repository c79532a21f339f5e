"""Self-attention: without softmax as an exact architecture, with softmax in floating point, and bounds on its rank.

- `architecture` has `SelfAttention`, attention without softmax; `instance` is such a network over GF(p) with its
  weights fixed, and `weights` are these weights. `evaluate` computes values by tokens and by moments, `streaming` under
  a causal mask, both with the loops of `small_products`; `float_values` are values in floats.
- `higher_order` has `HigherOrderAttention`, whose heads look at several tokens at once.
- `softmax` has `SoftmaxAttention`. `stack` checks the sizes that both kinds of attention have.
- `bounds` collects what is proved or published about the separation rank: `large_counts` for networks of any size,
  `monomial` and `identity_weights` for lower bounds, `two_tokens` for the rank itself between two tokens. `containment`
  proves which networks contain others.
- `network` writes attention without softmax as an explicit tensor network.
- `trained` reads the attention layers of trained models.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["bounds"])

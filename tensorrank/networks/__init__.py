"""Tensor networks: labelled tensors that share legs, and what can be done with them.

- `network` has `TensorNetwork`: contraction, unfoldings, grids of values, description, picture.
- `tensors` has `Tensor`, and the checked base of a network with its legs and its plans; `entries` checks arrays.
- `expression` finds the order of pairwise contractions and what it costs; `contraction` carries it out, in float64 and
  exactly in GF(p), with the loops of `contraction_kernels`; `grid_plan` does so at many inputs at once.
- `cuts` has the minimum cut, an upper bound on every rank; `cut_spectrum` the singular values across a cut in floats;
  `function` the network as an architecture for `separation_rank`; `inner_product` the inner product of two networks, in
  logarithms.
- `canonical_polyadic`, `tensor_train` and `hierarchical_tucker` are the formats, which become networks (`formats`).
- `data_tensor` is the tensor of a data set, whose values become vectors by `embeddings`; `data_spectrum` has its
  singular values across a cut.
- `description` tells of a network in words, `picture` and `layout` show it.
"""

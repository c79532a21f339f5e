"""Tensor networks: labelled tensors, their contraction in floats and in GF(p), cuts, formats, pictures."""

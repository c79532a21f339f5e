"""Homogeneous mixtures: latent class, hidden Markov, latent tree, tensorial mixture and sum-product models."""

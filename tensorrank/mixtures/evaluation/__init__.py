"""Evaluation of mixtures: circuits of slots, log-densities, derivatives and samples."""

"""Mixture models in files, as plain values, and from other libraries."""

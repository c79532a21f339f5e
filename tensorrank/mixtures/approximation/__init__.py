"""Shallow approximations of deep mixtures: how many parts they need, step by step, and what they miss."""

"""Gaussian elimination over GF(p): ranks in memory and over files, and the products underneath."""

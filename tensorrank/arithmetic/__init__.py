"""Exact arithmetic over prime fields, rank there and in floating point, and the machine's resources."""

"""Mixture models fitted to data: expectation-maximisation on circuits, where it starts, and trees made for the data."""

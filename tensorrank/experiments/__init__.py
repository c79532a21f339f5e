"""Experiments: one file a question, answered by measured rows and findings in words."""

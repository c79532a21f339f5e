"""Counting models as transformers builds them: any family that it knows."""

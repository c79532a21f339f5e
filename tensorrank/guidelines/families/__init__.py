"""Families of transformers as data: where a config.json says what, and which weights a model then has."""

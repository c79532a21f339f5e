"""Multilinear circuits whose separation ranks are known."""

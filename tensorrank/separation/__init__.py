"""Separation ranks: partitions of the sites, the two methods that find ranks, and the standing of a result."""

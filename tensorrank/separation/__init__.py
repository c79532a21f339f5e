"""Separation ranks: partitions of the sites, the two methods that compute ranks, and the standing of a result."""

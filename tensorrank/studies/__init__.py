"""Studies: a plan over architectures, a store that survives interruption, the table of results."""

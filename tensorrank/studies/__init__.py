"""Studies: the ranks of many models, computed anywhere, and kept in a store that survives interruption."""

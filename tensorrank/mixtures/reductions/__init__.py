"""One mixture model as another: every reduction, what it costs, whether it is equal, and what forbids a smaller one."""

"""Sum-product networks: the model, its nodes, its evaluation, its cuts and its other forms."""

"""Self-attention without softmax: the architecture, its evaluation, its bounds."""

"""Attention layers that were trained elsewhere: their weights read, cut into heads, and handed to exact ranks.

- `layouts` says under which names models keep their attention weights, as data.
- `blocks` finds these names among all tensors of a model, and cuts the tensors into heads.
- `network` is the network that they make: without softmax for exact ranks, with softmax for numerical ones.
- `biases` carries biases exactly, by an input coordinate that is always 1.
- `adapters` reads PyTorch's modules and files of safetensors.
"""

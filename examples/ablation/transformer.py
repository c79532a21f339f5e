"""A causal transformer for characters, whose attention has a softmax or not."""

import math

import torch
from torch import nn
from torch.nn.functional import gelu, rms_norm, scaled_dot_product_attention


def rotations(length, head_dim):
    """Cosines and sines of the angles by which pairs of a head's coordinates turn from one position to the next.

    Shape (2, length, head_dim / 2); the pairs turn at rates from 1 down to about 1 / length.
    """
    rates = length ** -(torch.arange(head_dim // 2) / (head_dim // 2))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.cos(), angles.sin()])


def rotate(vectors, turned):
    """Turn each position's pairs, so that products of queries and keys depend on how far apart they are."""
    cosines, sines = turned[:, : vectors.shape[-2]]
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, first * sines + second * cosines], dim=-1)


class Layer(nn.Module):
    """Attention and a feed-forward network of width 4 d, each normalised before and added to its input: 12 d^2 weights.

    Without softmax a head is the sum of (q . k) v over a token and those before it, brought to unit size.
    """

    def __init__(self, width, heads, softmax):
        super().__init__()
        self.heads, self.softmax = heads, softmax
        self.attention_norm, self.forward_norm = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, tokens, turned):
        """From tokens to tokens, of shape (batch, length, width)."""
        batch, length, width = tokens.shape
        mapped = self.queries_keys_values(self.attention_norm(tokens)).view(batch, length, 3, self.heads, -1)
        queries, keys, values = mapped.permute(2, 0, 3, 1, 4)
        queries, keys = rotate(queries, turned), rotate(keys, turned)
        if self.softmax:
            seen = scaled_dot_product_attention(queries, keys, values, is_causal=True)
        else:
            products = (queries @ keys.transpose(2, 3)).tril() @ values
            seen = rms_norm(products, products.shape[-1:])
        tokens = tokens + self.mixed(seen.transpose(1, 2).reshape(batch, length, width))
        return tokens + self.down(gelu(self.up(self.forward_norm(tokens))))


class Transformer(nn.Module):
    """Characters to logits of the next ones; embeddings are shared with the output, positions are rotary."""

    def __init__(self, depth, width, *, heads, softmax, characters, length):
        super().__init__()
        self.scale = math.sqrt(width)
        self.embedding = nn.Embedding(characters, width)
        self.layers = nn.ModuleList(Layer(width, heads, softmax) for _ in range(depth))
        self.norm = nn.LayerNorm(width, bias=False)
        self.register_buffer("turned", rotations(length, width // heads), persistent=False)
        nn.init.normal_(self.embedding.weight, std=1 / self.scale)
        for name, weight in self.layers.named_parameters():
            if weight.ndim == 2:
                # What is added to the stream is smaller in deeper networks, so that its sum stays alike.
                added = name.endswith(("mixed.weight", "down.weight"))
                nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1] * (2 * depth if added else 1)))

    def forward(self, characters):
        """From whole numbers (batch, length) to logits (batch, length, characters)."""
        # Times sqrt(d) in, so that entries of the stream are about 1, and so are the logits out.
        tokens = self.embedding(characters) * self.scale
        for layer in self.layers:
            tokens = layer(tokens, self.turned)
        return self.norm(tokens) @ self.embedding.weight.T

"""Layouts: under which names attention layers keep their weights, for PyTorch's own layers and for models in use.

To read another model, add a line to `LAYOUTS`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The names of the tensors of one attention layer, as they end behind the name of the layer.

    Attributes:
        users: what keeps its weights in this way.
        inward: the names of W_Q, W_K and W_V; a single name where one tensor holds all three, one below the other.
        inward_biases: the names of their biases, or a single name.
        outward: the name of W_O.
        outward_bias: the name of its bias.
        by_head: whether the rows of a single tensor are ordered by heads: first those of the first W_K and W_V, behind
            those of all W_Q that share them, then those of the second.
        inputs_first: whether matrices may be stored as (inputs, outputs), as transformers' Conv1D does.
        scale: what scores are multiplied by before the softmax; None for 1 / sqrt(head_dim).
        unseen: what changes queries and keys and has no tensor, in words.
    """

    users: str
    inward: tuple[str, ...]
    inward_biases: tuple[str, ...]
    outward: str
    outward_bias: str
    by_head: bool = False
    inputs_first: bool = False
    scale: float | None = None
    unseen: str | None = None

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of the matrices, which every layer of this layout has."""
        return *self.inward, self.outward

    @property
    def biases(self) -> tuple[str, ...]:
        """The names of the biases, which a layer may have."""
        return *self.inward_biases, self.outward_bias


def _linear(users: str, inward: str, outward: str, **options: bool | float | str | None) -> Layout:
    """A layout of linear maps with these names, whose tensors are called weight and bias."""
    names = inward.split()
    weights, biases = (tuple(f"{name}.{kind}" for name in names) for kind in ("weight", "bias"))
    return Layout(users, weights, biases, f"{outward}.weight", f"{outward}.bias", **options)  # type: ignore[arg-type]


_APART = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
LAYOUTS = (
    Layout("torch.nn.MultiheadAttention", ("in_proj_weight",), ("in_proj_bias",), "out_proj.weight", "out_proj.bias"),
    Layout("torch.nn.MultiheadAttention, apart", _APART, ("in_proj_bias",), "out_proj.weight", "out_proj.bias"),
    _linear("GPT-2, nanoGPT", "c_attn", "c_proj", inputs_first=True),
    _linear("LLaMA, Mistral, Qwen, Gemma", "q_proj k_proj v_proj", "o_proj", unseen="rotary positions, if there are any"),
    _linear("OPT, GPT-J, BART, CLIP", "q_proj k_proj v_proj", "out_proj", unseen="rotary positions, if there are any"),
    _linear("Phi-3", "qkv_proj", "o_proj", unseen="rotary positions"),
    _linear("GPT-NeoX, BLOOM, Falcon", "query_key_value", "dense", by_head=True, unseen="rotary positions, or ALiBi"),
    _linear("BERT", "self.query self.key self.value", "output.dense"),
    _linear("ViT", "attention.query attention.key attention.value", "output.dense"),
    _linear("DistilBERT", "q_lin k_lin v_lin", "out_lin"),
    _linear("T5", "q k v", "o", scale=1.0),
    _linear("timm", "qkv", "proj"),
    _linear("the ablation's transformers", "queries_keys_values", "mixed", unseen="rotary positions"),
)

# Parts of the names of layers whose keys come from elsewhere.
CROSS_ATTENTION = ("cross", "encoder_attn", "EncDecAttention", "multihead_attn")

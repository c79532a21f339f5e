"""Keys of configurations that change neither which weights a model has nor how many, in any family.

Any other key has to be read by a family, or to be named by it: an unknown key may change the architecture.
"""

from __future__ import annotations

_OF_FILES = """
    architectures model_type auto_map transformers_version transformers.js_config torch_dtype dtype name_or_path
    torchscript adapters quantization_config unsloth_version unsloth_fixed is_llama_config license language tags
    tokenizer_class tokenizer_name model_max_length finetuning_task task_specific_params prefix
"""
_OF_RUNNING = """
    use_cache output_past cache_implementation use_bfloat16 return_dict use_return_dict output_attentions
    output_hidden_states attn_implementation use_flash_attn use_flash_attention_2 flash_attn fused_dense fused_mlp
    fused_bias_fc fp16 bf16 fp32 pretraining_tp gradient_checkpointing chunk_size_feed_forward pruned_heads is_decoder
    deterministic_flash_attn reference_compile repad_logits_with_grad
"""
# The heads of tasks and the output embedding are read where a class has them.
_OF_CLASSES = "id2label label2id num_labels problem_type tie_word_embeddings n_special predict_special_tokens"
_OF_ONE_NUMBER = """
    hidden_act hidden_activation activation_function activation dense_act_fn act_fn pooler_act pooler_hidden_act
    classifier_activation conv_act
"""
_OF_FUNCTIONS = """
    classifier_pooling logit_scale logits_scaling embedding_multiplier residual_multiplier
    scale_attn_weights scale_attn_by_inverse_layer_idx reorder_and_upcast_attn attn_logit_softcapping
    final_logit_softcapping query_pre_attn_scalar clip_qkv softmax_scale softmax_in_fp32 partial_rotary_factor
    original_max_position_embeddings position_embedding_type use_mrope use_parallel_residual seq_length layer_types
    use_sliding_window sliding_window sliding_window_size sliding_window_pattern max_window_layers
"""
_OF_TRAINING = """
    init_std output_router_logits router_aux_loss_coef router_jitter_noise router_z_loss_coef aux_loss_alpha seq_aux
    norm_topk_prob ep_size routed_scaling_factor scoring_func topk_method topk_group n_group label_smoothing layerdrop
    decoder_layerdrop encoder_layerdrop z_loss
"""
_OF_WRITING = """
    max_length max_new_tokens min_length min_new_tokens do_sample early_stopping num_beams num_beam_groups
    diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size
    encoder_no_repeat_ngram_size bad_words_ids num_return_sequences output_scores return_dict_in_generate
    remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens
"""
# Of functions of one number, which families name by these keys and by feed_forward_proj, these two have weights.
_WEIGHTED = ("prelu", "xielu")
_HARMLESS = frozenset(
    (_OF_FILES + _OF_RUNNING + _OF_CLASSES + _OF_ONE_NUMBER + _OF_FUNCTIONS + _OF_TRAINING + _OF_WRITING).split()
)
# Keys that begin or end so are notes of programs, numbers of tokens, scales of random first weights, parts of norms
# that only keep them from dividing by zero, and the parameters of rotary positions.
_BEGINNINGS = ("_", "rope_", "rotary_", "initializer_", "summary_")
_ENDINGS = ("_token_id", "_token_ids", "_token_index", "_pdrop", "_eps", "_epsilon")


def is_harmless(key: str) -> bool:
    """True if a key changes no count in any family.

    >>> is_harmless("bos_token_id"), is_harmless("num_experts")
    (True, False)
    """
    return key in _HARMLESS or key.startswith(_BEGINNINGS) or key.endswith(_ENDINGS) or "dropout" in key


def has_weights(key: str, value: object) -> bool:
    """True if a key names the function of a feed-forward network, and the function has weights.

    >>> has_weights("hidden_act", "xielu"), has_weights("feed_forward_proj", "gated-gelu")
    (True, False)
    """
    keys = (*_OF_ONE_NUMBER.split(), "feed_forward_proj")
    return key.rpartition(".")[2] in keys and isinstance(value, str) and value.lower().endswith(_WEIGHTED)

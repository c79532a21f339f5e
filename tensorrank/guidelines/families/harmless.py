"""Keys of configurations that change neither which weights a model has nor how many, in any family.

Any other key has to be read by a family, or to be named by it: an unknown key may change the architecture.
"""

from __future__ import annotations

_HARMLESS = frozenset(
    # what wrote the file, and for what it was loaded
    "architectures model_type transformers_version torch_dtype dtype name_or_path torchscript adapters auto_map "
    "quantization_config use_cache cache_implementation use_bfloat16 return_dict use_return_dict output_attentions "
    "output_hidden_states attn_implementation use_flash_attn use_flash_attention_2 flash_attn fused_dense fused_mlp "
    "fused_bias_fc use_fast fp16 bf16 fp32 pretraining_tp gradient_checkpointing license language tags vision "
    "finetuning_task problem_type id2label label2id num_labels task_specific_params prefix tokenizer_class "
    "output_past n_special predict_special_tokens transformers.js_config tokenizer_name is_llama_config init_std use_mrope "
    "sliding_window_size tie_word_embeddings unsloth_version unsloth_fixed is_decoder chunk_size_feed_forward pruned_heads model_max_length seq_length "
    "use_sliding_window sliding_window max_window_layers layer_types sliding_window_pattern "
    # functions without weights, and their numbers
    "hidden_act hidden_activation activation_function activation dense_act_fn act_fn logit_scale logits_scaling scale_attn_weights "
    "scale_attn_by_inverse_layer_idx reorder_and_upcast_attn attn_logit_softcapping final_logit_softcapping "
    "query_pre_attn_scalar clip_qkv rotary_dim rotary_pct rotary_emb_base rotary_emb_fraction partial_rotary_factor "
    "original_max_position_embeddings position_embedding_type use_parallel_residual softmax_scale softmax_in_fp32 "
    "classifier_pooling classifier_activation pooler_act pooler_hidden_act embedding_multiplier residual_multiplier "
    # training
    "output_router_logits router_aux_loss_coef router_jitter_noise router_z_loss_coef aux_loss_alpha seq_aux "
    "norm_topk_prob ep_size routed_scaling_factor scoring_func topk_method topk_group n_group label_smoothing "
    "layerdrop decoder_layerdrop encoder_layerdrop z_loss "
    # writing texts
    "max_length max_new_tokens min_length min_new_tokens do_sample early_stopping num_beams num_beam_groups "
    "diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size "
    "encoder_no_repeat_ngram_size bad_words_ids num_return_sequences output_scores return_dict_in_generate "
    "forced_bos_token_id forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens "
    "begin_suppress_tokens sep_token_id".split()
)
# Keys with these beginnings and endings are numbers of tokens, rates of dropout, scales of random first weights, parts
# of norms that only keep them from dividing by zero, and the parameters of rotary positions.
_BEGINNINGS = ("_", "rope_", "rotary_", "initializer_", "summary_", "embd_pdrop", "attn_pdrop", "resid_pdrop")
_ENDINGS = ("_token_id", "_token_ids", "_token_index", "dropout", "_dropout_prob", "_dropout_rate", "_pdrop", "_eps", "_epsilon")


def is_harmless(key: str) -> bool:
    """True if a key changes no count in any family.

    >>> is_harmless("bos_token_id"), is_harmless("num_experts")
    (True, False)
    """
    return key in _HARMLESS or key.startswith(_BEGINNINGS) or key.endswith(_ENDINGS) or "dropout" in key

"""The settings of every tiny checkpoint under `families/`: one entry per optional feature.

Names begin with the `model_type`. Sizes are odd where a family allows it (heads of 6 and 10 values,
head sizes that are not hidden/heads), windows and original contexts are shorter than the longest
sequence, and eps is large enough that forgetting it shows.
"""

from transformers import (FalconConfig, Gemma2Config, Gemma3TextConfig, GPT2Config, GPTNeoXConfig,
                          LlamaConfig, MistralConfig, Phi3Config, PhiConfig, Qwen2Config,
                          Qwen3Config, StableLmConfig)

CONFIG_CLASSES = {c.model_type: c for c in (
    LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config, PhiConfig, Phi3Config, Gemma2Config,
    Gemma3TextConfig, FalconConfig, GPTNeoXConfig, GPT2Config, StableLmConfig)}

WINDOW = 8
ORIGINAL_CONTEXT = 16


def rope(theta: float, kind: str = "default", **others) -> dict:
    return {"rope_type": kind, "rope_theta": theta, **others}


IDS = dict(vocab_size=41, bos_token_id=1, eos_token_id=2, pad_token_id=None)
BLOCKS = IDS | dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=4,
                    max_position_embeddings=64)
GATED = BLOCKS | dict(num_key_value_heads=2, intermediate_size=28, rms_norm_eps=1e-3)

# Eight frequencies of a small base: ramps of YaRN and the bands of llama3 then have inner points.
WIDE = GATED | dict(num_attention_heads=2, num_key_value_heads=1, head_dim=16, tie_word_embeddings=True)
YARN = dict(factor=4.0, original_max_position_embeddings=ORIGINAL_CONTEXT)
LLAMA = {
    "llama": GATED | dict(rope_parameters=rope(500.0)),
    "llama-mqa-tied": GATED | dict(num_attention_heads=3, num_key_value_heads=1, head_dim=10,
                                   tie_word_embeddings=True, rope_parameters=rope(10000.0)),
    "llama-attention-bias": GATED | dict(num_key_value_heads=4, attention_bias=True),
    "llama-mlp-bias": GATED | dict(num_key_value_heads=1, mlp_bias=True),
    "llama-linear": WIDE | dict(rope_parameters=rope(100.0, "linear", factor=4.0)),
    "llama-dynamic": WIDE | dict(max_position_embeddings=ORIGINAL_CONTEXT,
                                 rope_parameters=rope(100.0, "dynamic", factor=3.0)),
    "llama-llama3": WIDE | dict(rope_parameters=rope(
        100.0, "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=ORIGINAL_CONTEXT)),
    "llama-yarn": WIDE | dict(rope_parameters=rope(100.0, "yarn", **YARN)),
    "llama-yarn-attention-factor": WIDE | dict(rope_parameters=rope(
        100.0, "yarn", **YARN, attention_factor=0.7)),
    "llama-yarn-mscale": WIDE | dict(rope_parameters=rope(
        100.0, "yarn", **YARN, mscale=3.0, mscale_all_dim=0.5)),
    "llama-yarn-one-mscale": WIDE | dict(rope_parameters=rope(100.0, "yarn", **YARN, mscale=3.0)),
    "llama-yarn-no-truncate": WIDE | dict(rope_parameters=rope(
        100.0, "yarn", **YARN, truncate=False)),
    "llama-yarn-betas": WIDE | dict(rope_parameters=rope(
        100.0, "yarn", **YARN, beta_fast=0.75, beta_slow=0.25)),
}

MISTRAL = {
    "mistral": GATED | dict(sliding_window=None, head_dim=10, rope_parameters=rope(10000.0)),
    "mistral-window": GATED | dict(sliding_window=WINDOW, tie_word_embeddings=True),
}

QWEN = {
    "qwen2": GATED | dict(rope_parameters=rope(10000.0)),
    "qwen2-mqa-tied": GATED | dict(num_key_value_heads=1, tie_word_embeddings=True),
    "qwen2-window": GATED | dict(num_hidden_layers=3, use_sliding_window=True,
                                 sliding_window=WINDOW, max_window_layers=1,
                                 tie_word_embeddings=True),
    "qwen2-yarn": GATED | dict(num_attention_heads=2, num_key_value_heads=2,
                               rope_parameters=rope(100.0, "yarn", **YARN)),
    "qwen3": GATED | dict(head_dim=10, rope_parameters=rope(10000.0)),
    "qwen3-bias-window-tied": GATED | dict(
        num_key_value_heads=1, head_dim=8, attention_bias=True, num_hidden_layers=3,
        use_sliding_window=True, sliding_window=WINDOW, max_window_layers=2,
        tie_word_embeddings=True),
}

PHI_BLOCKS = BLOCKS | dict(intermediate_size=28, layer_norm_eps=1e-3)
LONG = dict(short_factor=[1.0, 1.25, 1.5], long_factor=[1.5, 3.0, 6.0])
PHI3 = GATED | dict(original_max_position_embeddings=64, pad_token_id=0)
PHI3_LONG = PHI3 | dict(original_max_position_embeddings=ORIGINAL_CONTEXT)
PHI = {
    "phi": PHI_BLOCKS | dict(hidden_size=32,
                             rope_parameters=rope(100.0, partial_rotary_factor=0.5)),
    "phi-qk-layernorm": PHI_BLOCKS | dict(
        hidden_size=20, num_attention_heads=2, num_key_value_heads=1, qk_layernorm=True,
        rope_parameters=rope(100.0, partial_rotary_factor=0.4)),
    "phi-tied": PHI_BLOCKS | dict(num_key_value_heads=2, tie_word_embeddings=True,
                                  rope_parameters=rope(100.0, partial_rotary_factor=1.0)),
    "phi3": PHI3 | dict(rope_parameters=rope(100.0)),
    "phi3-window-tied": PHI3 | dict(num_key_value_heads=4, sliding_window=WINDOW,
                                    tie_word_embeddings=True, rope_parameters=rope(100.0)),
    "phi3-longrope": PHI3_LONG | dict(rope_parameters=rope(100.0, "longrope", **LONG)),
    "phi3-longrope-partial": PHI3_LONG | dict(
        hidden_size=32, num_key_value_heads=1, tie_word_embeddings=True,
        rope_parameters=rope(100.0, "longrope", partial_rotary_factor=0.75, **LONG)),
    "phi3-longrope-attention-factor": PHI3_LONG | dict(rope_parameters=rope(
        100.0, "longrope", attention_factor=0.8, **LONG)),
}

GEMMA = GATED | dict(head_dim=10, pad_token_id=0, eos_token_id=1, bos_token_id=2,
                     query_pre_attn_scalar=5, sliding_window=WINDOW, num_hidden_layers=3)
GEMMA3 = {"sliding_attention": rope(100.0), "full_attention": rope(2000.0)}
GEMMAS = {
    "gemma2": GEMMA | dict(attn_logit_softcapping=3.0, final_logit_softcapping=4.0),
    "gemma2-no-softcap": GEMMA | dict(attn_logit_softcapping=None, final_logit_softcapping=None,
                                      num_key_value_heads=1),
    "gemma2-attention-softcap": GEMMA | dict(
        attn_logit_softcapping=3.0, final_logit_softcapping=None, head_dim=6,
        tie_word_embeddings=False),
    "gemma2-final-softcap": GEMMA | dict(
        attn_logit_softcapping=None, final_logit_softcapping=4.0, attention_bias=True,
        layer_types=["full_attention", "full_attention", "sliding_attention"]),
    "gemma3_text": GEMMA | dict(num_hidden_layers=4, sliding_window_pattern=3,
                                rope_parameters=GEMMA3),
    "gemma3_text-linear": GEMMA | dict(
        num_key_value_heads=1, head_dim=6,
        layer_types=["full_attention", "sliding_attention", "full_attention"],
        rope_parameters=GEMMA3 | {"full_attention": rope(2000.0, "linear", factor=8.0)}),
    "gemma3_text-softcap-untied": GEMMA | dict(
        attn_logit_softcapping=3.0, final_logit_softcapping=4.0, attention_bias=True,
        num_key_value_heads=4, tie_word_embeddings=False, sliding_window_pattern=2,
        rope_parameters=GEMMA3),
}

FALCON_BLOCKS = BLOCKS | dict(layer_norm_epsilon=1e-3, ffn_hidden_size=28,
                              rope_parameters=rope(100.0))
FALCON = {
    "falcon": FALCON_BLOCKS | dict(),
    "falcon-bias-untied": FALCON_BLOCKS | dict(bias=True, tie_word_embeddings=False,
                                               hidden_size=20, num_attention_heads=2),
    "falcon-sequential": FALCON_BLOCKS | dict(parallel_attn=False, bias=True),
    "falcon-sequential-heads": FALCON_BLOCKS | dict(parallel_attn=False, multi_query=False),
    "falcon-heads": FALCON_BLOCKS | dict(multi_query=False, bias=True),
    "falcon-new": FALCON_BLOCKS | dict(new_decoder_architecture=True, num_kv_heads=2),
    "falcon-new-one-norm": FALCON_BLOCKS | dict(
        new_decoder_architecture=True, num_kv_heads=1, num_ln_in_parallel_attn=1, bias=True),
}

NEOX_BLOCKS = BLOCKS | dict(intermediate_size=28, layer_norm_eps=1e-3)
NEOX = {
    "gpt_neox": NEOX_BLOCKS | dict(hidden_size=32,
                                   rope_parameters=rope(100.0, partial_rotary_factor=0.5)),
    "gpt_neox-sequential-tied": NEOX_BLOCKS | dict(
        use_parallel_residual=False, tie_word_embeddings=True,
        rope_parameters=rope(100.0, partial_rotary_factor=1.0)),
    "gpt_neox-no-bias": NEOX_BLOCKS | dict(
        attention_bias=False, hidden_act="gelu_new",
        rope_parameters=rope(100.0, partial_rotary_factor=0.7)),
    "gpt_neox-odd-rotary": NEOX_BLOCKS | dict(
        hidden_size=20, num_attention_heads=2,
        rope_parameters=rope(100.0, partial_rotary_factor=0.5)),
}

GPT2_BLOCKS = IDS | dict(n_embd=24, n_layer=2, n_head=4, n_positions=56, layer_norm_epsilon=1e-3,
                         n_inner=28)
GPT2 = {
    "gpt2": GPT2_BLOCKS | dict(n_inner=None, n_embd=20, n_head=2),
    "gpt2-inverse-layer": GPT2_BLOCKS | dict(n_layer=3, scale_attn_by_inverse_layer_idx=True,
                                             reorder_and_upcast_attn=True),
    "gpt2-unscaled-untied": GPT2_BLOCKS | dict(scale_attn_weights=False, tie_word_embeddings=False,
                                               activation_function="gelu"),
}

STABLELM_BLOCKS = PHI_BLOCKS | dict(num_key_value_heads=2)
STABLELM = {
    "stablelm": STABLELM_BLOCKS | dict(
        hidden_size=32, num_attention_heads=2, num_key_value_heads=2,
        rope_parameters=rope(100.0, partial_rotary_factor=0.25)),
    "stablelm-qkv-bias-tied": STABLELM_BLOCKS | dict(
        use_qkv_bias=True, tie_word_embeddings=True,
        rope_parameters=rope(100.0, partial_rotary_factor=0.7)),
    "stablelm-qk-layernorm": STABLELM_BLOCKS | dict(
        hidden_size=40, qk_layernorm=True, rope_parameters=rope(100.0, partial_rotary_factor=0.4)),
    "stablelm-parallel": STABLELM_BLOCKS | dict(
        num_key_value_heads=1, use_parallel_residual=True, qk_layernorm=True,
        rope_parameters=rope(100.0, partial_rotary_factor=1.0)),
}

VARIANTS = LLAMA | MISTRAL | QWEN | PHI | GEMMAS | FALCON | NEOX | GPT2 | STABLELM


def config_of(name: str):
    return CONFIG_CLASSES[name.split("-")[0]](**VARIANTS[name], attn_implementation="eager")

"""The same settings under the keys of transformers 4, as nearly all published checkpoints have."""


def legacy_config(config: dict) -> dict:
    out = dict(config)
    out["torch_dtype"] = out.pop("dtype")
    out["transformers_version"] = "4.46.0"
    family = out["model_type"]
    if family == "gpt2":
        return out
    rope = out.pop("rope_parameters")
    if family == "gemma3_text":
        _gemma3(out, rope)
        return out
    rope = dict(rope)
    theta, partial = rope.pop("rope_theta"), rope.pop("partial_rotary_factor", None)
    if family == "gpt_neox":
        out["rotary_emb_base"], out["rotary_pct"] = theta, partial
    else:
        out["rope_theta"] = theta
        if partial is not None:
            out["partial_rotary_factor"] = partial
    out["rope_scaling"] = _scaling(family, rope)
    if family in ("gemma2", "qwen2", "qwen3"):
        _without_layer_types(out)
    return out


def _scaling(family: str, rope: dict) -> dict | None:
    kind = rope.pop("rope_type")
    if kind == "default":
        return None
    if family == "phi3":
        rope.pop("original_max_position_embeddings", None)  # beside rope_scaling, not in it
        return {"type": kind, **rope}
    return {"type" if kind in ("linear", "dynamic") else "rope_type": kind, **rope}


def _without_layer_types(out: dict) -> None:
    alternating = ["full_attention" if i % 2 else "sliding_attention"
                   for i in range(out["num_hidden_layers"])]
    if out["model_type"] != "gemma2" or out["layer_types"] == alternating:
        del out["layer_types"]
    if out["model_type"] != "gemma2" and not out["use_sliding_window"]:
        out["sliding_window"] = 4  # published files name a window that is switched off


def _gemma3(out: dict, rope: dict) -> None:
    full, local = dict(rope["full_attention"]), rope["sliding_attention"]
    out["rope_theta"], out["rope_local_base_freq"] = full.pop("rope_theta"), local["rope_theta"]
    out["rope_scaling"] = None if full["rope_type"] == "default" else full
    for pattern in (2, 3):
        types = ["sliding_attention" if (i + 1) % pattern else "full_attention"
                 for i in range(out["num_hidden_layers"])]
        if out["layer_types"] == types:
            del out["layer_types"]
            out["sliding_window_pattern"] = pattern
            return

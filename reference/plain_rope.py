"""RoPE frequencies of every rope type in float64, written from their formulas.

Independent of transformers, which always computes them in float32.
"""

import math

import torch


def _llama3(rope: dict, frequency: float) -> float:
    # Turns that the pair makes over the original context decide how much it is slowed.
    turns = rope["original_max_position_embeddings"] * frequency / (2 * math.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    keep = min(1.0, max(0.0, (turns - low) / (high - low)))
    return keep * frequency + (1 - keep) * frequency / rope["factor"]


def _yarn(rope: dict, plain: list[float], dim: int) -> tuple[list[float], float]:
    def pair_with(turns: float) -> float:
        context = rope["original_max_position_embeddings"]
        return dim * math.log(context / (turns * 2 * math.pi)) / (2 * math.log(rope["rope_theta"]))

    low = pair_with(rope.get("beta_fast") or 32)
    high = pair_with(rope.get("beta_slow") or 1)
    if rope.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    # The upper bound is dim - 1 although there are only dim / 2 pairs, as in transformers.
    low, high = max(low, 0), min(high, dim - 1)
    if low == high:
        high += 0.001
    ramp = [min(1.0, max(0.0, (i - low) / (high - low))) for i in range(len(plain))]
    out = [f / rope["factor"] * r + f * (1 - r) for f, r in zip(plain, ramp)]

    def magnitude(weight: float) -> float:
        return 0.1 * weight * math.log(rope["factor"]) + 1 if rope["factor"] > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return out, rope["attention_factor"]
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return out, magnitude(rope["mscale"]) / magnitude(rope["mscale_all_dim"])
    return out, magnitude(1.0)


def _longrope(rope: dict, plain: list[float], config: dict, length: int) -> tuple[list, float]:
    original = config.get("original_max_position_embeddings",
                          rope.get("original_max_position_embeddings"))
    divisors = rope["long_factor"] if length > original else rope["short_factor"]
    ratio = rope.get("factor") or config["max_position_embeddings"] / original
    scale = rope.get("attention_factor")
    if scale is None:
        scale = math.sqrt(1 + math.log(ratio) / math.log(original)) if ratio > 1 else 1.0
    return [f / d for f, d in zip(plain, divisors)], scale


def rope_frequencies(rope: dict, head_dim: int, config: dict,
                     length: int) -> tuple[torch.Tensor, float]:
    """(frequencies [pairs], factor of cos and sin) for a sequence of `length` tokens."""
    dim, kind = int(head_dim * rope.get("partial_rotary_factor", 1.0)), rope["rope_type"]
    base = rope["rope_theta"]
    if kind == "dynamic":
        context, factor = config["max_position_embeddings"], rope["factor"]
        base *= (factor * max(length, context) / context - (factor - 1)) ** (dim / (dim - 2))
    plain, scale = [base ** (-i / dim) for i in range(0, dim, 2)], 1.0
    if kind == "linear":
        plain = [f / rope["factor"] for f in plain]
    elif kind == "llama3":
        plain = [_llama3(rope, f) for f in plain]
    elif kind == "yarn":
        plain, scale = _yarn(rope, plain, dim)
    elif kind == "longrope":
        plain, scale = _longrope(rope, plain, config, length)
    elif kind not in ("default", "dynamic"):
        raise ValueError(f"rope type {kind}")
    return torch.tensor(plain, dtype=torch.float64), scale
